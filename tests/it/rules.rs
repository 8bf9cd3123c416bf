//! The table of rules names tests that exist.

use std::{collections::BTreeSet, fs, path::Path};

/// Every function that is a test in the sources under `at`: one with a test attribute, or in a `proptest!`.
fn tests_under(at: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with("node_modules") {
                tests_under(&path, into);
            }
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for part in text.split("#[test]").chain(text.split("#[tokio::test")).skip(1) {
            let Some((_, after)) = part.split_once("fn ") else { continue };
            let name = after.split(['(', '<']).next().unwrap_or_default();
            into.insert(name.trim().to_owned());
        }
    }
}

#[test]
fn every_rule_names_tests_that_exist() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeSet::new();
    for room in ["it", "src", "../api/src"] {
        tests_under(&home.join(room), &mut tests);
    }
    assert!(tests.contains("every_rule_names_tests_that_exist"));
    let rules = fs::read_to_string(home.join("rules.md")).unwrap();
    let rows: Vec<_> = rules
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| rule") && !line.starts_with("| ---"))
        .collect();
    assert!(rows.len() > 50, "the table is read");
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        let named: Vec<_> = cells.last().unwrap().split('`').skip(1).step_by(2).collect();
        if cells.len() != 2 || named.is_empty() {
            wrong.push(format!("no test is named: {row}"));
        }
        wrong.extend(
            named.iter().filter(|name| !tests.contains(**name)).map(|name| format!("no such test: {name}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
