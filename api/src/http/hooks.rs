//! What the SMS gateway tells us: what became of a message, and what somebody replied.
//!
//! The addresses hold what proves the gateway, so they stand in no log; only requests without it are slowed down. A report is answered 200 whether or not it
//! changes anything, so that a gateway that repeats itself comes to rest; only when it could not be stored is it asked
//! to come again.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};

use super::graphql::REQUEST_ID;
use crate::{
    domain::{phone::PhoneNumber, reminder_preference::stop},
    error::Fault,
    reminder::{
        channel::sms::{Fields, GatewayKind, SmsConfig, hooks::Hooks},
        receipt,
    },
    session::Core,
    telemetry,
};

/// A report or reply is never this long.
const MAX_BODY: usize = 16 * 1024;

/// The answer to the first STOPP, which the gateway sends as an SMS. In one segment.
const STOPPED: &str =
    "Du får inga fler sms från oss. Vill du ha dem igen, välj det i tjänsten eller be mottagningen.";

#[derive(Clone)]
struct Gateway {
    core: Core,
    hooks: Hooks,
    kind: GatewayKind,
}

/// The routes; none when the gateway is not to report.
pub fn routes(core: &Core, sms: Option<SmsConfig>) -> Option<Router> {
    let sms = sms?;
    let gateway = Arc::new(Gateway { core: core.clone(), hooks: sms.hooks?, kind: sms.kind });
    let routes = Router::new()
        .route("/hooks/sms/report/{id}/{signature}", any(report))
        .route("/hooks/sms/reply/{secret}", any(reply))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    Some(routes.with_state(gateway))
}

async fn report(
    State(gateway): State<Arc<Gateway>>,
    Path((id, signature)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let Some(notice) = gateway.hooks.reported(&id, &signature) else { return refused("report") };
    let Some(report) = gateway.kind.gateway().report(&fields(query.as_deref(), &body)) else {
        return answer(Ok(""));
    };
    let told = receipt::report(&gateway.core, notice.into(), report).await;
    if let Ok(changed) = &told {
        let (outcome, changed) = (report.as_str(), if *changed { "yes" } else { "no" });
        metrics::counter!("patientkontrakt_sms_reports_total", "outcome" => outcome, "changed" => changed)
            .increment(1);
    }
    answer(told.map(|_| ""))
}

async fn reply(
    State(gateway): State<Arc<Gateway>>,
    Path(secret): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !gateway.hooks.is_secret(&secret) {
        return refused("reply");
    }
    let fields = fields(query.as_deref(), &body);
    let text = ["message", "text"].iter().find_map(|name| fields.get(*name));
    let from = fields.get("from").and_then(|from| sender(from));
    let (Some(from), Some(text)) = (from, text) else { return answer(Ok("")) };
    if !stop::asks_to_stop(text) {
        return answer(Ok(""));
    }
    let request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    // Confirmed by the answer to the reply that changed something: a repeated one is answered with nothing.
    answer(
        stop::stop(&gateway.core, &from, request_id).await.map(|changed| if changed { STOPPED } else { "" }),
    )
}

/// Who replied. Some gateways leave out the plus sign; a number as it is dialled in Sweden begins with a zero.
fn sender(from: &str) -> Option<PhoneNumber> {
    let from = from.trim();
    let abroad = from.bytes().all(|b| b.is_ascii_digit()) && !from.starts_with('0');
    let whole = abroad.then(|| PhoneNumber::parse(&format!("+{from}")).ok()).flatten();
    whole.or_else(|| PhoneNumber::parse(from).ok())
}

/// The fields of the query and of the form, as far as they can be read.
fn fields(query: Option<&str>, body: &[u8]) -> Fields {
    let form = std::str::from_utf8(body).unwrap_or_default();
    [query.unwrap_or_default(), form]
        .into_iter()
        .filter_map(|text| {
            let mut url = reqwest::Url::parse("http://fields.invalid/").ok()?;
            url.set_query(Some(text));
            Some(url)
        })
        .flat_map(|url| {
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect::<Vec<_>>()
        })
        .collect()
}

/// Not the gateway. The same answer as for a path that does not exist.
fn refused(what: &'static str) -> Response {
    metrics::counter!("patientkontrakt_hooks_refused_total", "hook" => what).increment(1);
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")]).into_response()
}

fn answer(text: Result<&'static str, Fault>) -> Response {
    match text {
        Ok(text) => {
            let headers =
                [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
            (headers, text).into_response()
        }
        Err(fault) => {
            telemetry::note_failure("storing what the SMS gateway tells", &fault);
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "30")]).into_response()
        }
    }
}
