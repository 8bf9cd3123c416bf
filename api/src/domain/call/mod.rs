//! The call log (samtalslista): calls that were made, and calls that were promised.
//!
//! A promised call is a task of the unit until somebody has called: reached, tried again at another time, or given up,
//! each attempt in writing.

pub mod add;
pub mod made;
