//! What only the demo shows: who one can be, and a clock that can be moved.

use std::{path::Path, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{assignment, care_unit, patient, patient_identity, staff_member};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

use crate::{
    auth::{issue::Issuer, token::Identity},
    clock::Clock,
    config::Config,
    crypto::Place,
    engine::Service,
    error::Fault,
    http::{
        explorer::{self, Sample, TokenKind},
        outbox_page,
    },
    reminder::channel::outbox::Outbox,
    session::Core,
    telemetry,
};

/// How long the demo's tokens last.
const TOKEN_LIFE: Duration = Duration::from_hours(12);
/// How many people are offered.
const PATIENTS: u64 = 8;
const STAFF: u64 = 20;

/// Somebody one can be in the demo, as the explorer's list takes it.
#[derive(Serialize)]
struct Person {
    label: String,
    kind: TokenKind,
    token: String,
}

/// What the demo has that a real service has not.
pub struct Demo {
    /// Where messages go instead of leaving.
    pub outbox: Outbox,
    /// Operations ready to run in the explorer.
    pub samples: Vec<Sample>,
}

#[derive(Clone)]
struct Page {
    config: Config,
    core: Core,
}

/// Where the demo keeps how far its clock is moved, so that `token issue` beside it lives in the same time.
const CLOCK_FILE: &str = "demo-clock";

/// Writes how far `clock` is moved.
pub fn keep_clock(data_dir: &Path, clock: &Clock) -> std::io::Result<()> {
    std::fs::write(data_dir.join(CLOCK_FILE), clock.offset_micros().to_string())
}

/// A clock moved as far as the demo's.
pub fn kept_clock(data_dir: &Path) -> Clock {
    let clock = Clock::system();
    let kept = std::fs::read_to_string(data_dir.join(CLOCK_FILE)).ok().and_then(|text| text.parse().ok());
    clock.advance(TimeDelta::microseconds(kept.unwrap_or(0)));
    clock
}

/// The routes of the demo.
pub fn router(config: &Config, service: &Service, demo: Demo) -> Router {
    let page = Page { config: config.clone(), core: service.core.clone() };
    let explorer = explorer::routes(explorer::Settings {
        graphql_path: "/graphql".to_owned(),
        ws_path: "/graphql/ws".to_owned(),
        identities_path: "/demo/identities".to_owned(),
        samples: demo.samples,
    });
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/explorer") }))
        .route("/demo/identities", get(identities))
        .route("/demo/clock", get(clock))
        .route("/demo/clock/advance", post(advance))
        .with_state(page)
        .merge(explorer)
        .nest("/demo/outbox", outbox_page::router(demo.outbox))
}

async fn identities(State(demo): State<Page>) -> Response {
    match people(&demo).await {
        Ok(people) => ([(header::CACHE_CONTROL, "no-store")], Json(people)).into_response(),
        Err(e) => {
            telemetry::note_failure("demo identities", &e);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The first few patients, and everyone who works here.
async fn people(demo: &Page) -> Result<Vec<Person>, Fault> {
    let issuer = Issuer::open(&demo.config).map_err(Fault::internal)?;
    let (core, mut people) = (&demo.core, Vec::new());
    let person = |label: String, kind, identity: &Identity| -> Result<Person, Fault> {
        let token = issuer.issue(identity, TOKEN_LIFE, &core.clock).map_err(Fault::internal)?;
        Ok(Person { label, kind, token })
    };
    let patients = patient::Entity::find()
        .order_by_asc(patient::Column::Id)
        .limit(PATIENTS)
        .all(core.db.reader())
        .await?;
    for patient in patients {
        let current = patient_identity::Entity::find()
            .filter(patient_identity::Column::PatientId.eq(patient.id))
            .filter(patient_identity::Column::IsCurrent.eq(true));
        let Some(identity) = current.one(core.db.reader()).await? else { continue };
        let place = Place::new("patient_identity.number", identity.id);
        let number = core.keys.open(place, &identity.number)?;
        let label = format!("{} {}", patient.given_name, patient.family_name);
        people.push(person(label, TokenKind::Patient, &Identity::Patient { number })?);
    }
    let staff = assignment::Entity::find()
        .order_by_asc(assignment::Column::Id)
        .limit(STAFF)
        .all(core.db.reader())
        .await?;
    for assignment in staff {
        let member =
            staff_member::Entity::find_by_id(assignment.staff_member_id).one(core.db.reader()).await?;
        let unit = care_unit::Entity::find_by_id(assignment.care_unit_id).one(core.db.reader()).await?;
        let (Some(member), Some(unit)) = (member, unit) else { continue };
        let Some(hsa_id) = member.hsa_id else { continue };
        let label = format!("{}, {}, {}", member.display_name, member.title, unit.name);
        let identity = Identity::Staff { person: hsa_id, assignment: Some(assignment.hsa_id) };
        people.push(person(label, TokenKind::Staff, &identity)?);
    }
    Ok(people)
}

#[derive(Serialize)]
struct Shown {
    now: DateTime<Utc>,
}

async fn clock(State(demo): State<Page>) -> Json<Shown> {
    Json(Shown { now: demo.core.clock.now() })
}

#[derive(Deserialize)]
struct Advance {
    /// Minutes forwards, at most a year.
    minutes: i64,
}

async fn advance(State(demo): State<Page>, Json(by): Json<Advance>) -> Response {
    if !(1..=366 * 24 * 60).contains(&by.minutes) {
        return (StatusCode::BAD_REQUEST, "minutes måste vara 1–527040\n").into_response();
    }
    demo.core.clock.advance(TimeDelta::minutes(by.minutes));
    if let Err(e) = keep_clock(&demo.config.data_dir, &demo.core.clock) {
        telemetry::note_failure("keeping the demo's clock", &e);
    }
    Json(Shown { now: demo.core.clock.now() }).into_response()
}
