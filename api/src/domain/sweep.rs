//! The sweep: what nobody acts on is found by the service itself, and raised to somebody.
//!
//! Each room has a function that looks for its own orphans and raises tasks. Raising is idempotent, so a sweep may
//! run at any time, twice, and on several instances at once.

use crate::{
    auth::actor::Actor,
    domain::{agreement, contact, next_step, task, template, thread},
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

/// Looks once in every room.
///
/// # Errors
/// When the database does not answer. What was raised until then stands.
pub async fn run(core: &Core) -> Result<Swept, Fault> {
    let session = Session::new(core.clone(), Actor::System, Locale::default(), "sweep".to_owned());
    agreement::waiting::sweep(&session).await?;
    let raised = contact::sweep::run(&session).await?
        + next_step::sweep(&session).await?
        + template::calls::sweep(&session).await?;
    thread::answerer::sweep(&session).await?;
    // Last: what was raised just now may be late already.
    let risen = task::rise::sweep(&session).await?;
    Ok(Swept { raised, risen })
}
