//! Operations that are ready to run in the explorer: at least one for every act, grouped by what they are about.
//!
//! They are data, `assets/samples/*.graphql`. A file begins with `#! what it is about`; each sample in it is
//!
//! ```text
//! #: What it does, in Swedish
//! #: as Maria Provlind                     whom of the demo's identities it is meant for
//! #: where status=PROPOSED, kind=CALL      optional: which elements of lists are meant
//! #: refused INCOMPLETE                    optional: it shows a refusal
//! query … { … }                            optional: operations that find what the last one needs
//! mutation … { … }                         the sample itself
//! ```
//!
//! A variable of the sample gets the first value that an operation before it answers under the variable's name, which
//! is why those use aliases. In lists, elements that have a field named under `where` with another value are passed
//! over. Some variables need no finding: `$key` is a new idempotency key, `$today` and `$in14Days` are dates,
//! `$in2Hours` is an instant, and `$in14DaysAt9` is a local time of the form that times are published in.

use serde::Serialize;

const FILES: [&str; 13] = [
    include_str!("../../assets/samples/mine.graphql"),
    include_str!("../../assets/samples/unit.graphql"),
    include_str!("../../assets/samples/beginning.graphql"),
    include_str!("../../assets/samples/writing.graphql"),
    include_str!("../../assets/samples/agreeing.graphql"),
    include_str!("../../assets/samples/goals.graphql"),
    include_str!("../../assets/samples/items.graphql"),
    include_str!("../../assets/samples/contacts.graphql"),
    include_str!("../../assets/samples/times.graphql"),
    include_str!("../../assets/samples/messages.graphql"),
    include_str!("../../assets/samples/tasks.graphql"),
    include_str!("../../assets/samples/people.graphql"),
    include_str!("../../assets/samples/endings.graphql"),
];

/// An operation that is ready to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// What its file is about, in Swedish.
    pub group: &'static str,
    /// One line, in Swedish; no two samples have the same.
    pub title: &'static str,
    /// The name of the identity it is meant for.
    pub who: &'static str,
    /// Field and value that an element of a list must have, if it has the field.
    #[serde(rename = "where")]
    pub conditions: Vec<(&'static str, &'static str)>,
    /// The code of the user error that it shows.
    pub refused: Option<&'static str>,
    /// Operations that find its variables; each may use what those before it found.
    pub finds: Vec<&'static str>,
    pub query: &'static str,
}

/// Every sample, in an order in which they can be run one after another on fresh demo data.
pub fn all() -> Vec<Sample> {
    FILES.into_iter().flat_map(of_file).collect()
}

fn of_file(text: &'static str) -> Vec<Sample> {
    let (head, rest) = text.split_once('\n').unwrap_or_default();
    let group = head.trim_start_matches("#!").trim();
    rest.split("\n\n#: ").map(|one| sample(group, one.trim_start_matches(['\n', '#', ':', ' ']))).collect()
}

fn sample(group: &'static str, text: &'static str) -> Sample {
    let (title, mut rest) = text.split_once('\n').unwrap_or_default();
    let mut sample = Sample { group, title, ..Sample::default() };
    while let Some((line, after)) = rest.split_once('\n')
        && let Some(told) = line.strip_prefix("#: ")
    {
        match told.split_once(' ').unwrap_or_default() {
            ("as", who) => sample.who = who,
            ("where", all) => sample.conditions = all.split(", ").filter_map(|c| c.split_once('=')).collect(),
            ("refused", code) => sample.refused = Some(code),
            _ => {}
        }
        rest = after;
    }
    let mut operations = operations(rest);
    sample.query = operations.pop().unwrap_or_default();
    sample.finds = operations;
    sample
}

/// The operations of a document: each begins with its kind at the beginning of a line.
fn operations(text: &'static str) -> Vec<&'static str> {
    let begins = |at: usize| {
        (at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n'))
            && ["query ", "mutation ", "subscription "].iter().any(|kind| text[at..].starts_with(kind))
    };
    let mut cuts: Vec<usize> =
        (0..text.len()).filter(|&at| text.is_char_boundary(at) && begins(at)).collect();
    cuts.push(text.len());
    cuts.windows(2).map(|pair| text[pair[0]..pair[1]].trim_end()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::collections::BTreeSet;

    use async_graphql::Variables;

    use super::*;
    use crate::{
        graphql::schema,
        http::graphql::{
            documents::Documents,
            errors::{code, code_of},
            limits::Limits,
            request::Params,
            types::Types,
        },
    };

    #[tokio::test]
    async fn every_sample_is_whole_and_valid_by_the_schema() {
        let limits = Limits::default();
        let schema = schema::build(&limits);
        let types = Types::from_sdl(&schema.sdl(), &[]).unwrap();
        let documents = Documents::new(schema, types, limits, true);
        let mut titles = BTreeSet::new();
        for sample in all() {
            let title = sample.title;
            assert!(titles.insert(title), "twice: {title}");
            assert!(
                !sample.who.is_empty() && !sample.group.is_empty() && !sample.query.is_empty(),
                "{sample:?}"
            );
            for query in sample.finds.iter().copied().chain([sample.query]) {
                let params = Params { query: Some(query.into()), ..Params::default() };
                let resolved = documents.resolve(&params).expect(title);
                // Without its variables a valid document says that they are missing, and nothing else.
                if let Err(refusal) = documents.prepare(resolved, Variables::default()).await {
                    for error in refusal.errors {
                        assert_eq!(code_of(&error), Some(code::BAD_USER_INPUT), "{title}: {}", error.message);
                    }
                }
            }
        }
    }

    /// What the pages under `docs` show can be sent as it stands.
    #[tokio::test]
    async fn every_operation_of_the_documentation_is_valid_by_the_schema() {
        let limits = Limits::default();
        let schema = schema::build(&limits);
        let types = Types::from_sdl(&schema.sdl(), &[]).unwrap();
        let documents = Documents::new(schema, types, limits, true);
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let mut shown = 0;
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_none_or(|ending| ending != "md") {
                continue;
            }
            let page = std::fs::read_to_string(&file).unwrap();
            for block in page.split("```graphql\n").skip(1) {
                let query = block.split("```").next().unwrap().to_owned();
                let params = Params { query: Some(query.as_str().into()), ..Params::default() };
                let resolved = documents.resolve(&params).unwrap();
                if let Err(refusal) = documents.prepare(resolved, Variables::default()).await {
                    panic!("{}: {:?}", file.display(), refusal.errors);
                }
                shown += 1;
            }
        }
        assert!(shown > 0);
    }

    #[test]
    fn a_file_is_read_sample_by_sample() {
        let text = "#! Uppgifter\n\n#: Ta en uppgift\n#: as Maria Provlind\n#: where kind=CALL, a=b\n#: refused CONFLICT\n\
                    query Hitta { me { id } }\nmutation Ta($key: String!) {\n  task { id }\n}\n\n#: Se\n#: as Anna\n\
                    query Se {\n  me { id }\n}\n";
        let read = of_file(text);
        assert_eq!(
            read[0],
            Sample {
                group: "Uppgifter",
                title: "Ta en uppgift",
                who: "Maria Provlind",
                conditions: vec![("kind", "CALL"), ("a", "b")],
                refused: Some("CONFLICT"),
                finds: vec!["query Hitta { me { id } }"],
                query: "mutation Ta($key: String!) {\n  task { id }\n}",
            }
        );
        assert_eq!((read[1].title, read[1].who, read[1].finds.len(), read.len()), ("Se", "Anna", 0, 2));
    }
}
