//! The demo's own issuer of tokens, so that the service can be tried without an identity provider.
//!
//! It exists for demo mode alone: everything here is refused under a production configuration, and its issuer
//! name can belong to no real host.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

use super::token::Identity;
use crate::{
    clock::Clock,
    config::{Auth, Config, DEMO_ISSUER, Mode, create_once},
};

/// The demo's public key in its data directory, in the form every issuer publishes.
pub const JWKS_FILE: &str = "demo-jwks.json";
const KEY_FILE: &str = "demo-signing.key";

/// Longest time for which a demo token can be issued.
pub const MAX_TTL: Duration = Duration::from_hours(24 * 366);

/// Why no token was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("tokens are issued in demo mode only; in production they come from the identity provider")]
    Production,
    #[error("the configured issuer is not the demo's own, so it would not be ours to sign for")]
    ForeignIssuer,
    #[error(
        "no demo has been started in {0}: start it with `patientkontrakt demo`, or name its folder by --data-dir"
    )]
    NoDemo(PathBuf),
    #[error("a token's lifetime must be 1 second to 366 days")]
    Lifetime,
    #[error("the demo's signing key cannot be used: {0}")]
    Key(String),
}

/// Issues tokens that the demo's own configuration accepts.
pub struct Issuer {
    key: EncodingKey,
    kid: String,
    auth: Auth,
}

impl Issuer {
    /// Opens the issuer of this demo, making its key if it is missing.
    pub fn open(config: &Config) -> Result<Self, IssueError> {
        may_sign(config)?;
        prepare(&config.data_dir).map_err(|e| IssueError::Key(e.to_string()))?;
        Self::of_started(config)
    }

    /// The same beside a demo that somebody has started: makes nothing.
    pub fn of_started(config: &Config) -> Result<Self, IssueError> {
        may_sign(config)?;
        let pkcs8 = fs::read(config.data_dir.join(KEY_FILE)).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => IssueError::NoDemo(config.data_dir.clone()),
            _ => IssueError::Key(e.to_string()),
        })?;
        let kid = key_id(&pair(&pkcs8).map_err(|e| IssueError::Key(e.to_string()))?);
        Ok(Self { key: EncodingKey::from_ed_der(&pkcs8), kid, auth: config.auth.clone() })
    }

    /// A token for `identity`, valid from the clock's present time for `ttl`.
    pub fn issue(&self, identity: &Identity, ttl: Duration, clock: &Clock) -> Result<String, IssueError> {
        if ttl < Duration::from_secs(1) || ttl > MAX_TTL {
            return Err(IssueError::Lifetime);
        }
        let now = clock.now().timestamp();
        let mut claims = Map::new();
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("iss", json!(DEMO_ISSUER));
        set("aud", json!(self.auth.audience));
        set("iat", json!(now));
        set("nbf", json!(now));
        set("exp", json!(now + ttl.as_secs() as i64));
        set("jti", json!(clock.uuid()));
        match identity {
            Identity::Patient { number } => {
                set("sub", json!(subject(&["patient", number])));
                set(&self.auth.patient_number_claim, json!(number));
            }
            Identity::Staff { person, assignment } => {
                set("sub", json!(subject(&["staff", person])));
                set(&self.auth.staff_person_claim, json!(person));
                if let Some(assignment) = assignment {
                    set(&self.auth.staff_assignment_claim, json!(assignment));
                }
            }
        }
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(|e| IssueError::Key(e.to_string()))
    }
}

/// Whether the tokens of this configuration are ours to sign.
fn may_sign(config: &Config) -> Result<(), IssueError> {
    if config.mode != Mode::Demo {
        return Err(IssueError::Production);
    }
    if config.auth.issuer != DEMO_ISSUER {
        return Err(IssueError::ForeignIssuer);
    }
    Ok(())
}

/// A stable name for a person that does not contain their number.
fn subject(parts: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, parts.join(":").as_bytes()))
}

/// Makes the signing key and its public JWKS file in `dir`, each once.
pub fn prepare(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let fresh = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .map_err(|_| io::Error::other("no key could be made"))?;
    let pair = pair(&create_once(&dir.join(KEY_FILE), fresh.as_ref())?)?;
    let jwks = json!({ "keys": [{
        "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
        "kid": key_id(&pair), "x": URL_SAFE_NO_PAD.encode(pair.public_key()),
    }]});
    create_once(&dir.join(JWKS_FILE), jwks.to_string().as_bytes()).map(drop)
}

fn pair(pkcs8: &[u8]) -> io::Result<Ed25519KeyPair> {
    Ed25519KeyPair::from_pkcs8(pkcs8)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("{KEY_FILE} holds no Ed25519 key")))
}

fn key_id(pair: &Ed25519KeyPair) -> String {
    let mut id = URL_SAFE_NO_PAD.encode(digest(&SHA256, pair.public_key().as_ref()));
    id.truncate(16);
    id
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chrono::DateTime;

    use super::*;
    use crate::{
        auth::token::Verifier,
        config::{Config, MissingKeys, Sources},
    };

    fn demo(dir: &Path) -> Config {
        Config::demo(Some(dir.to_owned()), None, Sources::default(), MissingKeys::AreMade).unwrap()
    }

    fn clock() -> Clock {
        Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap())
    }

    #[tokio::test]
    async fn a_demo_token_is_accepted_by_the_demo_until_it_expires() {
        let dir = tempfile::tempdir().unwrap();
        let (config, clock) = (demo(dir.path()), clock());
        let identity = Identity::Patient { number: "191212121212".to_owned() };
        let token = Issuer::open(&config).unwrap().issue(&identity, Duration::from_mins(1), &clock).unwrap();
        let verifier = Verifier::new(&config.auth, clock.clone()).unwrap();

        let claims = verifier.verify(&token).await.unwrap();
        assert_eq!(claims.identity, identity);
        assert_eq!(claims.issuer, DEMO_ISSUER);
        assert!(!claims.subject.contains("1212"), "the subject must not hold the number");

        clock.advance(chrono::TimeDelta::seconds(60 + 31));
        assert!(verifier.verify(&token).await.is_err());
    }

    #[tokio::test]
    async fn a_staff_token_carries_person_and_assignment() {
        let dir = tempfile::tempdir().unwrap();
        let (config, clock) = (demo(dir.path()), clock());
        let identity =
            Identity::Staff { person: "SE111-P1".to_owned(), assignment: Some("SE111-A1".to_owned()) };
        let token = Issuer::open(&config).unwrap().issue(&identity, Duration::from_mins(1), &clock).unwrap();
        let verifier = Verifier::new(&config.auth, clock).unwrap();
        assert_eq!(verifier.verify(&token).await.unwrap().identity, identity);
    }

    #[test]
    fn a_second_process_uses_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let config = demo(dir.path());
        let first = Issuer::open(&config).unwrap().kid;
        assert_eq!(first, Issuer::open(&config).unwrap().kid);
    }

    #[test]
    fn a_folder_without_a_demo_is_named_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let beside = |dir: &Path| {
            Config::demo(Some(dir.to_owned()), None, Sources::default(), MissingKeys::Stay).unwrap()
        };
        let wrong = dir.path().join("wrong");
        for folder in [dir.path(), &wrong] {
            let refused = Issuer::of_started(&beside(folder)).err().unwrap();
            assert!(matches!(&refused, IssueError::NoDemo(named) if named == folder), "{refused}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");
        let made = Issuer::open(&demo(dir.path())).unwrap().kid;
        assert_eq!(Issuer::of_started(&beside(dir.path())).unwrap().kid, made);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_keys() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        demo(dir.path());
        let files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 3, "signing key, public keys, encryption key, and no drafts");
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
        }
    }

    #[test]
    fn production_and_foreign_issuers_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = demo(dir.path());
        config.auth.issuer = "https://idp.example.se/".to_owned();
        assert!(matches!(Issuer::open(&config), Err(IssueError::ForeignIssuer)));
        config.mode = Mode::Production;
        assert!(matches!(Issuer::open(&config), Err(IssueError::Production)));
        config.auth.issuer = DEMO_ISSUER.to_owned();
        assert!(matches!(Issuer::open(&config), Err(IssueError::Production)));
    }

    #[test]
    fn a_lifetime_of_nothing_or_of_years_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let issuer = Issuer::open(&demo(dir.path())).unwrap();
        let identity = Identity::Patient { number: "191212121212".to_owned() };
        for ttl in [Duration::ZERO, MAX_TTL + Duration::from_secs(1)] {
            assert!(matches!(issuer.issue(&identity, ttl, &clock()), Err(IssueError::Lifetime)));
        }
    }
}
