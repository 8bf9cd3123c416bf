//! The sweep: what nobody acts on is found by the service itself, and raised to somebody.
//!
//! Each room has a function that looks for its own orphans and raises tasks. Raising is idempotent, so a sweep may
//! run at any time, twice, and on several instances at once.

use crate::{error::Fault, session::Core};

/// What one sweep raised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub raised: usize,
}

/// Looks once in every room.
///
/// # Errors
/// When the database does not answer. What was raised until then stands.
#[expect(clippy::unused_async, reason = "the rooms that are swept add themselves")]
pub async fn run(_core: &Core) -> Result<Swept, Fault> {
    Ok(Swept::default())
}
