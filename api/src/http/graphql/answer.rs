//! What leaves the service: errors with codes, faults masked, the data in its shape, and the HTTP status that goes
//! with it.

use std::collections::BTreeMap;

use async_graphql::{Response, ServerError, Value};
use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Response as HttpResponse, StatusCode};
use serde::Serialize;

use super::collect::Collected;
use super::documents::Documents;
use super::errors::{Refusal, code, code_of, coded, set_code};
use super::request::Media;

/// A GraphQL response as it is written. Invariant: there is data, or at least one error.
#[derive(Debug, Serialize)]
pub struct Answer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ServerError>,
    /// `None` when nothing was executed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, Value>,
}

impl Answer {
    /// From errors alone: nothing was executed.
    pub fn refused(errors: Vec<ServerError>) -> Self {
        Self { errors, data: None, extensions: BTreeMap::new() }
    }

    /// From what the executor gave: shape repaired, every error with a code, faults masked and logged.
    pub fn of(response: Response, plan: &Collected, documents: &Documents, request_id: Option<&str>) -> Self {
        let Response { mut data, extensions, mut errors, .. } = response;
        plan.shape.complete(&mut data, &errors);
        let executed = !matches!(data, Value::Null) || !errors.iter().any(|error| error.path.is_empty());
        for error in &mut errors {
            *error = publish(
                std::mem::replace(error, ServerError::new("", None)),
                executed,
                documents,
                request_id,
            );
        }
        Self { errors, data: executed.then_some(data), extensions }
    }

    /// The answer when the executor panicked; the panic itself is logged by the panic hook.
    pub fn panicked(request_id: Option<&str>) -> Self {
        tracing::error!(request_id, "a resolver panicked");
        Self::refused(vec![internal(ServerError::new("", None), request_id)])
    }

    fn has(&self, wanted: &str) -> bool {
        self.errors.iter().any(|error| code_of(error) == Some(wanted))
    }

    fn status(&self, media: Media) -> StatusCode {
        if media == Media::Json {
            return StatusCode::OK;
        }
        let no_data = matches!(self.data, None | Some(Value::Null));
        if self.has(code::UNAVAILABLE) {
            StatusCode::SERVICE_UNAVAILABLE
        } else if no_data && self.has(code::UNAUTHENTICATED) {
            StatusCode::UNAUTHORIZED
        } else if self.data.is_some() {
            StatusCode::OK
        } else if self.has(code::INTERNAL) {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::BAD_REQUEST
        }
    }

    /// The HTTP response; `headers` are those that resolvers set.
    pub fn into_http(self, media: Media, headers: HeaderMap) -> HttpResponse<Body> {
        let status = self.status(media);
        let mut response = write(status, media, &self);
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.headers_mut().extend(headers);
        response
    }
}

/// The HTTP response of a request that is not run.
pub fn refuse(refusal: Refusal, media: Media, allow: &'static str) -> HttpResponse<Body> {
    let status = if media == Media::Json { refusal.legacy } else { refusal.status };
    let mut response = write(status, media, &Answer::refused(refusal.errors));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    }
    response
}

fn write(status: StatusCode, media: Media, answer: &Answer) -> HttpResponse<Body> {
    let (status, body) = match serde_json::to_vec(answer) {
        Ok(body) => (status, body),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            let body = br#"{"errors":[{"message":"Internal error.","extensions":{"code":"INTERNAL"}}]}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, body.to_vec())
        }
    };
    let mut response = HttpResponse::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Language, Authorization"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

/// An error in the form a client may see.
///
/// An error that a resolver gave a code is meant for the client. Of the others, those from before the execution are the
/// client's own, and so is an argument that its type's parser refused; the rest are faults and tell nothing.
fn publish(
    mut error: ServerError,
    executed: bool,
    documents: &Documents,
    request_id: Option<&str>,
) -> ServerError {
    if code_of(&error).is_some() {
        error
    } else if is_bad_argument(&error) {
        set_code(&mut error, code::BAD_USER_INPUT);
        error
    } else if !executed && error.source.is_none() {
        documents.coded_validation(error)
    } else {
        tracing::error!(request_id, path = ?error.path, error = %error.message, "a resolver failed");
        internal(error, request_id)
    }
}

/// The library's own words when the parser of an input type refuses a value.
fn is_bad_argument(error: &ServerError) -> bool {
    error.source.is_none()
        && (error.message.starts_with("Failed to parse \"")
            || error.message.starts_with("Expected input type \""))
}

fn internal(error: ServerError, request_id: Option<&str>) -> ServerError {
    let mut masked = coded(code::INTERNAL, "Internal error.");
    masked.locations = error.locations;
    masked.path = error.path;
    if let (Some(id), Some(extensions)) = (request_id, &mut masked.extensions) {
        extensions.set("requestId", Value::String(id.to_owned()));
    }
    masked
}
