//! Connections as plain data: one page of a list with its cursors.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Name, Positioned, ServerResult, Value,
    connection::{CursorType, OpaqueCursor, PageInfo},
    indexmap::IndexMap,
    parser::types::Field,
    registry::{MetaTypeId, Registry},
};
use chrono::{DateTime, Datelike, Utc};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    plain::{At, Plain, meta_field, meta_object},
    user_error::told,
};

/// The largest page.
pub const MOST: i32 = 100;

/// A page of `T`: edges with opaque cursors, page marks, and the count when it was asked for.
#[derive(Clone, Debug)]
pub struct Page<T> {
    edges: Vec<Edge<T>>,
    has_previous: bool,
    has_next: bool,
    total: Option<i32>,
}

#[derive(Clone, Debug)]
struct Edge<T> {
    cursor: String,
    node: T,
}

/// What a client asked for, checked.
#[derive(Clone, Debug)]
pub struct PageRequest<C> {
    pub first: usize,
    pub after: Option<C>,
}

/// Checks the arguments of a connection.
///
/// # Errors
/// `BAD_USER_INPUT` for a `first` outside 1 to 100, or a cursor that this service did not make.
pub fn page_request<C: DeserializeOwned + Serialize>(
    first: Option<i32>,
    after: Option<&str>,
    default: i32,
) -> async_graphql::Result<PageRequest<C>> {
    let first = how_many(first, default)?;
    let after = after
        .map(|cursor| {
            OpaqueCursor::<C>::decode_cursor(cursor).ok().map(|c| c.0).filter(is_of_our_time).ok_or(())
        })
        .transpose()
        .map_err(|()| {
            told(
                "BAD_USER_INPUT",
                "`after` är inte en markör från den här listan.",
                "`after` is no cursor of this list.",
            )
        })?;
    Ok(PageRequest { first, after })
}

/// Whether every instant in a cursor is one that either database can hold.
fn is_of_our_time<C: Serialize>(cursor: &C) -> bool {
    fn fits(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::String(text) => {
                text.parse::<DateTime<Utc>>().map_or(true, |at| (1..=9999).contains(&at.year()))
            }
            serde_json::Value::Array(values) => values.iter().all(fits),
            serde_json::Value::Object(fields) => fields.values().all(fits),
            _ => true,
        }
    }
    serde_json::to_value(cursor).is_ok_and(|value| fits(&value))
}

/// How many a client asked for; for a list that is short enough to have no cursor, the only bound it has.
///
/// # Errors
/// `BAD_USER_INPUT` outside 1 to 100.
pub fn how_many(first: Option<i32>, default: i32) -> async_graphql::Result<usize> {
    usize::try_from(first.unwrap_or(default))
        .ok()
        .filter(|first| (1..=MOST.unsigned_abs() as usize).contains(first))
        .ok_or_else(|| told("BAD_USER_INPUT", "`first` måste vara 1–100.", "`first` must be 1 to 100."))
}

impl<T> Page<T> {
    /// The same page of other nodes.
    pub fn map<U>(self, f: impl Fn(T) -> U) -> Page<U> {
        let edges =
            self.edges.into_iter().map(|Edge { cursor, node }| Edge { cursor, node: f(node) }).collect();
        Page { edges, has_previous: self.has_previous, has_next: self.has_next, total: self.total }
    }

    /// A page of what a statement found when asked for one row more than `request.first`.
    pub fn of_rows<C: Serialize + DeserializeOwned>(
        mut rows: Vec<T>,
        request: &PageRequest<C>,
        cursor: impl Fn(&T) -> C,
    ) -> Self {
        let has_next = rows.len() > request.first;
        rows.truncate(request.first);
        let edges = rows
            .into_iter()
            .map(|node| Edge { cursor: OpaqueCursor(cursor(&node)).encode_cursor(), node })
            .collect();
        Self { edges, has_previous: request.after.is_some(), has_next, total: None }
    }

    /// A page of a list that lies in memory, in order of `cursor`'s position in it.
    pub fn of_all<C: Serialize + DeserializeOwned + PartialEq>(
        all: impl IntoIterator<Item = T>,
        request: &PageRequest<C>,
        cursor: impl Fn(&T) -> C,
    ) -> Self {
        let all: Vec<T> = all.into_iter().collect();
        let total = all.len();
        let start = match &request.after {
            None => 0,
            Some(after) => all.iter().position(|node| cursor(node) == *after).map_or(total, |i| i + 1),
        };
        let rest = all.into_iter().skip(start).take(request.first + 1).collect();
        let mut page = Self::of_rows(rest, request, cursor);
        page.total = i32::try_from(total).ok();
        page
    }

    #[must_use]
    pub fn with_total(mut self, total: Option<i32>) -> Self {
        self.total = total;
        self
    }
}

impl<T: Plain> Page<T> {
    fn edge_name() -> String {
        format!("{}Edge", T::type_name())
    }

    fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }
}

impl<T: Plain> Plain for Page<T> {
    fn write(&self, at: &At<'_>) -> Value {
        at.object(&<Self as async_graphql::OutputType>::type_name(), &[], |name, at| match name {
            "edges" => Value::List(
                self.edges
                    .iter()
                    .enumerate()
                    .map(|(i, edge)| edge.write(&at.index(i), &Self::edge_name()))
                    .collect(),
            ),
            "nodes" => Value::List(
                self.edges.iter().enumerate().map(|(i, edge)| edge.node.write(&at.index(i))).collect(),
            ),
            "pageInfo" => self.page_info().write(at),
            "totalCount" => self.total.write(at),
            _ => Value::Null,
        })
    }
}

impl<T: Plain> Edge<T> {
    fn write(&self, at: &At<'_>, type_name: &str) -> Value {
        at.object(type_name, &[], |name, at| match name {
            "cursor" => Value::String(self.cursor.clone()),
            "node" => self.node.write(at),
            _ => Value::Null,
        })
    }
}

impl Plain for PageInfo {
    fn write(&self, at: &At<'_>) -> Value {
        at.object("PageInfo", &[], |name, _| match name {
            "hasPreviousPage" => Value::Boolean(self.has_previous_page),
            "hasNextPage" => Value::Boolean(self.has_next_page),
            "startCursor" => self.start_cursor.clone().map_or(Value::Null, Value::String),
            "endCursor" => self.end_cursor.clone().map_or(Value::Null, Value::String),
            _ => Value::Null,
        })
    }
}

impl<T: Plain> async_graphql::OutputType for Page<T> {
    fn type_name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Connection", T::type_name()))
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            let edge = EdgeInfo::<T>::create_type_info(registry);
            let node = <T as async_graphql::OutputType>::create_type_info(registry);
            let fields: IndexMap<_, _> = [
                meta_field(
                    "edges".into(),
                    &["The rows of the page, each with its cursor."],
                    format!("[{edge}]!"),
                ),
                meta_field("nodes".into(), &["The rows of the page without cursors."], format!("[{node}]!")),
                meta_field(
                    "pageInfo".into(),
                    &["Whether there is more."],
                    PageInfo::create_type_info(registry),
                ),
                meta_field(
                    "totalCount".into(),
                    &["How many rows there are in all, where that is known."],
                    "Int".into(),
                ),
            ]
            .into_iter()
            .collect();
            let description = format!("A page of `{}`.", T::type_name());
            named(meta_object("", &[&description], std::any::type_name::<Self>(), fields), Self::type_name())
        })
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        Ok(self.write(&At::root(ctx, field)))
    }
}

/// Carries the schema's facts about the edge type; edges are written by their page.
struct EdgeInfo<T>(std::marker::PhantomData<T>);

impl<T: Plain> async_graphql::OutputType for EdgeInfo<T> {
    fn type_name() -> Cow<'static, str> {
        Cow::Owned(Page::<T>::edge_name())
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            let node = <T as async_graphql::OutputType>::create_type_info(registry);
            let fields = [
                meta_field("cursor".into(), &["For `after`."], "String!".into()),
                meta_field("node".into(), &["The row."], node),
            ]
            .into_iter()
            .collect();
            let description = format!("A `{}` in a page.", T::type_name());
            named(meta_object("", &[&description], std::any::type_name::<Self>(), fields), Self::type_name())
        })
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}

fn named(
    mut object: async_graphql::registry::MetaType,
    to: Cow<'static, str>,
) -> async_graphql::registry::MetaType {
    if let async_graphql::registry::MetaType::Object { name, .. } = &mut object {
        *name = Name::new(to).to_string();
    }
    object
}
