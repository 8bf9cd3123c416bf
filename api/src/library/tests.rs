#![allow(clippy::unwrap_used, clippy::expect_used)]

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
            "batteries/c.toml line 1: the key \"five-questions\" belongs to a battery that ships: choose another key".to_owned(),
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
