//! Care contacts, and whom to turn to at a moment.

use chrono::{DateTime, Utc};
use entity::{
    PatientId, Sealed,
    care_contact::{Role, Status, TreatingKind},
};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use super::{
    cols::{Cols, staff_columns, unit_columns},
    plan::PatientPlan,
};
use crate::{
    auth::policy::{Noun, Who, reach_sql, reach_values},
    calendar::{ClosingDays, OpeningHours},
    crypto::Place,
    domain::contact::{
        message_hours,
        whom::{self, Around, Away, Cover, Desk},
        words,
    },
    error::Fault,
    graphql::{
        scalars::{Date, GlobalId, NodeKind, PhoneNumber},
        types::people::{CareContact, CareUnitSummary, ContactAbsence, ContactAdvice, StaffSummary},
    },
    locale::Locale,
    session::Session,
};

/// The columns of a [`CareContact`] for `c` (`care_contact`) and `cu` (its unit).
pub fn columns() -> String {
    format!(
        "c.id, c.role, c.treating_kind, c.is_lead, c.name, c.function, c.phone, c.how_to_reach, c.reach_hours, c.status, \
         c.valid_from, c.valid_until, c.review_on, c.row_version, {}, cu.opening_hours, cu.closing_days",
        unit_columns("cu")
    )
}

/// How many columns [`columns`] names.
pub const COLUMNS: usize = 14 + 4 + 2;

/// The columns of a contact with its absences that are not over, for [`JOINS`] and [`COVER_JOINS`]: one row for each
/// absence, or of one whose substitute is away too, for each time in which they are.
fn full_columns() -> String {
    format!("{}, c.patient_id, ca.valid_until, {}", columns(), absence_columns())
}

/// The joins that [`full_columns`] needs beside `c`; `$4` is now.
const JOINS: &str = "JOIN care_unit cu ON cu.id = c.care_unit_id LEFT JOIN assignment ca ON ca.id = c.assignment_id \
     LEFT JOIN contact_absence ab ON ab.cancelled_at IS NULL AND ab.until_at > $4 \
       AND (ab.contact_id = c.id OR ab.assignment_id = c.assignment_id)";

/// The columns of an absence `ab` and of who steps in, for [`COVER_JOINS`].
pub fn absence_columns() -> String {
    format!(
        "ab.id, ab.from_at, ab.until_at, ab.row_version, {}, {}, su.opening_hours, su.closing_days, sa.valid_until, \
         sab.from_at, sab.until_at",
        staff_columns("sm"),
        unit_columns("su")
    )
}

/// Joins to an absence `ab` who steps in, and when they are away in that time themselves.
pub const COVER_JOINS: &str = "LEFT JOIN assignment sa ON sa.id = ab.substitute_id \
     LEFT JOIN staff_member sm ON sm.id = sa.staff_member_id LEFT JOIN care_unit su ON su.id = sa.care_unit_id \
     LEFT JOIN contact_absence sab ON sab.assignment_id = ab.substitute_id AND sab.cancelled_at IS NULL \
       AND sab.from_at < ab.until_at AND sab.until_at > ab.from_at";

/// Rows read at most: contacts of a patient or of a handover, times their absences, times those of their substitutes.
const MOST_ROWS: u32 = 3000;

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

    /// The unit's desk: these hours at its number.
    pub fn desk(&self, unit: &CareUnitSummary) -> Desk {
        Desk {
            name: unit.name.clone(),
            phone: unit.phone.0.clone(),
            opening: self.opening.clone(),
            closing: self.closing.clone(),
        }
    }
}

/// A contact with what decides when it can be reached.
#[derive(Clone, Debug)]
pub struct Reachable {
    pub contact: CareContact,
    /// Whose; none where the statement says it.
    pub patient: Option<PatientId>,
    pub hours: Hours,
    own_hours: Option<OpeningHours>,
    /// When the person's assignment ends, if it does.
    leaves_at: Option<DateTime<Utc>>,
    absences: Vec<Absence>,
}

/// Reads [`columns`] after a left join.
pub fn opt_contact(cols: &mut Cols<'_>, session: &Session) -> Result<Option<Reachable>, Fault> {
    let Some(id) = cols.opt::<Uuid>()? else {
        cols.skip(COLUMNS - 1);
        return Ok(None);
    };
    let keys = &session.core.keys;
    let role: Role = cols.text_enum()?;
    let treating_kind: Option<TreatingKind> = cols.opt_enum()?;
    let is_lead = cols.take()?;
    let (name, function) = (cols.take()?, cols.take()?);
    let phone: Option<Sealed> = cols.opt_sealed()?;
    let how_to_reach: Option<Sealed> = cols.opt_sealed()?;
    let own_hours: Option<OpeningHours> =
        cols.opt::<String>()?.and_then(|json| serde_json::from_str(&json).ok());
    let status: Status = cols.text_enum()?;
    let (valid_from, valid_until) = (cols.take()?, cols.opt()?);
    let review_on = cols.opt()?;
    let row_version = cols.take()?;
    let care_unit = cols.unit()?;
    let (opening, closing): (String, String) = (cols.take()?, cols.take()?);
    let phone = keys.open_opt(Place::new("care_contact.phone", id), phone.as_ref())?;
    let state = state(status, valid_from, valid_until, session.now());
    let takes_calls = own_hours.as_ref().map(|hours| {
        let desk = Desk { opening: hours.clone(), ..Desk::default() };
        message_hours::week(&desk, session.locale)
    });
    let contact = CareContact {
        id: GlobalId::new(NodeKind::CareContact, id),
        role: role.into(),
        treating_kind: treating_kind.map(Into::into),
        is_lead,
        name,
        function,
        phone: phone.map_or_else(|| care_unit.phone.clone(), PhoneNumber),
        how_to_reach: keys.open_opt(Place::new("care_contact.how_to_reach", id), how_to_reach.as_ref())?,
        takes_calls,
        care_unit,
        is_active: state == Status::Active,
        state: state.into(),
        absence: None,
        valid_from,
        valid_until,
        review_on: review_on.map(Date),
        row_version,
    };
    let hours = Hours::parse(&opening, &closing);
    Ok(Some(Reachable { contact, patient: None, hours, own_hours, leaves_at: None, absences: Vec::new() }))
}

/// Where a role stands by the clock, whether the sweep has moved its status or not.
fn state(status: Status, from: DateTime<Utc>, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Status {
    if status == Status::Ended || until.is_some_and(|until| until <= now) {
        Status::Ended
    } else if from > now {
        Status::Planned
    } else {
        Status::Active
    }
}

/// Contacts that fulfil `condition` (its values from `$5`), each once, with their absences.
pub async fn find(
    session: &Session,
    db: &impl ConnectionTrait,
    condition: &str,
    own: impl IntoIterator<Item = Value>,
) -> Result<Vec<Reachable>, Fault> {
    let reach =
        reach_sql(Who::from(&session.actor), Noun::CareContact, "c.patient_id", Some("c.care_provider_id"));
    let sql = format!(
        "SELECT {} FROM care_contact c {JOINS} {COVER_JOINS} WHERE {reach} AND {condition} \
         ORDER BY CASE c.role WHEN 'FAST_VARDKONTAKT' THEN 0 WHEN 'FAST_LAKARKONTAKT' THEN 1 ELSE 2 END, \
         c.is_lead DESC, c.name, c.id, ab.from_at, ab.id, sab.from_at LIMIT {MOST_ROWS}",
        full_columns()
    );
    let mut values = reach_values(&session.actor, session.now());
    values.extend(own);
    let rows =
        db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    let mut found: Vec<Reachable> = Vec::new();
    for row in &rows {
        let mut cols = Cols::new(row);
        let Some(mut contact) = opt_contact(&mut cols, session)? else { continue };
        (contact.patient, contact.leaves_at) = (Some(PatientId(cols.take()?)), cols.opt()?);
        if found.last().is_none_or(|last| last.contact.id != contact.contact.id) {
            found.push(contact);
        }
        if let Some(last) = found.last_mut() {
            add_absence(&mut cols, &mut last.absences)?;
        }
    }
    for Reachable { contact, absences, .. } in &mut found {
        let told = told_of(absences, session.now());
        contact.absence = told.map(|absence| absence.shown(&contact.name, session.now(), session.locale));
    }
    Ok(found)
}

/// The absence that the contact's words are about: of those that go on together, now or first, one in which somebody
/// steps in. They are in order of their beginnings.
fn told_of(absences: &[Absence], now: DateTime<Utc>) -> Option<&Absence> {
    let first = absences.first()?;
    let at = first.from.max(now);
    let mut together = absences.iter().take_while(|absence| absence.from <= at);
    Some(together.find(|absence| absence.instead(now).is_some()).unwrap_or(first))
}

/// An absence as it is read, before it is put in words.
#[derive(Clone, Debug)]
pub struct Absence {
    id: Uuid,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    row_version: i32,
    cover: Option<Cover>,
}

impl Absence {
    /// Who steps in, unless they are away or gone themselves for all that remains at `now`.
    fn instead(&self, now: DateTime<Utc>) -> Option<&Cover> {
        // Of one that is over nothing remains: it is told as it was.
        let from = if self.until > now { self.from.max(now) } else { self.from };
        self.cover.as_ref().filter(|cover| cover.is_there_within(from, self.until))
    }

    /// In words about `name`.
    pub fn shown(&self, name: &str, now: DateTime<Utc>, locale: Locale) -> ContactAbsence {
        let (from, until) = (words::moment(self.from, locale), words::moment(self.until, locale));
        let cover = self.instead(now);
        let message = match (cover.map(|cover| cover.name.as_str()), locale) {
            (Some(other), Locale::Sv) => {
                format!("{name} är borta från {from} till {until}, {other} ersätter.")
            }
            (Some(other), Locale::En) => {
                format!("{name} is away from {from} until {until}, {other} steps in.")
            }
            (None, Locale::Sv) => format!("{name} är borta från {from} till {until}. Ring mottagningen."),
            (None, Locale::En) => format!("{name} is away from {from} until {until}. Call the unit."),
        };
        ContactAbsence {
            id: GlobalId::new(NodeKind::ContactAbsence, self.id),
            from: self.from,
            until: self.until,
            substitute: cover
                .map(|cover| StaffSummary { name: cover.name.clone(), title: cover.function.clone() }),
            substitute_phone: cover.map(|cover| PhoneNumber(cover.desk.phone.clone())),
            message,
            row_version: self.row_version,
        }
    }
}

/// Reads [`absence_columns`] after a left join, and adds the absence to those read so far. Of the rows of one absence
/// those after the first add only when its substitute is away too.
pub fn add_absence(cols: &mut Cols<'_>, absences: &mut Vec<Absence>) -> Result<(), Fault> {
    let Some(id) = cols.opt::<Uuid>()? else { return Ok(()) };
    let (from, until, row_version) = (cols.take()?, cols.take()?, cols.take()?);
    let person = cols.opt_staff()?;
    let unit = cols.opt_unit()?;
    let (opening, closing): (Option<String>, Option<String>) = (cols.opt()?, cols.opt()?);
    let leaves_at = cols.opt()?;
    let (gone, back): (Option<DateTime<Utc>>, Option<DateTime<Utc>>) = (cols.opt()?, cols.opt()?);
    if absences.last().is_none_or(|last| last.id != id) {
        let hours = Hours::parse(opening.as_deref().unwrap_or(""), closing.as_deref().unwrap_or(""));
        let cover = person.zip(unit).map(|(person, unit)| Cover {
            name: person.name,
            function: person.title,
            desk: hours.desk(&unit),
            away: Vec::new(),
            until: leaves_at,
        });
        absences.push(Absence { id, from, until, row_version, cover });
    }
    if let Some(cover) = absences.last_mut().and_then(|last| last.cover.as_mut()) {
        cover.away.extend(gone.zip(back));
    }
    Ok(())
}

/// Reads a patient's contacts into the plan: those whose role is held now, and those that are planned.
pub async fn load(session: &Session, db: &impl ConnectionTrait, plan: &mut PatientPlan) -> Result<(), Fault> {
    let condition =
        "c.patient_id = $5 AND c.status <> 'ENDED' AND (c.valid_until IS NULL OR c.valid_until > $4)";
    let found = find(session, db, condition, [plan.id.0.into()]).await?;
    let (now, ahead): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.contact.is_active);
    if let Some(lead) = &mut plan.lead
        && let Some(same) = now.iter().find(|found| found.contact.id == lead.contact.id)
    {
        *lead = same.clone();
    }
    (plan.contacts, plan.contacts_ahead) = (now, ahead);
    Ok(())
}

/// The patient's own unit, as a place to turn to.
#[derive(Clone, Debug)]
pub struct OwnUnit {
    pub summary: CareUnitSummary,
    pub hours: Hours,
    pub after_hours_name: Option<String>,
    pub after_hours_phone: Option<String>,
}

impl OwnUnit {
    /// The service that answers when the unit is closed: name and number.
    pub fn after_hours(&self) -> Option<(String, String)> {
        let phone = self.after_hours_phone.clone()?;
        Some((self.after_hours_name.clone().unwrap_or_else(|| phone.clone()), phone))
    }
}

/// How far from now a moment may lie.
const YEARS: i64 = 10;

/// Whether it can be said whom to turn to at `at`.
pub fn can_tell(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at.signed_duration_since(now).num_days().abs() <= YEARS * 366
}

/// Whom to turn to at `at`: always an answer.
pub fn advice(
    plan: &PatientPlan,
    concerning: Option<TreatingKind>,
    last_resort: &str,
    at: DateTime<Utc>,
    locale: Locale,
) -> ContactAdvice {
    let all: Vec<&Reachable> = plan.contacts.iter().chain(&plan.contacts_ahead).collect();
    let around = Around {
        contacts: all.iter().map(|found| found.callable()).collect(),
        unit: plan.unit.hours.desk(&plan.unit.summary),
        after_hours: plan.unit.after_hours(),
        last_resort: last_resort.to_owned(),
    };
    let whom = around.whom(concerning, at);
    ContactAdvice {
        emergency: whom::emergency(locale).to_owned(),
        at,
        until: around.holds_until(concerning, at),
        kind: whom.kind.into(),
        message: whom.message(&around.contacts, locale),
        name: whom.name.to_owned(),
        phone: PhoneNumber(whom.phone.to_owned()),
        contact: whom.contact.and_then(|i| all.get(i)).map(|found| found.contact.clone()),
        own_contact_opens_at: around.own_opens_next(concerning, at),
        emergency_phone: PhoneNumber("112".to_owned()),
    }
}

impl Reachable {
    /// What calling them takes.
    fn callable(&self) -> whom::Contact {
        let contact = &self.contact;
        let until = [contact.valid_until, self.leaves_at].into_iter().flatten().min();
        let away = self.absences.iter().map(|absence| Away {
            from: absence.from,
            until: absence.until,
            cover: absence.cover.clone(),
        });
        whom::Contact {
            role: contact.role.into(),
            treating_kind: contact.treating_kind.map(Into::into),
            is_lead: contact.is_lead,
            name: contact.name.clone(),
            function: contact.function.clone(),
            phone: contact.phone.0.clone(),
            from: contact.valid_from,
            until,
            hours: self.own_hours.clone(),
            desk: self.hours.desk(&contact.care_unit),
            away: away.collect(),
        }
    }
}
