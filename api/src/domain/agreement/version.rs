//! Versions as they are stored, read whole, under a lock on their agreement.
//!
//! Every function that writes demands the [`Locked`] agreement: changes of one agreement happen one after another,
//! so two assents or two proposals never see half of each other.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::{
    AgreementVersionId, CareUnitId, GoalId, GoalRevisionId, PlanItemId, PlanItemRevisionId, agreement,
    agreement_version::{self, Party},
    care_contact, care_unit, goal, goal_revision, plan_item, plan_item_revision, safety_instruction,
    version_goal, version_item,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{LockType, Query},
};
use uuid::Uuid;

use super::{
    canonical::{Document, GoalWording, ItemWording},
    content::AgreementContent,
    gaps::{self, Gap},
};
use crate::{
    auth::policy::{self, Action, Granted},
    crypto::{Keyring, Place},
    db::Tx,
    domain::{
        act::{self, Event},
        plan_link,
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
    /// Locks the agreement that the input's `agreementId` names, if the actor may do `action` to it.
    pub async fn reach(
        tx: &Tx,
        session: &Session,
        action: Action,
        id: entity::AgreementId,
    ) -> Result<Self, Stop> {
        let (actor, now) = (&session.actor, session.now());
        let granted = policy::reach::<agreement::Entity>(tx, actor, action, id, "agreementId", now).await?;
        Self::take(tx, &granted).await
    }

    /// Locks what the policy granted and reads it as it is now.
    pub async fn take(tx: &Tx, granted: &Granted<agreement::Model>) -> Result<Self, Stop> {
        Self::row(tx, granted.id).await
    }

    /// Locks the agreement of a plan item that the policy granted.
    pub async fn of_item(tx: &Tx, granted: &Granted<plan_item::Model>) -> Result<Self, Stop> {
        Self::row(tx, granted.agreement_id).await
    }

    /// Locks the agreement of a goal that the policy granted.
    pub async fn of_goal(tx: &Tx, granted: &Granted<goal::Model>) -> Result<Self, Stop> {
        Self::row(tx, granted.agreement_id).await
    }

    /// Locks the agreement of a safety instruction that the policy granted.
    pub async fn of_instruction(tx: &Tx, granted: &Granted<safety_instruction::Model>) -> Result<Self, Stop> {
        Self::row(tx, granted.agreement_id).await
    }

    /// Locks what the service itself has found.
    pub(super) async fn row(tx: &Tx, id: entity::AgreementId) -> Result<Self, Stop> {
        let row = agreement::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await?;
        row.map(Self).ok_or_else(|| Fault::internal("a granted agreement vanished").into())
    }

    /// The version in force.
    pub fn in_force(&self) -> Option<AgreementVersionId> {
        self.0.status.in_force().then_some(self.0.current_version_id)
    }

    /// Whether another agreement of the patient's is in force in the region. It may be out of the actor's reach.
    pub async fn another_in_force(&self, tx: &Tx) -> Result<bool, Fault> {
        use agreement::Column as A;
        let other = agreement::Entity::find()
            .filter(A::PatientId.eq(self.0.patient_id))
            .filter(A::Region.eq(self.0.region.as_str()))
            .filter(A::Status.is_in(agreement::Status::IN_FORCE))
            .filter(A::Id.ne(self.0.id));
        Ok(other.count(tx).await? > 0)
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

    /// The draft that is being written, if there is one: the first version, its revision, or an answer.
    pub async fn draft(&self, tx: &Tx) -> Result<Option<agreement_version::Model>, Fault> {
        Ok(agreement_version::Entity::find()
            .filter(agreement_version::Column::AgreementId.eq(self.0.id))
            .filter(agreement_version::Column::Status.eq(agreement_version::Status::Draft))
            .one(tx)
            .await?)
    }

    /// A version of this agreement.
    pub async fn version(
        &self,
        tx: &Tx,
        id: AgreementVersionId,
        field: &str,
    ) -> Result<agreement_version::Model, Stop> {
        let found = agreement_version::Entity::find_by_id(id)
            .filter(agreement_version::Column::AgreementId.eq(self.0.id))
            .one(tx)
            .await?;
        found.ok_or_else(|| Problem::not_found(field).into())
    }

    /// The number of the next version.
    pub async fn next_number(&self, tx: &Tx) -> Result<i32, Fault> {
        let newest = agreement_version::Entity::find()
            .filter(agreement_version::Column::AgreementId.eq(self.0.id))
            .order_by_desc(agreement_version::Column::Number)
            .one(tx)
            .await?;
        Ok(newest.map_or(1, |version| version.number + 1))
    }

    /// Notes that something in the agreement changed, with a new status or version where there is one.
    pub async fn touch(
        &mut self,
        tx: &Tx,
        session: &Session,
        status: agreement::Status,
        current: AgreementVersionId,
    ) -> Result<(), Stop> {
        let (at, row_version) = (session.now(), self.0.row_version + 1);
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
            .map_err(|e| act::on_unique(e, || another_in_force(session)))?;
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

/// To care it says nothing of the other agreement, which may be out of reach; the patient sees both, and chooses.
pub(super) fn another_in_force(session: &Session) -> Problem {
    let (sv, en) = match session.actor.party() {
        Some(Party::Patient) => (
            "Du har redan ett patientkontrakt som gäller. Välj det nya, så avslutas det gamla samtidigt, eller behåll \
             det du har.",
            "You already have an agreement in force. Choose the new one, and the old one ends at the same time, or keep \
             the one you have.",
        ),
        _ => (
            "Patientkontraktet kan inte börja gälla nu. Fråga patienten.",
            "The agreement cannot come into force now. Ask the patient.",
        ),
    };
    Problem::new(ProblemCode::Conflict, sv, en)
}

/// What a version says, and in which rows its wordings stand.
#[derive(Clone, Debug)]
pub struct Stored {
    pub document: Document,
    pub goals: BTreeMap<GoalId, GoalRevisionId>,
    pub items: BTreeMap<PlanItemId, PlanItemRevisionId>,
}

/// Everything a version says, opened.
pub async fn document(
    tx: &Tx,
    keys: &Keyring,
    version: &agreement_version::Model,
) -> Result<Document, Fault> {
    Ok(stored(tx, keys, version).await?.document)
}

/// Everything a version says, opened, with the rows it stands in.
pub async fn stored(tx: &Tx, keys: &Keyring, version: &agreement_version::Model) -> Result<Stored, Fault> {
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
    let document = Document {
        format: version.hash_format,
        agreement: version.agreement_id,
        number: version.number,
        base: version.base_version_id,
        content: content(keys, version)?,
        goals: goals.iter().map(|row| goal_wording(keys, row)).collect::<Result<_, _>>()?,
        items: items.iter().map(|row| item_wording(keys, row)).collect::<Result<_, _>>()?,
    };
    Ok(Stored {
        document,
        goals: goals.iter().map(|row| (row.goal_id, row.id)).collect(),
        items: items.iter().map(|row| (row.plan_item_id, row.id)).collect(),
    })
}

/// The texts of a version, opened.
pub fn content(keys: &Keyring, version: &agreement_version::Model) -> Result<AgreementContent, Fault> {
    let json = keys.open(Place::new("agreement_version.content", version.id.0), &version.content)?;
    serde_json::from_str(&json).map_err(Fault::internal)
}

/// One wording of a goal, opened.
pub fn goal_wording(keys: &Keyring, row: &goal_revision::Model) -> Result<GoalWording, Fault> {
    Ok(GoalWording {
        id: row.goal_id,
        text: keys.open(Place::new("goal_revision.text", row.id.0), &row.text)?,
        priority: row.priority,
        target_on: row.target_on,
    })
}

/// One wording of an item, opened.
pub fn item_wording(keys: &Keyring, row: &plan_item_revision::Model) -> Result<ItemWording, Fault> {
    let open = |column, sealed| keys.open_opt(Place::new(column, row.id.0), sealed);
    Ok(ItemWording {
        id: row.plan_item_id,
        category: row.category,
        title: keys.open(Place::new("plan_item_revision.title", row.id.0), &row.title)?,
        description: open("plan_item_revision.description", row.description.as_ref())?,
        owner: row.owner,
        relative_name: open("plan_item_revision.relative_name", row.relative_name.as_ref())?,
        timing: row.timing,
        due_on: row.due_on,
        starts_on: row.starts_on,
        recurrence: row.recurrence.clone(),
        trigger: open("plan_item_revision.trigger", row.trigger.as_ref())?,
        responsible_unit: row.responsible_unit_id,
        responsible_assignment: row.responsible_assignment_id,
        responsible_contact: row.responsible_contact_id,
        goal: row.goal_id,
        result_how: open("plan_item_revision.result_how", row.result_how.as_ref())?,
        result_by: row.result_by,
    })
}

/// Everything that must be there before `document` can be proposed, and is not.
pub async fn open_gaps(
    tx: &Tx,
    agreement: &agreement::Model,
    document: &Document,
    now: DateTime<Utc>,
) -> Result<Vec<Gap>, Fault> {
    let reachable = someone_to_turn_to(tx, agreement, &document.items, now).await?;
    let existing = plan_link::fulfils(tx, agreement.id).await?;
    Ok(gaps::beside(existing, gaps::gaps(document, reachable)))
}

/// Whether the patient has someone in care to turn to: a contact whose role is valid now, or a responsible unit that has
/// a phone. A contact of another care provider would tell of it.
async fn someone_to_turn_to(
    tx: &Tx,
    agreement: &agreement::Model,
    items: &[ItemWording],
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let contacts = care_contact::Entity::find()
        .filter(care_contact::Column::PatientId.eq(agreement.patient_id))
        .filter(care_contact::Column::CareProviderId.eq(agreement.care_provider_id))
        .filter(care_contact::Column::Role.ne(care_contact::Role::Supporter))
        .filter(crate::domain::contact::holding(now))
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

/// An event about an agreement.
pub fn event(agreement: &agreement::Model, kind: &'static str, subject: Uuid) -> Event {
    Event {
        kind,
        patient: agreement.patient_id,
        care_unit: agreement.care_unit_id,
        care_provider: agreement.care_provider_id,
        subject,
    }
}
