//! Bounds on what one request may ask, checked before anything expensive is done with it.
//!
//! The order matters: the token scan needs no parser (whose recursion would be the first victim), and the measure of
//! the document follows fragments once each, so that a bomb of nested fragments costs no more than its text.

use std::collections::HashMap;

use async_graphql::Name;
use async_graphql::ServerError;
use async_graphql::parser::Positioned;
use async_graphql::parser::types::{ExecutableDocument, FragmentDefinition, Selection, SelectionSet};
use serde::{Deserialize, Serialize};

use super::errors::{code, coded, coded_at};

/// How much one request may ask. Every bound is inclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a request body, or of a GET request's query string.
    pub body_bytes: usize,
    /// Lexical tokens of a document.
    pub tokens: usize,
    /// Levels of nested fields of an operation, fragments followed.
    pub depth: usize,
    /// Aliases of an operation, fragments followed.
    pub aliases: usize,
    /// Directives of an operation, fragments followed.
    pub directives: usize,
    /// Fields at the root of an operation, after merging.
    pub root_fields: usize,
    /// Fields of all operations of a document together, fragments followed.
    pub fields: usize,
    /// Points that an operation may cost: a field is one, and what is selected in a page counts as often as the page is
    /// long. By weights of the schema too, where it has any and was built with `limit_complexity`.
    pub complexity: usize,
    /// Parsed documents kept in memory, per generation of the cache (there are two).
    pub cached_documents: usize,
    /// Bytes of text above which a document is not kept.
    pub cached_document_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            tokens: 10_000,
            depth: 18,
            aliases: 100,
            directives: 100,
            root_fields: 20,
            fields: 5_000,
            complexity: 20_000,
            cached_documents: 500,
            cached_document_bytes: 32 * 1024,
        }
    }
}

/// Brackets that may be open at once. The parser descends once per bracket, so this bounds its stack.
const MAX_NESTING: usize = 60;

/// Operations in one document, of which a request runs one.
const MAX_OPERATIONS: usize = 100;

/// Selection sets inside each other, fragments followed: everything that walks a document descends once per level.
const MAX_LEVELS: usize = 32;

impl Limits {
    /// Scans the text as a lexer would, without building anything.
    ///
    /// Text that is not GraphQL passes: the parser reports it better.
    pub fn check_text(&self, text: &str) -> Result<(), ServerError> {
        let bytes = text.as_bytes();
        let (mut at, mut tokens, mut nesting) = (0, 0_usize, 0_usize);
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                    at += 1;
                    continue;
                }
                b'#' => {
                    at += bytes[at..]
                        .iter()
                        .position(|&b| b == b'\n' || b == b'\r')
                        .unwrap_or(bytes.len() - at);
                    continue;
                }
                b'"' => at = string_end(bytes, at),
                b'.' if bytes[at..].starts_with(b"...") => at += 3,
                byte if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') => {
                    at += 1;
                    at += bytes[at..].iter().take_while(|b| is_word(**b)).count();
                }
                byte => {
                    match byte {
                        b'{' | b'[' | b'(' => nesting += 1,
                        b'}' | b']' | b')' => nesting = nesting.saturating_sub(1),
                        _ => {}
                    }
                    at += 1;
                }
            }
            tokens += 1;
            if tokens > self.tokens {
                return Err(exceeded("tokens", self.tokens));
            }
            if nesting > MAX_NESTING {
                return Err(exceeded("nested brackets", MAX_NESTING));
            }
        }
        Ok(())
    }

    /// Measures every operation of a document with its fragments followed, and refuses fragments that contain themselves.
    pub fn check_document(&self, document: &ExecutableDocument) -> Result<(), ServerError> {
        if document.operations.iter().count() > MAX_OPERATIONS {
            return Err(exceeded("operations", MAX_OPERATIONS));
        }
        let mut measurer = Measurer { fragments: &document.fragments, done: HashMap::new() };
        for name in document.fragments.keys() {
            measurer.fragment(name, 1)?;
        }
        // Each is validated with the fragments that it uses: what is looked at is their sum.
        let mut fields = 0_usize;
        for (_, operation) in document.operations.iter() {
            let mut size = measurer.set(&operation.node.selection_set.node, 1)?;
            size.directives = size.directives.saturating_add(operation.node.directives.len());
            for (what, measured, limit) in [
                ("nested selections", size.levels, MAX_LEVELS),
                ("levels of depth", size.depth, self.depth),
                ("aliases", size.aliases, self.aliases),
                ("directives", size.directives, self.directives),
            ] {
                if measured > limit {
                    return Err(exceeded(what, limit));
                }
            }
            fields = fields.saturating_add(size.fields);
            if fields > self.fields {
                return Err(too_complex(self.fields));
            }
        }
        Ok(())
    }
}

/// A bound was crossed; the text names it and its value, so that a developer can act.
pub fn exceeded(what: &str, limit: usize) -> ServerError {
    coded(
        code::LIMIT_EXCEEDED,
        format!("The document has more than {limit} {what}, the limit of this service."),
    )
}

/// The operation, with the pages it asks for, would cost more than the service is willing to do.
pub fn too_costly(limit: usize) -> ServerError {
    coded(
        code::QUERY_TOO_COMPLEX,
        format!(
            "The operation costs more than {limit} points of complexity, the limit of this service: a field is a point, \
             and what is selected in a page counts `first` times."
        ),
    )
}

/// The document would expand to more fields than the service is willing to look at.
pub fn too_complex(limit: usize) -> ServerError {
    coded(
        code::QUERY_TOO_COMPLEX,
        format!("The document asks for more than {limit} fields, the limit of this service."),
    )
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-')
}

/// Where the string that starts at `at` ends; the end of the text if it never does.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let block = bytes[at..].starts_with(b"\"\"\"");
    let mut i = at + if block { 3 } else { 1 };
    while i < bytes.len() {
        let rest = &bytes[i..];
        if block && rest.starts_with(b"\\\"\"\"") {
            i += 4;
        } else if block && rest.starts_with(b"\"\"\"") {
            return i + 3;
        } else if !block && rest[0] == b'\\' {
            i += 2;
        } else if !block && matches!(rest[0], b'"' | b'\n' | b'\r') {
            return i + 1;
        } else {
            i += 1;
        }
    }
    bytes.len()
}

/// What a selection set amounts to with its fragments followed. Numbers saturate: a bomb is only "too many".
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    fields: usize,
    aliases: usize,
    directives: usize,
    depth: usize,
    levels: usize,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.depth = self.depth.max(other.depth);
        self.levels = self.levels.max(other.levels);
    }
}

struct Measurer<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// `None` while the fragment is being measured: meeting it again is a cycle.
    done: HashMap<&'a str, Option<Size>>,
}

impl<'a> Measurer<'a> {
    fn fragment(&mut self, name: &'a str, level: usize) -> Result<Size, ServerError> {
        let Some(fragment) = self.fragments.get(name) else {
            return Ok(Size::default()); // the validation reports it
        };
        match self.done.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                return Err(coded_at(
                    code::VALIDATION_FAILED,
                    format!("Cannot spread fragment \"{name}\" within itself."),
                    [fragment.pos],
                ));
            }
            None => {}
        }
        self.done.insert(name, None);
        let mut size = self.set(&fragment.node.selection_set.node, level)?;
        size.directives = size.directives.saturating_add(fragment.node.directives.len());
        self.done.insert(name, Some(size));
        Ok(size)
    }

    fn set(&mut self, set: &'a SelectionSet, level: usize) -> Result<Size, ServerError> {
        if set.items.is_empty() {
            return Ok(Size::default());
        }
        if level > MAX_LEVELS {
            return Err(exceeded("nested selections", MAX_LEVELS));
        }
        let mut total = Size::default();
        for selection in &set.items {
            let mut size = match &selection.node {
                Selection::Field(field) => {
                    let mut size = self.set(&field.node.selection_set.node, level + 1)?;
                    size.fields = size.fields.saturating_add(1);
                    size.depth = size.depth.saturating_add(1);
                    size.aliases = size.aliases.saturating_add(usize::from(field.node.alias.is_some()));
                    size
                }
                Selection::InlineFragment(fragment) => {
                    self.set(&fragment.node.selection_set.node, level + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node, level + 1)?
                }
            };
            size.directives = size.directives.saturating_add(selection.node.directives().len());
            total.add(size);
        }
        total.levels += 1;
        Ok(total)
    }
}
