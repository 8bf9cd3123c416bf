//! The test harness: what every test of the service stands on.

pub mod app;
pub mod database;
mod postgres;
pub mod smtp;
mod sqlite;
pub mod world;

pub use app::{Answer, TestApp};
pub use world::{Staff, TestPatient, World, relate};
