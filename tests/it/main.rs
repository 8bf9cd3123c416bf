//! The integration tests: one binary, one module per feature.

mod reading;
mod schema;
mod smtp;
