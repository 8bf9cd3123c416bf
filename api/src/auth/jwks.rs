//! The identity provider's public keys, fetched when they are needed and kept.
//!
//! Keys rotate without notice, so an unknown key id makes us look again - but at most once a minute, or anyone
//! could make us hammer the identity provider with invented ids.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use reqwest::{Client, Url, redirect::Policy};
use serde::Deserialize;

use crate::{
    clock::Clock,
    config::{self, is_loopback},
};

/// Shortest time between two looks at a source that has answered.
const REFRESH_EVERY: TimeDelta = TimeDelta::minutes(1);
/// The same while we have no keys at all and so can serve nobody.
const RETRY_EVERY: TimeDelta = TimeDelta::seconds(5);
/// Age at which keys are fetched again even if no id is unknown, so that a withdrawn key stops working.
const MAX_AGE: TimeDelta = TimeDelta::minutes(10);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 262_144;

/// Why the keys could not be had. Holds no key material.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    #[error("neither auth.jwks_url nor auth.jwks_file is set")]
    NoSource,
    #[error("the address of the keys must be https, or http on this machine")]
    NotHttps,
    #[error("the keys cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("the keys cannot be fetched: {0}")]
    Fetch(#[from] reqwest::Error),
    #[error("the issuer answered {0} instead of its keys")]
    Status(u16),
    #[error("the keys are larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the keys are not a JWKS document")]
    Malformed,
    #[error("the JWKS document holds no key that could sign a token for us")]
    NoUsableKey,
}

/// The current keys of one issuer. Clones share them.
#[derive(Clone)]
pub struct Jwks(Arc<Inner>);

struct Inner {
    source: Source,
    clock: Clock,
    state: Mutex<State>,
    /// Held while fetching, so that many requests make one fetch.
    fetching: tokio::sync::Mutex<()>,
}

enum Source {
    File(PathBuf),
    Url(Client, Url),
}

#[derive(Default)]
struct State {
    keys: Arc<[Key]>,
    fetched: Option<DateTime<Utc>>,
    tried: Option<DateTime<Utc>>,
}

/// A public key with the only algorithms it may be used for: never chosen by the token.
struct Key {
    kid: Option<String>,
    algorithms: &'static [Algorithm],
    public: DecodingKey,
}

/// A key for a token, or why there is none.
pub(super) enum Found {
    Key(DecodingKey),
    /// The token names no key, and there are several.
    IdRequired,
    Unknown,
    /// The key exists, but is not for this algorithm.
    WrongAlgorithm,
    /// No keys could be had from the issuer yet.
    Unavailable,
}

impl Jwks {
    /// The keys named by the configuration; nothing is fetched yet.
    pub fn new(auth: &config::Auth, clock: Clock) -> Result<Self, JwksError> {
        let source = match (&auth.jwks_url, &auth.jwks_file) {
            (Some(url), _) => {
                let url = Url::parse(url).map_err(|_| JwksError::NotHttps)?;
                let local = url.host_str().is_some_and(is_loopback);
                if url.scheme() != "https" && !(url.scheme() == "http" && local) {
                    return Err(JwksError::NotHttps);
                }
                // A redirect could lead anywhere; the configured address is the only one that is trusted.
                let client = Client::builder().redirect(Policy::none()).timeout(FETCH_TIMEOUT);
                let client = if local { client.no_proxy() } else { client.https_only(true) };
                Source::Url(client.build()?, url)
            }
            (None, Some(file)) => Source::File(file.clone()),
            (None, None) => return Err(JwksError::NoSource),
        };
        Ok(Self(Arc::new(Inner {
            source,
            clock,
            state: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        })))
    }

    /// Fetches the keys now, whatever their age. For start-up and the operator's checks.
    pub async fn refresh(&self) -> Result<(), JwksError> {
        let _one = self.0.fetching.lock().await;
        self.0.fetch().await
    }

    /// Whether any key is at hand, looking at the source (as rarely as ever) if none is. For readiness.
    pub async fn available(&self) -> Result<(), String> {
        if self.0.keys().is_empty() {
            self.look_again().await;
        }
        if self.0.keys().is_empty() { Err("the issuer's keys cannot be had".to_owned()) } else { Ok(()) }
    }

    /// The key for a token signed with `algorithm`, looking at the source again where that may help.
    pub(super) async fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Found {
        let found = choose(&self.0.keys(), kid, algorithm);
        if matches!(found, Found::Unknown | Found::Unavailable) {
            self.look_again().await;
            return choose(&self.0.keys(), kid, algorithm);
        }
        if self.0.is_stale() {
            let this = self.clone();
            tokio::spawn(async move { this.look_again().await });
        }
        found
    }

    /// Fetches unless somebody did a moment ago; a failure leaves the keys we have.
    async fn look_again(&self) {
        // Whoever comes while another fetches waits here for what that one brings.
        let _one = self.0.fetching.lock().await;
        if self.0.may_fetch()
            && let Err(error) = self.0.fetch().await
        {
            crate::telemetry::note_failure("jwks_refresh", &error);
        }
    }
}

impl Inner {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> Arc<[Key]> {
        self.state().keys.clone()
    }

    fn is_stale(&self) -> bool {
        let state = self.state();
        self.passed(state.fetched, MAX_AGE) && self.passed(state.tried, REFRESH_EVERY)
    }

    fn may_fetch(&self) -> bool {
        let state = self.state();
        let wait = if state.keys.is_empty() { RETRY_EVERY } else { REFRESH_EVERY };
        self.passed(state.tried, wait)
    }

    /// Whether `wait` has passed since `last`. A clock set back must not stop us until it catches up.
    fn passed(&self, last: Option<DateTime<Utc>>, wait: TimeDelta) -> bool {
        let now = self.clock.now();
        last.is_none_or(|last| now < last || now - last >= wait)
    }

    async fn fetch(&self) -> Result<(), JwksError> {
        let now = self.clock.now();
        self.state().tried = Some(now);
        let document = match &self.source {
            Source::File(path) => tokio::fs::read(path).await?,
            Source::Url(client, url) => download(client, url.clone()).await?,
        };
        let keys = parse(&document)?;
        let mut state = self.state();
        state.keys = keys.into();
        state.fetched = Some(now);
        Ok(())
    }
}

async fn download(client: &Client, url: Url) -> Result<Vec<u8>, JwksError> {
    // The address may hold a secret in its query; the errors of reqwest would print it.
    let mut response = client.get(url).send().await.map_err(reqwest::Error::without_url)?;
    if !response.status().is_success() {
        return Err(JwksError::Status(response.status().as_u16()));
    }
    let mut document = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if document.len() + chunk.len() > MAX_BYTES {
            return Err(JwksError::TooLarge);
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

/// The keys of a JWKS document that we can use. Others are passed over: a set may hold keys for other purposes.
fn parse(document: &[u8]) -> Result<Vec<Key>, JwksError> {
    if document.len() > MAX_BYTES {
        return Err(JwksError::TooLarge);
    }
    let document: Document = serde_json::from_slice(document).map_err(|_| JwksError::Malformed)?;
    let keys: Vec<_> = document.keys.into_iter().filter_map(usable).collect();
    if keys.is_empty() { Err(JwksError::NoUsableKey) } else { Ok(keys) }
}

fn usable(value: serde_json::Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|u| *u == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|ops| ops.contains(&KeyOperations::Verify));
    if !signs {
        return None;
    }
    let algorithms: &[Algorithm] = match (&jwk.algorithm, common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None) => &[Algorithm::RS256, Algorithm::PS256],
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::RS256)) => &[Algorithm::RS256],
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::PS256)) => &[Algorithm::PS256],
        (AlgorithmParameters::EllipticCurve(ec), None | Some(KeyAlgorithm::ES256))
            if ec.curve == EllipticCurve::P256 =>
        {
            &[Algorithm::ES256]
        }
        (AlgorithmParameters::OctetKeyPair(okp), None | Some(KeyAlgorithm::EdDSA))
            if okp.curve == EllipticCurve::Ed25519 =>
        {
            &[Algorithm::EdDSA]
        }
        _ => return None,
    };
    let public = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Key { kid: jwk.common.key_id, algorithms, public })
}

fn choose(keys: &[Key], kid: Option<&str>, algorithm: Algorithm) -> Found {
    let candidates: Vec<_> = match kid {
        Some(kid) => keys.iter().filter(|key| key.kid.as_deref() == Some(kid)).collect(),
        None if keys.len() > 1 => return Found::IdRequired,
        None => keys.iter().collect(),
    };
    match candidates.iter().find(|key| key.algorithms.contains(&algorithm)) {
        Some(key) => Found::Key(key.public.clone()),
        None if keys.is_empty() => Found::Unavailable,
        None if candidates.is_empty() => Found::Unknown,
        None => Found::WrongAlgorithm,
    }
}
