//! From a verified token to an [`Actor`] with our own ids.
//!
//! The answer is kept for a short while (`auth.identity_cache_seconds`), so that most requests need no statement for
//! it; an ended assignment is therefore refused within that time. Whether a row is in reach is never kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{assignment, patient_identity, staff_member};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    actor::{Actor, StaffActor},
    token::Identity,
};
use crate::{
    calendar::to_local,
    clock::Clock,
    crypto::Keyring,
    db::Db,
    domain::patient::{IDENTITY_LOOKUP, personal_number::PersonalNumber},
    error::Fault,
};

/// Finds the actor behind an identity.
#[derive(Clone, Debug)]
pub struct Resolver {
    db: Db,
    keys: Keyring,
    clock: Clock,
    keep: TimeDelta,
    known: Arc<Mutex<Known>>,
}

/// Actors by identity, each with the instant until which it is believed.
type Known = HashMap<Identity, (Actor, DateTime<Utc>)>;

/// How many identities are kept at most.
const MOST: usize = 10_000;

impl Resolver {
    pub fn new(db: Db, keys: Keyring, clock: Clock, keep: Duration) -> Self {
        let keep = TimeDelta::from_std(keep).unwrap_or_default();
        Self { db, keys, clock, keep, known: Arc::default() }
    }

    /// The actor, or none: nobody here has that number or works under that assignment now.
    pub async fn resolve(&self, identity: &Identity) -> Result<Option<Actor>, Fault> {
        let now = self.clock.now();
        if let Some(actor) = self.recall(identity, now) {
            return Ok(Some(actor));
        }
        let found = match identity {
            Identity::Patient { number } => self.patient(number, now).await?,
            Identity::Staff { person, assignment } => self.staff(person, assignment.as_deref(), now).await?,
        };
        if let Some(actor) = &found {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(identity.clone(), (actor.clone(), now + self.keep));
        }
        Ok(found)
    }

    fn recall(&self, identity: &Identity, now: DateTime<Utc>) -> Option<Actor> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(identity).filter(|(_, until)| *until > now).map(|(actor, _)| actor.clone())
    }

    async fn patient(&self, number: &str, now: DateTime<Utc>) -> Result<Option<Actor>, Fault> {
        let Ok(number) = PersonalNumber::parse(number, to_local(now).date_naive()) else { return Ok(None) };
        let hashes = self.keys.lookup_hashes(IDENTITY_LOOKUP, number.as_str());
        self.db
            .read(async |db| -> Result<_, Fault> {
                let id = patient_identity::Entity::find()
                    .select_only()
                    .column(patient_identity::Column::PatientId)
                    .filter(patient_identity::Column::Lookup.is_in(hashes))
                    .into_tuple()
                    .one(db)
                    .await?;
                Ok(id.map(|id| Actor::Patient { id }))
            })
            .await
    }

    async fn staff(
        &self,
        person: &str,
        assignment: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<Actor>, Fault> {
        let person = person.to_lowercase();
        let assignment = assignment.map(str::to_lowercase);
        self.db.read(async |db| find_staff(db, &person, assignment.as_deref(), now).await).await
    }
}

/// The staff member's assignment in force: the one named, or the only one there is.
async fn find_staff(
    db: &impl ConnectionTrait,
    person: &str,
    named: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Actor>, Fault> {
    let Some(member) =
        staff_member::Entity::find().filter(staff_member::Column::HsaId.eq(person)).one(db).await?
    else {
        return Ok(None);
    };
    let mut query = assignment::Entity::find()
        .filter(assignment::Column::StaffMemberId.eq(member.id))
        .filter(assignment::Column::ValidFrom.lte(now))
        .filter(
            Condition::any()
                .add(assignment::Column::ValidUntil.is_null())
                .add(assignment::Column::ValidUntil.gt(now)),
        );
    if let Some(named) = named {
        query = query.filter(assignment::Column::HsaId.eq(named));
    }
    let mut found = query.order_by_asc(assignment::Column::Id).limit(2).all(db).await?;
    // Several and none named: a request acts under exactly one, and the service does not choose.
    let (Some(one), true) = (found.pop(), found.is_empty()) else { return Ok(None) };
    Ok(Some(Actor::Staff(StaffActor {
        staff_member: member.id,
        assignment: one.id,
        care_unit: one.care_unit_id,
        care_provider: one.care_provider_id,
        role: one.role,
        display_name: member.display_name,
        title: member.title,
    })))
}
