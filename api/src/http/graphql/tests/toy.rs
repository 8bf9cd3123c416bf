//! A toy schema that counts what it runs and can fail, be late and be of many types.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::{
    Context, Enum, Error, ErrorExtensions, ID, InputObject, Interface, Object, Request, Response, Result,
    Schema, SimpleObject, Subscription, Union, ValidationMode,
};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::Notify;

use super::super::limits::Limits;
use super::super::types::Judge;
use super::super::{AuthFailure, Endpoint, Engine};
use crate::clock::Clock;
use crate::error::ConnectionLost;
use crate::http::rate::Rate;

/// How often what was run.
#[derive(Debug, Default)]
pub struct Counts {
    pub booked: AtomicUsize,
    pub loaded: AtomicUsize,
}

pub type ToySchema = Schema<Query, Mutation, Subscriptions>;

pub fn schema() -> (ToySchema, Arc<Counts>) {
    schema_that(ValidationMode::Strict)
}

fn schema_that(validates: ValidationMode) -> (ToySchema, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let schema = Schema::build(Query, Mutation, Subscriptions)
        .validation_mode(validates)
        .data(Arc::clone(&counts))
        .register_output_type::<Node>()
        .limit_complexity(500)
        .finish();
    (schema, counts)
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum Colour {
    Red,
    Green,
}

#[derive(Clone, SimpleObject)]
pub struct Cat {
    id: ID,
    name: String,
    lives: i32,
    friend: Friend,
}

#[derive(Clone, SimpleObject)]
pub struct Dog {
    id: ID,
    name: String,
    barks: bool,
    friend: Friend,
}

#[derive(Clone, SimpleObject)]
pub struct Fish {
    id: ID,
    friend: Friend,
}

#[derive(Clone, SimpleObject)]
pub struct Friend {
    name: String,
    age: i32,
}

#[derive(Clone, Interface)]
#[graphql(field(name = "id", ty = "&ID"), field(name = "friend", ty = "&Friend"))]
pub enum Node {
    Cat(Cat),
    Dog(Dog),
    Fish(Fish),
}

#[derive(Clone, Union)]
pub enum Pet {
    Cat(Cat),
    Dog(Dog),
}

fn friend() -> Friend {
    Friend { name: "Bo".into(), age: 5 }
}
fn cat() -> Cat {
    Cat { id: "c".into(), name: "Misse".into(), lives: 9, friend: friend() }
}
fn dog() -> Dog {
    Dog { id: "d".into(), name: "Fido".into(), barks: true, friend: friend() }
}
fn fish() -> Fish {
    Fish { id: "f".into(), friend: friend() }
}

/// An object with resolvers that finish in another order than asked, and that fail.
pub struct Slow;

#[Object]
impl Slow {
    async fn last(&self) -> i32 {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        1
    }
    async fn middle(&self) -> i32 {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        2
    }
    async fn first(&self) -> i32 {
        3
    }
    async fn again(&self) -> Self {
        tokio::task::yield_now().await;
        Self
    }
    async fn maybe(&self) -> Option<Self> {
        Some(Self)
    }
    async fn fails(&self) -> Result<i32> {
        Err(Error::new("the disk of db-7 is full"))
    }
    async fn fails_nullable(&self) -> Result<Option<i32>> {
        Err(Error::new("forbidden here").extend_with(|_, e| e.set("code", "FORBIDDEN")))
    }
    async fn unavailable(&self) -> Result<Option<i32>> {
        Err(Error::new("The service is away").extend_with(|_, e| e.set("code", "UNAVAILABLE")))
    }
    async fn list(&self) -> Vec<Self> {
        vec![Self, Self]
    }
    async fn panics(&self) -> i32 {
        assert!(std::hint::black_box(false), "on purpose");
        0
    }
}

fn connection_lost() -> Error {
    let error = Error::new("The service is away").extend_with(|_, e| e.set("code", "UNAVAILABLE"));
    Error { source: Some(Arc::new(ConnectionLost)), ..error }
}

#[derive(InputObject)]
pub struct Filter {
    pub colour: Option<Colour>,
    #[graphql(default = 3)]
    pub count: i32,
    pub text: String,
}

pub struct Query;

#[Object]
impl Query {
    async fn slow(&self, ctx: &Context<'_>) -> Slow {
        ctx.data_unchecked::<Arc<Counts>>().loaded.fetch_add(1, Ordering::Relaxed);
        Slow
    }
    /// Fails the first time, as on a connection that breaks.
    async fn broken_once(&self, ctx: &Context<'_>) -> Result<usize> {
        let before = ctx.data_unchecked::<Arc<Counts>>().loaded.fetch_add(1, Ordering::Relaxed);
        if before == 0 { Err(connection_lost()) } else { Ok(before + 1) }
    }
    async fn node(&self, id: ID) -> Option<Node> {
        match id.as_str() {
            "c" => Some(Node::Cat(cat())),
            "d" => Some(Node::Dog(dog())),
            "f" => Some(Node::Fish(fish())),
            _ => None,
        }
    }
    async fn nodes(&self) -> Vec<Node> {
        vec![Node::Cat(cat()), Node::Dog(dog()), Node::Fish(fish())]
    }
    async fn pets(&self) -> Vec<Pet> {
        vec![Pet::Cat(cat()), Pet::Dog(dog())]
    }
    async fn echo(&self, #[graphql(default = "nothing")] text: String) -> String {
        text
    }
    async fn ids(&self, of: Option<Vec<ID>>) -> usize {
        of.map_or(0, |ids| ids.len())
    }
    async fn filtered(&self, filter: Filter) -> String {
        format!("{:?} {} {}", filter.colour.map(|c| c == Colour::Red), filter.count, filter.text)
    }
    #[graphql(complexity = "count as usize * child_complexity")]
    async fn many(&self, count: i32) -> Vec<Friend> {
        (0..count).map(|_| friend()).collect()
    }
}

/// What the caller's token said.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    pub expires: Option<DateTime<Utc>>,
    pub person: Option<u64>,
    /// When the person ceases to be who they were, whatever the token says.
    pub leaves: Option<DateTime<Utc>>,
}

const CHANGING: Option<u64> = Some(4);

impl Caller {
    const NOBODY: Self = Self { expires: None, person: None, leaves: None };
}

/// Runs the toy schema. The tokens: `good` and `good too` of one person, `short-N` (ends in N seconds), `leaving-N` (its
/// person leaves in N seconds), `changing-N` (its person has other rights in N seconds), `down` (cannot be checked).
#[derive(Clone)]
pub struct ToyEngine {
    pub schema: ToySchema,
    pub clock: Clock,
    /// Told when rights change.
    pub rights: Arc<Notify>,
}

impl Engine for ToyEngine {
    type Caller = Caller;

    const SCALARS: &'static [(&'static str, Judge)] = &[];

    async fn again(&self, caller: &Caller) -> Result<Caller, AuthFailure> {
        match caller.leaves {
            Some(leaves) if leaves <= self.clock.now() && caller.person == CHANGING => {
                Ok(Caller { leaves: None, ..caller.clone() })
            }
            Some(leaves) if leaves <= self.clock.now() => Err(AuthFailure::Invalid),
            _ => Ok(caller.clone()),
        }
    }

    fn rights_changed(&self, _: &Caller) -> BoxStream<'static, ()> {
        stream::unfold(Arc::clone(&self.rights), |rights| async {
            rights.notified().await;
            Some(((), rights))
        })
        .boxed()
    }

    async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, AuthFailure> {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Ok(Caller::NOBODY);
        };
        let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        match token.ok_or(AuthFailure::Invalid)? {
            "good" | "good too" => Ok(Caller { person: Some(1), ..Caller::NOBODY }),
            "down" => Err(AuthFailure::Unavailable),
            token => {
                let (kind, seconds) = token.split_once('-').ok_or(AuthFailure::Invalid)?;
                let seconds = seconds.parse().map_err(|_| AuthFailure::Invalid)?;
                let then = Some(self.clock.now() + TimeDelta::seconds(seconds));
                match kind {
                    "short" => Ok(Caller { expires: then, person: Some(2), leaves: None }),
                    "changing" => Ok(Caller { expires: None, person: CHANGING, leaves: then }),
                    "leaving" => Ok(Caller { expires: None, person: Some(3), leaves: then }),
                    _ => Err(AuthFailure::Invalid),
                }
            }
        }
    }

    async fn execute(&self, caller: Caller, request: Request) -> Response {
        self.schema.execute(request.data(caller)).await
    }

    fn execute_stream(&self, caller: Caller, request: Request) -> BoxStream<'static, Response> {
        self.schema.execute_stream(request.data(caller)).boxed()
    }

    fn expires_at(&self, caller: &Caller) -> Option<DateTime<Utc>> {
        caller.expires
    }

    fn person(&self, caller: &Caller) -> Option<u64> {
        caller.person
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

/// The toy behind the transport; introspection on or off.
///
/// What runs leaves validation to the transport, so that every test shows that the transport's own is enough.
pub fn endpoint(clock: Clock, limits: Limits, introspection: bool) -> (Endpoint<ToyEngine>, Arc<Counts>) {
    limited(clock, limits, introspection, Rate::of(Duration::from_micros(1), 1_000_000, &[]))
}

/// The same with another rate.
pub fn limited(
    clock: Clock,
    limits: Limits,
    introspection: bool,
    rate: Rate,
) -> (Endpoint<ToyEngine>, Arc<Counts>) {
    let (strict, _) = schema();
    let (schema, counts) = schema_that(ValidationMode::Fast);
    let sdl = strict.sdl();
    let engine = ToyEngine { schema, clock, rights: Arc::default() };
    (Endpoint::new(engine, strict, &sdl, limits, rate, introspection).unwrap(), counts)
}

pub struct Subscriptions;

#[Subscription]
impl Subscriptions {
    /// Counts to the number, as fast as it is read.
    async fn counter(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to).then(|n| async move {
            tokio::task::yield_now().await;
            n
        })
    }

    /// Says one thing and then waits for ever.
    async fn silent(&self) -> impl Stream<Item = Booking> {
        stream::iter([Booking { n: 1, m: 2, slot: 3 }]).chain(stream::pending())
    }
}

#[derive(SimpleObject)]
pub struct Booking {
    n: usize,
    m: usize,
    slot: i32,
}

pub struct Mutation;

#[Object]
impl Mutation {
    async fn book(&self, ctx: &Context<'_>, slot: i32) -> Booking {
        let n = ctx.data_unchecked::<Arc<Counts>>().booked.fetch_add(1, Ordering::Relaxed) + 1;
        Booking { n, m: n, slot }
    }
    /// Books, and never knows whether it was written.
    async fn book_on_a_broken_line(&self, ctx: &Context<'_>) -> Result<usize> {
        ctx.data_unchecked::<Arc<Counts>>().booked.fetch_add(1, Ordering::Relaxed);
        Err(connection_lost())
    }
}
