//! Whatever the code writes into the history has words in both languages: the source itself is searched for what it
//! writes, so that a new act, field or value without a word is found here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{acts::ACTS, acts::THINGS, fields::FIELDS, values::VALUES, what};

use crate::{
    auth::policy::{Noun, SURFACE},
    domain::plan_item::work_note,
    locale::Locale,
};

/// The acts on an agreement and what belongs to it, and to how the patient came to have one.
const NOUNS: &[Noun] = &[
    Noun::Agreement,
    Noun::AgreementOffer,
    Noun::AgreementRequest,
    Noun::CareContact,
    Noun::CareGuarantee,
    Noun::Concern,
    Noun::ContactAbsence,
    Noun::ContactOffer,
    Noun::ContactRequest,
    Noun::Goal,
    Noun::PlanItem,
    Noun::PlanLink,
    Noun::ProgressNote,
    Noun::SafetyInstruction,
    Noun::Task,
    Noun::Template,
    Noun::WorkNote,
];

/// What the service does by itself, or as part of another act.
const UNASKED: &[&str] = &["agreementSweep", "contactSweep", "smsStop", "taskEnd", "taskMove", "taskRaise"];

fn sources(room: &str) -> Vec<(PathBuf, String)> {
    fn walk(at: &Path, into: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|e| e == "rs")
                && !path.to_string_lossy().contains("_tests")
            {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
                into.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(room), &mut found);
    found
}

/// What stands between each `before` and the next quotation mark.
fn quoted<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next())
}

/// The files that write history, and the kinds of thing that they write of.
fn writers() -> Vec<(PathBuf, String)> {
    let mut all = sources("src/domain");
    all.retain(|(_, text)| text.contains("Change {"));
    assert!(all.len() > 30, "the search finds the writers");
    all
}

fn kinds() -> BTreeSet<String> {
    let known: BTreeSet<_> = THINGS.iter().map(|(kind, _)| *kind).collect();
    let mut found = BTreeSet::new();
    for (_, text) in writers() {
        for change in text.split("Change {").skip(1) {
            let Some(kind) = quoted(change, "kind: \"").next() else { continue };
            // Events have kinds as well, with a dot.
            if !kind.contains('.') {
                found.insert(kind.to_owned());
            }
        }
    }
    assert!(found.len() > 20 && found.iter().any(|kind| known.contains(kind.as_str())));
    found
}

#[test]
fn every_act_that_the_history_tells_of_has_words() {
    let told: BTreeSet<_> = ACTS.iter().map(|(act, ..)| *act).collect();
    let asked = SURFACE.iter().filter(|(_, noun, _)| NOUNS.contains(noun));
    let asked = asked.filter_map(|(field, ..)| field.strip_prefix("Mutation."));
    let missing: Vec<_> = asked.chain(UNASKED.iter().copied()).filter(|act| !told.contains(act)).collect();
    assert!(missing.is_empty(), "acts without words: {missing:?}");
}

#[test]
fn everything_that_changes_has_a_name() {
    let known: BTreeSet<_> = THINGS.iter().map(|(kind, _)| *kind).collect();
    let missing: Vec<_> = kinds().into_iter().filter(|kind| !known.contains(kind.as_str())).collect();
    assert!(missing.is_empty(), "kinds without words: {missing:?}");
}

#[test]
fn every_field_of_an_entry_has_a_name() {
    let known: BTreeSet<_> = FIELDS.iter().map(|(field, _)| *field).collect();
    let plain = |name: &str| name.chars().all(char::is_alphanumeric) && name.starts_with(char::is_lowercase);
    let mut missing = BTreeSet::new();
    for (path, text) in writers() {
        for call in text.split("json!(").skip(1) {
            let body = call.split(')').next().unwrap_or_default();
            for name in
                body.split("\":").filter_map(|part| part.rsplit('"').next()).filter(|name| plain(name))
            {
                if body.contains(&format!("\"{name}\":")) && !known.contains(name) {
                    missing.insert(format!("{name} in {}", path.file_name().unwrap().to_string_lossy()));
                }
            }
        }
    }
    // Whole wordings and texts are written as they are kept.
    for file in ["canonical.rs", "content.rs"] {
        let text =
            &sources("src/domain/agreement").into_iter().find(|(path, _)| path.ends_with(file)).unwrap().1;
        for line in text.lines().filter_map(|line| line.strip_prefix("    pub ")) {
            let Some((name, _)) = line.split_once(':') else { continue };
            if !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                continue;
            }
            let camel: String = name
                .split('_')
                .enumerate()
                .map(|(n, part)| if n == 0 { part.to_owned() } else { part[..1].to_uppercase() + &part[1..] })
                .collect();
            // What ties a text to its place is no field of it.
            let tie = ["format", "agreement", "goals", "items", "id"].contains(&camel.as_str());
            if !tie && !known.contains(camel.as_str()) {
                missing.insert(format!("{camel} in {file}"));
            }
        }
    }
    assert!(missing.is_empty(), "fields without words: {missing:?}");
}

#[test]
fn every_value_of_what_changes_has_words() {
    let known: BTreeSet<_> = VALUES.iter().map(|(_, value, _)| *value).collect();
    let mut missing = BTreeSet::new();
    let entities = sources("../entity/src");
    for kind in kinds() {
        let file = format!("{kind}.rs");
        let Some((_, text)) = entities.iter().find(|(path, _)| path.ends_with(&file)) else { continue };
        for value in quoted(text, " = \"").filter(|v| v.bytes().all(|c| c.is_ascii_uppercase() || c == b'_'))
        {
            if !known.contains(value) {
                missing.insert(format!("{kind}.{value}"));
            }
        }
    }
    assert!(missing.is_empty(), "values without words: {missing:?}");
}

#[test]
fn an_act_on_something_beside_it_is_told_by_the_name_of_the_thing() {
    assert_eq!(
        what(Locale::Sv, "agreementCounter", "progress_note", true, None),
        "Anteckningen om hur det går lades till"
    );
    assert_eq!(what(Locale::En, "agreementCounter", "goal", false, None), "The goal was changed");
    for (act, kind, words) in ACTS {
        assert!(words.iter().all(|text| text.len() > 3 && !text.ends_with('.')), "{act} {kind}");
    }
}

#[test]
fn what_a_yes_leaves_out_is_told_as_dropped_and_not_as_agreed_on() {
    let told = |action: &str, kind: &str, status: &str| {
        what(Locale::Sv, action, kind, false, Some(&json!({ "status": status })))
    };
    for yes in ["agreementAssent", "agreementAssentRecordOral", "planItemAccept", "agreementSweep"] {
        assert_eq!(told(yes, "goal", "CANCELLED"), "Målet utgick", "{yes}");
        assert_eq!(told(yes, "plan_item", "CANCELLED"), "Insatsen utgick", "{yes}");
    }
    assert_eq!(told("agreementAssent", "goal", "AGREED"), "Målet blev överenskommet");
    assert_eq!(told("agreementAssentRecordOral", "plan_item", "AGREED"), "Insatsen blev överenskommen");
    assert_eq!(told("goalRemove", "goal", "CANCELLED"), "Målet togs bort");
    assert_eq!(told("planItemCancel", "plan_item", "CANCELLED"), "Insatsen ställdes in");
}

#[test]
fn a_work_note_is_told_of_by_its_own_words() {
    let told = what(Locale::Sv, "workNoteSet", work_note::HISTORY, false, None);
    assert_eq!(told, "En arbetsanteckning skrevs");
}
