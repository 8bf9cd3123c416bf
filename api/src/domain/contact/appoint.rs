//! Appointing a contact, and the care relation that goes with the role.

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    AssignmentId, CareContactId, CareRelationId, CareUnitId, PatientId, assignment,
    care_contact::{self, Role, Status, TreatingKind},
    care_relation, patient, staff_member,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::ExprTrait};
use serde::Serialize;
use serde_json::json;

use super::rules::{self, Asked};
use crate::{
    auth::{
        actor::StaffActor,
        policy::{self, Action, Noun},
    },
    calendar::to_local,
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Event, Receipt},
        history::{self, Change},
        patient::alive,
        phone::PhoneNumber,
        text,
    },
    error::{Fault, Problem, Stop},
    locale::Locale,
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
    pub valid_from: Option<DateTime<Utc>>,
    pub valid_until: Option<DateTime<Utc>>,
    pub review_on: Option<NaiveDate>,
    /// The patient asked for it.
    pub on_request: bool,
}

const ACTION: &str = "contactAppoint";
/// Why a role ended that nobody ended before its time.
const PLANNED_END: &str = "Planerat slut";

/// Whoever was found, as shown to the patient.
#[derive(Debug, Default)]
struct Shown {
    assignment: Option<AssignmentId>,
    unit: Option<CareUnitId>,
    name: String,
    function: String,
    phone: Option<String>,
}

/// Appoints. Refused when the role has room for one only and is held.
pub async fn appoint(session: &Session, key: &str, cmd: &Appoint) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let staff = policy::as_staff(&session.actor, Noun::CareContact, Action::Appoint)?;
        let (now, keys, settings) = (session.now(), &session.core.keys, &session.core.settings);
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
        let asked = Asked {
            role: cmd.role,
            treating_kind: cmd.treating_kind,
            is_lead: cmd.is_lead,
            valid_from: cmd.valid_from,
            valid_until: cmd.valid_until,
            review_on: cmd.review_on,
        };
        let mut problems = rules::check(&asked, settings.fixed_contacts, now, to_local(now).date_naive());
        let how_to_reach =
            text::optional("howToReach", cmd.how_to_reach.as_deref(), text::TEXT, &mut problems);
        let shown = person(tx, &staff, &cmd.person, now, &mut problems).await?;
        if !problems.is_empty() {
            return Err(problems.into());
        }
        alive(&patient)?;
        // Two appointments at once: the second waits here and then sees the first.
        patient::Entity::find_by_id(patient.id).lock_exclusive().one(tx).await?;
        end_expired(tx, session, patient.id, cmd.role).await?;
        let holders = holders(tx, patient.id, cmd.role, &settings.region).await?;
        let is_lead = rules::lead(&asked, settings.fixed_contacts, &holders).map_err(|taken| {
            // The refusal tells something of the patient: that the role is held.
            session.trail.read(patient.id);
            taken.problem(taken.0.care_provider_id == staff.care_provider)
        })?;

        let id = CareContactId(session.core.clock.uuid());
        let seal = |column, text: Option<&str>| keys.seal_opt(Place::new(column, id.0), text);
        let row = care_contact::Model {
            id,
            patient_id: patient.id,
            care_unit_id: shown.unit.unwrap_or(staff.care_unit),
            care_provider_id: staff.care_provider,
            region: settings.region.clone(),
            role: cmd.role,
            treating_kind: cmd.treating_kind,
            is_lead,
            assignment_id: shown.assignment,
            name: shown.name,
            function: shown.function,
            phone: seal("care_contact.phone", shown.phone.as_deref())?,
            how_to_reach: seal("care_contact.how_to_reach", how_to_reach.as_deref())?,
            status: Status::Active,
            valid_from: cmd.valid_from.unwrap_or(now),
            valid_until: cmd.valid_until,
            review_on: cmd.review_on,
            appointed_by: staff.assignment.0,
            on_request: cmd.on_request,
            ended_at: None,
            end_reason: None,
            consultation: None,
            row_version: 1,
        };
        care_contact::Entity::insert(care_contact::ActiveModel::from(row.clone()))
            .exec_without_returning(tx)
            .await
            .map_err(|e| act::on_unique(e, rules::taken))?;
        relation(tx, session, &row).await?;
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
                "howToReach": how_to_reach,
                "validFrom": row.valid_from,
                "validUntil": row.valid_until,
                "reviewOn": row.review_on,
                "onRequest": row.on_request,
            })),
        };
        history::record(tx, session, (&row).into(), ACTION, [change]).await?;
        act::emit(tx, session, [for_register(&row, "contact.appointed")]).await?;
        Ok(Done::on(patient.id).with("contact", id.0))
    })
    .await
}

/// Every appointment and ending is told to the population register (befolkningsregistret).
pub fn for_register(contact: &care_contact::Model, kind: &'static str) -> Event {
    Event {
        kind,
        patient: contact.patient_id,
        care_unit: contact.care_unit_id,
        care_provider: contact.care_provider_id,
        subject: contact.id.0,
        for_register: true,
    }
}

async fn person(
    tx: &Tx,
    staff: &StaffActor,
    person: &Person,
    now: DateTime<Utc>,
    problems: &mut Vec<Problem>,
) -> Result<Shown, Stop> {
    match person {
        Person::Staff(id) => {
            let unknown = || Problem::not_found("person.assignmentId");
            let assignment = assignment::Entity::find_by_id(*id)
                .filter(assignment::Column::CareProviderId.eq(staff.care_provider))
                .filter(assignment::Column::ValidFrom.lte(now))
                .filter(assignment::Column::ValidUntil.is_null().or(assignment::Column::ValidUntil.gt(now)))
                .one(tx)
                .await?
                .ok_or_else(unknown)?;
            let member = staff_member::Entity::find_by_id(assignment.staff_member_id)
                .one(tx)
                .await?
                .ok_or_else(unknown)?;
            Ok(Shown {
                assignment: Some(assignment.id),
                unit: Some(assignment.care_unit_id),
                name: member.display_name,
                function: member.title,
                phone: None,
            })
        }
        Person::Named { name, function, phone } => {
            let phone = PhoneNumber::parse(phone).map_err(|e| {
                problems.push(Problem::input("person.named.phone", e.text(Locale::Sv), e.text(Locale::En)));
            });
            Ok(Shown {
                name: text::required("person.named.name", name, text::TITLE, problems),
                function: text::required("person.named.function", function, text::TITLE, problems),
                phone: phone.ok().map(|p| p.as_str().to_owned()),
                ..Shown::default()
            })
        }
    }
}

/// Ends what has come to its planned end, so that it does not stand in the way of a successor. The care relation
/// ended with it.
async fn end_expired(tx: &Tx, session: &Session, patient: PatientId, role: Role) -> Result<(), Fault> {
    let expired = care_contact::Entity::find()
        .filter(care_contact::Column::PatientId.eq(patient))
        .filter(care_contact::Column::Role.eq(role))
        .filter(care_contact::Column::Status.eq(Status::Active))
        .filter(care_contact::Column::ValidUntil.lte(session.now()))
        .all(tx)
        .await?;
    for contact in &expired {
        let place = Place::new("care_contact.end_reason", contact.id.0);
        care_contact::Entity::update_many()
            .set(care_contact::ActiveModel {
                status: Set(Status::Ended),
                ended_at: Set(contact.valid_until),
                end_reason: Set(Some(session.core.keys.seal(place, PLANNED_END)?)),
                row_version: Set(contact.row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(care_contact::Column::Id.eq(contact.id))
            .exec(tx)
            .await?;
        let change = Change {
            kind: "care_contact",
            subject: contact.id.0,
            before: Some(json!({ "status": Status::Active })),
            after: Some(json!({ "status": Status::Ended, "reason": PLANNED_END })),
        };
        history::record(tx, session, contact.into(), ACTION, [change]).await?;
    }
    act::emit(tx, session, expired.iter().map(|contact| for_register(contact, "contact.ended"))).await
}

/// Everyone who holds the role for the patient now: in the region, where the region decides how many.
async fn holders(
    tx: &Tx,
    patient: PatientId,
    role: Role,
    region: &str,
) -> Result<Vec<care_contact::Model>, Fault> {
    let mut holders = care_contact::Entity::find()
        .filter(care_contact::Column::PatientId.eq(patient))
        .filter(care_contact::Column::Role.eq(role))
        .filter(care_contact::Column::Status.eq(Status::Active));
    if role == Role::FastVardkontakt {
        holders = holders.filter(care_contact::Column::Region.eq(region));
    }
    Ok(holders.all(tx).await?)
}

/// The contact's unit reaches the patient for as long as the role lasts. A supporter reaches nothing by the role:
/// what they may see is the patient's to grant.
async fn relation(tx: &Tx, session: &Session, contact: &care_contact::Model) -> Result<(), Fault> {
    if contact.role == Role::Supporter {
        return Ok(());
    }
    care_relation::Entity::insert(care_relation::ActiveModel {
        id: Set(CareRelationId(session.core.clock.uuid())),
        patient_id: Set(contact.patient_id),
        care_unit_id: Set(contact.care_unit_id),
        care_provider_id: Set(contact.care_provider_id),
        source: Set(care_relation::Source::Contact),
        reason: Set(None),
        declaration: Set(None),
        declared_by: Set(None),
        subject_id: Set(Some(contact.id.0)),
        valid_from: Set(contact.valid_from),
        valid_until: Set(contact.valid_until),
        created_at: Set(session.now()),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(())
}
