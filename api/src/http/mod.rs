//! The transport: GraphQL over HTTP.

pub mod graphql;
pub mod health;
