//! How every mutation runs: once per idempotency key, logged, in one transaction, or not at all.
//!
//! The body does its work in the transaction; then the access log and the key with its result are written and all
//! is committed together. A second request with the same key runs into the key's primary key and is rolled back
//! whole, or is refused by what the first one changed; either way the stored result is the answer. A refusal is
//! stored too: a retry must not succeed behind the back of a client that has already been told no.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use entity::{
    CareProviderId, CareUnitId, DomainEventId, PatientId, Sealed,
    access_event::{ActorKind, Outcome},
    domain_event, idempotency_key,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    access::{self, Refusal},
    auth::actor::Actor,
    crypto::{Place, sha256},
    db::{Tx, insert_all, is_unique_violation},
    error::{Fault, Problem, ProblemCode, Stop},
    events::{self, Happened},
    fault,
    session::{Core, Session},
};

/// How long a key is remembered at least.
pub const KEY_DAYS: i64 = 30;

/// What a mutation did: the ids of what it made or changed, under the names the payload knows, and the patients
/// it concerned.
#[derive(Clone, Debug, Default)]
pub struct Done {
    ids: BTreeMap<String, Uuid>,
    patients: BTreeSet<PatientId>,
}

impl Done {
    /// Concerns `patient`.
    pub fn on(patient: PatientId) -> Self {
        Self { patients: BTreeSet::from([patient]), ..Self::default() }
    }

    /// Concerns several.
    pub fn on_all(patients: impl IntoIterator<Item = PatientId>) -> Self {
        Self { patients: patients.into_iter().collect(), ..Self::default() }
    }

    /// Concerns no patient, such as publishing slots.
    pub fn impersonal() -> Self {
        Self::default()
    }

    /// Concerns `patient` too.
    #[must_use]
    pub fn and(mut self, patient: PatientId) -> Self {
        self.patients.insert(patient);
        self
    }

    #[must_use]
    pub fn with(mut self, name: &str, id: impl Into<Uuid>) -> Self {
        self.ids.insert(name.to_owned(), id.into());
        self
    }
}

/// What is stored under a key, and what the payload is rendered from, each time anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub ids: BTreeMap<String, Uuid>,
    pub problems: Vec<Problem>,
}

impl Receipt {
    /// The receipt of what was done.
    pub(crate) fn of(done: Done) -> Self {
        Self { ids: done.ids, problems: Vec::new() }
    }

    pub fn refused(problems: Vec<Problem>) -> Self {
        Self { ids: BTreeMap::new(), problems }
    }

    /// Why `mutation` was refused, as the access log names it.
    fn why(&self, mutation: &'static str) -> Option<Refusal> {
        let denial = self.problems.iter().find(|p| p.is_denial());
        let first = denial.or(self.problems.first())?;
        Some(Refusal { action: mutation, code: first.code.as_str(), denied: denial.is_some() })
    }

    /// The id stored under `name`, unless refused.
    pub fn id<T: From<Uuid>>(&self, name: &str) -> Option<T> {
        self.ids.get(name).copied().map(T::from)
    }
}

/// Runs one mutation. `input` is everything the client sent apart from the key, in a stable form.
///
/// # Errors
/// Only faults; a refusal is a [`Receipt`] with problems.
pub async fn perform(
    session: &Session,
    mutation: &'static str,
    key: &str,
    input: &impl Serialize,
    body: impl AsyncFnOnce(&Tx) -> Result<Done, Stop>,
) -> Result<Receipt, Fault> {
    if session.actor == Actor::Anonymous {
        return Err(Fault::Unauthenticated);
    }
    if !Key::is_usable(key) {
        return Ok(Receipt::refused(vec![Problem::input(
            "idempotencyKey",
            "Ange en nyckel på 1–200 tecken, ny för varje handling.",
            "Give a key of 1 to 200 characters, new for every action.",
        )]));
    }
    let key = Key::new(session, mutation, key, input)?;
    session.trail.acting();
    let (outcome, reached) =
        access::reaching(session.core.db.write(async |tx| -> Result<(Receipt, BTreeSet<PatientId>), Stop> {
            let done = body(tx).await?;
            let receipt = Receipt { ids: done.ids, problems: Vec::new() };
            if !done.patients.is_empty() {
                let mut record = session.record(mutation, Outcome::Allowed, None);
                record.patients = done.patients.clone();
                session.core.log.within(tx, &record).await?;
            }
            fault::point("in the log").await;
            if !key.store(tx, session, &receipt).await? {
                return Err(Stop::Refused(Vec::new()));
            }
            fault::point("key stored").await;
            Ok((receipt, done.patients))
        }))
        .await;
    fault::point("committed").await;
    match outcome {
        Ok((receipt, patients)) => {
            // Only what is committed: a repeated request is rolled back, and what its answer shows is logged anew.
            session.trail.logged(&patients);
            Ok(receipt)
        }
        Err(Stop::Fault(fault)) => Err(fault),
        Err(Stop::Refused(problems)) => key.settle(session, mutation, problems, reached).await,
    }
}

/// An idempotency key in its scope, with the hash of the input it was first used with.
pub(crate) struct Key {
    pub(crate) scope: Vec<u8>,
    pub(crate) input: Vec<u8>,
}

impl Key {
    /// Whether a client may use it.
    pub(crate) fn is_usable(key: &str) -> bool {
        (1..=200).contains(&key.chars().count()) && !key.chars().any(char::is_control)
    }

    pub(crate) fn new(
        session: &Session,
        mutation: &str,
        key: &str,
        input: &impl Serialize,
    ) -> Result<Self, Fault> {
        let json = serde_json::to_vec(input).map_err(Fault::internal)?;
        let actor = &session.actor;
        let acting_for = actor.acting_for().map_or(Uuid::nil(), |p| p.0);
        Ok(Self {
            scope: sha256(&[
                actor.kind().as_str().as_bytes(),
                actor.id().as_bytes(),
                acting_for.as_bytes(),
                mutation.as_bytes(),
                key.as_bytes(),
            ]),
            // Keyed: an input may hold a personal number, which a plain hash would not hide.
            input: session.core.keys.lookup_hash("idempotent input", &String::from_utf8_lossy(&json)).0,
        })
    }

    /// The result as it is stored. Sealed: the text of a refusal may name somebody.
    pub(crate) fn seal(&self, session: &Session, receipt: &Receipt) -> Result<Sealed, Fault> {
        let json = serde_json::to_string(receipt).map_err(Fault::internal)?;
        session.core.keys.seal(self.place(), &json)
    }

    fn place(&self) -> Place {
        let row = self.scope.first_chunk().map_or(Uuid::nil(), |bytes| Uuid::from_bytes(*bytes));
        Place::new("idempotency_key.result", row)
    }

    /// Stores the result; false when the key was there already.
    async fn store(&self, tx: &Tx, session: &Session, receipt: &Receipt) -> Result<bool, Fault> {
        let row = idempotency_key::ActiveModel {
            scope: Set(self.scope.clone()),
            input_hash: Set(self.input.clone()),
            result: Set(Some(self.seal(session, receipt)?)),
            created_at: Set(session.now()),
        };
        let stored =
            idempotency_key::Entity::insert(row).on_conflict_do_nothing().exec_without_returning(tx).await?;
        Ok(matches!(stored, sea_orm::TryInsertResult::Inserted(n) if n > 0))
    }

    /// After a roll-back: the stored result of the key if there is one, else the refusal, stored now and logged with
    /// the patients that the act had reached.
    async fn settle(
        &self,
        session: &Session,
        mutation: &'static str,
        problems: Vec<Problem>,
        reached: BTreeSet<PatientId>,
    ) -> Result<Receipt, Fault> {
        let refusal = Receipt::refused(problems);
        let (receipt, logged) = session
            .core
            .db
            .write(async |tx| -> Result<(Receipt, BTreeSet<PatientId>), Fault> {
                let nobody = BTreeSet::new();
                if let Some(earlier) = self.earlier(tx, session).await? {
                    return Ok((earlier, nobody));
                }
                if let Some(why) = refusal.why(mutation)
                    && (why.denied || !reached.is_empty())
                {
                    let mut record = session.record(mutation, why.outcome(), Some(why.code));
                    record.patients.clone_from(&reached);
                    session.core.log.within(tx, &record).await?;
                }
                // What was only mistyped may be corrected under the same key.
                let settled = refusal.problems.iter().any(|p| p.code != ProblemCode::BadUserInput);
                if settled && !self.store(tx, session, &refusal).await? {
                    let earlier = self.earlier(tx, session).await?;
                    return Ok((earlier.ok_or_else(|| Fault::internal("idempotency key vanished"))?, nobody));
                }
                Ok((refusal.clone(), reached.clone()))
            })
            .await?;
        // What the payload shows is logged as what it is: the answer to an act that was not done.
        if let Some(why) = receipt.why(mutation) {
            session.trail.refused(why, logged);
        }
        Ok(receipt)
    }

    async fn earlier(&self, db: &impl ConnectionTrait, session: &Session) -> Result<Option<Receipt>, Fault> {
        let Some(row) = idempotency_key::Entity::find_by_id(self.scope.clone()).one(db).await? else {
            return Ok(None);
        };
        // An old key under another lookup key cannot be compared: then the key alone decides.
        if row.input_hash.get(..4) == self.input.get(..4) && row.input_hash != self.input {
            return Ok(Some(Receipt::refused(vec![
                Problem::new(
                    ProblemCode::IdempotencyKeyReused,
                    "Nyckeln har redan använts för något annat. Använd en ny nyckel för varje handling.",
                    "The key has been used for something else. Use a new key for every action.",
                )
                .at("idempotencyKey"),
            ])));
        }
        let json = session.core.keys.open_opt(self.place(), row.result.as_ref())?;
        json.map(|json| serde_json::from_str(&json).map_err(Fault::internal)).transpose()
    }
}

/// Forgets the keys that are older than [`KEY_DAYS`].
pub async fn forget_old_keys(core: &Core) -> Result<u64, Fault> {
    let before = core.clock.now() - TimeDelta::days(KEY_DAYS);
    core.db
        .write(async |tx| -> Result<u64, Fault> {
            let old = idempotency_key::Column::CreatedAt.lt(before);
            Ok(idempotency_key::Entity::delete_many().filter(old).exec(tx).await?.rows_affected)
        })
        .await
}

/// A thing that happened to a patient's data, for subscriptions and integrations.
pub struct Event {
    /// Such as `agreement.activated`.
    pub kind: &'static str,
    pub patient: PatientId,
    pub care_unit: CareUnitId,
    pub care_provider: CareProviderId,
    pub subject: Uuid,
}

impl Event {
    /// The event under its id, as listeners are told of it.
    pub(crate) fn happened(&self, id: DomainEventId) -> Happened {
        Happened {
            id,
            kind: self.kind.to_owned(),
            patient: self.patient,
            care_unit: self.care_unit,
            care_provider: self.care_provider,
            subject: self.subject,
        }
    }
}

/// Writes domain events in the transaction that made them happen.
pub async fn emit(tx: &Tx, session: &Session, new: impl IntoIterator<Item = Event>) -> Result<(), Fault> {
    let (mut rows, mut happened) = (Vec::new(), Vec::new());
    for event in new {
        let id = DomainEventId(session.core.clock.uuid());
        rows.push(domain_event::ActiveModel {
            id: Set(id),
            kind: Set(event.kind.to_owned()),
            patient_id: Set(event.patient),
            care_unit_id: Set(event.care_unit),
            care_provider_id: Set(event.care_provider),
            subject_id: Set(event.subject),
            by_kind: Set(session.actor.kind()),
            at: Set(session.now()),
        });
        happened.push(event.happened(id));
    }
    insert_all::<domain_event::Entity>(tx, rows, None).await?;
    happened.into_iter().for_each(events::note);
    Ok(())
}

/// The columns that say who did something.
pub fn by(session: &Session) -> (ActorKind, Uuid) {
    (session.actor.kind(), session.actor.id())
}

/// Turns a violated unique key into the refusal it stands for.
pub fn on_unique(error: sea_orm::DbErr, refusal: impl FnOnce() -> Problem) -> Stop {
    if is_unique_violation(&error) { refusal().into() } else { error.into() }
}
