#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;

use super::*;

pub(crate) fn renderer() -> Renderer {
    Renderer::new(&"paminnelse@exempel.se".parse().unwrap()).unwrap()
}

pub(crate) fn facts(locale: Locale, kind: Kind, detail: Detail) -> Facts {
    Facts {
        locale,
        kind,
        visit: Some(Visit {
            appointment_id: Uuid::from_u128(7),
            sequence: 2,
            starts_at: "2027-06-23T08:00:00Z".parse().unwrap(),
            ends_at: "2027-06-23T08:30:00Z".parse().unwrap(),
            cancel_by: "2027-06-21T22:00:00Z".parse().unwrap(),
            changed_at: "2027-06-01T12:00:00Z".parse().unwrap(),
        }),
        unit_name: "Björkens vårdcentral".to_owned(),
        unit_address: Some("Storgatan 1, Björkby".to_owned()),
        unit_phone: "+468123456".to_owned(),
        sender_name: "Region Exempel".to_owned(),
        detail,
        sensitive: false,
        unsubscribe_url: None,
    }
}

pub(crate) fn rendered() -> Rendered {
    renderer().render(&facts(Locale::Sv, Kind::Reminder(Rule::BeforeDeadline), Detail::TimeOnly)).unwrap()
}

const DETAILS: [Detail; 3] = [Detail::TimeOnly, Detail::UnitName, Detail::UnitAndAddress];

#[test]
fn every_message_reads_as_agreed() {
    let renderer = renderer();
    for locale in Locale::ALL {
        for kind in Kind::ALL {
            let mut shown = String::new();
            for detail in DETAILS {
                let r = renderer.render(&facts(locale, kind, detail)).unwrap();
                let (detail, text) = (detail.as_str(), &r.text);
                let _ = write!(shown, "== {detail}\nSMS: {}\nSUBJECT: {}\n{text}\n", r.sms, r.subject);
            }
            let r = renderer.render(&facts(locale, kind, Detail::UnitAndAddress)).unwrap();
            let _ = write!(shown, "== HTML\n{}\n", r.html);
            if let Some(ics) = r.ics {
                let _ = write!(shown, "== ICS {}\n{}", ics.method, ics.body.replace("\r\n", "\n"));
            }
            insta::assert_snapshot!(format!("{}_{}", locale.tag(), kind.name()), shown);
        }
    }
}

#[test]
fn a_message_tells_nothing_beyond_the_chosen_detail() {
    let renderer = renderer();
    for locale in Locale::ALL {
        for kind in Kind::ALL {
            for (detail, sensitive) in
                DETAILS.into_iter().flat_map(|detail| [(detail, false), (detail, true)])
            {
                let mut facts = facts(locale, kind, detail);
                // The unit's particulars as canaries: they say what kind of care it is.
                facts.unit_name = "CanaryPsykiatri".to_owned();
                facts.unit_address = Some("CanaryGatan 5".to_owned());
                facts.sensitive = sensitive;
                let r = renderer.render(&facts).unwrap();
                let ics = r.ics.map(|ics| ics.body).unwrap_or_default();
                let all = [&r.subject, &r.text, &r.html, &r.sms, &ics];
                let told = |canary: &str| all.iter().any(|text| text.contains(canary));
                let named = !sensitive && kind.has_visit();
                assert_eq!(told("CanaryPsykiatri"), named && detail != Detail::TimeOnly);
                assert_eq!(told("CanaryGatan"), named && detail == Detail::UnitAndAddress);
                assert!(!r.subject.contains("Canary"));
                // Words that would tell why, with whom, or who: none of them comes from a template.
                for word in [
                    "läkare",
                    "sköterska",
                    "psykolog",
                    "kurator",
                    "doctor",
                    "nurse",
                    "diagnos",
                    "provsvar",
                    "operation",
                    "behandling",
                    "treatment",
                    "patient",
                    "personnummer",
                    "19811218",
                    "vårdcentral",
                    "clinic",
                    "besök hos",
                ] {
                    let found = all
                        .iter()
                        .any(|text| text.to_lowercase().replace("patientkontrakt", "").contains(word));
                    assert!(!found, "{word} in {kind:?} {locale:?}");
                }
            }
        }
    }
}

#[test]
fn a_place_that_does_not_fit_or_costs_a_segment_is_left_out_of_the_sms_only() {
    let renderer = renderer();
    let mut facts = facts(Locale::Sv, Kind::Reminder(Rule::BeforeDeadline), Detail::UnitAndAddress);
    facts.unit_address = Some("Gatan ".repeat(30));
    let r = renderer.render(&facts).unwrap();
    assert!(r.sms.contains("Björkens") && !r.sms.contains("Gatan") && r.text.contains("Gatan"));
    facts.unit_name = "Център".to_owned();
    let r = renderer.render(&facts).unwrap();
    assert!(is_one_segment(&r.sms) && r.text.contains("Център"));
    facts.unit_name = "Björkens \u{2013} \u{201d}norra\u{201d}".to_owned();
    let r = renderer.render(&facts).unwrap();
    assert!(r.sms.contains("Björkens - \"norra\"") && r.text.contains("Björkens - \"norra\""));
}

#[test]
fn the_calendar_file_follows_the_appointment() {
    let renderer = renderer();
    let ics = |kind| renderer.render(&facts(Locale::Sv, kind, Detail::TimeOnly)).unwrap().ics.unwrap();
    let (booked, cancelled) = (ics(Kind::Moved), ics(Kind::Cancelled));
    assert_eq!((booked.method, cancelled.method), ("PUBLISH", "CANCEL"));
    let uid = "UID:00000000-0000-0000-0000-000000000007@exempel.se";
    for file in [&booked, &cancelled] {
        for line in
            [uid, "SEQUENCE:2", "SUMMARY:Bokad tid", "DTSTART:20270623T080000Z", "DTEND:20270623T083000Z"]
        {
            assert!(file.body.contains(line), "{line} in {}", file.body);
        }
        assert!(file.body.contains(&format!("METHOD:{}", file.method)));
    }
    assert!(cancelled.body.contains("STATUS:CANCELLED"));
    assert_eq!(booked, ics(Kind::Moved), "the same in every attempt");
}

#[test]
fn times_are_the_local_ones_on_both_sides_of_a_clock_change() {
    let renderer = renderer();
    for (starts_at, shown) in [
        ("2027-03-28T06:00:00Z", "Söndag 28 mars kl. 08.00"),
        ("2027-03-26T07:00:00Z", "Fredag 26 mars kl. 08.00"),
        ("2027-10-31T07:00:00Z", "Söndag 31 oktober kl. 08.00"),
    ] {
        let mut facts = facts(Locale::Sv, Kind::Reminder(Rule::EveningBefore), Detail::TimeOnly);
        facts.visit.as_mut().unwrap().starts_at = starts_at.parse().unwrap();
        assert!(renderer.render(&facts).unwrap().sms.starts_with(shown), "{shown}");
    }
}

#[test]
fn what_a_message_cannot_be_without_is_demanded() {
    let renderer = renderer();
    let base = facts(Locale::Sv, Kind::Reminder(Rule::Confirmation), Detail::TimeOnly);
    let render = |change: fn(&mut Facts)| {
        let mut facts = base.clone();
        change(&mut facts);
        renderer.render(&facts)
    };
    assert!(matches!(render(|f| f.visit = None), Err(RenderError::NoVisit)));
    assert!(matches!(render(|f| f.unit_phone = "ring".to_owned()), Err(RenderError::NoPhone)));
    assert!(matches!(render(|f| f.sender_name = " ".to_owned()), Err(RenderError::NoSender)));
    assert!(matches!(render(|f| f.sender_name = "x".repeat(150)), Err(RenderError::TooLong)));
    for url in ["ftp://x", "https://x/\r\nBcc: a@b.se", "https://x/>,<y"] {
        let mut facts = base.clone();
        facts.unsubscribe_url = Some(url.to_owned());
        assert!(matches!(renderer.render(&facts), Err(RenderError::UnsubscribeUrl)), "{url:?}");
    }
}

#[test]
fn a_value_cannot_break_out_of_the_html() {
    let mut facts = facts(Locale::Sv, Kind::Moved, Detail::UnitName);
    facts.unit_name = "<script>alert(1)</script>".to_owned();
    let r = renderer().render(&facts).unwrap();
    assert!(!r.html.contains("<script>") && r.html.contains("&lt;script&gt;"));
}

#[test]
fn short_numbers_and_numbers_abroad_are_shown_as_they_are_dialled() {
    assert_eq!(shown_phone("+468123456"), "08-12 34 56");
    assert_eq!(shown_phone("1177"), "1177");
    assert_eq!(shown_phone("+4740612345"), "+47 40 61 23 45");
}

#[test]
fn a_stored_notice_leads_to_its_text() {
    for rule in Rule::ALL {
        assert_eq!(Kind::of(notice::Kind::Reminder, rule.as_str()), Some(Kind::Reminder(rule)));
    }
    assert_eq!(Kind::of(notice::Kind::Reminder, Kind::MOVED), Some(Kind::Moved));
    assert_eq!(Kind::of(notice::Kind::Cancellation, ""), Some(Kind::Cancelled));
    assert_eq!(Kind::of(notice::Kind::Reminder, "NEVER"), None);
}
