//! What an answer must look like: its keys in the order asked, and where null may stand.
//!
//! The executing library answers keys in the order in which resolvers finish, leaves out the key of a field that
//! failed, and does not carry the null of a non-null field up to its parent. [`Shape::complete`] repairs all three
//! on the finished answer; when nothing failed and nothing is out of order it only compares names.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{BaseType, Type};
use async_graphql::{Name, PathSegment, ServerError, Value};

/// The response key of a `__typename` that the transport asks for itself and takes out of the answer again.
pub const HIDDEN: &str = "__collected_type";

/// One response key of an object.
#[derive(Debug)]
pub struct Entry {
    pub key: Name,
    pub ty: Type,
    pub is_typename: bool,
    /// Taken out of the answer.
    pub hidden: bool,
    /// `None` for a leaf.
    pub shape: Option<Shape>,
}

impl Entry {
    /// The transport's own `__typename`.
    pub fn hidden() -> Self {
        Self {
            key: Name::new(HIDDEN),
            ty: Type { base: BaseType::Named(Name::new("String")), nullable: false },
            is_typename: true,
            hidden: true,
            shape: None,
        }
    }
}

/// The keys of an object in the order asked.
#[derive(Debug)]
pub struct Shape {
    /// For an object type, and for objects of an abstract type that no fragment speaks of.
    pub entries: Vec<Arc<Entry>>,
    /// On abstract types: the response key that holds the type's name, and the keys for each such type.
    pub by_type: Option<(Name, ByType)>,
}

/// The keys for each object type of an abstract type that a fragment speaks of.
pub type ByType = HashMap<Name, Vec<Arc<Entry>>>;

/// Null stands where it may not: the nearest parent that may be null becomes null.
struct NullBubble;

impl Shape {
    /// Puts the answer's data into the form that the specification gives it.
    pub fn complete(&self, data: &mut Value, errors: &[ServerError]) {
        if matches!(data, Value::Null)
            && !errors.iter().any(|error| error.path.is_empty())
            && !errors.is_empty()
        {
            // Every root field failed: the library says null for an object without keys.
            *data = Value::Object(IndexMap::new());
        }
        let result = if errors.is_empty() {
            self.order(data);
            Ok(())
        } else {
            self.object(data, errors, &mut Vec::new())
        };
        if result.is_err() {
            *data = Value::Null;
        }
    }

    fn entries_of(&self, map: &IndexMap<Name, Value>) -> &[Arc<Entry>] {
        if let Some((type_key, by_type)) = &self.by_type
            && let Some(Value::String(name)) = map.get(type_key)
            && let Some(entries) = by_type.get(name.as_str())
        {
            return entries;
        }
        &self.entries
    }

    /// The way of an answer without errors: every key is there.
    fn order(&self, value: &mut Value) {
        match value {
            Value::List(values) => values.iter_mut().for_each(|value| self.order(value)),
            Value::Object(map) => {
                let entries = self.entries_of(map);
                if map.len() != entries.len()
                    || map.keys().zip(entries).any(|(key, entry)| entry.hidden || *key != entry.key)
                {
                    let mut unordered = std::mem::take(map);
                    map.reserve(entries.len());
                    for entry in entries.iter().filter(|entry| !entry.hidden) {
                        if let Some((key, value)) = unordered.swap_remove_entry(&entry.key) {
                            map.insert(key, value);
                        }
                    }
                }
                let mut values = map.iter_mut();
                for entry in entries.iter().filter(|entry| !entry.hidden) {
                    // Every key is there, in this order; should one be missing, the others still find their own.
                    let value = values.find(|(key, _)| **key == entry.key).map(|(_, value)| value);
                    if let (Some(shape), Some(value)) = (&entry.shape, value) {
                        shape.order(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn object<'s>(
        &'s self,
        value: &mut Value,
        errors: &[ServerError],
        path: &mut Vec<Step<'s>>,
    ) -> Result<(), NullBubble> {
        let Value::Object(map) = value else { return Ok(()) };
        let mut unordered = std::mem::take(map);
        for entry in self.entries_of(&unordered).iter().filter(|entry| !entry.hidden) {
            let mut child = unordered.swap_remove(&entry.key).unwrap_or(Value::Null);
            path.push(Step::Key(&entry.key));
            let result = entry.value(&entry.ty, &mut child, errors, path);
            path.pop();
            result?;
            map.insert(entry.key.clone(), child);
        }
        Ok(())
    }
}

impl Entry {
    fn value<'s>(
        &'s self,
        ty: &Type,
        value: &mut Value,
        errors: &[ServerError],
        path: &mut Vec<Step<'s>>,
    ) -> Result<(), NullBubble> {
        let inner = match (&ty.base, &mut *value) {
            (BaseType::List(item), Value::List(values)) => {
                values.iter_mut().enumerate().try_for_each(|(index, value)| {
                    path.push(Step::Index(index));
                    let result = self.value(item, value, errors, path);
                    path.pop();
                    result
                })
            }
            (BaseType::Named(_), _) => match &self.shape {
                Some(shape) => {
                    if matches!(value, Value::Null) && has_error_below(errors, path) {
                        *value = Value::Object(IndexMap::new()); // all its fields failed
                    }
                    shape.object(value, errors, path)
                }
                None => Ok(()),
            },
            _ => Ok(()),
        };
        if inner.is_err() {
            *value = Value::Null;
        }
        if matches!(value, Value::Null) && !ty.nullable { Err(NullBubble) } else { Ok(()) }
    }
}

/// One step from the root of the answer.
enum Step<'s> {
    Key(&'s Name),
    Index(usize),
}

fn has_error_below(errors: &[ServerError], path: &[Step<'_>]) -> bool {
    errors.iter().any(|error| {
        error.path.len() > path.len()
            && error.path.iter().zip(path).all(|(segment, step)| match (segment, step) {
                (PathSegment::Field(field), Step::Key(key)) => field == key.as_str(),
                (PathSegment::Index(a), Step::Index(b)) => a == b,
                _ => false,
            })
    })
}
