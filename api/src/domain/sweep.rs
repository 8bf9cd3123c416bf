//! The sweep: what nobody acts on is found by the service itself, and raised to somebody.
//!
//! Each room has a function that looks for its own orphans and raises tasks. Raising is idempotent, so a sweep may
//! run at any time, twice, and on several instances at once.

use crate::{
    auth::actor::Actor,
    domain::{
        agreement, booking, contact, next_step, notice, plan_item, schedule, staff_notice, task, template,
        thread, time_wish,
    },
    error::Fault,
    locale::Locale,
    session::{Core, Session},
};

/// What one sweep raised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Tasks that are new.
    pub raised: usize,
    /// Tasks that rose to the manager of their unit.
    pub risen: usize,
}

/// Looks once in every room. What goes wrong in one stands in no other's way.
///
/// # Errors
/// The first fault, when every room has been looked into. What was raised stands.
pub async fn run(core: &Core) -> Result<Swept, Fault> {
    let session = &Session::new(core.clone(), Actor::System, Locale::default(), "sweep".to_owned());
    let mut rooms = Rooms::default();
    rooms.saw("agreements that wait", agreement::waiting::sweep(session).await);
    let raised = rooms.saw("contacts", contact::sweep::run(session).await)
        + rooms.saw("proposals without an answer", agreement::unanswered::sweep(session).await)
        + rooms.saw("next steps", next_step::sweep(session).await)
        + rooms.saw("what care owes", plan_item::owed::sweep(session).await)
        + rooms.saw("calls", template::calls::sweep(session).await)
        + rooms.saw("outcomes", booking::outcome::sweep(session).await)
        + rooms.saw("times of who is away", booking::away_calls::sweep(session).await)
        + rooms.saw("wishes", time_wish::sweep::run(session).await);
    rooms.saw("threads", thread::stand_in::sweep(session).await);
    rooms.saw("who is told of a child's times", notice::comes_of_age::sweep(session).await);
    rooms.saw("what is planned by other channels", notice::channels::sweep(session).await);
    rooms.saw("notices to staff", staff_notice::sweep::run(session).await);
    rooms.saw("schedules", schedule::extend::sweep(session).await);
    // Last: what was raised just now may be late already.
    let risen = rooms.saw("tasks", task::rise::sweep(session).await);
    rooms.first_fault.map_or(Ok(Swept { raised, risen }), Err)
}

#[derive(Default)]
struct Rooms {
    first_fault: Option<Fault>,
}

impl Rooms {
    /// How many were found in a room; none where the look failed.
    fn saw(&mut self, room: &str, found: Result<usize, Fault>) -> usize {
        found.unwrap_or_else(|fault| {
            tracing::error!(room, error = %fault, "a part of the sweep did not come to its end");
            self.first_fault.get_or_insert(fault);
            0
        })
    }
}
