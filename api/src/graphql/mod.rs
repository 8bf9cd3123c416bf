//! The GraphQL schema: thin resolvers over the read models and the use cases.

pub mod agreement;
pub mod assignment;
pub mod care_unit;
pub mod mutation;
pub mod node;
pub mod page;
pub mod patient;
pub mod plain;
pub mod query;
pub mod read;
pub mod scalars;
pub mod schema;
pub mod slots;
pub mod subscription;
pub mod thread;
pub mod types;
pub mod user_error;
