//! The test harness: what every test of the service stands on.

pub mod database;
mod postgres;
pub mod smtp;
mod sqlite;
