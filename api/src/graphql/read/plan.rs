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

use std::{collections::HashMap, sync::Arc};

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
    statements::VERSION_COLUMNS,
    version_row::{opt_version, version, version_content},
};
use super::{
    appointment,
    contact::{self, OwnUnit, Reachable},
    life::{self, Found},
    recurring,
    version::{self as versions, VersionsWanted},
};
use crate::{
    auth::policy::reach_values,
    calendar::to_local,
    error::Fault,
    graphql::{
        scalars::PhoneNumber,
        types::{agreement::Agreement, booking::Appointment, messages::ReminderPreference},
    },
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
    /// Booked times, as many as a plan holds ([`MOST_APPOINTMENTS`]); the next one comes with the head.
    pub appointments: bool,
    /// Of the versions that come with the agreement.
    pub versions: VersionsWanted,
}

/// How many booked times a plan holds at most. The lists of one who has more are read page by page.
pub const MOST_APPOINTMENTS: u64 = 200;

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
    /// Beside each item of the agreement, by its id.
    pub asides: HashMap<Uuid, Aside>,
    pub lead: Option<Reachable>,
    /// Whose role is held now.
    pub contacts: Vec<Reachable>,
    /// Whose role is planned.
    pub contacts_ahead: Vec<Reachable>,
    pub next_appointment: Option<Arc<Appointment>>,
    pub preferences: Vec<ReminderPreference>,
    /// All of them, newest first; none where there are more than a plan holds.
    pub appointments: Vec<Arc<Appointment>>,
    pub has_more_appointments: bool,
}

/// What the steps go by, beside what an item shows.
#[derive(Clone, Debug)]
pub struct Aside {
    /// Of a recurring item: whether nothing has been said of its last day.
    pub is_open: bool,
    /// The responsible contact, as long as they hold the role.
    pub contact: Option<Call>,
}

/// Someone to call.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    pub phone: PhoneNumber,
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
                        let shown_from = recurring::shown_from(today);
                        query(session, tx, &ITEMS_WITH_LIFE, [id, shown_from.into()]).await?
                    } else {
                        query(session, tx, &ITEMS, [id]).await?
                    };
                    (agreement.plan_items, plan.asides) =
                        read_items(session, &rows, &agreement.goals, wanted.life, &mut found)?;
                }
            }
            if wanted.contacts {
                contact::load(session, tx, &mut plan).await?;
            }
            if wanted.appointments {
                let order = "ap.starts_at DESC, ap.id DESC";
                let most = MOST_APPOINTMENTS + 1;
                let found = appointment::of_patient(session, tx, patient.0, "1 = 1", [], order, most).await?;
                plan.has_more_appointments = found.len() as u64 == most;
                if !plan.has_more_appointments {
                    plan.appointments = found.into_iter().map(Arc::new).collect();
                }
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
