//! What a choice about reminders must hold: pure, all problems at once.

use entity::{
    contact_way::Channel,
    reminder_preference::{Detail, PreferenceKind},
};
use serde::Serialize;

use crate::{
    domain::phone::{EmailAddress, PhoneNumber},
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

/// Checks choices and addresses. `reachable` are the channels that the patient can be reached by already.
pub fn check(
    choices: &[Choice],
    addresses: &Addresses,
    reachable: &[Channel],
) -> Result<Checked, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut ways = Vec::new();
    let both = |text: &dyn Fn(Locale) -> &'static str| Text::new(text(Locale::Sv), text(Locale::En));
    if let Some(mail) = &addresses.mail {
        match EmailAddress::parse(mail) {
            Ok(address) => ways.push((Channel::Mail, address.as_str().to_owned())),
            Err(error) => {
                let Text { sv, en } = both(&|locale| error.text(locale));
                problems.push(Problem::input("contactWays.mail", sv, en));
            }
        }
    }
    if let Some(phone) = &addresses.phone {
        match PhoneNumber::parse(phone) {
            Ok(number) if number.takes_text_messages() => {
                ways.push((Channel::Sms, number.as_str().to_owned()));
            }
            Ok(_) => problems.push(Problem::input(
                "contactWays.phone",
                "Numret kan inte ta emot sms. Ange ett mobilnummer.",
                "The number cannot receive text messages. Give a mobile number.",
            )),
            Err(error) => {
                let Text { sv, en } = both(&|locale| error.text(locale));
                problems.push(Problem::input("contactWays.phone", sv, en));
            }
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
        let shown = choice.text_shown.trim();
        // A no needs no text: opting out must never fail for want of one.
        if (choice.opted_in && shown.is_empty()) || shown.chars().count() > TEXT_AT_MOST {
            problems.push(Problem::input(
                &format!("{field}.textShown"),
                format!("Ange texten som patienten har sett, högst {TEXT_AT_MOST} tecken."),
                format!("Give the text that the patient has seen, {TEXT_AT_MOST} characters at most."),
            ));
        }
        if choice.opted_in {
            problems.extend(unreachable(choice.channel, &field, &ways, reachable));
        }
    }
    if problems.is_empty() { Ok(Checked { ways }) } else { Err(problems) }
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
        Channel::Letter | Channel::Phone => Some(Problem::input(
            field,
            "Brev och telefonsamtal kan inte väljas här. Säg till mottagningen om du vill ha det.",
            "Letters and calls cannot be chosen here. Tell the unit if you want them.",
        )),
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
        }
    }

    #[test]
    fn a_yes_needs_an_address_known_or_given() {
        let mail = Addresses { mail: Some("anna@example.org".to_owned()), phone: None };
        assert!(check(&[yes(Channel::Mail)], &Addresses::default(), &[]).is_err());
        assert!(check(&[yes(Channel::Mail)], &Addresses::default(), &[Channel::Mail]).is_ok());
        assert_eq!(check(&[yes(Channel::Mail)], &mail, &[]).unwrap().ways.len(), 1);
        assert!(check(&[yes(Channel::Sms)], &mail, &[Channel::Mail]).is_err());
    }

    #[test]
    fn a_no_needs_none() {
        let no = Choice { opted_in: false, ..yes(Channel::Sms) };
        assert!(check(&[no], &Addresses::default(), &[]).is_ok());
    }

    #[test]
    fn all_problems_come_at_once() {
        let addresses =
            Addresses { mail: Some("inte en adress".to_owned()), phone: Some("08-123".to_owned()) };
        let twice = [yes(Channel::Letter), Choice { text_shown: " ".to_owned(), ..yes(Channel::Letter) }];
        let fields: Vec<_> =
            check(&twice, &addresses, &[]).unwrap_err().into_iter().filter_map(|p| p.field).collect();
        for field in
            ["contactWays.mail", "contactWays.phone", "choices.0", "choices.1", "choices.1.textShown"]
        {
            assert!(fields.iter().any(|f| f == field), "{field} in {fields:?}");
        }
    }
}
