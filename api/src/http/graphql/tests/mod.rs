//! The transport, driven over a toy schema.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod collecting;
mod equivalence;
mod http;
mod limiting;
mod rating;
pub mod toy;
