//! From the text of a request to an operation that is ready to run, remembering what was worked out before.
//!
//! A document is parsed and validated once, and collected once for each way in which its conditions and left-out
//! variables fall. Only documents that passed validation are kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::parser::{Positioned, parse_query};
use async_graphql::{Executor, Name, Request, Response, ServerError, Variables};
use async_graphql_value::Value;
use futures_util::future::BoxFuture;

use super::cache::{Generations, lock};
use super::collect::{Collected, collect};
use super::errors::{Refusal, code, code_of, coded, set_code};
use super::limits::{Limits, exceeded, too_costly};
use super::request::Params;
use super::types::Types;
use super::variables::coerce;
use super::weigh::weigh;

/// An operation that is ready to run.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub plan: Arc<Collected>,
    pub operation: OperationType,
    pub operation_name: Option<Name>,
    pub variables: Variables,
}

impl Prepared {
    /// The request as the schema takes it: one operation, merged, with the variables it uses.
    pub fn request(&self) -> Request {
        let mut request = Request::new(String::new()).variables(self.variables.clone());
        request.operation_name = self.operation_name.as_ref().map(ToString::to_string);
        request.set_parsed_query(self.plan.document.clone());
        request
    }
}

type Validate = dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync;

/// Parses, validates and collects; shared by HTTP and WebSocket.
pub struct Documents {
    types: Types,
    validate: Box<Validate>,
    limits: Limits,
    introspection: bool,
    by_text: Mutex<Generations<Arc<str>, Parsed>>,
    by_hash: Mutex<Generations<[u8; 32], Parsed>>,
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Documents").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A name that no document can give an operation: the executor validates the document and then finds nothing to run.
const NOTHING_TO_RUN: &str = "(validate only)";

impl Documents {
    /// `executor` is the schema itself: it is used to validate, never to run.
    pub fn new(executor: impl Executor, types: Types, limits: Limits, introspection: bool) -> Self {
        let validate = Box::new(move |request: Request| -> BoxFuture<'static, Response> {
            let executor = executor.clone();
            Box::pin(async move { executor.execute(request).await })
        });
        let capacity = limits.cached_documents;
        Self {
            types,
            validate,
            limits,
            introspection,
            by_text: Mutex::new(Generations::new(capacity)),
            by_hash: Mutex::new(Generations::new(capacity)),
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Which operation a request names, without validating or running anything; for the decision about its method.
    pub fn resolve(&self, params: &Params) -> Result<Resolved, Refusal> {
        let source = self.source(params)?;
        let parsed = match source {
            Source::Known(parsed) => parsed,
            Source::New { text, hash } => {
                self.limits.check_text(&text)?;
                let document = parse_query(&*text).map_err(|error| {
                    let mut error = ServerError::from(error);
                    set_code(&mut error, code::PARSE_FAILED);
                    error
                })?;
                self.limits.check_document(&document)?;
                Arc::new(Parsed::new(text, hash, document))
            }
        };
        let (name, operation) = select(&parsed.document.operations, params.operation_name.as_deref())?;
        let (name, ty) = (name.cloned(), operation.node.ty);
        Ok(Resolved { parsed, name, ty })
    }

    /// Makes the resolved operation ready to run.
    pub async fn prepare(&self, resolved: Resolved, given: Variables) -> Result<Prepared, Refusal> {
        let Resolved { parsed, name, ty } = resolved;
        let (_, operation) = select(&parsed.document.operations, name.as_deref())?;
        let variables = coerce(&self.types, &operation.node.variable_definitions, given);
        if !parsed.known {
            let tried = variables.as_ref().cloned().unwrap_or_default();
            self.validate(&parsed.document, name.as_ref(), tried).await?;
        }
        let mut variables = variables.map_err(Refusal::graphql)?;
        let plan = self.plan(&parsed, name.as_ref(), operation, &variables)?;
        if !parsed.known {
            self.remember(&parsed);
        }
        // Anew each time: how long a page is may lie in a variable.
        if weigh(&self.types, &plan.document, &variables) > self.limits.complexity {
            return Err(too_costly(self.limits.complexity).into());
        }
        variables.retain(|name, _| plan.variables.contains(name));
        Ok(Prepared { plan, operation: ty, operation_name: name, variables })
    }

    fn plan(
        &self,
        parsed: &Parsed,
        name: Option<&Name>,
        operation: &Positioned<OperationDefinition>,
        variables: &Variables,
    ) -> Result<Arc<Collected>, Refusal> {
        let key = parsed.variant(name, operation, variables);
        if let Some(plan) = lock(&parsed.plans).get(&key) {
            return Ok(Arc::clone(plan));
        }
        let plan = collect(&self.types, &parsed.document, name, operation, variables, self.limits.fields)
            .map_err(Refusal::graphql)?;
        for (_, operation) in plan.document.operations.iter() {
            let roots = &operation.node.selection_set.node.items;
            if roots.len() > self.limits.root_fields {
                return Err(exceeded("root fields", self.limits.root_fields).into());
            }
            if operation.node.ty == OperationType::Subscription && roots.len() != 1 {
                let message = "A subscription must select only one top level field.";
                return Err(coded(code::VALIDATION_FAILED, message).into());
            }
            if !self.introspection && roots.iter().any(is_introspection) {
                let message =
                    "Introspection is switched off in this service; its schema is published as a file.";
                return Err(coded(code::INTROSPECTION_DISABLED, message).into());
            }
        }
        let plan = Arc::new(plan);
        let mut plans = lock(&parsed.plans);
        if plans.len() >= MAX_VARIANTS {
            plans.clear();
        }
        plans.insert(key, Arc::clone(&plan));
        Ok(plan)
    }

    /// Runs the library's own rules over the document as it was sent, operation by operation.
    ///
    /// One at a time, because the library adds up the complexity of all operations in a document.
    async fn validate(
        &self,
        document: &ExecutableDocument,
        selected: Option<&Name>,
        variables: Variables,
    ) -> Result<(), Refusal> {
        let reachable: Vec<_> = document
            .operations
            .iter()
            .map(|(name, operation)| (name, reached(document, operation)))
            .collect();
        for (name, operation) in document.operations.iter() {
            let chosen = name == selected;
            // The fragments of this operation, and those of none, which are an error of the document.
            let fragments = document.fragments.iter().filter(|(fragment, _)| {
                let mut users = reachable.iter().filter(|(_, names)| names.contains(fragment)).peekable();
                users.peek().is_none() || users.any(|(user, _)| *user == name)
            });
            let part = ExecutableDocument {
                operations: DocumentOperations::Single(operation.clone()),
                fragments: fragments.map(|(name, fragment)| (name.clone(), fragment.clone())).collect(),
            };
            let given = if chosen { variables.clone() } else { Variables::default() };
            let mut request = Request::new(String::new()).variables(given).operation_name(NOTHING_TO_RUN);
            request.set_parsed_query(part);
            let errors: Vec<_> = (self.validate)(request)
                .await
                .errors
                .into_iter()
                .filter(|error| !error.message.contains(NOTHING_TO_RUN))
                .filter(|error| !is_about_values(&error.message))
                .map(|error| self.coded_validation(error))
                .filter(|error| chosen || code_of(error) == Some(code::VALIDATION_FAILED))
                .collect();
            if !errors.is_empty() {
                return Err(Refusal::graphql(errors));
            }
        }
        Ok(())
    }

    /// An error of the library's preparation with its code; the two limits it checks name their value.
    pub fn coded_validation(&self, mut error: ServerError) -> ServerError {
        if code_of(&error).is_some() {
            return error;
        }
        match error.message.as_str() {
            "Query is too complex." => {
                error.message = too_costly(self.limits.complexity).message;
                set_code(&mut error, code::QUERY_TOO_COMPLEX);
            }
            "Query is nested too deep." => {
                error.message = exceeded("levels of depth", self.limits.depth).message;
                set_code(&mut error, code::LIMIT_EXCEEDED);
            }
            _ => set_code(&mut error, code::VALIDATION_FAILED),
        }
        if !self.introspection {
            // A suggestion tells a name of the schema to those who may not read it.
            if let Some(at) = error.message.find(" Did you mean ") {
                error.message.truncate(at);
            }
        }
        error
    }

    fn source(&self, params: &Params) -> Result<Source, Refusal> {
        let Some(text) = &params.query else {
            let Some(hash) = params.persisted_hash else {
                return Err(Refusal::bad_request("The parameter \"query\" is missing."));
            };
            return match lock(&self.by_hash).get(&hash) {
                Some(parsed) => Ok(Source::Known(parsed)),
                // The message that client libraries look for, to send the text then.
                None => Err(coded(code::PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound").into()),
            };
        };
        if let Some(hash) = params.persisted_hash
            && sha256(text) != hash
        {
            let message = "The hash of the persisted query is not that of its text.";
            return Err(coded(code::PERSISTED_QUERY_HASH_MISMATCH, message).into());
        }
        if let Some(parsed) = lock(&self.by_text).get(&**text) {
            if let Some(hash) = params.persisted_hash {
                lock(&self.by_hash).insert(hash, Arc::clone(&parsed));
            }
            return Ok(Source::Known(parsed));
        }
        Ok(Source::New { text: Arc::clone(text), hash: params.persisted_hash })
    }

    fn remember(&self, parsed: &Parsed) {
        if parsed.text.len() > self.limits.cached_document_bytes {
            return;
        }
        let known = Arc::new(Parsed {
            text: Arc::clone(&parsed.text),
            hash: parsed.hash,
            document: parsed.document.clone(),
            conditions: parsed.conditions.clone(),
            known: true,
            plans: Mutex::new(std::mem::take(&mut *lock(&parsed.plans))),
        });
        if let Some(hash) = known.hash {
            lock(&self.by_hash).insert(hash, Arc::clone(&known));
        }
        lock(&self.by_text).insert(Arc::clone(&known.text), known);
    }
}

/// An operation that was found, not yet validated.
#[derive(Debug)]
pub struct Resolved {
    parsed: Arc<Parsed>,
    name: Option<Name>,
    pub ty: OperationType,
}

enum Source {
    Known(Arc<Parsed>),
    New { text: Arc<str>, hash: Option<[u8; 32]> },
}

/// How an operation was collected: its name, and one byte per variable.
type Variant = (Option<Name>, Vec<u8>);

/// The most ways of one document that are kept.
const MAX_VARIANTS: usize = 16;

#[derive(Debug)]
struct Parsed {
    text: Arc<str>,
    hash: Option<[u8; 32]>,
    document: ExecutableDocument,
    /// The variables that a `@skip` or `@include` looks at.
    conditions: Vec<Name>,
    /// Whether it passed validation and stands in the cache.
    known: bool,
    plans: Mutex<HashMap<Variant, Arc<Collected>>>,
}

impl Parsed {
    fn new(text: Arc<str>, hash: Option<[u8; 32]>, document: ExecutableDocument) -> Self {
        let mut conditions = Vec::new();
        for (_, operation) in document.operations.iter() {
            find_conditions(&operation.node.selection_set.node, &mut conditions);
        }
        for fragment in document.fragments.values() {
            find_conditions(&fragment.node.selection_set.node, &mut conditions);
        }
        Self { text, hash, document, conditions, known: false, plans: Mutex::default() }
    }

    fn variant(
        &self,
        name: Option<&Name>,
        operation: &Positioned<OperationDefinition>,
        variables: &Variables,
    ) -> Variant {
        let falls = operation.node.variable_definitions.iter().map(|definition| {
            let variable = &definition.node.name.node;
            match variables.get(variable) {
                None => b'-',
                Some(value) if self.conditions.contains(variable) => match value {
                    async_graphql::Value::Boolean(true) => b't',
                    _ => b'f',
                },
                Some(_) => b'+',
            }
        });
        (name.cloned(), falls.collect())
    }
}

fn select<'d>(
    operations: &'d DocumentOperations,
    wanted: Option<&str>,
) -> Result<(Option<&'d Name>, &'d Positioned<OperationDefinition>), Refusal> {
    let mut all = operations.iter();
    let found = match wanted {
        Some(wanted) => all.find(|(name, _)| name.is_some_and(|name| name.as_str() == wanted)),
        None if all.len() == 1 => all.next(),
        None => {
            let message = "The document has more than one operation; \"operationName\" says which to run.";
            return Err(coded(code::OPERATION_RESOLUTION_FAILURE, message).into());
        }
    };
    found.ok_or_else(|| {
        let message = "The document has no operation of the name in \"operationName\".";
        coded(code::OPERATION_RESOLUTION_FAILURE, message).into()
    })
}

/// Errors about the values of variables: they belong to the request, not to the document, and are told elsewhere.
fn is_about_values(message: &str) -> bool {
    message.starts_with("Variable ") && message.ends_with(" is not defined.") && !message.contains('"')
}

fn is_introspection(selection: &Positioned<Selection>) -> bool {
    matches!(&selection.node, Selection::Field(field)
        if matches!(field.node.name.node.as_str(), "__schema" | "__type"))
}

fn find_conditions(set: &SelectionSet, found: &mut Vec<Name>) {
    for selection in &set.items {
        for directive in selection.node.directives() {
            if let Some(name) = condition(&directive.node)
                && !found.contains(name)
            {
                found.push(name.clone());
            }
        }
        match &selection.node {
            Selection::Field(field) => find_conditions(&field.node.selection_set.node, found),
            Selection::InlineFragment(inline) => find_conditions(&inline.node.selection_set.node, found),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn condition(directive: &Directive) -> Option<&Name> {
    if !matches!(directive.name.node.as_str(), "skip" | "include") {
        return None;
    }
    match &directive.get_argument("if")?.node {
        Value::Variable(name) => Some(name),
        _ => None,
    }
}

/// The fragments that an operation spreads, directly or not. The document has no cycles.
fn reached<'d>(
    document: &'d ExecutableDocument,
    operation: &'d Positioned<OperationDefinition>,
) -> Vec<&'d Name> {
    fn walk<'d>(document: &'d ExecutableDocument, set: &'d SelectionSet, found: &mut Vec<&'d Name>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => walk(document, &field.node.selection_set.node, found),
                Selection::InlineFragment(inline) => {
                    walk(document, &inline.node.selection_set.node, found);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = document.fragments.get(name)
                        && !found.contains(&name)
                    {
                        found.push(name);
                        walk(document, &fragment.node.selection_set.node, found);
                    }
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(document, &operation.node.selection_set.node, &mut found);
    found
}

fn sha256(text: &str) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}
