//! How far somebody who is not an adult patient themself reaches into a patient's data: areas, levels, and the right
//! to assent.
//!
//! A representative (ombud) and a young person reach within such rights, and never further than an adult patient
//! would. A noun without an area is out of scope for all of them.

use serde::{Deserialize, Serialize};

use super::matrix::{Action, Noun};

/// An area of what concerns a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Area {
    /// Agreement, goals, items, next step, answers to question batteries.
    Agreement,
    /// Booked times.
    Booking,
    /// Threads of messages.
    Messages,
    /// Care contacts, and whom to turn to.
    Contacts,
}

impl Area {
    pub const ALL: [Self; 4] = [Self::Agreement, Self::Booking, Self::Messages, Self::Contacts];
}

/// How much may be done in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    Read,
    /// Read, and do what the patient could do there.
    Act,
}

/// What somebody may see and do for a patient. Deny by default: an area that is not there is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rights {
    levels: [Option<Level>; 4],
    assent: bool,
}

impl Rights {
    /// Everything.
    pub const FULL: Self = Self { levels: [Some(Level::Act); 4], assent: true };

    #[must_use]
    pub const fn with(mut self, area: Area, level: Level) -> Self {
        self.levels[area as usize] = Some(level);
        self
    }

    /// With or without the right to assent to the agreement.
    #[must_use]
    pub const fn assenting(mut self, may: bool) -> Self {
        self.assent = may;
        self
    }

    pub fn level(self, area: Area) -> Option<Level> {
        self.levels[area as usize]
    }

    pub fn may_assent(self) -> bool {
        self.assent
    }

    pub fn is_empty(self) -> bool {
        self.levels.iter().all(Option::is_none)
    }

    /// Everything that either gives.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        for (own, others) in self.levels.iter_mut().zip(other.levels) {
            *own = Ord::max(*own, others);
        }
        self.assent |= other.assent;
        self
    }

    /// The areas as they are stored: `{"BOOKING":"ACT"}`. Text that cannot be read gives no rights.
    pub fn parse(areas: &str) -> Self {
        let areas: std::collections::BTreeMap<Area, Level> = serde_json::from_str(areas).unwrap_or_default();
        areas.into_iter().fold(Self::default(), |rights, (area, level)| rights.with(area, level))
    }

    /// For storage; the right to assent has a column of its own.
    pub fn areas(self) -> String {
        let areas: std::collections::BTreeMap<Area, Level> =
            Area::ALL.into_iter().filter_map(|area| Some((area, self.level(area)?))).collect();
        serde_json::to_string(&areas).unwrap_or_default()
    }

    /// Whether they reach what `action` does to `noun`.
    pub fn cover(self, noun: Noun, action: Action) -> bool {
        let Some(area) = area(noun) else { return false };
        match (noun, action) {
            // Who may assent and act may end what is agreed, or put another in its place.
            (Noun::Agreement, Action::Choose | Action::End) => {
                self.assent && self.level(area) == Some(Level::Act)
            }
            // Accepting a proposal is the assent to it, and who may assent may decline, take it back, or object to
            // another's.
            (Noun::Agreement, Action::Answer | Action::Assent | Action::Object)
            | (Noun::PlanItem, Action::Accept) => self.assent && self.level(area).is_some(),
            (_, Action::Read | Action::List) => self.level(area).is_some(),
            _ => self.level(area) == Some(Level::Act),
        }
    }
}

/// The area that a noun belongs to; none for what only the patient themself, or only care, deals with.
pub fn area(noun: Noun) -> Option<Area> {
    match noun {
        Noun::Agreement
        | Noun::AgreementOffer
        | Noun::AgreementRequest
        | Noun::BatteryAnswer
        | Noun::Concern
        | Noun::Goal
        | Noun::PlanItem
        | Noun::ProgressNote
        | Noun::PlanLink
        | Noun::SafetyInstruction => Some(Area::Agreement),
        Noun::Appointment | Noun::PatientNeeds | Noun::TimeWish => Some(Area::Booking),
        Noun::Thread => Some(Area::Messages),
        Noun::CareContact | Noun::ContactAbsence | Noun::ContactOffer | Noun::ContactRequest => {
            Some(Area::Contacts)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_stored_and_read_back_and_nonsense_gives_none() {
        let rights = Rights::default().with(Area::Booking, Level::Act).with(Area::Agreement, Level::Read);
        assert_eq!(rights.areas(), r#"{"AGREEMENT":"READ","BOOKING":"ACT"}"#);
        assert_eq!(Rights::parse(&rights.areas()), rights);
        for nonsense in ["", "[]", "{\"BOOKING\":\"ALL\"}", "{\"RECORD\":\"READ\"}"] {
            assert!(Rights::parse(nonsense).is_empty(), "{nonsense}");
        }
    }

    #[test]
    fn acting_includes_reading_and_assent_stands_apart() {
        let rights = Rights::default().with(Area::Agreement, Level::Act);
        assert!(rights.cover(Noun::Agreement, Action::Read) && rights.cover(Noun::Goal, Action::Create));
        assert!(!rights.cover(Noun::Agreement, Action::Assent));
        assert!(!rights.cover(Noun::PlanItem, Action::Accept));
        assert!(rights.assenting(true).cover(Noun::Agreement, Action::Assent));
        assert!(!Rights::default().assenting(true).cover(Noun::Agreement, Action::Assent));
        let reading = Rights::default().with(Area::Agreement, Level::Read).assenting(true);
        assert!(reading.cover(Noun::Agreement, Action::Assent));
        for ends in [Action::Choose, Action::End] {
            assert!(!reading.cover(Noun::Agreement, ends) && !rights.cover(Noun::Agreement, ends));
            assert!(rights.assenting(true).cover(Noun::Agreement, ends));
        }
        assert!(!Rights::FULL.cover(Noun::AccessLog, Action::Read));
    }
}
