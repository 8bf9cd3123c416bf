//! From a bearer token to what its issuer says about the caller.
//!
//! A token is an attacker's favourite input: it chooses its own algorithm, may point at its own key and may say
//! everything twice. Nothing in it is believed that we have not asked for, and every refusal looks the same from
//! outside. Time comes from our clock, not from the library's.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Validation, errors::ErrorKind};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::jwks::{Found, Jwks, JwksError};
use crate::{clock::Clock, config};

/// Longest text of a claim that names a person.
const MAX_NAME: usize = 256;

/// What a verified token says. The issuer vouches for it; whether we know the person is another question.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    pub issuer: String,
    /// The issuer's own name for the caller; unique together with `issuer`.
    pub subject: String,
    /// When the token ends, leeway not included.
    pub expires_at: DateTime<Utc>,
    pub identity: Identity,
}

/// Who the caller is: a patient or a staff member, never both.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Personal, coordination or reserve number, as the issuer writes it.
    Patient { number: String },
    /// HSA-ids of the person and of the assignment, as the issuer writes them.
    Staff { person: String, assignment: Option<String> },
}

/// Claims hold personal numbers, so they are never written out.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Patient { .. } => "Patient(…)",
            Self::Staff { .. } => "Staff(…)",
        })
    }
}

/// Why a token was refused. The message is one for all, so that it teaches an attacker nothing;
/// [`reason`](Self::reason) is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The access token is missing, invalid or expired.")]
pub enum TokenError {
    /// Larger than the configured size.
    TooLarge,
    /// Not three parts of base64url, or not JSON objects.
    Malformed,
    /// A member of header or claims stands there twice.
    Duplicate,
    /// No algorithm, or one that is not allowed.
    Algorithm,
    /// The header brings its own key, or demands an extension.
    Header,
    /// No key id, though the issuer has several keys.
    KeyIdRequired,
    /// The issuer has no such key.
    UnknownKey,
    /// The key is not for this algorithm.
    WrongKey,
    /// The issuer's keys cannot be had.
    KeysUnavailable,
    Signature,
    Issuer,
    Audience,
    /// A required claim is missing or of the wrong type.
    Claim,
    Expired,
    /// Not valid yet, or issued in the future.
    Early,
    /// Neither a patient nor a staff member, or both.
    Identity,
}

impl TokenError {
    /// A word for the log and the metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Duplicate => "duplicate_member",
            Self::Algorithm => "algorithm",
            Self::Header => "header",
            Self::KeyIdRequired => "key_id_required",
            Self::UnknownKey => "unknown_key",
            Self::WrongKey => "wrong_key",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Claim => "claim",
            Self::Expired => "expired",
            Self::Early => "early",
            Self::Identity => "identity",
        }
    }
}

/// Checks bearer tokens of one issuer.
#[derive(Clone)]
pub struct Verifier {
    auth: config::Auth,
    jwks: Jwks,
    clock: Clock,
}

impl Verifier {
    /// A verifier for the configured issuer; its keys are fetched with the first token.
    pub fn new(auth: &config::Auth, clock: Clock) -> Result<Self, JwksError> {
        Ok(Self { auth: auth.clone(), jwks: Jwks::new(auth, clock.clone())?, clock })
    }

    /// The issuer's keys, for readiness and the operator's checks.
    pub fn jwks(&self) -> &Jwks {
        &self.jwks
    }

    /// What `token` says, if it is genuine, meant for us and valid now. Refusals are counted by reason.
    pub async fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        self.check(token).await.inspect_err(|error| {
            metrics::counter!("patientkontrakt_tokens_refused_total", "reason" => error.reason())
                .increment(1);
        })
    }

    async fn check(&self, token: &str) -> Result<Claims, TokenError> {
        if token.len() > self.auth.max_token_bytes {
            return Err(TokenError::TooLarge);
        }
        let (algorithm, kid) = header(token)?;
        let key = match self.jwks.find(kid.as_deref(), algorithm).await {
            Found::Key(key) => key,
            Found::IdRequired => return Err(TokenError::KeyIdRequired),
            Found::Unknown => return Err(TokenError::UnknownKey),
            Found::WrongAlgorithm => return Err(TokenError::WrongKey),
            Found::Unavailable => return Err(TokenError::KeysUnavailable),
        };
        let Object(claims) = jsonwebtoken::decode(token, &key, &self.validation(algorithm))
            .map_err(|error| refusal(error.kind()))?
            .claims;
        self.claims(&claims)
    }

    /// Everything the library checks; time is ours.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.auth.issuer]);
        validation.set_audience(&[&self.auth.audience]);
        validation
    }

    fn claims(&self, claims: &Map<String, Value>) -> Result<Claims, TokenError> {
        // The library also accepts a list of issuers; a token has one.
        let issuer = name(claims, "iss").filter(|iss| *iss == self.auth.issuer).ok_or(TokenError::Issuer)?;
        let subject = name(claims, "sub").ok_or(TokenError::Claim)?;
        let expires = seconds(claims, "exp")?.ok_or(TokenError::Claim)?;
        let (now, leeway) =
            (self.clock.now().timestamp_micros() as f64 / 1e6, self.auth.leeway_seconds.as_secs_f64());
        if now >= expires + leeway {
            return Err(TokenError::Expired);
        }
        match seconds(claims, "nbf")? {
            Some(not_before) if not_before > now + leeway => return Err(TokenError::Early),
            None if self.auth.require_not_before => return Err(TokenError::Claim),
            _ => {}
        }
        if seconds(claims, "iat")?.is_some_and(|issued| issued > now + leeway) {
            return Err(TokenError::Early);
        }
        Ok(Claims {
            issuer,
            subject,
            expires_at: DateTime::from_timestamp_micros((expires * 1e6) as i64).ok_or(TokenError::Claim)?,
            identity: self.identity(claims)?,
        })
    }

    fn identity(&self, claims: &Map<String, Value>) -> Result<Identity, TokenError> {
        let claim = |key: &str| match claims.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => name(claims, key).map(Some).ok_or(TokenError::Identity),
        };
        let number = claim(&self.auth.patient_number_claim)?;
        let person = claim(&self.auth.staff_person_claim)?;
        let assignment = claim(&self.auth.staff_assignment_claim)?;
        match (number, person, assignment) {
            (Some(number), None, None) => Ok(Identity::Patient { number }),
            (None, Some(person), assignment) => Ok(Identity::Staff { person, assignment }),
            _ => Err(TokenError::Identity),
        }
    }
}

/// Algorithm and key id of a token whose header demands nothing we do not offer.
fn header(token: &str) -> Result<(Algorithm, Option<String>), TokenError> {
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::Malformed);
    };
    let bytes = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
    let Object(header) = serde_json::from_slice(&bytes).map_err(|e| json_refusal(&e))?;
    if ["jku", "jwk", "x5u", "x5c", "crit", "zip", "enc", "b64"].iter().any(|name| header.contains_key(*name))
    {
        return Err(TokenError::Header);
    }
    let algorithm = match header.get("alg").and_then(Value::as_str) {
        Some("RS256") => Algorithm::RS256,
        Some("PS256") => Algorithm::PS256,
        Some("ES256") => Algorithm::ES256,
        Some("EdDSA") => Algorithm::EdDSA,
        _ => return Err(TokenError::Algorithm),
    };
    match header.get("kid") {
        None => Ok((algorithm, None)),
        Some(_) => Ok((algorithm, Some(name(&header, "kid").ok_or(TokenError::Header)?))),
    }
}

/// A claim that names something: a text that is neither empty nor endless.
fn name(claims: &Map<String, Value>, key: &str) -> Option<String> {
    let text = claims.get(key)?.as_str()?;
    (!text.trim().is_empty() && text.len() <= MAX_NAME).then(|| text.to_owned())
}

/// An instant in seconds since the epoch; absent is allowed here, another type is not.
fn seconds(claims: &Map<String, Value>, key: &str) -> Result<Option<f64>, TokenError> {
    match claims.get(key) {
        None => Ok(None),
        Some(value) => {
            value.as_f64().filter(|seconds| (0.0..1e11).contains(seconds)).map(Some).ok_or(TokenError::Claim)
        }
    }
}

fn refusal(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidIssuer => TokenError::Issuer,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => TokenError::Claim,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => TokenError::WrongKey,
        ErrorKind::Json(error) => json_refusal(error),
        _ => TokenError::Malformed,
    }
}

/// What the error of a duplicate member begins with; the library's errors carry nothing but text.
const DUPLICATE: &str = "duplicate member";

fn json_refusal(error: &serde_json::Error) -> TokenError {
    if error.to_string().starts_with(DUPLICATE) { TokenError::Duplicate } else { TokenError::Malformed }
}

/// A JSON object in which, at every depth, no member stands twice. With duplicates, two readers could see two
/// different tokens.
struct Object(Map<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Unique)? {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(D::Error::custom("not an object")),
        }
    }
}

struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Unique)? {
            list.push(item);
        }
        Ok(list.into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Unique)?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests;
