//! The transport: GraphQL over HTTP and WebSocket, and the probes of operators.

#[cfg(test)]
mod audit;
pub mod graphql;
pub mod health;
pub mod outbox_page;
pub mod ws;
