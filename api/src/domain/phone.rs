//! Phone numbers and mail addresses: what people write, and the one form the service keeps and sends to.
//!
//! An address that is accepted here can stand in an SMTP command or a gateway's form without further care: no
//! control characters, no second address, bounded length.

use std::{fmt, str::FromStr};

use phonenumber::{Mode, Type, country};

use crate::locale::Locale;

/// A phone number in E.164, such as `+46701234567`, that exists in its country's plan of numbers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber {
    e164: String,
    text_messages: bool,
}

/// What is wrong with a phone number that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PhoneError {
    #[error("no number")]
    Empty,
    #[error("not a phone number")]
    NotANumber,
    #[error("unknown country code")]
    UnknownCountry,
    #[error("too few digits")]
    TooShort,
    #[error("too many digits")]
    TooLong,
    #[error("no such number in its country's plan")]
    Impossible,
}

impl PhoneError {
    /// What the person who wrote the number is told.
    pub const fn text(self, locale: Locale) -> &'static str {
        match self {
            Self::Empty => locale.pick("Skriv ett telefonnummer.", "Enter a phone number."),
            Self::NotANumber => locale.pick(
                "Det här är inte ett telefonnummer. Skriv till exempel 070-123 45 67.",
                "This is not a phone number. Write for example 070-123 45 67.",
            ),
            Self::UnknownCountry => locale.pick(
                "Landsnumret finns inte. Kontrollera siffrorna efter plustecknet.",
                "The country code does not exist. Check the digits after the plus sign.",
            ),
            Self::TooShort => locale.pick("Numret har för få siffror.", "The number has too few digits."),
            Self::TooLong => locale.pick("Numret har för många siffror.", "The number has too many digits."),
            Self::Impossible => locale.pick(
                "Numret kan inte stämma. Kontrollera siffrorna.",
                "The number cannot be right. Check the digits.",
            ),
        }
    }
}

/// A number for people to call, in its kept form: any phone number, and the short ones that people in Sweden are told to
/// call.
pub fn callable(input: &str) -> Result<String, PhoneError> {
    match input.trim() {
        short @ ("112" | "1177") => Ok(short.to_owned()),
        number => PhoneNumber::parse(number).map(|number| number.as_str().to_owned()),
    }
}

impl PhoneNumber {
    /// Reads a number; without a country code it is Swedish.
    pub fn parse(input: &str) -> Result<Self, PhoneError> {
        let input = input.trim();
        if input.is_empty() {
            return Err(PhoneError::Empty);
        }
        let plain =
            |c: char| c.is_ascii_digit() || matches!(c, ' ' | '\u{a0}' | '-' | '/' | '(' | ')' | '.' | '+');
        if !input.chars().all(plain) || input.char_indices().any(|(i, c)| c == '+' && i > 0) {
            return Err(PhoneError::NotANumber);
        }
        let digits = input.chars().filter(char::is_ascii_digit).count();
        if digits < 5 {
            return Err(PhoneError::TooShort);
        }
        // E.164 has fifteen at most; two more for an international prefix.
        if digits > 17 {
            return Err(PhoneError::TooLong);
        }
        let input: String = input.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        let number = phonenumber::parse(Some(country::Id::SE), input).map_err(|e| match e {
            phonenumber::ParseError::InvalidCountryCode => PhoneError::UnknownCountry,
            phonenumber::ParseError::TooShortAfterIdd | phonenumber::ParseError::TooShortNsn => {
                PhoneError::TooShort
            }
            phonenumber::ParseError::TooLong => PhoneError::TooLong,
            phonenumber::ParseError::NoNumber | phonenumber::ParseError::MalformedInteger(_) => {
                PhoneError::NotANumber
            }
        })?;
        if !number.is_valid() {
            return Err(PhoneError::Impossible);
        }
        let kind = number.number_type(&phonenumber::metadata::DATABASE);
        Ok(Self {
            e164: number.format().mode(Mode::E164).to_string(),
            text_messages: matches!(kind, Type::Mobile | Type::FixedLineOrMobile),
        })
    }

    /// The kept form, E.164. Sensitive: not for logs or errors.
    pub fn as_str(&self) -> &str {
        &self.e164
    }

    /// Whether a text message (SMS) can reach the number: a mobile one, or one of a country that does not tell.
    pub const fn takes_text_messages(&self) -> bool {
        self.text_messages
    }
}

impl FromStr for PhoneNumber {
    type Err = PhoneError;

    fn from_str(input: &str) -> Result<Self, PhoneError> {
        Self::parse(input)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(***)")
    }
}

/// A mail address that fits in one SMTP command: one mailbox, no control characters, at most 254 octets.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(lettre::Address);

/// What is wrong with a mail address that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EmailError {
    #[error("no address")]
    Empty,
    #[error("too long")]
    TooLong,
    #[error("a character that no address has")]
    WrongCharacter,
    #[error("not a mail address")]
    NotAnAddress,
}

impl EmailError {
    /// What the person who wrote the address is told.
    pub const fn text(self, locale: Locale) -> &'static str {
        match self {
            Self::Empty => locale.pick("Skriv en e-postadress.", "Enter a mail address."),
            Self::TooLong => locale.pick("E-postadressen är för lång.", "The mail address is too long."),
            Self::WrongCharacter => locale.pick(
                "E-postadressen innehåller ett tecken som inte hör dit, till exempel ett mellanslag.",
                "The mail address has a character that does not belong there, for example a space.",
            ),
            Self::NotAnAddress => locale.pick(
                "Det här är inte en e-postadress. Skriv till exempel namn@exempel.se.",
                "This is not a mail address. Write for example name@example.com.",
            ),
        }
    }
}

impl EmailAddress {
    /// Reads one address. The part after `@` is kept in lower case; what stands before it belongs to the
    /// receiver and is kept as written.
    pub fn parse(input: &str) -> Result<Self, EmailError> {
        // Not `trim`: a line break at the end is an attempt at a header, not a slip of the hand.
        let input = input.trim_matches(' ');
        if input.is_empty() {
            return Err(EmailError::Empty);
        }
        // RFC 5321 4.5.3.1: 64 octets before the @, 254 in all.
        if input.len() > 254 || input.rsplit_once('@').is_some_and(|(user, _)| user.len() > 64) {
            return Err(EmailError::TooLong);
        }
        let wrong =
            |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '\\');
        if input.chars().any(wrong) {
            return Err(EmailError::WrongCharacter);
        }
        let (user, domain) = input.rsplit_once('@').ok_or(EmailError::NotAnAddress)?;
        // A host of one word is a name of the local network, and a number is no place for a patient's mail.
        if !domain.contains('.') || domain.starts_with('[') || domain.parse::<std::net::IpAddr>().is_ok() {
            return Err(EmailError::NotAnAddress);
        }
        lettre::Address::new(user, domain.to_lowercase()).map(Self).map_err(|_| EmailError::NotAnAddress)
    }

    /// The kept form. Sensitive: not for logs or errors.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }

    /// The address as the mail library takes it.
    pub const fn address(&self) -> &lettre::Address {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = EmailError;

    fn from_str(input: &str) -> Result<Self, EmailError> {
        Self::parse(input)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(***)")
    }
}

/// A kept address with what tells a person from another taken out, such as `a***@exempel.se` or `+4670*****05`.
pub fn masked(address: &str) -> String {
    if let Some((user, domain)) = address.split_once('@') {
        let first: String = user.chars().take(1).collect();
        return format!("{first}***@{domain}");
    }
    let last = address.len().saturating_sub(2);
    address.char_indices().map(|(i, c)| if (5..last).contains(&i) { '*' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_can_be_told_to_call_a_short_number_too() {
        assert_eq!(callable(" 112 ").as_deref(), Ok("112"));
        assert_eq!(callable("1177").as_deref(), Ok("1177"));
        assert_eq!(callable("070-174 06 05").as_deref(), Ok("+46701740605"));
        assert_eq!(callable("113"), Err(PhoneError::TooShort));
    }

    #[test]
    fn a_swedish_number_is_kept_as_e164_however_it_is_written() {
        for written in [
            "070-174 06 05",
            "0701740605",
            "+46 70 174 06 05",
            "0046701740605",
            "+46 (0)70-174 06 05",
            " 070/1740605 ",
        ] {
            assert_eq!(PhoneNumber::parse(written).unwrap().as_str(), "+46701740605", "{written}");
        }
        assert_eq!(PhoneNumber::parse("+47 406 12 345").unwrap().as_str(), "+4740612345");
    }

    #[test]
    fn only_a_mobile_takes_text_messages() {
        assert!(PhoneNumber::parse("070-174 06 05").unwrap().takes_text_messages());
        assert!(!PhoneNumber::parse("08-465 004 00").unwrap().takes_text_messages());
    }

    #[test]
    fn what_is_wrong_with_a_number_is_said() {
        for (written, error) in [
            ("", PhoneError::Empty),
            ("  ", PhoneError::Empty),
            ("070", PhoneError::TooShort),
            ("ring mig", PhoneError::NotANumber),
            ("070-174 06 05\r\nX: y", PhoneError::NotANumber),
            ("070+1740605", PhoneError::NotANumber),
            ("070174060507017406050", PhoneError::TooLong),
            ("+999 1234567", PhoneError::UnknownCountry),
            ("070-174 06", PhoneError::Impossible),
        ] {
            assert_eq!(PhoneNumber::parse(written), Err(error), "{written}");
            assert_ne!(error.text(Locale::Sv), error.text(Locale::En));
        }
    }

    #[test]
    fn a_debug_print_tells_no_address() {
        assert_eq!(format!("{:?}", PhoneNumber::parse("070-174 06 05").unwrap()), "PhoneNumber(***)");
        assert_eq!(format!("{:?}", EmailAddress::parse("a@b.se").unwrap()), "EmailAddress(***)");
    }

    #[test]
    fn a_mail_address_is_one_mailbox() {
        assert_eq!(
            EmailAddress::parse(" Anna.Ek+tid@Exempel.SE ").unwrap().as_str(),
            "Anna.Ek+tid@exempel.se"
        );
        for (written, error) in [
            ("", EmailError::Empty),
            ("anna", EmailError::NotAnAddress),
            ("@exempel.se", EmailError::NotAnAddress),
            ("anna@", EmailError::NotAnAddress),
            ("anna@localhost", EmailError::NotAnAddress),
            ("anna@127.0.0.1", EmailError::NotAnAddress),
            ("anna@[127.0.0.1]", EmailError::NotAnAddress),
            ("anna@ex_mpel..se", EmailError::NotAnAddress),
            ("anna ek@exempel.se", EmailError::WrongCharacter),
            ("anna@exempel.se\r\nBcc: x@y.se", EmailError::WrongCharacter),
            ("anna@exempel.se\n", EmailError::WrongCharacter),
            ("anna@exempel.se,bo@exempel.se", EmailError::WrongCharacter),
            ("<anna@exempel.se>", EmailError::WrongCharacter),
        ] {
            assert_eq!(EmailAddress::parse(written), Err(error), "{written:?}");
        }
        assert_eq!(EmailAddress::parse(&format!("{}@exempel.se", "a".repeat(65))), Err(EmailError::TooLong));
        assert_eq!(EmailAddress::parse(&format!("a@{}.se", "b.".repeat(130))), Err(EmailError::TooLong));
    }

    proptest! {
        #[test]
        fn a_kept_number_reads_back_as_itself(rest in "7[0236][0-9]{7}") {
            let number = PhoneNumber::parse(&format!("0{rest}")).unwrap();
            prop_assert_eq!(number.as_str(), format!("+46{rest}"));
            prop_assert_eq!(&PhoneNumber::parse(number.as_str()).unwrap(), &number);
        }

        #[test]
        fn nothing_that_is_typed_can_break_the_readers(input in "\\PC{0,40}", digits in "[0-9+() -]{0,24}", mail in "[a-z.@\\[\\]\r\n<>]{0,30}") {
            for text in [&input, &digits, &mail] {
                if let Ok(number) = PhoneNumber::parse(text) {
                    prop_assert!(number.as_str().len() <= 16);
                }
                if let Ok(address) = EmailAddress::parse(text) {
                    prop_assert!(!address.as_str().contains(['\r', '\n', '<', '>', ' ']));
                }
            }
        }
    }
}
