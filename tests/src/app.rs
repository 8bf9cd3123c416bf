//! The whole service in one test: a fresh database, a clock that stands still, the real router.
//!
//! Requests go through everything a client's would: bearer token, policy, access log, media types. Only the socket
//! is left out.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use chrono::{DateTime, TimeDelta, Utc};
use patientkontrakt::{
    app::open_core_with,
    auth::{
        issue::Issuer,
        resolve::Resolver,
        token::{Identity, Verifier},
    },
    clock::Clock,
    config::{Config, MissingKeys, Sources},
    engine::Service,
    graphql::schema,
    http::{self, demo::Demo, graphql::Endpoint, health::Readiness, rate::Rate},
    library::Library,
    reminder::channel::outbox::Outbox,
    seed,
    session::Core,
};
use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{
    database::{self, TestDatabase},
    world::World,
};

/// The service under test.
pub struct TestApp {
    pub core: Core,
    pub clock: Clock,
    pub config: Config,
    pub service: Service,
    pub world: World,
    pub router: Router,
    statements: Arc<Mutex<Vec<String>>>,
    issuer: Issuer,
    _database: TestDatabase,
    _data: tempfile::TempDir,
}

/// An answer: status, body, and the parts tests look at.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The value at a JSON pointer under `data`.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> &Value {
        let found = self.body.pointer(&format!("/data{pointer}"));
        found.unwrap_or_else(|| panic!("nothing at /data{pointer} in {}", self.body))
    }

    /// The text at a JSON pointer under `data`.
    #[track_caller]
    pub fn text(&self, pointer: &str) -> String {
        self.at(pointer)
            .as_str()
            .unwrap_or_else(|| panic!("no text at {pointer} in {}", self.body))
            .to_owned()
    }

    /// The codes of the user errors of a mutation, in order.
    #[track_caller]
    pub fn user_error_codes(&self, mutation: &str) -> Vec<String> {
        self.of_user_errors(mutation, "code")
    }

    /// The fields of the user errors of a mutation, in order; empty for one that is about the whole.
    #[track_caller]
    pub fn user_error_fields(&self, mutation: &str) -> Vec<String> {
        self.of_user_errors(mutation, "field")
    }

    #[track_caller]
    fn of_user_errors(&self, mutation: &str, part: &str) -> Vec<String> {
        let errors = self.at(&format!("/{mutation}/userErrors")).as_array().cloned().unwrap_or_default();
        errors.iter().map(|e| e[part].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The codes of the top-level errors.
    pub fn error_codes(&self) -> Vec<String> {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|e| e["extensions"]["code"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Fails unless there are neither errors nor user errors anywhere.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "most callers only want the check")]
    pub fn ok(self) -> Self {
        let text = self.body.to_string();
        assert!(self.body.get("errors").is_none(), "{text}");
        assert!(!text.contains("\"userErrors\":[{"), "{text}");
        self
    }
}

/// When the tests' clocks start: a Monday morning in Swedish winter time.
pub fn start() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2027-02-01T08:00:00+01:00").unwrap().with_timezone(&Utc)
}

impl TestApp {
    /// A fresh service with the [`World`] in its database.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A fresh service with some settings of its own (`("region.fixed_contact_policy", "single")`).
    pub async fn with(settings: &[(&'static str, &str)]) -> Self {
        Self::start(settings, false).await
    }

    /// A fresh service with the demo's people and pages; the [`World`] is there too, apart from them.
    pub async fn demo() -> Self {
        Self::start(&[], true).await
    }

    async fn start(settings: &[(&'static str, &str)], demo: bool) -> Self {
        let database = database::fresh_database().await;
        let data = tempfile::tempdir().unwrap();
        let mut sources = Sources::default()
            .with("database.url", &database.url)
            .with("http.rate_per_second", "100000")
            .with("http.rate_burst", "100000");
        for (key, value) in settings {
            sources = sources.with(key, *value);
        }
        let config = Config::demo(Some(data.path().to_owned()), None, sources, MissingKeys::AreMade)
            .expect("the test's configuration");
        let clock = Clock::manual(start());
        let statements: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&statements);
        let mut options = config.db_options();
        options.observer = Some(Arc::new(move |sql: &str| seen.lock().unwrap().push(sql.to_owned())));
        options.timeout = Duration::from_mins(1);
        let core = open_core_with(&config, &options, &clock, false).await.expect("the test's core");
        if demo {
            seed::demo(&core).await.expect("the demo's people");
            clock.advance(TimeDelta::seconds(1));
        }
        let world = World::insert(&core).await;
        let outbox = demo.then(|| Demo { outbox: Outbox::new(clock.clone(), 100) });
        let (service, router) = assemble(&config, &core, outbox);
        let issuer = Issuer::open(&config).expect("issuer");
        statements.lock().unwrap().clear();
        Self {
            core,
            clock,
            config,
            service,
            world,
            router,
            statements,
            issuer,
            _database: database,
            _data: data,
        }
    }

    /// The same service over the same database, started anew with another library.
    #[must_use]
    pub fn with_library(mut self, library: Arc<Library>) -> Self {
        self.core.library = library;
        (self.service, self.router) = assemble(&self.config, &self.core, None);
        self
    }

    /// The same service over the same database, started anew with these channels and no others.
    #[must_use]
    pub fn with_channels(mut self, channels: &[entity::contact_way::Channel]) -> Self {
        let mut settings = (*self.core.settings).clone();
        settings.channels = channels.to_vec();
        self.core.settings = Arc::new(settings);
        (self.service, self.router) = assemble(&self.config, &self.core, None);
        self
    }

    /// A bearer token for somebody of the world.
    pub fn token(&self, identity: &Identity) -> String {
        self.issuer.issue(identity, Duration::from_hours(24 * 300), &self.clock).expect("token")
    }

    /// Runs an operation as `who`.
    pub async fn run(&self, who: &Identity, query: &str, variables: Value) -> Answer {
        self.post(Some(&self.token(who)), &json!({ "query": query, "variables": variables })).await
    }

    /// Runs an operation as `who`, acting for the patient with this global id.
    pub async fn run_for(&self, who: &Identity, patient: &str, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        self.send(Some(&self.token(who)), &[("patientkontrakt-acting-for", patient)], &body).await
    }

    /// Runs an operation without a token.
    pub async fn run_anonymous(&self, query: &str) -> Answer {
        self.post(None, &json!({ "query": query })).await
    }

    /// What a GET of one of the demo's pages answers.
    pub async fn page(&self, path: &str) -> Value {
        let request = Request::get(path)
            .extension(axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 9))));
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Posts a request body to `/graphql`.
    pub async fn post(&self, token: Option<&str>, body: &Value) -> Answer {
        self.send(token, &[], body).await
    }

    /// Posts a request body to `/graphql`, with headers of one's own.
    pub async fn send(&self, token: Option<&str>, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut request = Request::post("/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/graphql-response+json")
            .extension(axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 9))));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| json!({ "raw": String::from_utf8_lossy(&bytes) }));
        Answer { status, body }
    }

    /// The statements that `work` runs.
    pub async fn all_statements<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        self.statements.lock().unwrap().clear();
        let done = work.await;
        let seen = std::mem::take(&mut *self.statements.lock().unwrap());
        (done, seen)
    }

    /// The statements that `work` runs, without those of the access log.
    pub async fn statements<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        let (done, seen) = self.all_statements(work).await;
        (done, seen.into_iter().filter(|sql| !sql.contains("access_event")).collect())
    }
}

/// The service on `core`, as it is put together at start.
fn assemble(config: &Config, core: &Core, demo: Option<Demo>) -> (Service, Router) {
    let verifier = Arc::new(Verifier::new(&config.auth, core.clock.clone()).expect("verifier"));
    let keep = config.auth.identity_cache_seconds;
    let ages = core.settings.ages;
    let resolver = Resolver::new(core.db.clone(), core.keys.clone(), core.clock.clone(), keep, ages);
    let limits = config.limits();
    let graphql = schema::build(&limits);
    let service = Service { core: core.clone(), schema: schema::build_trusting(&limits), verifier, resolver };
    let rate = Rate::new(&config.http);
    let endpoint = Endpoint::new(service.clone(), graphql.clone(), &graphql.sdl(), limits, rate, true);
    let endpoint = endpoint.expect("endpoint");
    let (stop, sockets) = (CancellationToken::new(), TaskTracker::new());
    let router = http::router(config, &service, &endpoint, Readiness::default(), &stop, &sockets, demo);
    (service, router)
}

/// The text of a mutation with its single variable, `input`.
pub fn mutation(name: &str, selection: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!(
        "mutation($input: {}{rest}Input!) {{ {name}(input: $input) {{ {selection} userErrors {{ field code message }} }} }}",
        first.to_uppercase()
    )
}
