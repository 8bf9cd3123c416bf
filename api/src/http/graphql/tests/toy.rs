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

use super::super::limits::Limits;
use super::super::{AuthFailure, Endpoint, Engine};
use crate::clock::Clock;
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
}

/// Runs the toy schema. The tokens: `good` and `good too` of one person, `short-N` (ends in N seconds), `down` (cannot be checked).
#[derive(Clone)]
pub struct ToyEngine {
    pub schema: ToySchema,
    pub clock: Clock,
}

impl Engine for ToyEngine {
    type Caller = Caller;

    async fn again(&self, caller: &Caller) -> Result<Caller, AuthFailure> {
        Ok(caller.clone())
    }

    async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, AuthFailure> {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Ok(Caller { expires: None, person: None });
        };
        let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        match token.ok_or(AuthFailure::Invalid)? {
            "good" | "good too" => Ok(Caller { expires: None, person: Some(1) }),
            "down" => Err(AuthFailure::Unavailable),
            token => {
                let seconds = token.strip_prefix("short-").and_then(|n| n.parse().ok());
                let seconds = seconds.ok_or(AuthFailure::Invalid)?;
                Ok(Caller { expires: Some(self.clock.now() + TimeDelta::seconds(seconds)), person: Some(2) })
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
    (Endpoint::new(ToyEngine { schema, clock }, strict, &sdl, limits, rate, introspection).unwrap(), counts)
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
}
