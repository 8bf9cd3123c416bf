//! Appointing a contact, and the care relation that goes with the role.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{
    AssignmentId, CareContactId, PatientId,
    care_contact::{self, Role, Status, TreatingKind},
    care_provider, care_relation, register_event,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{
    end::tell_patient,
    guard, lifetime, offer,
    person::{self, Shown},
    register, request, request_answered,
    rules::{self, Asked},
};
use crate::{
    auth::{
        actor::StaffActor,
        policy::{self, Action, Noun},
    },
    calendar::{OpeningHours, to_local},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        patient::alive,
        relation::{self, Opening},
        text,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Who is appointed.
#[derive(Clone, Debug, Serialize)]
pub enum Person {
    /// Staff of the same care provider.
    Staff(AssignmentId),
    /// A person or function without an account, at the unit that appoints.
    Named { name: String, function: String, phone: String },
}

/// An appointment to a role.
#[derive(Clone, Debug, Serialize)]
pub struct Appoint {
    pub patient: PatientId,
    pub role: Role,
    pub treating_kind: Option<TreatingKind>,
    pub person: Person,
    /// Left out: lead if nobody is.
    pub is_lead: Option<bool>,
    pub how_to_reach: Option<String>,
    /// When the person takes calls, or what is wrong with it as it was given; the unit's hours when left out.
    pub reach_hours: Result<Option<OpeningHours>, Problem>,
    pub valid_from: Option<DateTime<Utc>>,
    pub valid_until: Option<DateTime<Utc>>,
    /// Left out: the region's setting from the day on which the role begins.
    pub review_on: Option<NaiveDate>,
    /// The patient asked for it.
    pub on_request: bool,
}

const ACTION: &str = "contactAppoint";
/// Where staff are named.
const PERSON: &str = "person.assignmentId";

/// Appoints. Refused when the role has room for one only and is held in that time.
pub async fn appoint(session: &Session, key: &str, cmd: &Appoint) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let staff = policy::as_staff(&session.actor, Noun::CareContact, Action::Appoint)?;
        let (now, settings) = (session.now(), &session.core.settings);
        let patient = policy::patient(
            tx,
            &session.actor,
            Noun::CareContact,
            Action::Appoint,
            Some(cmd.patient),
            "patientId",
            now,
        )
        .await?;
        let provider = care_provider::Entity::find_by_id(staff.care_provider).one(tx).await?;
        let asked = Asked {
            role: cmd.role,
            treating_kind: cmd.treating_kind,
            is_lead: cmd.is_lead,
            valid_from: cmd.valid_from,
            valid_until: cmd.valid_until,
            review_on: cmd.review_on,
            provider: provider.map_or(care_provider::Kind::Private, |row| row.kind),
        };
        let mut problems = rules::check(&asked, settings.fixed_contacts, now, to_local(now).date_naive());
        let how_to_reach =
            text::optional("howToReach", cmd.how_to_reach.as_deref(), text::TEXT, &mut problems);
        let reach_hours = cmd.reach_hours.as_ref().map_err(|problem| problems.push(problem.clone()));
        let shown = find(tx, &staff, cmd, now, &mut problems).await?;
        let field = match cmd.person {
            Person::Staff(_) => PERSON,
            Person::Named { .. } => "person.named.function",
        };
        rules::doctor(cmd.role, &shown.function, &settings.doctor_titles, field, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        alive(&super::lock(tx, patient.id).await?)?;
        lifetime::settle(tx, session, patient.id).await?;
        let holders = holders(tx, patient.id, cmd.role, &settings.region).await?;
        let is_lead = rules::lead(&asked, settings.fixed_contacts, &holders, now).map_err(|taken| {
            // The refusal tells something of the patient: that the role is held.
            session.trail.read(patient.id);
            taken.problem(taken.0.care_provider_id == staff.care_provider)
        })?;
        let requests =
            request::answered_by(tx, patient.id, staff.care_provider, cmd.role, cmd.treating_kind).await?;
        let new = New {
            patient: patient.id,
            role: cmd.role,
            treating_kind: cmd.treating_kind,
            is_lead,
            shown: &shown,
            how_to_reach: how_to_reach.as_deref(),
            reach_hours: reach_hours.ok().and_then(Option::as_ref),
            valid_from: cmd.valid_from.unwrap_or(now),
            valid_until: cmd.valid_until,
            review_on: cmd.review_on,
            on_request: cmd.on_request || !requests.is_empty(),
            follows: None,
        };
        let row = insert(tx, session, &staff, new, ACTION).await?;
        request_answered::fulfil(tx, session, &requests, &row, ACTION).await?;
        guard::settle(tx, session, patient.id).await?;
        tell_patient(tx, session, &row).await?;
        Ok(Done::on(patient.id).with("contact", row.id.0))
    })
    .await
}

async fn find(
    tx: &Tx,
    staff: &StaffActor,
    cmd: &Appoint,
    now: DateTime<Utc>,
    problems: &mut Vec<Problem>,
) -> Result<Shown, Stop> {
    let from = cmd.valid_from.unwrap_or(now).max(now);
    match &cmd.person {
        Person::Staff(id) => {
            let span = (from, cmd.valid_until);
            person::staff(tx, staff.care_provider, *id, PERSON, span, problems).await
        }
        Person::Named { name, function, phone } => {
            person::named(tx, staff.care_unit, (name, function, phone), problems).await
        }
    }
}

/// A contact about to be.
pub(super) struct New<'a> {
    pub patient: PatientId,
    pub role: Role,
    pub treating_kind: Option<TreatingKind>,
    pub is_lead: bool,
    pub shown: &'a Shown,
    pub how_to_reach: Option<&'a str>,
    pub reach_hours: Option<&'a OpeningHours>,
    pub valid_from: DateTime<Utc>,
    pub valid_until: Option<DateTime<Utc>>,
    pub review_on: Option<NaiveDate>,
    pub on_request: bool,
    pub follows: Option<CareContactId>,
}

/// Writes a contact with everything that goes with it: care relation, history, event, register, the end of offers.
pub(super) async fn insert(
    tx: &Tx,
    session: &Session,
    by: &StaffActor,
    new: New<'_>,
    action: &'static str,
) -> Result<care_contact::Model, Stop> {
    let (now, keys, settings) = (session.now(), &session.core.keys, &session.core.settings);
    let id = CareContactId(session.core.clock.uuid());
    let seal = |column, text: Option<&str>| keys.seal_opt(Place::new(column, id.0), text);
    let review = TimeDelta::days(i64::from(settings.contact_review_days));
    let reach_hours = new.reach_hours.map(serde_json::to_string).transpose().map_err(Fault::internal)?;
    let row = care_contact::Model {
        id,
        patient_id: new.patient,
        care_unit_id: new.shown.unit,
        care_provider_id: by.care_provider,
        region: settings.region.clone(),
        role: new.role,
        treating_kind: new.treating_kind,
        is_lead: new.is_lead,
        assignment_id: new.shown.assignment,
        name: new.shown.name.clone(),
        function: new.shown.function.clone(),
        phone: seal("care_contact.phone", new.shown.phone.as_deref())?,
        how_to_reach: seal("care_contact.how_to_reach", new.how_to_reach)?,
        reach_hours,
        status: if new.valid_from > now { Status::Planned } else { Status::Active },
        valid_from: new.valid_from,
        valid_until: new.valid_until,
        review_on: Some(new.review_on.unwrap_or_else(|| to_local(new.valid_from + review).date_naive())),
        appointed_by: by.assignment.0,
        on_request: new.on_request,
        ended_at: None,
        end_reason: None,
        consultation: None,
        told_ground: None,
        follows_id: new.follows,
        row_version: 1,
    };
    care_contact::Entity::insert(care_contact::ActiveModel::from(row.clone()))
        .exec_without_returning(tx)
        .await
        .map_err(|e| act::on_unique(e, rules::taken))?;
    open_relation(tx, session, &row).await?;
    let change = Change {
        kind: "care_contact",
        subject: id.0,
        before: None,
        after: Some(json!({
            "role": row.role,
            "treatingKind": row.treating_kind,
            "isLead": row.is_lead,
            "name": row.name,
            "function": row.function,
            "howToReach": new.how_to_reach,
            "validFrom": row.valid_from,
            "validUntil": row.valid_until,
            "reviewOn": row.review_on,
            "onRequest": row.on_request,
        })),
    };
    history::record(tx, session, (&row).into(), action, [change]).await?;
    register::tell(tx, session, &row, register_event::Change::Appointed).await?;
    if row.status == care_contact::Status::Active {
        offer::overtaken(tx, session, &row, action).await?;
    }
    Ok(row)
}

/// Everyone who holds the role for the patient, or will: in the region, where the region decides how many.
pub(super) async fn holders(
    tx: &Tx,
    patient: PatientId,
    role: Role,
    region: &str,
) -> Result<Vec<care_contact::Model>, Fault> {
    let mut holders = care_contact::Entity::find()
        .filter(care_contact::Column::PatientId.eq(patient))
        .filter(care_contact::Column::Role.eq(role))
        .filter(care_contact::Column::Status.ne(Status::Ended));
    if role == Role::FastVardkontakt {
        holders = holders.filter(care_contact::Column::Region.eq(region));
    }
    Ok(holders.all(tx).await?)
}

/// The contact's unit reaches the patient for as long as the role lasts. A supporter reaches nothing by the role:
/// what they may see is the patient's to grant.
async fn open_relation(tx: &Tx, session: &Session, contact: &care_contact::Model) -> Result<(), Fault> {
    if contact.role == Role::Supporter {
        return Ok(());
    }
    let opening = Opening {
        patient: contact.patient_id,
        care_unit: contact.care_unit_id,
        care_provider: contact.care_provider_id,
        source: care_relation::Source::Contact,
        subject: Some(contact.id.0),
        from: contact.valid_from,
        until: contact.valid_until,
        declared: None,
    };
    relation::open(tx, session, &opening).await?;
    Ok(())
}
