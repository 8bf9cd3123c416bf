//! A patient asks for a contact: care shall appoint one (fast vårdkontakt ska utses om patienten begär det).
//!
//! The request is a task with a deadline. Care can pass it on, but neither refuse nor close it: it ends in an
//! appointment to the role, or in the patient's own withdrawal.

use chrono::{DateTime, NaiveTime, Utc};
use entity::{
    CareProviderId, CareUnitId, ContactRequestId, PatientId,
    care_contact::{self, Role, TreatingKind},
    care_provider, care_unit, contact_offer,
    contact_request::{self, Status},
    task,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::rules;
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::{add_working_days, to_instant, to_local},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Event, Receipt},
        booking::closing_days,
        history::{self, Change, Owner},
        patient::alive,
        task::{self as tasks, Ending, Raise},
        text,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Where the texts are sealed.
pub const WHY: &str = "contact_request.why";
pub const ENDING: &str = "contact_request.ending";
pub const PASS_REASON: &str = "contact_request_pass.reason";

/// What the patient asks for.
#[derive(Clone, Debug, Serialize)]
pub struct Ask {
    /// Left out by the patient; named by staff who write it down for them.
    pub patient: Option<PatientId>,
    pub role: Role,
    pub treating_kind: Option<TreatingKind>,
    pub why: String,
    /// Who shall act; left out: the unit where the patient is listed, or for staff their own.
    pub care_unit: Option<CareUnitId>,
}

const ACTION: &str = "contactRequest";

/// Asks.
pub async fn ask(session: &Session, key: &str, cmd: &Ask) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (now, actor) = (session.now(), &session.actor);
        let patient =
            policy::patient(tx, actor, Noun::ContactRequest, Action::Create, cmd.patient, "patientId", now)
                .await?;
        let unit = unit(tx, session, &patient, cmd.care_unit).await?;
        let mut problems = Vec::new();
        rules::kind(cmd.role, cmd.treating_kind, &mut problems);
        let why = text::required("why", &cmd.why, text::TEXT, &mut problems);
        if cmd.role == Role::FastOmsorgskontakt {
            let provider = care_provider::Entity::find_by_id(unit.care_provider_id).one(tx).await?;
            if provider.is_none_or(|row| row.kind != care_provider::Kind::Municipality) {
                problems.push(rules::municipal("careUnitId"));
            }
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        alive(&patient)?;
        super::lock(tx, patient.id).await?;
        let wanted =
            Wanted { patient: patient.id, role: cmd.role, treating_kind: cmd.treating_kind, why: &why };
        let id = open(tx, session, &unit, &wanted, ACTION).await?;
        Ok(Done::on(patient.id).with("request", id.0))
    })
    .await
}

/// What is asked for, checked.
struct Wanted<'a> {
    patient: PatientId,
    role: Role,
    treating_kind: Option<TreatingKind>,
    why: &'a str,
}

/// Writes the request, and the task that goes with it. The patient is held.
async fn open(
    tx: &Tx,
    session: &Session,
    unit: &care_unit::Model,
    wanted: &Wanted<'_>,
    action: &'static str,
) -> Result<ContactRequestId, Stop> {
    let (asked_by_kind, asked_by_id) = act::by(session);
    let id = ContactRequestId(session.core.clock.uuid());
    let row = contact_request::Model {
        id,
        patient_id: wanted.patient,
        care_unit_id: unit.id,
        care_provider_id: unit.care_provider_id,
        role: wanted.role,
        treating_kind: wanted.treating_kind,
        why: session.core.keys.seal(Place::new(WHY, id.0), wanted.why)?,
        status: Status::Open,
        due_at: deadline(session, unit)?,
        asked_by_kind,
        asked_by_id,
        created_at: session.now(),
        ended_at: None,
        ending: None,
        contact_id: None,
        row_version: 1,
    };
    contact_request::Entity::insert(contact_request::ActiveModel::from(row.clone()))
        .exec_without_returning(tx)
        .await
        .map_err(|e| act::on_unique(e, already))?;
    hand_to_unit(tx, session, &row, wanted.why).await?;
    let change = Change {
        kind: "contact_request",
        subject: id.0,
        before: None,
        after: Some(json!({
            "role": row.role, "treatingKind": row.treating_kind, "why": wanted.why, "dueAt": row.due_at,
        })),
    };
    history::record(tx, session, owner(&row), action, [change]).await?;
    act::emit(tx, session, [event(&row, "contact.requested")]).await?;
    Ok(id)
}

/// The patient has said elsewhere that they want somebody to coordinate their care: that is a request for a fast
/// vårdkontakt at their own unit, unless there is one, or one is asked for already.
pub async fn coordination(
    tx: &Tx,
    session: &Session,
    patient: &entity::patient::Model,
    why: &str,
    action: &'static str,
) -> Result<(), Stop> {
    // An appointment under way holds the patient: wait for it, and see it.
    super::lock(tx, patient.id).await?;
    let (now, role) = (session.now(), Role::FastVardkontakt);
    let has_one = care_contact::Entity::find()
        .filter(care_contact::Column::PatientId.eq(patient.id))
        .filter(care_contact::Column::Role.eq(role))
        .filter(care_contact::Column::Region.eq(session.core.settings.region.as_str()))
        .filter(super::holding(now));
    let asked = contact_request::Entity::find()
        .filter(contact_request::Column::PatientId.eq(patient.id))
        .filter(contact_request::Column::Role.eq(role))
        .filter(contact_request::Column::Status.eq(Status::Open));
    if has_one.one(tx).await?.is_some() || asked.one(tx).await?.is_some() {
        return Ok(());
    }
    let unit = care_unit::Entity::find_by_id(patient.care_unit_id).one(tx).await?;
    let unit = unit.ok_or_else(|| Fault::internal("a patient without their unit"))?;
    let wanted = Wanted { patient: patient.id, role, treating_kind: None, why };
    open(tx, session, &unit, &wanted, action).await?;
    Ok(())
}

fn already() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Det finns redan en öppen begäran om den kontakten. Den avslutas när en kontakt är utsedd.",
        "There is an open request for that contact already. It ends when a contact is appointed.",
    )
    .at("role")
}

async fn unit(
    tx: &Tx,
    session: &Session,
    patient: &entity::patient::Model,
    named: Option<CareUnitId>,
) -> Result<care_unit::Model, Stop> {
    let unknown = || Problem::not_found("careUnitId");
    let own = session.actor.staff();
    let id = named.unwrap_or_else(|| own.map_or(patient.care_unit_id, |staff| staff.care_unit));
    let unit = care_unit::Entity::find_by_id(id).one(tx).await?.ok_or_else(unknown)?;
    // Staff give it to units of their own care provider; a patient may turn to any unit.
    if own.is_some_and(|staff| staff.care_provider != unit.care_provider_id) {
        return Err(unknown().into());
    }
    Ok(unit)
}

/// The end of the last working day on which care may still act.
fn deadline(session: &Session, unit: &care_unit::Model) -> Result<DateTime<Utc>, Fault> {
    let today = to_local(session.now()).date_naive();
    let days = session.core.settings.contact_request_days;
    let last = add_working_days(today, days, &closing_days(unit)?);
    Ok(to_instant(last.succ_opt().unwrap_or(last).and_time(NaiveTime::MIN)))
}

/// When an answer that asks care for an appointment must have led to one.
pub(super) async fn deadline_at(
    tx: &Tx,
    session: &Session,
    unit: CareUnitId,
) -> Result<DateTime<Utc>, Fault> {
    let unit = care_unit::Entity::find_by_id(unit).one(tx).await?;
    deadline(session, &unit.ok_or_else(|| Fault::internal("a row without its unit"))?)
}

/// The unit gets the task, and reaches the patient for as long as it has it.
pub(super) async fn hand_to_unit(
    tx: &Tx,
    session: &Session,
    row: &contact_request::Model,
    note: &str,
) -> Result<(), Fault> {
    let raise = Raise {
        kind: task::Kind::AppointContact,
        owner: owner(row),
        assignee: None,
        subject: row.id.0,
        due_at: row.due_at,
        note: Some(note),
    };
    tasks::raise(tx, session, &raise).await?;
    Ok(())
}

/// The open requests that an appointment at `provider` to the role answers. Those at other care providers go on:
/// only the patient may tell them.
pub(super) async fn answered_by(
    tx: &Tx,
    patient: PatientId,
    provider: CareProviderId,
    role: Role,
    kind: Option<TreatingKind>,
) -> Result<Vec<contact_request::Model>, Fault> {
    use contact_request::Column as C;
    let open = contact_request::Entity::find()
        .filter(C::PatientId.eq(patient))
        .filter(C::CareProviderId.eq(provider))
        .filter(C::Role.eq(role))
        .filter(C::Status.eq(Status::Open));
    let open = match kind {
        Some(kind) => open.filter(C::TreatingKind.eq(kind)),
        None => open.filter(C::TreatingKind.is_null()),
    };
    Ok(open.all(tx).await?)
}

/// Ends the requests that the appointment answers, and every other task to appoint somebody to the role.
pub(super) async fn fulfil(
    tx: &Tx,
    session: &Session,
    requests: &[contact_request::Model],
    contact: &care_contact::Model,
) -> Result<(), Stop> {
    let now = session.now();
    for row in requests {
        let changed = contact_request::Entity::update_many()
            .set(contact_request::ActiveModel {
                status: Set(Status::Appointed),
                ended_at: Set(Some(now)),
                contact_id: Set(Some(contact.id)),
                row_version: Set(row.row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(contact_request::Column::Id.eq(row.id))
            .filter(contact_request::Column::Status.eq(Status::Open))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            continue;
        }
        let change = Change {
            kind: "contact_request",
            subject: row.id.0,
            before: Some(json!({ "status": row.status })),
            after: Some(json!({ "status": Status::Appointed, "contact": contact.id })),
        };
        history::record(tx, session, owner(row), "contactAppoint", [change]).await?;
        act::emit(tx, session, [event(row, "contact.request_ended")]).await?;
    }
    let open = task::Entity::find()
        .filter(task::Column::PatientId.eq(contact.patient_id))
        .filter(task::Column::CareProviderId.eq(contact.care_provider_id))
        .filter(task::Column::Kind.eq(task::Kind::AppointContact))
        .filter(task::Column::Status.eq(task::Status::Open))
        .all(tx)
        .await?;
    for task in open {
        if asks_for(tx, &task, contact).await? {
            let words = Some("En kontakt är utsedd.");
            tasks::close(tx, session, &task, Ending::Done, words).await?;
        }
    }
    Ok(())
}

/// Whether a task to appoint somebody is about the role that now is given. One that follows neither a request nor an
/// offer asks for a fast vårdkontakt.
async fn asks_for(tx: &Tx, task: &task::Model, contact: &care_contact::Model) -> Result<bool, Fault> {
    let wanted = (contact.role, contact.treating_kind);
    if let Some(row) = contact_request::Entity::find_by_id(task.subject_id).one(tx).await? {
        return Ok(wanted == (row.role, row.treating_kind));
    }
    if let Some(row) = contact_offer::Entity::find_by_id(task.subject_id).one(tx).await? {
        return Ok(wanted == (row.role, row.treating_kind));
    }
    Ok(contact.role == Role::FastVardkontakt)
}

pub(super) fn owner(row: &contact_request::Model) -> Owner {
    Owner {
        patient: row.patient_id,
        care_unit: row.care_unit_id,
        care_provider: row.care_provider_id,
        agreement: None,
    }
}

pub(super) fn event(row: &contact_request::Model, kind: &'static str) -> Event {
    Event {
        kind,
        patient: row.patient_id,
        care_unit: row.care_unit_id,
        care_provider: row.care_provider_id,
        subject: row.id.0,
        for_register: false,
    }
}

/// The refusal when a request has ended.
pub(super) fn over() -> Problem {
    Problem::new(ProblemCode::WrongState, "Begäran är redan avslutad.", "The request has already ended.")
}
