//! Everything that can be done, a room per noun.

mod agreement;
mod agreement_edit;
mod appointment_type;
mod assent;
mod battery;
mod beginning;
mod booking;
mod calendar;
mod call;
mod concern;
mod contact;
mod contact_absence;
mod contact_request;
mod goal_life;
mod guarantee;
mod item_life;
mod overlay;
mod patient;
mod payload;
mod plan;
mod plan_edit;
mod relation;
mod reminder;
mod representative;
mod schedule;
mod schedule_preview;
mod slot_hold;
mod staff_notice;
mod task;
mod template;
mod thread;
mod time_wish;

use async_graphql::MergedObject;

pub use schedule::SchedulePatternInput;
pub use schedule_preview::{SchedulePreview, schedule_preview};

/// Everything that can be done: one mutation per business action.
// In a few groups, not one long row: a merged object is a chain, and the compiler and every call go down the whole of it.
#[derive(Default, MergedObject)]
pub struct Mutation(CoCreation, Plan, People, Everyday);

/// Drawing up the agreement and agreeing to it.
#[derive(Default, MergedObject)]
struct CoCreation(
    agreement::AgreementMutation,
    agreement_edit::AgreementEditMutation,
    assent::AssentMutation,
    battery::BatteryMutation,
    beginning::BeginningMutation,
    overlay::OverlayMutation,
    template::TemplateMutation,
);

/// The plan and what becomes of it.
#[derive(Default, MergedObject)]
struct Plan(
    concern::ConcernMutation,
    goal_life::GoalLifeMutation,
    guarantee::GuaranteeMutation,
    item_life::ItemLifeMutation,
    plan::PlanMutation,
    plan_edit::PlanEditMutation,
);

/// Who the patient is, who cares, and who acts for whom.
#[derive(Default, MergedObject)]
struct People(
    contact::ContactMutation,
    contact_absence::ContactAbsenceMutation,
    contact_request::ContactRequestMutation,
    patient::PatientMutation,
    relation::RelationMutation,
    representative::RepresentativeMutation,
);

/// Times, messages, calls and tasks.
#[derive(Default, MergedObject)]
struct Everyday(
    appointment_type::AppointmentTypeMutation,
    booking::BookingMutation,
    calendar::CalendarMutation,
    call::CallMutation,
    reminder::ReminderMutation,
    schedule::ScheduleMutation,
    slot_hold::SlotHoldMutation,
    staff_notice::StaffNoticeMutation,
    task::TaskMutation,
    thread::ThreadMutation,
    time_wish::TimeWishMutation,
);
