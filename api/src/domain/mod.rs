//! The business rules and use cases, one folder per noun. Nothing here knows of GraphQL or HTTP.

pub mod act;
pub mod agreement;
pub mod patient;
pub mod phone;
