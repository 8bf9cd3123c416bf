#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;

use super::*;
use crate::locale::Locale;

pub(crate) fn renderer() -> Renderer {
    Renderer::new(&"paminnelse@exempel.se".parse().unwrap()).unwrap()
}

pub(crate) fn facts(locale: Locale, kind: Kind, detail: Detail) -> Facts {
    Facts {
        language: locale.into(),
        kind,
        until: (kind == Kind::Offer).then(|| "2027-06-01T14:00:00Z".parse().unwrap()),
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
        action_url: None,
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
                let (detail, text, sms) = (detail.as_str(), &r.text, r.sms.as_deref().unwrap());
                let _ = write!(shown, "== {detail}\nSMS: {sms}\nSUBJECT: {}\n{text}\n", r.subject);
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
                facts.action_url = Some("https://exempel.se/r/0123456789abcdefghijkl".to_owned());
                let r = renderer.render(&facts).unwrap();
                let ics = r.ics.map(|ics| ics.body).unwrap_or_default();
                let pages: String = Page::ALL
                    .into_iter()
                    .map(|page| Shown { page, confirmed: false, can_cancel: true })
                    .map(|shown| renderer.page(&facts, shown).unwrap())
                    .collect();
                let all = [&r.subject, &r.text, &r.html, r.sms.as_ref().unwrap(), &ics, &pages];
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
    let sms = r.sms.unwrap();
    assert!(sms.contains("Björkens") && !sms.contains("Gatan") && r.text.contains("Gatan"));
    facts.unit_name = "Център".to_owned();
    let r = renderer.render(&facts).unwrap();
    assert!(is_one_segment(&r.sms.unwrap()) && r.text.contains("Център"));
    facts.unit_name = "Björkens \u{2013} \u{201d}norra\u{201d}".to_owned();
    let r = renderer.render(&facts).unwrap();
    assert!(r.sms.unwrap().contains("Björkens - \"norra\"") && r.text.contains("Björkens - \"norra\""));
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
        assert!(renderer.render(&facts).unwrap().sms.unwrap().starts_with(shown), "{shown}");
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
    // A mail needs no letter that an SMS has.
    let mail_only = render(|f| f.sender_name = "\u{1f642}".to_owned()).unwrap();
    assert!(mail_only.text.contains('\u{1f642}'));
    assert!(mail_only.clone().by(Channel::Mail).is_ok());
    assert!(matches!(mail_only.by(Channel::Sms), Err(RenderError::TooLong)));
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

#[test]
fn the_link_is_in_the_mail_and_in_the_sms_when_it_fits_rather_than_the_place() {
    let mut facts = facts(Locale::Sv, Kind::Reminder(Rule::BeforeDeadline), Detail::UnitAndAddress);
    let url = "https://pk.exempel.se/r/0123456789abcdefghijkl";
    facts.action_url = Some(url.to_owned());
    let r = renderer().render(&facts).unwrap();
    assert!(r.text.contains(url) && r.html.replace("&#x2f;", "/").contains(url));
    let sms = r.sms.unwrap();
    assert!(sms.ends_with(url) && sms.contains("senast") && sms.contains("Region Exempel"), "{sms}");
    assert!(is_one_segment(&sms) && !sms.contains("Björkens"), "{sms}");
    facts.kind = Kind::Reminder(Rule::EveningBefore);
    let sms = renderer().render(&facts).unwrap().sms.unwrap();
    assert!(sms.ends_with(url) && is_one_segment(&sms), "{sms}");
}

/// A folder with one more language: the Swedish files under another name, changed.
fn language(change: impl Fn(&str, String) -> String) -> (tempfile::TempDir, Result<Renderer, TemplateError>) {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("fi");
    std::fs::create_dir(&own).unwrap();
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/sv");
    for file in std::fs::read_dir(shipped).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        std::fs::write(own.join(&name), change(&name, text)).unwrap();
    }
    let renderer = Renderer::with_languages(&"paminnelse@exempel.se".parse().unwrap(), Some(folder.path()));
    (folder, renderer)
}

#[test]
fn another_language_is_a_folder_and_is_sent_once_somebody_has_reviewed_it() {
    let signed = |by: &str| format!("reviewed_by = \"{by}\"\nreviewed_on = \"2027-01-31\"\n");
    let words =
        |text: String| signed("Aino Virtanen") + &text.replace("onsdag", "ke").replace("juni", "kesäkuuta");
    let (_folder, reviewed) = language(|name, text| if name == "language.toml" { words(text) } else { text });
    let finnish = |renderer: &Renderer| {
        let mut facts = facts(Locale::Sv, Kind::Reminder(Rule::EveningBefore), Detail::TimeOnly);
        facts.language = Tag::of("fi-FI");
        renderer.render(&facts).unwrap().sms.unwrap()
    };
    let reviewed = reviewed.unwrap();
    assert!(finnish(&reviewed).starts_with("Ke 23 kesäkuuta kl. 10.00"), "{}", finnish(&reviewed));
    assert_eq!(reviewed.unreviewed().count(), 0);
    let version = |tag, links: &Links| reviewed.version(&Tag::of(tag), links);
    let (none, base) = (Links::default(), Some("https://exempel.se".to_owned()));
    let (told, acting) = (Links { base: base.clone(), act: false }, Links { base, act: true });
    assert_ne!(version("fi", &none), version("sv", &none));
    assert_ne!(version("sv", &none), version("sv", &told));
    assert_ne!(version("sv", &told), version("sv", &acting));
    // Nobody, nobody by name, and no day.
    for by in ["", "patientkontrakt", " Aino "] {
        let (_folder, unreviewed) = language(|name, text| {
            let text = if name == "language.toml" { words(text) } else { text };
            text.replace("Aino Virtanen", by)
        });
        let unreviewed = unreviewed.unwrap();
        let told = finnish(&unreviewed);
        assert!(told.starts_with("Onsdag 23 juni"), "{by}: Swedish instead: {told}");
        assert_eq!(unreviewed.unreviewed().map(Tag::as_str).collect::<Vec<_>>(), ["fi"], "{by}");
    }
    let (_folder, undated) = language(|name, text| {
        let text = if name == "language.toml" { words(text) } else { text };
        text.lines().filter(|line| !line.starts_with("reviewed_on")).collect::<Vec<_>>().join("\n")
    });
    assert_eq!(undated.unwrap().unreviewed().count(), 1);
}

#[test]
fn what_is_wrong_with_a_language_is_told_with_file_and_line() {
    let wrong = |file: &'static str, from: &'static str, to: &'static str| {
        let (_folder, renderer) =
            language(|name, text| if name == file { text.replace(from, to) } else { text });
        renderer.err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (file, from, to, told) in [
        ("plan.txt", "{{ phone }}", "{{ fone }}", "fi/plan.txt, line"),
        ("plan.txt", "{% endblock %}", "{% endblok %}", "fi/plan.txt, line"),
        ("moved.txt", "Ring {{ phone }} om den inte passar.", "", "fi/moved.txt, line 4: a phone number"),
        (
            "moved.txt",
            "Den gamla gäller inte.",
            "Den gamla tiden som du hade förut gäller inte längre nu.",
            "fi/moved.txt, line 4",
        ),
        (
            "before_deadline.txt",
            "bokad tid. Ring",
            "en tid som du har bokat. Ring",
            "fi/before_deadline.txt, line 4: an SMS has room for its link",
        ),
        ("same_day.txt", "Var redo i god tid.", "Var redo \u{2013} i god tid.", "fi/same_day.txt, line 4"),
        (
            "cancelled.txt",
            "{% block sms %}{{ when_short }}: ",
            "{% block sms %}",
            "fi/cancelled.txt, line 4: day, date",
        ),
        ("language.toml", "weekdays = [\"måndag\", ", "weekdays = [", "fi/language.toml, line 4"),
        ("language.toml", "{day} {month}\"", "{month}\"", "fi/language.toml, line 6: a pattern"),
        ("page.html", "{{ phone }}", "", "fi/page.html"),
        ("page.html", "{{ sender }}", "{{ patient }}", "fi/page.html"),
    ] {
        let error = wrong(file, from, to);
        assert!(error.contains(told), "{file}: {error:?} does not hold {told:?}");
    }
}
