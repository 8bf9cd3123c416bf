//! Starting a thread (skriva till en mottagning).

use entity::{
    CareContactId, CareUnitId, PatientId, ThreadId, ThreadMessageId, care_contact, care_unit, patient, thread,
};
use sea_orm::{ActiveModelTrait as _, EntityTrait};
use serde::Serialize;

use super::{Answer, SUBJECT, answer_time, open_relation, rules, write};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        patient::{alive, lock},
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Where a first message goes.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum To {
    Unit(CareUnitId),
    /// To the role that this contact has, whoever holds it when the message is read.
    Contact(CareContactId),
    /// Neither or both were named.
    Unclear,
}

/// A first message to a unit or a role.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    pub to: To,
    pub patient: Option<PatientId>,
    pub kind: thread::Kind,
    pub subject: String,
    pub body: String,
    /// By a link in a reminder, by somebody who is not in the service.
    pub by_link: bool,
}

/// Starts the thread with its first message.
pub async fn start(session: &Session, key: &str, cmd: &Start) -> Result<Receipt, Fault> {
    act::perform(session, "threadStart", key, cmd, async |tx| {
        let now = session.now();
        let actor = &session.actor;
        let whom =
            policy::patient(tx, actor, Noun::Thread, Action::Create, cmd.patient, "patientId", now).await?;
        alive(&lock(tx, whom.id).await?).map_err(|died| died.at("patientId"))?;
        let (unit, role) = addressee(tx, session, &whom, cmd.to).await?;
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
        let answered = answer_time(&unit, now)?;
        let id = ThreadId(session.core.clock.uuid());
        let message = ThreadMessageId(session.core.clock.uuid());
        let row = thread::Model {
            id,
            patient_id: whom.id,
            care_unit_id: unit.id,
            care_provider_id: unit.care_provider_id,
            kind: cmd.kind,
            subject: session.core.keys.seal(Place::new(SUBJECT, id.0), &subject)?,
            status: thread::Status::Open,
            last_message_at: now,
            last_message_id: message,
            last_author: actor.kind(),
            answer_by: actor.staff().is_none().then_some(answered),
            to_role: role.as_ref().map(|contact| contact.role),
            to_treating_kind: role.as_ref().and_then(|contact| contact.treating_kind),
            role_unit_id: role.as_ref().map(|_| unit.id),
            from_unit_id: (cmd.kind == thread::Kind::CareCare)
                .then(|| actor.staff().map(|staff| staff.care_unit))
                .flatten(),
            begun_by_link: cmd.by_link,
            created_at: now,
        };
        thread::Entity::insert(thread::ActiveModel::from(row.clone()).reset_all())
            .exec_without_returning(tx)
            .await?;
        open_relation(tx, session, &row).await?;
        // What care writes to the patient waits for no answer.
        let answer = if actor.staff().is_some() && cmd.kind == thread::Kind::PatientCare {
            Answer::Unchanged
        } else {
            Answer::Owed(answered)
        };
        write(tx, session, &row, ("thread.started", message, now), &body, answer).await?;
        Ok(Done::on(whom.id).with("thread", id.0).with("message", message.0))
    })
    .await
}

/// The unit that answers, and the contact whose role is written to, if it is one.
async fn addressee(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    to: To,
) -> Result<(care_unit::Model, Option<care_contact::Model>), Stop> {
    let (unit, contact) = match to {
        To::Unclear => {
            return Err(Problem::input(
                "careUnitId",
                "Ange antingen mottagningen eller kontakten att skriva till.",
                "Name either the unit or the contact to write to.",
            )
            .into());
        }
        To::Unit(id) => (id, None),
        To::Contact(id) => {
            let (actor, now) = (&session.actor, session.now());
            let contact =
                policy::reach::<care_contact::Entity>(tx, actor, Action::Read, id, "contactId", now).await?;
            if contact.patient_id != whom.id {
                return Err(Problem::not_found("contactId").into());
            }
            let contact = contact.into_row();
            rules::addressable(&contact, now)?;
            (contact.care_unit_id, Some(contact))
        }
    };
    let unit =
        care_unit::Entity::find_by_id(unit).one(tx).await?.ok_or_else(|| Problem::not_found("careUnitId"))?;
    Ok((unit, contact))
}
