//! Versions as they are stored: read whole, extended by one change, brought into force.
//!
//! Every function that writes demands the [`Locked`] agreement: changes of one agreement happen one after another,
//! so two assents or two proposals never see half of each other.

use chrono::{DateTime, Utc};
use entity::{
    AgreementVersionId, CareUnitId, agreement,
    agreement_version::{self, Party, Status},
    care_contact, care_unit, goal, goal_revision, plan_item, plan_item_revision, version_goal, version_item,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    canonical::{self, Document, GoalWording, ItemWording},
    content::AgreementContent,
    rules::{self, Assented, Facts},
};
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Granted, Noun},
    },
    crypto::{Keyring, Place},
    db::Tx,
    domain::{
        act::{self, Event},
        history::{self, Change},
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// An agreement that the policy lets the actor change, held against other changes until the transaction ends.
#[derive(Debug)]
pub struct Locked(agreement::Model);

impl std::ops::Deref for Locked {
    type Target = agreement::Model;

    fn deref(&self) -> &agreement::Model {
        &self.0
    }
}

impl Locked {
    /// Locks what the policy granted and reads it as it is now.
    pub async fn take(tx: &Tx, granted: &Granted<agreement::Model>) -> Result<Self, Stop> {
        Self::row(tx, granted.id).await
    }

    /// Locks the agreement of a plan item that the policy granted.
    pub async fn of_item(tx: &Tx, granted: &Granted<plan_item::Model>) -> Result<Self, Stop> {
        Self::row(tx, granted.agreement_id).await
    }

    async fn row(tx: &Tx, id: entity::AgreementId) -> Result<Self, Stop> {
        let row = agreement::Entity::find_by_id(id).lock_exclusive().one(tx).await?;
        row.map(Self).ok_or_else(|| Fault::internal("a granted agreement vanished").into())
    }

    /// The version in force.
    pub fn in_force(&self) -> Option<AgreementVersionId> {
        (self.0.status == agreement::Status::Active).then_some(self.0.current_version_id)
    }

    /// Refuses when the caller read an older one.
    pub fn expect_row_version(&self, expected: Option<i32>) -> Result<(), Problem> {
        if expected.is_none_or(|expected| expected == self.0.row_version) {
            Ok(())
        } else {
            Err(Problem::stale())
        }
    }

    /// The draft, or else the version in force.
    pub async fn current(&self, tx: &Tx) -> Result<agreement_version::Model, Stop> {
        let row = agreement_version::Entity::find_by_id(self.0.current_version_id).one(tx).await?;
        row.ok_or_else(|| Fault::internal("an agreement without its version").into())
    }

    /// Notes that something in the agreement changed, with a new status or version where there is one.
    pub async fn touch(
        &mut self,
        tx: &Tx,
        at: DateTime<Utc>,
        status: agreement::Status,
        current: AgreementVersionId,
    ) -> Result<(), Stop> {
        let row_version = self.0.row_version + 1;
        let changed = agreement::Entity::update_many()
            .set(agreement::ActiveModel {
                status: Set(status),
                current_version_id: Set(current),
                updated_at: Set(at),
                row_version: Set(row_version),
                ..Default::default()
            })
            .filter(agreement::Column::Id.eq(self.0.id))
            .filter(agreement::Column::RowVersion.eq(self.0.row_version))
            .exec(tx)
            .await
            .map_err(|e| act::on_unique(e, another_in_force))?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        self.0.status = status;
        self.0.current_version_id = current;
        self.0.updated_at = at;
        self.0.row_version = row_version;
        Ok(())
    }
}

/// Says nothing of the other agreement: it may be out of the caller's reach.
fn another_in_force() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Patientkontraktet kan inte börja gälla nu. Fråga patienten om det finns ett annat.",
        "The agreement cannot come into force now. Ask the patient whether there is another one.",
    )
}

/// Everything a version says, opened.
pub async fn document(
    tx: &Tx,
    keys: &Keyring,
    version: &agreement_version::Model,
) -> Result<Document, Fault> {
    let goal_ids = Query::select()
        .column(version_goal::Column::GoalRevisionId)
        .from(version_goal::Entity)
        .and_where(version_goal::Column::VersionId.eq(version.id))
        .to_owned();
    let goals = goal_revision::Entity::find()
        .filter(goal_revision::Column::Id.in_subquery(goal_ids))
        .order_by_asc(goal_revision::Column::GoalId)
        .all(tx)
        .await?;
    let item_ids = Query::select()
        .column(version_item::Column::PlanItemRevisionId)
        .from(version_item::Entity)
        .and_where(version_item::Column::VersionId.eq(version.id))
        .to_owned();
    let items = plan_item_revision::Entity::find()
        .filter(plan_item_revision::Column::Id.in_subquery(item_ids))
        .order_by_asc(plan_item_revision::Column::PlanItemId)
        .all(tx)
        .await?;
    Ok(Document {
        agreement: version.agreement_id,
        number: version.number,
        base: version.base_version_id,
        content: content(keys, version)?,
        goals: goals.iter().map(|row| goal_wording(keys, row)).collect::<Result<_, _>>()?,
        items: items.iter().map(|row| item_wording(keys, row)).collect::<Result<_, _>>()?,
    })
}

/// The texts of a version, opened.
pub fn content(keys: &Keyring, version: &agreement_version::Model) -> Result<AgreementContent, Fault> {
    let json = keys.open(Place::new("agreement_version.content", version.id.0), &version.content)?;
    serde_json::from_str(&json).map_err(Fault::internal)
}

fn goal_wording(keys: &Keyring, row: &goal_revision::Model) -> Result<GoalWording, Fault> {
    Ok(GoalWording {
        id: row.goal_id,
        text: keys.open(Place::new("goal_revision.text", row.id.0), &row.text)?,
        priority: row.priority,
        target_on: row.target_on,
    })
}

fn item_wording(keys: &Keyring, row: &plan_item_revision::Model) -> Result<ItemWording, Fault> {
    let open = |column, sealed| keys.open_opt(Place::new(column, row.id.0), sealed);
    Ok(ItemWording {
        id: row.plan_item_id,
        category: row.category,
        title: keys.open(Place::new("plan_item_revision.title", row.id.0), &row.title)?,
        description: open("plan_item_revision.description", row.description.as_ref())?,
        owner: row.owner,
        timing: row.timing,
        due_on: row.due_on,
        starts_on: row.starts_on,
        recurrence: row.recurrence.clone(),
        trigger: open("plan_item_revision.trigger", row.trigger.as_ref())?,
        responsible_unit: row.responsible_unit_id,
        responsible_assignment: row.responsible_assignment_id,
        goal: row.goal_id,
        result_how: open("plan_item_revision.result_how", row.result_how.as_ref())?,
        result_by: row.result_by,
    })
}

/// Whether the patient has someone to turn to: an active contact, or a responsible unit that has a phone.
pub async fn someone_to_turn_to(
    tx: &Tx,
    agreement: &agreement::Model,
    items: &[ItemWording],
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let contacts = care_contact::Entity::find()
        .filter(care_contact::Column::PatientId.eq(agreement.patient_id))
        .filter(care_contact::Column::Status.eq(care_contact::Status::Active))
        .filter(care_contact::Column::ValidUntil.is_null().or(care_contact::Column::ValidUntil.gt(now)))
        .count(tx)
        .await?;
    if contacts > 0 {
        return Ok(true);
    }
    let units: Vec<CareUnitId> = items.iter().filter_map(|i| i.responsible_unit).collect();
    if units.is_empty() {
        return Ok(false);
    }
    let reachable = care_unit::Entity::find()
        .filter(care_unit::Column::Id.is_in(units))
        .filter(care_unit::Column::Phone.ne(""))
        .count(tx)
        .await?;
    Ok(reachable > 0)
}

/// A wording that is new, with the revision row it stands in.
#[derive(Clone, Debug)]
pub enum Added {
    Goal { wording: GoalWording, revision: entity::GoalRevisionId },
    Item { wording: Box<ItemWording>, revision: entity::PlanItemRevisionId },
}

impl Added {
    fn counts(&self) -> (usize, usize) {
        match self {
            Self::Goal { .. } => (1, 0),
            Self::Item { .. } => (0, 1),
        }
    }

    /// Makes the wording part of a version.
    async fn join(&self, tx: &Tx, version: AgreementVersionId) -> Result<(), Fault> {
        match self {
            Self::Goal { wording, revision } => {
                version_goal::Entity::insert(version_goal::ActiveModel {
                    version_id: Set(version),
                    goal_id: Set(wording.id),
                    goal_revision_id: Set(*revision),
                })
                .exec_without_returning(tx)
                .await?;
            }
            Self::Item { wording, revision } => {
                version_item::Entity::insert(version_item::ActiveModel {
                    version_id: Set(version),
                    plan_item_id: Set(wording.id),
                    plan_item_revision_id: Set(*revision),
                })
                .exec_without_returning(tx)
                .await?;
            }
        }
        Ok(())
    }
}

/// Adds to the draft.
pub async fn add_to_draft(
    tx: &Tx,
    agreement: &mut Locked,
    draft: &agreement_version::Model,
    document: &Document,
    added: &Added,
    now: DateTime<Utc>,
) -> Result<(), Stop> {
    let (goals, items) = added.counts();
    rules::fits(document.goals.len() + goals, document.items.len() + items)?;
    added.join(tx, draft.id).await?;
    let changed = agreement_version::Entity::update_many()
        .set(agreement_version::ActiveModel { row_version: Set(draft.row_version + 1), ..Default::default() })
        .filter(agreement_version::Column::Id.eq(draft.id))
        .filter(agreement_version::Column::Status.eq(Status::Draft))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    agreement.touch(tx, now, agreement::Status::Draft, draft.id).await
}

/// Proposes the version in force plus one change: the adder's assent to exactly that. The base stays in force.
pub async fn propose_successor(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    base: &agreement_version::Model,
    mut document: Document,
    added: &Added,
) -> Result<AgreementVersionId, Stop> {
    let (now, keys) = (session.now(), &session.core.keys);
    let newest = agreement_version::Entity::find()
        .filter(agreement_version::Column::AgreementId.eq(agreement.id))
        .order_by_desc(agreement_version::Column::Number)
        .one(tx)
        .await?
        .map_or(0, |v| v.number);
    match added {
        Added::Goal { wording, .. } => document.goals.push(wording.clone()),
        Added::Item { wording, .. } => document.items.push((**wording).clone()),
    }
    rules::fits(document.goals.len(), document.items.len())?;
    let reachable = someone_to_turn_to(tx, agreement, &document.items, now).await?;
    rules::complete(&rules::gaps(&document.content.title, &document.items, reachable))?;
    document.number = newest + 1;
    document.base = Some(base.id);

    let id = AgreementVersionId(session.core.clock.uuid());
    let content = serde_json::to_string(&document.content).map_err(Fault::internal)?;
    let mut row = agreement_version::ActiveModel {
        id: Set(id),
        agreement_id: Set(agreement.id),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        number: Set(document.number),
        base_version_id: Set(document.base),
        status: Set(Status::Proposed),
        content: Set(keys.seal(Place::new("agreement_version.content", id.0), &content)?),
        hash: Set(Some(document.digest()?)),
        hash_format: Set(canonical::FORMAT),
        proposed_by: Set(session.actor.party()),
        proposed_at: Set(Some(now)),
        patient_assent_at: Set(None),
        patient_assent_kind: Set(None),
        patient_assent_id: Set(None),
        care_assent_at: Set(None),
        care_assent_id: Set(None),
        created_at: Set(now),
        row_version: Set(1),
    };
    if let Some(assent) = Assent::of_proposer(session) {
        assent.write(&mut row);
    }
    agreement_version::Entity::insert(row).exec_without_returning(tx).await?;
    copy_members(tx, base.id, id).await?;
    added.join(tx, id).await?;
    let (status, current) = (agreement.status, agreement.current_version_id);
    agreement.touch(tx, now, status, current).await?;
    Ok(id)
}

/// The goals and items of a version, made part of another one.
async fn copy_members(tx: &Tx, from: AgreementVersionId, to: AgreementVersionId) -> Result<(), Fault> {
    let goals = version_goal::Entity::find().filter(version_goal::Column::VersionId.eq(from)).all(tx).await?;
    if !goals.is_empty() {
        let rows = goals.into_iter().map(|m| version_goal::ActiveModel {
            version_id: Set(to),
            goal_id: Set(m.goal_id),
            goal_revision_id: Set(m.goal_revision_id),
        });
        version_goal::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    let items = version_item::Entity::find().filter(version_item::Column::VersionId.eq(from)).all(tx).await?;
    if !items.is_empty() {
        let rows = items.into_iter().map(|m| version_item::ActiveModel {
            version_id: Set(to),
            plan_item_id: Set(m.plan_item_id),
            plan_item_revision_id: Set(m.plan_item_revision_id),
        });
        version_item::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// One side's yes, by the one who gives it.
#[derive(Clone, Copy, Debug)]
pub struct Assent<'a> {
    actor: &'a Actor,
    side: Party,
    at: DateTime<Utc>,
}

impl<'a> Assent<'a> {
    /// The actor's assent, if the policy lets them give one.
    pub fn of(session: &'a Session) -> Result<Self, Problem> {
        policy::check(&session.actor, Noun::Agreement, Action::Assent)?;
        let side = session.actor.party().ok_or_else(Problem::forbidden)?;
        Ok(Self { actor: &session.actor, side, at: session.now() })
    }

    /// Proposing is the proposer's assent; of staff, only where the role may give care's assent.
    pub fn of_proposer(session: &'a Session) -> Option<Self> {
        Self::of(session).ok()
    }

    /// Sets the columns of the assenting side.
    pub fn write(&self, row: &mut agreement_version::ActiveModel) {
        match self.actor {
            Actor::Staff(staff) => {
                row.care_assent_at = Set(Some(self.at));
                row.care_assent_id = Set(Some(staff.assignment));
            }
            _ => {
                row.patient_assent_at = Set(Some(self.at));
                row.patient_assent_kind = Set(Some(self.actor.kind()));
                row.patient_assent_id = Set(Some(self.actor.id()));
            }
        }
    }
}

/// Gives the actor's assent to a version, and brings it into force when both sides have given theirs.
///
/// `digest` is what the actor has read; None where the act itself names what it is about.
pub async fn assent(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    version: &agreement_version::Model,
    digest: Option<&[u8]>,
    action: &'static str,
) -> Result<Assented, Stop> {
    let assent = Assent::of(session)?;
    let facts = Facts {
        agreement: agreement.status,
        in_force: agreement.in_force(),
        status: version.status,
        base: version.base_version_id,
        digest: version.hash.as_deref(),
        patient_assented: version.patient_assent_at.is_some(),
        care_assented: version.care_assent_at.is_some(),
    };
    let effect = rules::assent(&facts, assent.side, digest)?;
    // What is assented to is what is stored, not what once was hashed.
    let stored = document(tx, &session.core.keys, version).await?.digest()?;
    if version.hash.as_deref() != Some(stored.as_slice()) {
        return Err(Fault::internal("a proposed version does not match its digest").into());
    }
    let now = session.now();
    if effect == Assented::Activates {
        agreement_version::Entity::update_many()
            .set(agreement_version::ActiveModel { status: Set(Status::Superseded), ..Default::default() })
            .col_expr(
                agreement_version::Column::RowVersion,
                Expr::col(agreement_version::Column::RowVersion).add(1),
            )
            .filter(agreement_version::Column::AgreementId.eq(agreement.id))
            .filter(agreement_version::Column::Status.eq(Status::Active))
            .exec(tx)
            .await?;
    }
    let status = if effect == Assented::Activates { Status::Active } else { Status::Proposed };
    let mut row = agreement_version::ActiveModel {
        status: Set(status),
        row_version: Set(version.row_version + 1),
        ..Default::default()
    };
    assent.write(&mut row);
    let changed = agreement_version::Entity::update_many()
        .set(row)
        .filter(agreement_version::Column::Id.eq(version.id))
        .filter(agreement_version::Column::RowVersion.eq(version.row_version))
        .filter(agreement_version::Column::Status.eq(Status::Proposed))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    let superseded = agreement.in_force();
    if effect == Assented::Activates {
        agreement.touch(tx, now, agreement::Status::Active, version.id).await?;
        agree_on_members(tx, version.id).await?;
    } else {
        let (status, current) = (agreement.status, agreement.current_version_id);
        agreement.touch(tx, now, status, current).await?;
    }
    told(tx, session, agreement, version, effect, superseded, action).await?;
    Ok(effect)
}

async fn told(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    version: &agreement_version::Model,
    effect: Assented,
    superseded: Option<AgreementVersionId>,
    action: &'static str,
) -> Result<(), Stop> {
    let activated = effect == Assented::Activates;
    let status = if activated { Status::Active } else { Status::Proposed };
    let mut changes = vec![Change {
        kind: "agreement_version",
        subject: version.id.0,
        before: Some(json!({ "status": version.status })),
        after: Some(json!({ "status": status, "assent": session.actor.party() })),
    }];
    if activated && let Some(old) = superseded {
        changes.push(Change {
            kind: "agreement_version",
            subject: old.0,
            before: Some(json!({ "status": Status::Active })),
            after: Some(json!({ "status": Status::Superseded })),
        });
    }
    history::record(tx, session, (&**agreement).into(), action, changes).await?;
    let mut events = vec![event(agreement, "agreement.assented", version.id.0)];
    if activated {
        events.push(event(agreement, "agreement.activated", agreement.id.0));
    }
    act::emit(tx, session, events).await?;
    Ok(())
}

/// An event about an agreement.
pub fn event(agreement: &agreement::Model, kind: &'static str, subject: Uuid) -> Event {
    Event {
        kind,
        patient: agreement.patient_id,
        care_unit: agreement.care_unit_id,
        care_provider: agreement.care_provider_id,
        subject,
        for_register: false,
    }
}

/// What was only proposed is now agreed.
async fn agree_on_members(tx: &Tx, version: AgreementVersionId) -> Result<(), Fault> {
    let goals = Query::select()
        .column(version_goal::Column::GoalId)
        .from(version_goal::Entity)
        .and_where(version_goal::Column::VersionId.eq(version))
        .to_owned();
    goal::Entity::update_many()
        .set(goal::ActiveModel { status: Set(goal::Status::Accepted), ..Default::default() })
        .col_expr(goal::Column::RowVersion, Expr::col(goal::Column::RowVersion).add(1))
        .filter(goal::Column::Status.eq(goal::Status::Proposed))
        .filter(goal::Column::Id.in_subquery(goals))
        .exec(tx)
        .await?;
    let items = Query::select()
        .column(version_item::Column::PlanItemId)
        .from(version_item::Entity)
        .and_where(version_item::Column::VersionId.eq(version))
        .to_owned();
    plan_item::Entity::update_many()
        .set(plan_item::ActiveModel { status: Set(plan_item::Status::Accepted), ..Default::default() })
        .col_expr(plan_item::Column::RowVersion, Expr::col(plan_item::Column::RowVersion).add(1))
        .filter(plan_item::Column::Status.eq(plan_item::Status::Proposed))
        .filter(plan_item::Column::Id.in_subquery(items))
        .exec(tx)
        .await?;
    Ok(())
}
