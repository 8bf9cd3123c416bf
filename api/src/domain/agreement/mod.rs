//! The agreement (patientkontrakt): its life and its versions.

pub mod content;
