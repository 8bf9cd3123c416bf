//! The GraphQL schema: thin resolvers over the read models and the use cases.

pub mod page;
pub mod plain;
pub mod read;
pub mod scalars;
pub mod types;
pub mod user_error;
