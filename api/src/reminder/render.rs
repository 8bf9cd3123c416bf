//! What a message says.
//!
//! The one place where a notice becomes text, and the guard of the rule that the text is free of content: what
//! comes in are times, a unit's public particulars and a sender, so there is nothing else that could slip out.
//! Templates are embedded in the binary and checked when they are loaded, so that a translation that breaks the
//! rule, or an SMS that costs two segments, stops the start and not a reminder.

mod calendar_file;
mod templates;

use chrono::{DateTime, TimeDelta, Utc};
use entity::notice;
use minijinja::context;
use sms_splitter::SplitSms;
use uuid::Uuid;

use self::templates::Templates;
use super::{Detail, Rule};
use crate::{calendar::to_local, locale::Locale};

pub use self::{calendar_file::CalendarFile, templates::TemplateError};

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A rung of the ladder.
    Reminder(Rule),
    /// The appointment was cancelled.
    Cancelled,
    /// The appointment has a new time.
    Moved,
    /// A message was written to the patient.
    Message,
    /// The plan changed, or a proposal waits for an answer.
    Plan,
}

impl Kind {
    /// Every kind, for checking the templates.
    pub const ALL: [Self; 9] = [
        Self::Reminder(Rule::Confirmation),
        Self::Reminder(Rule::WeekBefore),
        Self::Reminder(Rule::BeforeDeadline),
        Self::Reminder(Rule::EveningBefore),
        Self::Reminder(Rule::SameDay),
        Self::Cancelled,
        Self::Moved,
        Self::Message,
        Self::Plan,
    ];

    /// The kind of a stored notice: what it is about and its rule.
    pub fn of(about: notice::Kind, rule: &str) -> Option<Self> {
        match about {
            notice::Kind::Reminder if rule == Self::MOVED => Some(Self::Moved),
            notice::Kind::Reminder => Rule::from_text(rule).map(Self::Reminder),
            notice::Kind::Cancellation => Some(Self::Cancelled),
            notice::Kind::Message => Some(Self::Message),
            notice::Kind::Plan => Some(Self::Plan),
        }
    }

    /// The stored rule of the notice that tells of a new time.
    pub const MOVED: &str = "MOVED";

    /// The name of its template.
    const fn name(self) -> &'static str {
        match self {
            Self::Reminder(Rule::Confirmation) => "confirmation",
            Self::Reminder(Rule::WeekBefore) => "week_before",
            Self::Reminder(Rule::BeforeDeadline) => "before_deadline",
            Self::Reminder(Rule::EveningBefore) => "evening_before",
            Self::Reminder(Rule::SameDay) => "same_day",
            Self::Cancelled => "cancelled",
            Self::Moved => "moved",
            Self::Message => "message",
            Self::Plan => "plan",
        }
    }

    /// Whether it is about an appointment, and so begins with its time.
    const fn has_visit(self) -> bool {
        !matches!(self, Self::Message | Self::Plan)
    }
}

/// Everything a message may draw on. There is no field for a name, a number, a reason or a profession.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub locale: Locale,
    pub kind: Kind,
    /// The appointment; required for every kind that is about one.
    pub visit: Option<Visit>,
    pub unit_name: String,
    pub unit_address: Option<String>,
    /// E.164 or a short number such as 1177.
    pub unit_phone: String,
    /// The real sender, at most 30 characters: the care provider or the unit.
    pub sender_name: String,
    /// How much the patient has chosen to see.
    pub detail: Detail,
    /// The unit's name says something about health: nothing but the time is told.
    pub sensitive: bool,
    /// Where the patient opts out with one click, where the service has an address of its own.
    pub unsubscribe_url: Option<String>,
}

/// The appointment as far as a message may tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    pub appointment_id: Uuid,
    /// Rises with every change of time, place or mode, and with cancelling.
    pub sequence: u32,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// Until when it can be cancelled ([`crate::calendar::cancel_by`]).
    pub cancel_by: DateTime<Utc>,
    /// When this state of the appointment came about; the same in every attempt.
    pub changed_at: DateTime<Utc>,
}

/// A message in all its forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
    /// One GSM-7 segment.
    pub sms: String,
    pub ics: Option<CalendarFile>,
    pub sender_name: String,
    /// `https`, or `http` on the machine itself.
    pub unsubscribe_url: Option<String>,
}

/// A message that cannot be made from what came in.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("a message about an appointment needs one")]
    NoVisit,
    #[error("no phone number to call")]
    NoPhone,
    #[error("no sender")]
    NoSender,
    #[error("the text does not fit in one SMS")]
    TooLong,
    #[error("the unsubscribe address is not a plain web address")]
    UnsubscribeUrl,
    /// Without its cause: that could quote values.
    #[error("the template cannot be filled in")]
    Template,
}

/// Makes messages. Holds the checked templates.
#[derive(Debug)]
pub struct Renderer {
    templates: Templates,
    /// The domain in the calendar files' ids.
    domain: String,
    /// The address in the calendar files' organizer.
    organizer: String,
}

impl Renderer {
    /// Loads and checks every template. `from` is the address that mail is sent from.
    pub fn new(from: &crate::domain::phone::EmailAddress) -> Result<Self, TemplateError> {
        let renderer = Self {
            templates: Templates::load()?,
            domain: from.address().domain().to_owned(),
            organizer: from.as_str().to_owned(),
        };
        templates::check(&renderer)?;
        Ok(renderer)
    }

    /// Makes the message.
    pub fn render(&self, facts: &Facts) -> Result<Rendered, RenderError> {
        let locale = facts.locale;
        let sender = plain(&facts.sender_name);
        if sender.is_empty() {
            return Err(RenderError::NoSender);
        }
        let phone = shown_phone(&facts.unit_phone);
        if !phone.bytes().any(|b| b.is_ascii_digit()) {
            return Err(RenderError::NoPhone);
        }
        if !facts.unsubscribe_url.as_deref().is_none_or(is_web_address) {
            return Err(RenderError::UnsubscribeUrl);
        }
        let visit = match (&facts.visit, facts.kind.has_visit()) {
            (None, true) => return Err(RenderError::NoVisit),
            (visit, true) => visit.as_ref(),
            (_, false) => None,
        };
        let detail = if facts.sensitive { Detail::TimeOnly } else { facts.detail };
        let (name, address) = match detail {
            Detail::TimeOnly => (None, None),
            Detail::UnitName => (Some(plain(&facts.unit_name)), None),
            Detail::UnitAndAddress => {
                (Some(plain(&facts.unit_name)), facts.unit_address.as_deref().map(plain))
            }
        };
        let places: Vec<String> = [name, address].into_iter().flatten().filter(|p| !p.is_empty()).collect();
        let (when, when_short, last_day) = visit.map_or_else(Default::default, |visit| {
            (
                when(locale, visit.starts_at, true),
                when(locale, visit.starts_at, false),
                last_day(locale, visit.cancel_by),
            )
        });
        let block = |block: &str, place: &str| {
            let values = context! {
                when => when.as_str(),
                when_short => when_short.as_str(),
                last_day => last_day.as_str(),
                phone => phone.as_str(),
                sender => sender.as_str(),
                place,
            };
            self.templates.block(locale, facts.kind.name(), block, values).map_err(|_| RenderError::Template)
        };
        let (subject, lead, action) = (block("subject", "")?, block("lead", "")?, block("action", "")?);
        let place_line = if visit.is_some() { places.join(", ") } else { String::new() };
        let values = context! {
            subject => subject.as_str(),
            lead,
            action,
            place_line,
            sender => sender.as_str(),
            unsubscribe_url => facts.unsubscribe_url.as_deref(),
        };
        let mail = |name: &str| {
            self.templates.whole(locale, name, values.clone()).map_err(|_| RenderError::Template)
        };
        // An SMS that does not fit tells less of the place, down to nothing but the time.
        let mut sms = None;
        for told in (0..=places.len()).rev() {
            let place = places.get(..told).unwrap_or_default().join(", ");
            let place = if place.is_empty() { place } else { format!(", {place}") };
            let text = block("sms", &place)?;
            if is_one_segment(&text) {
                sms = Some(text);
                break;
            }
        }
        Ok(Rendered {
            text: mail("mail.txt")?,
            html: mail("mail.html")?,
            sms: sms.ok_or(RenderError::TooLong)?,
            ics: match visit {
                Some(visit) => Some(self.calendar_file(facts, visit, &phone, &sender, &places)?),
                None => None,
            },
            subject,
            sender_name: sender,
            unsubscribe_url: facts.unsubscribe_url.clone(),
        })
    }
}

/// `onsdag 23 juni` in the local zone.
fn day(locale: Locale, at: DateTime<Utc>, year: bool) -> String {
    use chrono::Datelike as _;
    let local = to_local(at);
    let word = |(sv, en): (&'static str, &'static str)| locale.pick(sv, en);
    let (weekday, month) =
        (word(crate::locale::weekday(local.weekday())), word(crate::locale::month(&local)));
    let text = format!("{weekday} {} {month}", local.day());
    if year { format!("{text} {}", local.year()) } else { text }
}

/// Day, date and time, as a sentence begins: `Onsdag 23 juni 2027 kl. 10.00`.
fn when(locale: Locale, at: DateTime<Utc>, year: bool) -> String {
    let local = to_local(at);
    let day = day(locale, at, year);
    let text = match locale {
        Locale::Sv => format!("{day} kl. {}", local.format("%H.%M")),
        Locale::En => format!("{day} at {}", local.format("%H:%M")),
    };
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The last whole day on which cancelling is possible.
fn last_day(locale: Locale, cancel_by: DateTime<Utc>) -> String {
    day(locale, cancel_by - TimeDelta::seconds(1), false)
}

/// A phone number as people in Sweden read it; as it came in where it is not one.
pub(crate) fn shown_phone(phone: &str) -> String {
    let phone = plain(phone);
    match phonenumber::parse(None, &phone) {
        Ok(number) if number.is_valid() => {
            let swedish = number.code().value() == 46;
            let mode = if swedish { phonenumber::Mode::National } else { phonenumber::Mode::International };
            number.format().mode(mode).to_string()
        }
        _ => phone,
    }
}

/// A name or address in characters that cost nothing in an SMS: dashes and quotes become plain, control
/// characters and line breaks become spaces.
fn plain(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '\u{2018}'..='\u{201b}' | '\u{b4}' | '`' => '\'',
            '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' => '"',
            c if c.is_whitespace() || c.is_control() => ' ',
            c => c,
        })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the text is one SMS of the cheap kind: at most 160 characters of the GSM alphabet.
fn is_one_segment(text: &str) -> bool {
    let split = SplitSms::split(&SplitSms::default(), text.to_owned());
    split.character_set == "GSM" && split.parts.len() == 1
}

/// A web address that can stand in a mail header as it is.
fn is_web_address(url: &str) -> bool {
    let safe = url.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"' | b',' | b'\\'));
    safe && url.len() <= 500 && (url.starts_with("https://") || url.starts_with("http://127.0.0.1"))
}

#[cfg(test)]
#[path = "render_tests.rs"]
pub(crate) mod tests;
