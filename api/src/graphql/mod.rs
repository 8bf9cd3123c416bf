//! The GraphQL schema: thin resolvers over the read models and the use cases.

pub mod agreement;
pub mod assignment;
pub mod care_unit;
mod listening;
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
mod thread_messages;
pub mod types;
pub mod user_error;
