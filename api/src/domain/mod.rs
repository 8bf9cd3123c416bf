//! The business rules and use cases, one folder per noun. Nothing here knows of GraphQL or HTTP.

pub mod act;
pub mod agreement;
pub mod battery;
pub mod booking;
pub mod call;
pub mod contact;
pub mod goal;
pub mod history;
pub mod next_step;
pub mod notice;
pub mod offer;
pub mod patient;
pub mod phone;
pub mod plan_item;
pub mod plan_link;
pub mod progress_note;
pub mod relation;
pub mod reminder_preference;
pub mod representative;
pub mod request;
pub mod safety;
pub mod sweep;
pub mod task;
pub mod template;
pub mod text;
pub mod thread;
