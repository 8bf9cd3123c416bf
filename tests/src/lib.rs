//! The test harness: what every test of the service stands on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a harness that cannot go on has failed its test"
)]

pub mod app;
pub mod database;
pub mod ical;
pub mod kannel;
mod postgres;
pub mod process;
pub mod proxy;
mod python;
pub mod sink;
pub mod smtp;
mod sqlite;
pub mod world;

pub use app::{Answer, TestApp, mutation};
pub use world::{Ombud, Staff, TestPatient, World, child, colleague, neighbour, relate, represent};
