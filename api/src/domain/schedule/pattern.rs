//! When there are times: a rule of days, a working block with pauses, and what departs from it. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use entity::schedule;
use serde::{Deserialize, Serialize};

use crate::{
    calendar::{ClosingDays, is_holiday, to_instant, to_local},
    domain::{
        booking::rules::{CELL_MINUTES, NewTime},
        plan_item::recurrence,
    },
    error::{Fault, Problem},
};

/// Single days beside the rule, at most.
const DAYS_AT_MOST: usize = 400;
const PAUSES_AT_MOST: usize = 20;

/// A span of the wall clock within one day, in minutes from midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub from: i64,
    pub until: i64,
}

/// A pattern as it is written by its publisher.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    pub rule: String,
    pub valid_from: NaiveDate,
    pub valid_until: Option<NaiveDate>,
    pub block: (String, String),
    pub pauses: Vec<(String, String)>,
    pub except_days: Vec<NaiveDate>,
    pub extra_days: Vec<NaiveDate>,
    pub on_closed_days: bool,
}

/// A pattern that can be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub rule: String,
    pub from: NaiveDate,
    pub until: Option<NaiveDate>,
    pub block: Span,
    pub pauses: Vec<Span>,
    pub off: BTreeSet<NaiveDate>,
    pub extra: BTreeSet<NaiveDate>,
    pub on_closed_days: bool,
}

/// JSON as the row keeps it.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Pairs(Vec<(String, String)>);

impl Written {
    /// Reads the pattern, or tells everything that is wrong with it.
    pub fn read(&self, length: TimeDelta) -> Result<Pattern, Vec<Problem>> {
        let mut problems = Vec::new();
        let rule = recurrence::parse("rule", &self.rule).unwrap_or_else(|problem| {
            problems.push(problem);
            String::new()
        });
        let block = span("block", &self.block, &mut problems);
        let pauses: Vec<Span> =
            self.pauses.iter().filter_map(|pause| span("pauses", pause, &mut problems)).collect();
        if block.is_some_and(|block| block.until - block.from < length.num_minutes()) {
            problems.push(Problem::input(
                "block",
                "Passet är kortare än en tid.",
                "The block is shorter than one time.",
            ));
        }
        if self.valid_until.is_some_and(|until| until < self.valid_from) {
            problems.push(Problem::input(
                "validUntil",
                "Sista dagen ligger före den första.",
                "The last day is before the first.",
            ));
        }
        let within =
            |day: &NaiveDate| *day >= self.valid_from && self.valid_until.is_none_or(|until| *day <= until);
        if !self.extra_days.iter().all(within) {
            problems.push(Problem::input(
                "extraDays",
                "Extra dagar måste ligga mellan första och sista dagen.",
                "Extra days lie between the first and the last day.",
            ));
        }
        if self.extra_days.len() + self.except_days.len() > DAYS_AT_MOST || pauses.len() > PAUSES_AT_MOST {
            problems.push(too_many("exceptDays"));
        }
        let Some(block) = block.filter(|_| problems.is_empty()) else { return Err(problems) };
        Ok(Pattern {
            rule,
            from: self.valid_from,
            until: self.valid_until,
            block,
            pauses,
            off: self.except_days.iter().copied().collect(),
            extra: self.extra_days.iter().copied().collect(),
            on_closed_days: self.on_closed_days,
        })
    }
}

impl Pattern {
    /// As a row keeps it. What may be asked for has been judged when it was written: what stands is followed.
    pub fn of(row: &schedule::Model) -> Result<Self, Fault> {
        let pairs: Pairs = serde_json::from_str(&row.pauses).map_err(Fault::internal)?;
        let span = |pair: &(String, String)| {
            between(pair).ok_or_else(|| Fault::internal("a schedule's hours cannot be read"))
        };
        Ok(Self {
            rule: row.rule.clone(),
            from: row.valid_from,
            until: row.valid_until,
            block: span(&(row.block_from.clone(), row.block_until.clone()))?,
            pauses: pairs.0.iter().map(span).collect::<Result<_, _>>()?,
            off: serde_json::from_str(&row.except_days).map_err(Fault::internal)?,
            extra: serde_json::from_str(&row.extra_days).map_err(Fault::internal)?,
            on_closed_days: row.on_closed_days,
        })
    }

    /// Leaves these days out too. Days that have passed are no longer counted.
    pub fn take_off(&mut self, days: &[NaiveDate], today: NaiveDate) -> Result<(), Problem> {
        self.off.extend(days.iter().copied());
        self.off.retain(|day| *day >= today);
        self.extra.retain(|day| *day >= today);
        if self.off.len() + self.extra.len() <= DAYS_AT_MOST { Ok(()) } else { Err(too_many("days")) }
    }

    /// No times after this day.
    pub fn end_by(&mut self, last: NaiveDate) {
        self.until = Some(self.until.map_or(last, |until| Ord::min(until, last)));
        self.extra.retain(|day| *day <= last);
    }

    /// The pauses and single days as a row keeps them.
    pub fn stored(&self) -> Result<[String; 3], Fault> {
        let pauses = self.pauses.iter().map(|pause| (clock(pause.from), clock(pause.until))).collect();
        let json = |days: &BTreeSet<NaiveDate>| serde_json::to_string(days).map_err(Fault::internal);
        Ok([
            serde_json::to_string(&Pairs(pauses)).map_err(Fault::internal)?,
            json(&self.off)?,
            json(&self.extra)?,
        ])
    }

    /// The days of `from..=to` with times. An extra day counts also when the unit is closed; an excepted one never does.
    pub fn days(&self, closing: &ClosingDays, from: NaiveDate, to: NaiveDate) -> BTreeSet<NaiveDate> {
        let open = |day: &NaiveDate| self.on_closed_days || !(is_holiday(*day) || closing.contains(day));
        let ruled = recurrence::days(&self.rule, self.from, self.until, from, to).into_iter().filter(open);
        let within = |day: &NaiveDate| {
            (from..=to).contains(day) && *day >= self.from && self.until.is_none_or(|until| *day <= until)
        };
        ruled.chain(self.extra.iter().copied().filter(within)).filter(|day| !self.off.contains(day)).collect()
    }

    /// The times of one day, one after another on the wall clock from the beginning of the block and from the end of
    /// each pause.
    ///
    /// A time that does not exist moves forward by the gap, and one that exists twice is the first; what then overlaps the
    /// time before it, a pause or the end of the block is left out.
    pub fn times(&self, day: NaiveDate, length: TimeDelta) -> Vec<NewTime> {
        let minutes = length.num_minutes();
        let instant = |minute: i64| to_instant(day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minute));
        let end = instant(self.block.until);
        let pauses: Vec<(DateTime<Utc>, DateTime<Utc>)> =
            self.pauses.iter().map(|pause| (instant(pause.from), instant(pause.until))).collect();
        let mut starts = BTreeSet::new();
        let mut at = self.block.from;
        while minutes > 0 && at + minutes <= self.block.until {
            let hit = self.pauses.iter().find(|pause| at < pause.until && at + minutes > pause.from);
            if let Some(pause) = hit {
                at = pause.until;
            } else {
                starts.insert(instant(at));
                at += minutes;
            }
        }
        let mut times: Vec<NewTime> = Vec::with_capacity(starts.len());
        for starts_at in starts {
            let ends_at = starts_at + length;
            let free = times.last().is_none_or(|before| before.ends_at <= starts_at)
                && ends_at <= end
                && !pauses.iter().any(|(from, until)| starts_at < *until && ends_at > *from);
            if free {
                let local_start = to_local(starts_at).format("%Y-%m-%dT%H:%M").to_string();
                times.push(NewTime { starts_at, ends_at, local_start });
            }
        }
        times
    }
}

/// Minutes as the wall clock shows them.
pub fn clock(minutes: i64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn minutes(text: &str) -> Option<i64> {
    if text == "24:00" {
        return Some(24 * 60);
    }
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok()?;
    let minutes = (time - NaiveTime::MIN).num_minutes();
    (text.len() == 5 && minutes % i64::from(CELL_MINUTES) == 0).then_some(minutes)
}

fn too_many(field: &str) -> Problem {
    Problem::input(
        field,
        format!("Tidboken kan ha högst {DAYS_AT_MOST} enstaka dagar och {PAUSES_AT_MOST} pauser."),
        format!("A schedule has {DAYS_AT_MOST} single days and {PAUSES_AT_MOST} pauses at most."),
    )
}

fn between((from, until): &(String, String)) -> Option<Span> {
    let read = minutes(from).zip(minutes(until)).filter(|(from, until)| from < until);
    read.map(|(from, until)| Span { from, until })
}

fn span(field: &str, pair: &(String, String), problems: &mut Vec<Problem>) -> Option<Span> {
    let read = between(pair);
    if read.is_none() {
        problems.push(Problem::input(
            field,
            "Skriv klockslag på hela fem minuter, till exempel 08:00 till 12:00.",
            "Write clock times on whole five minutes, for example 08:00 to 12:00.",
        ));
    }
    read
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
