//! What only the demo shows: who one can be, and a clock that can be moved.

use std::time::Duration;

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
    config::Config,
    crypto::Place,
    engine::Service,
    error::Fault,
    session::Core,
    telemetry,
};

/// How long the demo's tokens last.
const TOKEN_LIFE: Duration = Duration::from_hours(12);
/// How many people are offered.
const PATIENTS: u64 = 8;
const STAFF: u64 = 20;

#[derive(Clone)]
struct Demo {
    config: Config,
    core: Core,
}

/// The routes of the demo.
pub fn router(config: &Config, service: &Service) -> Router {
    let demo = Demo { config: config.clone(), core: service.core.clone() };
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/explorer") }))
        .route("/demo/identities", get(identities))
        .route("/demo/clock", get(clock))
        .route("/demo/clock/advance", post(advance))
        .with_state(demo)
}

/// Somebody one can be in the demo.
#[derive(Serialize)]
struct Person {
    label: String,
    token: String,
}

async fn identities(State(demo): State<Demo>) -> Response {
    match people(&demo).await {
        Ok(people) => ([(header::CACHE_CONTROL, "no-store")], Json(people)).into_response(),
        Err(e) => {
            telemetry::note_failure("demo identities", &e);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The first few patients, and everyone who works here.
async fn people(demo: &Demo) -> Result<Vec<Person>, Fault> {
    let issuer = Issuer::open(&demo.config).map_err(Fault::internal)?;
    let (core, mut people) = (&demo.core, Vec::new());
    let person = |label: String, identity: &Identity| -> Result<Person, Fault> {
        let token = issuer.issue(identity, TOKEN_LIFE, &core.clock).map_err(Fault::internal)?;
        Ok(Person { label, token })
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
        let label = format!("Patient: {} {}", patient.given_name, patient.family_name);
        people.push(person(label, &Identity::Patient { number })?);
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
        let label = format!("Personal: {}, {}, {}", member.display_name, member.title, unit.name);
        let identity = Identity::Staff { person: hsa_id, assignment: Some(assignment.hsa_id) };
        people.push(person(label, &identity)?);
    }
    Ok(people)
}

#[derive(Serialize)]
struct Shown {
    now: DateTime<Utc>,
}

async fn clock(State(demo): State<Demo>) -> Json<Shown> {
    Json(Shown { now: demo.core.clock.now() })
}

#[derive(Deserialize)]
struct Advance {
    /// Minutes forwards, at most a year.
    minutes: i64,
}

async fn advance(State(demo): State<Demo>, Json(by): Json<Advance>) -> Response {
    if !(1..=366 * 24 * 60).contains(&by.minutes) {
        return (StatusCode::BAD_REQUEST, "minutes måste vara 1–527040\n").into_response();
    }
    demo.core.clock.advance(TimeDelta::minutes(by.minutes));
    Json(Shown { now: demo.core.clock.now() }).into_response()
}
