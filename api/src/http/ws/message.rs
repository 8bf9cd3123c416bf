//! What the two ends of a socket say to each other by `graphql-transport-ws`.

use serde_json::Value as Json;

use crate::http::graphql::request::Params;

/// Why a socket is closed by the service: code and reason of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close(pub u16, pub &'static str);

pub const GOING_AWAY: Close = Close(1001, "Going away");
/// The service made a message that cannot be written.
pub const INTERNAL: Close = Close(1011, "Internal error");
pub const TOO_BIG: Close = Close(1009, "Message too big");
pub const TRY_AGAIN: Close = Close(1013, "Try again later");
pub const INVALID_MESSAGE: Close = Close(4400, "Invalid message");
pub const UNAUTHORIZED: Close = Close(4401, "Unauthorized");
pub const EXPIRED: Close = Close(4401, "Access token expired");
pub const FORBIDDEN: Close = Close(4403, "Forbidden");
pub const ACCESS_CHANGED: Close = Close(4403, "Access has changed");
pub const INIT_TIMEOUT: Close = Close(4408, "Connection initialisation timeout");
pub const ID_IN_USE: Close = Close(4409, "Subscriber for this id already exists");
pub const TOO_MANY_INITS: Close = Close(4429, "Too many initialisation requests");

/// A message of the client, taken apart.
#[derive(Debug)]
pub enum Incoming {
    Init(serde_json::Map<String, Json>),
    Ping(Option<Json>),
    Pong,
    Subscribe { id: String, params: Params },
    Complete { id: String },
}

impl Incoming {
    pub fn parse(text: &str) -> Result<Self, Close> {
        let Ok(Json::Object(mut object)) = serde_json::from_str(text) else { return Err(INVALID_MESSAGE) };
        let payload = object.remove("payload").filter(|payload| !payload.is_null());
        let id = match object.remove("id") {
            Some(Json::String(id)) if !id.is_empty() => Some(id),
            _ => None,
        };
        let kind = object.get("type").and_then(Json::as_str).unwrap_or_default();
        match (kind, id, payload) {
            ("connection_init", _, None) => Ok(Self::Init(serde_json::Map::new())),
            ("connection_init", _, Some(Json::Object(payload))) => Ok(Self::Init(payload)),
            ("ping", _, payload @ (None | Some(Json::Object(_)))) => Ok(Self::Ping(payload)),
            ("pong", _, None | Some(Json::Object(_))) => Ok(Self::Pong),
            ("subscribe", Some(id), Some(payload)) => {
                let params = Params::from_json(payload).map_err(|_| INVALID_MESSAGE)?;
                Ok(Self::Subscribe { id, params })
            }
            ("complete", Some(id), _) => Ok(Self::Complete { id }),
            _ => Err(INVALID_MESSAGE),
        }
    }
}
