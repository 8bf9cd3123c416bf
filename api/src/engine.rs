//! The service behind the transport: tokens become actors, operations run under a session, and no answer leaves
//! before the access log holds what it shows.

use std::sync::Arc;

use async_graphql::{
    Request, Response, ServerError,
    parser::types::{DocumentOperations, ExecutableDocument, Selection},
};
use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, StreamExt, stream::BoxStream};

use crate::{
    auth::{
        actor::Actor,
        resolve::Resolver,
        token::{TokenError, Verifier},
    },
    graphql::{schema::Schema, user_error},
    http::graphql::{AuthFailure, Engine, REQUEST_ID},
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
#[derive(Clone, Debug)]
pub struct Caller {
    pub actor: Actor,
    pub locale: Locale,
    pub request_id: String,
    pub expires_at: Option<DateTime<Utc>>,
}

impl Service {
    fn session(&self, caller: Caller) -> Arc<Session> {
        Arc::new(Session::new(self.core.clone(), caller.actor, caller.locale, caller.request_id))
    }
}

impl Engine for Service {
    type Caller = Caller;

    async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, AuthFailure> {
        let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
        let caller = |actor, expires_at| Caller {
            actor,
            expires_at,
            locale: preferred_locale(text(header::ACCEPT_LANGUAGE)),
            request_id: headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned(),
        };
        let mut bearers = headers.get_all(header::AUTHORIZATION).iter();
        let Some(bearer) = bearers.next() else { return Ok(caller(Actor::Anonymous, None)) };
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
        match self.resolver.resolve(&claims.identity).await {
            Ok(Some(actor)) => Ok(caller(actor, Some(claims.expires_at))),
            Ok(None) => {
                tracing::info!(reason = "unknown identity", "token refused");
                Err(AuthFailure::Invalid)
            }
            Err(fault) => {
                tracing::error!(error = %fault, "identity could not be resolved");
                Err(AuthFailure::Unavailable)
            }
        }
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

    fn now(&self) -> DateTime<Utc> {
        self.core.clock.now()
    }
}

/// The response, once the log holds what it shows; otherwise nothing of it.
async fn logged(session: &Session, action: &str, response: Response) -> Response {
    match session.commit_trail(action).boxed().await {
        Ok(()) => response,
        Err(fault) => {
            let error = user_error::fault(session, &fault).into_server_error(async_graphql::Pos::default());
            Response::from_errors(vec![ServerError { locations: Vec::new(), ..error }])
        }
    }
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

/// Swedish, unless English stands before it in `Accept-Language`.
fn preferred_locale(accept: Option<&str>) -> Locale {
    let first = accept.unwrap_or_default().split(',').find(|part| {
        let tag = part.trim();
        ["sv", "en"].iter().any(|l| tag.get(..2).is_some_and(|t| t.eq_ignore_ascii_case(l)))
    });
    first.map_or_else(Locale::default, |part| Locale::from_tag(part.split(';').next().unwrap_or_default()))
}
