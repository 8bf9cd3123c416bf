//! Single objects by id: refetches, and what a mutation's payload shows. Each under its own rule, as of now.

use std::sync::Arc;

use async_graphql::{Context, Result};
use entity::{
    AgreementId, AgreementVersionId, AppointmentId, AppointmentTypeId, AssignmentId, CareContactId, GoalId,
    ItemConcernId, PatientId, PlanItemId, ProgressNoteId, ReminderPreferenceId, SlotId, agreement,
    agreement_version, appointment, care_contact, goal, plan_item,
};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use super::{
    appointment as times,
    cols::{Cols, staff_columns, unit_columns},
    contact,
    life::{self, Lists},
    plan::{PatientPlan, Wanted},
    preference::{COLUMN_LIST, opt_preference},
    version::VersionsWanted,
};
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Granted, Noun, PatientData, Who, reach_sql, reach_values},
    },
    error::{Fault, Stop},
    graphql::{
        assignment::Assignment,
        patient::{self, Patient},
        scalars::{GlobalId, HsaId, NodeKind},
        types::{
            agreement::{Agreement, AgreementVersion, Goal, PlanItem},
            booking::{Appointment, AppointmentType, Slot},
            life::{PlanItemConcern, ProgressNote},
            messages::ReminderPreference,
            people::{CareContact, StaffSummary},
        },
        user_error::{fault, refused, session},
    },
    session::Session,
};

/// The row under its Read rule. A refusal leaves an entry in the trail and is none.
pub async fn reach<E>(session: &Session, id: impl Into<Value>) -> Result<Option<Granted<E::Model>>>
where
    E: PatientData,
    E::Model: sea_orm::ModelTrait<Entity = E> + Send + Sync,
{
    let id = id.into();
    let found = session
        .core
        .db
        .read(async |db| policy::reach::<E>(db, &session.actor, Action::Read, id, "id", session.now()).await)
        .await;
    match found {
        Ok(row) => Ok(Some(row)),
        Err(Stop::Fault(e)) => Err(fault(session, &e)),
        Err(Stop::Refused(_)) => {
            session.trail.denied("NOT_FOUND", None);
            Ok(None)
        }
    }
}

async fn plan_of(
    session: &Session,
    patient: PatientId,
    agreement: AgreementId,
    wanted: Wanted,
) -> Result<Option<PatientPlan>> {
    patient::load(session, patient, Some(agreement.0), wanted).await.map_err(|e| fault(session, &e))
}

/// A patient by id.
pub async fn patient(ctx: &Context<'_>, id: PatientId) -> Result<Option<Patient>> {
    if policy::check(&session(ctx).actor, Noun::Patient, Action::Read).is_err() {
        return Err(refused(session(ctx)));
    }
    Patient::load(ctx, id).await
}

/// An agreement by id, whole.
pub async fn agreement(ctx: &Context<'_>, id: AgreementId) -> Result<Option<Agreement>> {
    agreement_for(session(ctx), id, VersionsWanted::of_agreement(&ctx.look_ahead())).await
}

/// [`agreement`] for a session at hand.
pub async fn agreement_for(
    session: &Session,
    id: AgreementId,
    versions: VersionsWanted,
) -> Result<Option<Agreement>> {
    let Some(row) = reach::<agreement::Entity>(session, id).await? else { return Ok(None) };
    let wanted = Wanted::agreement(versions);
    Ok(plan_of(session, row.patient_id, row.id, wanted).await?.and_then(|plan| plan.agreement))
}

/// A version by id, whatever has become of it.
pub async fn agreement_version(
    ctx: &Context<'_>,
    id: AgreementVersionId,
) -> Result<Option<AgreementVersion>> {
    let session = session(ctx);
    let Some(row) = reach::<agreement_version::Entity>(session, id).await? else { return Ok(None) };
    session.trail.read(row.patient_id);
    let wanted = VersionsWanted::of_version(&ctx.look_ahead());
    super::plan::version(session, &row, wanted).await.map_err(|e| fault(session, &e))
}

/// A goal by id.
pub async fn goal(ctx: &Context<'_>, id: GoalId) -> Result<Option<Arc<Goal>>> {
    let session = session(ctx);
    let Some(row) = reach::<goal::Entity>(session, id).await? else { return Ok(None) };
    let look = ctx.look_ahead();
    let lists = Lists { notes: look.field("latestNotes").exists(), ..Lists::default() };
    let wanted = Wanted { goals: true, lists, ..Wanted::default() };
    let plan = plan_of(session, row.patient_id, row.agreement_id, wanted).await?;
    Ok(plan.and_then(|p| p.agreement).and_then(|a| a.goals.into_iter().find(|g| g.id.id == id.0)))
}

/// A plan item by id.
pub async fn plan_item(ctx: &Context<'_>, id: PlanItemId) -> Result<Option<Arc<PlanItem>>> {
    let session = session(ctx);
    let Some(row) = reach::<plan_item::Entity>(session, id).await? else { return Ok(None) };
    let look = ctx.look_ahead();
    let lists = Lists::asked(&look.field("goal"), &look);
    let wanted = Wanted { items: true, life: true, lists, ..Wanted::default() };
    let plan = plan_of(session, row.patient_id, row.agreement_id, wanted).await?;
    Ok(plan.and_then(|p| p.agreement).and_then(|a| a.plan_items.into_iter().find(|i| i.id.id == id.0)))
}

/// A progress note by id.
pub async fn progress_note(ctx: &Context<'_>, id: ProgressNoteId) -> Result<Option<ProgressNote>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::ProgressNote, Action::Read).is_err() {
        return Err(refused(session));
    }
    told(session, life::note(session, id.0).await)
}

/// A concern about an item by id.
pub async fn concern(ctx: &Context<'_>, id: ItemConcernId) -> Result<Option<PlanItemConcern>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Concern, Action::Read).is_err() {
        return Err(refused(session));
    }
    told(session, life::concern(session, id.0).await)
}

/// What was found of a patient, told to the access log; so is that nothing was.
fn told<T>(session: &Session, found: Result<Option<(PatientId, T)>, Fault>) -> Result<Option<T>> {
    let Some((patient, object)) = found.map_err(|e| fault(session, &e))? else {
        session.trail.denied("NOT_FOUND", None);
        return Ok(None);
    };
    session.trail.read(patient);
    Ok(Some(object))
}

/// A contact by id, ended or not.
pub async fn care_contact(ctx: &Context<'_>, id: CareContactId) -> Result<Option<CareContact>> {
    let session = session(ctx);
    let Some(row) = reach::<care_contact::Entity>(session, id).await? else { return Ok(None) };
    session.trail.read(row.patient_id);
    let found = session
        .core
        .db
        .read(async |db| contact::find(session, db, "c.id = $5", [row.id.0.into()]).await)
        .await
        .map_err(|e| fault(session, &e))?;
    Ok(found.into_iter().next().map(|found| found.contact))
}

/// A booked time by id.
pub async fn appointment(ctx: &Context<'_>, id: AppointmentId) -> Result<Option<Appointment>> {
    let session = session(ctx);
    let Some(row) = reach::<appointment::Entity>(session, id).await? else { return Ok(None) };
    session.trail.read(row.patient_id);
    let sql = format!("SELECT {} FROM appointment ap {} WHERE ap.id = $1", times::columns(), times::JOINS);
    Ok(one(session, sql, vec![row.id.0.into()], |cols| times::opt_appointment(cols, session))
        .await?
        .flatten())
}

/// The columns of a [`Slot`] for `s` (slot), `apt`, `apu` and `aps`.
pub fn slot_columns() -> String {
    format!(
        "s.id, s.starts_at, s.ends_at, s.open_seats, s.seats, {}, {}, {}",
        times::type_columns("apt"),
        staff_columns("aps"),
        unit_columns("apu")
    )
}

/// The joins that [`slot_columns`] needs beside `s`.
pub const SLOT_JOINS: &str = "JOIN appointment_type apt ON apt.id = s.appointment_type_id \
     JOIN care_unit apu ON apu.id = s.care_unit_id LEFT JOIN assignment apa ON apa.id = s.assignment_id \
     LEFT JOIN staff_member aps ON aps.id = apa.staff_member_id";

/// Reads [`slot_columns`].
pub fn read_slot(cols: &mut Cols<'_>) -> Result<Slot, Fault> {
    Ok(Slot {
        id: GlobalId::new(NodeKind::Slot, cols.take::<Uuid>()?),
        starts_at: cols.take()?,
        ends_at: cols.take()?,
        open_seats: cols.take()?,
        seats: cols.take()?,
        appointment_type: times::appointment_type(cols)?,
        staff: cols.opt_staff()?,
        care_unit: cols.unit()?,
        tier: None,
        held_until: None,
        held_by: None,
    })
}

/// That `s` and its type `apt` are open to the caller, whose places in the statement are `first` and the one after it:
/// patients see what they may book themselves.
pub fn open_to(actor: &Actor, first: usize) -> String {
    if actor.staff().is_some() {
        return String::new();
    }
    let rule = policy::self_booking_sql("apt", &format!("${first}"), &format!("${}", first + 1));
    format!(" AND s.web_bookable AND s.withdrawn_at IS NULL AND {rule}")
}

/// The values of [`open_to`].
pub fn open_values(session: &Session) -> Vec<Value> {
    let patient = session.actor.patient();
    if session.actor.staff().is_some() {
        return Vec::new();
    }
    vec![patient.map_or(Uuid::nil(), |patient| patient.0).into(), session.now().into()]
}

/// A time that can be booked, by id. Patients see those they may book themselves.
pub async fn slot(ctx: &Context<'_>, id: SlotId) -> Result<Option<Slot>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Slot, Action::Read).is_err() {
        return Err(refused(session));
    }
    let (open, mut values) = (open_to(&session.actor, 2), vec![id.0.into()]);
    values.extend(open_values(session));
    let sql = format!("SELECT {} FROM slot s {SLOT_JOINS} WHERE s.id = $1{open}", slot_columns());
    one(session, sql, values, read_slot).await
}

/// A kind of appointment by id.
pub async fn appointment_type(ctx: &Context<'_>, id: AppointmentTypeId) -> Result<Option<AppointmentType>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::CareUnit, Action::Read).is_err() {
        return Err(refused(session));
    }
    let sql = format!("SELECT {} FROM appointment_type t WHERE t.id = $1", times::type_columns("t"));
    one(session, sql, vec![id.0.into()], times::appointment_type).await
}

/// A choice about reminders by id.
pub async fn reminder_preference(
    ctx: &Context<'_>,
    id: ReminderPreferenceId,
) -> Result<Option<ReminderPreference>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::ReminderPreference, Action::Read).is_err() {
        return Err(refused(session));
    }
    let reach = reach_sql(
        Who::from(&session.actor),
        Noun::ReminderPreference,
        "rp.patient_id",
        Some("rp.care_provider_id"),
    );
    let sql = format!(
        "SELECT rp.patient_id, {COLUMN_LIST} FROM reminder_preference rp WHERE {reach} AND rp.id = $5"
    );
    let mut values = reach_values(&session.actor, session.now());
    values.push(id.0.into());
    let found = one(session, sql, values, |cols| {
        let patient = PatientId(cols.take()?);
        Ok(opt_preference(session, cols)?.map(|preference| (patient, preference)))
    })
    .await?
    .flatten();
    if let Some((patient, preference)) = found {
        session.trail.read(patient);
        return Ok(Some(preference));
    }
    session.trail.denied("NOT_FOUND", None);
    Ok(None)
}

/// An assignment by id: staff see those of their own care provider.
pub async fn assignment(ctx: &Context<'_>, id: AssignmentId) -> Result<Option<Assignment>> {
    let session = session(ctx);
    let Some(staff) = session.actor.staff() else { return Err(refused(session)) };
    let sql = format!(
        "SELECT x.id, x.care_unit_id, x.hsa_id, {}, x.role, {} FROM assignment x JOIN staff_member m ON m.id = x.staff_member_id \
         JOIN care_unit u ON u.id = x.care_unit_id WHERE x.id = $1 AND x.care_provider_id = $2",
        staff_columns("m"),
        unit_columns("u")
    );
    one(session, sql, vec![id.0.into(), staff.care_provider.0.into()], read_assignment).await
}

fn read_assignment(cols: &mut Cols<'_>) -> Result<Assignment, Fault> {
    Ok(Assignment {
        id: cols.take::<Uuid>()?.into(),
        unit: cols.take::<Uuid>()?.into(),
        hsa_id: HsaId(cols.take()?),
        staff: StaffSummary { name: cols.take()?, title: cols.take()? },
        role: cols.text_enum::<entity::assignment::Role>()?.into(),
        care_unit: cols.unit()?,
    })
}

async fn one<T>(
    session: &Session,
    sql: String,
    values: Vec<Value>,
    read: impl FnOnce(&mut Cols<'_>) -> Result<T, Fault>,
) -> Result<Option<T>> {
    session
        .core
        .db
        .read(async |db| -> Result<Option<T>, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            db.query_one_raw(statement).await?.map(|row| read(&mut Cols::new(&row))).transpose()
        })
        .await
        .map_err(|e| fault(session, &e))
}
