//! The patientkontrakt service as a library: the binary and the tests drive the same parts.

// The optimised build computes the layout of one mutation's future through every layer it runs in.
#![recursion_limit = "256"]

pub mod access;
pub mod app;
pub mod auth;
pub mod calendar;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod db;
pub mod domain;
pub mod engine;
pub mod error;
pub mod events;
pub mod fault;
pub mod graphql;
pub mod http;
pub mod library;
pub mod locale;
pub mod reminder;
pub mod seed;
pub mod session;
pub mod telemetry;
