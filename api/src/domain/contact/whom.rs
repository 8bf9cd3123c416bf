//! Whom to turn to at a moment: pure, and always an answer.
//!
//! The patient's contacts are asked in order: one for what it concerns, then the fast vårdkontakt, the doctor, the
//! others. A contact who takes calls then is the answer; else whoever steps in for them and is not away too; else
//! their unit, if it is open. Then the patient's own unit, its service after hours, and last 1177, which always answers.

use chrono::{DateTime, TimeDelta, Utc};
use entity::care_contact::{Role, TreatingKind};

use super::words;
use crate::{
    calendar::{ClosingDays, OpeningHours},
    locale::Locale,
};

/// A place with a phone and hours.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    pub name: String,
    pub phone: String,
    pub opening: OpeningHours,
    pub closing: ClosingDays,
}

impl Desk {
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.opening.is_open(at, &self.closing)
    }

    fn changes_next(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.opening.changes_next(at, &self.closing)
    }
}

/// Somebody who steps in.
#[derive(Clone, Debug)]
pub struct Cover {
    pub name: String,
    pub function: String,
    pub desk: Desk,
    /// The times in which they are away themselves.
    pub away: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// The end of their assignment, if it ends.
    pub until: Option<DateTime<Utc>>,
}

impl Cover {
    /// Whether they are there to step in at `at`: somebody who is away too, or has left, is no substitute.
    fn is_there(&self, at: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| at < until)
            && !self.away.iter().any(|(from, until)| *from <= at && at < *until)
    }

    /// Whether they are there at any moment from `from` until `until`.
    pub fn is_there_within(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        // Whoever is there at all is there at the start, or from the moment when an absence of theirs is over.
        let back = self.away.iter().map(|(_, back)| *back).filter(|back| *back > from);
        std::iter::once(from).chain(back).any(|at| at < until && self.is_there(at))
    }
}

/// A time in which a contact is away.
#[derive(Clone, Debug)]
pub struct Away {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub cover: Option<Cover>,
}

impl Away {
    /// Who steps in and takes calls at `at`.
    fn answers(&self, at: DateTime<Utc>) -> Option<&Cover> {
        self.cover.as_ref().filter(|cover| cover.is_there(at) && cover.desk.is_open(at))
    }

    /// When who steps in opens, closes, goes or comes back next, in the time in which they step in.
    fn cover_changes_next(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let cover = self.cover.as_ref()?;
        let spans = cover.away.iter().flat_map(|(from, until)| [*from, *until]);
        let moments = spans.chain(cover.until).filter(|then| *then > at && *then < self.until);
        moments.chain(cover.desk.changes_next(at)).min()
    }
}

/// A contact, as far as calling them goes.
#[derive(Clone, Debug)]
pub struct Contact {
    pub role: Role,
    pub treating_kind: Option<TreatingKind>,
    pub is_lead: bool,
    pub name: String,
    pub function: String,
    pub phone: String,
    pub from: DateTime<Utc>,
    /// The end of the role, or of the person's assignment.
    pub until: Option<DateTime<Utc>>,
    /// When the person takes calls, where that is not whenever the unit is open.
    pub hours: Option<OpeningHours>,
    pub desk: Desk,
    pub away: Vec<Away>,
}

/// Everybody whom the patient can turn to.
#[derive(Clone, Debug, Default)]
pub struct Around {
    pub contacts: Vec<Contact>,
    /// Where the patient is listed.
    pub unit: Desk,
    /// The service that answers for the unit when it is closed: name and number.
    pub after_hours: Option<(String, String)>,
    /// The number that always answers: 1177.
    pub last_resort: String,
}

/// What kind of answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Contact,
    Substitute,
    Unit,
    AfterHours,
    National,
}

impl Kind {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "CONTACT",
            Self::Substitute => "SUBSTITUTE",
            Self::Unit => "UNIT",
            Self::AfterHours => "AFTER_HOURS",
            Self::National => "NATIONAL",
        }
    }
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub struct Whom<'a> {
    pub kind: Kind,
    pub name: &'a str,
    pub function: Option<&'a str>,
    pub phone: &'a str,
    /// Which of the contacts it is, or stands in for.
    pub contact: Option<usize>,
    /// Why it is not the contact in person.
    pub away: Option<&'a Away>,
}

impl PartialEq for Whom<'_> {
    fn eq(&self, other: &Self) -> bool {
        let told = |w: &Self| (w.kind, w.contact, w.away.map(|away| away.from));
        told(self) == told(other) && (self.name, self.phone) == (other.name, other.phone)
    }
}

/// Changes looked at on the way to the next other answer: more than two weeks of any week's hours.
const STEPS: usize = 120;
/// How long an answer that nothing changes is said to hold.
const LONGEST: TimeDelta = TimeDelta::days(366);

impl Around {
    /// Whom to turn to at `at`, about what `concerning` treats or about anything.
    pub fn whom(&self, concerning: Option<TreatingKind>, at: DateTime<Utc>) -> Whom<'_> {
        let mut order: Vec<usize> = (0..self.contacts.len()).collect();
        order.sort_by_key(|&i| self.contacts.get(i).map(|contact| rank(contact, concerning)));
        order.into_iter().find_map(|i| self.contacts.get(i)?.answer(i, at)).unwrap_or_else(|| self.place(at))
    }

    /// The unit, or whoever answers when it is closed.
    fn place(&self, at: DateTime<Utc>) -> Whom<'_> {
        let (kind, name, phone) = if self.unit.is_open(at) {
            (Kind::Unit, self.unit.name.as_str(), self.unit.phone.as_str())
        } else if let Some((name, phone)) = &self.after_hours {
            (Kind::AfterHours, name.as_str(), phone.as_str())
        } else {
            (Kind::National, "1177", self.last_resort.as_str())
        };
        Whom { kind, name, function: None, phone, contact: None, away: None }
    }

    /// Until when the answer at `at` holds: the first moment at which there is another, as far as it is known now.
    pub fn holds_until(&self, concerning: Option<TreatingKind>, at: DateTime<Utc>) -> DateTime<Utc> {
        let answer = self.whom(concerning, at);
        self.first_change(at, |then| self.whom(concerning, then) != answer)
    }

    /// When somebody of the patient's own answers next, if nobody does at `at`.
    pub fn own_opens_next(
        &self,
        concerning: Option<TreatingKind>,
        at: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let own =
            |then| matches!(self.whom(concerning, then).kind, Kind::Contact | Kind::Substitute | Kind::Unit);
        if own(at) {
            return None;
        }
        Some(self.first_change(at, own)).filter(|then| own(*then))
    }

    /// The first change after `at` that fulfils `is_it`; the last one looked at when none does.
    fn first_change(&self, at: DateTime<Utc>, is_it: impl Fn(DateTime<Utc>) -> bool) -> DateTime<Utc> {
        let mut then = at;
        for _ in 0..STEPS {
            let Some(next) = self.changes_next(then).filter(|next| *next <= at + LONGEST) else {
                return at + LONGEST;
            };
            then = next;
            if is_it(then) {
                break;
            }
        }
        then
    }

    /// The next moment at which anything opens, closes, begins or ends.
    fn changes_next(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let contacts = self.contacts.iter().filter_map(|contact| contact.changes_next(at));
        contacts.chain(self.unit.changes_next(at)).min()
    }
}

fn rank(contact: &Contact, concerning: Option<TreatingKind>) -> (bool, u8, bool) {
    let concerns = concerning.is_some() && contact.treating_kind == concerning;
    let role = match contact.role {
        Role::FastVardkontakt => 0,
        Role::FastLakarkontakt => 1,
        Role::FastOmsorgskontakt => 2,
        Role::BehandlandeRoll => 3,
        Role::Supporter => 4,
    };
    (!concerns, role, !contact.is_lead)
}

impl Contact {
    /// The answer that this contact gives, in person or not.
    fn answer(&self, index: usize, at: DateTime<Utc>) -> Option<Whom<'_>> {
        // A supporter is no care.
        if self.role == Role::Supporter || self.from > at || self.until.is_some_and(|until| until <= at) {
            return None;
        }
        // One contact can be away by several absences at once: of the role alone, and of everything the person holds.
        let active = || self.away.iter().filter(move |away| away.from <= at && at < away.until);
        if let Some((away, cover)) = active().find_map(|away| Some((away, away.answers(at)?))) {
            return Some(Whom {
                kind: Kind::Substitute,
                name: &cover.name,
                function: Some(&cover.function),
                phone: &cover.desk.phone,
                contact: Some(index),
                away: Some(away),
            });
        }
        // Back when the last of them is over.
        let away = active().max_by_key(|away| away.until);
        if away.is_none() && self.takes_calls(at) {
            return Some(Whom {
                kind: Kind::Contact,
                name: &self.name,
                function: Some(&self.function),
                phone: &self.phone,
                contact: Some(index),
                away: None,
            });
        }
        self.desk.is_open(at).then(|| Whom {
            kind: Kind::Unit,
            name: &self.desk.name,
            function: None,
            phone: &self.desk.phone,
            contact: Some(index),
            away,
        })
    }

    fn takes_calls(&self, at: DateTime<Utc>) -> bool {
        match &self.hours {
            Some(hours) => hours.is_open(at, &self.desk.closing),
            None => self.desk.is_open(at),
        }
    }

    fn changes_next(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let hours = self.hours.as_ref().and_then(|hours| hours.changes_next(at, &self.desk.closing));
        let covers = self.away.iter().filter_map(|away| away.cover_changes_next(at));
        let spans = self.away.iter().flat_map(|away| [away.from, away.until]);
        let moments = spans.chain([self.from]).chain(self.until).filter(|then| *then > at);
        hours.into_iter().chain(self.desk.changes_next(at)).chain(covers).chain(moments).min()
    }
}

impl Whom<'_> {
    /// The answer in plain words.
    pub fn message(&self, contacts: &[Contact], locale: Locale) -> String {
        let name = self.name;
        let instead = self.contact.and_then(|i| contacts.get(i)).map_or("", |contact| contact.name.as_str());
        let until = self.away.map(|away| words::moment(away.until, locale)).unwrap_or_default();
        match (self.kind, locale) {
            (Kind::Contact, Locale::Sv) => format!("Ring {name}, {}.", self.function.unwrap_or_default()),
            (Kind::Contact, Locale::En) => format!("Call {name}, {}.", self.function.unwrap_or_default()),
            (Kind::Substitute, Locale::Sv) => format!(
                "{instead} är borta till {until}. Ring {name}, {}, som ersätter.",
                self.function.unwrap_or_default()
            ),
            (Kind::Substitute, Locale::En) => format!(
                "{instead} is away until {until}. Call {name}, {}, who steps in.",
                self.function.unwrap_or_default()
            ),
            (Kind::Unit, Locale::Sv) if self.away.is_some() => {
                format!("{instead} är borta till {until}. Ring {name}.")
            }
            (Kind::Unit, Locale::En) if self.away.is_some() => {
                format!("{instead} is away until {until}. Call {name}.")
            }
            (Kind::Unit, Locale::Sv) if !instead.is_empty() => {
                format!("{instead} tar inte emot samtal just då. Ring {name}.")
            }
            (Kind::Unit, Locale::En) if !instead.is_empty() => {
                format!("{instead} takes no calls at that time. Call {name}.")
            }
            (Kind::Unit, Locale::Sv) => format!("Ring {name}."),
            (Kind::Unit, Locale::En) => format!("Call {name}."),
            (Kind::AfterHours, Locale::Sv) => format!("Din mottagning har stängt. Ring {name}."),
            (Kind::AfterHours, Locale::En) => format!("Your unit is closed. Call {name}."),
            (Kind::National, Locale::Sv) => {
                "Din mottagning har stängt. Ring 1177 för råd, dygnet runt.".to_owned()
            }
            (Kind::National, Locale::En) => {
                "Your unit is closed. Call 1177 for advice, at any hour.".to_owned()
            }
        }
    }
}

/// What stands first, whoever is the answer.
pub fn emergency(locale: Locale) -> &'static str {
    locale.pick(
        "Ring 112 direkt vid fara för livet: svår andnöd, tryck över bröstet, förlamning, svårt att tala, medvetslöshet eller stor blödning.",
        "Call 112 at once when life is in danger: hard to breathe, pressure over the chest, paralysis, hard to speak, unconsciousness or heavy bleeding.",
    )
}

#[cfg(test)]
#[path = "whom_tests.rs"]
mod tests;
