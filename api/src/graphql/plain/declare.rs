//! The declarations of plain objects, enums and interfaces, and the loading of fields that are not plain.

use async_graphql::{
    ContextSelectionSet, Positioned, Value,
    parser::types::{Field, Selection, SelectionSet},
};

use super::{At, Plain};

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
