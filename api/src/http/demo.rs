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
use entity::{assignment, care_unit, patient, patient_identity, representative, staff_member};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

use crate::{
    auth::{issue::Issuer, token::Identity},
    clock::Clock,
    config::Config,
    crypto::Place,
    engine::Service,
    error::Fault,
    graphql::scalars::{GlobalId, NodeKind},
    http::{
        explorer::{self, IdentityKind},
        outbox_page, samples,
    },
    reminder::channel::outbox::Outbox,
    session::Core,
    telemetry,
};

/// How long the demo's tokens last.
const TOKEN_LIFE: Duration = Duration::from_hours(12);
/// How many people are offered.
const PATIENTS: u64 = 8;
const REPRESENTATIVES: u64 = 5;
const STAFF: u64 = 20;

/// Somebody one can be in the demo, as the explorer's list takes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    name: String,
    /// Title and unit of staff.
    note: Option<String>,
    kind: IdentityKind,
    token: String,
    /// The value of the header `Patientkontrakt-Acting-For`.
    acting_for: Option<String>,
}

/// What the demo has that a real service has not.
pub struct Demo {
    /// Where messages go instead of leaving.
    pub outbox: Outbox,
}

#[derive(Clone)]
struct Page {
    config: Config,
    core: Core,
}

/// Where the demo keeps how far its clock is moved, so that `token issue` beside it lives in the same time.
const CLOCK_FILE: &str = "demo-clock";

/// Writes how far `clock` is moved, unless that is known.
pub fn keep_clock(data_dir: &Path, clock: &Clock) -> std::io::Result<()> {
    if kept_clock(data_dir).offset_micros() == clock.offset_micros() {
        return Ok(());
    }
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
        clock_path: "/demo/clock".to_owned(),
        samples: samples::all(),
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

/// The first few patients, those who represent somebody, and everyone who works here.
async fn people(demo: &Page) -> Result<Vec<Person>, Fault> {
    let issuer = Issuer::open(&demo.config).map_err(Fault::internal)?;
    let (core, mut people) = (&demo.core, Vec::new());
    let db = core.db.reader();
    let person = |kind, name: String, identity: &Identity| -> Result<Person, Fault> {
        let token = issuer.issue(identity, TOKEN_LIFE, &core.clock).map_err(Fault::internal)?;
        Ok(Person { name, note: None, kind, token, acting_for: None })
    };
    let patients = patient::Entity::find().order_by_asc(patient::Column::Id).limit(PATIENTS).all(db).await?;
    for patient in patients {
        let current = patient_identity::Entity::find()
            .filter(patient_identity::Column::PatientId.eq(patient.id))
            .filter(patient_identity::Column::IsCurrent.eq(true));
        let Some(identity) = current.one(db).await? else { continue };
        let number = core.keys.open(Place::new("patient_identity.number", identity.id), &identity.number)?;
        people.push(person(IdentityKind::Patient, full_name(&patient), &Identity::Patient { number })?);
    }
    let named = representative::Entity::find()
        .order_by_asc(representative::Column::Id)
        .limit(REPRESENTATIVES)
        .all(db)
        .await?;
    for named in named {
        let Some(whom) = patient::Entity::find_by_id(named.patient_id).one(db).await? else { continue };
        let number = core.keys.open(Place::new("representative.number", named.id), &named.number)?;
        let name = format!("{} för {}", named.display_name, full_name(&whom));
        let identity = Identity::Patient { number };
        let note = Some("för ingen annan än sig själv".to_owned());
        let alone = person(IdentityKind::Representative, named.display_name, &identity)?;
        people.push(Person { note, ..alone });
        let acting_for = Some(GlobalId::new(NodeKind::Patient, whom.id).to_string());
        people.push(Person { acting_for, ..person(IdentityKind::Representative, name, &identity)? });
    }
    let staff = assignment::Entity::find().order_by_asc(assignment::Column::Id).limit(STAFF).all(db).await?;
    for assignment in staff {
        let member = staff_member::Entity::find_by_id(assignment.staff_member_id).one(db).await?;
        let unit = care_unit::Entity::find_by_id(assignment.care_unit_id).one(db).await?;
        let (Some(member), Some(unit)) = (member, unit) else { continue };
        let Some(hsa_id) = member.hsa_id else { continue };
        let identity = Identity::Staff { person: hsa_id, assignment: Some(assignment.hsa_id) };
        let note = Some(format!("{}, {}", member.title, unit.name));
        people.push(Person { note, ..person(IdentityKind::Staff, member.display_name, &identity)? });
    }
    Ok(people)
}

fn full_name(patient: &patient::Model) -> String {
    format!("{} {}", patient.given_name, patient.family_name)
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
