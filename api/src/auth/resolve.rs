//! From a verified token to an [`Actor`] with our own ids.
//!
//! The answer is kept for a short while (`auth.identity_cache_seconds`), so that most requests need no statement for
//! it; an assignment that is ended early is therefore refused within that time, and one whose end was known at once.
//! Whether a row is in reach, and whether somebody represents a patient, is never kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{LookupHash, PatientId, assignment, patient, patient_identity, representative, staff_member};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};

use super::{
    actor::{Actor, StaffActor},
    token::Identity,
};
use crate::{
    calendar::to_local,
    clock::Clock,
    crypto::Keyring,
    db::Db,
    domain::{
        patient::{IDENTITY_LOOKUP, personal_number::PersonalNumber},
        representative::{
            assessed,
            rules::{self, Ages},
        },
    },
    error::Fault,
};

/// Finds the actor behind an identity.
#[derive(Clone, Debug)]
pub struct Resolver {
    db: Db,
    keys: Keyring,
    clock: Clock,
    keep: TimeDelta,
    ages: Ages,
    known: Arc<Mutex<Known>>,
}

/// Who stands behind an identity, without what depends on the moment.
#[derive(Clone, Debug)]
enum Somebody {
    /// With the end of the assignment, where one is set.
    Staff(StaffActor, Option<DateTime<Utc>>),
    Patient {
        id: PatientId,
        born: NaiveDate,
    },
}

impl Somebody {
    /// Until when this is believed, unless it is looked up anew: for `keep`, but not past the assignment's end.
    fn until(&self, now: DateTime<Utc>, keep: TimeDelta) -> DateTime<Utc> {
        let end = match self {
            Self::Staff(_, end) => *end,
            Self::Patient { .. } => None,
        };
        end.map_or(now + keep, |end| end.min(now + keep))
    }
}

/// Identities that have been looked up, each with the instant until which the answer is believed.
type Known = HashMap<Identity, (Somebody, DateTime<Utc>)>;

/// How many identities are kept at most.
const MOST: usize = 10_000;

/// What became of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    Actor(Actor),
    /// Nobody here has that number, works under that assignment now, or represents anyone.
    Unknown,
    /// Known, but does not represent the one they want to act for, whether that patient exists or not.
    Refused(Actor),
}

impl Resolver {
    pub fn new(db: Db, keys: Keyring, clock: Clock, keep: Duration, ages: Ages) -> Self {
        let keep = TimeDelta::from_std(keep).unwrap_or_default();
        Self { db, keys, clock, keep, ages, known: Arc::default() }
    }

    /// The actor: the person, or with `acting_for` the representative of that patient. Whether somebody represents a
    /// patient is asked of the database every time.
    pub async fn resolve(
        &self,
        identity: &Identity,
        acting_for: Option<PatientId>,
    ) -> Result<Resolved, Fault> {
        let now = self.clock.now();
        let own = self.own(identity, now).await?;
        let Some(principal) = acting_for else {
            return Ok(own.map_or(Resolved::Unknown, Resolved::Actor));
        };
        let Some(own) = own else { return Ok(Resolved::Unknown) };
        let Some(lookups) = self.lookups(identity, now) else { return Ok(Resolved::Refused(own)) };
        let acting = self.representative(lookups, principal, now).await?;
        Ok(acting.map_or(Resolved::Refused(own), Resolved::Actor))
    }

    async fn own(&self, identity: &Identity, now: DateTime<Utc>) -> Result<Option<Actor>, Fault> {
        let found = match self.recall(identity, now) {
            Some(known) => Some(known),
            None => match identity {
                Identity::Patient { .. } => self.patient(self.lookups(identity, now)).await?,
                Identity::Staff { person, assignment } => {
                    self.staff(person, assignment.as_deref(), now).await?
                }
            },
        };
        match found {
            Some(known) => {
                self.keep(identity, &known, now);
                Ok(Some(self.actor(known, now).await?))
            }
            None => match self.lookups(identity, now) {
                Some(lookups) => self.person(lookups).await,
                None => Ok(None),
            },
        }
    }

    /// The hashes under which rows may name the person; none for staff and for what is no number.
    fn lookups(&self, identity: &Identity, now: DateTime<Utc>) -> Option<Vec<LookupHash>> {
        let Identity::Patient { number } = identity else { return None };
        let number = PersonalNumber::parse(number, to_local(now).date_naive()).ok()?;
        Some(self.keys.lookup_hashes(IDENTITY_LOOKUP, number.as_str()))
    }

    fn recall(&self, identity: &Identity, now: DateTime<Utc>) -> Option<Somebody> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(identity).filter(|(_, until)| *until > now).map(|(somebody, _)| somebody.clone())
    }

    fn keep(&self, identity: &Identity, somebody: &Somebody, now: DateTime<Utc>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(identity).is_some_and(|(_, until)| *until > now) {
            return;
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(identity.clone(), (somebody.clone(), somebody.until(now, self.keep)));
    }

    /// With what depends on the moment: a young person's rights.
    async fn actor(&self, somebody: Somebody, now: DateTime<Utc>) -> Result<Actor, Fault> {
        let (id, born) = match somebody {
            Somebody::Staff(staff, _) => return Ok(Actor::Staff(staff)),
            Somebody::Patient { id, born } => (id, born),
        };
        if rules::own_rights(born, &[], &self.ages, now).is_none() {
            return Ok(Actor::Patient { id });
        }
        let assessed = self.db.read(async |db| assessed(db, id).await).await?;
        Ok(match rules::own_rights(born, &assessed, &self.ages, now) {
            Some(rights) => Actor::YoungPatient { id, rights },
            None => Actor::Patient { id },
        })
    }

    async fn patient(&self, lookups: Option<Vec<LookupHash>>) -> Result<Option<Somebody>, Fault> {
        let Some(lookups) = lookups else { return Ok(None) };
        self.db
            .read(async |db| -> Result<_, Fault> {
                let ids = patient_identity::Entity::find()
                    .select_only()
                    .column(patient_identity::Column::PatientId)
                    .filter(patient_identity::Column::Lookup.is_in(lookups))
                    .into_query();
                let found: Option<(PatientId, NaiveDate)> = patient::Entity::find()
                    .select_only()
                    .column(patient::Column::Id)
                    .column(patient::Column::BirthDate)
                    .filter(patient::Column::Id.in_subquery(ids))
                    .into_tuple()
                    .one(db)
                    .await?;
                Ok(found.map(|(id, born)| Somebody::Patient { id, born }))
            })
            .await
    }

    async fn staff(
        &self,
        person: &str,
        assignment: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<Somebody>, Fault> {
        let person = person.to_lowercase();
        let assignment = assignment.map(str::to_lowercase);
        self.db.read(async |db| find_staff(db, &person, assignment.as_deref(), now).await).await
    }

    /// Somebody who is no patient here, but has been named as a representative.
    async fn person(&self, lookups: Vec<LookupHash>) -> Result<Option<Actor>, Fault> {
        self.db
            .read(async |db| -> Result<_, Fault> {
                let named = representative::Entity::find()
                    .filter(representative::Column::Lookup.is_in(lookups.clone()))
                    .one(db)
                    .await?;
                Ok(named.map(|_| Actor::Person { lookups }))
            })
            .await
    }

    /// The representative in force, with the rights they have now.
    async fn representative(
        &self,
        lookups: Vec<LookupHash>,
        principal: PatientId,
        now: DateTime<Utc>,
    ) -> Result<Option<Actor>, Fault> {
        self.db
            .read(async |db| -> Result<_, Fault> {
                let named = representative::Entity::find()
                    .filter(representative::Column::PatientId.eq(principal))
                    .filter(representative::Column::Lookup.is_in(lookups))
                    .order_by_asc(representative::Column::Id)
                    .all(db)
                    .await?;
                let Some(whom) = patient::Entity::find_by_id(principal).one(db).await? else {
                    return Ok(None);
                };
                let assessed = if named.is_empty() { Vec::new() } else { assessed(db, principal).await? };
                // Named twice, say as guardian and by grant: each act is under one of them, the widest.
                let rights = |row| rules::in_force(row, (&whom).into(), &assessed, &self.ages, now);
                let widest = named.iter().filter_map(|row| Some((rights(row)?, row.id))).max();
                Ok(widest.map(|(rights, id)| Actor::Representative { id, principal, rights }))
            })
            .await
    }
}

/// The staff member's assignment in force: the one named, or the only one there is.
async fn find_staff(
    db: &impl ConnectionTrait,
    person: &str,
    named: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Somebody>, Fault> {
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
    let actor = StaffActor {
        staff_member: member.id,
        assignment: one.id,
        care_unit: one.care_unit_id,
        care_provider: one.care_provider_id,
        role: one.role,
        display_name: member.display_name,
        title: member.title,
    };
    Ok(Some(Somebody::Staff(actor, one.valid_until)))
}
