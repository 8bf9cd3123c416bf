//! The agreement (patientkontrakt): its life and its versions.
//!
//! A version is written as a draft, proposed (fixed by its digest), assented to by both sides, in force, and at last
//! replaced. The version in force stays in force until its successor has both assents.

pub mod addition;
pub mod assent;
pub mod canonical;
pub mod consent;
pub mod content;
pub mod create;
pub mod end;
mod members;
pub mod patient_group;
pub mod propose;
pub mod rules;
pub mod signal;
pub mod version;

#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod rules_tests;
