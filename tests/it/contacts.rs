//! The work around contacts: requests that care cannot close, offers on record, absences, handover, reviews, the
//! guard against gaps, what the register is told, and whom to turn to.

mod absences;
mod continuity;
mod offers;
mod requests;
mod taken_back;
mod waits_again;
mod whom;

use chrono::{DateTime, Utc};
use entity::task;
use harness::{Staff, TestApp, TestPatient};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::acts::{act, global, row};

pub const CONTACT: &str =
    "contact { id name role isLead isActive state rowVersion validFrom validUntil reviewOn }";
pub const REQUEST: &str = "request { id status rowVersion dueAt careUnit { name } contact { name } passes { fromUnitName toUnitName reason } }";

/// What a patient asks for, as input.
pub fn wish(role: &str) -> Value {
    json!({ "role": role, "why": "Jag vill ha en person att vända mig till." })
}

/// An appointment of staff to a role, as input.
pub fn to_role(patient: &TestPatient, role: &str, who: &Staff) -> Value {
    json!({
        "patientId": patient.global_id(),
        "role": role,
        "person": { "assignmentId": global(NodeKind::Assignment, who.assignment) },
    })
}

/// Appoints and gives the contact.
pub async fn appoint(app: &TestApp, by: &Staff, input: Value) -> Value {
    let answer = act(app, &by.identity, "contactAppoint", CONTACT, input).await.ok();
    answer.at("/contactAppoint/contact").clone()
}

/// The tasks of a kind about a row, in the order in which they were raised.
pub async fn tasks(app: &TestApp, kind: task::Kind, subject: &Value) -> Vec<task::Model> {
    let subject: Uuid = row(subject.as_str().unwrap());
    task::Entity::find()
        .filter(task::Column::Kind.eq(kind))
        .filter(task::Column::SubjectId.eq(subject))
        .order_by_asc(task::Column::Id)
        .all(app.core.db.reader())
        .await
        .unwrap()
}

/// Where the tasks of a kind about a row stand.
pub async fn stand(app: &TestApp, kind: task::Kind, subject: &Value) -> Vec<task::Status> {
    tasks(app, kind, subject).await.into_iter().map(|task| task.status).collect()
}

pub async fn sweep(app: &TestApp) {
    sweep::run(&app.core).await.unwrap();
}

pub fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}
