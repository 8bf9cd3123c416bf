//! How often one caller may ask.
//!
//! A caller is the person whose token was verified, with whatever tokens and over whatever connections; and where
//! nobody was verified, the address: of anonymous requests, of tokens that are refused and of handshakes. So new tokens
//! never give new room, and who shares an address with somebody who guesses tokens keeps their own.
//!
//! A forwarded address counts only when it comes from a proxy that the configuration trusts.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{Extensions, HeaderMap, StatusCode, header::RETRY_AFTER},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock as _, DefaultClock},
};
use ipnet::IpNet;

use crate::config::Http;

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A verified person: see [`super::graphql::Engine::person`].
    Person(u64),
    Address(IpAddr),
}

/// Too many: seconds to wait, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany(pub u64);

/// The counters of this process; clones share them.
#[derive(Clone, Debug)]
pub struct Rate {
    limiter: Arc<DefaultKeyedRateLimiter<Key>>,
    counted: Arc<AtomicU32>,
    trusted: Arc<[IpNet]>,
}

/// After so many requests the counters of those who have been silent are forgotten.
const SWEEP: u32 = 10_000;

impl Rate {
    pub fn new(http: &Http) -> Self {
        let period = Duration::from_secs(1) / http.rate_per_second.max(1);
        Self::of(period, http.rate_burst, &http.trusted_proxies)
    }

    /// `burst` at once, and one more after each `period`, which is not zero.
    pub fn of(period: Duration, burst: u32, trusted: &[IpNet]) -> Self {
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(period).unwrap_or(Quota::per_second(burst)).allow_burst(burst);
        Self {
            limiter: Arc::new(DefaultKeyedRateLimiter::keyed(quota)),
            counted: Arc::default(),
            trusted: trusted.into(),
        }
    }

    /// Counts one request.
    pub fn count(&self, key: Key) -> Result<(), TooMany> {
        if self.counted.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(&key).map_err(|not_until| {
            metrics::counter!("rate_limited_total").increment(1);
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            TooMany(wait.as_secs().saturating_add(1))
        })
    }

    /// The address that a request comes from. All whose address nobody knows are one.
    pub fn address(&self, headers: &HeaderMap, extensions: &Extensions) -> Key {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let trusts = |address: &IpAddr| self.trusted.iter().any(|net| net.contains(address));
        if !trusts(&peer) {
            return Key::Address(peer);
        }
        // The last address that no trusted proxy added itself.
        let forwarded = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|text| text.trim().parse::<IpAddr>().ok())
            .rfind(|address| !trusts(address));
        Key::Address(forwarded.unwrap_or(peer))
    }
}

/// Limits routes whose callers are nobody that can be verified, by their address.
pub fn by_address(routes: Router, rate: &Rate) -> Router {
    routes.layer(middleware::from_fn_with_state(rate.clone(), count_address))
}

async fn count_address(State(rate): State<Rate>, request: Request, next: Next) -> Response {
    match rate.count(rate.address(request.headers(), request.extensions())) {
        Ok(()) => next.run(request).await,
        Err(wait) => wait.into_response(),
    }
}

/// Limits routes that are not found without a proof, by the address of those who have none: whoever proves who they are
/// is never made to wait for others behind the same address.
pub fn by_failed_proofs(routes: Router, rate: &Rate) -> Router {
    routes.layer(middleware::from_fn_with_state(rate.clone(), count_failed_proof))
}

async fn count_failed_proof(State(rate): State<Rate>, request: Request, next: Next) -> Response {
    let address = rate.address(request.headers(), request.extensions());
    let response = next.run(request).await;
    if response.status() != StatusCode::NOT_FOUND {
        return response;
    }
    rate.count(address).map_or_else(IntoResponse::into_response, |()| response)
}

impl IntoResponse for TooMany {
    fn into_response(self) -> Response {
        (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, self.0.to_string())]).into_response()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn each_key_has_its_own_room_and_is_told_how_long_to_wait() {
        let rate = Rate::of(HOUR, 2, &[]);
        for key in [Key::Person(1), Key::Person(2), Key::Address(Ipv4Addr::LOCALHOST.into())] {
            assert_eq!([rate.count(key), rate.count(key)], [Ok(()), Ok(())]);
            let TooMany(wait) = rate.count(key).unwrap_err();
            assert!((3_500..=3_600).contains(&wait), "{wait}");
        }
    }

    #[test]
    fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
        let rate = Rate::of(HOUR, 1, &["10.0.0.0/8".parse().unwrap()]);
        let from = |peer: &str, forwarded: &[&'static str]| {
            let mut extensions = Extensions::new();
            extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            rate.address(&headers, &extensions)
        };
        let at = |address: &str| Key::Address(address.parse().unwrap());
        assert_eq!(from("192.0.2.1", &["198.51.100.7"]), at("192.0.2.1"), "said by the client itself");
        assert_eq!(
            from("10.0.0.1", &["203.0.113.9, 198.51.100.7"]),
            at("198.51.100.7"),
            "not the client's own"
        );
        assert_eq!(from("10.0.0.1", &["203.0.113.9", "198.51.100.7, 10.0.0.2"]), at("198.51.100.7"));
        assert_eq!(from("10.0.0.1", &["no address"]), at("10.0.0.1"));
    }
}
