//! Care contacts, and whom to turn to at a moment.

use chrono::{DateTime, Utc};
use entity::{Sealed, care_contact};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::cols::{Cols, unit_columns};
use crate::{
    auth::policy::{Noun, Who, reach_sql, reach_values},
    calendar::{ClosingDays, OpeningHours},
    crypto::Place,
    error::Fault,
    graphql::{
        scalars::{Date, GlobalId, NodeKind, PhoneNumber},
        types::people::{CareContact, CareUnitSummary, ContactAdvice},
    },
    locale::Locale,
    session::Session,
};

/// The columns of a [`CareContact`] for `c` (`care_contact`) and `cu` (its unit).
pub fn columns() -> String {
    format!(
        "c.id, c.role, c.treating_kind, c.is_lead, c.name, c.function, c.phone, c.how_to_reach, c.status, \
         c.valid_from, c.valid_until, c.review_on, c.row_version, {}, cu.opening_hours, cu.closing_days",
        unit_columns("cu")
    )
}

/// How many columns [`columns`] names.
pub const COLUMNS: usize = 13 + 4 + 2;

/// When a unit is open.
#[derive(Clone, Debug, Default)]
pub struct Hours {
    pub opening: OpeningHours,
    pub closing: ClosingDays,
}

impl Hours {
    /// Reads the two JSON columns of a unit. Hours nobody can read are no hours: the answer then goes further on.
    pub fn parse(opening: &str, closing: &str) -> Self {
        Self {
            opening: serde_json::from_str(opening).unwrap_or_default(),
            closing: serde_json::from_str(closing).unwrap_or_default(),
        }
    }

    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.opening.is_open(at, &self.closing)
    }

    pub fn opens_next(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.opening.opens_next(at, &self.closing)
    }
}

/// A contact with the hours of its unit.
#[derive(Clone, Debug)]
pub struct Reachable {
    pub contact: CareContact,
    pub hours: Hours,
}

/// Reads [`columns`] after a left join.
pub fn opt_contact(cols: &mut Cols<'_>, session: &Session) -> Result<Option<Reachable>, Fault> {
    let Some(id) = cols.opt::<Uuid>()? else {
        cols.skip(COLUMNS - 1);
        return Ok(None);
    };
    let keys = &session.core.keys;
    let role: care_contact::Role = cols.text_enum()?;
    let treating_kind: Option<care_contact::TreatingKind> = cols.opt_enum()?;
    let is_lead = cols.take()?;
    let (name, function) = (cols.take()?, cols.take()?);
    let phone: Option<Sealed> = cols.opt_sealed()?;
    let how_to_reach: Option<Sealed> = cols.opt_sealed()?;
    let status: care_contact::Status = cols.text_enum()?;
    let (valid_from, valid_until) = (cols.take()?, cols.opt()?);
    let review_on = cols.opt()?;
    let row_version = cols.take()?;
    let care_unit = cols.unit()?;
    let (opening, closing): (String, String) = (cols.take()?, cols.take()?);
    let phone = keys.open_opt(Place::new("care_contact.phone", id), phone.as_ref())?;
    let contact = CareContact {
        id: GlobalId::new(NodeKind::CareContact, id),
        role: role.into(),
        treating_kind: treating_kind.map(Into::into),
        is_lead,
        name,
        function,
        phone: phone.map_or_else(|| care_unit.phone.clone(), PhoneNumber),
        how_to_reach: keys.open_opt(Place::new("care_contact.how_to_reach", id), how_to_reach.as_ref())?,
        care_unit,
        is_active: status == care_contact::Status::Active,
        valid_from,
        valid_until,
        review_on: review_on.map(Date),
        row_version,
    };
    Ok(Some(Reachable { contact, hours: Hours::parse(&opening, &closing) }))
}

/// The patient's contacts whose role is valid now: the lead first, then by role and name.
pub async fn of_patient(
    session: &Session,
    db: &impl ConnectionTrait,
    patient: Uuid,
) -> Result<Vec<Reachable>, Fault> {
    let reach =
        reach_sql(Who::from(&session.actor), Noun::CareContact, "c.patient_id", Some("c.care_provider_id"));
    let sql = format!(
        "SELECT {} FROM care_contact c JOIN care_unit cu ON cu.id = c.care_unit_id \
         WHERE {reach} AND c.patient_id = $5 AND c.status = 'ACTIVE' \
         AND c.valid_from <= $4 AND (c.valid_until IS NULL OR c.valid_until > $4) \
         ORDER BY CASE c.role WHEN 'FAST_VARDKONTAKT' THEN 0 WHEN 'FAST_LAKARKONTAKT' THEN 1 ELSE 2 END, \
         c.is_lead DESC, c.name, c.id LIMIT 100",
        columns()
    );
    let mut values = reach_values(&session.actor, session.now());
    values.push(patient.into());
    let rows =
        db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    rows.iter().filter_map(|row| opt_contact(&mut Cols::new(row), session).transpose()).collect()
}

/// The patient's own unit, as a place to turn to.
#[derive(Clone, Debug)]
pub struct OwnUnit {
    pub summary: CareUnitSummary,
    pub hours: Hours,
    pub after_hours_name: Option<String>,
    pub after_hours_phone: Option<String>,
}

/// Whom to turn to at `at`. Always an answer: contact, unit, the unit's after-hours service, 1177.
pub fn advice(
    contacts: &[Reachable],
    unit: &OwnUnit,
    last_resort: &str,
    at: DateTime<Utc>,
    locale: Locale,
) -> ContactAdvice {
    let holds =
        |r: &&Reachable| r.contact.valid_from <= at && r.contact.valid_until.is_none_or(|until| until > at);
    let named = contacts.iter().filter(holds).find(|r| r.hours.is_open(at));
    let opens = contacts
        .iter()
        .filter(holds)
        .filter_map(|r| r.hours.opens_next(at))
        .chain(unit.hours.opens_next(at))
        .min();
    let (name, phone, contact, message) = if let Some(Reachable { contact, .. }) = named {
        let message = match locale {
            Locale::Sv => format!("Ring {}, {}.", contact.name, contact.function),
            Locale::En => format!("Call {}, {}.", contact.name, contact.function),
        };
        (contact.name.clone(), contact.phone.0.clone(), Some(contact.clone()), message)
    } else if unit.hours.is_open(at) {
        let message = match locale {
            Locale::Sv => format!("Ring {}.", unit.summary.name),
            Locale::En => format!("Call {}.", unit.summary.name),
        };
        (unit.summary.name.clone(), unit.summary.phone.0.clone(), None, message)
    } else if let Some(phone) = &unit.after_hours_phone {
        let name = unit.after_hours_name.clone().unwrap_or_else(|| unit.summary.name.clone());
        let message = match locale {
            Locale::Sv => format!("Din mottagning har stängt. Ring {name}."),
            Locale::En => format!("Your unit is closed. Call {name}."),
        };
        (name, phone.clone(), None, message)
    } else {
        let message = locale.pick(
            "Din mottagning har stängt. Ring 1177 för råd, dygnet runt.",
            "Your unit is closed. Call 1177 for advice, at any hour.",
        );
        ("1177".to_owned(), last_resort.to_owned(), None, message.to_owned())
    };
    ContactAdvice {
        at,
        message,
        name,
        phone: PhoneNumber(phone),
        own_contact_opens_at: if contact.is_some() { None } else { opens.filter(|open| *open > at) },
        contact,
        emergency_phone: PhoneNumber("112".to_owned()),
    }
}
