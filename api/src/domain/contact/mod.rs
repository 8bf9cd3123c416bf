//! Care contacts: fast vårdkontakt, fast läkarkontakt and the other roles.

pub mod appoint;
pub mod end;
pub mod rules;
