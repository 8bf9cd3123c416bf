//! The objects of the schema that are plain data, by room.

pub mod agreement;
pub mod assent;
pub mod battery;
pub mod beginning;
pub mod booking;
pub mod calendar;
pub mod calls;
pub mod clash;
pub mod content;
pub mod enums;
pub mod history;
pub mod life;
pub mod messages;
pub mod news;
pub mod objection;
pub mod overlay;
pub mod people;
pub mod reminders;
pub mod representative;
pub mod schedule;
pub mod tasks;
pub mod template;
pub mod time_wish;
pub mod versions;
pub mod visits;
