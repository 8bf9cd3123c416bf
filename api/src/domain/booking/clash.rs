//! Times of one patient that cannot both be kept, and times that could share a day: pure.
//!
//! What comes in is what the caller may see, at whatever care providers: what is out of reach is not there, so that
//! nothing here can hint at it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{CareUnitId, appointment_type::Mode};

use crate::{calendar::to_local, session::BookingRules};

/// Where a patient must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Unit(CareUnitId),
    Home,
    /// A call, by phone or video.
    Anywhere,
}

impl Place {
    pub const fn of(mode: Mode, unit: CareUnitId) -> Self {
        match mode {
            Mode::Visit => Self::Unit(unit),
            Mode::Home => Self::Home,
            Mode::Phone | Mode::Video => Self::Anywhere,
        }
    }

    /// What a patient needs between here and `next`.
    fn margin(self, next: Self, rules: &BookingRules) -> TimeDelta {
        let near = self == next || self == Self::Anywhere || next == Self::Anywhere;
        let minutes = if near { rules.same_unit_gap_minutes } else { rules.travel_minutes };
        TimeDelta::minutes(i64::from(minutes))
    }
}

/// A booked time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub place: Place,
}

/// Why two times cannot both be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They overlap.
    Overlap,
    /// There is less between them than the patient needs.
    TooTight,
}

impl Kind {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overlap => "OVERLAP",
            Self::TooTight => "TOO_TIGHT",
        }
    }
}

/// Two of the times, by their place in the list: the one that begins first, first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clash {
    pub first: usize,
    pub second: usize,
    pub kind: Kind,
    /// Between them; zero where they overlap.
    pub between: TimeDelta,
    pub needed: TimeDelta,
}

/// How two times stand to each other, `a` beginning first; none where both can be kept.
fn against(a: &Time, b: &Time, rules: &BookingRules) -> Option<(Kind, TimeDelta, TimeDelta)> {
    let (between, needed) = (b.starts_at - a.ends_at, a.place.margin(b.place, rules));
    if between < TimeDelta::zero() {
        Some((Kind::Overlap, TimeDelta::zero(), needed))
    } else {
        (between < needed).then_some((Kind::TooTight, between, needed))
    }
}

/// Every two times that cannot both be kept, in order of time.
pub fn clashes(times: &[Time], rules: &BookingRules) -> Vec<Clash> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|n| (times[*n].starts_at, times[*n].ends_at, *n));
    let widest = TimeDelta::minutes(i64::from(rules.travel_minutes.max(rules.same_unit_gap_minutes)));
    let mut found = Vec::new();
    for (at, first) in order.iter().copied().enumerate() {
        let near = order[at + 1..].iter().copied();
        for second in near.take_while(|n| times[*n].starts_at < times[first].ends_at + widest) {
            if let Some((kind, between, needed)) = against(&times[first], &times[second], rules) {
                found.push(Clash { first, second, kind, between, needed });
            }
        }
    }
    found
}

/// Whether `new` fits beside all of `kept`.
pub fn fits(new: &Time, kept: &[Time], rules: &BookingRules) -> bool {
    kept.iter().all(|other| {
        let (a, b) = if other.starts_at <= new.starts_at { (other, new) } else { (new, other) };
        against(a, b, rules).is_none()
    })
}

/// The day on which a time begins, where the units are.
pub fn day(at: DateTime<Utc>) -> NaiveDate {
    to_local(at).date_naive()
}

/// Visits that two journeys are made for within `days`, to places that are told apart by `site`: by their place in the
/// list, the earlier first. Times on the same day need no suggestion.
pub fn same_journey<S: PartialEq>(times: &[(Time, Option<S>)], days: i64) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..times.len()).filter(|n| times[*n].1.is_some()).collect();
    order.sort_by_key(|n| (times[*n].0.starts_at, *n));
    let mut found = Vec::new();
    for (at, first) in order.iter().copied().enumerate() {
        let on = day(times[first].0.starts_at);
        let later = order[at + 1..].iter().copied().filter(|n| times[*n].1 == times[first].1);
        let apart = |n: &usize| (day(times[*n].0.starts_at) - on).num_days();
        found.extend(later.filter(|n| (1..=days).contains(&apart(n))).map(|second| (first, second)));
    }
    found
}

/// Whether the words of an examination say that a sample is to be taken (provtagning), which one visit can do for
/// several clinics. Words that begin so count: "prover", "blodprov", "provtagning", "labb".
pub fn is_sampling(title: &str) -> bool {
    let sample = ["prov", "blodprov", "urinprov", "lab", "blood test", "sample"];
    let text = title.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    sample.iter().any(|begin| match begin.split_once(' ') {
        Some((one, two)) => words.windows(2).any(|pair| pair[0] == one && pair[1].starts_with(two)),
        None => words.iter().any(|word| word.starts_with(begin)),
    })
}

/// Samples that are asked for by different clinics within `days` of each other: groups of places in the list, each led
/// by the one that is due first.
pub fn one_sampling<C: PartialEq>(asked: &[(NaiveDate, C)], days: i64) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..asked.len()).collect();
    order.sort_by_key(|n| (asked[*n].0, *n));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for n in order {
        match groups.last_mut() {
            Some(group) if (asked[n].0 - asked[group[0]].0).num_days() <= days => group.push(n),
            _ => groups.push(vec![n]),
        }
    }
    groups.retain(|group| group.iter().any(|n| asked[*n].1 != asked[group[0]].1));
    groups
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const RULES: BookingRules = BookingRules {
        travel_minutes: 30,
        same_unit_gap_minutes: 5,
        rebook_within_days: 30,
        offer_minutes: 120,
        offer_latest_minutes: 120,
        wish_answer_working_days: 5,
    };

    fn time(minute: i64, length: i64, place: Place) -> Time {
        let at = |minute: i64| DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap();
        Time { starts_at: at(minute), ends_at: at(minute + length), place }
    }

    fn unit(n: u128) -> Place {
        Place::Unit(CareUnitId(Uuid::from_u128(n)))
    }

    #[test]
    fn travel_counts_between_places_and_a_gap_at_one_place_and_around_calls() {
        let kinds = |a: Time, b: Time| clashes(&[b, a], &RULES).first().map(|c| (c.kind, c.first));
        assert_eq!(kinds(time(0, 30, unit(1)), time(20, 30, unit(2))), Some((Kind::Overlap, 1)));
        assert_eq!(kinds(time(0, 30, unit(1)), time(55, 30, unit(2))), Some((Kind::TooTight, 1)));
        assert_eq!(kinds(time(0, 30, unit(1)), time(60, 30, unit(2))), None);
        assert_eq!(kinds(time(0, 30, unit(1)), time(30, 30, unit(1))), Some((Kind::TooTight, 1)));
        assert_eq!(kinds(time(0, 30, unit(1)), time(35, 30, unit(1))), None);
        assert_eq!(kinds(time(0, 30, unit(1)), time(35, 30, Place::Anywhere)), None);
        assert_eq!(kinds(time(0, 30, Place::Home), time(55, 30, unit(1))), Some((Kind::TooTight, 1)));
    }

    #[test]
    fn a_sample_is_told_from_other_examinations_by_its_words() {
        for title in ["Ta prover", "Blodprov HbA1c", "Provtagning", "Labb före besöket", "A blood test"] {
            assert!(is_sampling(title), "{title}");
        }
        for title in ["Röntgen lungor", "Prata om approval", "Ögonbottenfoto", "Blood pressure"] {
            assert!(!is_sampling(title), "{title}");
        }
    }

    #[test]
    fn one_sampling_is_suggested_only_to_several_clinics_within_the_days() {
        let on = |day: u32| NaiveDate::from_ymd_opt(2027, 3, day).unwrap();
        assert_eq!(one_sampling(&[(on(9), 'b'), (on(1), 'a'), (on(30), 'c')], 14), [vec![1, 0]]);
        assert!(one_sampling(&[(on(1), 'a'), (on(5), 'a')], 14).is_empty());
        assert!(one_sampling(&[(on(1), 'a'), (on(20), 'b')], 14).is_empty());
    }

    fn a_time() -> impl Strategy<Value = Time> {
        (0i64..600, 1i64..12, 0u128..4).prop_map(|(minute, length, place)| {
            let place = match place {
                0 => Place::Anywhere,
                1 => Place::Home,
                n => unit(n),
            };
            time(minute, 5 * length, place)
        })
    }

    proptest! {
        /// The fast way finds what looking at every two finds, in whatever order they come.
        #[test]
        fn every_clash_is_found_and_nothing_else(times in prop::collection::vec(a_time(), 0..14), seed: u64) {
            let found = clashes(&times, &RULES);
            let mut pairs: Vec<_> = found.iter().map(|c| (c.first.min(c.second), c.first.max(c.second))).collect();
            let mut slow = Vec::new();
            for a in 0..times.len() {
                for b in a + 1..times.len() {
                    if !fits(&times[a], &[times[b]], &RULES) {
                        slow.push((a, b));
                    }
                }
            }
            pairs.sort_unstable();
            prop_assert_eq!(pairs, slow);
            let mut turned = times.clone();
            if !turned.is_empty() {
                let by = usize::try_from(seed % turned.len() as u64).unwrap();
                turned.rotate_left(by);
            }
            prop_assert_eq!(clashes(&turned, &RULES).len(), found.len());
            for clash in found {
                prop_assert!(clash.kind == Kind::Overlap || clash.between < clash.needed);
            }
        }

        /// What is removed from sight leaves no trace.
        #[test]
        fn a_time_out_of_reach_changes_nothing_between_the_others(times in prop::collection::vec(a_time(), 1..10)) {
            let without = clashes(&times[..times.len() - 1], &RULES);
            let kept: Vec<_> = clashes(&times, &RULES)
                .into_iter()
                .filter(|c| c.first.max(c.second) < times.len() - 1)
                .collect();
            prop_assert_eq!(without, kept);
        }

        #[test]
        fn journeys_are_of_one_place_on_different_days(
            times in prop::collection::vec((0i64..20_000, prop::option::of(0u8..3)), 0..12),
        ) {
            let times: Vec<_> = times.into_iter().map(|(at, site)| (time(at, 30, unit(1)), site)).collect();
            for (a, b) in same_journey(&times, 7) {
                prop_assert!(times[a].1 == times[b].1 && times[a].1.is_some());
                let apart = (day(times[b].0.starts_at) - day(times[a].0.starts_at)).num_days();
                prop_assert!((1..=7).contains(&apart));
            }
        }
    }
}
