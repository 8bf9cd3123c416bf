//! What a choice about reminders must hold: pure, all problems at once.

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    access_event::ActorKind,
    contact_way::Channel,
    reminder_preference::{Detail, PreferenceKind},
};
use serde::Serialize;

use super::texts::Said;
use crate::{
    domain::{
        phone::{EmailAddress, PhoneNumber},
        representative::rules::{Ages, attains},
    },
    error::{Problem, Text},
    locale::Locale,
};

/// The text that was shown, at most.
const TEXT_AT_MOST: usize = 1_000;

/// A yes or a no to one kind of notice by one channel.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    pub kind: PreferenceKind,
    pub channel: Channel,
    pub opted_in: bool,
    pub detail: Detail,
    /// The exact text that the patient saw when deciding.
    pub text_shown: String,
    /// Which of the service's own texts it was, where it was one of them.
    pub text_version: Option<String>,
}

impl Choice {
    /// What it was said to.
    pub fn said(&self) -> Said<'_> {
        Said {
            kind: self.kind,
            channel: self.channel,
            detail: self.detail,
            opted_in: self.opted_in,
            text: &self.text_shown,
            version: self.text_version.as_deref(),
        }
    }
}

/// New addresses, as written.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Addresses {
    pub mail: Option<String>,
    pub phone: Option<String>,
}

/// The addresses in the one form that is kept.
#[derive(Clone, Debug)]
pub struct Checked {
    pub ways: Vec<(Channel, String)>,
}

/// Whether a choice waits for the young person's own word: others wrote it down for the child, with whose address nobody
/// can tell, before the birthday from which on young people see to their own times. It stays on record, and leads nowhere.
pub fn waits_for_own_word(
    born: NaiveDate,
    chosen_by: ActorKind,
    decided_at: DateTime<Utc>,
    ages: &Ages,
    now: DateTime<Utc>,
) -> bool {
    let own = attains(born, ages.own_booking);
    chosen_by != ActorKind::Patient && decided_at < own && own <= now
}

/// Checks choices and addresses. `reachable` are the channels that the patient can be reached by already,
/// `current` the version of the texts that are sent now, and `by_care` whether staff write the choice down.
pub fn check(
    choices: &[Choice],
    addresses: &Addresses,
    reachable: &[Channel],
    current: &str,
    by_care: bool,
) -> Result<Checked, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut ways = Vec::new();
    for (channel, given, field) in [
        (Channel::Mail, &addresses.mail, "contactWays.mail"),
        (Channel::Sms, &addresses.phone, "contactWays.phone"),
    ] {
        match given.as_deref().map(|given| address(channel, given, field)) {
            Some(Ok(address)) => ways.push((channel, address)),
            Some(Err(problem)) => problems.push(problem),
            None => {}
        }
    }
    if choices.is_empty() && addresses.mail.is_none() && addresses.phone.is_none() {
        problems.push(Problem::input("choices", "Gör minst ett val.", "Make at least one choice."));
    }
    for (n, choice) in choices.iter().enumerate() {
        let field = format!("choices.{n}");
        if choices.iter().take(n).any(|other| (other.kind, other.channel) == (choice.kind, choice.channel)) {
            problems.push(Problem::input(
                &field,
                "Samma val står två gånger.",
                "The same choice is there twice.",
            ));
        }
        let version = choice.text_version.as_deref();
        shown(choice.opted_in, &choice.text_shown, version, current, &format!("{field}."), &mut problems);
        // The unit sends letters and makes calls itself: it writes down that the patient wants them.
        let by_hand = by_care
            && choice.kind == PreferenceKind::Appointment
            && matches!(choice.channel, Channel::Letter | Channel::Phone);
        if choice.opted_in && !by_hand {
            problems.extend(unreachable(choice.channel, &field, &ways, reachable));
        }
    }
    if problems.is_empty() { Ok(Checked { ways }) } else { Err(problems) }
}

/// An address in the one form that is kept.
pub fn address(channel: Channel, given: &str, field: &str) -> Result<String, Problem> {
    let both = |text: &dyn Fn(Locale) -> &'static str| {
        let Text { sv, en } = Text::new(text(Locale::Sv), text(Locale::En));
        Problem::input(field, sv, en)
    };
    match channel {
        Channel::Mail => match EmailAddress::parse(given) {
            Ok(address) => Ok(address.as_str().to_owned()),
            Err(error) => Err(both(&|locale| error.text(locale))),
        },
        Channel::Sms => match PhoneNumber::parse(given) {
            Ok(number) if number.takes_text_messages() => Ok(number.as_str().to_owned()),
            Ok(_) => Err(Problem::input(
                field,
                "Numret kan inte ta emot sms. Ange ett mobilnummer.",
                "The number cannot receive text messages. Give a mobile number.",
            )),
            Err(error) => Err(both(&|locale| error.text(locale))),
        },
        Channel::Letter | Channel::Phone => Err(no_such_way(field)),
    }
}

/// A choice of what is no way for a message of the service.
pub fn no_such_way(field: &str) -> Problem {
    Problem::input(
        field,
        "Brev och telefonsamtal kan inte väljas här. Säg till mottagningen om du vill ha det.",
        "Letters and calls cannot be chosen here. Tell the unit if you want them.",
    )
}

/// What a yes was said to: the text as it was shown, and that it still is the text.
pub fn shown(
    opted_in: bool,
    text: &str,
    version: Option<&str>,
    current: &str,
    field: &str,
    problems: &mut Vec<Problem>,
) {
    let text = text.trim();
    // A no needs no text: opting out must never fail for want of one.
    if (opted_in && text.is_empty()) || text.chars().count() > TEXT_AT_MOST {
        problems.push(Problem::input(
            &format!("{field}textShown"),
            format!("Ange texten som patienten har sett, högst {TEXT_AT_MOST} tecken."),
            format!("Give the text that the patient has seen, {TEXT_AT_MOST} characters at most."),
        ));
    }
    if opted_in && version.is_some_and(|version| version != current) {
        problems.push(Problem::input(
            &format!("{field}textVersion"),
            "Texterna har ändrats. Visa de nya innan du väljer.",
            "The texts have changed. Show the new ones before the choice.",
        ));
    }
}

/// Why a yes to the channel would lead nowhere, if it would.
fn unreachable(
    channel: Channel,
    field: &str,
    new: &[(Channel, String)],
    reachable: &[Channel],
) -> Option<Problem> {
    let known = reachable.contains(&channel) || new.iter().any(|(other, _)| *other == channel);
    match channel {
        Channel::Letter | Channel::Phone => Some(no_such_way(field)),
        Channel::Mail if !known => Some(Problem::input(
            "contactWays.mail",
            "Ange en e-postadress för att få e-post.",
            "Give a mail address to get mail.",
        )),
        Channel::Sms if !known => Some(Problem::input(
            "contactWays.phone",
            "Ange ett mobilnummer för att få sms.",
            "Give a mobile number to get text messages.",
        )),
        Channel::Mail | Channel::Sms => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn yes(channel: Channel) -> Choice {
        Choice {
            kind: PreferenceKind::Appointment,
            channel,
            opted_in: true,
            detail: Detail::TimeOnly,
            text_shown: "Mån 1 mars kl. 09.00".to_owned(),
            text_version: None,
        }
    }

    #[test]
    fn a_yes_needs_an_address_known_or_given() {
        let mail = Addresses { mail: Some("anna@example.org".to_owned()), phone: None };
        assert!(check(&[yes(Channel::Mail)], &Addresses::default(), &[], "sv-1", false).is_err());
        assert!(check(&[yes(Channel::Mail)], &Addresses::default(), &[Channel::Mail], "sv-1", false).is_ok());
        assert_eq!(check(&[yes(Channel::Mail)], &mail, &[], "sv-1", false).unwrap().ways.len(), 1);
        assert!(check(&[yes(Channel::Sms)], &mail, &[Channel::Mail], "sv-1", false).is_err());
    }

    #[test]
    fn a_yes_to_texts_that_have_changed_is_no_yes() {
        let said = |version: &str, opted_in| Choice {
            text_version: Some(version.to_owned()),
            opted_in,
            ..yes(Channel::Mail)
        };
        let checked = |choice| check(&[choice], &Addresses::default(), &[Channel::Mail], "sv-2", false);
        assert!(checked(said("sv-2", true)).is_ok() && checked(said("sv-1", false)).is_ok());
        let refused = checked(said("sv-1", true)).unwrap_err();
        assert_eq!(refused[0].field.as_deref(), Some("choices.0.textVersion"));
    }

    #[test]
    fn letters_and_calls_are_written_down_by_care_for_appointments_alone() {
        let checked = |kind, channel, by_care| {
            check(&[Choice { kind, ..yes(channel) }], &Addresses::default(), &[], "sv-1", by_care).is_ok()
        };
        for channel in [Channel::Letter, Channel::Phone] {
            assert!(checked(PreferenceKind::Appointment, channel, true));
            assert!(!checked(PreferenceKind::Appointment, channel, false));
            assert!(!checked(PreferenceKind::Plan, channel, true));
        }
    }

    #[test]
    fn a_no_needs_none() {
        let no = Choice { opted_in: false, ..yes(Channel::Sms) };
        assert!(check(&[no], &Addresses::default(), &[], "sv-1", false).is_ok());
    }

    #[test]
    fn all_problems_come_at_once() {
        let addresses =
            Addresses { mail: Some("inte en adress".to_owned()), phone: Some("08-123".to_owned()) };
        let twice = [yes(Channel::Letter), Choice { text_shown: " ".to_owned(), ..yes(Channel::Letter) }];
        let fields: Vec<_> = check(&twice, &addresses, &[], "sv-1", false)
            .unwrap_err()
            .into_iter()
            .filter_map(|p| p.field)
            .collect();
        for field in
            ["contactWays.mail", "contactWays.phone", "choices.0", "choices.1", "choices.1.textShown"]
        {
            assert!(fields.iter().any(|f| f == field), "{field} in {fields:?}");
        }
    }
}
