//! The objects of the schema that are plain data, by room.

pub mod agreement;
pub mod battery;
pub mod booking;
pub mod enums;
pub mod messages;
pub mod people;
pub mod tasks;
