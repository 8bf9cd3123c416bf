//! Starting a thread (skriva till en mottagning).

use entity::{CareUnitId, PatientId, ThreadId, care_unit, thread};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde::Serialize;

use super::{SUBJECT, open_relation, promise, rules, waiting, write};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        patient::alive,
    },
    error::{Fault, Problem},
    session::Session,
};

/// A first message to a unit.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    pub care_unit: CareUnitId,
    pub patient: Option<PatientId>,
    pub kind: thread::Kind,
    pub subject: String,
    pub body: String,
}

/// Starts the thread with its first message.
pub async fn start(session: &Session, key: &str, cmd: &Start) -> Result<Receipt, Fault> {
    act::perform(session, "threadStart", key, cmd, async |tx| {
        let now = session.now();
        let actor = &session.actor;
        let whom =
            policy::patient(tx, actor, Noun::Thread, Action::Create, cmd.patient, "patientId", now).await?;
        alive(&whom).map_err(|died| died.at("patientId"))?;
        let unit = care_unit::Entity::find_by_id(cmd.care_unit)
            .one(tx)
            .await?
            .ok_or_else(|| Problem::not_found("careUnitId"))?;
        match (actor.staff(), cmd.kind) {
            (None, thread::Kind::CareCare) => return Err(Problem::forbidden().at("kind").into()),
            (None, thread::Kind::PatientCare) => {}
            // Staff write to the patient from their own unit,
            (Some(staff), thread::Kind::PatientCare) if staff.care_unit == unit.id => {}
            // and to other units of their own care provider; across providers it takes the patient's consent.
            (Some(staff), thread::Kind::CareCare) if staff.care_provider == unit.care_provider_id => {}
            (Some(_), _) => return Err(Problem::not_found("careUnitId").into()),
        }
        let (subject, body) = rules::first(&cmd.subject, &cmd.body)?;
        let id = ThreadId(session.core.clock.uuid());
        let row = thread::Model {
            id,
            patient_id: whom.id,
            care_unit_id: unit.id,
            care_provider_id: unit.care_provider_id,
            kind: cmd.kind,
            subject: session.core.keys.seal(Place::new(SUBJECT, id.0), &subject)?,
            status: thread::Status::Open,
            last_message_at: now,
            last_author: actor.kind(),
            answer_by: promise(actor, &unit, now)?,
            created_at: now,
        };
        thread::Entity::insert(thread::ActiveModel {
            id: Set(row.id),
            patient_id: Set(row.patient_id),
            care_unit_id: Set(row.care_unit_id),
            care_provider_id: Set(row.care_provider_id),
            kind: Set(row.kind),
            subject: Set(row.subject.clone()),
            status: Set(row.status),
            last_message_at: Set(row.last_message_at),
            last_author: Set(row.last_author),
            answer_by: Set(row.answer_by),
            created_at: Set(row.created_at),
        })
        .exec_without_returning(tx)
        .await?;
        open_relation(tx, session, &row).await?;
        let message =
            write(tx, session, &row, "thread.started", &body, waiting::owed_by(session, row.answer_by))
                .await?;
        Ok(Done::on(whom.id).with("thread", id.0).with("message", message.0))
    })
    .await
}
