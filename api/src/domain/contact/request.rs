//! A patient asks for a contact: care shall appoint one (fast vårdkontakt ska utses om patienten begär det).
//!
//! The request is a task with a deadline. Care can pass it on, but neither refuse nor close it: it ends in an
//! appointment to the role, or in the patient's own withdrawal, made here or told to staff who write down how. What
//! becomes of a request that an appointment has answered: `request_answered`.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use entity::{
    CareProviderId, CareUnitId, ContactRequestId, PatientId,
    care_contact::{Role, TreatingKind},
    care_provider, care_unit, contact_offer,
    contact_request::{self, Status},
    task,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;
use serde_json::json;

use super::{fast_vardkontakt, request_withdraw, rules};
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
        reason,
        task::{self as tasks, Raise, words::Words},
        text,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    locale::Locale,
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
/// How soon the contact hears that the patient wants more help.
const SEEN_WITHIN: TimeDelta = TimeDelta::days(3);
/// What the contact is told.
const WANTS_MORE: (&str, &str) = (
    "Patienten vill ha hjälp att samordna sin vård. Du är fast vårdkontakt: hör av dig till patienten.",
    "The patient wants help to coordinate their care. You are the fast vårdkontakt: get in touch with the patient.",
);
/// What the task says when staff have written down that no contact is wanted.
const ASK_THE_PATIENT: (&str, &str) = (
    "Enligt rättade svar vill patienten inte ha hjälp att samordna vården. Fråga patienten, som kan ta tillbaka sin \
     begäran: själv, eller genom att du antecknar det.",
    "Corrected answers say that the patient does not want help to coordinate the care. Ask the patient, who can take \
     the request back: themself, or by your writing it down.",
);

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
        alive(&super::lock(tx, patient.id).await?)?;
        let wanted = Wanted {
            patient: patient.id,
            role: cmd.role,
            treating_kind: cmd.treating_kind,
            why: Words::own(why),
        };
        let id = open(tx, session, &unit, &wanted, ACTION).await?;
        Ok(Done::on(patient.id).with("request", id.0))
    })
    .await
}

/// What is asked for, checked.
struct Wanted {
    patient: PatientId,
    role: Role,
    treating_kind: Option<TreatingKind>,
    why: Words,
}

/// Writes the request, and the task that goes with it. The patient is held.
async fn open(
    tx: &Tx,
    session: &Session,
    unit: &care_unit::Model,
    wanted: &Wanted,
    action: &'static str,
) -> Result<ContactRequestId, Stop> {
    let (asked_by_kind, asked_by_id) = act::by(session);
    let id = ContactRequestId(session.core.clock.uuid());
    // The record is in Swedish.
    let why = wanted.why.in_locale(Locale::Sv);
    let row = contact_request::Model {
        id,
        patient_id: wanted.patient,
        care_unit_id: unit.id,
        care_provider_id: unit.care_provider_id,
        role: wanted.role,
        treating_kind: wanted.treating_kind,
        why: session.core.keys.seal(Place::new(WHY, id.0), why)?,
        status: Status::Open,
        due_at: deadline(session, unit)?,
        asked_by_kind,
        asked_by_id,
        created_at: session.now(),
        ended_at: None,
        ended_how: None,
        ending: None,
        contact_id: None,
        row_version: 1,
    };
    contact_request::Entity::insert(contact_request::ActiveModel::from(row.clone()))
        .exec_without_returning(tx)
        .await
        .map_err(|e| act::on_unique(e, already))?;
    hand_to_unit(tx, session, &row, wanted.why.clone()).await?;
    let change = Change {
        kind: "contact_request",
        subject: id.0,
        before: None,
        after: Some(json!({
            "role": row.role, "treatingKind": row.treating_kind, "why": why, "dueAt": row.due_at,
        })),
    };
    history::record(tx, session, owner(&row), action, [change]).await?;
    act::emit(tx, session, [event(&row, "contact.requested")]).await?;
    Ok(id)
}

/// The patient has said elsewhere that they want somebody to coordinate their care: that is a request for a fast
/// vårdkontakt at their own unit, unless one is asked for already. Whoever has the role there hears of it; what another
/// care provider has or is asked for, only the patient may tell.
pub async fn coordination(
    tx: &Tx,
    session: &Session,
    patient: &entity::patient::Model,
    why: &Words,
    action: &'static str,
) -> Result<(), Stop> {
    // An appointment under way holds the patient: wait for it, and see it.
    super::lock(tx, patient.id).await?;
    let role = Role::FastVardkontakt;
    if let Some(contact) = fast_vardkontakt(tx, session, patient.id, patient.care_provider_id).await? {
        let signal = Raise {
            kind: task::Kind::PlanSignal,
            owner: Owner::from(&contact),
            assignee: contact.assignment_id,
            subject: contact.id.0,
            due_at: session.now() + SEEN_WITHIN,
            note: Some(WANTS_MORE.into()),
        };
        tasks::raise(tx, session, &signal).await?;
        return Ok(());
    }
    let waiting = answered_by(tx, patient.id, patient.care_provider_id, role, None).await?;
    if !waiting.is_empty() {
        for row in waiting {
            // Whoever was to ask the patient ([`coordination_put_right`]) has the answer: they do want a contact.
            let asked = Words::from(ASK_THE_PATIENT);
            tasks::note_instead(tx, session, task::Kind::AppointContact, row.id.0, (&asked, why)).await?;
        }
        return Ok(());
    }
    let unit = care_unit::Entity::find_by_id(patient.care_unit_id).one(tx).await?;
    let unit = unit.ok_or_else(|| Fault::internal("a patient without their unit"))?;
    let wanted = Wanted { patient: patient.id, role, treating_kind: None, why: why.clone() };
    open(tx, session, &unit, &wanted, action).await?;
    Ok(())
}

/// The patient, who is held, has said yes to an offered contact: that is a request at the unit that offered it, unless
/// the same has been asked for there already, or somebody there has the role.
pub(super) async fn from_offer(
    tx: &Tx,
    session: &Session,
    offer: &contact_offer::Model,
    action: &'static str,
) -> Result<(), Stop> {
    let (patient, provider) = (offer.patient_id, offer.care_provider_id);
    let (role, kind) = (offer.role, offer.treating_kind);
    if super::is_held(tx, session, patient, (offer.care_unit_id, provider), (role, kind)).await?
        || !answered_by(tx, patient, provider, role, kind).await?.is_empty()
    {
        return Ok(());
    }
    let unit = care_unit::Entity::find_by_id(offer.care_unit_id).one(tx).await?;
    let unit = unit.ok_or_else(|| Fault::internal("an offer without its unit"))?;
    let why = Words::from(reason::ACCEPTED);
    let wanted = Wanted { patient, role, treating_kind: kind, why };
    open(tx, session, &unit, &wanted, action).await?;
    Ok(())
}

/// What [`coordination`] made of the patient's words has been put right: the request that gives this reason ends as by
/// their own withdrawal. Where staff write that down, or a representative who has no say about contacts, the request stands,
/// for they cannot close it: its task says what to ask the patient. What another care provider is asked for stands, and is told nothing.
pub async fn coordination_put_right(
    tx: &Tx,
    session: &Session,
    patient: &entity::patient::Model,
    why: &Words,
    action: &'static str,
) -> Result<(), Stop> {
    super::lock(tx, patient.id).await?;
    let provider = session.actor.staff().map_or(patient.care_provider_id, |staff| staff.care_provider);
    for row in answered_by(tx, patient.id, provider, Role::FastVardkontakt, None).await? {
        let given = session.core.keys.open(Place::new(WHY, row.id.0), &row.why)?;
        if given == why.in_locale(Locale::Sv) {
            if session.actor.staff().is_some()
                || policy::check(&session.actor, Noun::ContactRequest, Action::Withdraw).is_err()
            {
                let note = Words::from(ASK_THE_PATIENT);
                tasks::note_anew(tx, session, task::Kind::AppointContact, row.id.0, &note).await?;
            } else {
                request_withdraw::take_back(tx, session, &row, row.row_version, (None, None), action).await?;
            }
        }
    }
    Ok(())
}

fn already() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Det finns redan en öppen begäran om den kontakten hos vårdgivaren. Den avslutas när en kontakt är utsedd.",
        "There is an open request for that contact with the care provider. It ends when a contact is appointed.",
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
pub(super) fn deadline(session: &Session, unit: &care_unit::Model) -> Result<DateTime<Utc>, Fault> {
    let today = to_local(session.now()).date_naive();
    let days = session.core.settings.contact_request_days;
    let last = add_working_days(today, days, &closing_days(unit)?);
    Ok(to_instant(last.succ_opt().unwrap_or(last).and_time(NaiveTime::MIN)))
}

/// The unit gets the task, and reaches the patient for as long as it has it.
pub(super) async fn hand_to_unit(
    tx: &Tx,
    session: &Session,
    row: &contact_request::Model,
    note: Words,
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

/// The open requests that an appointment at `provider` to the role answers, held: whoever passes one on meanwhile comes
/// first, or finds it ended. Those at other care providers go on: only the patient may tell them.
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
    Ok(open.lock_exclusive().all(tx).await?)
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
    }
}

/// The refusal when a request has ended.
pub(super) fn over() -> Problem {
    Problem::new(ProblemCode::WrongState, "Begäran är redan avslutad.", "The request has already ended.")
}
