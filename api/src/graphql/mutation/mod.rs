//! Everything that can be done, a room per noun.

mod agreement;
mod battery;
mod beginning;
mod booking;
mod call;
mod contact;
mod payload;
mod plan;
mod relation;
mod reminder;
mod task;
mod thread;

use async_graphql::MergedObject;

/// Everything that can be done: one mutation per business action.
#[derive(Default, MergedObject)]
pub struct Mutation(
    agreement::AgreementMutation,
    battery::BatteryMutation,
    beginning::BeginningMutation,
    booking::BookingMutation,
    call::CallMutation,
    contact::ContactMutation,
    plan::PlanMutation,
    relation::RelationMutation,
    reminder::ReminderMutation,
    task::TaskMutation,
    thread::ThreadMutation,
);
