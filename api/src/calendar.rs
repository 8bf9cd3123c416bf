//! Days and hours as a Swedish care unit counts them.
//!
//! Deadlines count in working days, reminders go out in daylight, and a unit is open by the clock on its wall.
//! All of it is pure: instants in, instants out, and one place that knows the zone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone,
    Timelike, Utc, Weekday,
};
use chrono_tz::{Europe::Stockholm, Tz};
use serde::{Deserialize, Serialize};

/// The zone of every local time in the service.
pub const ZONE: Tz = Stockholm;

/// How far the search for a working day or an opening reaches: longer than any run of closed days, and bounded.
const HORIZON_DAYS: u64 = 400;

/// Days on which a unit is closed beside weekends and holidays (stängningsdagar).
pub type ClosingDays = BTreeSet<NaiveDate>;

/// Whether the day is a Swedish public holiday, or midsommarafton, julafton or nyårsafton, which care counts
/// as such.
pub fn is_holiday(day: NaiveDate) -> bool {
    holidays_se::holidays_in_year(day.year()).any(|(_, holiday)| holiday.naive_local() == day)
}

/// Whether the day is a working day: Monday to Friday, not a holiday ([`is_holiday`]), not a closing day.
pub fn is_working_day(day: NaiveDate, closing: &ClosingDays) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !closing.contains(&day) && !is_holiday(day)
}

/// The `n`th working day after `day` (`day` itself for 0, working day or not).
pub fn add_working_days(day: NaiveDate, n: u32, closing: &ClosingDays) -> NaiveDate {
    step_working_days(day, n, closing, NaiveDate::succ_opt)
}

/// The `n`th working day before `day` (`day` itself for 0, working day or not).
pub fn subtract_working_days(day: NaiveDate, n: u32, closing: &ClosingDays) -> NaiveDate {
    step_working_days(day, n, closing, NaiveDate::pred_opt)
}

fn step_working_days(
    day: NaiveDate,
    n: u32,
    closing: &ClosingDays,
    step: fn(&NaiveDate) -> Option<NaiveDate>,
) -> NaiveDate {
    let (mut at, mut left) = (day, n);
    // Bounded: a unit that lists every day as closed gets the horizon, not an endless loop.
    for _ in 0..HORIZON_DAYS * (u64::from(n) / 200 + 1) {
        if left == 0 {
            break;
        }
        let Some(next) = step(&at) else { break };
        at = next;
        if is_working_day(at, closing) {
            left -= 1;
        }
    }
    at
}

/// The instant of a local wall-clock time. A time that does not exist (the clocks go forward) moves forward by
/// the gap; one that exists twice (the clocks go back) is the first.
pub fn to_instant(local: NaiveDateTime) -> DateTime<Utc> {
    match ZONE.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        // With the offset of three hours earlier, the wall clock reads as if it had not been moved: that instant
        // lies the gap after it. The zone has never moved its clocks twice in three hours.
        LocalResult::None => {
            let before = ZONE.from_local_datetime(&(local - TimeDelta::hours(3))).earliest();
            before.map_or_else(|| Utc.from_utc_datetime(&local), |at| at.to_utc() + TimeDelta::hours(3))
        }
    }
}

/// Every instant at which the wall clock reads so, two on the night when the clocks go back; the one of
/// [`to_instant`] when there is none.
fn every_instant(local: NaiveDateTime) -> impl Iterator<Item = DateTime<Utc>> {
    let later = match ZONE.from_local_datetime(&local) {
        LocalResult::Ambiguous(_, later) => Some(later.to_utc()),
        LocalResult::Single(_) | LocalResult::None => None,
    };
    std::iter::once(to_instant(local)).chain(later)
}

/// When the clocks move on a day, if they do: at one o'clock UTC, in every zone of the European Union.
fn clock_moves(day: NaiveDate) -> Option<DateTime<Utc>> {
    let midnight = |day: NaiveDate| to_local(to_instant(day.and_time(NaiveTime::MIN))).offset().fix();
    let moves = day.succ_opt().is_some_and(|next| midnight(day) != midnight(next));
    moves.then(|| day.and_time(NaiveTime::MIN + TimeDelta::hours(1)).and_utc())
}

/// Weekday and part of the day of an instant, by the wall clock, as one number from 0 to 20: Monday is 0, and of each
/// day three parts follow each other, before noon, before 17 and later.
pub fn time_slice(at: DateTime<Utc>) -> i32 {
    let local = to_local(at);
    let part = match local.hour() {
        0..12 => 0,
        12..17 => 1,
        _ => 2,
    };
    i32::try_from(local.weekday().num_days_from_monday()).unwrap_or(0) * 3 + part
}

/// The wall clock at an instant.
pub fn to_local(at: DateTime<Utc>) -> DateTime<Tz> {
    at.with_timezone(&ZONE)
}

/// The hours in which patients are written to, local wall clock, the same every day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendingHours {
    from: NaiveTime,
    until: NaiveTime,
}

/// A message planned to the end of the sending hours is planned this much before it, so that a queue or a second
/// attempt still falls within them.
const MARGIN: TimeDelta = TimeDelta::minutes(30);

impl Default for SendingHours {
    /// 08 to 20.
    fn default() -> Self {
        Self { from: NaiveTime::MIN + TimeDelta::hours(8), until: NaiveTime::MIN + TimeDelta::hours(20) }
    }
}

impl SendingHours {
    /// Hours from `from` to `until` of one day, at least one hour long.
    pub fn new(from: NaiveTime, until: NaiveTime) -> Option<Self> {
        (until - from >= TimeDelta::hours(1) && until > from).then_some(Self { from, until })
    }

    pub const fn from(&self) -> NaiveTime {
        self.from
    }

    pub const fn until(&self) -> NaiveTime {
        self.until
    }

    /// Whether messages may leave at `at`.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        let time = to_local(at).time();
        time >= self.from && time < self.until
    }

    /// When the hours that it is in end; none outside them.
    pub fn ends(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.is_open(at).then(|| to_instant(to_local(at).date_naive().and_time(self.until)))
    }

    /// `at` itself within the hours, else half an hour before the hours last ended: earlier rather than later.
    pub fn shift_earlier(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let local = to_local(at).naive_local();
        let latest = self.until - MARGIN;
        if local.time() >= self.until {
            to_instant(local.date().and_time(latest))
        } else if local.time() < self.from {
            to_instant(local.date().pred_opt().unwrap_or(local.date()).and_time(latest))
        } else {
            at
        }
    }

    /// `at` itself within the hours, else the instant at which they next begin.
    pub fn next_open(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let local = to_local(at).naive_local();
        if local.time() < self.from {
            to_instant(local.date().and_time(self.from))
        } else if local.time() >= self.until {
            to_instant(local.date().succ_opt().unwrap_or(local.date()).and_time(self.from))
        } else {
            at
        }
    }
}

/// Until when a patient may cancel: a number of whole working days that lie between the deadline and the visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelRule {
    pub working_days: u32,
}

/// The instant until which a visit can be cancelled (`now < cancel_by`): the beginning of the nth working day
/// before the visit, so that `rule.working_days` whole working days remain. With 0 it is the start of the visit.
///
/// A visit on a Monday with the rule of one day must be cancelled before Friday begins.
pub fn cancel_by(starts_at: DateTime<Utc>, rule: CancelRule, closing: &ClosingDays) -> DateTime<Utc> {
    if rule.working_days == 0 {
        return starts_at;
    }
    let day = subtract_working_days(to_local(starts_at).date_naive(), rule.working_days, closing);
    to_instant(day.and_time(NaiveTime::MIN))
}

/// A span of open hours within one day, local wall clock; `from` before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "[String; 2]", into = "[String; 2]")]
pub struct OpenSpan {
    from: NaiveTime,
    until: Midnight,
}

/// A time of day that may also be the end of the day, `24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Midnight {
    At(NaiveTime),
    EndOfDay,
}

impl Midnight {
    /// The time of day, unless it is the end of the day.
    fn time(self) -> Option<NaiveTime> {
        match self {
            Self::At(time) => Some(time),
            Self::EndOfDay => None,
        }
    }

    /// The instant at which it falls on a day.
    fn on(self, day: NaiveDate) -> DateTime<Utc> {
        to_instant(match self {
            Self::At(time) => day.and_time(time),
            Self::EndOfDay => day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN),
        })
    }
}

/// Opening hours that cannot be: a text that is no time, or a span that ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("open hours are pairs such as [\"08:00\", \"17:00\"], the first before the second")]
pub struct OpenSpanError;

impl OpenSpan {
    /// Reads a span such as `08:00` to `17:00`; `24:00` is the end of the day.
    pub fn new(from: &str, until: &str) -> Result<Self, OpenSpanError> {
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| OpenSpanError);
        let from = time(from)?;
        let until = if until == "24:00" { Midnight::EndOfDay } else { Midnight::At(time(until)?) };
        if until > Midnight::At(from) { Ok(Self { from, until }) } else { Err(OpenSpanError) }
    }

    /// Whether it holds a time of day.
    pub fn contains(&self, time: NaiveTime) -> bool {
        time >= self.from && Midnight::At(time) < self.until
    }
}

impl TryFrom<[String; 2]> for OpenSpan {
    type Error = OpenSpanError;

    fn try_from([from, until]: [String; 2]) -> Result<Self, OpenSpanError> {
        Self::new(&from, &until)
    }
}

impl From<OpenSpan> for [String; 2] {
    fn from(span: OpenSpan) -> Self {
        let until = match span.until {
            Midnight::At(time) => time.format("%H:%M").to_string(),
            Midnight::EndOfDay => "24:00".to_owned(),
        };
        [span.from.format("%H:%M").to_string(), until]
    }
}

/// When a unit can be reached (öppettider): a weekly pattern, holidays, and days of their own.
///
/// Its text form is JSON: `{"monday": [["08:00","12:00"],["13:00","17:00"]], "holidays": [],
/// "exceptions": {"2027-06-24": [["08:00","12:00"]]}}`. A weekday that is left out is closed; on a holiday
/// `holidays` holds (closed when left out); a date under `exceptions` overrides both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpeningHours {
    pub monday: Vec<OpenSpan>,
    pub tuesday: Vec<OpenSpan>,
    pub wednesday: Vec<OpenSpan>,
    pub thursday: Vec<OpenSpan>,
    pub friday: Vec<OpenSpan>,
    pub saturday: Vec<OpenSpan>,
    pub sunday: Vec<OpenSpan>,
    pub holidays: Vec<OpenSpan>,
    pub exceptions: BTreeMap<NaiveDate, Vec<OpenSpan>>,
}

impl OpeningHours {
    /// The same hours every Monday to Friday.
    pub fn weekdays(span: OpenSpan) -> Self {
        let day = || vec![span];
        Self {
            monday: day(),
            tuesday: day(),
            wednesday: day(),
            thursday: day(),
            friday: day(),
            ..Self::default()
        }
    }

    /// The open spans of a weekday, apart from holidays and single days.
    pub fn on_weekday(&self, day: Weekday) -> &[OpenSpan] {
        match day {
            Weekday::Mon => &self.monday,
            Weekday::Tue => &self.tuesday,
            Weekday::Wed => &self.wednesday,
            Weekday::Thu => &self.thursday,
            Weekday::Fri => &self.friday,
            Weekday::Sat => &self.saturday,
            Weekday::Sun => &self.sunday,
        }
    }

    /// The open spans of one day. An exception decides first, then closing days, then holidays.
    pub fn on(&self, day: NaiveDate, closing: &ClosingDays) -> &[OpenSpan] {
        if let Some(spans) = self.exceptions.get(&day) {
            return spans;
        }
        if closing.contains(&day) {
            return &[];
        }
        if is_holiday(day) {
            return &self.holidays;
        }
        self.on_weekday(day.weekday())
    }

    /// Whether the unit is open at `at`.
    pub fn is_open(&self, at: DateTime<Utc>, closing: &ClosingDays) -> bool {
        let local = to_local(at).naive_local();
        self.on(local.date(), closing).iter().any(|span| span.contains(local.time()))
    }

    /// When the unit closes on that day; none if it is closed all day.
    pub fn closes_at(&self, day: NaiveDate, closing: &ClosingDays) -> Option<DateTime<Utc>> {
        let last = self.on(day, closing).iter().map(|span| span.until).max()?;
        Some(last.on(day))
    }

    /// The next moment after `at` at which the unit may open or close; none if it does neither within a year.
    pub fn changes_next(&self, at: DateTime<Utc>, closing: &ClosingDays) -> Option<DateTime<Utc>> {
        let today = to_local(at).date_naive();
        (0..HORIZON_DAYS).filter_map(|n| today.checked_add_days(Days::new(n))).find_map(|day| {
            let spans = self.on(day, closing).iter();
            let ends = spans.clone().map(|span| span.until.on(day));
            // A time that exists twice opens or closes twice, and the moved clock itself may do either.
            let twice = spans.flat_map(|span| [Some(span.from), span.until.time()]).flatten();
            let twice = twice.flat_map(|time| every_instant(day.and_time(time)));
            ends.chain(twice).chain(clock_moves(day)).filter(|moment| *moment > at).min()
        })
    }

    /// `at` itself when the unit is open, else when it next opens; none if it does not within a year.
    pub fn opens_next(&self, at: DateTime<Utc>, closing: &ClosingDays) -> Option<DateTime<Utc>> {
        if self.is_open(at, closing) {
            return Some(at);
        }
        let today = to_local(at).date_naive();
        (0..HORIZON_DAYS).filter_map(|n| today.checked_add_days(Days::new(n))).find_map(|day| {
            let spans = self.on(day, closing);
            spans.iter().map(|span| to_instant(day.and_time(span.from))).filter(|opens| *opens > at).min()
        })
    }
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
