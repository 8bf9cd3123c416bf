//! The GraphQL schema: thin resolvers over the read models and the use cases.

pub mod plain;
pub mod scalars;
pub mod types;
pub mod user_error;
