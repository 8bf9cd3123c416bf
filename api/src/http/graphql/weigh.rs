//! What an operation may cost: a field is a point, and one that gives a page (`first`) as many times what is asked of each.

use async_graphql::{
    Value as Const, Variables,
    parser::types::{ExecutableDocument, Field, Selection, SelectionSet},
};
use async_graphql_value::Value;

use super::types::{Types, named};

/// A page where its length is left out: as long as most lists are then, or longer.
const USUAL_PAGE: usize = 50;

/// The points of a collected operation, in which no fragment is left to be followed.
pub fn weigh(types: &Types, document: &ExecutableDocument, variables: &Variables) -> usize {
    let scale = Scale { types, variables };
    let each = document.operations.iter();
    each.map(|(_, one)| scale.set(types.root(one.node.ty), &one.node.selection_set.node))
        .fold(0, usize::saturating_add)
}

struct Scale<'a> {
    types: &'a Types,
    variables: &'a Variables,
}

impl Scale<'_> {
    fn set(&self, parent: &str, set: &SelectionSet) -> usize {
        let weights = set.items.iter().map(|item| match &item.node {
            Selection::Field(field) => self.field(parent, &field.node),
            Selection::InlineFragment(fragment) => {
                let on = fragment.node.type_condition.as_ref().map_or(parent, |on| &on.node.on.node);
                self.set(on, &fragment.node.selection_set.node)
            }
            Selection::FragmentSpread(_) => 0,
        });
        weights.fold(0, usize::saturating_add)
    }

    fn field(&self, parent: &str, field: &Field) -> usize {
        let Some(known) = self.types.field(parent, &field.name.node) else { return 1 };
        let times = if known.arguments.contains_key("first") { self.page(field) } else { 1 };
        let each = self.set(named(&known.ty), &field.selection_set.node);
        each.saturating_mul(times).saturating_add(1)
    }

    fn page(&self, field: &Field) -> usize {
        let given = match field.get_argument("first").map(|first| &first.node) {
            Some(Value::Number(first)) => first.as_u64(),
            Some(Value::Variable(name)) => match self.variables.get(name) {
                Some(Const::Number(first)) => first.as_u64(),
                _ => None,
            },
            _ => None,
        };
        given.map_or(USUAL_PAGE, |first| usize::try_from(first).unwrap_or(usize::MAX))
    }
}
