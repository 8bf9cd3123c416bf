//! Reads a GraphQL request out of an HTTP request, to the letter of the GraphQL over HTTP draft.

use std::sync::Arc;

use async_graphql::{Name, ServerError, Value, Variables};
use axum::body::Body;
use axum::extract::Query;
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, StatusCode, Uri};
use futures_util::StreamExt as _;
use serde_json::Value as Json;

use super::errors::{Refusal, code, coded};

/// How much of a request that is too large is read to its end, in bytes.
const TAKEN: usize = 16 << 20;

/// The parameters of a GraphQL request, whichever way they came.
#[derive(Debug, Clone, Default)]
pub struct Params {
    pub query: Option<Arc<str>>,
    pub operation_name: Option<String>,
    pub variables: Variables,
    /// SHA-256 of the query's text, by the protocol of automatic persisted queries.
    pub persisted_hash: Option<[u8; 32]>,
}

impl Params {
    /// From the JSON object of a POST body or of a WebSocket message.
    ///
    /// # Errors
    /// Every parameter of the wrong type, at once.
    pub fn from_json(json: Json) -> Result<Self, Refusal> {
        let mut object = match json {
            Json::Object(object) => object,
            Json::Array(_) => {
                return Err(Refusal::bad_request(
                    "Batches are not supported: send one request at a time, as a JSON object.",
                ));
            }
            _ => return Err(Refusal::bad_request("The request must be a JSON object.")),
        };
        let mut wrong = Wrong::default();
        let query = wrong.string("query", object.remove("query"));
        let operation_name = wrong.string("operationName", object.remove("operationName"));
        let variables = wrong.object("variables", object.remove("variables"));
        let extensions = wrong.object("extensions", object.remove("extensions"));
        let persisted_hash = wrong.persisted_hash(extensions);
        if query.is_none() && persisted_hash.is_none() && wrong.0.is_empty() {
            wrong.tell("The parameter \"query\" is missing.");
        }
        wrong.refuse()?;
        let variables = variables.unwrap_or_default().into_iter();
        let variables = variables
            .map(|(name, value)| Ok((Name::new(name), Value::from_json(value)?)))
            .collect::<Result<_, serde_json::Error>>()
            .map_err(|_| Refusal::bad_request("The parameter \"variables\" has a value that is not JSON."))?;
        Ok(Self {
            query: query.map(Arc::from),
            operation_name,
            variables: Variables::from_value(Value::Object(variables)),
            persisted_hash,
        })
    }

    /// From the query string of a GET request, where `variables` and `extensions` are JSON text.
    pub fn from_uri(uri: &Uri, limit: usize) -> Result<Self, Refusal> {
        if uri.query().is_some_and(|query| query.len() > limit) {
            return Err(too_large(limit));
        }
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| Refusal::bad_request("The query string of the URL is malformed."))?;
        let mut object = serde_json::Map::new();
        let mut wrong = Wrong::default();
        for (name, text) in pairs {
            let value = match name.as_str() {
                "query" | "operationName" => Json::String(text),
                "variables" | "extensions" => serde_json::from_str(&text).unwrap_or_else(|_| {
                    wrong.tell(format!("The parameter \"{name}\" is not JSON."));
                    Json::Null
                }),
                _ => continue,
            };
            if object.contains_key(&name) {
                wrong.tell(format!("The parameter \"{name}\" is given more than once."));
            }
            object.insert(name, value);
        }
        wrong.refuse()?;
        Self::from_json(Json::Object(object))
    }

    /// From the body of a POST request.
    ///
    /// What is too large is taken all the same, up to [`TAKEN`], and thrown away: many clients read no
    /// answer while they still send, and would see a broken connection instead of why.
    pub async fn from_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Self, Refusal> {
        check_content_type(headers)?;
        let announced =
            headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let mut over = announced.is_some_and(|length| length > limit as u64);
        // Who asks before sending is told before sending.
        if over && headers.contains_key(EXPECT) {
            return Err(too_large(limit));
        }
        let (mut bytes, mut seen) = (Vec::new(), 0_usize);
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk =
                chunk.map_err(|_| Refusal::bad_request("The body of the request could not be read."))?;
            seen = seen.saturating_add(chunk.len());
            over |= seen > limit;
            if over && seen > TAKEN {
                break;
            } else if !over {
                bytes.extend_from_slice(&chunk);
            }
        }
        if over {
            return Err(too_large(limit));
        }
        let json = serde_json::from_slice(&bytes)
            .map_err(|_| Refusal::bad_request("The body of the request is not JSON in UTF-8."))?;
        Self::from_json(json)
    }
}

fn too_large(limit: usize) -> Refusal {
    let message = format!("The request is larger than {limit} bytes, the limit of this service.");
    Refusal::transport(StatusCode::PAYLOAD_TOO_LARGE, code::PAYLOAD_TOO_LARGE, message)
}

/// What is wrong with the parameters, gathered so that it is told at once.
#[derive(Default)]
struct Wrong(Vec<ServerError>);

impl Wrong {
    fn tell(&mut self, message: impl Into<String>) {
        self.0.push(coded(code::BAD_REQUEST, message));
    }

    fn string(&mut self, name: &str, value: Option<Json>) -> Option<String> {
        match value {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) => Some(text),
            Some(_) => {
                self.tell(format!("The parameter \"{name}\" must be a string."));
                None
            }
        }
    }

    fn object(&mut self, name: &str, value: Option<Json>) -> Option<serde_json::Map<String, Json>> {
        match value {
            None | Some(Json::Null) => None,
            Some(Json::Object(object)) => Some(object),
            Some(_) => {
                self.tell(format!("The parameter \"{name}\" must be a JSON object."));
                None
            }
        }
    }

    fn persisted_hash(&mut self, extensions: Option<serde_json::Map<String, Json>>) -> Option<[u8; 32]> {
        let persisted = extensions?.remove("persistedQuery")?;
        let hash = persisted["sha256Hash"].as_str().and_then(|hex| {
            let mut hash = [0; 32];
            hex::decode_to_slice(hex, &mut hash).ok().map(|()| hash)
        });
        if persisted["version"] != 1 || hash.is_none() {
            self.tell("\"extensions.persistedQuery\" must have version 1 and a sha256Hash of 64 hexadecimal digits.");
        }
        hash
    }

    fn refuse(self) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        let status = StatusCode::BAD_REQUEST;
        Err(Refusal { status, legacy: status, errors: self.0 })
    }
}

/// The body must be JSON in UTF-8. Content types that a plain HTML form can send are refused with all others, so that
/// a page of another site cannot make a browser post here without asking first.
fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let fits = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let mut parts = value.split(';').map(str::trim);
        parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"))
            && parts.all(is_utf8_if_charset)
    });
    if fits {
        return Ok(());
    }
    let message = "The request must have the content type application/json, in UTF-8.";
    Err(Refusal::transport(StatusCode::UNSUPPORTED_MEDIA_TYPE, code::UNSUPPORTED_MEDIA_TYPE, message))
}

fn is_utf8_if_charset(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    }
}

/// The two forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`: the HTTP status tells how the request went.
    GraphqlResponse,
    /// `application/json`: the status of a well-formed request is 200.
    Json,
}

impl Media {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    /// What the client's `Accept` asks for. Without one, and for wildcards, the older form.
    ///
    /// # Errors
    /// The client takes neither.
    pub fn negotiate(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut best: Option<(u16, u8, Self)> = None;
        let mut asked = false;
        for value in headers.get_all(ACCEPT) {
            for range in value.to_str().unwrap_or_default().split(',').map(str::trim) {
                if range.is_empty() {
                    continue;
                }
                asked = true;
                let Some((quality, precision, media)) = judge(range) else { continue };
                // More wanted first, then named before wildcard, then the newer form.
                let rank = (quality, precision, u8::from(media == Self::GraphqlResponse));
                if quality > 0
                    && best.is_none_or(|(q, p, m)| rank > (q, p, u8::from(m == Self::GraphqlResponse)))
                {
                    best = Some((quality, precision, media));
                }
            }
        }
        match best {
            Some((_, _, media)) => Ok(media),
            None if !asked => Ok(Self::Json),
            None => Err(Refusal::transport(
                StatusCode::NOT_ACCEPTABLE,
                code::NOT_ACCEPTABLE,
                "This service answers application/graphql-response+json or application/json, in UTF-8.",
            )),
        }
    }
}

/// A media range as (quality in thousandths, how precisely it names, what it means here).
fn judge(range: &str) -> Option<(u16, u8, Media)> {
    let mut parts = range.split(';').map(str::trim);
    let (precision, media) = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/graphql-response+json" => (2, Media::GraphqlResponse),
        "application/json" => (2, Media::Json),
        "application/*" => (1, Media::Json),
        "*/*" => (0, Media::Json),
        _ => return None,
    };
    let mut quality = 1000;
    for parameter in parts {
        if !is_utf8_if_charset(parameter) {
            return None;
        }
        if let Some(q) = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q=")) {
            let q: f32 = q.trim().parse().ok()?;
            quality = (q.clamp(0.0, 1.0) * 1000.0) as u16;
        }
    }
    Some((quality, precision, media))
}
