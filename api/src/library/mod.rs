//! The library: question batteries and templates, as data files that ship with the service and that a region adds to.
//!
//! A region's files lie in `batteries/` and `templates/` of the directory that `content.directory` names. They are
//! read and checked when the service starts; one mistake, and it does not start, but tells of all of them.

mod battery;
mod reading;
mod template;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::de::DeTable;

use self::reading::{Part, Reading};
pub use self::{
    battery::{AnswerKind, Battery, Indicator, OnYes, Question},
    reading::Defect,
    template::{
        Count, DISCHARGE, Item, Measure, Offset, Phase, ResultPromise, SectionKind, SectionText, Sign,
        SignLight, SignPhone, Template, When,
    },
};

/// A region's files are texts that people read: none is larger.
const MOST_BYTES: u64 = 1_048_576;
const MOST_FILES: usize = 500;

macro_rules! shipped {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$((
            concat!($folder, "/", $name),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/library/", $folder, "/", $name)),
        )),+]
    };
}

/// Name and text of what ships.
const BATTERIES: &[(&str, &str)] =
    shipped!("batteries": "eight-questions.toml", "five-questions.toml", "pulse.toml");
const TEMPLATES: &[(&str, &str)] =
    shipped!("templates": "daily-follow-up.toml", "frail-patient.toml", "surgery.toml");

/// Every battery and template in every version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Library {
    batteries: Shelf<Battery>,
    templates: Shelf<Template>,
}

/// Things by key and version.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shelf<T>(BTreeMap<(String, i32), Kept<T>>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// Something in the library, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept<T> {
    thing: T,
    file: String,
    shipped: bool,
}

/// A file before it is read.
struct Source {
    name: String,
    text: String,
    shipped: bool,
}

impl Library {
    /// What ships with the service, and what lies in the region's directory, if there is one.
    ///
    /// # Errors
    /// Everything that is wrong with the files.
    pub fn load(directory: Option<&Path>) -> Result<Self, Vec<Defect>> {
        let mut defects = Vec::new();
        let mut library = Self::default();
        let (mut batteries, mut templates) = (embedded(BATTERIES), embedded(TEMPLATES));
        if let Some(directory) = directory {
            let mut found = files(directory, &mut defects);
            batteries.append(&mut found.batteries);
            templates.append(&mut found.templates);
        }
        for source in &batteries {
            if let Some(battery) = parse(source, &mut defects, battery::read) {
                let id = (battery.key.clone(), battery.version);
                defects.extend(library.batteries.put(id, battery, source).err());
            }
        }
        for source in &templates {
            if let Some(template) = parse(source, &mut defects, template::read) {
                let id = (template.key.clone(), template.version);
                defects.extend(library.templates.put(id, template, source).err());
            }
        }
        if defects.is_empty() { Ok(library) } else { Err(defects) }
    }

    /// The batteries that are asked now: the latest version of each, by key.
    pub fn batteries(&self) -> impl Iterator<Item = &Battery> {
        self.batteries.current()
    }

    /// The latest version of a battery.
    pub fn battery(&self, key: &str) -> Option<&Battery> {
        self.batteries.latest(key)
    }

    /// One version of a battery.
    pub fn version(&self, key: &str, version: i32) -> Option<&Battery> {
        self.batteries.get(key, version).map(|kept| &kept.thing)
    }

    /// Whether a battery ships with the service; otherwise the region added it.
    pub fn is_shipped(&self, battery: &Battery) -> bool {
        self.batteries.get(&battery.key, battery.version).is_some_and(|kept| kept.shipped)
    }

    /// The templates that are used now: the latest version of each, by key.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.current()
    }

    /// The latest version of a template.
    pub fn template(&self, key: &str) -> Option<&Template> {
        self.templates.latest(key)
    }

    /// Whether a template ships with the service; otherwise the region added it.
    pub fn template_is_shipped(&self, template: &Template) -> bool {
        self.templates.get(&template.key, template.version).is_some_and(|kept| kept.shipped)
    }

    /// Refuses the versions that have been answered with another text. `answered` are their definitions by key and
    /// version.
    pub fn check_answered<'a>(
        &self,
        answered: impl IntoIterator<Item = (&'a str, i32, &'a str)>,
    ) -> Result<(), Vec<Defect>> {
        let mut defects = Vec::new();
        for (key, version, definition) in answered {
            let Some(kept) = self.batteries.get(key, version) else { continue };
            if kept.thing.definition().ok().as_deref() != Some(definition) {
                let what = format!(
                    "version {version} of \"{key}\" has been answered with another text: put that text back, and give \
                     the changed one a new version number"
                );
                defects.push(Defect::of_file(&kept.file, what));
            }
        }
        if defects.is_empty() { Ok(()) } else { Err(defects) }
    }
}

impl<T> Shelf<T> {
    /// A region can neither replace what ships nor use a number twice.
    fn put(&mut self, (key, version): (String, i32), thing: T, source: &Source) -> Result<(), Defect> {
        let wrong = |what: String| Err(Defect::of_file(&source.name, what));
        if !source.shipped && self.0.iter().any(|((other, _), kept)| *other == key && kept.shipped) {
            return wrong(format!("the key \"{key}\" belongs to a file that ships: choose another key"));
        }
        if let Some(kept) = self.get(&key, version) {
            let file = &kept.file;
            return wrong(format!(
                "version {version} of \"{key}\" stands in {file} already: give this one a new version number"
            ));
        }
        let kept = Kept { thing, file: source.name.clone(), shipped: source.shipped };
        self.0.insert((key, version), kept);
        Ok(())
    }

    fn get(&self, key: &str, version: i32) -> Option<&Kept<T>> {
        self.0.get(&(key.to_owned(), version))
    }

    fn latest(&self, key: &str) -> Option<&T> {
        let of_key = (key.to_owned(), i32::MIN)..=(key.to_owned(), i32::MAX);
        self.0.range(of_key).next_back().map(|(_, kept)| &kept.thing)
    }

    /// The latest version of each.
    fn current(&self) -> impl Iterator<Item = &T> {
        let mut all = self.0.iter().peekable();
        std::iter::from_fn(move || {
            loop {
                let ((key, _), kept) = all.next()?;
                if all.peek().is_none_or(|((next, _), _)| next != key) {
                    return Some(&kept.thing);
                }
            }
        })
    }
}

/// Tells of everything that is wrong, a line each.
pub fn told(defects: &[Defect]) -> String {
    defects.iter().map(|defect| format!("  - {defect}")).collect::<Vec<_>>().join("\n")
}

fn embedded(files: &[(&str, &str)]) -> Vec<Source> {
    let source = |(name, text): &(&str, &str)| Source {
        name: (*name).to_owned(),
        text: (*text).to_owned(),
        shipped: true,
    };
    files.iter().map(source).collect()
}

/// Reads one file into a thing; none when it is no TOML at all.
fn parse<T>(
    source: &Source,
    defects: &mut Vec<Defect>,
    read: impl FnOnce(&mut Reading<'_>, Part<'_>) -> T,
) -> Option<T> {
    let mut reading = Reading::new(&source.name, &source.text);
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    let broken = !errors.is_empty();
    for error in errors {
        reading.wrong(error.span().map_or(0, |span| span.start), error.message().to_owned());
    }
    let thing = (!broken).then(|| read(&mut reading, Part::new(table.get_ref(), 0)));
    let whole = reading.defects.is_empty();
    defects.append(&mut reading.defects);
    thing.filter(|_| whole)
}

/// What a region's directory holds.
#[derive(Default)]
struct Found {
    batteries: Vec<Source>,
    templates: Vec<Source>,
}

fn files(directory: &Path, defects: &mut Vec<Defect>) -> Found {
    let mut found = Found::default();
    let mut wrong =
        |path: &Path, what: &str| defects.push(Defect::of_file(&path.display().to_string(), what));
    let entries = match list(directory) {
        Ok(entries) => entries,
        Err(e) => {
            wrong(directory, &format!("the directory cannot be read ({e}): check content.directory"));
            return found;
        }
    };
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match (name.as_str(), path.is_dir()) {
            ("batteries", true) => found.batteries = folder(&path, &mut wrong),
            ("templates", true) => found.templates = folder(&path, &mut wrong),
            // Such as a README, or what an editor leaves behind.
            (_, false) if std::path::Path::new(&name).extension().is_none_or(|e| e != "toml") => {}
            _ => wrong(&path, "does not belong here: put the files into the folder batteries or templates"),
        }
    }
    found
}

fn folder(folder: &Path, wrong: &mut impl FnMut(&Path, &str)) -> Vec<Source> {
    let mut found = Vec::new();
    let paths = match list(folder) {
        Ok(paths) => paths,
        Err(e) => {
            wrong(folder, &format!("the folder cannot be read ({e})"));
            return found;
        }
    };
    let files = paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    for path in files {
        if found.len() == MOST_FILES {
            wrong(folder, &format!("there are more than {MOST_FILES} files: remove some"));
            break;
        }
        if std::fs::metadata(&path).is_ok_and(|data| data.len() > MOST_BYTES) {
            wrong(&path, &format!("the file is larger than {MOST_BYTES} bytes: shorten it"));
            continue;
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => found.push(Source { name: path.display().to_string(), text, shipped: false }),
            Err(e) => wrong(&path, &format!("the file cannot be read as UTF-8 text ({e})")),
        }
    }
    found
}

/// In order of name, so that two starts tell of the same problems in the same order.
fn list(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths =
        std::fs::read_dir(directory)?.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;
