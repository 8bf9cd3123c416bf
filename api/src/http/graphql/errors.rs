//! Errors that the transport itself answers with: each has a code a client can rely on and a text for its developer.

use async_graphql::parser::Pos;
use async_graphql::{ErrorExtensionValues, ServerError};
use axum::http::StatusCode;

/// The codes of `extensions.code` that the transport gives out.
pub mod code {
    pub const BAD_REQUEST: &str = "BAD_REQUEST";
    pub const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
    pub const INTERNAL: &str = "INTERNAL";
    pub const INTROSPECTION_DISABLED: &str = "INTROSPECTION_DISABLED";
    pub const LIMIT_EXCEEDED: &str = "LIMIT_EXCEEDED";
    pub const METHOD_NOT_ALLOWED: &str = "METHOD_NOT_ALLOWED";
    pub const NOT_ACCEPTABLE: &str = "NOT_ACCEPTABLE";
    pub const OPERATION_RESOLUTION_FAILURE: &str = "OPERATION_RESOLUTION_FAILURE";
    pub const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
    pub const PAYLOAD_TOO_LARGE: &str = "PAYLOAD_TOO_LARGE";
    pub const PERSISTED_QUERY_HASH_MISMATCH: &str = "PERSISTED_QUERY_HASH_MISMATCH";
    pub const PERSISTED_QUERY_NOT_FOUND: &str = "PERSISTED_QUERY_NOT_FOUND";
    pub const QUERY_TOO_COMPLEX: &str = "QUERY_TOO_COMPLEX";
    pub const RATE_LIMITED: &str = "RATE_LIMITED";
    pub const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
    /// The caller is known, but may not do this for anyone.
    pub const FORBIDDEN: &str = "FORBIDDEN";
    pub const UNAVAILABLE: &str = "UNAVAILABLE";
    pub const UNSUPPORTED_MEDIA_TYPE: &str = "UNSUPPORTED_MEDIA_TYPE";
    pub const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
}

/// An error with its code.
pub fn coded(code: &str, message: impl Into<String>) -> ServerError {
    coded_at(code, message, [])
}

/// An error with its code and the places of the document it speaks of.
pub fn coded_at(
    code: &str,
    message: impl Into<String>,
    locations: impl IntoIterator<Item = Pos>,
) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.locations = locations.into_iter().collect();
    set_code(&mut error, code);
    error
}

/// Gives an error its code; one that it has already is replaced.
pub fn set_code(error: &mut ServerError, code: &str) {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
}

/// The code of an error, if it has one.
pub fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        async_graphql::Value::String(code) => Some(code),
        async_graphql::Value::Enum(code) => Some(code),
        _ => None,
    }
}

/// A request that is answered without running anything. Invariant: `errors` is not empty.
#[derive(Debug)]
pub struct Refusal {
    /// The status towards a client that takes `application/graphql-response+json`.
    pub status: StatusCode,
    /// The status towards a client that takes only `application/json`, where a well-formed request is always 200.
    pub legacy: StatusCode,
    pub errors: Vec<ServerError>,
}

impl Refusal {
    /// The request itself is wrong: the same status for both media types.
    pub fn transport(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status, legacy: status, errors: vec![coded(code, message)] }
    }

    /// The request is well-formed, its GraphQL is not.
    pub fn graphql(errors: Vec<ServerError>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, legacy: StatusCode::OK, errors }
    }

    /// Not a GraphQL request at all.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::transport(StatusCode::BAD_REQUEST, code::BAD_REQUEST, message)
    }
}

impl From<ServerError> for Refusal {
    fn from(error: ServerError) -> Self {
        Self::graphql(vec![error])
    }
}
