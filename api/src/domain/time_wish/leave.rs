//! Leaving a wish (lämna önskemål om tid).

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use entity::{
    AppointmentTypeId, AssignmentId, PatientId, TimeWishId, appointment::BookingChannel,
    appointment_type::Mode, assignment, care_relation, care_unit, time_wish,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel as _, QueryFilter};
use serde::Serialize;

use super::{event, rules, shown};
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::{OpenSpan, add_working_days, to_instant, to_local},
    db::Tx,
    domain::{
        act::{self, Done, Receipt, by, on_unique},
        booking::{closing_days, rules::way},
        history::{self, Change},
        patient::{self, alive},
        relation::{self, Opening},
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// What is wished for.
#[derive(Clone, Debug, Serialize)]
pub struct Content {
    pub person: Option<AssignmentId>,
    /// One bit for each day of the week, Monday the lowest.
    pub weekdays: i32,
    /// Pairs of wall clocks, `08:00` to `12:00`, within which the time begins.
    pub spans: Vec<(String, String)>,
    pub modes: Vec<Mode>,
    pub from: Option<NaiveDate>,
    pub until: NaiveDate,
    pub notice_minutes: i32,
    pub by_phone: bool,
}

/// A wish for a patient: the caller, or the one that staff name.
#[derive(Clone, Debug, Serialize)]
pub struct Leave {
    pub appointment_type: AppointmentTypeId,
    pub patient: Option<PatientId>,
    /// How the patient reached staff; patients leave it out.
    pub channel: Option<BookingChannel>,
    pub content: Content,
}

/// Leaves it: the patient is in the queue from now on.
pub async fn leave(session: &Session, key: &str, cmd: &Leave) -> Result<Receipt, Fault> {
    act::perform(session, "timeWishLeave", key, cmd, async |tx| {
        let (now, actor) = (session.now(), &session.actor);
        let whom =
            policy::patient(tx, actor, Noun::TimeWish, Action::Create, cmd.patient, "patientId", now).await?;
        let gone = || Problem::not_found("appointmentTypeId");
        let kind = policy::appointment_type(tx, actor, cmd.appointment_type, whom.id, now)
            .await?
            .ok_or_else(gone)?;
        let (_, channel) = way(actor, cmd.channel, false)?;
        let whom = patient::lock(tx, whom.id).await?;
        alive(&whom).map_err(|died| died.at("patientId"))?;
        let unit = care_unit::Entity::find_by_id(kind.care_unit_id)
            .one(tx)
            .await?
            .ok_or_else(|| Fault::internal("an appointment type without its unit"))?;
        let (created_by_kind, created_by_id) = by(session);
        let mut row = time_wish::Model {
            id: TimeWishId(session.core.clock.uuid()),
            patient_id: whom.id,
            care_unit_id: kind.care_unit_id,
            care_provider_id: kind.care_provider_id,
            appointment_type_id: kind.id,
            assignment_id: None,
            weekdays: rules::ANY_DAY,
            spans: "[]".to_owned(),
            modes: "[]".to_owned(),
            from_on: to_local(now).date_naive(),
            until_on: cmd.content.until,
            notice_minutes: 0,
            by_phone: false,
            channel,
            status: time_wish::Status::Open,
            answer_by: promise(session, &unit)?,
            raised_at: None,
            unanswered: 0,
            appointment_id: None,
            created_by_kind,
            created_by_id,
            created_at: now,
            ended_at: None,
            ended_by_kind: None,
            ended_by_id: None,
            row_version: 1,
        };
        fill(tx, session, &mut row, &cmd.content).await?;
        time_wish::Entity::insert(row.clone().into_active_model())
            .exec_without_returning(tx)
            .await
            .map_err(|error| on_unique(error, already))?;
        let opening = Opening {
            patient: whom.id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            // As the visit will that is wished for.
            source: care_relation::Source::Appointment,
            subject: Some(row.id.0),
            from: now,
            until: Some(after(row.until_on)),
            declared: None,
        };
        relation::open(tx, session, &opening).await?;
        let change = Change { kind: "time_wish", subject: row.id.0, before: None, after: Some(shown(&row)) };
        history::record(tx, session, (&row).into(), "timeWishLeave", [change]).await?;
        act::emit(tx, session, [event("time_wish.left", &row)]).await?;
        Ok(Done::on(whom.id).with("wish", row.id.0))
    })
    .await
}

/// The instant at which a day is over.
pub(super) fn after(day: NaiveDate) -> DateTime<Utc> {
    to_instant(day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN))
}

fn promise(session: &Session, unit: &care_unit::Model) -> Result<DateTime<Utc>, Fault> {
    let (days, today) = (session.core.settings.booking.wish_answer_working_days, to_local(session.now()));
    Ok(after(add_working_days(today.date_naive(), days, &closing_days(unit)?)))
}

fn already() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Du har redan ett önskemål om en sådan tid. Ändra det i stället.",
        "There is a wish for such a time already. Change it instead.",
    )
    .at("appointmentTypeId")
}

/// Writes what is wished for into the row, or says everything that is wrong with it.
pub(super) async fn fill(
    tx: &Tx,
    session: &Session,
    row: &mut time_wish::Model,
    content: &Content,
) -> Result<(), Stop> {
    let today = to_local(session.now()).date_naive();
    let spans: Result<Vec<OpenSpan>, _> =
        content.spans.iter().map(|(from, until)| OpenSpan::new(from, until)).collect();
    let mut problems = Vec::new();
    let spans = spans.unwrap_or_else(|_| {
        problems.push(Problem::input(
            "times",
            "Skriv tiderna som 08:00 till 12:00, den tidigare först.",
            "Write the times as 08:00 to 12:00, the earlier first.",
        ));
        Vec::new()
    });
    let wanted = rules::Wanted {
        weekdays: content.weekdays,
        spans,
        modes: content.modes.clone(),
        from: Ord::max(content.from.unwrap_or(today), today),
        until: content.until,
        notice: TimeDelta::minutes(i64::from(content.notice_minutes.clamp(0, 1_000_000))),
    };
    problems.extend(rules::problems(&wanted, content.notice_minutes, today));
    if let Some(person) = content.person
        && !works_there(tx, session, row, person).await?
    {
        problems.push(Problem::not_found("assignmentId"));
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    row.assignment_id = content.person;
    row.weekdays = wanted.weekdays & rules::ANY_DAY;
    row.spans = serde_json::to_string(&wanted.spans).map_err(Fault::internal)?;
    row.modes = serde_json::to_string(&wanted.modes).map_err(Fault::internal)?;
    row.from_on = wanted.from;
    row.until_on = wanted.until;
    row.notice_minutes = content.notice_minutes;
    row.by_phone = content.by_phone;
    Ok(())
}

async fn works_there(
    tx: &Tx,
    session: &Session,
    row: &time_wish::Model,
    person: AssignmentId,
) -> Result<bool, Fault> {
    use assignment::Column as C;
    let found = assignment::Entity::find_by_id(person)
        .filter(C::CareUnitId.eq(row.care_unit_id))
        .filter(Condition::any().add(C::ValidUntil.is_null()).add(C::ValidUntil.gt(session.now())));
    Ok(found.one(tx).await?.is_some())
}
