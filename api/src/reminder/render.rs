//! What a message says.
//!
//! The one place where a notice becomes text, and the guard of the rule that the text is free of content: what
//! comes in are times, a unit's public particulars and a sender, so there is nothing else that could slip out.
//! Templates are embedded in the binary and checked when they are loaded, so that a translation that breaks the
//! rule, or an SMS that costs two segments, stops the start and not a reminder.

mod calendar_file;
mod gsm;
mod language;
mod occasion;
mod page;
mod sample;
mod templates;

use std::path::Path;

use chrono::{DateTime, Utc};
use entity::{contact_way::Channel, notice};
use minijinja::context;
use uuid::Uuid;

pub use self::{
    calendar_file::CalendarFile,
    language::{Language, Tag, is_a_name},
    occasion::Occasion,
    page::{Page, Shown},
    sample::{Sample, Sender, samples, sender_name},
    templates::{LINKED_BASE, TemplateError},
};
use self::{gsm::is_one_segment, sample::SENDER_LENGTH, templates::Templates};
use super::{Detail, Rule};
use crate::{
    domain::notice::{
        link,
        of_wish::{OFFER_WITHDRAWN, WISH_EXPIRED},
    },
    session::Links,
};

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
    /// A freed time is offered, until a moment.
    Offer,
    /// What was offered is no longer to be had.
    OfferWithdrawn,
    /// A wish for a time has run out.
    WishExpired,
    /// There is something new for a member of staff.
    Staff,
}

impl Kind {
    /// Every kind, for checking the templates.
    pub const ALL: [Self; 13] = [
        Self::Reminder(Rule::Confirmation),
        Self::Reminder(Rule::WeekBefore),
        Self::Reminder(Rule::BeforeDeadline),
        Self::Reminder(Rule::EveningBefore),
        Self::Reminder(Rule::SameDay),
        Self::Cancelled,
        Self::Moved,
        Self::Message,
        Self::Plan,
        Self::Offer,
        Self::OfferWithdrawn,
        Self::WishExpired,
        Self::Staff,
    ];

    /// The kind of a stored notice: what it is about and its rule.
    pub fn of(about: notice::Kind, rule: &str) -> Option<Self> {
        match about {
            notice::Kind::Reminder if rule == Self::MOVED => Some(Self::Moved),
            notice::Kind::Reminder => Rule::from_text(rule).map(Self::Reminder),
            notice::Kind::Cancellation => Some(Self::Cancelled),
            notice::Kind::Message => Some(Self::Message),
            notice::Kind::Plan => Some(Self::Plan),
            notice::Kind::Offer if rule == OFFER_WITHDRAWN => Some(Self::OfferWithdrawn),
            notice::Kind::Offer if rule == WISH_EXPIRED => Some(Self::WishExpired),
            notice::Kind::Offer => Some(Self::Offer),
            notice::Kind::Staff => Some(Self::Staff),
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
            Self::Offer => "offer",
            Self::OfferWithdrawn => "offer_withdrawn",
            Self::WishExpired => "wish_expired",
            Self::Staff => "staff",
        }
    }

    /// Whether it is about an appointment, and so begins with its time.
    pub const fn has_visit(self) -> bool {
        matches!(self, Self::Reminder(_) | Self::Cancelled | Self::Moved)
    }

    /// Whether there is something to do about what it tells.
    const fn has_action(self) -> bool {
        matches!(self, Self::Reminder(_) | Self::Moved)
    }
}

/// Everything a message may draw on. There is no field for a name, a number, a reason or a profession.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Swedish where it is none that may be sent.
    pub language: Tag,
    pub kind: Kind,
    /// The appointment; required for every kind that is about one.
    pub visit: Option<Visit>,
    /// Until when an offer can be answered; required for the kind that is one.
    pub until: Option<DateTime<Utc>>,
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
    /// Where the patient confirms, cancels or asks for another time, where the region has decided on such links.
    pub action_url: Option<String>,
}

impl Facts {
    /// With the links under a secret, as far as the region has decided on links.
    #[must_use]
    pub fn linked(self, links: &Links, secret: &str) -> Self {
        let page = links.base.as_ref().map(|base| format!("{base}{}", link::path(secret)));
        Self {
            unsubscribe_url: page.as_ref().map(|page| format!("{page}/unsubscribe")),
            action_url: page.filter(|_| links.act && self.kind.has_action()),
            ..self
        }
    }

    /// The same with links that lead nowhere, for who looks at what would leave.
    #[must_use]
    pub fn without_secrets(self, links: &Links) -> Self {
        if self.unsubscribe_url.is_some() { self.linked(links, link::HIDDEN) } else { self }
    }

    /// The place, as far as the patient has chosen to see it: the unit's name, and its address.
    fn places(&self) -> Vec<String> {
        let detail = if self.sensitive { Detail::TimeOnly } else { self.detail };
        let (name, address) = match detail {
            Detail::TimeOnly => (None, None),
            Detail::UnitName => (Some(plain(&self.unit_name)), None),
            Detail::UnitAndAddress => (Some(plain(&self.unit_name)), self.unit_address.as_deref().map(plain)),
        };
        [name, address].into_iter().flatten().filter(|place| !place.is_empty()).collect()
    }
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
    /// One GSM-7 segment; none where even the shortest form does not fit in one. A mail needs none.
    pub sms: Option<String>,
    pub ics: Option<CalendarFile>,
    pub sender_name: String,
    /// `https`, or `http` on the machine itself.
    pub unsubscribe_url: Option<String>,
}

impl Rendered {
    /// The same, if it can go by this channel.
    pub fn by(self, channel: Channel) -> Result<Self, RenderError> {
        if channel == Channel::Sms && self.sms.is_none() { Err(RenderError::TooLong) } else { Ok(self) }
    }
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
    #[error("the address of a link is not a plain web address")]
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
    /// Loads and checks the languages of the binary. `from` is the address that mail is sent from.
    pub fn new(from: &crate::domain::phone::EmailAddress) -> Result<Self, TemplateError> {
        Self::with_languages(from, None)
    }

    /// Loads and checks every language: those of the binary and those in a folder of folders.
    pub fn with_languages(
        from: &crate::domain::phone::EmailAddress,
        folder: Option<&Path>,
    ) -> Result<Self, TemplateError> {
        let renderer = Self {
            templates: Templates::load(folder)?,
            domain: from.address().domain().to_owned(),
            organizer: from.as_str().to_owned(),
        };
        templates::check(&renderer)?;
        Ok(renderer)
    }

    /// The language in which somebody who reads `wanted` is written to: Swedish where that one may not be sent.
    pub fn language(&self, wanted: &Tag) -> (&Tag, &Language) {
        self.templates.language(wanted)
    }

    /// The languages that messages may be sent in.
    pub fn languages(&self) -> impl Iterator<Item = (&Tag, &Language)> {
        self.templates.reviewed()
    }

    /// Languages that are there, and may not be sent because nobody has reviewed them.
    pub fn unreviewed(&self) -> impl Iterator<Item = &Tag> {
        self.templates.unreviewed()
    }

    /// Which texts these are: changes with every change of a text in the language that `wanted` is written to in, and of
    /// the links in them.
    pub fn version(&self, wanted: &Tag, links: &Links) -> String {
        self.templates.version(self.language(wanted).0, links)
    }

    /// Makes the message, in a language that may be sent.
    pub fn render(&self, facts: &Facts) -> Result<Rendered, RenderError> {
        let (tag, language) = self.language(&facts.language);
        self.render_in(tag, language, facts)
    }

    fn render_in(&self, tag: &Tag, language: &Language, facts: &Facts) -> Result<Rendered, RenderError> {
        let sender = plain(&facts.sender_name);
        if sender.is_empty() {
            return Err(RenderError::NoSender);
        }
        let phone = shown_phone(&facts.unit_phone);
        if !phone.bytes().any(|b| b.is_ascii_digit()) {
            return Err(RenderError::NoPhone);
        }
        let links = [&facts.unsubscribe_url, &facts.action_url];
        if !links.into_iter().flatten().all(|url| is_web_address(url)) {
            return Err(RenderError::UnsubscribeUrl);
        }
        let visit = match (&facts.visit, facts.kind.has_visit()) {
            (None, true) => return Err(RenderError::NoVisit),
            (visit, true) => visit.as_ref(),
            (_, false) => None,
        };
        let places = facts.places();
        let short_sender = gsm::cut(&gsm::folded(&sender), SENDER_LENGTH);
        let (when, when_short, last_day) = visit.map_or_else(Default::default, |visit| {
            (
                language.when(visit.starts_at, true),
                language.when(visit.starts_at, false),
                language.last_day(visit.cancel_by),
            )
        });
        let until = facts.until.map(|until| language.moment(until, false));
        let last_weekday = visit.map_or_else(String::new, |visit| language.last_weekday(visit.cancel_by));
        let block = |block: &str, place: &str, linked: bool| {
            let values = context! {
                linked,
                last_weekday => last_weekday.as_str(),
                when => when.as_str(),
                when_short => when_short.as_str(),
                last_day => last_day.as_str(),
                until => until.as_deref(),
                phone => phone.as_str(),
                sender => if block == "sms" { short_sender.as_str() } else { sender.as_str() },
                place,
            };
            self.templates.block(tag, facts.kind.name(), block, values).map_err(|_| RenderError::Template)
        };
        let (subject, lead, action) =
            (block("subject", "", false)?, block("lead", "", false)?, block("action", "", false)?);
        let place_line = if visit.is_some() { places.join(", ") } else { String::new() };
        let values = context! {
            subject => subject.as_str(),
            lead,
            action,
            place_line,
            sender => sender.as_str(),
            unsubscribe_url => facts.unsubscribe_url.as_deref(),
            action_url => facts.action_url.as_deref(),
        };
        let mail =
            |name: &str| self.templates.whole(tag, name, values.clone()).map_err(|_| RenderError::Template);
        // An SMS that does not fit tells less of the place, down to nothing but the time.
        let mut sms = None;
        for told in (0..=places.len()).rev() {
            let place = gsm::folded(&places.get(..told).unwrap_or_default().join(", "));
            let place = if place.is_empty() { place } else { format!(", {place}") };
            let text = block("sms", &place, false)?;
            let linked = facts.action_url.as_ref().map(|url| format!("{text} {url}"));
            // The link is worth more than the place.
            sms = Some(linked.unwrap_or(text)).filter(|text| is_one_segment(text));
            if sms.is_some() {
                break;
            }
        }
        // And more than all the words.
        if let (None, Some(url)) = (&sms, &facts.action_url) {
            let texts = [format!("{} {url}", block("sms", "", true)?), block("sms", "", false)?];
            sms = texts.into_iter().find(|text| is_one_segment(text));
        }
        Ok(Rendered {
            text: mail("mail.txt")?,
            html: mail("mail.html")?,
            // The real sender stands in every message.
            sms: sms.filter(|_| !short_sender.is_empty()),
            ics: match visit {
                Some(visit) => Some(self.calendar_file(language, facts, visit, &phone, &sender, &places)?),
                None => None,
            },
            subject,
            sender_name: sender,
            unsubscribe_url: facts.unsubscribe_url.clone(),
        })
    }
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

/// A name or address on one line: dashes and quotes become plain, control characters and line breaks become spaces.
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

/// A web address that can stand in a mail header as it is.
fn is_web_address(url: &str) -> bool {
    let safe = url.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"' | b',' | b'\\'));
    safe && url.len() <= 500 && (url.starts_with("https://") || url.starts_with("http://127.0.0.1"))
}

#[cfg(test)]
#[path = "render_tests.rs"]
pub(crate) mod tests;
