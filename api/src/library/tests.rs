#![allow(clippy::unwrap_used, clippy::expect_used)]

use entity::template_item::Discharge;

use super::*;

fn texts(key: &str) -> Vec<String> {
    let library = Library::load(None).unwrap();
    library.battery(key).unwrap().questions.iter().map(|question| question.text.sv.clone()).collect()
}

/// The five questions, Swedish wording exactly as it is given.
#[test]
fn the_five_questions_have_exactly_their_swedish_wording() {
    assert_eq!(
        texts("five-questions"),
        [
            "Har du en fast vårdkontakt som stöd för att samordna din vård?",
            "Har du en planering med vården som utgår från vad som är viktigt för dig?",
            "Har du en överblick över dina planer och nästa steg i vården?",
            "Har du enkla sätt att ta kontakt med vården när du behöver?",
            "Har du och vården tillsammans kommit överens om din nästa tid?",
        ]
    );
    let library = Library::load(None).unwrap();
    let questions = &library.battery("five-questions").unwrap().questions;
    assert!(questions.iter().all(|q| q.answer == AnswerKind::YesPartlyNo && q.comment));
}

/// The eight questions, Swedish wording exactly as it is given; the last one sets something going.
#[test]
fn the_eight_questions_have_exactly_their_swedish_wording() {
    assert_eq!(
        texts("eight-questions"),
        [
            "Vad är viktigt för dig?",
            "Gemensamt mål – vilken ambitionsnivå ska vi ha för din vård?",
            "Vad kan du själv ansvara för i din vård?",
            "Har du en fast vårdkontakt?",
            "Har du en fast läkarkontakt i primärvården?",
            "Vet du ditt nästa steg?",
            "Har du överblick över dina olika planer i vården?",
            "Vill du ha hjälp att samordna din vård?",
        ]
    );
    let library = Library::load(None).unwrap();
    let questions = &library.battery("eight-questions").unwrap().questions;
    let acting: Vec<_> = questions.iter().filter(|q| q.on_yes.is_some()).map(|q| q.key.as_str()).collect();
    assert_eq!(acting, ["hjalp-att-samordna"]);
    let kinds: Vec<_> = questions.iter().map(|q| q.answer).collect();
    assert_eq!(kinds[..3], [AnswerKind::Text; 3]);
    assert_eq!(kinds[3..], [AnswerKind::YesNo; 5]);
}

/// The pulse: delaktighet, information, tillgänglighet, förtroende; target 90 % positive each.
#[test]
fn the_pulse_has_four_indicators_each_with_a_target_of_90_per_cent() {
    let library = Library::load(None).unwrap();
    let pulse = library.battery("pulse").unwrap();
    let indicators: Vec<(&str, i32)> = pulse
        .questions
        .iter()
        .filter_map(|q| q.indicator.as_ref().map(|i| (i.name.sv.as_str(), i.target_percent)))
        .collect();
    assert_eq!(
        indicators,
        [("Delaktighet", 90), ("Information", 90), ("Tillgänglighet", 90), ("Förtroende", 90)]
    );
    assert!(pulse.source.as_ref().unwrap().sv.contains("Nationell Patientenkät"));
}

/// A directory with these files.
fn region(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

/// What is wrong, without the directory's own name.
fn wrong(directory: &tempfile::TempDir) -> Vec<String> {
    let defects = Library::load(Some(directory.path())).unwrap_err();
    let prefix = format!("{}/", directory.path().display());
    defects.iter().map(|defect| defect.to_string().replace(&prefix, "")).collect()
}

const OWN: &str = r#"key = "own"
version = 1
title.sv = "Egna frågor"
title.en = "Own questions"
purpose.sv = "Till samtalet"
purpose.en = "For the conversation"

[[questions]]
key = "hur"
answer = "yes_no"
sv = "Mår du bra?"
en = "Are you well?"
"#;

#[test]
fn a_region_adds_a_battery_of_its_own_and_the_latest_version_is_asked() {
    let newer = OWN.replace("version = 1", "version = 2").replace("Mår du bra?", "Hur mår du?");
    let directory = region(&[
        ("batteries/own.toml", OWN),
        ("batteries/own-2.toml", &newer),
        ("batteries/read me.txt", "no battery"),
        ("README.md", "# Ours"),
    ]);
    let library = Library::load(Some(directory.path())).unwrap();
    let keys: Vec<_> = library.batteries().map(|b| (b.key.as_str(), b.version)).collect();
    assert_eq!(keys, [("eight-questions", 1), ("five-questions", 1), ("own", 2), ("pulse", 1)]);
    assert_eq!(library.battery("own").unwrap().questions[0].text.sv, "Hur mår du?");
    assert_eq!(library.version("own", 1).unwrap().questions[0].text.sv, "Mår du bra?");
    assert!(!library.is_shipped(library.battery("own").unwrap()));
    assert!(library.is_shipped(library.battery("pulse").unwrap()));
}

#[test]
fn everything_that_is_wrong_with_a_battery_is_told_with_file_line_and_what_to_do() {
    let bad = r#"key = "Egna frågor"
version = 0
title.sv = "Egna frågor"
purpose = "Till samtalet"
colour = "red"

[[questions]]
key = "hur"
anser = "yes_no"
sv = ""
en = "Are you well?"

[[questions]]
key = "hur"
answer = "text"
comment = true
on_yes = "call_112"
sv = "Mår du bra?"
en = 7
"#;
    let directory = region(&[("batteries/bad.toml", bad)]);
    assert_eq!(
        wrong(&directory),
        [
            "batteries/bad.toml line 1: `key` may hold a-z, 0-9 and - only, such as \"my-own-questions\"",
            "batteries/bad.toml line 2: `version` must be a whole number from 1 to 10000",
            "batteries/bad.toml line 3: `en` is missing: add en = \"…\"",
            "batteries/bad.toml line 4: `purpose` must be a table, such as purpose.sv = \"…\" or [purpose]",
            "batteries/bad.toml line 10: `sv` is empty: write the text, or leave the line out",
            "batteries/bad.toml line 7: `answer` is missing: add for example answer = \"yes_partly_no\"",
            "batteries/bad.toml line 9: unknown key `anser`: did you mean `answer`?",
            "batteries/bad.toml line 19: `en` must be a text in quotes, not integer",
            "batteries/bad.toml line 17: `on_yes` must be one of \"appoint_contact\"",
            "batteries/bad.toml line 16: a question answered in text takes no `comment`: remove the line",
            "batteries/bad.toml line 14: the question key \"hur\" stands twice: give each its own",
            "batteries/bad.toml line 5: unknown key `colour`: remove it",
        ]
    );
}

#[test]
fn a_file_that_is_no_toml_a_file_in_the_wrong_place_and_a_missing_directory_are_told() {
    let directory = region(&[
        ("batteries/broken.toml", "key = \"a\"\nversion == 1\n"),
        ("own.toml", OWN),
        ("other/own.toml", OWN),
    ]);
    let told = wrong(&directory);
    assert!(told.iter().any(|line| line.starts_with("batteries/broken.toml line 2: ")), "{told:#?}");
    for file in ["own.toml", "other"] {
        let expected = format!(
            "{file} line 1: does not belong here: put the files into the folder batteries or templates"
        );
        assert!(told.contains(&expected), "{told:#?}");
    }
    let missing = directory.path().join("nowhere");
    let defects = Library::load(Some(&missing)).unwrap_err();
    assert!(defects[0].to_string().ends_with("check content.directory"), "{}", defects[0]);
}

#[test]
fn a_region_can_neither_replace_what_ships_nor_use_a_number_twice() {
    let stolen = OWN.replace("\"own\"", "\"five-questions\"").replace("version = 1", "version = 2");
    let directory = region(&[
        ("batteries/a.toml", OWN),
        ("batteries/b.toml", &OWN.replace("Mår du bra?", "Hur mår du?")),
        ("batteries/c.toml", &stolen),
    ]);
    let told = wrong(&directory);
    let a = directory.path().join("batteries/a.toml").display().to_string();
    let a = a.rsplit('/').next().unwrap().to_owned();
    assert_eq!(
        told,
        [
            format!("batteries/b.toml line 1: version 1 of \"own\" stands in batteries/{a} already: give this one a new version number"),
            "batteries/c.toml line 1: the key \"five-questions\" belongs to a file that ships: choose another key".to_owned(),
        ]
    );
}

/// An answered version never changes.
#[test]
fn a_version_that_has_been_answered_with_another_text_is_refused() {
    let library = Library::load(None).unwrap();
    let answered = library.battery("pulse").unwrap();
    let definition = answered.definition().unwrap();
    assert_eq!(&Battery::from_definition(&definition).unwrap(), answered);
    assert!(library.check_answered([("pulse", 1, definition.as_str()), ("gone", 3, "{}")]).is_ok());
    let other = definition.replace("Når du vården", "Nådde du vården");
    let defects = library.check_answered([("pulse", 1, other.as_str())]).unwrap_err();
    assert_eq!(defects.len(), 1);
    let told = defects[0].to_string();
    assert!(
        told.starts_with("batteries/pulse.toml line 1: version 1 of \"pulse\" has been answered"),
        "{told}"
    );
}

fn template(key: &str) -> Template {
    Library::load(None).unwrap().template(key).unwrap().clone()
}

/// Surgery: active waiting, before, during, after; with everything a discharge check looks for.
#[test]
fn the_surgery_template_covers_waiting_before_during_and_after_and_all_a_discharge_check_looks_for() {
    let surgery = template("surgery");
    let phases: Vec<_> = surgery.phases.iter().map(|phase| phase.key.as_str()).collect();
    assert_eq!(phases, ["waiting", "before", "during", "after"]);
    for phase in phases {
        assert!(surgery.items.iter().any(|item| item.phase == phase), "{phase}");
    }
    let mut looked_for: Vec<_> = surgery.items.iter().filter_map(|item| item.discharge).collect();
    looked_for.sort();
    let mut all = DISCHARGE.map(|(_, discharge)| discharge);
    all.sort();
    assert_eq!(looked_for, all);
    let answer = surgery.items.iter().find(|item| item.discharge == Some(Discharge::AnswerPromised)).unwrap();
    assert!(answer.result.as_ref().is_some_and(|result| result.by.is_some()));
    // Whom to call weekday and weekend, with a number, for every sign that asks for a call.
    for sign in surgery.warning_signs.iter().filter(|sign| sign.light != SignLight::Green) {
        assert!(sign.phone.is_some() && sign.weekdays.is_some() && sign.weekends.is_some(), "{sign:?}");
    }
}

/// Daily follow-up: a call a day for exactly 14 days, and a loaned oximeter as an item.
#[test]
fn the_daily_follow_up_is_one_call_a_day_for_exactly_14_days_and_a_loaned_oximeter() {
    let daily = template("daily-follow-up");
    let calls: Vec<_> = daily.items.iter().filter(|item| item.daily_call).collect();
    assert_eq!(calls.len(), 1);
    let first = Offset { days: 0, count: Count::Days };
    assert_eq!(calls[0].when, When::Again { first, rule: "FREQ=DAILY;COUNT=14".to_owned() });
    let loans = daily.items.iter().filter(|item| {
        item.category == entity::plan_item_revision::Category::LoanOfEquipment
            && item.owner == entity::plan_item_revision::Owner::Care
    });
    assert_eq!(
        loans.map(|item| item.title.sv.as_str()).collect::<Vec<_>>(),
        ["Du får låna en syremätare (pulsoximeter)"]
    );
    let measure = &daily.measurements[0];
    assert!(!measure.read_by.sv.is_empty() && !measure.read_when.sv.is_empty());
}

/// Frail patient: decisions made, fast vårdkontakt, where to turn.
#[test]
fn the_frail_patient_template_has_decisions_fixed_contact_and_where_to_turn() {
    let frail = template("frail-patient");
    let phases: Vec<_> = frail.phases.iter().map(|phase| phase.title.sv.as_str()).collect();
    assert_eq!(phases, ["Beslut som är fattade", "Fast vårdkontakt", "Vart du vänder dig", "Uppföljning"]);
    let of = |phase: &str| frail.items.iter().filter(|item| item.phase == phase).collect::<Vec<_>>();
    for phase in ["decisions", "contact", "where-to-turn", "follow-up"] {
        assert!(!of(phase).is_empty(), "{phase}");
    }
    let decided = of("decisions").iter().any(|item| {
        item.key == "decisions"
            && item.owner == entity::plan_item_revision::Owner::Care
            && item.description.as_ref().is_some_and(|text| {
                ["Var du vill vårdas", "vilka behandlingar", "om du blir sämre"]
                    .iter()
                    .all(|part| text.sv.contains(part))
            })
    });
    assert!(decided);
    let contact = of("contact").into_iter().find(|item| item.key == "fixed-contact").unwrap();
    assert_eq!(contact.category, entity::plan_item_revision::Category::Contact);
    assert!(contact.title.sv.contains("fast vårdkontakt"));
    let help = frail.sections.iter().find(|one| one.kind == SectionKind::WhenToSeekHelp).unwrap();
    for (sv, en) in [("Vardagar", "Weekdays"), ("helger", "weekends"), ("1177", "1177"), ("112", "112")] {
        assert!(help.text.sv.contains(sv) && help.text.en.contains(en), "{sv}");
    }
    let lights: Vec<_> = frail.warning_signs.iter().map(|sign| sign.light).collect();
    assert_eq!(lights, [SignLight::Green, SignLight::Yellow, SignLight::Red]);
}

#[test]
fn everything_that_is_wrong_with_a_template_is_told_with_file_line_and_what_to_do() {
    let bad = r#"key = "own"
version = 1
title.sv = "Eget"
title.en = "Own"
description.sv = "Eget"
description.en = "Own"
anchor.sv = "Första dagen"
anchor.en = "First day"

[[phases]]
key = "start"
title.sv = "Start"
title.en = "Start"

[[sections]]
section = "story"
sv = "Patientens egna ord"
en = "The patient's own words"

[[warning_signs]]
light = "red"
sign.sv = "Ont"
sign.en = "Pain"
action.sv = "Ring"
action.en = "Call"
phone = "12"

[[items]]
key = "one"
phase = "begin"
category = "calls"
owner = "care"
title.sv = "Ring"
title.en = "Call"
when.days = 1
when.working_days = 1

[[items]]
key = "two"
phase = "start"
category = "contact"
owner = "patient"
daily_call = true
title.sv = "Ring"
title.en = "Call"
when.first_day = 0
when.every = "FREQ=DAILY"

[[items]]
key = "two"
phase = "start"
category = "contact"
owner = "care"
title.sv = "Ring"
title.en = "Call"
"#;
    let directory = region(&[("templates/bad.toml", bad)]);
    assert_eq!(
        wrong(&directory),
        [
            "templates/bad.toml line 16: `section` must be one of \"own_responsibility\", \"self_care\", \"when_to_seek_help\", \"how_results_come\"",
            "templates/bad.toml line 26: `phone` must be a number or \"own_unit\": The number has too few digits.",
            "templates/bad.toml line 31: `category` must be one of \"coordination\", \"contact\", \"self_care\", \"examination\", \"treatment\", \"follow_up\", \"referral\", \"information\", \"loan_of_equipment\"",
            "templates/bad.toml line 36: give either `days` or `working_days`",
            "templates/bad.toml line 35: give one of: days or working_days; from_days and to_days; first_day and every; trigger and latest_days",
            "templates/bad.toml line 30: there is no phase \"begin\": add [[phases]], or name another",
            "templates/bad.toml line 47: `every` must end: add COUNT, such as \"FREQ=DAILY;COUNT=14\"",
            "templates/bad.toml line 43: a daily call is care's, on every day: owner = \"care\" and when.every = \"FREQ=DAILY;COUNT=…\"",
            "templates/bad.toml line 49: `when` is missing: add for example when.days = 0",
            "templates/bad.toml line 50: the item key \"two\" stands twice: give each its own",
        ]
    );
}

#[test]
fn a_region_adds_a_template_of_its_own_and_cannot_replace_one_that_ships() {
    let frail = TEMPLATES.iter().find(|(name, _)| name.ends_with("frail-patient.toml")).unwrap().1;
    let own = frail.replace("key = \"frail-patient\"", "key = \"own-frail\"");
    let directory = region(&[("templates/own.toml", &own)]);
    let library = Library::load(Some(directory.path())).unwrap();
    let keys: Vec<_> = library.templates().map(|template| template.key.as_str()).collect();
    assert_eq!(keys, ["daily-follow-up", "frail-patient", "own-frail", "surgery"]);
    assert!(!library.template_is_shipped(library.template("own-frail").unwrap()));
    let directory = region(&[("templates/own.toml", frail)]);
    assert_eq!(
        wrong(&directory),
        [
            "templates/own.toml line 1: the key \"frail-patient\" belongs to a file that ships: choose another key"
        ]
    );
}

/// The example that `docs/content.md` tells of can be used as it stands.
#[test]
fn the_example_of_a_regions_own_content_is_right() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/content");
    let library = Library::load(Some(&folder)).unwrap();
    assert_eq!(library.battery("breath").unwrap().questions.len(), 2);
    assert_eq!(library.template("inhaler").unwrap().items.len(), 2);
}
