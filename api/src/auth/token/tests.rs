#![allow(clippy::unwrap_used)]
//! Forged, malformed and misdirected tokens. Each one is refused, with the same words.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://idp.example.se/";

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An issuer's key: how it signs, and how it is published.
struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    jwk: Value,
}

impl Signer {
    fn ed(kid: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(pair.public_key())});
        Self { key: EncodingKey::from_ed_der(pkcs8.as_ref()), algorithm: Algorithm::EdDSA, jwk }
    }

    fn ec(kid: &str) -> Self {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        let point = pair.public_key().as_ref();
        let jwk =
            json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": b64(&point[1..33]), "y": b64(&point[33..])});
        Self { key: EncodingKey::from_ec_der(pkcs8.as_ref()), algorithm: Algorithm::ES256, jwk }
    }

    fn rsa(kid: &str, algorithm: Algorithm) -> Self {
        let pair = RsaKeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let public = aws_lc_rs::signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let jwk = json!({"kty": "RSA", "kid": kid, "n": b64(public.n), "e": b64(public.e)});
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            base64::engine::general_purpose::STANDARD.encode(der.as_ref())
        );
        Self { key: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(), algorithm, jwk }
    }

    fn kid(&self) -> &str {
        self.jwk["kid"].as_str().unwrap()
    }

    fn token(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid().to_owned());
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    /// A token of exactly this header and these claims, properly signed.
    fn raw(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", b64(header), b64(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

fn patient() -> Value {
    json!({
        "iss": ISSUER, "aud": "patientkontrakt", "sub": "s1", "iat": NOW, "nbf": NOW, "exp": NOW + 300,
        "personalIdentityNumber": "191212121212",
    })
}

/// The claims of a patient with `changes`; null removes a claim.
fn with(changes: Value) -> Value {
    let mut claims = patient();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn clock() -> Clock {
    Clock::manual(DateTime::from_timestamp(NOW, 0).unwrap())
}

fn auth() -> config::Auth {
    config::Auth {
        issuer: ISSUER.to_owned(),
        audience: "patientkontrakt".to_owned(),
        ..config::Auth::default()
    }
}

/// A verifier that knows the keys of `signers` from a file.
struct Known {
    verifier: Verifier,
    _file: tempfile::NamedTempFile,
}

impl Known {
    fn new(signers: &[&Signer]) -> Self {
        Self::with(signers, auth(), clock())
    }

    fn with(signers: &[&Signer], mut auth: config::Auth, clock: Clock) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        let keys: Vec<_> = signers.iter().map(|signer| &signer.jwk).collect();
        std::fs::write(file.path(), json!({ "keys": keys }).to_string()).unwrap();
        auth.jwks_file = Some(file.path().to_owned());
        Self { verifier: Verifier::new(&auth, clock).unwrap(), _file: file }
    }

    async fn refuses(&self, token: &str, why: TokenError) {
        let error = self.verifier.verify(token).await.expect_err("the token must be refused");
        assert_eq!(error, why);
        assert_eq!(error.to_string(), "The access token is missing, invalid or expired.");
    }
}

#[tokio::test]
async fn every_allowed_algorithm_is_accepted() {
    for signer in [
        Signer::ed("k"),
        Signer::ec("k"),
        Signer::rsa("k", Algorithm::RS256),
        Signer::rsa("k", Algorithm::PS256),
    ] {
        let claims = Known::new(&[&signer]).verifier.verify(&signer.token(&patient())).await.unwrap();
        assert!(claims.identity == Identity::Patient { number: "191212121212".to_owned() });
        assert_eq!((claims.issuer.as_str(), claims.subject.as_str()), (ISSUER, "s1"));
        assert_eq!(claims.expires_at.timestamp(), NOW + 300);
    }
}

#[tokio::test]
async fn tokens_without_a_signature_are_refused() {
    let signer = Signer::ed("k");
    let known = Known::new(&[&signer]);
    for alg in ["none", "None", "NONE", ""] {
        let header = json!({"alg": alg, "kid": "k"}).to_string();
        let unsigned = format!("{}.{}.", b64(&header), b64(patient().to_string()));
        known.refuses(&unsigned, TokenError::Algorithm).await;
    }
    let token = signer.token(&patient());
    let stripped = format!("{}.", token.rsplit_once('.').unwrap().0);
    known.refuses(&stripped, TokenError::Signature).await;
    known.refuses(&signer.raw(r#"{"kid":"k"}"#, &patient().to_string()), TokenError::Algorithm).await;
}

#[tokio::test]
async fn the_public_key_is_no_shared_secret() {
    let signer = Signer::rsa("k", Algorithm::RS256);
    let known = Known::new(&[&signer]);
    let modulus = URL_SAFE_NO_PAD.decode(signer.jwk["n"].as_str().unwrap()).unwrap();
    for secret in [modulus, signer.jwk.to_string().into_bytes()] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let mut header = Header::new(algorithm);
            header.kid = Some("k".to_owned());
            let forged =
                jsonwebtoken::encode(&header, &patient(), &EncodingKey::from_secret(&secret)).unwrap();
            known.refuses(&forged, TokenError::Algorithm).await;
        }
    }
}

#[tokio::test]
async fn a_key_serves_only_its_own_algorithms() {
    let (ed, rsa) = (Signer::ed("ed"), Signer::rsa("rsa", Algorithm::PS256));
    let mut pinned = Signer::rsa("pinned", Algorithm::PS256);
    pinned.jwk["alg"] = json!("RS256");
    let known = Known::new(&[&ed, &rsa, &pinned]);
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some("rsa".to_owned());
    let crossed = jsonwebtoken::encode(&header, &patient(), &ed.key).unwrap();
    known.refuses(&crossed, TokenError::WrongKey).await;
    known.refuses(&pinned.token(&patient()), TokenError::WrongKey).await;
    header = Header::new(Algorithm::RS512);
    header.kid = Some("rsa".to_owned());
    let stronger = jsonwebtoken::encode(&header, &patient(), &rsa.key).unwrap();
    known.refuses(&stronger, TokenError::Algorithm).await;
}

#[tokio::test]
async fn keys_for_other_purposes_are_passed_over() {
    let mut signer = Signer::ed("k");
    for (member, value) in [("use", json!("enc")), ("key_ops", json!(["sign"])), ("alg", json!("ES256"))] {
        let kept = signer.jwk.clone();
        signer.jwk[member] = value;
        let token = signer.token(&patient());
        Known::new(&[&signer]).refuses(&token, TokenError::KeysUnavailable).await;
        signer.jwk = kept;
    }
    let secret = json!({"kty": "oct", "kid": "s", "k": b64("secret")});
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), json!({"keys": [secret, {"kty": "novel"}, 1, signer.jwk]}).to_string())
        .unwrap();
    let auth = config::Auth { jwks_file: Some(file.path().to_owned()), ..auth() };
    Verifier::new(&auth, clock()).unwrap().verify(&signer.token(&patient())).await.unwrap();
}

#[tokio::test]
async fn a_header_that_brings_its_own_key_is_refused_though_the_signature_fits() {
    let signer = Signer::ed("k");
    let known = Known::new(&[&signer]);
    for (member, value) in [
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("jwk", signer.jwk.clone()),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
    ] {
        let mut header = json!({"alg": "EdDSA", "kid": "k"});
        header[member] = value;
        known.refuses(&signer.raw(&header.to_string(), &patient().to_string()), TokenError::Header).await;
    }
}

#[tokio::test]
async fn a_key_id_must_name_a_key_of_the_issuer() {
    let (one, two, foreign) = (Signer::ed("one"), Signer::ed("two"), Signer::ed("three"));
    let known = Known::new(&[&one, &two]);
    known.refuses(&foreign.token(&patient()), TokenError::UnknownKey).await;
    for kid in ["../../etc/passwd", "' OR 1=1 --", "one\0"] {
        let header = json!({"alg": "EdDSA", "kid": kid}).to_string();
        known.refuses(&one.raw(&header, &patient().to_string()), TokenError::UnknownKey).await;
    }
    for kid in [json!(1), json!(["one"]), json!(""), json!(null), json!("k".repeat(5000))] {
        let header = json!({"alg": "EdDSA", "kid": kid}).to_string();
        known.refuses(&one.raw(&header, &patient().to_string()), TokenError::Header).await;
    }
    let mut imposter = Signer::ed("one");
    imposter.jwk["kid"] = json!("one");
    known.refuses(&imposter.token(&patient()), TokenError::Signature).await;
    known.refuses(&one.raw(r#"{"alg":"EdDSA"}"#, &patient().to_string()), TokenError::KeyIdRequired).await;
    let alone = Known::new(&[&one]);
    alone.verifier.verify(&one.raw(r#"{"alg":"EdDSA"}"#, &patient().to_string())).await.unwrap();
}

#[tokio::test]
async fn changed_claims_break_the_signature() {
    let signer = Signer::ec("k");
    let known = Known::new(&[&signer]);
    let token = signer.token(&patient());
    let parts: Vec<_> = token.split('.').collect();
    let other = b64(with(json!({"personalIdentityNumber": "201212121212"})).to_string());
    known.refuses(&format!("{}.{other}.{}", parts[0], parts[2]), TokenError::Signature).await;
}

#[tokio::test]
async fn a_token_is_valid_from_nbf_to_exp_with_the_leeway_and_not_a_moment_longer() {
    let (signer, clock) = (Signer::ed("k"), clock());
    let known = Known::with(&[&signer], auth(), clock.clone());
    let token = signer.token(&patient());
    let at = |second: i64| clock.set(DateTime::from_timestamp(NOW + second, 0).unwrap());
    at(-31);
    known.refuses(&token, TokenError::Early).await;
    for second in [-30, 0, 300, 329] {
        at(second);
        known.verifier.verify(&token).await.unwrap();
    }
    at(330);
    known.refuses(&token, TokenError::Expired).await;
}

#[tokio::test]
async fn times_must_be_there_and_be_sensible_numbers() {
    let signer = Signer::ed("k");
    let known = Known::new(&[&signer]);
    for (changes, why) in [
        (json!({"exp": null}), TokenError::Claim),
        (json!({"exp": "1900000000"}), TokenError::Claim),
        (json!({"exp": -1}), TokenError::Claim),
        (json!({"exp": 1e300}), TokenError::Claim),
        (json!({"nbf": null}), TokenError::Claim),
        (json!({"nbf": "0"}), TokenError::Claim),
        (json!({"nbf": NOW + 31}), TokenError::Early),
        (json!({"iat": NOW + 31}), TokenError::Early),
        (json!({"iat": []}), TokenError::Claim),
    ] {
        known.refuses(&signer.token(&with(changes)), why).await;
    }
    let lenient = config::Auth { require_not_before: false, ..auth() };
    let known = Known::with(&[&signer], lenient, clock());
    known.verifier.verify(&signer.token(&with(json!({"nbf": null})))).await.unwrap();
    known.refuses(&signer.token(&with(json!({"nbf": NOW + 31}))), TokenError::Early).await;
}

#[tokio::test]
async fn a_token_for_others_or_of_others_is_refused() {
    let signer = Signer::ed("k");
    let known = Known::new(&[&signer]);
    for (changes, why) in [
        (json!({"aud": "journal"}), TokenError::Audience),
        (json!({"aud": []}), TokenError::Audience),
        (json!({"aud": null}), TokenError::Claim),
        (json!({"iss": "https://idp.example.se"}), TokenError::Issuer),
        (json!({"iss": [ISSUER, "https://evil.example/"]}), TokenError::Issuer),
        (json!({"iss": null}), TokenError::Claim),
        (json!({"sub": null}), TokenError::Claim),
        (json!({"sub": " "}), TokenError::Claim),
    ] {
        known.refuses(&signer.token(&with(changes)), why).await;
    }
    known
        .verifier
        .verify(&signer.token(&with(json!({"aud": ["journal", "patientkontrakt"]}))))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_member_that_stands_twice_is_refused() {
    let signer = Signer::ed("k");
    let known = Known::new(&[&signer]);
    let claims = patient().to_string();
    let header = r#"{"alg":"EdDSA","kid":"k"}"#;
    for doubled in [
        claims.replace(r#""sub":"#, r#""sub":"x","sub":"#),
        claims.replace(r#""exp":"#, r#""exp":9999999999,"exp":"#),
        claims.replace(
            r#""personalIdentityNumber":"#,
            r#""personalIdentityNumber":"1","personalIdentityNumber":"#,
        ),
        claims.replace(r#""sub":"#, r#""act":{"a":[{"b":1,"b":2}]},"sub":"#),
        claims.replace(r#""sub":"#, r#""s\u0075b":"x","sub":"#),
    ] {
        assert_ne!(doubled, claims);
        known.refuses(&signer.raw(header, &doubled), TokenError::Duplicate).await;
    }
    let doubled = r#"{"alg":"none","alg":"EdDSA","kid":"k"}"#;
    known.refuses(&signer.raw(doubled, &claims), TokenError::Duplicate).await;
}

#[tokio::test]
async fn huge_tokens_and_garbage_are_refused() {
    let signer = Signer::ed("k");
    let known = Known::new(&[&signer]);
    let padded = signer.token(&with(json!({"note": "x".repeat(9000)})));
    known.refuses(&padded, TokenError::TooLarge).await;
    let nested = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    known.refuses(&signer.raw(r#"{"alg":"EdDSA","kid":"k"}"#, &nested), TokenError::Malformed).await;
    let header = b64(r#"{"alg":"EdDSA","kid":"k"}"#);
    let token = signer.token(&patient());
    for garbage in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "åäö.åäö.åäö".to_owned(),
        "\0\0\0".to_owned(),
        b64("null"),
        format!("{header}.AAAA"),
        format!("{}.AAAA.AAAA", b64("[]")),
        format!("{}.AAAA.AAAA", b64("\"EdDSA\"")),
        format!("{header}=.AAAA.AAAA"),
        format!("{token}."),
        format!("{token}.AAAA"),
        format!("{token}="),
        format!(" {token}"),
    ] {
        known.refuses(&garbage, TokenError::Malformed).await;
    }
}

#[tokio::test]
async fn a_caller_is_a_patient_or_staff_and_never_both_or_neither() {
    let signer = Signer::ed("k");
    let known = Known::new(&[&signer]);
    for changes in [
        json!({"employeeHsaId": "SE1-P"}),
        json!({"commissionHsaId": "SE1-A"}),
        json!({"personalIdentityNumber": null}),
        json!({"personalIdentityNumber": null, "commissionHsaId": "SE1-A"}),
        json!({"personalIdentityNumber": ""}),
        json!({"personalIdentityNumber": 191_212_121_212_i64}),
        json!({"personalIdentityNumber": ["191212121212", "201212121212"]}),
        json!({"personalIdentityNumber": null, "employeeHsaId": "SE1-P", "commissionHsaId": ["SE1-A", "SE1-B"]}),
    ] {
        known.refuses(&signer.token(&with(changes)), TokenError::Identity).await;
    }
    let staff = with(json!({"personalIdentityNumber": null, "employeeHsaId": "SE1-P"}));
    let claims = known.verifier.verify(&signer.token(&staff)).await.unwrap();
    assert!(claims.identity == Identity::Staff { person: "SE1-P".to_owned(), assignment: None });
}

#[tokio::test]
async fn the_names_of_claims_can_be_configured() {
    let signer = Signer::ed("k");
    let auth = config::Auth {
        patient_number_claim: "https://id.oidc.se/claim/personalIdentityNumber".to_owned(),
        ..auth()
    };
    let known = Known::with(&[&signer], auth, clock());
    known.refuses(&signer.token(&patient()), TokenError::Identity).await;
    let claims = with(json!({"https://id.oidc.se/claim/personalIdentityNumber": "191212121212"}));
    known.verifier.verify(&signer.token(&claims)).await.unwrap();
}

#[tokio::test]
async fn claims_are_not_written_out() {
    let signer = Signer::ed("k");
    let claims = Known::new(&[&signer]).verifier.verify(&signer.token(&patient())).await.unwrap();
    assert!(!format!("{claims:?}").contains("1212"));
}

mod keys;
