//! GraphQL over WebSocket by the protocol `graphql-transport-ws` (PROTOCOL.md of the package graphql-ws).
//!
//! One task per socket does everything: it reads, polls the operations and writes, so a client that does not read stops
//! its own operations and nothing queues up for it. A socket needs a token, in the payload of `connection_init` or in
//! the handshake, and does not outlive it.

mod message;
mod operation;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, HeaderName};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::any;
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::graphql::errors::{Refusal, code};
use super::graphql::limits::exceeded;
use super::graphql::request::Media;
use super::graphql::{ACTING_FOR, AuthFailure, Endpoint, Engine, answer, rate_limited, too_many};
use super::rate::Key;
use message::{
    ACCESS_CHANGED, Close, EXPIRED, FORBIDDEN, GOING_AWAY, ID_IN_USE, INIT_TIMEOUT, INTERNAL,
    INVALID_MESSAGE, Incoming, TOO_BIG, TOO_MANY_INITS, TRY_AGAIN, UNAUTHORIZED,
};
use operation::{Event, Operations};

/// The name of the one sub-protocol that is spoken.
pub const PROTOCOL: &str = "graphql-transport-ws";

/// How much one socket may ask, and how long it is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WsLimits {
    /// Bytes of one message from the client.
    pub message_bytes: usize,
    /// Operations that run at once on one socket.
    pub operations: usize,
    /// Seconds until `connection_init` must have come.
    pub init_seconds: u64,
    /// Seconds that the client may take to accept one message; a slower one is cut off.
    pub send_seconds: u64,
    /// Seconds of silence after which the client is pinged; after as many again without a sign of life it is cut off.
    pub idle_seconds: u64,
}

impl Default for WsLimits {
    fn default() -> Self {
        Self {
            message_bytes: 256 * 1024,
            operations: 50,
            init_seconds: 10,
            send_seconds: 10,
            idle_seconds: 30,
        }
    }
}

/// How often a socket looks at the clock: the most by which it outlives its token.
const TICK: Duration = Duration::from_secs(1);

/// How often a socket asks whether its caller is still who they were, beside whenever it hears that rights have changed:
/// the most by which it outlives an assignment that ended, beside what the service itself remembers.
const RIGHTS: Duration = Duration::from_secs(5);

/// What every socket shares.
struct Shared<E> {
    endpoint: Endpoint<E>,
    limits: WsLimits,
    shutdown: CancellationToken,
    sockets: TaskTracker,
    tick: Duration,
    rights: Duration,
}

/// The route of the endpoint's WebSocket at `path`.
///
/// When `shutdown` is cancelled every socket is closed with 1001; `sockets` is done when the last one is gone.
pub fn routes<E: Engine>(
    endpoint: &Endpoint<E>,
    path: &str,
    limits: WsLimits,
    shutdown: CancellationToken,
    sockets: TaskTracker,
) -> Router {
    let shared = Shared { endpoint: endpoint.clone(), limits, shutdown, sockets, tick: TICK, rights: RIGHTS };
    Router::new().route(path, any(upgrade::<E>)).with_state(Arc::new(shared))
}

async fn upgrade<E: Engine>(
    State(shared): State<Arc<Shared<E>>>,
    headers: HeaderMap,
    extensions: Extensions,
    handshake: WebSocketUpgrade,
) -> HttpResponse {
    // Nobody is verified yet: that is said on the socket.
    let address = shared.endpoint.rate.address(&headers, &extensions);
    if let Err(wait) = shared.endpoint.rate.count(address) {
        return too_many(wait, Media::Json).into_response();
    }
    let handshake = handshake.protocols([PROTOCOL]).max_message_size(shared.limits.message_bytes);
    if handshake.selected_protocol().is_none() {
        let message = "The WebSocket must be opened with the sub-protocol graphql-transport-ws.";
        let refusal = Refusal::transport(StatusCode::BAD_REQUEST, code::BAD_REQUEST, message);
        return answer::refuse(refusal, Media::Json, "").into_response();
    }
    let token = shared.sockets.token();
    handshake.on_upgrade(move |wire| async move {
        Socket { shared: &shared, headers, address, wire }.run().await;
        drop(token);
    })
}

/// How a socket ends: with a close frame to the client, or because there is nobody to tell.
enum End {
    Close(Close),
    Gone,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

struct Socket<'s, E, S> {
    shared: &'s Shared<E>,
    /// Of the handshake.
    headers: HeaderMap,
    address: Key,
    wire: S,
}

impl<E, S> Socket<'_, E, S>
where
    E: Engine,
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message> + Unpin,
{
    async fn run(mut self) {
        let end = match self.initialise().await {
            Ok(caller) => self.serve(caller).await,
            Err(end) => end,
        };
        if let End::Close(Close(code, reason)) = end {
            let frame = CloseFrame { code, reason: reason.into() };
            let limit = self.send_limit();
            let closing = async {
                if self.wire.send(Message::Close(Some(frame))).await.is_ok() {
                    // The client answers with its own close frame; what it sent before is not read any more.
                    while let Some(Ok(message)) = self.wire.next().await {
                        if matches!(message, Message::Close(_)) {
                            break;
                        }
                    }
                }
            };
            if timeout(limit, closing).await.is_err() {
                tracing::debug!("a client did not answer the close of its WebSocket");
            }
        }
    }

    fn send_limit(&self) -> Duration {
        Duration::from_secs(self.shared.limits.send_seconds)
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(self.send_limit(), self.wire.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => {
                tracing::info!("a WebSocket was cut off: its client does not read");
                Err(End::Gone)
            }
        }
    }

    async fn say(&mut self, message: &impl Serialize) -> Result<(), End> {
        let text = serde_json::to_string(message).map_err(|error| {
            tracing::error!(%error, "a WebSocket message could not be written");
            End::from(INTERNAL)
        })?;
        self.send(Message::Text(text.into())).await
    }

    /// Takes apart what came; `None` for what the protocol of GraphQL does not see.
    fn received(received: Option<Result<Message, axum::Error>>) -> Result<Option<Incoming>, End> {
        match received {
            Some(Ok(Message::Text(text))) => Ok(Some(Incoming::parse(&text)?)),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
            Some(Ok(Message::Binary(_))) => Err(INVALID_MESSAGE.into()),
            Some(Err(error)) if error.to_string().contains("too long") => Err(TOO_BIG.into()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
        }
    }

    /// Waits for `connection_init` and makes a caller of it.
    async fn initialise(&mut self) -> Result<E::Caller, End> {
        let shared = self.shared;
        let deadline = Instant::now() + Duration::from_secs(shared.limits.init_seconds);
        loop {
            let received = tokio::select! {
                () = shared.shutdown.cancelled() => return Err(GOING_AWAY.into()),
                received = timeout_at(deadline, self.wire.next()) => received.map_err(|_| INIT_TIMEOUT)?,
            };
            match Self::received(received)? {
                Some(Incoming::Init(payload)) => {
                    let caller = self.authenticate(&payload).await?;
                    self.say(&json!({"type": "connection_ack"})).await?;
                    return Ok(caller);
                }
                Some(Incoming::Ping(payload)) => self.pong(payload).await?,
                Some(Incoming::Subscribe { .. }) => return Err(UNAUTHORIZED.into()),
                Some(Incoming::Pong | Incoming::Complete { .. }) | None => {}
            }
        }
    }

    async fn authenticate(&mut self, payload: &serde_json::Map<String, Json>) -> Result<E::Caller, End> {
        let mut headers = self.headers.clone();
        for (name, value) in payload {
            let header = [AUTHORIZATION, ACCEPT_LANGUAGE, HeaderName::from_static(ACTING_FOR)]
                .into_iter()
                .find(|header: &HeaderName| header.as_str().eq_ignore_ascii_case(name));
            if let (Some(header), Some(value)) = (header, value.as_str()) {
                headers.insert(header, HeaderValue::from_str(value).map_err(|_| FORBIDDEN)?);
            }
        }
        if !headers.contains_key(AUTHORIZATION) {
            return Err(FORBIDDEN.into());
        }
        let engine = &self.shared.endpoint.engine;
        match engine.authenticate(&headers).await {
            Ok(caller) if is_past(engine.expires_at(&caller), engine.now()) => Err(FORBIDDEN.into()),
            Ok(caller) => Ok(caller),
            Err(AuthFailure::Invalid | AuthFailure::Forbidden) => Err(FORBIDDEN.into()),
            Err(AuthFailure::Unavailable) => Err(TRY_AGAIN.into()),
        }
    }

    async fn pong(&mut self, payload: Option<Json>) -> Result<(), End> {
        let mut pong = json!({"type": "pong"});
        if let Some(payload) = payload {
            pong["payload"] = payload;
        }
        self.say(&pong).await
    }

    /// Runs operations until the socket ends.
    async fn serve(&mut self, caller: E::Caller) -> End {
        let shared = self.shared;
        let engine = &shared.endpoint.engine;
        let expires = engine.expires_at(&caller);
        let mut operations = Operations::<E>::new(shared.endpoint.clone(), caller.clone(), &self.headers);
        let idle = Duration::from_secs(shared.limits.idle_seconds);
        let mut ticks = interval(shared.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rights = interval_at(Instant::now() + shared.rights, shared.rights);
        rights.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut changes = engine.rights_changed(&caller);
        let mut alive = Instant::now();
        let mut pinged = false;
        loop {
            let done: Result<(), End> = tokio::select! {
                () = shared.shutdown.cancelled() => Err(GOING_AWAY.into()),
                _ = ticks.tick() => {
                    if is_past(expires, engine.now()) {
                        Err(EXPIRED.into())
                    } else if pinged && alive.elapsed() > idle * 2 {
                        Err(End::Gone)
                    } else if !pinged && alive.elapsed() > idle {
                        pinged = true;
                        self.send(Message::Ping(axum::body::Bytes::new())).await
                    } else {
                        Ok(())
                    }
                }
                _ = rights.tick() => Self::ask_again(engine, &caller).await,
                Some(()) = changes.next() => Self::ask_again(engine, &caller).await,
                received = self.wire.next() => {
                    (alive, pinged) = (Instant::now(), false);
                    match Self::received(received) {
                        Ok(Some(incoming)) => self.handle(incoming, &mut operations).await,
                        Ok(None) => Ok(()),
                        Err(end) => Err(end),
                    }
                }
                Some((id, event)) = operations.events.next() => {
                    let heard = changes.next().now_or_never().is_some();
                    let holds = if is_past(expires, engine.now()) {
                        Err(EXPIRED.into())
                    } else if heard {
                        Self::ask_again(engine, &caller).await
                    } else {
                        Ok(())
                    };
                    match holds {
                        Ok(()) => self.tell(&id, event, &mut operations).await,
                        end => end,
                    }
                }
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Whether the caller is still who they were: what runs was allowed to somebody with just these rights.
    async fn ask_again(engine: &E, caller: &E::Caller) -> Result<(), End> {
        match engine.again(caller).await {
            Ok(now) if now == *caller => Ok(()),
            Ok(_) | Err(AuthFailure::Forbidden) => Err(ACCESS_CHANGED.into()),
            Err(AuthFailure::Invalid) => Err(UNAUTHORIZED.into()),
            Err(AuthFailure::Unavailable) => Ok(()),
        }
    }

    async fn handle(&mut self, incoming: Incoming, operations: &mut Operations<E>) -> Result<(), End> {
        match incoming {
            Incoming::Init(_) => Err(TOO_MANY_INITS.into()),
            Incoming::Ping(payload) => self.pong(payload).await,
            Incoming::Pong => Ok(()),
            Incoming::Complete { id } => {
                operations.stop(&id);
                Ok(())
            }
            Incoming::Subscribe { id, .. } if operations.has(&id) => Err(ID_IN_USE.into()),
            Incoming::Subscribe { id, .. } if operations.number() >= self.shared.limits.operations => {
                let error = exceeded("operations on one socket", self.shared.limits.operations);
                self.say(&json!({"id": id, "type": "error", "payload": [error]})).await
            }
            Incoming::Subscribe { id, .. } if operations.count(self.address).is_err() => {
                let errors = rate_limited().errors;
                self.say(&json!({"id": id, "type": "error", "payload": errors})).await
            }
            Incoming::Subscribe { id, params } => {
                operations.start(id, params);
                Ok(())
            }
        }
    }

    async fn tell(&mut self, id: &str, event: Event, operations: &mut Operations<E>) -> Result<(), End> {
        #[derive(Serialize)]
        struct Outgoing<'a, P> {
            id: &'a str,
            r#type: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            payload: Option<P>,
        }
        match event {
            Event::Next(answer) => self.say(&Outgoing { id, r#type: "next", payload: Some(answer) }).await,
            Event::Error(errors) => {
                operations.stop(id);
                self.say(&Outgoing { id, r#type: "error", payload: Some(errors) }).await
            }
            Event::Close(close) => Err(close.into()),
            Event::Complete => {
                operations.stop(id);
                self.say(&Outgoing::<()> { id, r#type: "complete", payload: None }).await
            }
        }
    }
}

fn is_past(expires: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    expires.is_some_and(|expires| expires <= now)
}

#[cfg(test)]
mod tests;
