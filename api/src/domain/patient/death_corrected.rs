//! Taking back a death that was recorded by mistake, with the reason on record.
//!
//! What the record ended stays ended: freed times are somebody else's by now, and nobody's assent is assumed anew.
//! Every unit that lost something is told, and takes it up with the patient. A message that waited for an answer waits
//! anew.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entity::{CareProviderId, CareUnitId, PatientId, change_entry, patient, task};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{deceased, lock};
use crate::{
    auth::policy::{self, Action, Noun},
    db::Tx,
    domain::{
        act::{self, Done, Event, Receipt},
        history::{self, Change, Owner},
        task::{self as tasks, Raise},
        text,
        thread::waiting,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Who is alive, and how the mistake came about.
#[derive(Clone, Debug, Serialize)]
pub struct Correct {
    pub patient: PatientId,
    pub reason: String,
}

const ACTION: &str = "patientDeceasedCorrect";

/// How soon the units take up with the patient what ended.
const SEEN_WITHIN: TimeDelta = TimeDelta::days(1);

const NOTE: (&str, &str) = (
    "Ett dödsfall var registrerat av misstag och är rättat. Kontakta patienten och ta upp det som avslutades: \
     patientkontrakt, kontakter, tider och påminnelser.",
    "A death was recorded by mistake and has been corrected. Contact the patient and take up what was ended: \
     agreements, contacts, times and reminders.",
);

/// Corrects it. The record of the death stays in the history, with what took it back.
pub async fn correct(session: &Session, key: &str, cmd: &Correct) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        let staff = policy::as_staff(actor, Noun::Patient, Action::Register)?;
        let (noun, action) = (Noun::Patient, Action::Register);
        let granted = policy::patient(tx, actor, noun, action, Some(cmd.patient), "patientId", now).await?;
        let mut problems = Vec::new();
        let reason = text::required("reason", &cmd.reason, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let whom = lock(tx, granted.id).await?;
        let Some(died_on) = whom.deceased_on else {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Inget dödsfall är registrerat.",
                "No death is on record.",
            )
            .into());
        };
        let changed = patient::Entity::update_many()
            .set(patient::ActiveModel {
                deceased_on: Set(None),
                row_version: Set(whom.row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(patient::Column::Id.eq(whom.id))
            .filter(patient::Column::RowVersion.eq(whom.row_version))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let (care_unit, care_provider) = (staff.care_unit, staff.care_provider);
        let owner = Owner { patient: whom.id, care_unit, care_provider, agreement: None };
        let change = Change {
            kind: "patient",
            subject: whom.id.0,
            before: Some(json!({ "deceasedOn": died_on })),
            after: Some(json!({ "deceasedOn": null, "reason": reason })),
        };
        history::record(tx, session, owner, ACTION, [change]).await?;
        for ((care_unit, care_provider), subject) in lost(tx, &whom).await? {
            let raise = Raise {
                kind: task::Kind::PlanSignal,
                owner: Owner { patient: whom.id, care_unit, care_provider, agreement: None },
                assignee: None,
                subject,
                due_at: now + SEEN_WITHIN,
                note: Some(NOTE.into()),
            };
            tasks::raise(tx, session, &raise).await?;
        }
        waiting::wait_again(tx, session, whom.id).await?;
        let kind = "patient.death_corrected";
        let subject = whom.id.0;
        let event = Event { kind, patient: whom.id, care_unit, care_provider, subject };
        act::emit(tx, session, [event]).await?;
        Ok(Done::on(whom.id).with("patient", whom.id.0))
    })
    .await
}

/// The units that lost something by the record, each with one thing that it lost; and the patient's own unit.
async fn lost(tx: &Tx, whom: &patient::Model) -> Result<BTreeMap<(CareUnitId, CareProviderId), Uuid>, Fault> {
    use change_entry::Column as C;
    let mut units = BTreeMap::from([((whom.care_unit_id, whom.care_provider_id), whom.id.0)]);
    let last = change_entry::Entity::find()
        .filter(C::PatientId.eq(whom.id))
        .filter(C::SubjectKind.eq("patient"))
        .filter(C::Action.eq(deceased::ACTION))
        .order_by_desc(C::At)
        .one(tx)
        .await?;
    let Some(last) = last else { return Ok(units) };
    let fell = change_entry::Entity::find()
        .filter(C::PatientId.eq(whom.id))
        .filter(C::At.eq(last.at))
        .filter(C::SubjectKind.ne("patient"))
        .order_by_asc(C::Id)
        .all(tx)
        .await?;
    for entry in fell {
        units.entry((entry.care_unit_id, entry.care_provider_id)).or_insert(entry.subject_id);
    }
    Ok(units)
}
