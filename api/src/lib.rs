//! The patientkontrakt service as a library: the binary and the tests drive the same parts.

pub mod clock;
