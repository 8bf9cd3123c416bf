//! The read model of a plan: one patient with everything an operation asks for, in a few flat statements.
//!
//! The statements are joined and constant in text; look-ahead decides which of them run. Children are selected by
//! the agreement's id, never by lists of ids. Policy is part of every statement: see [`policy::reach_sql`].
//!
//! [`policy::reach_sql`]: crate::auth::policy::reach_sql

mod head;
mod rows;
mod statements;
mod version_row;

use std::sync::Arc;

use chrono::NaiveDate;
use entity::{PatientId, Sealed, patient};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use uuid::Uuid;

use self::{
    head::read_head,
    rows::{read_goals, read_items},
    statements::{ByReader, GOALS, HEAD, HEAD_WITH_PREFERENCES, ITEMS, ITEMS_WITH_LIFE},
};
pub use self::{
    rows::follow_through,
    statements::VERSION_COLUMNS,
    version_row::{opt_version, version, version_content},
};
use super::{
    appointment,
    contact::{self, OwnUnit, Reachable},
    life::{self, Found},
    version::{self as versions, VersionsWanted},
};
use crate::{
    auth::policy::reach_values,
    calendar::to_local,
    error::Fault,
    graphql::types::{agreement::Agreement, booking::Appointment, messages::ReminderPreference},
    session::Session,
};

/// What an operation asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    pub goals: bool,
    pub items: bool,
    /// The live columns of items.
    pub life: bool,
    /// The lists that belong to goals and items.
    pub lists: life::Lists,
    /// All contacts; the lead comes with the head.
    pub contacts: bool,
    pub preferences: bool,
    /// Booked times, the newest [`MOST_APPOINTMENTS`] of them; the next one comes with the head.
    pub appointments: bool,
    /// Of the versions that come with the agreement.
    pub versions: VersionsWanted,
}

/// How many booked times a plan holds at most.
pub const MOST_APPOINTMENTS: u64 = 500;

impl Wanted {
    /// Everything of the agreement.
    pub const fn agreement(versions: VersionsWanted) -> Self {
        Self {
            goals: true,
            items: true,
            life: true,
            lists: life::Lists::ALL,
            contacts: false,
            preferences: false,
            appointments: false,
            versions,
        }
    }
}

/// A patient as loaded.
#[derive(Clone, Debug)]
pub struct PatientPlan {
    pub id: PatientId,
    pub given_name: String,
    pub family_name: String,
    pub birth_date: NaiveDate,
    pub language: String,
    pub protected_identity: patient::ProtectedIdentity,
    pub deceased_on: Option<NaiveDate>,
    /// As sealed; opened only when asked for.
    pub number: Option<(Uuid, Sealed)>,
    pub unit: OwnUnit,
    pub agreement: Option<Agreement>,
    pub lead: Option<Reachable>,
    /// Whose role is held now.
    pub contacts: Vec<Reachable>,
    /// Whose role is planned.
    pub contacts_ahead: Vec<Reachable>,
    pub next_appointment: Option<Arc<Appointment>>,
    pub preferences: Vec<ReminderPreference>,
    /// Newest first.
    pub appointments: Vec<Arc<Appointment>>,
}

/// Loads a patient, with `agreement` or else the one that concerns them now. None when out of reach.
pub async fn load(
    session: &Session,
    patient: PatientId,
    agreement: Option<Uuid>,
    wanted: Wanted,
) -> Result<Option<PatientPlan>, Fault> {
    session
        .core
        .db
        .snapshot(async |tx| -> Result<Option<PatientPlan>, Fault> {
            let head = if wanted.preferences { &HEAD_WITH_PREFERENCES } else { &HEAD };
            let rows = query(session, tx, head, [patient.0.into(), Value::Uuid(agreement)]).await?;
            let Some(mut plan) = read_head(session, &rows, wanted)? else { return Ok(None) };
            if let Some(agreement) = &mut plan.agreement {
                versions::fill_agreement(session, tx, agreement, wanted.versions).await?;
                let id: Value = agreement.id.id.into();
                let today = to_local(session.now()).date_naive();
                let mut found = Found::load(session, tx, agreement.id.id, wanted.lists, today).await?;
                if wanted.goals || wanted.items {
                    let rows = query(session, tx, &GOALS, [id.clone()]).await?;
                    agreement.goals = read_goals(session, &rows, &mut found)?;
                }
                if wanted.items {
                    let rows = if wanted.life {
                        query(session, tx, &ITEMS_WITH_LIFE, [id, today.into()]).await?
                    } else {
                        query(session, tx, &ITEMS, [id]).await?
                    };
                    agreement.plan_items =
                        read_items(session, &rows, &agreement.goals, wanted.life, &mut found)?;
                }
            }
            if wanted.contacts {
                contact::load(session, tx, &mut plan).await?;
            }
            if wanted.appointments {
                let order = "ap.starts_at DESC, ap.id DESC";
                let found =
                    appointment::of_patient(session, tx, patient.0, "1 = 1", [], order, MOST_APPOINTMENTS)
                        .await?;
                plan.appointments = found.into_iter().map(Arc::new).collect();
            }
            Ok(Some(plan))
        })
        .await
}

async fn query(
    session: &Session,
    db: &impl ConnectionTrait,
    sql: &ByReader,
    own: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, Fault> {
    let mut values = reach_values(&session.actor, session.now());
    values.extend(own);
    let statement =
        Statement::from_sql_and_values(db.get_database_backend(), sql.for_session(session), values);
    Ok(db.query_all_raw(statement).await?)
}
