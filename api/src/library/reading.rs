//! Reading a content file: typed values out of TOML, with every mistake noted at its line.
//!
//! Whoever writes a file gets the whole list at once, each entry saying where and what to do.

use std::{collections::BTreeSet, fmt};

use toml::de::{DeTable, DeValue};

use crate::error::Text;

/// One thing that is wrong with a content file: file, line, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    file: String,
    line: usize,
    what: String,
}

impl Defect {
    /// A defect of the file as a whole.
    pub(super) fn of_file(file: &str, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: 1, what: what.into() }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", self.file, self.line, self.what)
    }
}

/// One file being read, with what was found wrong so far.
#[derive(Debug)]
pub(super) struct Reading<'t> {
    file: &'t str,
    text: &'t str,
    pub defects: Vec<Defect>,
}

/// A table of the file, and which of its keys nobody has asked for yet.
#[derive(Debug)]
pub(super) struct Part<'p> {
    table: &'p DeTable<'p>,
    /// Where it begins, in bytes.
    pub at: usize,
    asked: BTreeSet<&'static str>,
}

impl<'p> Part<'p> {
    pub fn new(table: &'p DeTable<'p>, at: usize) -> Self {
        Self { table, at, asked: BTreeSet::new() }
    }

    fn find(&mut self, key: &'static str) -> Option<(&'p DeValue<'p>, usize)> {
        self.asked.insert(key);
        let (name, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((value.get_ref(), name.span().start))
    }

    /// Where the value of `key` stands, or else the part.
    pub fn place(&self, key: &str) -> usize {
        self.table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map_or(self.at, |(name, _)| name.span().start)
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }
}

impl<'t> Reading<'t> {
    pub fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, defects: Vec::new() }
    }

    /// Notes a mistake at a place of the text.
    pub fn wrong(&mut self, at: usize, what: impl Into<String>) {
        let before = self.text.get(..at.min(self.text.len())).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        self.defects.push(Defect { file: self.file.to_owned(), line, what: what.into() });
    }

    /// A text that must be there, at most `most` characters.
    pub fn text(&mut self, part: &mut Part<'_>, key: &'static str, most: usize) -> String {
        self.opt_text(part, key, most).unwrap_or_else(|| {
            if !part.has(key) {
                self.wrong(part.at, format!("`{key}` is missing: add {key} = \"…\""));
            }
            String::new()
        })
    }

    pub fn opt_text(&mut self, part: &mut Part<'_>, key: &'static str, most: usize) -> Option<String> {
        let (value, at) = part.find(key)?;
        let Some(text) = value.as_str() else {
            self.wrong(at, format!("`{key}` must be a text in quotes, not {}", value.type_str()));
            return None;
        };
        let text = text.trim();
        let count = text.chars().count();
        if text.is_empty() {
            self.wrong(at, format!("`{key}` is empty: write the text, or leave the line out"));
            return None;
        }
        if count > most {
            self.wrong(at, format!("`{key}` has {count} characters: shorten it to {most} at most"));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            self.wrong(at, format!("`{key}` has characters that cannot be shown: remove them"));
        }
        Some(text.to_owned())
    }

    /// A text in Swedish and English, as `key.sv` and `key.en`.
    pub fn both(&mut self, part: &mut Part<'_>, key: &'static str, most: usize) -> Text {
        let found = self.opt_both(part, key, most);
        if found.is_none() && !part.has(key) {
            self.wrong(part.at, format!("`{key}` is missing: add {key}.sv = \"…\" and {key}.en = \"…\""));
        }
        found.unwrap_or_else(|| Text::new("", ""))
    }

    pub fn opt_both(&mut self, part: &mut Part<'_>, key: &'static str, most: usize) -> Option<Text> {
        let mut inner = self.opt_part(part, key)?;
        let text = self.languages(&mut inner, most);
        self.done(&inner);
        Some(text)
    }

    /// The texts `sv` and `en` of a part.
    pub fn languages(&mut self, part: &mut Part<'_>, most: usize) -> Text {
        Text::new(self.text(part, "sv", most), self.text(part, "en", most))
    }

    /// A name: lower-case letters, digits and hyphens, at most 60.
    pub fn key(&mut self, part: &mut Part<'_>, key: &'static str) -> String {
        let name = self.text(part, key, 60);
        let fits = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fits {
            let at = part.place(key);
            self.wrong(at, format!("`{key}` may hold a-z, 0-9 and - only, such as \"my-own-questions\""));
        }
        name
    }

    /// A whole number within bounds.
    pub fn opt_whole(
        &mut self,
        part: &mut Part<'_>,
        key: &'static str,
        allowed: std::ops::RangeInclusive<i32>,
    ) -> Option<i32> {
        let (value, at) = part.find(key)?;
        let number = value.as_integer().and_then(|n| i32::from_str_radix(n.as_str(), n.radix()).ok());
        if number.is_none_or(|n| !allowed.contains(&n)) {
            self.wrong(
                at,
                format!("`{key}` must be a whole number from {} to {}", allowed.start(), allowed.end()),
            );
            return None;
        }
        number
    }

    /// A whole number that must be there; the least one when it is not.
    pub fn whole(
        &mut self,
        part: &mut Part<'_>,
        key: &'static str,
        allowed: std::ops::RangeInclusive<i32>,
    ) -> i32 {
        let least = *allowed.start();
        if !part.has(key) {
            self.wrong(part.at, format!("`{key}` is missing: add {key} = {least}"));
        }
        self.opt_whole(part, key, allowed).unwrap_or(least)
    }

    /// True or false; false when left out.
    pub fn flag(&mut self, part: &mut Part<'_>, key: &'static str) -> bool {
        let Some((value, at)) = part.find(key) else { return false };
        value.as_bool().unwrap_or_else(|| {
            self.wrong(at, format!("`{key}` must be true or false"));
            false
        })
    }

    /// One word of a list.
    pub fn opt_word<T: Copy>(
        &mut self,
        part: &mut Part<'_>,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let (value, at) = part.find(key)?;
        let found = value.as_str().and_then(|text| words.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            let list: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.wrong(at, format!("`{key}` must be one of {}", list.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// One word of a list that must be there; the first one when it is not.
    pub fn word<T: Copy>(
        &mut self,
        part: &mut Part<'_>,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        if !part.has(key) {
            let first = words.first().map_or("", |(word, _)| word);
            self.wrong(part.at, format!("`{key}` is missing: add for example {key} = \"{first}\""));
        }
        self.opt_word(part, key, words)
    }

    /// A table inside a part.
    pub fn opt_part<'p>(&mut self, part: &mut Part<'p>, key: &'static str) -> Option<Part<'p>> {
        let (value, at) = part.find(key)?;
        let DeValue::Table(table) = value else {
            self.wrong(at, format!("`{key}` must be a table, such as {key}.sv = \"…\" or [{key}]"));
            return None;
        };
        Some(Part::new(table, at))
    }

    /// The tables of a list, `[[key]]`; at least `least` and at most 200.
    pub fn parts<'p>(&mut self, part: &mut Part<'p>, key: &'static str, least: usize) -> Vec<Part<'p>> {
        let mut found = Vec::new();
        let mut place = part.at;
        if let Some((value, at)) = part.find(key) {
            place = at;
            for element in value.as_array().into_iter().flat_map(|list| list.iter()) {
                match element.get_ref() {
                    DeValue::Table(table) => found.push(Part::new(table, element.span().start)),
                    _ => {
                        self.wrong(element.span().start, format!("every `{key}` must be a table: [[{key}]]"));
                    }
                }
            }
        }
        if found.len() < least {
            self.wrong(place, format!("there must be at least {least} [[{key}]]"));
        }
        if found.len() > 200 {
            self.wrong(place, format!("there may be at most 200 [[{key}]]"));
        }
        found
    }

    /// Notes the keys of a part that nobody asked for.
    pub fn done(&mut self, part: &Part<'_>) {
        let unknown: Vec<(String, usize)> = part
            .table
            .iter()
            .filter(|(name, _)| !part.asked.contains(name.get_ref().as_ref()))
            .map(|(name, _)| (name.get_ref().to_string(), name.span().start))
            .collect();
        for (name, at) in unknown {
            let like = part
                .asked
                .iter()
                .map(|known| (strsim::jaro_winkler(&name, known), known))
                .filter(|(likeness, _)| *likeness > 0.8)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let hint = match like {
                Some((_, known)) => format!("did you mean `{known}`?"),
                None => "remove it".to_owned(),
            };
            self.wrong(at, format!("unknown key `{name}`: {hint}"));
        }
    }

    /// Notes every name that stands twice.
    pub fn unique<'n>(&mut self, what: &str, names: impl IntoIterator<Item = (&'n str, usize)>) {
        let mut seen = BTreeSet::new();
        for (name, at) in names {
            if !name.is_empty() && !seen.insert(name) {
                self.wrong(at, format!("the {what} \"{name}\" stands twice: give each its own"));
            }
        }
    }
}
