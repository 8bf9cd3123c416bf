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

/// The rows of a table, each with its cells, whose last cell names tests that exist.
fn rows_with_tests(table: &str, head: &str) -> Vec<Vec<String>> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeSet::new();
    for room in ["it", "src", "../api/src"] {
        tests_under(&home.join(room), &mut tests);
    }
    assert!(tests.contains("every_rule_names_tests_that_exist"));
    let text = fs::read_to_string(home.join(table)).unwrap();
    let rows: Vec<Vec<String>> = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with(head) && !line.starts_with("| ---"))
        .map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect();
    let mut wrong = Vec::new();
    for cells in &rows {
        let named: Vec<_> = cells.last().unwrap().split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            wrong.push(format!("no test is named: {cells:?}"));
        }
        wrong.extend(
            named.iter().filter(|name| !tests.contains(**name)).map(|name| format!("no such test: {name}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    rows
}

#[test]
fn every_rule_names_tests_that_exist() {
    let rows = rows_with_tests("rules.md", "| rule");
    assert!(rows.len() > 50, "the table is read");
    assert!(rows.iter().all(|cells| cells.len() == 2));
}

#[test]
fn every_fault_names_tests_that_exist() {
    let rows = rows_with_tests("faults.md", "| fault");
    assert!(rows.iter().all(|cells| cells.len() == 4));
    let numbers: Vec<_> = rows.iter().map(|cells| cells[0].clone()).collect();
    assert_eq!(numbers, (1..=41).map(|n| format!("F{n:02}")).collect::<Vec<_>>());
}
