//! The operations of one socket, from their parameters to their end.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Response, ServerError};
use axum::http::HeaderMap;
use futures_util::future::AbortHandle;
use futures_util::stream::{self, BoxStream, SelectAll, abortable};
use futures_util::{Stream, StreamExt};

use crate::http::graphql::answer::Answer;
use crate::http::graphql::documents::Prepared;
use crate::http::graphql::request::Params;
use crate::http::graphql::{AuthFailure, Endpoint, Engine, REQUEST_ID};

use crate::http::rate::{Key, TooMany};

use super::message::{ACCESS_CHANGED, Close, TRY_AGAIN, UNAUTHORIZED};

/// What an operation has to say.
pub enum Event {
    Next(Answer),
    /// Ends the operation: nothing was executed.
    Error(Vec<ServerError>),
    /// Ends the socket: its caller is no longer who they were.
    Close(Close),
    Complete,
}

/// The operations that run on one socket. Invariant: an id in `running` has its stream in `events`.
pub struct Operations<E: Engine> {
    endpoint: Endpoint<E>,
    caller: E::Caller,
    request_id: Option<Arc<str>>,
    running: HashMap<String, AbortHandle>,
    pub events: SelectAll<BoxStream<'static, (String, Event)>>,
}

impl<E: Engine> Operations<E> {
    pub fn new(endpoint: Endpoint<E>, caller: E::Caller, headers: &HeaderMap) -> Self {
        let request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(Arc::from);
        Self { endpoint, caller, request_id, running: HashMap::new(), events: SelectAll::new() }
    }

    /// How many run now.
    pub fn number(&self) -> usize {
        self.running.len()
    }

    /// Whether one of this id runs now.
    pub fn has(&self, id: &str) -> bool {
        self.running.contains_key(id)
    }

    /// Counts one more operation of the caller, from `address`.
    pub fn count(&self, address: Key) -> Result<(), TooMany> {
        self.endpoint.count(&self.caller, address)
    }

    pub fn start(&mut self, id: String, params: Params) {
        let endpoint = self.endpoint.clone();
        let events = operation(endpoint, self.caller.clone(), params, self.request_id.clone());
        let (events, handle) = abortable(events);
        let name = id.clone();
        self.events.push(events.map(move |event| (name.clone(), event)).boxed());
        self.running.insert(id, handle);
    }

    pub fn stop(&mut self, id: &str) {
        if let Some(handle) = self.running.remove(id) {
            handle.abort();
        }
    }
}

/// One operation from its parameters to its end.
fn operation<E: Engine>(
    endpoint: Endpoint<E>,
    caller: E::Caller,
    params: Params,
    request_id: Option<Arc<str>>,
) -> impl Stream<Item = Event> + Send + 'static {
    stream::once(async move {
        let prepared = match endpoint.prepare(params).await {
            Ok(prepared) => prepared,
            Err(refusal) => return stream::iter([Event::Error(refusal.errors)]).boxed(),
        };
        let caller = match endpoint.engine.again(&caller).await {
            Ok(caller) => caller,
            Err(failure) => return stream::iter([Event::Close(close(failure))]).boxed(),
        };
        if prepared.operation == OperationType::Subscription {
            return subscription(endpoint, caller, prepared, request_id).boxed();
        }
        let (answer, _) = endpoint.run(caller, &prepared, request_id.as_deref()).await;
        stream::iter(single(answer)).boxed()
    })
    .flatten()
}

fn close(failure: AuthFailure) -> Close {
    match failure {
        AuthFailure::Invalid => UNAUTHORIZED,
        AuthFailure::Forbidden => ACCESS_CHANGED,
        AuthFailure::Unavailable => TRY_AGAIN,
    }
}

fn single(answer: Answer) -> Vec<Event> {
    if answer.data.is_none() {
        return vec![Event::Error(answer.errors)];
    }
    vec![Event::Next(answer), Event::Complete]
}

fn subscription<E: Engine>(
    endpoint: Endpoint<E>,
    caller: E::Caller,
    prepared: Prepared,
    request_id: Option<Arc<str>>,
) -> impl Stream<Item = Event> + Send + 'static {
    let responses = endpoint.engine.execute_stream(caller, prepared.request());
    let responses = std::panic::AssertUnwindSafe(responses).catch_unwind();
    let documents = endpoint.documents;
    responses
        .map(move |response: Result<Response, _>| match response {
            Ok(response) => Answer::of(response, &prepared.plan, &documents, request_id.as_deref()),
            Err(_) => Answer::panicked(request_id.as_deref()),
        })
        .map(|answer| if answer.data.is_some() { Event::Next(answer) } else { Event::Error(answer.errors) })
        .chain(stream::once(async { Event::Complete }))
}
