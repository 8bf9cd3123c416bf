//! The pages behind the links in messages. They are plain HTML and work without a script.
//!
//! Programs follow links by themselves, to look for malware or to show a preview: so reading a page changes nothing, and
//! what acts is a form that is sent by hand. Cancelling takes two. The address is a secret: it stands in no log and is
//! given to no other site, and an unknown one gets the same answer whatever it is.

use axum::{
    Form, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use entity::{access_event::Outcome, appointment, notice};
use serde::Deserialize;

use super::graphql::REQUEST_ID;
use crate::{
    auth::actor::Actor,
    domain::{
        act::Receipt,
        booking::{
            cancel::{Cancel, cancel},
            confirm::{Confirm, confirm},
            rules::{self, Standing},
        },
        notice::by_link::{self, Found, Visit},
        thread::start::{Start, To, start},
    },
    error::Fault,
    locale::Locale,
    reminder::{
        recheck::facts_now,
        render::{Page, Shown},
    },
    session::{Core, Session},
    telemetry,
};

/// What the access log calls the reading of a page.
const READING: &str = "noticeLink";

/// The routes of the pages.
pub fn routes(core: &Core) -> Router {
    Router::new()
        .route("/links.css", get(style))
        .route("/r/{secret}", get(show).post(act))
        .route("/r/{secret}/unsubscribe", get(ask_unsubscribe).post(unsubscribe))
        .with_state(core.clone())
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css"), (header::CACHE_CONTROL, "public, max-age=86400")];
    (kind, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/links.css"))).into_response()
}

/// The button that was pressed.
#[derive(Deserialize)]
struct Pressed {
    #[serde(default, rename = "do")]
    what: String,
}

async fn show(State(core): State<Core>, Path(secret): Path<String>, headers: HeaderMap) -> Response {
    answer(of_visit(&core, &secret, None, request_id(&headers)).await)
}

async fn act(
    State(core): State<Core>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    Form(pressed): Form<Pressed>,
) -> Response {
    answer(of_visit(&core, &secret, Some(&pressed.what), request_id(&headers)).await)
}

async fn ask_unsubscribe(
    State(core): State<Core>,
    Path(secret): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(of_choice(&core, &secret, false, request_id(&headers)).await)
}

/// One click in a mail program (RFC 8058), or the button of the page.
async fn unsubscribe(State(core): State<Core>, Path(secret): Path<String>, headers: HeaderMap) -> Response {
    answer(of_choice(&core, &secret, true, request_id(&headers)).await)
}

fn request_id(headers: &HeaderMap) -> String {
    headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned()
}

/// The page of the visit, after what was pressed has been done.
async fn of_visit(
    core: &Core,
    secret: &str,
    pressed: Option<&str>,
    request_id: String,
) -> Result<Option<String>, Fault> {
    if !core.settings.links.act {
        return Ok(None);
    }
    let Some((found, session)) = known(core, secret, request_id).await? else { return Ok(None) };
    let now = session.now();
    let page = match (&found.visit, pressed) {
        (Some(visit), Some("confirm")) if found.is_open(now) && visit.booked.confirmed_at.is_some() => {
            Page::Confirmed
        }
        (Some(visit), Some("confirm")) if found.is_open(now) => do_confirm(&session, &found, visit).await?,
        (Some(_), Some("cancel")) if found.is_open(now) => Page::AskCancel,
        (Some(visit), Some("cancel-now")) if found.is_open(now) => do_cancel(&session, &found, visit).await?,
        (Some(visit), Some("cancel-now")) if is_cancelled(&found, visit) => Page::Cancelled,
        (Some(visit), Some("other-time")) if found.is_open(now) => ask(&session, &found, visit).await?,
        (Some(_), _) if found.is_open(now) => Page::Open,
        _ => Page::Gone,
    };
    render(&session, &found, page).await
}

/// The page about more messages, after the no has been stored.
async fn of_choice(
    core: &Core,
    secret: &str,
    stop: bool,
    request_id: String,
) -> Result<Option<String>, Fault> {
    let Some((found, session)) = known(core, secret, request_id).await? else { return Ok(None) };
    if stop {
        by_link::unsubscribe(&session, &found.notice).await?;
    }
    render(&session, &found, if stop { Page::Unsubscribed } else { Page::Unsubscribe }).await
}

/// The message, and a session of the one it was sent to; the reading is logged before anything is shown.
async fn known(core: &Core, secret: &str, request_id: String) -> Result<Option<(Found, Session)>, Fault> {
    let found = by_link::find(core, secret).await?;
    let actor = found.as_ref().and_then(|found| found.actor.clone()).unwrap_or(Actor::Anonymous);
    let whom = found.as_ref().map(|found| found.notice.patient_id);
    let session = Session::new(core.clone(), actor, Locale::default(), request_id);
    let found = found.filter(|found| found.actor.is_some());
    let mut record = match &found {
        Some(_) => session.record(READING, Outcome::Allowed, None),
        None => session.record(READING, Outcome::Denied, Some("NOT_FOUND")),
    };
    record.patients.extend(whom.filter(|_| found.is_some()));
    core.log.commit(record).await?;
    Ok(found.map(|found| (found, session)))
}

async fn do_confirm(session: &Session, found: &Found, visit: &Visit) -> Result<Page, Fault> {
    let row_version = visit.booked.row_version;
    let command = Confirm { appointment: visit.booked.id, channel: None, expected_row_version: row_version };
    let receipt = confirm(session, &key(&found.notice, "confirm", row_version), &command).await?;
    Ok(page_of(&receipt, Page::Confirmed))
}

async fn do_cancel(session: &Session, found: &Found, visit: &Visit) -> Result<Page, Fault> {
    let row_version = visit.booked.row_version;
    let command = Cancel { appointment: visit.booked.id, channel: None, expected_row_version: row_version };
    let receipt = cancel(session, &key(&found.notice, "cancel", row_version), &command).await?;
    Ok(page_of(&receipt, Page::Cancelled))
}

/// A message to the unit, in words that are the same for everybody.
async fn ask(session: &Session, found: &Found, visit: &Visit) -> Result<Page, Fault> {
    let when = rules::wall_clock(visit.booked.starts_at);
    let command = Start {
        to: To::Unit(visit.booked.care_unit_id),
        patient: None,
        kind: entity::thread::Kind::PatientCare,
        subject: "Vill ha en annan tid".to_owned(),
        body: format!("Jag vill ha en annan tid i stället för {when}. Skickat från en påminnelse."),
        by_link: true,
    };
    let receipt = start(session, &key(&found.notice, "other-time", 0), &command).await?;
    Ok(page_of(&receipt, Page::Asked))
}

fn key(notice: &notice::Model, what: &str, row_version: i32) -> String {
    format!("link:{}:{what}:{row_version}", notice.id.0.simple())
}

fn page_of(receipt: &Receipt, done: Page) -> Page {
    if receipt.problems.is_empty() { done } else { Page::Refused }
}

fn is_cancelled(found: &Found, visit: &Visit) -> bool {
    visit.booked.status == appointment::Status::Cancelled
        && Some(visit.booked.schedule_version) == found.notice.schedule_version
}

async fn render(session: &Session, found: &Found, page: Page) -> Result<Option<String>, Fault> {
    let Some(facts) = facts_now(&session.core, &found.notice).await? else { return Ok(None) };
    let visit = found.visit.as_ref();
    let can_cancel = visit.is_some_and(|visit| {
        let standing = Standing::of_any_kind(&visit.booked, &visit.unit);
        rules::may_change(&session.actor, &standing, session.now()).is_ok()
    });
    let confirmed = visit.is_some_and(|visit| visit.booked.confirmed_at.is_some());
    let shown = Shown { page, confirmed, can_cancel };
    session.core.texts.page(&facts, shown).map(Some).map_err(Fault::internal)
}

fn answer(page: Result<Option<String>, Fault>) -> Response {
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    match page {
        Ok(Some(page)) => (headers, Html(page)).into_response(),
        Ok(None) => {
            let gone = "<!DOCTYPE html><html lang=\"sv\"><title>Länken gäller inte</title>\
                        <p>Länken gäller inte längre. <span lang=\"en\">The link is no longer valid.</span></p>";
            (StatusCode::NOT_FOUND, headers, Html(gone)).into_response()
        }
        Err(fault) => {
            telemetry::note_failure("serving the page of a message", &fault);
            let wait = "<!DOCTYPE html><html lang=\"sv\"><title>Försök igen</title>\
                        <p>Försök igen om en stund. <span lang=\"en\">Try again in a while.</span></p>";
            (StatusCode::SERVICE_UNAVAILABLE, headers, Html(wait)).into_response()
        }
    }
}
