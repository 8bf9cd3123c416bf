//! Templates (vårdförlopp) in use: their items and texts put into a plan, with times counted from an anchor date.

pub mod dates;
