//! The library: question batteries and templates, as data files that ship with the service and that a region adds to.
//!
//! A region's files lie in `batteries/` and `templates/` of the directory that `content.directory` names. They are
//! read and checked when the service starts; one mistake, and it does not start, but tells of all of them.

mod battery;
mod reading;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::de::DeTable;

use self::reading::{Part, Reading};
pub use self::{
    battery::{AnswerKind, Battery, Indicator, OnYes, Question},
    reading::Defect,
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

/// Every battery in every version, in order of key and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Library {
    batteries: BTreeMap<(String, i32), Kept<Battery>>,
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
        let mut batteries = embedded(BATTERIES);
        if let Some(directory) = directory {
            let mut found = files(directory, &mut defects);
            batteries.append(&mut found.batteries);
        }
        for source in &batteries {
            let battery = parse(source, &mut defects, battery::read);
            library.add_battery(battery, source, &mut defects);
        }
        if defects.is_empty() { Ok(library) } else { Err(defects) }
    }

    fn add_battery(&mut self, battery: Option<Battery>, source: &Source, defects: &mut Vec<Defect>) {
        let Some(battery) = battery else { return };
        let same = self.batteries.iter().find(|((key, _), _)| *key == battery.key);
        if let Some((_, kept)) = same
            && kept.shipped
            && !source.shipped
        {
            let what =
                format!("the key \"{}\" belongs to a battery that ships: choose another key", battery.key);
            defects.push(Defect::of_file(&source.name, what));
            return;
        }
        let id = (battery.key.clone(), battery.version);
        if let Some(kept) = self.batteries.get(&id) {
            let what = format!(
                "version {} of \"{}\" stands in {} already: give this one a new version number",
                battery.version, battery.key, kept.file
            );
            defects.push(Defect::of_file(&source.name, what));
            return;
        }
        let kept = Kept { thing: battery, file: source.name.clone(), shipped: source.shipped };
        self.batteries.insert(id, kept);
    }

    /// The batteries that are asked now: the latest version of each, by key.
    pub fn batteries(&self) -> impl Iterator<Item = &Battery> {
        self.batteries
            .iter()
            .filter(|((key, version), _)| self.latest(key) == Some(*version))
            .map(|(_, kept)| &kept.thing)
    }

    /// The latest version of a battery.
    pub fn battery(&self, key: &str) -> Option<&Battery> {
        self.version(key, self.latest(key)?)
    }

    /// One version of a battery.
    pub fn version(&self, key: &str, version: i32) -> Option<&Battery> {
        self.batteries.get(&(key.to_owned(), version)).map(|kept| &kept.thing)
    }

    /// Whether a battery ships with the service; otherwise the region added it.
    pub fn is_shipped(&self, battery: &Battery) -> bool {
        self.batteries.get(&(battery.key.clone(), battery.version)).is_some_and(|kept| kept.shipped)
    }

    /// Refuses the versions that have been answered with another text. `answered` are their definitions by key and
    /// version.
    pub fn check_answered<'a>(
        &self,
        answered: impl IntoIterator<Item = (&'a str, i32, &'a str)>,
    ) -> Result<(), Vec<Defect>> {
        let mut defects = Vec::new();
        for (key, version, definition) in answered {
            let Some(kept) = self.batteries.get(&(key.to_owned(), version)) else { continue };
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

    fn latest(&self, key: &str) -> Option<i32> {
        let of_key = (key.to_owned(), i32::MIN)..=(key.to_owned(), i32::MAX);
        self.batteries.range(of_key).next_back().map(|((_, version), _)| *version)
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
            // Such as a README, or what an editor leaves behind.
            (_, false) if !name.ends_with(".toml") => {}
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
