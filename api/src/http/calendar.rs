//! The personal calendar feeds: read by calendar programs, which can present nothing but the address itself.
//!
//! The address is the secret: it stands in no log, and an unknown, revoked or foreign one gets the same answer.

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::access_event::Outcome;

use super::graphql::REQUEST_ID;
use crate::{
    auth::actor::Actor,
    crypto::sha256,
    domain::calendar_feed::read,
    error::Fault,
    locale::Locale,
    session::{Core, Session},
    telemetry,
};

/// The name of a fetch in the access log.
const ACTION: &str = "calendarFeed";

#[derive(Clone)]
struct Feeds {
    core: Core,
    /// The right side of the events' ids.
    domain: String,
}

/// The route of the feeds.
pub fn routes(core: &Core, domain: &str) -> Router {
    let feeds = Feeds { core: core.clone(), domain: domain.to_owned() };
    Router::new().route("/calendar/{file}", get(feed)).with_state(feeds)
}

async fn feed(State(feeds): State<Feeds>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    match serve(&feeds, &file, request_id).await {
        Ok(Some(body)) => answer(body, &headers),
        Ok(None) => {
            (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "Not found\n").into_response()
        }
        Err(fault) => {
            telemetry::note_failure("serving a calendar feed", &fault);
            let headers = [(header::CACHE_CONTROL, "no-store"), (header::RETRY_AFTER, "60")];
            (StatusCode::SERVICE_UNAVAILABLE, headers, "Try again later\n").into_response()
        }
    }
}

/// The feed, once its reading is logged.
async fn serve(feeds: &Feeds, file: &str, request_id: &str) -> Result<Option<String>, Fault> {
    let found = match file.strip_suffix(".ics").filter(|secret| (20..=100).contains(&secret.len())) {
        Some(secret) => read::feed(&feeds.core, &feeds.domain, secret).await?,
        None => None,
    };
    let actor = found.as_ref().map_or(Actor::Anonymous, |feed| Actor::Patient { id: feed.patient });
    let session = Session::new(feeds.core.clone(), actor, Locale::default(), request_id.to_owned());
    let record = match &found {
        Some(feed) => {
            let mut record = session.record(ACTION, Outcome::Allowed, None);
            record.patients.insert(feed.patient);
            record
        }
        None => session.record(ACTION, Outcome::Denied, Some("NOT_FOUND")),
    };
    feeds.core.log.commit(record).await?;
    Ok(found.map(|feed| feed.body))
}

/// The feed, or only that it is as the program has it already.
fn answer(body: String, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(sha256(&[body.as_bytes()])));
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let same = known
        .flat_map(|value| value.split(','))
        .any(|known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag);
    let always = [(header::ETAG, tag), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    if same {
        return (StatusCode::NOT_MODIFIED, always).into_response();
    }
    let kind = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"tider.ics\""),
    ];
    (always, kind, body).into_response()
}
