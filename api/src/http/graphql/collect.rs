//! Merges fields of equal response key before execution, as the specification's `CollectFields` does.
//!
//! The executing library resolves every selection it meets: `mutation { book { id } ...F }` with a fragment that asks
//! for `book` again would book twice, and clients that compose fragments (Relay, Apollo) write just that. A collected
//! operation has no named fragment, `@skip` or `@include` left and each response key once; on abstract types it has at
//! most one inline fragment per object type. Beside it stands the [`Shape`] of the answer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, InlineFragment,
    OperationDefinition, Selection, SelectionSet, TypeCondition, VariableDefinition,
};
use async_graphql::parser::{Pos, Positioned};
use async_graphql::{Name, ServerError, Value as ConstValue, Variables};
use async_graphql_value::Value;

use super::errors::{code, coded_at};
use super::limits::too_complex;
use super::shape::{Entry, HIDDEN, Shape};
use super::types::{Kind, Types, named};
use super::variables::check_usage;

/// An operation ready to run, and what its answer looks like.
#[derive(Debug)]
pub struct Collected {
    /// One operation, no fragment definitions.
    pub document: ExecutableDocument,
    pub shape: Shape,
    /// The variables that the collected operation still uses.
    pub variables: HashSet<Name>,
}

/// Collects one operation of a document that passed validation.
///
/// `variables` are the coerced ones, defaults filled in: a defined variable that is missing there was left out by the
/// client. Arguments that are such a variable are left out too, so that their own default or absence counts; the
/// library would deliver null.
///
/// # Errors
/// What the library's validation does not see: fields of one response key that conflict, variables of a type that does
/// not fit their place; and more than `max_fields` fields.
pub fn collect(
    types: &Types,
    document: &ExecutableDocument,
    name: Option<&Name>,
    operation: &Positioned<OperationDefinition>,
    variables: &Variables,
    max_fields: usize,
) -> Result<Collected, Vec<ServerError>> {
    let mut collector = Collector {
        types,
        fragments: &document.fragments,
        definitions: &operation.node.variable_definitions,
        variables,
        misused: Vec::new(),
        left: max_fields,
        max_fields,
        used: HashSet::new(),
    };
    let root = types.root(operation.node.ty);
    let (items, shape) = collector.selections(
        root,
        &[&operation.node.selection_set.node],
        operation.node.selection_set.pos,
    )?;
    if !collector.misused.is_empty() {
        return Err(collector.misused);
    }
    let used = collector.used;
    let collected = operation.position_node(OperationDefinition {
        ty: operation.node.ty,
        variable_definitions: operation
            .node
            .variable_definitions
            .iter()
            .filter(|definition| used.contains(&definition.node.name.node))
            .cloned()
            .collect(),
        directives: operation.node.directives.clone(),
        selection_set: operation.node.selection_set.position_node(SelectionSet { items }),
    });
    let operations = match name {
        None => DocumentOperations::Single(collected),
        Some(name) => DocumentOperations::Multiple(HashMap::from([(name.clone(), collected)])),
    };
    Ok(Collected {
        document: ExecutableDocument { operations, fragments: HashMap::new() },
        shape,
        variables: used,
    })
}

/// A field as met on the way.
#[derive(Clone, Copy)]
struct Met<'a> {
    /// The object types it applies to, as bits over the parent's possible types.
    mask: u128,
    /// Whether it was asked of the parent type itself, not of another type that happens to cover all its objects.
    direct: bool,
    field: &'a Positioned<Field>,
}

/// What a walk over selection sets is about.
#[derive(Clone, Copy)]
struct Scope<'p> {
    parent: &'p Name,
    objects: &'p [Name],
    mask: u128,
    direct: bool,
}

struct Collector<'a> {
    types: &'a Types,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    definitions: &'a [Positioned<VariableDefinition>],
    variables: &'a Variables,
    /// Variables that stand where their type may not.
    misused: Vec<ServerError>,
    left: usize,
    max_fields: usize,
    used: HashSet<Name>,
}

impl<'a> Collector<'a> {
    /// The merged selections of all `sets` on a value of type `parent`.
    fn selections(
        &mut self,
        parent: &Name,
        sets: &[&'a SelectionSet],
        pos: Pos,
    ) -> Result<(Vec<Positioned<Selection>>, Shape), ServerError> {
        let types = self.types;
        let objects = types.possible(parent).unwrap_or(std::slice::from_ref(parent));
        let all = objects.iter().enumerate().fold(0_u128, |mask, (bit, _)| mask | 1 << bit);
        let mut met = Vec::new();
        let mut visited = HashSet::new();
        for set in sets {
            let scope = Scope { parent, objects, mask: all, direct: true };
            self.gather(scope, set, &mut visited, &mut met);
        }

        let mut items = Vec::new();
        let mut common: IndexMap<&Name, Arc<Entry>> = IndexMap::new();
        for (key, group) in by_key(met.iter()) {
            if is_common(&group, all) {
                let fields: Vec<_> = group.iter().map(|met| met.field).collect();
                let (item, entry) = self.merge(parent, &fields)?;
                items.push(item);
                common.insert(key, entry);
            }
        }
        let mut by_type = HashMap::new();
        for (bit, object) in objects.iter().enumerate() {
            let applying = met.iter().filter(|met| met.mask & (1 << bit) != 0);
            let groups = by_key(applying);
            if groups.keys().eq(common.keys()) {
                continue; // nothing of its own: the common fields, in their order
            }
            let (mut own, mut entries) = (Vec::new(), Vec::new());
            for (key, group) in groups {
                if let Some(entry) = common.get(key) {
                    entries.push(Arc::clone(entry));
                    continue;
                }
                let fields: Vec<_> = group.iter().map(|met| met.field).collect();
                let (item, entry) = self.merge(object, &fields)?;
                own.push(item);
                entries.push(entry);
            }
            if !own.is_empty() {
                items.push(on_type(object, own, pos));
            }
            by_type.insert(object.clone(), entries);
        }

        let mut entries: Vec<_> = common.into_values().collect();
        if by_type.is_empty() {
            if entries.is_empty() {
                // Everything was skipped: the answer is an empty object, which the library would turn into null.
                items.push(hidden_typename(pos));
                entries.push(Arc::new(Entry::hidden()));
            }
            return Ok((items, Shape { entries, by_type: None }));
        }
        let type_key = entries.iter().find(|entry| entry.is_typename).map(|entry| entry.key.clone());
        let type_key = type_key.unwrap_or_else(|| {
            items.insert(0, hidden_typename(pos));
            let hidden = Arc::new(Entry::hidden());
            for list in by_type.values_mut() {
                list.push(Arc::clone(&hidden));
            }
            entries.push(hidden);
            Name::new(HIDDEN)
        });
        Ok((items, Shape { entries, by_type: Some((type_key, by_type)) }))
    }

    /// Walks a selection set with its fragments, keeping the order of appearance.
    fn gather(
        &self,
        scope: Scope<'_>,
        set: &'a SelectionSet,
        visited: &mut HashSet<(&'a str, u128, bool)>,
        met: &mut Vec<Met<'a>>,
    ) {
        for selection in &set.items {
            if !self.included(selection.node.directives()) {
                continue;
            }
            let (condition, inner) = match &selection.node {
                Selection::Field(field) => {
                    met.push(Met { mask: scope.mask, direct: scope.direct, field });
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    (inline.node.type_condition.as_ref(), &inline.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.fragments.get(name) else { continue };
                    if !visited.insert((name.as_str(), scope.mask, scope.direct)) {
                        continue; // the same fields again, for the same types
                    }
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set.node)
                }
            };
            let narrowed = condition.map_or(scope, |condition| self.narrow(scope, condition));
            if narrowed.mask != 0 {
                self.gather(narrowed, inner, visited, met);
            }
        }
    }

    fn narrow<'p>(&self, scope: Scope<'p>, condition: &Positioned<TypeCondition>) -> Scope<'p> {
        let on = condition.node.on.node.as_str();
        let applying = scope.objects.iter().enumerate().filter(|(_, object)| self.types.applies(on, object));
        let mask = scope.mask & applying.fold(0, |bits, (bit, _)| bits | 1_u128 << bit);
        // An object type has the fields of every fragment that applies to it.
        let is_object = matches!(scope.objects, [only] if only == scope.parent);
        Scope { mask, direct: scope.direct && (is_object || on == scope.parent.as_str()), ..scope }
    }

    fn included(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let wanted = match directive.node.name.node.as_str() {
                "include" => true,
                "skip" => false,
                _ => return true,
            };
            let condition = match directive.node.get_argument("if").map(|value| &value.node) {
                Some(Value::Boolean(value)) => *value,
                Some(Value::Variable(name)) => {
                    matches!(self.variables.get(name), Some(ConstValue::Boolean(true)))
                }
                _ => return true, // refused by the validation
            };
            condition == wanted
        })
    }

    /// One field out of all selections with its response key.
    fn merge(
        &mut self,
        parent: &Name,
        group: &[&'a Positioned<Field>],
    ) -> Result<(Positioned<Selection>, Arc<Entry>), ServerError> {
        let types = self.types;
        let [first, others @ ..] = group else {
            return Err(conflict("", "the selection is empty", &[]));
        };
        self.left = self.left.checked_sub(1).ok_or_else(|| too_complex(self.max_fields))?;
        let (key, name) = (&first.node.response_key().node, &first.node.name.node);
        for other in others {
            if other.node.name.node != *name {
                let reason = format!("\"{name}\" and \"{}\" are different fields", other.node.name.node);
                return Err(conflict(key, &reason, &[first.pos, other.pos]));
            }
            if !same_arguments(&first.node, &other.node) {
                return Err(conflict(key, "they have differing arguments", &[first.pos, other.pos]));
            }
        }
        let Some(info) = types.field(parent, name) else {
            let message = format!("Unknown field \"{name}\" on type \"{parent}\".");
            return Err(coded_at(code::VALIDATION_FAILED, message, [first.pos]));
        };
        let child = named(&info.ty);
        let composite = matches!(types.kind(child), Some(Kind::Object(_) | Kind::Abstract { .. }));
        let (items, shape) = if composite {
            let sets: Vec<_> = group.iter().map(|field| &field.node.selection_set.node).collect();
            let (items, shape) = self.selections(child, &sets, first.node.selection_set.pos)?;
            (items, Some(shape))
        } else {
            (Vec::new(), None)
        };
        let mut arguments = Vec::with_capacity(first.node.arguments.len());
        for (argument, value) in &first.node.arguments {
            if let Some(place) = info.arguments.get(&argument.node) {
                let misused = check_usage(types, self.definitions, &argument.node, value, place);
                self.misused.extend(misused);
            }
            if let Some(given) = self.given(&value.node) {
                arguments.push((argument.clone(), value.position_node(given)));
            }
        }
        let field = Field {
            alias: first.node.alias.clone(),
            name: first.node.name.clone(),
            arguments,
            directives: first
                .node
                .directives
                .iter()
                .filter(|directive| !matches!(directive.node.name.node.as_str(), "skip" | "include"))
                .cloned()
                .collect(),
            selection_set: first.node.selection_set.position_node(SelectionSet { items }),
        };
        let entry = Entry {
            key: key.clone(),
            ty: info.ty.clone(),
            is_typename: name.as_str() == "__typename",
            hidden: false,
            shape,
        };
        Ok((first.position_node(Selection::Field(first.position_node(field))), Arc::new(entry)))
    }

    /// The value without the parts that are a variable left out by the client; `None` if nothing was given.
    fn given(&mut self, value: &Value) -> Option<Value> {
        Some(match value {
            Value::Variable(name) => {
                if !self.variables.contains_key(name) {
                    return None;
                }
                self.used.insert(name.clone());
                value.clone()
            }
            Value::List(values) => {
                Value::List(values.iter().map(|value| self.given(value).unwrap_or(Value::Null)).collect())
            }
            Value::Object(fields) => Value::Object(
                fields
                    .iter()
                    .filter_map(|(name, value)| self.given(value).map(|value| (name.clone(), value)))
                    .collect(),
            ),
            other => other.clone(),
        })
    }
}

fn by_key<'m, 'a: 'm>(met: impl Iterator<Item = &'m Met<'a>>) -> IndexMap<&'a Name, Vec<Met<'a>>> {
    let mut groups: IndexMap<&'a Name, Vec<Met<'a>>> = IndexMap::new();
    for met in met {
        groups.entry(&met.field.node.response_key().node).or_default().push(*met);
    }
    groups
}

/// Whether a group can stand once for all possible types: every selection is asked of all of them, or one is and all
/// are the same leaf.
fn is_common(group: &[Met<'_>], all: u128) -> bool {
    let of_all = |met: &Met<'_>| met.mask == all && met.direct;
    if group.iter().all(of_all) {
        return true;
    }
    let Some(first) = group.iter().find(|met| of_all(met)) else { return false };
    group.iter().all(|met| {
        met.field.node.selection_set.node.items.is_empty()
            && met.field.node.name.node == first.field.node.name.node
            && same_arguments(&met.field.node, &first.field.node)
    })
}

fn same_arguments(a: &Field, b: &Field) -> bool {
    a.arguments.len() == b.arguments.len()
        && a.arguments
            .iter()
            .all(|(name, value)| b.get_argument(&name.node).is_some_and(|other| other.node == value.node))
}

fn conflict(key: &str, reason: &str, at: &[Pos]) -> ServerError {
    let message = format!(
        "Fields \"{key}\" conflict because {reason}. Use different aliases on the fields to fetch both if this was \
         intentional."
    );
    coded_at(code::VALIDATION_FAILED, message, at.iter().copied())
}

fn on_type(object: &Name, items: Vec<Positioned<Selection>>, pos: Pos) -> Positioned<Selection> {
    let inline = InlineFragment {
        type_condition: Some(Positioned::new(
            TypeCondition { on: Positioned::new(object.clone(), pos) },
            pos,
        )),
        directives: Vec::new(),
        selection_set: Positioned::new(SelectionSet { items }, pos),
    };
    Positioned::new(Selection::InlineFragment(Positioned::new(inline, pos)), pos)
}

fn hidden_typename(pos: Pos) -> Positioned<Selection> {
    let field = Field {
        alias: Some(Positioned::new(Name::new(HIDDEN), pos)),
        name: Positioned::new(Name::new("__typename"), pos),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(SelectionSet::default(), pos),
    };
    Positioned::new(Selection::Field(Positioned::new(field, pos)), pos)
}
