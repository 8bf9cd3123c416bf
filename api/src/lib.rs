//! The patientkontrakt service as a library: the binary and the tests drive the same parts.

pub mod calendar;
pub mod clock;
pub mod domain;
pub mod http;
pub mod locale;
pub mod reminder;
