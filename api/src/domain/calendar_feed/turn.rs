//! Making a feed, changing its address or its detail, and revoking it: the patient's own acts.

use entity::{CalendarFeedId, PatientId, calendar_feed, patient, reminder_preference::Detail};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::hash;
use crate::{
    auth::policy::{self, Action, Noun},
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change, Owner},
        patient::alive,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// What is done with the feed of a patient.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Turn {
    Create {
        detail: Detail,
    },
    /// A new address; the old one is void at once.
    Rotate {
        expected_row_version: i32,
    },
    SetDetail {
        detail: Detail,
        expected_row_version: i32,
    },
    Revoke {
        expected_row_version: i32,
    },
}

/// An act on a feed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Command {
    pub patient: Option<PatientId>,
    pub turn: Turn,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Turned {
    pub receipt: Receipt,
    /// The secret that was made just now. A repeated request does not get it again: only its hash is known.
    pub secret: Option<String>,
}

impl Turn {
    const fn mutation(self) -> &'static str {
        match self {
            Self::Create { .. } => "calendarFeedCreate",
            Self::Rotate { .. } => "calendarFeedRotate",
            Self::SetDetail { .. } => "calendarFeedDetailSet",
            Self::Revoke { .. } => "calendarFeedRevoke",
        }
    }
}

/// Does it.
pub async fn turn(session: &Session, key: &str, cmd: &Command) -> Result<Turned, Fault> {
    let mut made = None;
    let secret = session.core.keys.secret()?;
    let attempt = session.core.clock.uuid();
    let action = cmd.turn.mutation();
    let receipt = act::perform(session, action, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        let whom = policy::patient(tx, actor, Noun::CalendarFeed, Action::Set, cmd.patient, "patientId", now)
            .await?;
        alive(&whom).map_err(|died| died.at("patientId"))?;
        let feed = calendar_feed::Entity::find()
            .filter(calendar_feed::Column::PatientId.eq(whom.id))
            .one(tx)
            .await?;
        let before = feed.as_ref().map(shown);
        let after = match (cmd.turn, feed) {
            (Turn::Create { detail }, None) => {
                made = Some(secret.clone());
                insert(tx, session, &whom, detail, &secret).await?
            }
            (Turn::Create { detail }, Some(feed)) if feed.secret_hash.is_none() => {
                made = Some(secret.clone());
                let row = calendar_feed::Model {
                    detail,
                    secret_hash: Some(hash(&secret)),
                    created_at: now,
                    ..feed.clone()
                };
                store(tx, row, feed.row_version).await?
            }
            (Turn::Create { .. }, Some(_)) => {
                return Err(Problem::new(
                    ProblemCode::Conflict,
                    "Du har redan en kalenderprenumeration. Byt adress om du vill ha en ny.",
                    "You have a calendar feed already. Change its address if you want a new one.",
                )
                .into());
            }
            (_, None) => return Err(none().into()),
            (_, Some(feed)) if feed.secret_hash.is_none() => return Err(none().into()),
            (Turn::Rotate { expected_row_version }, Some(feed)) => {
                made = Some(secret.clone());
                let row = calendar_feed::Model { secret_hash: Some(hash(&secret)), created_at: now, ..feed };
                store(tx, row, expected_row_version).await?
            }
            (Turn::SetDetail { detail, expected_row_version }, Some(feed)) => {
                store(tx, calendar_feed::Model { detail, ..feed }, expected_row_version).await?
            }
            (Turn::Revoke { expected_row_version }, Some(feed)) => {
                store(tx, calendar_feed::Model { secret_hash: None, ..feed }, expected_row_version).await?
            }
        };
        let owner = Owner {
            patient: whom.id,
            care_unit: whom.care_unit_id,
            care_provider: whom.care_provider_id,
            agreement: None,
        };
        let change =
            Change { kind: "calendar_feed", subject: after.id.0, before, after: Some(shown(&after)) };
        history::record(tx, session, owner, action, [change]).await?;
        Ok(Done::on(whom.id).with("feed", after.id.0).with("attempt", attempt))
    })
    .await?;
    // A repeated request is rolled back, with the address that it made.
    let fresh = receipt.id("attempt") == Some(attempt);
    Ok(Turned { receipt, secret: made.filter(|_| fresh) })
}

async fn insert(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    detail: Detail,
    secret: &str,
) -> Result<calendar_feed::Model, Stop> {
    let row = calendar_feed::Model {
        id: CalendarFeedId(session.core.clock.uuid()),
        patient_id: whom.id,
        care_unit_id: whom.care_unit_id,
        care_provider_id: whom.care_provider_id,
        secret_hash: Some(hash(secret)),
        detail,
        created_at: session.now(),
        row_version: 1,
    };
    calendar_feed::Entity::insert(calendar_feed::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(tx)
        .await
        .map_err(|error| act::on_unique(error, Problem::stale))?;
    Ok(row)
}

/// Writes the row as it is to be, if it is still as the caller read it.
async fn store(tx: &Tx, row: calendar_feed::Model, expected: i32) -> Result<calendar_feed::Model, Stop> {
    use calendar_feed::Column as C;
    let row = calendar_feed::Model { row_version: expected.saturating_add(1), ..row };
    let changed = calendar_feed::Entity::update_many()
        .set(calendar_feed::ActiveModel {
            secret_hash: Set(row.secret_hash.clone()),
            detail: Set(row.detail),
            created_at: Set(row.created_at),
            row_version: Set(row.row_version),
            ..Default::default()
        })
        .filter(C::Id.eq(row.id))
        .filter(C::RowVersion.eq(expected))
        .exec(tx)
        .await?;
    if changed.rows_affected == 1 { Ok(row) } else { Err(Problem::stale().into()) }
}

fn none() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Du har ingen kalenderprenumeration. Skapa en först.",
        "You have no calendar feed. Make one first.",
    )
}

/// As the history shows it: never the secret, not even its hash.
fn shown(feed: &calendar_feed::Model) -> serde_json::Value {
    json!({ "detail": feed.detail, "active": feed.secret_hash.is_some(), "addressFrom": feed.created_at })
}
