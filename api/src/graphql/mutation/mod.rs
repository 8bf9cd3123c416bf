//! Everything that can be done, a room per noun.

mod agreement;
mod agreement_edit;
mod assent;
mod battery;
mod beginning;
mod booking;
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
mod task;
mod template;
mod thread;

use async_graphql::MergedObject;

/// Everything that can be done: one mutation per business action.
#[derive(Default, MergedObject)]
pub struct Mutation(
    agreement::AgreementMutation,
    agreement_edit::AgreementEditMutation,
    assent::AssentMutation,
    battery::BatteryMutation,
    beginning::BeginningMutation,
    booking::BookingMutation,
    call::CallMutation,
    concern::ConcernMutation,
    contact::ContactMutation,
    contact_absence::ContactAbsenceMutation,
    contact_request::ContactRequestMutation,
    goal_life::GoalLifeMutation,
    guarantee::GuaranteeMutation,
    item_life::ItemLifeMutation,
    overlay::OverlayMutation,
    patient::PatientMutation,
    plan::PlanMutation,
    plan_edit::PlanEditMutation,
    relation::RelationMutation,
    reminder::ReminderMutation,
    representative::RepresentativeMutation,
    task::TaskMutation,
    template::TemplateMutation,
    thread::ThreadMutation,
);
