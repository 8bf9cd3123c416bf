//! The service behind the transport: tokens become actors, operations run under a session, and no answer leaves
//! before the access log holds what it shows.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use async_graphql::{
    ID, Request, Response, ServerError,
    parser::types::{DocumentOperations, ExecutableDocument, Selection},
};
use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use entity::{PatientId, access_event::Outcome};
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use crate::{
    auth::{
        actor::Actor,
        resolve::{Resolved, Resolver},
        token::{Identity, TokenError, Verifier},
    },
    error::Outage,
    events::{Happened, News},
    graphql::{
        scalars::{self, GlobalId, NodeKind},
        schema::Schema,
        user_error,
    },
    http::graphql::{ACTING_FOR, AuthFailure, Engine, REQUEST_ID, types::Judge},
    locale::Locale,
    session::{Core, Session},
};

/// What answers requests. Clones share everything.
#[derive(Clone)]
pub struct Service {
    pub core: Core,
    pub schema: Schema,
    pub verifier: Arc<Verifier>,
    pub resolver: Resolver,
}

/// Who asks, in which language, under which request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub actor: Actor,
    pub locale: Locale,
    pub request_id: String,
    pub expires_at: Option<DateTime<Utc>>,
    /// What the actor was made of, to be asked again.
    pub person: Option<(Identity, Option<PatientId>)>,
}

impl Service {
    fn session(&self, caller: Caller) -> Arc<Session> {
        Arc::new(Session::new(self.core.clone(), caller.actor, caller.locale, caller.request_id))
    }
}

impl Engine for Service {
    type Caller = Caller;

    const SCALARS: &'static [(&'static str, Judge)] = scalars::JUDGES;

    async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, AuthFailure> {
        let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
        let caller = |actor, expires_at, person| Caller {
            actor,
            expires_at,
            person,
            locale: Locale::preferred(text(header::ACCEPT_LANGUAGE)),
            request_id: headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned(),
        };
        let mut bearers = headers.get_all(header::AUTHORIZATION).iter();
        let Some(bearer) = bearers.next() else { return Ok(caller(Actor::Anonymous, None, None)) };
        // Two tokens are none: which one did a proxy check?
        let token = bearers
            .next()
            .is_none()
            .then(|| bearer.to_str().ok()?.split_once(' '))
            .flatten()
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(AuthFailure::Invalid)?;
        let claims = self.verifier.verify(token).await.map_err(|refusal| {
            tracing::info!(reason = refusal.reason(), "token refused");
            match refusal {
                TokenError::KeysUnavailable => AuthFailure::Unavailable,
                _ => AuthFailure::Invalid,
            }
        })?;
        let acting_for = acting_for(headers);
        let caller = caller(Actor::Anonymous, Some(claims.expires_at), Some((claims.identity, acting_for)));
        self.again(&caller).await
    }

    async fn again(&self, caller: &Caller) -> Result<Caller, AuthFailure> {
        let Some((identity, acting_for)) = &caller.person else { return Ok(caller.clone()) };
        let mut resolved = self.resolver.resolve(identity, *acting_for).await;
        if resolved.as_ref().is_err_and(Outage::connection_broke) {
            resolved = self.resolver.resolve(identity, *acting_for).await;
        }
        match resolved {
            Ok(Resolved::Actor(actor)) => Ok(Caller { actor, ..caller.clone() }),
            Ok(Resolved::Unknown) => {
                tracing::info!(reason = "unknown identity", "token refused");
                Err(AuthFailure::Invalid)
            }
            Ok(Resolved::Refused(actor)) => {
                let session = self.session(Caller { actor, ..caller.clone() });
                let record = session.record("actingFor", Outcome::Denied, Some("FORBIDDEN"));
                match session.core.log.commit(record).await {
                    Ok(()) => Err(AuthFailure::Forbidden),
                    Err(fault) => {
                        tracing::error!(error = %fault, "a refusal could not be logged");
                        Err(AuthFailure::Unavailable)
                    }
                }
            }
            Err(fault) => {
                tracing::error!(error = %fault, "identity could not be resolved");
                Err(AuthFailure::Unavailable)
            }
        }
    }

    fn rights_changed(&self, caller: &Caller) -> BoxStream<'static, ()> {
        let Some(patient) = caller.actor.patient() else { return stream::pending().boxed() };
        let changes = move |event: &Happened| {
            event.patient == patient
                && (event.kind.starts_with("representative.") || event.kind == "patient.deceased")
        };
        let heard = stream::unfold(self.core.db.events().listen(), move |mut events| async move {
            loop {
                match events.recv().await {
                    Ok(News::Happened(event)) if !changes(&event) => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => return Some(((), events)),
                    Err(RecvError::Closed) => return None,
                }
            }
        });
        heard.chain(stream::pending()).boxed()
    }

    async fn execute(&self, caller: Caller, mut request: Request) -> Response {
        let action = request.parsed_query().map(root_fields).unwrap_or_default();
        let session = self.session(caller);
        let response = self.schema.execute(request.data(Arc::clone(&session))).await;
        logged(&session, &action, response).await
    }

    fn execute_stream(&self, caller: Caller, mut request: Request) -> BoxStream<'static, Response> {
        let action = request.parsed_query().map(root_fields).unwrap_or_default();
        let session = self.session(caller);
        let request = request.data(Arc::clone(&session));
        self.schema
            .execute_stream(request)
            .then(move |response| {
                let (session, action) = (Arc::clone(&session), action.clone());
                async move { logged(&session, &action, response).await }
            })
            .boxed()
    }

    fn expires_at(&self, caller: &Caller) -> Option<DateTime<Utc>> {
        caller.expires_at
    }

    fn person(&self, caller: &Caller) -> Option<u64> {
        let (identity, _) = caller.person.as_ref()?;
        let mut hasher = DefaultHasher::new();
        identity.hash(&mut hasher);
        Some(hasher.finish())
    }

    fn now(&self) -> DateTime<Utc> {
        self.core.clock.now()
    }
}

/// The response in the caller's language, once the log holds what it shows; otherwise nothing of it.
async fn logged(session: &Session, action: &str, mut response: Response) -> Response {
    response.errors.iter_mut().for_each(|error| user_error::in_language(error, session.locale));
    match session.commit_trail(action).boxed().await {
        Ok(()) => response,
        Err(fault) => {
            let error = user_error::fault(session, &fault).into_server_error(async_graphql::Pos::default());
            Response::from_errors(vec![ServerError { locations: Vec::new(), ..error }])
        }
    }
}

/// Whom the caller wants to act for. What is no patient's id, or said twice, is an id that nobody has.
fn acting_for(headers: &HeaderMap) -> Option<PatientId> {
    let mut named = headers.get_all(ACTING_FOR).iter();
    let first = named.next()?;
    let id = if named.next().is_some() { None } else { first.to_str().ok() };
    let id = id.and_then(|id| GlobalId::row(&ID::from(id.trim()), NodeKind::Patient));
    Some(id.unwrap_or(PatientId(Uuid::nil())))
}

/// The root fields of the operation, as the access log names it.
fn root_fields(document: &ExecutableDocument) -> String {
    let operation = match &document.operations {
        DocumentOperations::Single(operation) => Some(operation),
        DocumentOperations::Multiple(all) => all.values().next(),
    };
    let mut names: Vec<&str> = operation
        .into_iter()
        .flat_map(|o| &o.node.selection_set.node.items)
        .filter_map(|s| match &s.node {
            Selection::Field(field) => Some(field.node.name.node.as_str()),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names.join(",")
}
