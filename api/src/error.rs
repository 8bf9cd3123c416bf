//! What can go wrong: a refusal the caller can act on, or a fault the caller cannot.
//!
//! A [`Problem`] is an outcome: it reaches the client as a user error with a code, the field and a text in the
//! caller's language. A [`Fault`] is ours: the client sees only its code; the cause is logged once, at the
//! boundary. Neither ever carries a personal number, a name, an address or health text.

use std::fmt;

use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::locale::Locale;

/// Why a well-formed request was refused. The code is part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProblemCode {
    AlreadyOccupied,
    BadUserInput,
    BaseMoved,
    Conflict,
    Forbidden,
    IdempotencyKeyReused,
    Incomplete,
    NotFound,
    SlotTaken,
    StaleRowVersion,
    TooLate,
    WrongState,
}

impl ProblemCode {
    /// As clients and the access log have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyOccupied => "ALREADY_OCCUPIED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::BaseMoved => "BASE_MOVED",
            Self::Conflict => "CONFLICT",
            Self::Forbidden => "FORBIDDEN",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::Incomplete => "INCOMPLETE",
            Self::NotFound => "NOT_FOUND",
            Self::SlotTaken => "SLOT_TAKEN",
            Self::StaleRowVersion => "STALE_ROW_VERSION",
            Self::TooLate => "TOO_LATE",
            Self::WrongState => "WRONG_STATE",
        }
    }
}

/// A text in both languages that ship.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Text {
    pub sv: String,
    pub en: String,
}

impl Text {
    pub fn new(sv: impl Into<String>, en: impl Into<String>) -> Self {
        Self { sv: sv.into(), en: en.into() }
    }

    pub fn in_locale(&self, locale: Locale) -> &str {
        locale.pick(&self.sv, &self.en)
    }

    /// With more after it, and words in between.
    #[must_use]
    pub fn and(&self, between: [&str; 2], more: &Self) -> Self {
        Self::new(
            format!("{}{}{}", self.sv, between[0], more.sv),
            format!("{}{}{}", self.en, between[1], more.en),
        )
    }
}

/// One reason for a refusal, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    pub code: ProblemCode,
    /// The input field it concerns, as the client wrote it, such as `dueOn`.
    pub field: Option<String>,
    pub text: Text,
}

impl Problem {
    pub fn new(code: ProblemCode, sv: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code, field: None, text: Text::new(sv, en) }
    }

    /// Bad input in one field.
    pub fn input(field: &str, sv: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(ProblemCode::BadUserInput, sv, en).at(field)
    }

    /// The one answer for what is missing and what the caller may not know of.
    pub fn not_found(field: &str) -> Self {
        Self::new(
            ProblemCode::NotFound,
            "Det finns inget här som du kan nå. Kontrollera att du har rätt id.",
            "There is nothing here that you can reach. Check that you have the right id.",
        )
        .at(field)
    }

    /// The caller's role never allows this, whatever the id.
    pub fn forbidden() -> Self {
        Self::new(
            ProblemCode::Forbidden,
            "Din roll får inte göra det här.",
            "Your role is not allowed to do this.",
        )
    }

    /// Someone changed the object after the caller read it.
    pub fn stale() -> Self {
        Self::new(
            ProblemCode::StaleRowVersion,
            "Någon annan har ändrat detta. Läs den senaste uppgiften och försök igen.",
            "Someone else has changed this. Read the current object and try again.",
        )
        .at("expectedRowVersion")
    }

    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// Whether the access log must tell of it.
    pub fn is_denial(&self) -> bool {
        matches!(self.code, ProblemCode::NotFound | ProblemCode::Forbidden)
    }
}

/// A fault of ours. `Display` is for the log, never for a client.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// The database, or another part we need, does not answer: the same request may succeed later.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The same, because the connection to the database broke: on another one it may succeed at once.
    #[error("connection lost: {0}")]
    ConnectionLost(String),
    /// A defect.
    #[error("internal: {0}")]
    Internal(String),
    /// Nobody is signed in, and this is not public.
    #[error("nobody is signed in")]
    Unauthenticated,
}

impl Fault {
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }
}

/// Marks the error of a query that failed because its connection to the database broke.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLost;

/// What a failure says about the connection it happened on.
pub trait Outage {
    /// Whether the connection broke, so that nothing can be said about another one.
    fn connection_broke(&self) -> bool;

    /// Whether the database did not do its part: a refusal, or a defect of ours, is an answer.
    fn is_outage(&self) -> bool;
}

impl Outage for Fault {
    fn connection_broke(&self) -> bool {
        matches!(self, Self::ConnectionLost(_))
    }

    fn is_outage(&self) -> bool {
        matches!(self, Self::ConnectionLost(_) | Self::Unavailable(_))
    }
}

impl Outage for Stop {
    fn connection_broke(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.connection_broke())
    }

    fn is_outage(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.is_outage())
    }
}

impl From<DbErr> for Fault {
    fn from(error: DbErr) -> Self {
        use RuntimeErr::SqlxError;
        if let DbErr::Exec(SqlxError(e)) | DbErr::Query(SqlxError(e)) | DbErr::Conn(SqlxError(e)) = &error
            && is_broken(e)
        {
            return Self::ConnectionLost(kind_of(&error));
        }
        let down = match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
            DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => is_outage(e),
            _ => false,
        };
        // The driver's text may quote values: only its kind goes on.
        let kind = kind_of(&error);
        if down { Self::Unavailable(kind) } else { Self::Internal(kind) }
    }
}

/// Whether the other end has gone: the line broke, or PostgreSQL said that it ends the session.
fn is_broken(error: &sea_orm::sqlx::Error) -> bool {
    use sea_orm::sqlx::Error as E;
    match error {
        E::Io(_) | E::Protocol(_) => true,
        E::Database(e) => e.code().is_some_and(|code| ["57P01", "57P02"].contains(&code.as_ref())),
        _ => false,
    }
}

fn is_outage(error: &sea_orm::sqlx::Error) -> bool {
    use sea_orm::sqlx::Error as E;
    match error {
        E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => true,
        // PostgreSQL: shutdown, crash, too many connections, read-only, lost a race for locks. SQLite: busy, locked, I/O, full, cannot open.
        E::Database(e) => e.code().is_some_and(|code| {
            ["57P01", "57P02", "57P03", "53300", "53200", "53100", "25006", "40001", "40P01", "55P03"]
                .contains(&code.as_ref())
                || code.parse::<i64>().is_ok_and(|c| [5, 6, 8, 10, 13, 14].contains(&(c & 0xff)))
        }),
        _ => false,
    }
}

/// What an operator can do something about, in words, by its SQLSTATE.
fn meaning(code: &str) -> &'static str {
    match code {
        "28000" | "28P01" => "(sign-in refused: user or password)",
        "3D000" => "(there is no such database)",
        FORBIDDEN => "(no right to it)",
        "42704" => "(there is no such role)",
        "53300" => "(too many connections)",
        "57P03" => "(it is starting or stopping)",
        _ => "",
    }
}

/// PostgreSQL's code for what the role may not do.
const FORBIDDEN: &str = "42501";

/// Whether the database refused because of who asked.
pub(crate) fn is_forbidden(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e))) = error else {
        return false;
    };
    e.as_database_error().is_some_and(|refusal| refusal.code().is_some_and(|code| code == FORBIDDEN))
}

fn kind_of(error: &DbErr) -> String {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(e))
        | DbErr::Query(RuntimeErr::SqlxError(e))
        | DbErr::Conn(RuntimeErr::SqlxError(e)) => match (&**e, e.as_database_error()) {
            (_, Some(d)) => {
                let code = d.code().unwrap_or_default();
                let about = d.constraint().or(d.table()).unwrap_or_default();
                let parts = ["database error", &code, about, meaning(&code)];
                parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
            }
            (sqlx::Error::Io(io), None) => io.to_string(),
            (sqlx::Error::PoolTimedOut, None) => "no connection in time".to_owned(),
            (_, None) => format!("driver error {}", variant_name(&format!("{e:?}"))),
        },
        other => variant_name(&format!("{other:?}")).to_owned(),
    }
}

/// The first word of a Debug text: the variant, without what it holds.
fn variant_name(debug: &str) -> &str {
    debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

/// How a use case stops short: refused, or broken.
#[derive(Clone, Debug)]
pub enum Stop {
    Refused(Vec<Problem>),
    Fault(Fault),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Refused(vec![problem])
    }
}

impl From<Vec<Problem>> for Stop {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Refused(problems)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<DbErr> for Stop {
    fn from(error: DbErr) -> Self {
        Self::Fault(error.into())
    }
}
