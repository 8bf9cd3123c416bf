//! Connections: accepted, waited for within bounds, and ended in order.
//!
//! `axum::serve` waits for ever for the rest of a request's head, and counts a client that has sent half of one among
//! the requests that a stop lets finish. Here a connection on which nothing has been asked is closed when it has taken
//! too long, or at once when the service stops; one that has asked is given its answer, and a bounded time to ask again.

use std::{net::SocketAddr, pin::pin, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    serve::Listener,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tower::Service;

/// How long a connection is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// Until the head of its first request is whole.
    pub head: Duration,
    /// From one answer until the head of the next request is whole.
    pub idle: Duration,
}

impl Default for Waits {
    /// Proxies let go of an idle connection after a minute, as a rule: they should be the first to.
    fn default() -> Self {
        Self { head: Duration::from_secs(10), idle: Duration::from_secs(75) }
    }
}

/// Answers by `app` until `stop` is cancelled and what is under way then is finished. Dropped, it ends every connection
/// that has not become a WebSocket.
pub async fn serve(mut listener: TcpListener, app: Router, waits: Waits, stop: CancellationToken) {
    // Its handlers are put together now, and not for each request.
    let app: Router = app.with_state(());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            // Where none can be accepted, for want of descriptors, it pauses for a second.
            (stream, peer) = Listener::accept(&mut listener) => {
                connections.spawn(attend(stream, peer, app.clone(), waits, stop.clone()));
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One connection, to its end or until it becomes a WebSocket. That it breaks is the client's affair.
async fn attend(stream: TcpStream, peer: SocketAddr, app: Router, waits: Waits, stop: CancellationToken) {
    let begun = CancellationToken::new();
    let asked = begun.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        asked.cancel();
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(waits.idle)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = begun.cancelled() => {}
        () = stop.cancelled() => return,
        () = sleep(waits.head) => return,
    }
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    _ = connection.await;
}
