//! How often one caller may ask: by token, or by address for those without one.
//!
//! A forwarded address counts only when it comes from a proxy that the configuration trusts.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, Response, StatusCode, header},
};
use ipnet::IpNet;
use tower_governor::{
    GovernorError, GovernorLayer, governor::GovernorConfigBuilder, key_extractor::KeyExtractor,
};

use crate::config::Http;

/// Limits `routes` as configured.
pub fn limited(routes: Router, http: &Http) -> Router {
    let caller = Caller { trusted: http.trusted_proxies.clone().into() };
    let config = GovernorConfigBuilder::default()
        .key_extractor(caller)
        .period(std::time::Duration::from_secs(1) / http.rate_per_second.max(1))
        .burst_size(http.rate_burst.max(1))
        .finish();
    match config {
        Some(config) => routes.layer(GovernorLayer::new(Arc::new(config)).error_handler(refuse)),
        None => routes,
    }
}

#[derive(Clone, Debug)]
struct Caller {
    trusted: Arc<[IpNet]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Token(u64),
    Address(IpAddr),
}

impl KeyExtractor for Caller {
    type Key = Key;

    fn extract<T>(&self, request: &Request<T>) -> Result<Key, GovernorError> {
        if let Some(bearer) = request.headers().get(header::AUTHORIZATION) {
            let mut hasher = DefaultHasher::new();
            bearer.hash(&mut hasher);
            return Ok(Key::Token(hasher.finish()));
        }
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.ok_or(GovernorError::UnableToExtractKey)?;
        let trusts = |address: &IpAddr| self.trusted.iter().any(|net| net.contains(address));
        if !trusts(&peer) {
            return Ok(Key::Address(peer));
        }
        // The last address that no trusted proxy added itself.
        let forwarded = request
            .headers()
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|text| text.trim().parse::<IpAddr>().ok())
            .rfind(|address| !trusts(address));
        Ok(Key::Address(forwarded.unwrap_or(peer)))
    }
}

fn refuse(error: GovernorError) -> Response<Body> {
    let (status, wait) = match error {
        GovernorError::TooManyRequests { wait_time, .. } => (StatusCode::TOO_MANY_REQUESTS, wait_time),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, 0),
    };
    let body = r#"{"errors":[{"message":"Too many requests. Wait a moment and try again.","extensions":{"code":"RATE_LIMITED"}}]}"#;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/graphql-response+json; charset=utf-8"),
    );
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(wait.max(1)));
    response
}
