#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

fn parse(input: &str) -> Result<PersonalNumber, NumberError> {
    PersonalNumber::parse(input, today())
}

#[test]
fn every_way_of_writing_a_number_gives_the_one_form() {
    for written in
        ["19811218-9876", "198112189876", "811218-9876", "8112189876", " 811218 9876 ", "811218\u{2013}9876"]
    {
        let number = parse(written).unwrap();
        assert_eq!(number.shown(), "19811218-9876", "{written}");
        assert_eq!(number.as_str(), "198112189876");
        assert_eq!(number.kind(), NumberKind::Personnummer);
        assert_eq!(number.birth_date(), NaiveDate::from_ymd_opt(1981, 12, 18));
    }
}

#[test]
fn skatteverkets_published_examples_are_accepted() {
    for (written, shown) in [
        ("640823-3234", "19640823-3234"),
        ("19121212-1212", "19121212-1212"),
        ("121212+1212", "19121212-1212"),
        ("189001019802", "18900101-9802"),
    ] {
        assert_eq!(parse(written).unwrap().shown(), shown);
    }
    for (written, shown, born) in
        [("701063-2391", "19701063-2391", (1970, 10, 3)), ("640883-3231", "19640883-3231", (1964, 8, 23))]
    {
        let number = parse(written).unwrap();
        assert_eq!((number.shown().as_str(), number.kind()), (shown, NumberKind::Samordningsnummer));
        assert_eq!(number.birth_date(), NaiveDate::from_ymd_opt(born.0, born.1, born.2));
    }
}

#[test]
fn a_wrong_coordination_number_is_refused() {
    assert_eq!(parse("701063-2390"), Err(NumberError::WrongCheckDigit));
    assert_eq!(parse("701092-2391"), Err(NumberError::ImpossibleDate));
    assert_eq!(parse("701060-2391"), Err(NumberError::ImpossibleDate));
}

#[test]
fn a_plus_means_a_hundred_years_or_more() {
    assert_eq!(parse("121212+1212").unwrap().birth_date(), NaiveDate::from_ymd_opt(1912, 12, 12));
    assert_eq!(parse("121212-1212").unwrap().birth_date(), NaiveDate::from_ymd_opt(2012, 12, 12));
    // The sign changes with the year in which the person turns 100, not on the birthday.
    assert_eq!(parse("261201+0005").unwrap().birth_date(), NaiveDate::from_ymd_opt(1926, 12, 1));
    assert_eq!(parse("261201-0005"), Err(NumberError::FutureDate));
}

#[test]
fn what_is_wrong_is_said() {
    for (written, error) in [
        ("", NumberError::Empty),
        (" - ", NumberError::Empty),
        ("811218987", NumberError::WrongLength),
        ("81121898765", NumberError::WrongLength),
        ("19811218987600000000", NumberError::WrongLength),
        ("81121A-9876", NumberError::Letters),
        ("åå1218-9876", NumberError::Letters),
        ("811218_9876", NumberError::WrongCharacter),
        ("8112-189876", NumberError::WrongCharacter),
        ("811218--9876", NumberError::WrongCharacter),
        ("811318-9876", NumberError::ImpossibleDate),
        ("810229-9876", NumberError::ImpossibleDate),
        ("000012189876", NumberError::ImpossibleDate),
        ("811218-9867", NumberError::WrongCheckDigit),
        ("811218-9875", NumberError::WrongCheckDigit),
        ("20811218-9876", NumberError::FutureDate),
    ] {
        assert_eq!(parse(written), Err(error), "{written}");
    }
}

#[test]
fn the_text_tells_what_to_do_in_both_languages() {
    assert_eq!(
        NumberError::WrongCheckDigit.text(Locale::Sv),
        "Sista siffran stämmer inte med de andra. Kontrollera siffrorna."
    );
    assert_eq!(
        NumberError::WrongCheckDigit.text(Locale::En),
        "The last digit does not fit the others. Check the digits."
    );
}

#[test]
fn published_national_reserve_numbers_are_accepted() {
    for (written, born) in [
        ("98240301AA06", NaiveDate::from_ymd_opt(2024, 3, 1)),
        ("22790814-AA01", NaiveDate::from_ymd_opt(1979, 8, 14)),
        ("22950606-fh20", NaiveDate::from_ymd_opt(1995, 6, 6)),
        ("25780404KHD5", NaiveDate::from_ymd_opt(1978, 4, 4)),
        ("00342145BZ31", None),
        ("00749852BZK0", None),
    ] {
        let number = parse(written).unwrap();
        assert_eq!((number.kind(), number.birth_date()), (NumberKind::NationalReserve, born), "{written}");
        assert_eq!(number.as_str(), written.replace('-', "").to_uppercase());
    }
}

#[test]
fn a_wrong_national_reserve_number_is_refused() {
    for (written, error) in [
        ("22790814AA02", NumberError::WrongCheckDigit),
        ("19790914AA05", NumberError::WrongReserveForm),
        ("24790914AA09", NumberError::WrongReserveForm),
        ("00790914AA06", NumberError::WrongReserveForm),
        ("00792039AA05", NumberError::WrongReserveForm),
        ("22790231AA06", NumberError::ImpossibleDate),
        ("22790814AI01", NumberError::WrongReserveForm),
        ("22790814A101", NumberError::WrongReserveForm),
        ("22790814AA0A", NumberError::WrongReserveForm),
        ("790814AA01", NumberError::Letters),
        ("98990301AA06", NumberError::FutureDate),
    ] {
        assert_eq!(parse(written), Err(error), "{written}");
    }
}

#[test]
fn regional_reserve_numbers_keep_their_issuer_apart() {
    for written in ["991981000010", "991945000023", "991993000032"] {
        let number = PersonalNumber::parse_regional(written, STOCKHOLM).unwrap();
        assert_eq!((number.as_str(), number.issuer()), (&*format!("{STOCKHOLM}|{written}"), Some(STOCKHOLM)));
        assert_eq!(parse(&number.shown()).as_ref(), Ok(&number));
        assert_eq!((number.kind(), number.birth_date()), (NumberKind::RegionalReserve, None));
    }
    for written in ["19810829M071", "19450829K088", "19930829X802"] {
        assert!(PersonalNumber::parse_regional(written, VASTRA_GOTALAND).is_ok(), "{written}");
    }
    let (one, other) =
        (parse("1.2.752.74.9.2|19810829-su3a").unwrap(), parse("1.2.752.74.9.3|19810829SU3A").unwrap());
    assert_eq!(one, PersonalNumber::parse_regional("19810829SU3A", "1.2.752.74.9.2").unwrap());
    assert_ne!(one.as_str(), other.as_str(), "the same characters of two issuers are two numbers");
    for (written, issuer, error) in [
        ("991981000011", STOCKHOLM, NumberError::WrongCheckDigit),
        ("19810829M072", VASTRA_GOTALAND, NumberError::WrongCheckDigit),
        ("19811329M071", VASTRA_GOTALAND, NumberError::ImpossibleDate),
        ("991981000010", " ", NumberError::NoIssuer),
        ("991981000010", "Region Stockholm", NumberError::NoIssuer),
        ("", STOCKHOLM, NumberError::Empty),
        ("12345678901234", "1.2.3", NumberError::WrongLength),
        ("1234/5678", "1.2.3", NumberError::WrongCharacter),
    ] {
        assert_eq!(PersonalNumber::parse_regional(written, issuer), Err(error), "{written}");
    }
}

#[test]
fn a_debug_print_does_not_tell_the_number() {
    let shown = format!("{:?}", parse("198112189876").unwrap());
    assert_eq!(shown, "PersonalNumber(Personnummer ********-****)");
}

proptest! {
    #[test]
    fn a_shown_number_reads_back_as_itself(days in 0_u64..45_000, serial in 0_u32..1000, coordination: bool) {
        let born = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + chrono::Days::new(days);
        let day = born.day() + if coordination { 60 } else { 0 };
        let body = format!("{:04}{:02}{day:02}{serial:03}", born.year(), born.month());
        let check = check_digit(&body.as_bytes()[2..]).unwrap();
        let number = parse(&format!("{body}{check}")).unwrap();
        prop_assert_eq!(number.birth_date(), Some(born));
        prop_assert_eq!(&parse(&number.shown()).unwrap(), &number);
        // The short form with the sign of this year leads back too.
        let sign = if today().year() - born.year() >= 100 { '+' } else { '-' };
        let short = format!("{}{sign}{}", &number.as_str()[2..8], &number.as_str()[8..]);
        prop_assert_eq!(&parse(&short).unwrap(), &number);
        // Any other check digit is wrong.
        let wrong = format!("{body}{}", (check + 1) % 10);
        prop_assert_eq!(parse(&wrong), Err(NumberError::WrongCheckDigit));
    }

    #[test]
    fn nothing_that_is_typed_can_break_the_reader(input in "\\PC{0,20}", digits in "[0-9+A-Za-z -]{8,14}") {
        let _ = parse(&input);
        let _ = parse(&digits);
        let _ = PersonalNumber::parse_regional(&input, STOCKHOLM);
        let _ = PersonalNumber::parse_regional(&digits, VASTRA_GOTALAND);
    }
}
