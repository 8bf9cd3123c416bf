//! Where each text is sealed: the names under which the service opens it again.
//!
//! A text that is sealed under another name opens nowhere, so this is the one list that seeding writes by.

pub use crate::domain::{
    patient::IDENTITY_LOOKUP,
    reminder_preference::set::ADDRESS,
    thread::{BODY, SUBJECT},
};

pub const NUMBER: &str = "patient_identity.number";
pub const ACCESS_NEEDS: &str = "patient.access_needs";
pub const CONTENT: &str = "agreement_version.content";
pub const GOAL: &str = "goal_revision.text";
pub const TITLE: &str = "plan_item_revision.title";
pub const DESCRIPTION: &str = "plan_item_revision.description";
pub const RELATIVE_NAME: &str = "plan_item_revision.relative_name";
pub const TRIGGER: &str = "plan_item_revision.trigger";
pub const RESULT_HOW: &str = "plan_item_revision.result_how";
pub const STATUS_REASON: &str = "plan_item.status_reason";
pub const WORK_NOTE: &str = "plan_item.work_note";
pub const PHONE: &str = "care_contact.phone";
pub const HOW_TO_REACH: &str = "care_contact.how_to_reach";
pub const END_REASON: &str = "care_contact.end_reason";
