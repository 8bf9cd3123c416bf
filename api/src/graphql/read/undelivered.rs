//! The messages of a unit that did not arrive, those of the nearest visits first: a page in one statement.

use async_graphql::Context;
use chrono::{DateTime, Utc};
use entity::{
    NoticeId, PatientId,
    assignment::Role,
    contact_way::Channel,
    notice::{Kind, State},
    patient::ProtectedIdentity,
};
use sea_orm::{QueryResult, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{cols::Cols, rows};
use crate::{
    auth::{
        actor::StaffActor,
        policy::{self, Action, Granted, Noun, Who, reach_sql, reach_values},
    },
    domain::notice::by_staff::{OF_INTEREST, undelivered_sql},
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{GlobalId, NodeKind},
        types::{
            people::PatientSummary,
            reminders::{Undelivered, UndeliveredReminder},
        },
        user_error::{fault, session},
    },
    locale::Locale,
    reminder::{
        channel::FailureCode,
        render::{self, Occasion},
    },
    session::Session,
};

/// Where a page goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndeliveredPlace {
    at: DateTime<Utc>,
    id: Uuid,
}

const COLUMNS: &str = "n.id, n.kind, n.rule, n.channel, n.state, n.reason, n.due_at, \
     CASE WHEN n.kind = 'CANCELLATION' THEN COALESCE(a.known_starts_at, a.starts_at) ELSE a.starts_at END, \
     COALESCE(a.starts_at, n.created_at) AS at, CASE WHEN n.guardian_reminder_id IS NULL THEN 0 ELSE 1 END, CASE WHEN n.staff_notice_id IS NULL THEN 0 ELSE 1 END, \
     p.id, \
     p.given_name, p.family_name, p.protected_identity";
const FROM: &str = "FROM notice n JOIN patient p ON p.id = n.patient_id \
     LEFT JOIN appointment a ON a.id = n.appointment_id";

const UNHANDLED: &str = "n.state IN ('FAILED', 'MISSED', 'UNKNOWN') AND n.handled_at IS NULL";

/// The unit's own, as far as the caller reaches them; managers see all of them, without whom they are about.
pub async fn of_unit(
    session: &Session,
    own: &Granted<StaffActor>,
    request: &PageRequest<UndeliveredPlace>,
) -> Result<Page<UndeliveredReminder>, Fault> {
    let manager = own.role == Role::UnitManager;
    let reach = if manager {
        "$1 = $1 AND $2 = $2 AND n.care_provider_id = $3 AND $4 = $4".to_owned()
    } else {
        reach_sql(Who::from(&session.actor), Noun::Reminder, "n.patient_id", Some("n.care_provider_id"))
    };
    let sql = format!(
        "SELECT {COLUMNS} {FROM} WHERE {} AND n.care_unit_id = $5 \
         AND (COALESCE(a.starts_at, n.created_at) > $8 OR (COALESCE(a.starts_at, n.created_at) = $8 AND n.id > $9)) \
         AND {reach} ORDER BY at, n.id LIMIT {}",
        undelivered_sql("$6", "$7"),
        request.first + 1
    );
    let now = session.now();
    let start = UndeliveredPlace { at: DateTime::<Utc>::UNIX_EPOCH, id: Uuid::nil() };
    let after = request.after.as_ref().unwrap_or(&start);
    let mut values = reach_values(&session.actor, now);
    values.extend([
        Value::from(own.care_unit.0),
        (now - OF_INTEREST.0).into(),
        (now - OF_INTEREST.1).into(),
        after.at.into(),
        after.id.into(),
    ]);
    let rows = rows::run(session, sql, values).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let (place, mut undelivered) = read(session, row)?;
        if manager {
            undelivered.patient = None;
        } else if let Some(patient) = &undelivered.patient {
            session.trail.read(PatientId(patient.id.id));
        }
        found.push((place, undelivered));
    }
    Ok(Page::of_rows(found, request, |(place, _)| place.clone()).map(|(_, undelivered)| undelivered))
}

/// One of them; none when it is out of reach, arrived, or was taken care of.
pub async fn by_id(ctx: &Context<'_>, id: NoticeId) -> async_graphql::Result<Option<UndeliveredReminder>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Reminder, Action::Read).is_err() {
        session.trail.denied("NOT_FOUND", None);
        return Ok(None);
    }
    let reach =
        reach_sql(Who::from(&session.actor), Noun::Reminder, "n.patient_id", Some("n.care_provider_id"));
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE {UNHANDLED} AND {reach} AND n.id = $5");
    let mut values = reach_values(&session.actor, session.now());
    values.push(id.0.into());
    let found = async {
        let rows = rows::run(session, sql, values).await?;
        rows.first().map(|row| read(session, row)).transpose()
    };
    let found = found.await.map_err(|e| fault(session, &e))?;
    let Some((_, undelivered)) = found else {
        session.trail.denied("NOT_FOUND", None);
        return Ok(None);
    };
    if let Some(patient) = &undelivered.patient {
        session.trail.read(PatientId(patient.id.id));
    }
    Ok(Some(undelivered))
}

fn read(session: &Session, row: &QueryResult) -> Result<(UndeliveredPlace, UndeliveredReminder), Fault> {
    let mut cols = Cols::new(row);
    let id: Uuid = cols.take()?;
    let kind: Kind = cols.text_enum()?;
    let rule: String = cols.take()?;
    let channel: Channel = cols.text_enum()?;
    let state: State = cols.text_enum()?;
    let reason: Option<String> = cols.opt()?;
    let due_at = cols.take()?;
    let visit_starts_at = cols.opt()?;
    let at = cols.take()?;
    let to_guardian = cols.take::<i32>()? == 1;
    let to_staff = cols.take::<i32>()? == 1;
    let about = render::Kind::of(kind, &rule).ok_or_else(|| Fault::internal("a notice of no kind"))?;
    let state = Undelivered::of(state).ok_or_else(|| Fault::internal("a notice that arrived"))?;
    let patient = PatientSummary {
        id: GlobalId::new(NodeKind::Patient, cols.take::<Uuid>()?),
        given_name: cols.take()?,
        family_name: cols.take()?,
        protected_identity: cols.text_enum::<ProtectedIdentity>()?.into(),
    };
    let undelivered = UndeliveredReminder {
        id: GlobalId::new(NodeKind::Reminder, id),
        state: state.into(),
        reason: words(reason.as_deref(), session.locale).to_owned(),
        occasion: Occasion::from(about).into(),
        channel: channel.into(),
        due_at,
        visit_starts_at,
        to_guardian,
        // Mail to staff gathers what is new: it is about nobody.
        patient: (!to_staff).then_some(patient),
    };
    Ok((UndeliveredPlace { at, id }, undelivered))
}

/// Why, in plain words.
fn words(reason: Option<&str>, locale: Locale) -> &'static str {
    let code = reason.map(|reason| reason.rsplit(':').next().unwrap_or(reason)).unwrap_or_default();
    if let Some(code) = FailureCode::from_text(code) {
        return code.text(locale);
    }
    match code {
        "TOO_LATE" => locale.pick(
            "Tiden gick ut innan meddelandet kunde skickas.",
            "The time ran out before the message could be sent.",
        ),
        "SENDING_HOURS" => locale.pick(
            "Det fanns ingen tid kvar på dygnet då vi får skicka före besöket.",
            "There was no time left in the sending hours before the visit.",
        ),
        "RESTORED" => locale.pick(
            "Systemet återställdes från en säkerhetskopia. Ingen vet om meddelandet kom fram.",
            "The system was restored from a backup. Nobody knows whether the message arrived.",
        ),
        _ => locale.pick("Meddelandet kom inte fram.", "The message did not arrive."),
    }
}
