//! What stands in a feed: the appointments of its patient, each as far as the patient has chosen to show them.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{PatientId, patient::ProtectedIdentity, reminder_preference::Detail};
use icalendar::{Calendar, Class, Component, Event, EventLike, EventStatus, Property};
use sea_orm::{ActiveEnum, ConnectionTrait, QueryResult, Statement};
use uuid::Uuid;

use super::hash;
use crate::{
    auth::policy::{Action, Noun, Rights},
    db::Db,
    domain::representative::{assessed, rules::own_rights},
    error::Fault,
    locale::Locale,
    reminder::render::shown_phone,
    session::Core,
};

/// How far back and ahead a feed shows appointments.
const BACK: TimeDelta = TimeDelta::days(90);
const AHEAD: TimeDelta = TimeDelta::days(2 * 366);
/// The most appointments that one feed shows: the latest ones.
const MOST: usize = 500;
/// How often a calendar program should ask again.
const AGAIN: &str = "PT1H";

/// A feed as it is now.
#[derive(Clone, Debug)]
pub struct Feed {
    pub patient: PatientId,
    pub body: String,
}

/// The feed under this secret; none when there is none, it was revoked, or its patient may not read it any more.
/// `domain` is the right side of the events' ids, the same as in the calendar files of mail.
///
/// # Errors
/// When the database does not answer.
pub async fn feed(core: &Core, domain: &str, secret: &str) -> Result<Option<Feed>, Fault> {
    let now = core.clock.now();
    let sql = format!(
        "SELECT f.patient_id, f.detail, p.protected_identity, p.language, p.birth_date, ap.id, ap.status, \
         ap.schedule_version, ap.starts_at, ap.ends_at, ap.created_at, ap.cancelled_at, u.name, u.phone, u.address, \
         u.sensitive FROM calendar_feed f JOIN patient p ON p.id = f.patient_id \
         LEFT JOIN appointment ap ON ap.patient_id = f.patient_id AND ap.starts_at > $2 AND ap.starts_at < $3 \
         LEFT JOIN care_unit u ON u.id = ap.care_unit_id \
         WHERE f.secret_hash = $1 AND p.deceased_on IS NULL ORDER BY ap.starts_at DESC, ap.id LIMIT {MOST}"
    );
    let values = vec![hash(secret).into(), (now - BACK).into(), (now + AHEAD).into()];
    let rows = core
        .db
        .read(async |db| -> Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            Ok(db.query_all_raw(statement).await?)
        })
        .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let patient = PatientId(first.try_get_by_index(0)?);
    if !may_read(core, patient, first.try_get_by_index(4)?).await? {
        return Ok(None);
    }
    let chosen = Detail::try_from_value(&first.try_get_by_index::<String>(1)?)?;
    let protected = ProtectedIdentity::try_from_value(&first.try_get_by_index::<String>(2)?)?;
    let locale = Locale::from_tag(&first.try_get_by_index::<String>(3)?);
    let mut calendar = Calendar::empty();
    calendar
        .append_property(Property::new("VERSION", "2.0"))
        .append_property(Property::new("PRODID", "-//patientkontrakt//patientkontrakt//SV"))
        .append_property(Property::new("METHOD", "PUBLISH"))
        .append_property(Property::new("X-WR-CALNAME", locale.pick("Bokade tider", "Booked times")))
        .append_property(Property::new("REFRESH-INTERVAL", AGAIN).add_parameter("VALUE", "DURATION").done());
    for row in rows.iter().rev() {
        if let Some(visit) = Visit::read(row)? {
            calendar.push(visit.event(domain, locale, chosen, protected));
        }
    }
    let body: String = (&calendar).try_into().map_err(|_: std::fmt::Error| Fault::internal("a calendar"))?;
    Ok(Some(Feed { patient, body }))
}

/// A young person reads their own times only as far as they do when signed in.
async fn may_read(core: &Core, patient: PatientId, born: chrono::NaiveDate) -> Result<bool, Fault> {
    let (ages, now) = (&core.settings.ages, core.clock.now());
    if own_rights(born, &[], ages, now).is_none() {
        return Ok(true);
    }
    let assessed = read_assessed(&core.db, patient).await?;
    let rights = own_rights(born, &assessed, ages, now).unwrap_or(Rights::FULL);
    Ok(rights.cover(Noun::Appointment, Action::Read))
}

async fn read_assessed(db: &Db, patient: PatientId) -> Result<Vec<entity::access_assessment::Model>, Fault> {
    db.read(async |db| assessed(db, patient).await).await
}

/// One appointment, as far as a feed may ever show it.
struct Visit {
    id: Uuid,
    cancelled: bool,
    schedule_version: i32,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
    unit: String,
    phone: String,
    address: Option<String>,
    sensitive: bool,
}

impl Visit {
    /// From a row; none where the patient has no appointment.
    fn read(row: &QueryResult) -> Result<Option<Self>, Fault> {
        let Some(id) = row.try_get_by_index::<Option<Uuid>>(5)? else { return Ok(None) };
        let cancelled_at: Option<DateTime<Utc>> = row.try_get_by_index(11)?;
        Ok(Some(Self {
            id,
            cancelled: row.try_get_by_index::<String>(6)? == entity::appointment::Status::Cancelled.as_str(),
            schedule_version: row.try_get_by_index(7)?,
            starts_at: row.try_get_by_index(8)?,
            ends_at: row.try_get_by_index(9)?,
            changed_at: match cancelled_at {
                Some(at) => at,
                None => row.try_get_by_index(10)?,
            },
            unit: row.try_get_by_index(12)?,
            phone: row.try_get_by_index(13)?,
            address: row.try_get_by_index(14)?,
            sensitive: row.try_get_by_index(15)?,
        }))
    }

    /// The event: a neutral title, and what the patient has chosen to show. Under a protected identity nothing shows
    /// where it is, not even by whom to call.
    fn event(&self, domain: &str, locale: Locale, chosen: Detail, protected: ProtectedIdentity) -> Event {
        let hidden = protected != ProtectedIdentity::None;
        let detail = if self.sensitive || hidden { Detail::TimeOnly } else { chosen };
        let sequence = u32::try_from(self.schedule_version).unwrap_or_default() + u32::from(self.cancelled);
        let mut event = Event::with_uid(&format!("{}@{domain}", self.id));
        event
            .timestamp(self.changed_at)
            .sequence(sequence)
            .starts(self.starts_at)
            .ends(self.ends_at)
            .summary(locale.pick("Bokad tid", "Booked time"))
            .class(Class::Private);
        event.status(if self.cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed });
        if !hidden {
            let phone = shown_phone(&self.phone);
            event.description(&format!("{} {phone}", locale.pick("Ring", "Call")));
        }
        let place = match (detail, &self.address) {
            (Detail::TimeOnly, _) => None,
            (Detail::UnitName, _) | (Detail::UnitAndAddress, None) => Some(self.unit.clone()),
            (Detail::UnitAndAddress, Some(address)) => Some(format!("{}, {address}", self.unit)),
        };
        if let Some(place) = place {
            event.location(&place);
        }
        event.done()
    }
}
