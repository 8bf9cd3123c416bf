//! What must have happened, worked out without the service, and the channel's ledger judged by it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Datelike, Days, NaiveTime, TimeDelta, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Europe::Stockholm;
use entity::{
    AppointmentId,
    notice::{self, State},
};
use patientkontrakt::reminder::channel::message_id;
use sea_orm::EntityTrait;

use super::Soak;

/// One time of one visit, as the model knows it.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) starts: DateTime<Utc>,
    pub(super) from: DateTime<Utc>,
    /// When it was moved or cancelled.
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) confirmed: Option<DateTime<Utc>>,
}

pub(super) struct Visit {
    pub(super) id: AppointmentId,
    pub(super) patient: usize,
    pub(super) versions: Vec<Version>,
    pub(super) cancelled: bool,
}

/// Yes and no over time, per channel.
#[derive(Default)]
pub(super) struct Choices(BTreeMap<Kind2, Vec<(DateTime<Utc>, bool)>>);

pub(super) type Kind2 = u8;
pub(super) const MAIL: Kind2 = 0;
pub(super) const SMS: Kind2 = 1;

impl Choices {
    pub(super) fn say(&mut self, channel: Kind2, at: DateTime<Utc>, yes: bool) {
        self.0.entry(channel).or_default().push((at, yes));
    }

    pub(super) fn yes_at(&self, channel: Kind2, at: DateTime<Utc>) -> bool {
        self.0
            .get(&channel)
            .is_some_and(|said| said.iter().rfind(|(when, _)| *when <= at).is_some_and(|(_, yes)| *yes))
    }

    /// Whether some channel had a yes all the time.
    pub(super) fn throughout(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        [MAIL, SMS].into_iter().any(|channel| {
            self.yes_at(channel, from)
                && self
                    .0
                    .get(&channel)
                    .is_some_and(|said| said.iter().all(|(when, yes)| *yes || *when < from || *when > until))
        })
    }
}

pub(super) fn working(day: chrono::NaiveDate) -> bool {
    // The month of the soak has no holiday.
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

pub(super) fn wall(day: chrono::NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    Stockholm.from_local_datetime(&day.and_time(time)).earliest().unwrap().to_utc()
}

pub(super) fn within_hours(at: DateTime<Utc>) -> DateTime<Utc> {
    let local = at.with_timezone(&Stockholm);
    let half_past_seven = NaiveTime::from_hms_opt(19, 30, 0).unwrap();
    match local.hour() {
        0..=7 => wall(local.date_naive() - Days::new(1), half_past_seven),
        8..=19 => at,
        _ => wall(local.date_naive(), half_past_seven),
    }
}

/// Rule, due time, and after when it helps nobody.
pub(super) fn rungs(version: &Version) -> Vec<(&'static str, DateTime<Utc>, DateTime<Utc>)> {
    let local = version.starts.with_timezone(&Stockholm);
    let mut day = local.date_naive() - Days::new(1);
    while !working(day) {
        day = day - Days::new(1);
    }
    let deadline = wall(day, NaiveTime::MIN);
    let six = NaiveTime::from_hms_opt(18, 0, 0).unwrap();
    let later = [
        ("WEEK_BEFORE", wall(local.date_naive() - Days::new(7), local.time()), version.starts),
        ("BEFORE_DEADLINE", deadline - TimeDelta::hours(24), deadline),
        ("EVENING_BEFORE", wall(local.date_naive() - Days::new(1), six), version.starts),
    ];
    let mut all = vec![("CONFIRMATION", version.from, version.starts)];
    all.extend(later.into_iter().filter_map(|(rule, due, useless)| {
        let due = within_hours(due);
        (due > version.from && due < version.starts).then_some((rule, due, useless))
    }));
    all
}

#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) planned: usize,
    pub(super) sent: usize,
    pub(super) withheld: usize,
    pub(super) undelivered: usize,
    pub(super) failures: usize,
    pub(super) crashes: usize,
    pub(super) extra: usize,
    pub(super) twice: usize,
    pub(super) lost: usize,
    pub(super) early: usize,
    pub(super) wrong: usize,
}

impl Soak {
    pub(super) async fn judge(&self) -> Figures {
        let all = notice::Entity::find().all(self.app.core.db.reader()).await.unwrap();
        let states: HashMap<String, &notice::Model> =
            all.iter().map(|n| (message_id(&n.dedupe_key), n)).collect();
        let ledger = self.ledger.lock().unwrap();
        let mut figures = Figures {
            planned: all.len(),
            sent: ledger.accepted.len(),
            withheld: all.iter().filter(|n| matches!(n.state, State::Withdrawn | State::Suppressed)).count(),
            undelivered: all
                .iter()
                .filter(|n| matches!(n.state, State::Failed | State::Missed | State::Unknown))
                .count(),
            failures: ledger.failures,
            crashes: self.crashes,
            ..Figures::default()
        };
        let mut accepted: HashMap<&str, Vec<DateTime<Utc>>> = HashMap::new();
        for (id, at) in &ledger.accepted {
            accepted.entry(id).or_default().push(*at);
        }
        for (id, times) in &accepted {
            let allowed = ledger.doubtful.get(*id).copied().unwrap_or_default();
            figures.extra += times.len() - 1;
            figures.twice += (times.len() - 1).saturating_sub(allowed);
        }
        let mut known = BTreeSet::new();
        for visit in &self.visits {
            let (patient, choices) = (self.people[visit.patient].id, &self.choices[visit.patient]);
            for (n, version) in visit.versions.iter().enumerate() {
                for (rule, due, useless) in rungs(version) {
                    let mut settled = false;
                    for (channel, name) in [(MAIL, "MAIL"), (SMS, "SMS")] {
                        let key =
                            format!("{}:{}:{rule}:{}:{name}", visit.id.0.simple(), n + 1, patient.0.simple());
                        let id = message_id(&key);
                        for at in accepted.get(id.as_str()).into_iter().flatten() {
                            let hour = at.with_timezone(&Stockholm).hour();
                            let stands = version.until.is_none_or(|until| *at < until);
                            let asked = rule != "EVENING_BEFORE" || version.confirmed.is_none_or(|c| c > *at);
                            let lit = rule == "CONFIRMATION" || (8..20).contains(&hour);
                            let agreed = choices.yes_at(channel, *at);
                            figures.early += usize::from(*at < due);
                            figures.wrong +=
                                usize::from(!(stands && asked && lit && agreed && *at < useless));
                        }
                        settled |= accepted.contains_key(id.as_str());
                        settled |= states.get(&id).is_some_and(|n| {
                            matches!(n.state, State::Failed | State::Missed | State::Unknown)
                        });
                        known.insert(id);
                    }
                    let stood = version.until.is_none_or(|until| until >= useless);
                    let needed = rule != "EVENING_BEFORE" || version.confirmed.is_none();
                    // A confirmation belongs to the booking: it is due to whoever had said yes then.
                    let wanted = choices.throughout(version.from, useless);
                    if stood && needed && wanted && !settled {
                        figures.lost += 1;
                    }
                }
            }
        }
        for (id, times) in &accepted {
            let kind = states.get(*id).map(|n| n.kind);
            if !known.contains(*id) && kind != Some(notice::Kind::Cancellation) {
                figures.wrong += times.len();
            }
        }
        figures
    }
}
