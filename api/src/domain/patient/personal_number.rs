//! Personal identity numbers: what people write, and the one form the service keeps.
//!
//! A number that is wrong by one digit finds another person's plan or none at all, so what cannot be right is
//! refused, with a text that says what to look at. The rules are Skatteverket's for personnummer and
//! samordningsnummer, Inera's specification of national reserve identities 1.0 for those, and the regions'
//! own published formats for regional reserve numbers.

use std::fmt;

use chrono::{Datelike, NaiveDate};

use crate::locale::Locale;

pub use entity::patient_identity::Kind as NumberKind;

/// Characters of an issuer at most.
const MOST_OF_ISSUER: usize = 64;
/// Region Stockholm's series of reserve numbers.
pub const STOCKHOLM: &str = "1.2.752.97.3.1.3";
/// Västra Götalandsregionen's series of reserve numbers.
pub const VASTRA_GOTALAND: &str = "1.2.752.113.11.0.2.1.1.1";

/// A number that follows the rules of its kind: twelve characters, upper case, without separators. A regional reserve
/// number has at most twelve, and its issuer before them: two regions may give out the same characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonalNumber {
    characters: String,
    kind: NumberKind,
    issuer: Option<String>,
}

/// What is wrong with a number that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NumberError {
    /// Nothing was written.
    #[error("no number")]
    Empty,
    /// Neither ten nor twelve characters.
    #[error("neither ten nor twelve characters")]
    WrongLength,
    /// Letters where only digits can stand.
    #[error("letters among the digits")]
    Letters,
    /// A character that no number has, or a separator in the wrong place.
    #[error("a character that does not belong")]
    WrongCharacter,
    /// No such day in the calendar.
    #[error("no such date")]
    ImpossibleDate,
    /// A day of birth that has not come.
    #[error("a date of birth in the future")]
    FutureDate,
    /// The last digit does not fit the others.
    #[error("wrong check digit")]
    WrongCheckDigit,
    /// Reserve numbers: not the published form.
    #[error("not the form of a reserve number")]
    WrongReserveForm,
    /// A regional reserve number without its issuer.
    #[error("no issuer")]
    NoIssuer,
}

impl NumberError {
    /// What the person who wrote the number is told.
    pub const fn text(self, locale: Locale) -> &'static str {
        match self {
            Self::Empty => locale.pick("Skriv ett personnummer.", "Enter a personal identity number."),
            Self::WrongLength => locale.pick(
                "Numret ska ha tolv siffror, till exempel ÅÅÅÅMMDD-NNNN.",
                "The number must have twelve digits, for example YYYYMMDD-NNNN.",
            ),
            Self::Letters => locale.pick(
                "Numret får bara ha siffror. Ett nationellt reservnummer har bokstäver bara bland de fyra sista tecknen.",
                "The number may only have digits. A national reserve number has letters only among its last four characters.",
            ),
            Self::WrongCharacter => locale.pick(
                "Numret innehåller ett tecken som inte hör dit. Skriv ÅÅÅÅMMDD-NNNN.",
                "The number has a character that does not belong there. Write YYYYMMDD-NNNN.",
            ),
            Self::ImpossibleDate => locale.pick(
                "Datumet i numret finns inte. Kontrollera år, månad och dag.",
                "The date in the number does not exist. Check year, month and day.",
            ),
            Self::FutureDate => locale.pick(
                "Födelsedatumet ligger i framtiden. Kontrollera året.",
                "The date of birth is in the future. Check the year.",
            ),
            Self::WrongCheckDigit => locale.pick(
                "Sista siffran stämmer inte med de andra. Kontrollera siffrorna.",
                "The last digit does not fit the others. Check the digits.",
            ),
            Self::WrongReserveForm => locale.pick(
                "Numret ser ut som ett reservnummer men har inte rätt form. Kontrollera tecknen.",
                "The number looks like a reserve number but does not have its form. Check the characters.",
            ),
            Self::NoIssuer => locale.pick(
                "Skriv vem som har gett ut reservnumret, som OID|NUMMER.",
                "Write who issued the reserve number, as OID|NUMBER.",
            ),
        }
    }
}

impl PersonalNumber {
    /// Reads a personnummer, samordningsnummer or national reserve number in any of the forms people use:
    /// `YYYYMMDDNNNN`, `YYYYMMDD-NNNN`, `YYMMDDNNNN`, `YYMMDD-NNNN` and `YYMMDD+NNNN`.
    ///
    /// The century of a ten-digit form follows from `today`: `+` is written from the year in which the person
    /// turns 100, `-` (or nothing) before it.
    ///
    /// A regional reserve number is written after its issuer, `OID|NUMBER`: see [`Self::parse_regional`].
    pub fn parse(input: &str, today: NaiveDate) -> Result<Self, NumberError> {
        if let Some((issuer, number)) = input.split_once('|') {
            return Self::parse_regional(number, issuer);
        }
        let written = Written::read(input)?;
        if written.characters.iter().any(u8::is_ascii_alphabetic) {
            return national_reserve(&written, today);
        }
        let digits = written.with_century(today)?;
        let number =
            |from: usize, to: usize| digits[from..to].iter().fold(0_u32, |n, d| n * 10 + u32::from(d - b'0'));
        let (year, month, day) = (number(0, 4), number(4, 6), number(6, 8));
        let (kind, day) = if day > 60 {
            (NumberKind::Samordningsnummer, day - 60)
        } else {
            (NumberKind::Personnummer, day)
        };
        // No one alive was born before this century, and the register does not reach further back.
        if !(18..=99).contains(&number(0, 2)) {
            return Err(NumberError::ImpossibleDate);
        }
        let born =
            NaiveDate::from_ymd_opt(year.cast_signed(), month, day).ok_or(NumberError::ImpossibleDate)?;
        if check_digit(&digits[2..11]) != Some(digits[11] - b'0') {
            return Err(NumberError::WrongCheckDigit);
        }
        if born > today {
            return Err(NumberError::FutureDate);
        }
        Ok(Self { characters: text(&digits), kind, issuer: None })
    }

    /// Reads a regional reserve number of the series `issuer` (an object identifier).
    ///
    /// The published formats of Region Stockholm and Västra Götalandsregionen are checked to the digit. For
    /// other issuers nothing more is known than that a number has at most twelve letters and digits, so nothing
    /// more is demanded.
    pub fn parse_regional(input: &str, issuer: &str) -> Result<Self, NumberError> {
        let issuer = issuer.trim();
        let is_oid = |c: char| c.is_ascii_digit() || c == '.';
        if issuer.is_empty() || issuer.len() > MOST_OF_ISSUER || !issuer.chars().all(is_oid) {
            return Err(NumberError::NoIssuer);
        }
        let characters: Vec<u8> = input
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| if c.is_ascii_alphanumeric() { Ok(c.to_ascii_uppercase() as u8) } else { Err(c) })
            .collect::<Result<_, _>>()
            .map_err(|_| NumberError::WrongCharacter)?;
        if characters.is_empty() {
            return Err(NumberError::Empty);
        }
        match issuer {
            STOCKHOLM => stockholm(&characters)?,
            VASTRA_GOTALAND => vastra_gotaland(&characters)?,
            _ if characters.len() > 12 => return Err(NumberError::WrongLength),
            _ => {}
        }
        Ok(Self {
            characters: format!("{issuer}|{}", text(&characters)),
            kind: NumberKind::RegionalReserve,
            issuer: Some(issuer.to_owned()),
        })
    }

    pub const fn kind(&self) -> NumberKind {
        self.kind
    }

    /// The kept form: no separator, but for the `|` after an issuer. Sensitive: not for logs or errors.
    pub fn as_str(&self) -> &str {
        &self.characters
    }

    /// The issuer (object identifier) of a regional reserve number.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The form that people are shown, `YYYYMMDD-NNNN` or `OID|NUMBER`. Sensitive: not for logs or errors.
    pub fn shown(&self) -> String {
        match (self.kind, self.characters.split_at_checked(8)) {
            (NumberKind::RegionalReserve, _) | (_, None) => self.characters.clone(),
            (_, Some((date, rest))) => format!("{date}-{rest}"),
        }
    }

    /// The day of birth that the number tells; none where a reserve number does not tell one. A person's day of
    /// birth is kept on its own and may be another.
    pub fn birth_date(&self) -> Option<NaiveDate> {
        let part = |from: usize, to: usize| self.characters.get(from..to)?.parse::<u32>().ok();
        let (century, year, month, day) = (part(0, 2)?, part(2, 4)?, part(4, 6)?, part(6, 8)?);
        let (century, day) = match self.kind {
            NumberKind::Personnummer => (century, day),
            NumberKind::Samordningsnummer => (century, day.checked_sub(60)?),
            NumberKind::NationalReserve => (reserve_century(century)?, day),
            NumberKind::RegionalReserve => return None,
        };
        NaiveDate::from_ymd_opt((century * 100 + year).cast_signed(), month, day)
    }
}

/// Never the number itself: a debug print ends in a log sooner or later.
impl fmt::Debug for PersonalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonalNumber({:?} ********-****)", self.kind)
    }
}

/// A number as it was written: ten or twelve letters and digits, and whether a `+` stood before the last four.
struct Written {
    characters: Vec<u8>,
    hundred: bool,
}

impl Written {
    fn read(input: &str) -> Result<Self, NumberError> {
        let mut characters = Vec::with_capacity(12);
        let mut separator = None;
        for c in input.chars().filter(|c| !c.is_whitespace()) {
            match c {
                '0'..='9' | 'a'..='z' | 'A'..='Z' => characters.push(c.to_ascii_uppercase() as u8),
                // Word processors turn a hyphen into its relatives.
                '-' | '\u{2010}'..='\u{2013}' | '\u{2212}' | '+' if separator.is_none() => {
                    separator = Some((characters.len(), c == '+'));
                }
                c if c.is_alphabetic() => return Err(NumberError::Letters),
                _ => return Err(NumberError::WrongCharacter),
            }
            if characters.len() > 12 {
                return Err(NumberError::WrongLength);
            }
        }
        match (characters.len(), separator) {
            (0, _) => Err(NumberError::Empty),
            (10 | 12, Some((at, _))) if at != characters.len() - 4 => Err(NumberError::WrongCharacter),
            (10 | 12, separator) => Ok(Self { characters, hundred: separator.is_some_and(|(_, plus)| plus) }),
            _ => Err(NumberError::WrongLength),
        }
    }

    /// Twelve digits; the century of a ten-digit form is the one that fits `today`.
    fn with_century(&self, today: NaiveDate) -> Result<[u8; 12], NumberError> {
        if let Ok(digits) = <[u8; 12]>::try_from(self.characters.as_slice()) {
            return Ok(digits);
        }
        let [tens, ones, ..] = self.characters.as_slice() else { return Err(NumberError::WrongLength) };
        let written = i32::from(tens - b'0') * 10 + i32::from(ones - b'0');
        let latest = today.year() - if self.hundred { 100 } else { 0 };
        let year = latest - (latest - written).rem_euclid(100);
        let year = format!("{year:04}");
        let mut digits = [b'0'; 12];
        digits.iter_mut().zip(year.bytes().chain(self.characters.iter().skip(2).copied())).for_each(
            |(to, from)| {
                *to = from;
            },
        );
        Ok(digits)
    }
}

/// National reserve identities (Inera, specification 1.0), `XXYYMMDDNNGC`: `XX` is the century of birth plus a
/// multiple of three, or 00 with a running number in place of the date; `NN` are letters without I, O, Q, V and W;
/// `G` is a digit as in a personnummer, or a letter where the sex is unknown; `C` is a check digit over the other
/// eleven, where a letter counts as its character code.
fn national_reserve(written: &Written, today: NaiveDate) -> Result<PersonalNumber, NumberError> {
    let characters = &written.characters;
    if characters.len() != 12 || characters[..8].iter().any(u8::is_ascii_alphabetic) {
        return Err(NumberError::Letters);
    }
    let letter = |c: u8| c.is_ascii_uppercase() && !b"IOQVW".contains(&c);
    if written.hundred
        || !letter(characters[8])
        || !letter(characters[9])
        || !(letter(characters[10]) || characters[10].is_ascii_digit())
        || !characters[11].is_ascii_digit()
    {
        return Err(NumberError::WrongReserveForm);
    }
    let number =
        PersonalNumber { characters: text(characters), kind: NumberKind::NationalReserve, issuer: None };
    let pair = |at: usize| (characters[at] - b'0') * 10 + characters[at + 1] - b'0';
    if pair(0) == 0 {
        if pair(4) < 20 || !(40..=59).contains(&pair(6)) {
            return Err(NumberError::WrongReserveForm);
        }
    } else {
        reserve_century(pair(0).into()).ok_or(NumberError::WrongReserveForm)?;
        let born = number.birth_date().ok_or(NumberError::ImpossibleDate)?;
        if born > today {
            return Err(NumberError::FutureDate);
        }
    }
    if reserve_check_digit(&characters[..11]) != characters[11] - b'0' {
        return Err(NumberError::WrongCheckDigit);
    }
    Ok(number)
}

/// The century of birth behind the first two digits of a national reserve number: 19 or 20, plus 3, 6, … 78.
const fn reserve_century(written: u32) -> Option<u32> {
    match written {
        22..=98 if written.is_multiple_of(3) => None,
        22..=97 if written % 3 == 1 => Some(19),
        23..=98 if written % 3 == 2 => Some(20),
        _ => None,
    }
}

/// `99yyyyNNNNNC`: a year, a running number, and a check digit over positions 5 to 11.
fn stockholm(characters: &[u8]) -> Result<(), NumberError> {
    if characters.len() != 12 {
        return Err(NumberError::WrongLength);
    }
    if characters.iter().any(u8::is_ascii_alphabetic) {
        return Err(NumberError::Letters);
    }
    if !characters.starts_with(b"99") {
        return Err(NumberError::WrongReserveForm);
    }
    let (body, check) = (&characters[4..11], characters[11] - b'0');
    if check_digit(body) == Some(check) { Ok(()) } else { Err(NumberError::WrongCheckDigit) }
}

/// `yyyymmddGggC`: a date, K (woman, counts as 5), M (man, 7) or X (unknown, 8), a running number, a check digit.
fn vastra_gotaland(characters: &[u8]) -> Result<(), NumberError> {
    if characters.len() != 12 {
        return Err(NumberError::WrongLength);
    }
    let sex = match characters[8] {
        b'K' => b'5',
        b'M' => b'7',
        b'X' => b'8',
        _ => return Err(NumberError::WrongReserveForm),
    };
    let mut digits = characters.to_vec();
    digits[8] = sex;
    if digits.iter().any(u8::is_ascii_alphabetic) {
        return Err(NumberError::Letters);
    }
    let date = std::str::from_utf8(&digits[..8]).unwrap_or_default();
    NaiveDate::parse_from_str(date, "%Y%m%d").map_err(|_| NumberError::ImpossibleDate)?;
    let check = digits[11] - b'0';
    if check_digit(&digits[2..11]) == Some(check) { Ok(()) } else { Err(NumberError::WrongCheckDigit) }
}

/// The check digit of Skatteverket's rule: digits times 2, 1, 2, …, cross sums, what is missing to the next ten.
pub(crate) fn check_digit(digits: &[u8]) -> Option<u8> {
    let mut sum = 0;
    for (i, d) in digits.iter().enumerate() {
        let d = d.is_ascii_digit().then(|| d - b'0')?;
        let product = if i % 2 == 0 { d * 2 } else { d };
        sum += product / 10 + product % 10;
    }
    Some((10 - sum % 10) % 10)
}

/// As [`check_digit`], with letters counted by their character code.
fn reserve_check_digit(characters: &[u8]) -> u8 {
    let sum: u32 = characters
        .iter()
        .enumerate()
        .map(|(i, c)| {
            let value = u32::from(if c.is_ascii_digit() { c - b'0' } else { *c });
            let product = if i % 2 == 0 { value * 2 } else { value };
            product / 100 + product / 10 % 10 + product % 10
        })
        .sum();
    ((10 - sum % 10) % 10) as u8
}

fn text(characters: &[u8]) -> String {
    characters.iter().copied().map(char::from).collect()
}

#[cfg(test)]
#[path = "personal_number_tests.rs"]
mod tests;
