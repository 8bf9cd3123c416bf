//! Guardians' reminders of a child's times: a guardian is reminded instead of the child, as long as they see the times.

pub mod set;

/// Column that holds a guardian's address.
pub const ADDRESS: &str = "guardian_reminder.address";
