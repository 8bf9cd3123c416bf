//! The integration tests: one binary, one module per feature.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod access;
mod acts;
mod agreement;
mod agreement_around;
mod agreement_beginning;
mod agreement_choose;
mod agreement_overlay;
mod assents;
mod bad_input;
mod battery;
mod booking;
mod both_sides;
mod calendar_feed;
mod call_log;
mod contact;
mod contacts;
mod content;
mod cost;
mod counter;
mod deceased;
mod life;
mod plan_item;
mod plan_life;
mod process;
mod reading;
mod relation;
mod reminder_mail;
mod reminders;
mod revise;
mod rules;
mod samples;
mod schema;
mod seed;
mod smtp;
mod surface;
mod task;
mod template;
mod thread;
mod thread_roles;
mod versions;
mod visits;
