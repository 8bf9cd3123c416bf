//! GraphQL over HTTP, by the draft of the GraphQL foundation, on top of a schema that knows nothing of HTTP.
//!
//! The way of a request: method and media type, then the bearer (before a byte of the request is parsed), then the
//! parameters, the operation, its validation and merging, then the [`Engine`], and last the answer in its shape.
//! The library's own integration answers 200 always, runs mutations sent by GET and caches publicly; this one does not.

pub mod answer;
mod cache;
pub mod collect;
pub mod documents;
pub mod errors;
pub mod limits;
pub mod request;
pub mod shape;
pub mod types;
pub mod variables;
mod weigh;

#[cfg(test)]
pub(crate) mod tests;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Request, Response, ServerError, Variables};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT_LANGUAGE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{
    HeaderMap, HeaderValue, Method, Request as HttpRequest, Response as HttpResponse, StatusCode,
};
use axum::routing::any;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::stream::BoxStream;

use answer::{Answer, refuse};
use documents::{Documents, Prepared};
use errors::{Refusal, code};
use limits::Limits;
use request::{Media, Params};
use types::{Judge, Types, TypesError};

use super::rate::{Key, Rate, TooMany};
use crate::{error::ConnectionLost, locale::Locale};

/// The header that carries the id of a request; an outer layer sets it.
pub const REQUEST_ID: &str = "x-request-id";

/// The header in which a representative (ombud) names the patient they act for, by global id. A WebSocket's
/// `connection_init` may carry it too.
pub const ACTING_FOR: &str = "patientkontrakt-acting-for";

/// Why a bearer did not become a caller. It says nothing of the reason: a client that is refused learns no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthFailure {
    /// The token is wrong in whatever way: 401.
    Invalid,
    /// The caller is known, but does not represent the patient they want to act for: 403.
    Forbidden,
    /// Nobody can tell now, for example because keys cannot be fetched: 503.
    Unavailable,
}

impl AuthFailure {
    fn refusal(self, locale: Locale) -> Refusal {
        match self {
            Self::Invalid => Refusal::transport(
                StatusCode::UNAUTHORIZED,
                code::UNAUTHENTICATED,
                "The access token is not valid.",
            ),
            // People choose for whom they act: they read it.
            Self::Forbidden => Refusal::transport(
                StatusCode::FORBIDDEN,
                code::FORBIDDEN,
                locale.pick("Du kan inte agera för den här patienten.", "You cannot act for this patient."),
            ),
            Self::Unavailable => Refusal::transport(
                StatusCode::SERVICE_UNAVAILABLE,
                code::UNAVAILABLE,
                "The service cannot check the access token right now. Try again in a moment.",
            ),
        }
    }
}

/// What the transport needs from the service.
pub trait Engine: Clone + Send + Sync + 'static {
    /// Who asks, and everything about the request that the service wants to keep (language, request id).
    type Caller: Clone + PartialEq + Send + Sync + 'static;

    /// The schema's own scalars, each with what it takes: told before anything runs.
    const SCALARS: &'static [(&'static str, Judge)];

    /// Makes a caller of the request's headers, before anything of the request is parsed.
    ///
    /// Without an `Authorization` header the caller is anonymous.
    fn authenticate(
        &self,
        headers: &HeaderMap,
    ) -> impl Future<Output = Result<Self::Caller, AuthFailure>> + Send;

    /// The same caller as of now: rights may have been given or taken since. A WebSocket asks before every operation
    /// and as long as it is open.
    fn again(&self, caller: &Self::Caller) -> impl Future<Output = Result<Self::Caller, AuthFailure>> + Send;

    /// Says something whenever rights of the caller may just have changed; a WebSocket asks [`Engine::again`] then.
    fn rights_changed(&self, caller: &Self::Caller) -> BoxStream<'static, ()>;

    /// Runs one prepared query or mutation: merged, validated, variables coerced. The answer may leave at once.
    fn execute(&self, caller: Self::Caller, request: Request) -> impl Future<Output = Response> + Send;

    /// Runs one prepared operation of any kind as a stream of answers.
    fn execute_stream(&self, caller: Self::Caller, request: Request) -> BoxStream<'static, Response>;

    /// When the caller's token ends; a WebSocket is closed then.
    fn expires_at(&self, caller: &Self::Caller) -> Option<DateTime<Utc>>;

    /// A mark of the person whose token was verified, the same for all their tokens; none for nobody. Requests are
    /// counted by it.
    fn person(&self, caller: &Self::Caller) -> Option<u64>;

    /// The time now.
    fn now(&self) -> DateTime<Utc>;
}

/// The GraphQL endpoint over an [`Engine`]; cheap to clone, shared by HTTP and WebSocket.
#[derive(Debug)]
pub struct Endpoint<E> {
    pub(crate) engine: E,
    pub(crate) documents: Arc<Documents>,
    pub(crate) rate: Rate,
}

impl<E: Clone> Clone for Endpoint<E> {
    fn clone(&self) -> Self {
        Self { engine: self.engine.clone(), documents: Arc::clone(&self.documents), rate: self.rate.clone() }
    }
}

impl<E: Engine> Endpoint<E> {
    /// `schema` is the built schema and `sdl` what it prints; it should be built with
    /// `limit_complexity(limits.complexity)`. Without `introspection` the schema is told to nobody.
    ///
    /// # Errors
    /// The SDL cannot be read; a fault of the build.
    pub fn new(
        engine: E,
        schema: impl Executor,
        sdl: &str,
        limits: Limits,
        rate: Rate,
        introspection: bool,
    ) -> Result<Self, TypesError> {
        let documents =
            Arc::new(Documents::new(schema, Types::from_sdl(sdl, E::SCALARS)?, limits, introspection));
        Ok(Self { engine, documents, rate })
    }

    /// The route of the endpoint at `path`, for GET and POST.
    pub fn routes(&self, path: &str) -> Router {
        Router::new().route(path, any(serve::<E>)).with_state(self.clone())
    }

    /// Counts one request of a caller: against the person, or against the address where nobody was verified.
    pub(crate) fn count(&self, caller: &E::Caller, address: Key) -> Result<(), TooMany> {
        self.rate.count(self.engine.person(caller).map_or(address, Key::Person))
    }

    /// Makes the parameters of a request ready to run.
    pub(crate) async fn prepare(&self, params: Params) -> Result<Prepared, Refusal> {
        let resolved = self.documents.resolve(&params)?;
        self.documents.prepare(resolved, params.variables).await
    }

    /// Runs a prepared query or mutation; a panic of a resolver stays in its request. A query whose connection to the
    /// database broke runs once more: it has done nothing.
    pub(crate) async fn run(
        &self,
        caller: E::Caller,
        prepared: &Prepared,
        request_id: Option<&str>,
    ) -> (Answer, HeaderMap) {
        let running = AssertUnwindSafe(async {
            if prepared.operation != OperationType::Query {
                return self.engine.execute(caller, prepared.request()).await;
            }
            let response = self.engine.execute(caller.clone(), prepared.request()).await;
            let lost = |error: &ServerError| error.source::<ConnectionLost>().is_some();
            if response.errors.iter().any(lost) {
                return self.engine.execute(caller, prepared.request()).await;
            }
            response
        });
        match running.catch_unwind().await {
            Ok(mut response) => {
                let headers = std::mem::take(&mut response.http_headers);
                (Answer::of(response, &prepared.plan, &self.documents, request_id), headers)
            }
            Err(_) => (Answer::panicked(request_id), HeaderMap::new()),
        }
    }
}

async fn serve<E: Engine>(
    State(endpoint): State<Endpoint<E>>,
    request: HttpRequest<Body>,
) -> HttpResponse<Body> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let media = match Media::negotiate(headers) {
        Ok(media) => media,
        Err(refusal) => return refuse(refusal, Media::Json, ""),
    };
    if parts.method != Method::GET && parts.method != Method::POST {
        return refuse(method_not_allowed("This service takes GraphQL by GET or POST."), media, "GET, POST");
    }
    let address = endpoint.rate.address(headers, &parts.extensions);
    let caller = match endpoint.engine.authenticate(headers).await {
        Ok(caller) => match endpoint.count(&caller, address) {
            Ok(()) => caller,
            Err(wait) => return too_many(wait, media),
        },
        Err(failure) => {
            // Before the refusal: a token that is guessed costs room at the address, and not the person's.
            if let Err(wait) = endpoint.rate.count(address) {
                return too_many(wait, media);
            }
            let mut response = {
                let accept = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
                refuse(failure.refusal(Locale::preferred(accept)), media, "")
            };
            if failure == AuthFailure::Invalid {
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            return response;
        }
    };
    let request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let by_get = parts.method == Method::GET;
    let limit = endpoint.documents.limits().body_bytes;
    let params = if by_get {
        Params::from_uri(&parts.uri, limit)
    } else {
        Params::from_body(headers, body, limit).await
    };
    match answer_http(&endpoint, caller, params, by_get, request_id).await {
        Ok((answer, headers)) => answer.into_http(media, headers),
        Err(refusal) => refuse(refusal, media, "POST"),
    }
}

/// 429 with `Retry-After`.
pub(crate) fn too_many(TooMany(seconds): TooMany, media: Media) -> HttpResponse<Body> {
    let mut response = refuse(rate_limited(), media, "");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// The refusal of one request too many.
pub(crate) fn rate_limited() -> Refusal {
    let message = "Too many requests. Wait a moment and try again.";
    Refusal::transport(StatusCode::TOO_MANY_REQUESTS, code::RATE_LIMITED, message)
}

async fn answer_http<E: Engine>(
    endpoint: &Endpoint<E>,
    caller: E::Caller,
    params: Result<Params, Refusal>,
    by_get: bool,
    request_id: Option<&str>,
) -> Result<(Answer, HeaderMap), Refusal> {
    let mut params = params?;
    let variables: Variables = std::mem::take(&mut params.variables);
    let resolved = endpoint.documents.resolve(&params)?;
    match resolved.ty {
        OperationType::Subscription => {
            return Err(Refusal::bad_request(
                "Subscriptions run over a WebSocket (graphql-transport-ws), not over HTTP.",
            ));
        }
        OperationType::Mutation if by_get => {
            return Err(method_not_allowed("A mutation must be sent by POST."));
        }
        _ => {}
    }
    let prepared = endpoint.documents.prepare(resolved, variables).await?;
    Ok(endpoint.run(caller, &prepared, request_id).await)
}

fn method_not_allowed(message: &str) -> Refusal {
    Refusal::transport(StatusCode::METHOD_NOT_ALLOWED, code::METHOD_NOT_ALLOWED, message)
}
