//! Whether somebody represents a patient now, and what a young person reaches themself: pure, and worked out anew at
//! every request. Nothing of it is ever stored.

use chrono::{DateTime, Months, NaiveDate, NaiveTime, Utc};
use entity::{
    access_assessment::{self, Decision},
    representative::{self, Kind},
};

use crate::{
    auth::policy::{Area, Level, Rights},
    calendar::to_instant,
};

/// The ages at which access passes from guardians to the young person, in years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// A guardian's access ends on this birthday.
    pub guardian_until: u32,
    /// From here on the young person books times and writes messages.
    pub own_booking: u32,
    /// From here on the young person reads the plan, and assents to it.
    pub own_plan: u32,
}

impl Default for Ages {
    fn default() -> Self {
        Self { guardian_until: 13, own_booking: 13, own_plan: 16 }
    }
}

/// The instant at which somebody attains an age: 00:00 on that birthday, Swedish time. Who is born on 29 February does
/// so on the 28th in a common year.
pub fn attains(born: NaiveDate, age: u32) -> DateTime<Utc> {
    let day = born.checked_add_months(Months::new(12 * age)).unwrap_or(NaiveDate::MAX);
    to_instant(day.and_time(NaiveTime::MIN))
}

/// What decides about a patient's representatives, apart from the representative's own row.
#[derive(Clone, Copy, Debug)]
pub struct Principal {
    pub born: NaiveDate,
    pub dead: bool,
    /// Protected identity suspends representatives.
    pub protected: bool,
}

/// What `who` may see and do for the principal now; none when they do not represent them, or not any more.
///
/// `assessed` are care's decisions about this patient, the oldest first.
pub fn in_force(
    who: &representative::Model,
    principal: Principal,
    assessed: &[access_assessment::Model],
    ages: &Ages,
    now: DateTime<Utc>,
) -> Option<Rights> {
    let holds = who.valid_from <= now && who.valid_until.is_none_or(|until| until > now);
    if principal.dead || !holds {
        return None;
    }
    let (mut stopped, mut readmitted, mut extended) = (false, false, None);
    for decided in assessed.iter().filter(|a| a.representative_id == Some(who.id)) {
        match decided.decision {
            Decision::Stop => (stopped, readmitted, extended) = (true, false, None),
            Decision::Readmit => (stopped, readmitted) = (false, true),
            Decision::Extend => (stopped, extended) = (false, decided.until),
            Decision::OpenEarly => {}
        }
    }
    if stopped || (principal.protected && !(readmitted && who.kind == Kind::Guardian)) {
        return None;
    }
    if who.kind == Kind::Guardian {
        let ends = attains(principal.born, ages.guardian_until);
        if now >= extended.map_or(ends, |until| Ord::max(ends, until)) {
            return None;
        }
    }
    Some(Rights::parse(&who.rights).assenting(who.may_assent))
}

/// Whether `who` is reminded of a child's times now: a guardian who sees them.
pub fn is_reminded(
    who: &representative::Model,
    child: Principal,
    assessed: &[access_assessment::Model],
    ages: &Ages,
    now: DateTime<Utc>,
) -> bool {
    let rights = in_force(who, child, assessed, ages, now);
    who.kind == Kind::Guardian && rights.is_some_and(|rights| rights.level(Area::Booking).is_some())
}

/// What a young person reaches of their own; none for whoever is old enough to reach it all.
pub fn own_rights(
    born: NaiveDate,
    assessed: &[access_assessment::Model],
    ages: &Ages,
    now: DateTime<Utc>,
) -> Option<Rights> {
    if now >= attains(born, ages.own_plan) {
        return None;
    }
    let mut rights = Rights::default();
    if now >= attains(born, ages.own_booking) {
        rights = rights
            .with(Area::Booking, Level::Act)
            .with(Area::Messages, Level::Act)
            .with(Area::Contacts, Level::Act);
    }
    // The latest decision replaces those before it.
    let opened = assessed.iter().rfind(|a| a.decision == Decision::OpenEarly);
    if let Some(opened) = opened.filter(|a| a.until.is_none_or(|until| until > now)) {
        let early = Rights::parse(opened.rights.as_deref().unwrap_or_default());
        rights = rights.or(early.assenting(opened.may_assent));
    }
    Some(rights)
}
