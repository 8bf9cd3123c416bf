//! The integration tests: one binary, one module per feature.

mod acts;
mod agreement;
mod contact;
mod plan_item;
mod reading;
mod relation;
mod schema;
mod seed;
mod smtp;
