//! Objects that already lie in memory, written synchronously.
//!
//! The derive of the GraphQL library boxes a future per field. A plan has hundreds of fields that are all in memory
//! once the read model has loaded them, so [`plain_object!`] declares an object whose fields are written in one
//! pass, in the order asked. It is an ordinary object to the schema, and can stand wherever one can.

mod declare;
mod registry;

use std::sync::Arc;

use async_graphql::{
    ContextSelectionSet, Name, PathSegment, Positioned, QueryPathNode, QueryPathSegment, ServerError, Value,
    parser::types::{Field, Selection, SelectionSet},
};
use chrono::{DateTime, SecondsFormat, Utc};

pub(crate) use self::declare::{plain_enum, plain_interface, plain_object};
pub use self::{
    declare::write_and_load,
    registry::{camel_case, description, is_camel_case_of, meta_field, meta_object},
};
use super::scalars::GlobalId;
use crate::{locale::Locale, session::Session};

/// Where in the answer a value is being written.
pub struct At<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    field: &'a Positioned<Field>,
    path: QueryPathNode<'a>,
}

impl<'a> At<'a> {
    /// The place of the value that `ctx` is about to resolve.
    pub fn root(ctx: &'a ContextSelectionSet<'a>, field: &'a Positioned<Field>) -> Self {
        let path =
            ctx.path_node.unwrap_or(QueryPathNode { parent: None, segment: QueryPathSegment::Name("") });
        Self { ctx, field, path }
    }

    /// The place of the `index`th element of the list at this place.
    pub fn index(&self, index: usize) -> At<'_> {
        let path = QueryPathNode { parent: Some(&self.path), segment: QueryPathSegment::Index(index) };
        At { ctx: self.ctx, field: self.field, path }
    }

    /// Writes an object: `value` gives each selected field's value.
    pub fn object(&self, name: &str, interfaces: &[&str], value: impl Fn(&str, &At<'_>) -> Value) -> Value {
        let set = &self.field.node.selection_set.node;
        let mut out = async_graphql::indexmap::IndexMap::with_capacity(set.items.len());
        self.fill(set, name, interfaces, &value, &mut out);
        Value::Object(out)
    }

    fn fill(
        &self,
        set: &SelectionSet,
        name: &str,
        interfaces: &[&str],
        value: &impl Fn(&str, &At<'_>) -> Value,
        out: &mut async_graphql::indexmap::IndexMap<Name, Value>,
    ) {
        let applies = |condition: &str| condition == name || interfaces.contains(&condition);
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.clone();
                    let written = if field.node.name.node == "__typename" {
                        Value::String(name.to_owned())
                    } else {
                        let segment = QueryPathSegment::Name(&key);
                        let path = QueryPathNode { parent: Some(&self.path), segment };
                        value(&field.node.name.node, &At { ctx: self.ctx, field, path })
                    };
                    out.insert(key, written);
                }
                // Fragments remain only under abstract types; directives were evaluated before execution.
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    if condition.is_none_or(|c| applies(&c.node.on.node)) {
                        self.fill(&fragment.node.selection_set.node, name, interfaces, value, out);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.ctx.query_env.fragments.get(&spread.node.fragment_name.node)
                        && applies(&fragment.node.type_condition.node.on.node)
                    {
                        self.fill(&fragment.node.selection_set.node, name, interfaces, value, out);
                    }
                }
            }
        }
    }

    /// Adds an error at this place, and tells the access log; the value itself becomes null.
    fn refuse(&self, code: &'static str, text: [&str; 2]) {
        let session = self.ctx.data_opt::<Arc<Session>>();
        if let Some(session) = session {
            session.trail.denied(code, None);
        }
        let message = session.map_or(Locale::default(), |s| s.locale).pick(text[0], text[1]);
        let mut error = ServerError::new(message, Some(self.field.pos));
        let mut extensions = async_graphql::ErrorExtensionValues::default();
        extensions.set("code", code);
        error.extensions = Some(extensions);
        error.path = std::iter::once(&self.path)
            .chain(self.path.parents())
            .filter_map(|node| match node.segment {
                QueryPathSegment::Name("") => None,
                QueryPathSegment::Name(name) => Some(PathSegment::Field(name.to_owned())),
                QueryPathSegment::Index(index) => Some(PathSegment::Index(index)),
            })
            .collect();
        error.path.reverse();
        self.ctx.add_error(error);
    }
}

/// A value that is written without waiting for anything.
pub trait Plain: async_graphql::OutputType {
    fn write(&self, at: &At<'_>) -> Value;
}

impl Plain for String {
    fn write(&self, _: &At<'_>) -> Value {
        Value::String(self.clone())
    }
}

impl Plain for bool {
    fn write(&self, _: &At<'_>) -> Value {
        Value::Boolean(*self)
    }
}

impl Plain for i32 {
    fn write(&self, _: &At<'_>) -> Value {
        Value::Number((*self).into())
    }
}

impl Plain for DateTime<Utc> {
    fn write(&self, _: &At<'_>) -> Value {
        Value::String(self.to_rfc3339_opts(SecondsFormat::AutoSi, false))
    }
}

impl Plain for GlobalId {
    fn write(&self, _: &At<'_>) -> Value {
        Value::String(self.to_string())
    }
}

impl<T: Plain> Plain for Option<T> {
    fn write(&self, at: &At<'_>) -> Value {
        self.as_ref().map_or(Value::Null, |value| value.write(at))
    }
}

impl<T: Plain> Plain for Vec<T> {
    fn write(&self, at: &At<'_>) -> Value {
        Value::List(self.iter().enumerate().map(|(i, value)| value.write(&at.index(i))).collect())
    }
}

impl<T: Plain + ?Sized> Plain for Box<T> {
    fn write(&self, at: &At<'_>) -> Value {
        T::write(self, at)
    }
}

impl<T: Plain + ?Sized> Plain for std::sync::Arc<T> {
    fn write(&self, at: &At<'_>) -> Value {
        T::write(self, at)
    }
}

/// A field that the caller's role may not see: null with a FORBIDDEN error, while its siblings are served.
#[derive(Clone, Debug)]
pub enum Restricted<T> {
    Shown(Option<T>),
    Hidden,
}

impl<T: Plain> async_graphql::OutputType for Restricted<T> {
    fn type_name() -> std::borrow::Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::type_name().to_string()
    }

    fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
        T::create_type_info(registry);
        Self::qualified_type_name()
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> async_graphql::ServerResult<Value> {
        Ok(self.write(&At::root(ctx, field)))
    }
}

impl<T: Plain> Plain for Restricted<T> {
    fn write(&self, at: &At<'_>) -> Value {
        match self {
            Self::Shown(value) => value.write(at),
            Self::Hidden => {
                at.refuse(
                    "FORBIDDEN",
                    ["Din roll får inte se det här fältet.", "Your role may not see this field."],
                );
                Value::Null
            }
        }
    }
}
