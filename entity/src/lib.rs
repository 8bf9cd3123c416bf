//! The tables of patientkontrakt, one file each: columns, their enums and typed ids. No rules, no GraphQL.
//!
//! Every row of patient data carries the care unit and care provider that own it (`care_unit_id`,
//! `care_provider_id`): access rules compile to conditions on these columns. Instants are UTC
//! ([`sea_orm::prelude::DateTimeUtc`]) because SQLite compares them as text.

#[macro_use]
mod text_enum;

pub mod id;
pub mod sealed;

pub mod access_assessment;
pub mod access_event;
pub mod access_event_patient;
pub mod agreement;
pub mod agreement_offer;
pub mod agreement_request;
pub mod agreement_request_pass;
pub mod agreement_version;
pub mod appointment;
pub mod appointment_type;
pub mod assignment;
pub mod battery_answer;
pub mod battery_answer_set;
pub mod calendar_feed;
pub mod care_contact;
pub mod care_provider;
pub mod care_relation;
pub mod care_unit;
pub mod change_entry;
pub mod channel_pause;
pub mod channel_set;
pub mod contact_absence;
pub mod contact_function_rule;
pub mod contact_offer;
pub mod contact_request;
pub mod contact_request_pass;
pub mod contact_way;
pub mod data_key;
pub mod domain_event;
pub mod goal;
pub mod goal_revision;
pub mod guarantee_pause;
pub mod guardian_exception;
pub mod guardian_reminder;
pub mod idempotency_key;
pub mod item_concern;
pub mod left_slot;
pub mod notice;
pub mod occupancy;
pub mod patient;
pub mod patient_identity;
pub mod patient_undecided;
pub mod phone_call;
pub mod phone_call_attempt;
pub mod plan_item;
pub mod plan_item_mark;
pub mod plan_item_revision;
pub mod plan_link;
pub mod progress_note;
pub mod question_battery;
pub mod register_event;
pub mod reminder_ladder;
pub mod reminder_preference;
pub mod representative;
pub mod safety_instruction;
pub mod schedule;
pub mod schedule_staff;
pub mod seat_claim;
pub mod sending_hold;
pub mod sending_mark;
pub mod slot;
pub mod slot_staff;
pub mod staff_member;
pub mod staff_notice;
pub mod task;
pub mod template_item;
pub mod template_use;
pub mod thread;
pub mod thread_message;
pub mod thread_read;
pub mod time_offer;
pub mod time_wish;
pub mod version_assent;
pub mod version_goal;
pub mod version_item;
pub mod version_objection;
pub mod worker_beat;

pub use id::*;
pub use sealed::{LookupHash, Sealed};
