//! Templates (vårdförlopp) in use: their items and texts put into a plan, with times counted from an anchor date.

pub mod apply;
pub mod calls;
pub mod dates;
pub mod discharge;
mod words;
