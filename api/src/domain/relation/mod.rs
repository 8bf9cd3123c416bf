//! Care relations (vårdrelationer): why staff of a unit may reach a patient.

pub mod register;
