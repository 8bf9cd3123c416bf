//! GraphQL over HTTP.

pub mod collect;
pub mod errors;
pub mod limits;
pub mod shape;
pub mod types;

#[cfg(test)]
mod tests;
