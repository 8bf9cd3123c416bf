//! The read models: what an operation asks for, in few flat statements, into plain objects.

pub mod access_log;
pub mod appointment;
pub mod assent;
pub mod battery;
pub mod beginning;
pub mod calendar_feed;
pub mod call;
pub mod candidates;
pub mod cols;
pub mod contact;
pub mod contact_work;
pub mod desk;
pub mod history;
pub mod history_words;
pub mod life;
pub mod node;
pub mod overlay;
pub mod plan;
pub mod preference;
pub mod representative;
pub mod steps;
pub mod task;
pub mod template;
pub mod unit;
pub mod version;
pub mod visits;
