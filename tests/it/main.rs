//! The integration tests: one binary, one module per feature.

mod acts;
mod agreement;
mod booking;
mod contact;
mod plan_item;
mod reading;
mod relation;
mod reminders;
mod schema;
mod seed;
mod smtp;
mod thread;
