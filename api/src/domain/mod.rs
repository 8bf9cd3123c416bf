//! The business rules and use cases, one folder per noun. Nothing here knows of GraphQL or HTTP.

pub mod act;
pub mod agreement;
pub mod booking;
pub mod notice;
pub mod patient;
pub mod phone;
pub mod reminder_preference;
pub mod thread;
