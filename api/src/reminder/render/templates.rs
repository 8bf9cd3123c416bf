//! The templates of every language, and the check they pass before they are used.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use chrono::{TimeDelta, TimeZone, Utc};
use minijinja::{Environment, UndefinedBehavior, Value};
use uuid::Uuid;

use super::{Detail, Facts, Kind, Language, Page, RenderError, Renderer, Shown, Tag, Visit, shown_phone};
use crate::{crypto::sha256, domain::notice::link, locale::Locale, session::Links};

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        /// The files of a language.
        const FILES: &[&str] = &[$($name),+];
        /// Language, file and text.
        const SOURCES: &[(&str, &str, &str)] = &[$(
            ("sv", $name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/sv/", $name))),
            ("en", $name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/en/", $name))),
        )+];
    };
}

/// Characters of the service's address, at most, where messages have links to act by: with a longer one the link does not
/// fit in an SMS.
pub const LINKED_BASE: usize = 25;

/// How a language writes, beside its templates.
const WORDS: &str = "language.toml";

embedded!(
    "language.toml",
    "confirmation.txt",
    "week_before.txt",
    "before_deadline.txt",
    "evening_before.txt",
    "same_day.txt",
    "cancelled.txt",
    "moved.txt",
    "message.txt",
    "plan.txt",
    "offer.txt",
    "offer_withdrawn.txt",
    "wish_expired.txt",
    "staff.txt",
    "mail.txt",
    "mail.html",
    "page.html",
);

/// A file that breaks a rule: which one, where, and no value.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("{0} cannot be read: {1}")]
    File(String, #[source] std::io::Error),
    #[error("{file}, line {line}: {what}")]
    Syntax { file: String, line: usize, what: String },
    #[error("{file}, line {line}: cannot be filled in: {error}")]
    Fill { file: String, line: usize, error: super::RenderError },
    #[error("{file}, line {line}: {rule}")]
    Rule { file: String, line: usize, rule: &'static str },
}

/// Every template in every language.
#[derive(Debug)]
pub(super) struct Templates {
    filled: Environment<'static>,
    languages: BTreeMap<Tag, Language>,
    /// By language and file.
    sources: BTreeMap<(Tag, &'static str), &'static str>,
    /// What everything falls back to.
    swedish: (Tag, Language),
}

impl Templates {
    pub(super) fn load(folder: Option<&Path>) -> Result<Self, TemplateError> {
        let mut sources = BTreeMap::new();
        for (tag, file, text) in SOURCES {
            sources.insert((Tag::of(tag), *file), *text);
        }
        let added = folder.map(read).transpose()?.unwrap_or_default();
        let shipped: BTreeSet<Tag> = sources.keys().map(|(tag, _)| tag.clone()).collect();
        let ships = |tag: &Tag| shipped.contains(tag) && !added.iter().any(|((of, _), _)| of == tag);
        let ours: BTreeSet<Tag> = shipped.iter().filter(|tag| ships(tag)).cloned().collect();
        sources.extend(added);
        let mut filled = Environment::new();
        filled.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut languages = BTreeMap::new();
        for ((tag, file), text) in &sources {
            let (text, name): (&'static str, String) = (text, format!("{tag}/{file}"));
            if *file == WORDS {
                let mut language = words(&name, text)?;
                language.ships = ours.contains(tag);
                languages.insert(tag.clone(), language);
                continue;
            }
            // Languages are read once, at the start.
            filled.add_template(String::leak(name.clone()), text).map_err(|error| TemplateError::Syntax {
                file: name,
                line: error.line().unwrap_or(1),
                what: error.kind().to_string(),
            })?;
        }
        let swedish = languages.remove_entry(&Locale::Sv.into()).ok_or_else(|| TemplateError::Rule {
            file: "sv".to_owned(),
            line: 1,
            rule: "Swedish is always there",
        })?;
        languages.insert(swedish.0.clone(), swedish.1.clone());
        Ok(Self { filled, languages, sources, swedish })
    }

    /// The language, if it may be sent; else Swedish.
    pub(super) fn language(&self, wanted: &Tag) -> (&Tag, &Language) {
        let found = self.languages.get_key_value(wanted).filter(|(_, language)| language.is_reviewed());
        found.unwrap_or((&self.swedish.0, &self.swedish.1))
    }

    pub(super) fn reviewed(&self) -> impl Iterator<Item = (&Tag, &Language)> {
        self.languages.iter().filter(|(_, language)| language.is_reviewed())
    }

    pub(super) fn unreviewed(&self) -> impl Iterator<Item = &Tag> {
        self.languages.iter().filter(|(_, language)| !language.is_reviewed()).map(|(tag, _)| tag)
    }

    pub(super) fn version(&self, of: &Tag, links: &Links) -> String {
        let mut texts: Vec<&[u8]> = FILES
            .iter()
            .filter_map(|file| self.sources.get(&(of.clone(), *file)))
            .map(|text| text.as_bytes())
            .collect();
        texts.extend(links.base.as_deref().map(str::as_bytes));
        texts.push(if links.act { "act" } else { "" }.as_bytes());
        let digest = hex::encode(sha256(&texts));
        format!("{of}-{}", digest.get(..12).unwrap_or_default())
    }

    /// The line on which a block of a file begins.
    fn line(&self, tag: &Tag, file: &str, block: &str) -> usize {
        let source = self.sources.iter().find(|((of, name), _)| of == tag && *name == file);
        let begins = format!("block {block} ");
        let at = source.and_then(|(_, text)| text.lines().position(|line| line.contains(&begins)));
        at.map_or(1, |line| line + 1)
    }

    /// One block of one kind's template.
    pub(super) fn block(
        &self,
        tag: &Tag,
        kind: &str,
        block: &str,
        values: Value,
    ) -> Result<String, minijinja::Error> {
        let template = self.filled.get_template(&format!("{tag}/{kind}.txt"))?;
        let mut captured = template.render_captured(values)?;
        captured.with_state_mut(|state| state.render_block(block))
    }

    pub(super) fn whole(&self, tag: &Tag, name: &str, values: Value) -> Result<String, minijinja::Error> {
        self.filled.get_template(&format!("{tag}/{name}"))?.render(values)
    }
}

/// A file of a language by its name, and its text.
type File = ((Tag, &'static str), &'static str);

/// The files of every language in a folder. They stay in memory as long as the service runs.
fn read(folder: &Path) -> Result<Vec<File>, TemplateError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error| TemplateError::File(path, error)
    };
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let tag = Tag::of(path.file_name().and_then(|name| name.to_str()).unwrap_or_default());
        if !path.is_dir() || !tag.is_one() {
            continue;
        }
        for file in FILES {
            let path = path.join(file);
            let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
            sources.push(((tag.clone(), *file), &*String::leak(text)));
        }
    }
    Ok(sources)
}

fn words(file: &str, text: &str) -> Result<Language, TemplateError> {
    let language: Language = toml::from_str(text).map_err(|error| TemplateError::Syntax {
        file: file.to_owned(),
        line: error
            .span()
            .map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1),
        what: error.message().to_owned(),
    })?;
    match language.lacks() {
        None => Ok(language),
        Some(pattern) => Err(TemplateError::Rule {
            file: file.to_owned(),
            line: text.lines().position(|line| line.starts_with(pattern)).map_or(1, |line| line + 1),
            rule: "a pattern lacks one of its places",
        }),
    }
}

/// Fills in every template of every language with the longest values that can occur and looks at what comes out.
pub(super) fn check(renderer: &Renderer) -> Result<(), TemplateError> {
    for (tag, language) in &renderer.templates.languages {
        // The weekday and the month with the longest names: every day of a year is tried.
        let noon = Utc.with_ymd_and_hms(2027, 1, 1, 8, 30, 0).single().unwrap_or_default();
        let days = (0..365).map(|n| noon + TimeDelta::days(n));
        let longest = days.max_by_key(|at| language.when(*at, false).chars().count()).unwrap_or(noon);
        for kind in Kind::ALL {
            for detail in [Detail::TimeOnly, Detail::UnitName, Detail::UnitAndAddress] {
                let facts = worst(tag, kind, detail, longest);
                one(renderer, tag, language, &facts)?;
                let base = format!("https://{:x<1$}", "", LINKED_BASE - 8);
                one(
                    renderer,
                    tag,
                    language,
                    &facts.linked(&Links { base: Some(base), act: true }, link::HIDDEN),
                )?;
            }
        }
        for page in Page::ALL {
            let facts = worst(tag, Kind::Moved, Detail::TimeOnly, longest);
            for (confirmed, can_cancel) in [(true, true), (true, false), (false, true), (false, false)] {
                let filled = renderer.page_in(tag, language, &facts, Shown { page, confirmed, can_cancel });
                let told = filled.map_err(|error| TemplateError::Fill {
                    file: format!("{tag}/page.html"),
                    line: 1,
                    error,
                })?;
                if !told.contains(&shown_phone(&facts.unit_phone)) || told.contains("<script") {
                    return Err(TemplateError::Rule {
                        file: format!("{tag}/page.html"),
                        line: 1,
                        rule: "a page has a phone number and no script",
                    });
                }
            }
        }
    }
    Ok(())
}

/// The longest values that can occur.
fn worst(tag: &Tag, kind: Kind, detail: Detail, starts_at: chrono::DateTime<Utc>) -> Facts {
    Facts {
        language: tag.clone(),
        kind,
        visit: Some(Visit {
            appointment_id: Uuid::nil(),
            sequence: 0,
            starts_at,
            ends_at: starts_at + TimeDelta::minutes(30),
            cancel_by: starts_at - TimeDelta::days(7) + TimeDelta::hours(13),
            changed_at: starts_at - TimeDelta::days(30),
        }),
        until: Some(starts_at),
        unit_name: "Enheten med det längsta namnet i regionen".to_owned(),
        unit_address: Some("Den allra längsta gatan 123 B, 123 45 Orten".to_owned()),
        unit_phone: "+46920123456".to_owned(),
        sender_name: "Region med det längsta namnet!".to_owned(),
        detail,
        sensitive: false,
        unsubscribe_url: Some("https://exempel.se/a/0123456789abcdef".to_owned()),
        action_url: None,
    }
}

fn one(renderer: &Renderer, tag: &Tag, language: &Language, facts: &Facts) -> Result<(), TemplateError> {
    let kind = facts.kind;
    let file = format!("{}.txt", kind.name());
    let place = |block| (format!("{tag}/{file}"), renderer.templates.line(tag, &file, block));
    let message = renderer.render_in(tag, language, facts).map_err(|error| {
        let (file, line) = place("sms");
        TemplateError::Fill { file, line, error }
    })?;
    let broken = |block, rule| {
        let (file, line) = place(block);
        Err(TemplateError::Rule { file, line, rule })
    };
    let Some(sms) = &message.sms else {
        let (file, line) = place("sms");
        return Err(TemplateError::Fill { file, line, error: RenderError::TooLong });
    };
    if facts.action_url.as_ref().is_some_and(|link| !sms.ends_with(link)) {
        return broken("sms", "an SMS has room for its link");
    }
    let texts = [("sms", sms), ("lead", &message.text), ("lead", &message.html)];
    let phone = shown_phone(&facts.unit_phone);
    for (block, text) in texts {
        if !text.contains(&phone) {
            return broken(
                if block == "sms" { block } else { "action" },
                "a phone number stands in every message",
            );
        }
        if !text.contains(&facts.sender_name) {
            return broken(block, "the sender stands in every message");
        }
        if facts.detail == Detail::TimeOnly && text.contains(&facts.unit_name) {
            return broken(block, "TIME_ONLY does not name the unit");
        }
    }
    for (block, text) in texts.into_iter().chain([("subject", &message.subject)]) {
        if !text.chars().all(|c| is_plain(c) || (!is_shipped(tag) && is_letter(c))) {
            return broken(block, "no dashes, curly quotes or emoji");
        }
    }
    for (block, text) in [("subject", &message.subject), ("sms", sms)] {
        if text.contains(['\n', '\r']) {
            return broken(block, "a subject and an SMS are one line");
        }
    }
    let starts =
        facts.visit.as_ref().map(|visit| [false, true].map(|year| language.when(visit.starts_at, year)));
    for (block, text) in [("subject", &message.subject), ("sms", sms), ("lead", &message.text)] {
        let first = starts.as_ref().is_some_and(|starts| starts.iter().any(|start| text.starts_with(start)));
        if kind.has_visit() && !first {
            return broken(block, "day, date and time come first");
        }
    }
    Ok(())
}

fn is_shipped(tag: &Tag) -> bool {
    Locale::ALL.into_iter().any(|locale| Tag::from(locale) == *tag)
}

/// A letter or mark of a language that does not write as Swedish does.
fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || "،؛؟。、".contains(c)
}

/// ASCII and the letters of Swedish: what a mail shows everywhere and an SMS sends without a surcharge.
fn is_plain(c: char) -> bool {
    c.is_ascii() || "åäöÅÄÖéÉüÜ".contains(c)
}
