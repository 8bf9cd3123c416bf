//! What the preparer must know of the schema: which fields a type has, and which objects an abstract type may be.
//!
//! Read once at start from the schema's own SDL, because the registry of a built schema is private to the library.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, ConstDirective, FieldDefinition, InputValueDefinition, OperationType, Type, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::parser::{Error as ParseError, Positioned};
use async_graphql::{Name, Value};

/// The introspection types: every schema has them and no SDL prints them.
const INTROSPECTION: &str = r"
type __Schema { description: String types: [__Type!]! queryType: __Type! mutationType: __Type subscriptionType: __Type directives: [__Directive!]! }
type __Type { kind: __TypeKind! name: String description: String specifiedByURL: String isOneOf: Boolean
  fields(includeDeprecated: Boolean = false): [__Field!] interfaces: [__Type!] possibleTypes: [__Type!]
  enumValues(includeDeprecated: Boolean = false): [__EnumValue!] inputFields(includeDeprecated: Boolean = false): [__InputValue!] ofType: __Type }
type __Field { name: String! description: String args(includeDeprecated: Boolean = false): [__InputValue!]! type: __Type! isDeprecated: Boolean! deprecationReason: String }
type __InputValue { name: String! description: String type: __Type! defaultValue: String isDeprecated: Boolean! deprecationReason: String }
type __EnumValue { name: String! description: String isDeprecated: Boolean! deprecationReason: String }
type __Directive { name: String! description: String locations: [__DirectiveLocation!]! args(includeDeprecated: Boolean = false): [__InputValue!]! isRepeatable: Boolean! }
enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }
enum __DirectiveLocation { QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT VARIABLE_DEFINITION
  SCHEMA SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE INPUT_OBJECT INPUT_FIELD_DEFINITION }
";

/// An argument or input field: its type, and whether it may be left out because the schema has a default.
#[derive(Debug)]
pub struct Input {
    pub ty: Type,
    pub has_default: bool,
}

impl Input {
    /// Whether the value must be given.
    pub fn required(&self) -> bool {
        !self.ty.nullable && !self.has_default
    }
}

/// A field of an object or interface.
#[derive(Debug)]
pub struct Field {
    pub ty: Type,
    pub arguments: HashMap<Name, Input>,
}

/// Whether a value is one of a scalar's, or how one is written.
pub type Judge = fn(&Value) -> Result<(), &'static str>;

/// What a named type is.
#[derive(Debug)]
pub enum Kind {
    /// Without a judge it takes every value.
    Scalar(Option<Judge>),
    Enum(HashSet<Name>),
    Input {
        fields: HashMap<Name, Input>,
        one_of: bool,
    },
    Object(HashMap<Name, Field>),
    /// An interface (with fields) or a union (without); `possible` is in the order of the SDL.
    Abstract {
        fields: HashMap<Name, Field>,
        possible: Vec<Name>,
    },
}

/// Why the type information could not be made; a fault of the build, never of a request.
#[derive(Debug, thiserror::Error)]
pub enum TypesError {
    #[error("the schema's own SDL does not parse: {0}")]
    Sdl(#[from] ParseError),
    #[error("{0} has {1} possible types, more than {MAX_POSSIBLE}")]
    TooManyPossible(Name, usize),
}

/// The most object types one interface or union may have: they are kept as bits of one word.
pub const MAX_POSSIBLE: usize = 128;

/// The types of one schema. Invariant: every type that a field names is in it, except built-in scalars.
#[derive(Debug)]
pub struct Types {
    kinds: HashMap<Name, Kind>,
    query: Name,
    mutation: Name,
    subscription: Name,
    typename: Field,
    schema: Field,
    type_by_name: Field,
}

impl Types {
    /// Reads the SDL that `Schema::sdl` prints. It names scalars without saying which values they have: the judges do.
    pub fn from_sdl(sdl: &str, judges: &[(&str, Judge)]) -> Result<Self, TypesError> {
        let mut types = Self {
            kinds: HashMap::new(),
            query: Name::new("Query"),
            mutation: Name::new("Mutation"),
            subscription: Name::new("Subscription"),
            typename: plain(BaseType::Named(Name::new("String")), false),
            schema: plain(BaseType::Named(Name::new("__Schema")), false),
            type_by_name: plain(BaseType::Named(Name::new("__Type")), true),
        };
        let mut possible: HashMap<Name, Vec<Name>> = HashMap::new();
        for source in [INTROSPECTION, sdl] {
            for definition in parse_schema(source)?.definitions {
                types.add(definition, &mut possible);
            }
        }
        for (name, judge) in judges {
            types.kinds.insert(Name::new(name), Kind::Scalar(Some(*judge)));
        }
        for (name, kind) in &mut types.kinds {
            if let (Kind::Abstract { possible: known, .. }, Some(found)) = (kind, possible.remove(name)) {
                if found.len() > MAX_POSSIBLE {
                    return Err(TypesError::TooManyPossible(name.clone(), found.len()));
                }
                known.extend(found);
            }
        }
        Ok(types)
    }

    fn add(&mut self, definition: TypeSystemDefinition, possible: &mut HashMap<Name, Vec<Name>>) {
        match definition {
            TypeSystemDefinition::Schema(schema) => {
                for (root, name) in [
                    (&mut self.query, schema.node.query),
                    (&mut self.mutation, schema.node.mutation),
                    (&mut self.subscription, schema.node.subscription),
                ] {
                    if let Some(name) = name {
                        *root = name.node;
                    }
                }
            }
            TypeSystemDefinition::Type(definition) => {
                let name = definition.node.name.node;
                let one_of = has_directive(&definition.node.directives, "oneOf");
                let kind = match definition.node.kind {
                    TypeKind::Scalar => Kind::Scalar(None),
                    TypeKind::Enum(values) => {
                        Kind::Enum(values.values.into_iter().map(|value| value.node.value.node).collect())
                    }
                    TypeKind::InputObject(input) => Kind::Input { fields: inputs(input.fields), one_of },
                    TypeKind::Object(object) => {
                        for interface in object.implements {
                            possible.entry(interface.node).or_default().push(name.clone());
                        }
                        Kind::Object(fields(object.fields))
                    }
                    TypeKind::Interface(interface) => {
                        Kind::Abstract { fields: fields(interface.fields), possible: Vec::new() }
                    }
                    TypeKind::Union(union) => Kind::Abstract {
                        fields: HashMap::new(),
                        possible: union.members.into_iter().map(|member| member.node).collect(),
                    },
                };
                self.kinds.insert(name, kind);
            }
            TypeSystemDefinition::Directive(_) => {}
        }
    }

    /// The name of the root type of an operation.
    pub fn root(&self, operation: OperationType) -> &Name {
        match operation {
            OperationType::Query => &self.query,
            OperationType::Mutation => &self.mutation,
            OperationType::Subscription => &self.subscription,
        }
    }

    /// The named type, if it is not a built-in scalar.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name)
    }

    /// The field `field` of the object or interface `parent`, the introspection fields included.
    pub fn field(&self, parent: &str, field: &str) -> Option<&Field> {
        match field {
            "__typename" => Some(&self.typename),
            "__schema" if parent == self.query.as_str() => Some(&self.schema),
            "__type" if parent == self.query.as_str() => Some(&self.type_by_name),
            _ => match self.kinds.get(parent)? {
                Kind::Object(fields) | Kind::Abstract { fields, .. } => fields.get(field),
                _ => None,
            },
        }
    }

    /// The object types that an abstract type may be; `None` for every other type.
    pub fn possible(&self, name: &str) -> Option<&[Name]> {
        match self.kinds.get(name)? {
            Kind::Abstract { possible, .. } => Some(possible),
            _ => None,
        }
    }

    /// Whether a fragment on `condition` applies to an object of type `object`.
    pub fn applies(&self, condition: &str, object: &str) -> bool {
        condition == object
            || self.possible(condition).is_some_and(|possible| possible.iter().any(|name| name == object))
    }
}

/// The name inside all list and non-null wrappers.
pub fn named(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named(inner),
    }
}

fn plain(base: BaseType, nullable: bool) -> Field {
    Field { ty: Type { base, nullable }, arguments: HashMap::new() }
}

fn has_directive(directives: &[Positioned<ConstDirective>], name: &str) -> bool {
    directives.iter().any(|directive| directive.node.name.node == *name)
}

fn inputs(list: Vec<Positioned<InputValueDefinition>>) -> HashMap<Name, Input> {
    list.into_iter()
        .map(|input| {
            let input = input.node;
            (input.name.node, Input { ty: input.ty.node, has_default: input.default_value.is_some() })
        })
        .collect()
}

fn fields(list: Vec<Positioned<FieldDefinition>>) -> HashMap<Name, Field> {
    list.into_iter()
        .map(|field| {
            let field = field.node;
            (field.name.node, Field { ty: field.ty.node, arguments: inputs(field.arguments) })
        })
        .collect()
}
