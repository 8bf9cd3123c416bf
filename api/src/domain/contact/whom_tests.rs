#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::calendar::OpenSpan;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The wall clock in Stockholm.
fn local(text: &str) -> DateTime<Utc> {
    crate::calendar::to_instant(chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
}

fn desk(name: &str, from: &str, until: &str) -> Desk {
    let opening = OpeningHours::weekdays(OpenSpan::new(from, until).unwrap());
    Desk { name: name.into(), phone: format!("+46-{name}"), opening, closing: ClosingDays::new() }
}

fn contact(role: Role, name: &str, unit: &Desk) -> Contact {
    Contact {
        role,
        treating_kind: None,
        is_lead: role == Role::FastVardkontakt,
        name: name.into(),
        function: "sjuksköterska".into(),
        phone: format!("+46-{name}"),
        from: at("2026-01-01T00:00:00Z"),
        until: None,
        hours: None,
        desk: unit.clone(),
        away: Vec::new(),
    }
}

/// Anna leads at Granen; Dan is the doctor there; Dia the diabetes nurse at Eken, open in the evening.
fn around() -> Around {
    let (granen, eken) = (desk("Granen", "08:00", "17:00"), desk("Eken", "12:00", "20:00"));
    let treating_kind = Some(TreatingKind::DiabetesNurse);
    Around {
        contacts: vec![
            Contact { treating_kind, ..contact(Role::BehandlandeRoll, "Dia", &eken) },
            contact(Role::FastLakarkontakt, "Dan", &granen),
            contact(Role::FastVardkontakt, "Anna", &granen),
            contact(Role::Supporter, "Pia", &desk("Kamraterna", "00:00", "24:00")),
        ],
        unit: granen,
        after_hours: None,
        last_resort: "1177".into(),
    }
}

fn away(from: &str, until: &str, cover: Option<&str>) -> Away {
    let cover = cover.map(|name| Cover {
        name: name.into(),
        function: "sjuksköterska".into(),
        desk: desk("Lunden", "08:00", "12:00"),
        away: Vec::new(),
        until: None,
    });
    Away { from: local(from), until: local(until), cover }
}

#[test]
fn the_contact_for_what_it_concerns_comes_first_then_the_lead_then_the_unit_and_1177() {
    let around = around();
    let name = |concerning, text: &str| around.whom(concerning, local(text)).name.to_owned();
    let diabetes = Some(TreatingKind::DiabetesNurse);
    assert_eq!(name(None, "2027-02-01 13:00"), "Anna");
    assert_eq!(name(diabetes, "2027-02-01 13:00"), "Dia");
    assert_eq!(name(diabetes, "2027-02-01 09:00"), "Anna");
    assert_eq!(name(None, "2027-02-01 18:00"), "Dia");
    // Nobody is a psychologist here.
    assert_eq!(name(Some(TreatingKind::Psychologist), "2027-02-01 13:00"), "Anna");
    assert_eq!(name(None, "2027-02-01 21:00"), "1177");
    assert_eq!(name(None, "2027-02-06 13:00"), "1177");
    // Midsommarafton, and julafton.
    assert_eq!(name(None, "2027-06-25 10:00"), "1177");
    assert_eq!(name(None, "2027-12-24 10:00"), "1177");
}

#[test]
fn whoever_steps_in_answers_for_a_contact_who_is_away_and_else_the_unit() {
    let mut around = around();
    around.contacts[2].away = vec![away("2027-02-01 00:00", "2027-02-03 00:00", Some("Bo"))];
    let told = |around: &Around, text: &str| {
        let whom = around.whom(None, local(text));
        (whom.name.to_owned(), whom.message(&around.contacts, Locale::Sv))
    };
    let (name, message) = told(&around, "2027-02-01 09:00");
    assert_eq!(name, "Bo");
    assert_eq!(message, "Anna är borta till onsdag 3 februari 2027. Ring Bo, sjuksköterska, som ersätter.");
    // Bo has gone home: Anna's unit.
    let (name, message) = told(&around, "2027-02-01 13:00");
    assert_eq!(
        (name.as_str(), message.as_str()),
        ("Granen", "Anna är borta till onsdag 3 februari 2027. Ring Granen.")
    );
    assert_eq!(told(&around, "2027-02-03 09:00").0, "Anna");
    around.contacts[2].away = vec![away("2027-02-01 00:00", "2027-02-03 00:00", None)];
    assert_eq!(told(&around, "2027-02-01 09:00").0, "Granen");
}

#[test]
fn a_substitute_who_is_away_too_or_has_left_is_no_answer() {
    let mut around = around();
    let mut covered = away("2027-02-01 00:00", "2027-02-05 00:00", Some("Bo"));
    let bo = covered.cover.as_mut().unwrap();
    bo.away = vec![(local("2027-02-02 10:00"), local("2027-02-03 10:00"))];
    bo.until = Some(local("2027-02-04 10:00"));
    around.contacts[2].away = vec![covered];
    let told = |around: &Around, text: &str| {
        let whom = around.whom(None, local(text));
        (whom.name.to_owned(), around.holds_until(None, local(text)))
    };
    assert_eq!(told(&around, "2027-02-02 09:00"), ("Bo".into(), local("2027-02-02 10:00")));
    assert_eq!(told(&around, "2027-02-02 10:00"), ("Granen".into(), local("2027-02-02 17:00")));
    assert_eq!(told(&around, "2027-02-03 09:00"), ("Granen".into(), local("2027-02-03 10:00")));
    assert_eq!(told(&around, "2027-02-03 10:00").0, "Bo");
    assert_eq!(told(&around, "2027-02-04 09:00"), ("Bo".into(), local("2027-02-04 10:00")));
    assert_eq!(told(&around, "2027-02-04 10:00").0, "Granen");
    // The unit has closed: the next of the patient's own is Bo, back from where he was, when he opens.
    around.unit = desk("Skogen", "00:00", "00:30");
    let anna = around.contacts.swap_remove(2);
    around.contacts = vec![Contact { desk: around.unit.clone(), ..anna }];
    let evening = local("2027-02-02 18:00");
    assert_eq!(around.own_opens_next(None, evening), Some(local("2027-02-03 00:00")));
    assert_eq!(around.own_opens_next(None, local("2027-02-03 07:00")), Some(local("2027-02-03 10:00")));
}

#[test]
fn an_absence_without_a_substitute_does_not_hide_one_of_the_person_with_one() {
    let mut around = around();
    let told = |around: &Around, text: &str| {
        let whom = around.whom(None, local(text));
        (whom.name.to_owned(), whom.message(&around.contacts, Locale::Sv))
    };
    let alone = away("2027-02-01 00:00", "2027-02-06 00:00", None);
    let covered = away("2027-02-02 00:00", "2027-02-04 00:00", Some("Bo"));
    for absences in [vec![alone.clone(), covered.clone()], vec![covered, alone]] {
        around.contacts[2].away = absences;
        assert_eq!(told(&around, "2027-02-01 09:00").0, "Granen");
        assert_eq!(told(&around, "2027-02-02 09:00").0, "Bo");
        // Bo has gone home: Anna is back when the longer one is over.
        let message = "Anna är borta till lördag 6 februari 2027. Ring Granen.";
        assert_eq!(told(&around, "2027-02-02 13:00"), ("Granen".into(), message.into()));
    }
    // Of two who step in, the one who is away leaves it to the other.
    let mut first = away("2027-02-01 00:00", "2027-02-06 00:00", Some("Bo"));
    first.cover.as_mut().unwrap().away = vec![(local("2027-02-02 00:00"), local("2027-02-03 00:00"))];
    around.contacts[2].away = vec![first, away("2027-02-01 00:00", "2027-02-06 00:00", Some("Eva"))];
    assert_eq!(told(&around, "2027-02-01 09:00").0, "Bo");
    assert_eq!(told(&around, "2027-02-02 09:00").0, "Eva");
}

#[test]
fn somebody_steps_in_within_a_time_if_they_are_there_in_any_of_it() {
    let covered = away("2027-02-01 00:00", "2027-02-06 00:00", Some("Bo"));
    let mut bo = covered.cover.unwrap();
    let within = |bo: &Cover| bo.is_there_within(covered.from, covered.until);
    assert!(within(&bo));
    bo.away = vec![
        (local("2027-02-03 00:00"), local("2027-02-07 00:00")),
        (local("2027-01-30 00:00"), local("2027-02-03 00:00")),
    ];
    assert!(!within(&bo));
    bo.away[0].1 = local("2027-02-05 00:00");
    assert!(within(&bo));
    bo.until = Some(local("2027-02-05 00:00"));
    assert!(!within(&bo));
}

#[test]
fn a_contact_with_hours_of_their_own_answers_within_them() {
    let mut around = around();
    around.contacts[2].hours = Some(OpeningHours::weekdays(OpenSpan::new("09:00", "11:00").unwrap()));
    let answer = |text: &str| {
        let whom = around.whom(None, local(text));
        (whom.name.to_owned(), whom.message(&around.contacts, Locale::Sv))
    };
    assert_eq!(answer("2027-02-01 10:00").0, "Anna");
    assert_eq!(answer("2027-02-01 11:00").1, "Anna tar inte emot samtal just då. Ring Granen.");
}

#[test]
fn a_successor_answers_from_the_moment_the_role_begins() {
    let mut around = around();
    let turn = local("2027-02-03 12:00");
    around.contacts[2].until = Some(turn);
    let bo = Contact { from: turn, ..contact(Role::FastVardkontakt, "Bo", &around.unit.clone()) };
    around.contacts.push(bo);
    assert_eq!(around.whom(None, turn - TimeDelta::seconds(1)).name, "Anna");
    assert_eq!(around.whom(None, turn).name, "Bo");
    assert_eq!(around.holds_until(None, local("2027-02-03 09:00")), turn);
}

#[test]
fn an_answer_says_until_when_it_holds_and_when_ones_own_answer_next() {
    let around = around();
    assert_eq!(around.holds_until(None, local("2027-02-01 09:00")), local("2027-02-01 17:00"));
    assert_eq!(around.holds_until(None, local("2027-02-05 21:00")), local("2027-02-08 08:00"));
    assert_eq!(around.own_opens_next(None, local("2027-02-05 21:00")), Some(local("2027-02-08 08:00")));
    assert_eq!(around.own_opens_next(None, local("2027-02-01 09:00")), None);
    // Nothing but 1177, ever.
    let nobody = Around { last_resort: "1177".into(), ..Around::default() };
    let now = local("2027-02-01 09:00");
    assert_eq!((nobody.whom(None, now).name, nobody.holds_until(None, now)), ("1177", now + LONGEST));
    assert_eq!(nobody.own_opens_next(None, now), None);
}

/// Every hour of 2027, the nights in which the clocks move and midsummer among them: an answer with a name and a
/// number, and it holds as long as it says.
#[test]
fn every_hour_of_2027_has_an_answer_that_holds_as_long_as_it_says() {
    let mut around = around();
    around.contacts[2].away = vec![away("2027-03-27 12:00", "2027-03-29 10:00", Some("Bo"))];
    let bo = around.contacts[2].away[0].cover.as_mut().unwrap();
    bo.away = vec![(local("2027-03-28 12:00"), local("2027-03-29 09:00"))];
    around.contacts[1].until = Some(local("2027-07-01 00:00"));
    around.contacts[2].hours = Some(OpeningHours::weekdays(OpenSpan::new("09:00", "11:00").unwrap()));
    let (mut then, end) = (local("2027-01-01 00:00"), local("2028-01-01 00:00"));
    let (mut answer, mut until) = (around.whom(None, then), then);
    let (mut hours, mut changes) = (0, 0);
    while then < end {
        let whom = around.whom(None, then);
        assert!(!whom.name.is_empty() && !whom.phone.is_empty(), "{then}");
        assert!(!whom.message(&around.contacts, Locale::Sv).contains("  "), "{then}");
        if then >= until {
            (answer, until) = (whom, around.holds_until(None, then));
            assert!(until > then, "{then}");
            changes += 1;
        }
        assert_eq!(whom, answer, "{then}");
        then += TimeDelta::hours(1);
        hours += 1;
    }
    // 365 days of 24 hours: one night has 23, one 25.
    assert_eq!(hours, 8760);
    assert!(changes > 700, "{changes}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever hours, spans and absences: there is an answer, and nothing in between changes it.
    #[test]
    fn there_is_always_an_answer(
        open in 0_u32..20, length in 1_u32..10, begins in 0_i64..8000, lasts in 1_i64..4000,
        gone in 0_i64..8000, days in 1_i64..60, covered: bool, hour in 0_i64..8760, part in 0.0_f64..1.0,
    ) {
        let year = local("2027-01-01 00:00");
        let after = |hours: i64| year + TimeDelta::hours(hours);
        let unit = desk("Granen", &format!("{open:02}:00"), &format!("{:02}:00", open + length.min(24 - open)));
        let cover = covered.then(|| Cover {
            name: "Bo".into(),
            function: "kurator".into(),
            desk: desk("Eken", "07:00", "16:00"),
            away: vec![(after(gone + 8 * days), after(gone + 14 * days))],
            until: Some(after(gone + 20 * days)),
        });
        let anna = Contact {
            from: after(begins),
            until: Some(after(begins + lasts)),
            away: vec![Away { from: after(gone), until: after(gone + 24 * days), cover }],
            ..contact(Role::FastVardkontakt, "Anna", &unit)
        };
        let around = Around { contacts: vec![anna], unit, after_hours: None, last_resort: "1177".into() };
        let now = after(hour);
        let whom = around.whom(None, now);
        prop_assert!(!whom.name.is_empty() && !whom.phone.is_empty());
        let until = around.holds_until(None, now);
        prop_assert!(until > now);
        let between = now + TimeDelta::seconds(((until - now).num_seconds() as f64 * part) as i64);
        prop_assert_eq!(around.whom(None, between), whom);
    }
}
