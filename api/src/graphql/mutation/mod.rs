//! Everything that can be done, a room per noun.

pub mod booking;
pub mod reminder;
pub mod thread;

use async_graphql::MergedObject;

/// Everything that can be done: one mutation per business action.
#[derive(Default, MergedObject)]
pub struct Mutation(booking::BookingMutation, reminder::ReminderMutation, thread::ThreadMutation);
