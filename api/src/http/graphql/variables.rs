//! Brings the variables of a request into the form their definitions ask for, before anything runs.
//!
//! The executing library looks at a variable only when a resolver asks for it, when an earlier field of a mutation may
//! have run already. All problems are told at once, by place and never by value: a value may be a personal number.

use std::collections::HashMap;

use async_graphql::parser::Positioned;
use async_graphql::parser::types::{BaseType, Type, VariableDefinition};
use async_graphql::{Name, ServerError, Value, Variables};
use async_graphql_value::Value as Literal;

use super::errors::{code, coded_at};
use super::types::{Input, Kind, Types};

/// The variables with defaults filled in; those the operation does not define are left out.
///
/// A defined variable that is missing in the result may be null and was not given.
///
/// # Errors
/// Every variable that does not fit its definition, each with code `BAD_USER_INPUT`.
pub fn coerce(
    types: &Types,
    definitions: &[Positioned<VariableDefinition>],
    mut given: Variables,
) -> Result<Variables, Vec<ServerError>> {
    let mut coerced = Variables::default();
    let mut errors = Vec::new();
    for definition in definitions {
        let (name, ty) = (&definition.node.name.node, &definition.node.var_type.node);
        let value = match (given.remove(name), &definition.node.default_value) {
            (Some(value), _) => value,
            (None, Some(default)) => default.node.clone(),
            (None, None) if ty.nullable => continue,
            (None, None) => {
                let message = format!("Variable \"${name}\" of required type \"{ty}\" was not provided.");
                errors.push(coded_at(code::BAD_USER_INPUT, message, [definition.pos]));
                continue;
            }
        };
        let mut problems = Problems { types, found: Vec::new() };
        problems.check(&value, ty, &format!("${name}"));
        errors.extend(problems.found.into_iter().map(|(path, problem)| {
            let message = format!("Variable \"{path}\" got an invalid value; {problem}.");
            coded_at(code::BAD_USER_INPUT, message, [definition.pos])
        }));
        coerced.insert(name.clone(), value);
    }
    if errors.is_empty() { Ok(coerced) } else { Err(errors) }
}

/// The most problems that are told of one variable.
const MAX_PROBLEMS: usize = 20;

/// Checks a value of a document against the type of its place.
///
/// The library's rule for variables never runs (its visitor does not pass values on), and its check of literals leaves
/// out every value that has a variable somewhere, and what a scalar takes. Without one of our own a wrong value would be
/// found only by a resolver, when an earlier field of the mutation has run.
///
/// # Errors
/// Every place that does not fit, with code `GRAPHQL_VALIDATION_FAILED`.
pub fn check_usage(
    types: &Types,
    definitions: &[Positioned<VariableDefinition>],
    argument: &str,
    value: &Positioned<Literal>,
    place: &Input,
) -> Vec<ServerError> {
    let mut usage = Usage { definitions, problems: Problems { types, found: Vec::new() } };
    usage.check(&value.node, &place.ty, place.has_default, argument);
    let errors = usage.problems.found.into_iter().map(|(path, problem)| {
        let message = format!("Invalid value for argument \"{path}\", {problem}.");
        coded_at(code::VALIDATION_FAILED, message, [value.pos])
    });
    errors.collect()
}

struct Usage<'a> {
    definitions: &'a [Positioned<VariableDefinition>],
    problems: Problems<'a>,
}

impl Usage<'_> {
    fn check(&mut self, value: &Literal, ty: &Type, has_default: bool, path: &str) {
        match (value, &ty.base) {
            (Literal::Variable(name), _) => {
                let mut definitions = self.definitions.iter().map(|definition| &definition.node);
                if let Some(definition) = definitions.find(|definition| definition.name.node == *name)
                    && !fits(definition, ty, has_default)
                {
                    let of = &definition.var_type.node;
                    let problem = format!("variable \"${name}\" of type \"{of}\" cannot stand for \"{ty}\"");
                    self.problems.tell(path, problem);
                }
            }
            (Literal::List(values), BaseType::List(item)) => {
                for (index, value) in values.iter().enumerate() {
                    self.check(value, item, false, &format!("{path}[{index}]"));
                }
            }
            (single, BaseType::List(item)) => self.check(single, item, false, path),
            (Literal::Object(given), BaseType::Named(name)) => {
                let types = self.problems.types;
                let Some(Kind::Input { fields, .. }) = types.kind(name) else { return };
                for (field, value) in given {
                    match fields.get(field) {
                        Some(input) => {
                            self.check(value, &input.ty, input.has_default, &format!("{path}.{field}"));
                        }
                        None => self
                            .problems
                            .tell(path, format!("\"{name}\" has no field \"{}\"", shorten(field))),
                    }
                }
                self.problems.tell_missing(path, name, fields, |field| given.contains_key(field));
            }
            (literal, _) => {
                if let Some(value) = literal.clone().into_const() {
                    self.problems.check(&value, ty, path);
                }
            }
        }
    }
}

/// Whether a variable may stand at a place: the specification's `IsVariableUsageAllowed`.
fn fits(variable: &VariableDefinition, place: &Type, place_has_default: bool) -> bool {
    let default = variable.default_value.as_ref().is_some_and(|value| !matches!(value.node, Value::Null));
    let ty = &variable.var_type.node;
    let excused = ty.nullable && !place.nullable && (default || place_has_default);
    (excused || !ty.nullable || place.nullable) && same_base(&ty.base, &place.base)
}

fn same_base(given: &BaseType, wanted: &BaseType) -> bool {
    match (given, wanted) {
        (BaseType::Named(given), BaseType::Named(wanted)) => given == wanted,
        (BaseType::List(given), BaseType::List(wanted)) => {
            (!given.nullable || wanted.nullable) && same_base(&given.base, &wanted.base)
        }
        _ => false,
    }
}

struct Problems<'a> {
    types: &'a Types,
    found: Vec<(String, String)>,
}

impl Problems<'_> {
    fn tell(&mut self, path: &str, problem: impl Into<String>) {
        if self.found.len() < MAX_PROBLEMS {
            self.found.push((path.to_owned(), problem.into()));
        }
    }

    fn check(&mut self, value: &Value, ty: &Type, path: &str) {
        if matches!(value, Value::Null) {
            if !ty.nullable {
                self.tell(path, format!("expected \"{ty}\", which may not be null"));
            }
            return;
        }
        match (&ty.base, value) {
            (BaseType::List(item), Value::List(values)) => {
                for (index, value) in values.iter().enumerate() {
                    self.check(value, item, &format!("{path}[{index}]"));
                }
            }
            (BaseType::List(item), single) => self.check(single, item, path), // a list of one
            (BaseType::Named(name), value) => self.check_named(value, name, path),
        }
    }

    fn check_named(&mut self, value: &Value, name: &Name, path: &str) {
        let fits = match (name.as_str(), self.types.kind(name)) {
            ("Int", _) => match value {
                Value::Number(number) if number.is_i64() || number.is_u64() => {
                    if number.as_i64().is_none_or(|number| i32::try_from(number).is_err()) {
                        return self.tell(path, "an \"Int\" lies between -2147483648 and 2147483647");
                    }
                    true
                }
                _ => false,
            },
            ("Float", _) => matches!(value, Value::Number(_)),
            ("String", _) => matches!(value, Value::String(_)),
            ("Boolean", _) => matches!(value, Value::Boolean(_)),
            ("ID", _) => match value {
                Value::String(_) => true,
                Value::Number(number) => number.is_i64() || number.is_u64(),
                _ => false,
            },
            (_, Some(Kind::Enum(values))) => match value {
                Value::String(text) if values.contains(text.as_str()) => true,
                Value::Enum(text) if values.contains(text) => true,
                _ => return self.tell(path, format!("expected a value of the enum \"{name}\"")),
            },
            (_, Some(Kind::Input { .. })) => return self.check_object(value, name, path),
            (_, Some(Kind::Scalar(Some(judge)))) => match judge(value) {
                Ok(()) => true,
                Err(problem) => return self.tell(path, format!("expected type \"{name}\": {problem}")),
            },
            _ => true,
        };
        if !fits {
            self.tell(path, format!("expected type \"{name}\""));
        }
    }

    fn check_object(&mut self, value: &Value, name: &Name, path: &str) {
        let types = self.types;
        let Some(Kind::Input { fields, one_of }) = types.kind(name) else { return };
        let Value::Object(given) = value else {
            return self.tell(path, format!("expected an object of type \"{name}\""));
        };
        if *one_of && (given.len() != 1 || given.values().any(|value| matches!(value, Value::Null))) {
            self.tell(path, format!("\"{name}\" takes exactly one of its fields, and not null"));
        }
        for (field, value) in given {
            match fields.get(field) {
                Some(input) => self.check(value, &input.ty, &format!("{path}.{field}")),
                None => self.tell(path, format!("\"{name}\" has no field \"{}\"", shorten(field))),
            }
        }
        self.tell_missing(path, name, fields, |field| given.contains_key(field));
    }

    fn tell_missing(
        &mut self,
        path: &str,
        of: &Name,
        fields: &HashMap<Name, Input>,
        is_given: impl Fn(&Name) -> bool,
    ) {
        let missing = fields.iter().filter(|(field, input)| input.required() && !is_given(field));
        let mut missing: Vec<_> = missing.map(|(field, _)| field).collect();
        missing.sort();
        for field in missing {
            self.tell(path, format!("field \"{field}\" of \"{of}\" is required"));
        }
    }
}

/// A name from outside, cut to what a message can bear.
fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}
