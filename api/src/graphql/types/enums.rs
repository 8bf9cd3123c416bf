//! The enums of the schema, by room: one for each stored enum that clients see.

mod agreement;
mod booking;
mod contact;
mod people;
mod plan;

pub use self::{agreement::*, booking::*, contact::*, people::*, plan::*};
