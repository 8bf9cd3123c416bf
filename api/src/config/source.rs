//! Collects the raw settings from file, environment and command line, and names what nobody knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    path::Path,
};

use toml::de::{DeTable, DeValue};

use super::{Config, Origin, Problem, Sources, value::Raw};

/// Raw values by setting, each with its origin.
pub(super) type Entries = BTreeMap<String, (Raw, Origin)>;

/// Names the file itself, so it is a variable but no setting.
const FILE_VARIABLE: &str = "PK_CONFIG";

/// Everything that was given, the winning place for each setting. Unknown names become problems.
pub(super) fn collect(sources: &Sources, problems: &mut Vec<Problem>) -> Entries {
    let known = Known::new();
    let mut entries = Entries::new();
    if let Some(path) = &sources.file {
        match std::fs::read_to_string(path) {
            Ok(text) => from_file(path, &text, &known, &mut entries, problems),
            Err(e) => problems.push(Problem(format!("{}: cannot be read: {e}", path.display()))),
        }
    }
    from_environment(&sources.environment, &known, &mut entries, problems);
    for (key, value) in &sources.options {
        entries.insert((*key).to_owned(), (Raw::Text(value.clone()), Origin::Option));
    }
    entries
}

/// The text of one setting before the rest is read; `None` when it is absent or no text.
pub(super) fn peek(sources: &Sources, key: &str) -> Option<String> {
    match collect(sources, &mut Vec::new()).remove(key)?.0 {
        Raw::Text(text) | Raw::String(text) => Some(text),
        _ => None,
    }
}

/// The first of these settings that file or environment give, and where.
pub(super) fn first_set(sources: &Sources, keys: &[&'static str]) -> Option<(&'static str, Origin)> {
    let mut entries = collect(sources, &mut Vec::new());
    keys.iter().find_map(|key| match entries.remove(*key)?.1 {
        origin @ (Origin::File(..) | Origin::Environment(_)) => Some((*key, origin)),
        _ => None,
    })
}

/// The names that exist.
struct Known {
    settings: BTreeMap<&'static str, bool>,
    sections: BTreeSet<&'static str>,
}

impl Known {
    fn new() -> Self {
        let (mut settings, mut sections) = (BTreeMap::new(), BTreeSet::new());
        for section in Config::default().sections() {
            sections.insert(section.name);
            settings.extend(section.rows.iter().map(|row| (row.key, row.secret)));
        }
        sections.remove("");
        Self { settings, sections }
    }

    fn suggestion<'a>(given: &str, names: impl Iterator<Item = String> + 'a) -> String {
        names
            .map(|name| (strsim::jaro_winkler(given, &name), name))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| format!("; did you mean {name}?"))
            .unwrap_or_default()
    }
}

fn from_file(path: &Path, text: &str, known: &Known, entries: &mut Entries, problems: &mut Vec<Problem>) {
    let line = |position: usize| text[..position.min(text.len())].matches('\n').count() + 1;
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(1, |span| line(span.start));
        problems.push(Problem(format!("{} line {at}: {}", path.display(), error.message())));
    }
    let mut found = |key: String, at: usize, value: &DeValue<'_>| {
        let origin = Origin::File(path.to_owned(), line(at));
        if known.settings.contains_key(key.as_str()) {
            entries.insert(key, (Raw::from(value), origin));
        } else {
            let hint = Known::suggestion(&key, known.settings.keys().map(|&k| k.to_owned()));
            problems.push(Problem(format!("{origin}: unknown setting {key}{hint}")));
        }
    };
    let mut unknown_sections = Vec::new();
    for (name, value) in table.get_ref() {
        let at = name.span().start;
        match value.get_ref() {
            DeValue::Table(section) if known.sections.contains(name.get_ref().as_ref()) => {
                for (key, value) in section {
                    found(format!("{}.{}", name.get_ref(), key.get_ref()), key.span().start, value.get_ref());
                }
            }
            DeValue::Table(_) => unknown_sections.push((name.get_ref().clone(), at)),
            value => found(name.get_ref().clone().into_owned(), at, value),
        }
    }
    for (name, at) in unknown_sections {
        let hint = Known::suggestion(&name, known.sections.iter().map(|s| format!("[{s}]")));
        let origin = Origin::File(path.to_owned(), line(at));
        problems.push(Problem(format!("{origin}: unknown section [{name}]{hint}")));
    }
}

/// `PK_SECTION__KEY`, and `PK_SECTION__KEY_FILE` for a secret that stands in a file.
fn from_environment(
    variables: &[(OsString, OsString)],
    known: &Known,
    entries: &mut Entries,
    problems: &mut Vec<Problem>,
) {
    let by_variable: BTreeMap<String, (&str, bool)> = known
        .settings
        .iter()
        .flat_map(|(&key, &secret)| {
            let name = variable(key);
            let file = secret.then(|| (format!("{name}_FILE"), (key, true)));
            std::iter::once((name, (key, false))).chain(file)
        })
        .collect();
    let mut set_by = BTreeMap::<&str, String>::new();
    for (name, value) in variables {
        let name = name.to_string_lossy();
        if !name.starts_with("PK_") || name == FILE_VARIABLE {
            continue;
        }
        let origin = Origin::Environment(name.clone().into_owned());
        let Some(&(key, in_file)) = by_variable.get(name.as_ref()) else {
            let hint = Known::suggestion(&name, by_variable.keys().cloned());
            problems.push(Problem(format!("{origin}: unknown setting{hint}")));
            continue;
        };
        if let Some(other) = set_by.insert(key, name.clone().into_owned()) {
            problems
                .push(Problem(format!("{origin}: {key} is already set by {other}; set only one of them")));
        }
        match text(value, in_file) {
            Ok(text) => {
                entries.insert(key.to_owned(), (Raw::Text(text), origin));
            }
            Err(reason) => problems.push(Problem(format!("{origin}: {reason}"))),
        }
    }
}

/// The environment variable of a setting.
pub(super) fn variable(key: &str) -> String {
    format!("PK_{}", key.replace('.', "__").to_uppercase())
}

fn text(value: &OsStr, in_file: bool) -> Result<String, String> {
    let value = value.to_str().ok_or("is not valid UTF-8")?;
    if !in_file {
        return Ok(value.to_owned());
    }
    let content = std::fs::read_to_string(value).map_err(|e| format!("{value} cannot be read: {e}"))?;
    Ok(content.strip_suffix('\n').map_or(content.as_str(), |c| c.strip_suffix('\r').unwrap_or(c)).to_owned())
}
