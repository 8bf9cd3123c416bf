//! Who asks, and what they may: tokens, actors and the policy.

pub mod actor;
pub mod issue;
pub mod jwks;
pub mod policy;
pub mod resolve;
pub mod token;
