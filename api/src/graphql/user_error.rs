//! How refusals and faults reach the client.

use std::sync::Arc;

use async_graphql::{Context, Enum, ErrorExtensions, ServerError, SimpleObject};

use crate::{
    domain::act::Receipt,
    error::{ConnectionLost, Fault, Outage, Problem, ProblemCode, Text},
    graphql::plain::{At, Plain},
    locale::Locale,
    session::Session,
};

/// Why a mutation was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "ProblemCode")]
pub enum UserErrorCode {
    /// The patient or the staff member is busy then.
    AlreadyOccupied,
    /// A field has a value that cannot be used; the message says what to write instead.
    BadUserInput,
    /// What the proposal built on has changed since: read the agreement and propose again.
    BaseMoved,
    /// It clashes with something that already holds.
    Conflict,
    /// The caller's role never allows this.
    Forbidden,
    /// The idempotency key was used for something else.
    IdempotencyKeyReused,
    /// Something is missing; every missing thing has an error of its own.
    Incomplete,
    /// There is nothing here that the caller can reach.
    NotFound,
    /// Somebody else got the time first, or the unit took it back.
    SlotTaken,
    /// Somebody changed the object after it was read; the payload holds the current one.
    StaleRowVersion,
    /// The deadline has passed.
    TooLate,
    /// The object is not in a state where this can be done.
    WrongState,
}

impl Plain for UserErrorCode {
    fn write(&self, _: &At<'_>) -> async_graphql::Value {
        async_graphql::Value::Enum(async_graphql::Name::new(ProblemCode::from(*self).as_str()))
    }
}

/// One reason why a mutation was refused, and what to do about it.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserError {
    /// The input field it concerns, such as `dueOn`; none when it concerns the whole.
    pub field: Option<String>,
    /// The reason, for programs.
    pub code: UserErrorCode,
    /// The reason, for people, in the language of `Accept-Language` (sv, en).
    pub message: String,
}

/// The problems of a receipt in the caller's language.
pub fn user_errors(receipt: &Receipt, locale: Locale) -> Vec<UserError> {
    receipt
        .problems
        .iter()
        .map(|Problem { code, field, text }| UserError {
            field: field.clone(),
            code: (*code).into(),
            message: text.in_locale(locale).to_owned(),
        })
        .collect()
}

/// The request's session.
pub fn session<'a>(ctx: &Context<'a>) -> &'a Session {
    ctx.data_unchecked::<Arc<Session>>()
}

/// A fault as a top-level error: its code, never its cause. The cause is logged here, once.
pub fn fault(session: &Session, fault: &Fault) -> async_graphql::Error {
    let (code, sv, en) = match fault {
        Fault::Unavailable(_) | Fault::ConnectionLost(_) => (
            "UNAVAILABLE",
            "Tjänsten kan inte svara just nu. Försök igen om en stund.",
            "The service cannot answer right now. Try again in a moment.",
        ),
        Fault::Internal(_) => (
            "INTERNAL",
            "Något gick fel hos oss. Försök igen, eller ring mottagningen.",
            "Something went wrong on our side. Try again, or call the unit.",
        ),
        Fault::Unauthenticated => return refused(session),
    };
    tracing::error!(request_id = %session.request_id, error = %fault, "request failed");
    let error = coded(code, session.locale.pick(sv, en));
    if fault.connection_broke() { lost(error) } else { error }
}

/// Marks what failed because a connection broke: a query runs once more then.
fn lost(error: async_graphql::Error) -> async_graphql::Error {
    async_graphql::Error { source: Some(Arc::new(ConnectionLost)), ..error }
}

/// A top-level error with its code, in a language that was chosen.
pub fn coded(code: &'static str, message: &str) -> async_graphql::Error {
    async_graphql::Error::new(message).extend_with(|_, e| e.set("code", code))
}

/// A top-level error with its code in both languages; [`in_language`] chooses.
pub fn told(code: &'static str, sv: &str, en: &str) -> async_graphql::Error {
    async_graphql::Error { source: Some(Arc::new(Text::new(sv, en))), ..coded(code, sv) }
}

/// The error in the caller's language, where it has both.
pub fn in_language(error: &mut ServerError, locale: Locale) {
    if let Some(message) = error.source::<Text>().map(|text| text.in_locale(locale).to_owned()) {
        error.message = message;
    }
}

/// A read that the caller's kind may never make: a coded error for the field, and an entry in the trail.
pub fn refused(session: &Session) -> async_graphql::Error {
    let (code, sv, en) = match session.actor {
        crate::auth::actor::Actor::Anonymous => {
            ("UNAUTHENTICATED", "Logga in för att se det här.", "Sign in to see this.")
        }
        _ => ("FORBIDDEN", "Din roll får inte se det här.", "Your role may not see this."),
    };
    session.trail.denied(code, None);
    coded(code, session.locale.pick(sv, en))
}
