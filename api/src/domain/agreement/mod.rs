//! The agreement (patientkontrakt): its life and its versions.
//!
//! A version is written as a draft, proposed (fixed by its digest), assented to by both sides, in force, and at last
//! replaced. The version in force stays in force until its successor has both assents.

pub mod assent;
pub mod canonical;
pub mod change;
pub mod choose;
pub mod compare;
pub mod consent;
pub mod content;
pub mod content_edit;
pub mod content_rules;
pub mod counter;
pub mod create;
mod decided_against;
pub mod decline;
mod decline_rules;
mod declined;
pub mod difference;
pub mod edit;
pub mod end;
mod ended;
pub mod gaps;
pub mod group_set;
pub mod guardians;
mod heard;
mod may_say_no;
pub(super) mod members;
pub mod object;
pub mod objection;
pub mod oral;
pub mod patient_group;
pub mod proposal;
pub mod propose;
pub mod revise;
pub mod rules;
pub mod signal;
pub(super) mod standing;
mod taken_back;
mod told;
pub mod unanswered;
pub mod undecided;
pub mod version;
pub mod waiting;
pub mod withdraw;
mod wording;
mod words;

#[cfg(test)]
mod difference_tests;
#[cfg(test)]
mod edit_tests;
#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod rules_tests;
