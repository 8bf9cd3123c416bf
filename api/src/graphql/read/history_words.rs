//! The words of the history: what acts, fields and values are called by people.

mod acts;
mod fields;
mod values;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use self::{
    acts::{ACTS, BECAME, THINGS},
    fields::FIELDS,
    values::VALUES,
};
use super::history::last_name;
use crate::locale::Locale;

type Words = [&'static str; 2];

static ACT_WORDS: LazyLock<HashMap<(&str, &str), Words>> =
    LazyLock::new(|| ACTS.iter().map(|(act, kind, words)| ((*act, *kind), *words)).collect());
static FIELD_WORDS: LazyLock<HashMap<&str, Words>> = LazyLock::new(|| FIELDS.iter().copied().collect());
static VALUE_WORDS: LazyLock<HashMap<(&str, &str), Words>> =
    LazyLock::new(|| VALUES.iter().map(|(kind, value, words)| ((*kind, *value), *words)).collect());

/// What happened, and what the thing is `after` it. An act without words of its own says that its thing is new, or
/// changed.
pub fn what(locale: Locale, action: &str, kind: &str, is_new: bool, after: Option<&Value>) -> String {
    let is =
        |code: &str| ["status", "reason"].iter().any(|field| after.is_some_and(|now| now[field] == code));
    let became = BECAME
        .iter()
        .find(|(act, thing, code, _)| (act.is_empty() || *act == action) && *thing == kind && is(code));
    if let Some((.., [sv, en])) = became {
        return locale.pick(sv, en).to_owned();
    }
    if let Some([sv, en]) = ACT_WORDS.get(&(action, kind)) {
        return locale.pick(sv, en).to_owned();
    }
    let known = THINGS.iter().find(|(name, _)| *name == kind);
    let [sv, en] = known.map_or(["Uppgiften", "The entry"], |(_, words)| *words);
    let [did_sv, did_en] = if is_new { ["lades till", "was added"] } else { ["ändrades", "was changed"] };
    format!("{} {}", locale.pick(sv, en), locale.pick(did_sv, did_en))
}

/// What a field is called; one that has no name yet is called by its name in the record.
pub fn field_label(locale: Locale, field: &str) -> String {
    let name = last_name(field);
    FIELD_WORDS.get(name).map_or_else(|| name.to_owned(), |[sv, en]| locale.pick(sv, en).to_owned())
}

/// What a stored word is called; none when it is no such word, but somebody's own text.
pub fn word(locale: Locale, kind: &str, field: &str, value: &str) -> Option<&'static str> {
    // People's own texts are never taken for one of ours.
    let coded = value.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_');
    if !coded || matches!(field, "text" | "title" | "words" | "story") {
        return None;
    }
    let found = VALUE_WORDS.get(&(kind, value)).or_else(|| VALUE_WORDS.get(&("", value)));
    found.map(|[sv, en]| locale.pick(sv, en))
}
