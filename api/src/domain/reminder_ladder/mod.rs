//! Which reminders a unit sends: its own choice, for all its appointments or for one kind of them.

pub mod rules;
pub mod set;
