//! Objects that already lie in memory, written synchronously.
//!
//! The derive of the GraphQL library boxes a future per field. A plan has hundreds of fields that are all in memory
//! once the read model has loaded them, so [`plain_object!`] declares an object whose fields are written in one
//! pass, in the order asked. It is an ordinary object to the schema, and can stand wherever one can.

use std::sync::Arc;

use async_graphql::{
    ContextSelectionSet, Name, PathSegment, Positioned, QueryPathNode, QueryPathSegment, ServerError, Value,
    parser::types::{Field, Selection, SelectionSet},
};
use chrono::{DateTime, SecondsFormat, Utc};

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

/// Whether `name` is the camelCase form of the Rust field `field`, without building the string.
pub fn is_camel_case_of(name: &str, field: &str) -> bool {
    let mut name = name.bytes();
    let mut upper = false;
    for byte in field.bytes() {
        if byte == b'_' {
            upper = true;
            continue;
        }
        let want = if upper { byte.to_ascii_uppercase() } else { byte };
        upper = false;
        if name.next() != Some(want) {
            return false;
        }
    }
    name.next().is_none()
}

/// The camelCase form of a Rust field.
pub fn camel_case(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut upper = false;
    for c in field.chars() {
        if c == '_' {
            upper = true;
        } else {
            out.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    out
}

/// The description that doc comments give: their lines, trimmed, joined.
pub fn description(lines: &[&str]) -> Option<String> {
    let text = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

/// A field of a plain object, for the registry.
pub fn meta_field(name: String, docs: &[&str], ty: String) -> (String, async_graphql::registry::MetaField) {
    let field = async_graphql::registry::MetaField {
        name: name.clone(),
        description: description(docs),
        args: async_graphql::indexmap::IndexMap::new(),
        ty,
        deprecation: async_graphql::registry::Deprecation::NoDeprecated,
        cache_control: async_graphql::CacheControl::default(),
        external: false,
        requires: None,
        provides: None,
        visible: None,
        shareable: false,
        inaccessible: false,
        tags: Vec::new(),
        override_from: None,
        compute_complexity: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    };
    (name, field)
}

/// An object type for the registry.
pub fn meta_object(
    name: &'static str,
    docs: &[&str],
    rust_typename: &'static str,
    fields: async_graphql::indexmap::IndexMap<String, async_graphql::registry::MetaField>,
) -> async_graphql::registry::MetaType {
    async_graphql::registry::MetaType::Object {
        name: name.to_owned(),
        description: description(docs),
        fields,
        cache_control: async_graphql::CacheControl::default(),
        extends: false,
        shareable: false,
        resolvable: true,
        inaccessible: false,
        interface_object: false,
        tags: Vec::new(),
        keys: None,
        visible: None,
        is_subscription: false,
        rust_typename: Some(rust_typename),
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// Writes `object`, and loads the fields that it declares with `#[ComplexObject]` where they are selected: one after
/// another, each with its arguments.
pub async fn write_and_load<T: Plain + async_graphql::ComplexObject>(
    object: &T,
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
) -> async_graphql::ServerResult<Value> {
    let mut written = object.write(&At::root(ctx, field));
    let Value::Object(fields) = &mut written else { return Ok(written) };
    let mut selected = Vec::new();
    selected_fields(ctx, &field.node.selection_set.node, &T::type_name(), &mut selected);
    for field in selected {
        let ctx = ctx.with_field(field);
        let key = &field.node.response_key().node;
        match object.resolve_field(&ctx).await {
            Ok(Some(value)) => {
                fields.insert(key.clone(), value);
            }
            Ok(None) => {}
            Err(error) => ctx.add_error(error),
        }
    }
    Ok(written)
}

/// The fields selected of an object called `name`, those in fragments too.
fn selected_fields<'a>(
    ctx: &'a ContextSelectionSet<'a>,
    set: &'a SelectionSet,
    name: &str,
    into: &mut Vec<&'a Positioned<Field>>,
) {
    let applies = |condition: &str| condition == name || condition == "Node";
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => into.push(field),
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                if condition.is_none_or(|c| applies(&c.node.on.node)) {
                    selected_fields(ctx, &fragment.node.selection_set.node, name, into);
                }
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = ctx.query_env.fragments.get(&spread.node.fragment_name.node)
                    && applies(&fragment.node.type_condition.node.on.node)
                {
                    selected_fields(ctx, &fragment.node.selection_set.node, name, into);
                }
            }
        }
    }
}

/// Declares a GraphQL object that is plain data. Doc comments become the descriptions; every field's type is
/// [`Plain`]. `implements Node` puts it under the interface.
///
/// `+ complex` adds the fields of an `#[async_graphql::ComplexObject] impl`: what is rarely asked for, or takes
/// arguments, and is loaded then. Such an object must not stand inside another plain one.
macro_rules! plain_object {
    (@resolve complex, $object:ident, $ctx:ident, $field:ident) => {
        $crate::graphql::plain::write_and_load($object, $ctx, $field).await
    };
    (@resolve , $object:ident, $ctx:ident, $field:ident) => {
        Ok($crate::graphql::plain::Plain::write($object, &$crate::graphql::plain::At::root($ctx, $field)))
    };
    (@fields complex, $name:ident, $registry:ident) => {
        <$name as async_graphql::ComplexObject>::fields($registry)
    };
    (@fields , $name:ident, $registry:ident) => {
        Vec::new()
    };
    (@load complex, $object:ident, $ctx:ident) => {
        async_graphql::ComplexObject::resolve_field($object, $ctx).await
    };
    (@load , $object:ident, $ctx:ident) => {
        Ok(None)
    };
    (
        $(#[doc = $doc:literal])*
        $name:ident $(implements $interface:ident)? $(+ $complex:ident)? {
            $($(#[doc = $fdoc:literal])* $field:ident: $ty:ty),+ $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $fdoc])* pub $field: $ty),+
        }

        impl $crate::graphql::plain::Plain for $name {
            fn write(&self, at: &$crate::graphql::plain::At<'_>) -> async_graphql::Value {
                at.object(stringify!($name), &[$(stringify!($interface))?], |name, at| {
                    $(if $crate::graphql::plain::is_camel_case_of(name, stringify!($field)) {
                        return $crate::graphql::plain::Plain::write(&self.$field, at);
                    })+
                    async_graphql::Value::Null
                })
            }
        }

        impl async_graphql::OutputType for $name {
            fn type_name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }

            fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
                registry.create_output_type::<Self, _>(async_graphql::registry::MetaTypeId::Object, |registry| {
                    $(registry.add_implements(stringify!($name), stringify!($interface));)?
                    let fields = [
                        $($crate::graphql::plain::meta_field(
                            $crate::graphql::plain::camel_case(stringify!($field)),
                            &[$($fdoc),*],
                            <$ty as async_graphql::OutputType>::create_type_info(registry),
                        )),+
                    ];
                    let more: Vec<(String, async_graphql::registry::MetaField)> =
                        $crate::graphql::plain::plain_object!(@fields $($complex)?, $name, registry);
                    $crate::graphql::plain::meta_object(
                        stringify!($name),
                        &[$($doc),*],
                        std::any::type_name::<Self>(),
                        fields.into_iter().chain(more).collect(),
                    )
                })
            }

            async fn resolve(
                &self,
                ctx: &async_graphql::ContextSelectionSet<'_>,
                field: &async_graphql::Positioned<async_graphql::parser::types::Field>,
            ) -> async_graphql::ServerResult<async_graphql::Value> {
                $crate::graphql::plain::plain_object!(@resolve $($complex)?, self, ctx, field)
            }
        }

        impl async_graphql::resolver_utils::ContainerType for $name {
            async fn resolve_field(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> async_graphql::ServerResult<Option<async_graphql::Value>> {
                let set = ctx.with_selection_set(&ctx.item.node.selection_set);
                let at = $crate::graphql::plain::At::root(&set, ctx.item);
                let name: &str = &ctx.item.node.name.node;
                $(if $crate::graphql::plain::is_camel_case_of(name, stringify!($field)) {
                    return Ok(Some($crate::graphql::plain::Plain::write(&self.$field, &at)));
                })+
                $crate::graphql::plain::plain_object!(@load $($complex)?, self, ctx)
            }
        }

        impl async_graphql::ObjectType for $name {}
    };
}

/// Declares the GraphQL enum of a stored enum: same values, one description each, as plain data.
macro_rules! plain_enum {
    (
        $(#[doc = $doc:literal])*
        $name:ident = $stored:ty {
            $($(#[doc = $vdoc:literal])* $variant:ident),+ $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
        pub enum $name {
            $($(#[doc = $vdoc])* $variant),+
        }

        impl From<$stored> for $name {
            fn from(stored: $stored) -> Self {
                match stored { $(<$stored>::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $stored {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),+ }
            }
        }

        impl $crate::graphql::plain::Plain for $name {
            fn write(&self, _: &$crate::graphql::plain::At<'_>) -> async_graphql::Value {
                async_graphql::Value::Enum(async_graphql::Name::new(<$stored>::from(*self).as_str()))
            }
        }
    };
}

/// Declares a GraphQL interface over plain objects that each `implements` it. Its own fields are those of every
/// variant.
macro_rules! plain_interface {
    (
        $(#[doc = $doc:literal])*
        $name:ident { $($(#[doc = $fdoc:literal])* $field:ident: $ty:ty),+ $(,)? } of { $($variant:ident($object:ty)),+ $(,)? }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub enum $name {
            $($variant($object)),+
        }

        impl $crate::graphql::plain::Plain for $name {
            fn write(&self, at: &$crate::graphql::plain::At<'_>) -> async_graphql::Value {
                match self {
                    $(Self::$variant(object) => $crate::graphql::plain::Plain::write(object, at)),+
                }
            }
        }

        impl async_graphql::OutputType for $name {
            fn type_name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }

            fn introspection_type_name(&self) -> std::borrow::Cow<'static, str> {
                match self {
                    $(Self::$variant(_) => <$object as async_graphql::OutputType>::type_name()),+
                }
            }

            fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
                registry.create_output_type::<Self, _>(async_graphql::registry::MetaTypeId::Interface, |registry| {
                    let mut possible_types = async_graphql::indexmap::IndexSet::new();
                    $(
                        <$object as async_graphql::OutputType>::create_type_info(registry);
                        possible_types.insert(<$object as async_graphql::OutputType>::type_name().into_owned());
                    )+
                    let fields = [
                        $($crate::graphql::plain::meta_field(
                            $crate::graphql::plain::camel_case(stringify!($field)),
                            &[$($fdoc),*],
                            <$ty as async_graphql::OutputType>::create_type_info(registry),
                        )),+
                    ];
                    async_graphql::registry::MetaType::Interface {
                        name: stringify!($name).to_owned(),
                        description: $crate::graphql::plain::description(&[$($doc),*]),
                        fields: fields.into_iter().collect(),
                        possible_types,
                        extends: false,
                        inaccessible: false,
                        tags: Vec::new(),
                        keys: None,
                        visible: None,
                        rust_typename: Some(std::any::type_name::<Self>()),
                        directive_invocations: Vec::new(),
                        requires_scopes: Vec::new(),
                    }
                })
            }

            async fn resolve(
                &self,
                ctx: &async_graphql::ContextSelectionSet<'_>,
                field: &async_graphql::Positioned<async_graphql::parser::types::Field>,
            ) -> async_graphql::ServerResult<async_graphql::Value> {
                Ok($crate::graphql::plain::Plain::write(self, &$crate::graphql::plain::At::root(ctx, field)))
            }
        }
    };
}

pub(crate) use {plain_enum, plain_interface, plain_object};
