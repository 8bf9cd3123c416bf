//! Writes the configuration for people: the commented example, and what is in effect with its origins.

use std::fmt::Write as _;

use super::{Config, Origin, sections::Section, source::variable};

const HEAD: &str = "\
# Configuration of patientkontrakt. Every setting stands here with its meaning, its unit and its default.
# A line that begins with \"# name =\" is not set by default; its value is only an example.
#
# Each setting can also come from the environment, which wins over this file: PK_SECTION__NAME, for example
# PK_HTTP__LISTEN for listen in [http]. Lists are written with commas. A secret can also stand in a file of
# its own, named by PK_SECTION__NAME_FILE.
";

/// A configuration file with every setting at its default, explained.
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    for section in Config::default().sections() {
        heading(&mut text, &section, true);
        for row in &section.rows {
            for line in row.docs {
                let _ = writeln!(text, "# {}", line.trim());
            }
            if row.secret {
                let name = variable(row.key);
                let _ = writeln!(text, "# Secret: better set by {name} or {name}_FILE than here.");
            }
            let name = row.key.rsplit('.').next().unwrap_or(row.key);
            let _ = match (&row.shown, row.sample) {
                (_, Some(sample)) => writeln!(text, "# {name} = {sample}\n"),
                (Some(shown), None) => writeln!(text, "{name} = {shown}\n"),
                (None, None) => writeln!(text, "# {name} =\n"),
            };
        }
    }
    text
}

/// Every setting as it is in effect, secrets masked, each with where it came from.
pub fn effective(config: &Config) -> String {
    let mut text = String::new();
    for section in config.sections() {
        heading(&mut text, &section, false);
        for row in &section.rows {
            let name = row.key.rsplit('.').next().unwrap_or(row.key);
            let origin = config.origin(row.key);
            let _ = match &row.shown {
                Some(shown) if *origin == Origin::Default && row.sample.is_some() => {
                    writeln!(text, "# {name} = {shown}  # not set")
                }
                Some(shown) => writeln!(text, "{name} = {shown}  # {origin}"),
                None => writeln!(text, "# {name} =  # not set"),
            };
        }
    }
    text
}

fn heading(text: &mut String, section: &Section, explained: bool) {
    if !text.is_empty() && !text.ends_with("\n\n") {
        text.push('\n');
    }
    if section.name.is_empty() {
        return;
    }
    if explained {
        for line in section.docs {
            let _ = writeln!(text, "# {}", line.trim());
        }
    }
    let _ = writeln!(text, "[{}]", section.name);
}
