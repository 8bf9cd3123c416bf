//! What all acts on the live state of an item have in common: the item and its agreement behind a lock, what was
//! agreed about it, and one conditional write. No new version, no new assent.

use entity::{
    PlanItemId, agreement, plan_item,
    plan_item_revision::{self, Owner},
    version_item,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Query};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    auth::policy::{self, Action},
    db::Tx,
    domain::{
        act::{self, Done},
        agreement::{
            rules::not_ended,
            version::{Locked, event},
        },
        history::{self, Change},
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// An item that the policy lets the actor touch, held against other changes until the transaction ends.
#[derive(Debug)]
pub struct Live {
    /// As it is behind the lock.
    pub item: plan_item::Model,
    pub agreement: Locked,
    /// What the version that a reader sees first says of it; none for an item that waits in a proposal.
    wording: Option<plan_item_revision::Model>,
}

/// The columns that every row about an item begins with: whose it is, and who wrote it.
macro_rules! row_about {
    ($table:ident, $live:expr, $session:expr) => {{
        let (by_kind, by_id) = $crate::domain::act::by($session);
        $table::ActiveModel {
            plan_item_id: sea_orm::ActiveValue::Set($live.item.id),
            agreement_id: sea_orm::ActiveValue::Set($live.agreement.id),
            patient_id: sea_orm::ActiveValue::Set($live.item.patient_id),
            care_unit_id: sea_orm::ActiveValue::Set($live.item.care_unit_id),
            care_provider_id: sea_orm::ActiveValue::Set($live.item.care_provider_id),
            by_kind: sea_orm::ActiveValue::Set(by_kind),
            by_id: sea_orm::ActiveValue::Set(by_id),
            ..Default::default()
        }
    }};
}

pub(super) use row_about;

/// What an act on an item tells others: the history, and those who listen.
#[derive(Debug)]
pub struct Told {
    /// The mutation's name.
    pub action: &'static str,
    /// Such as `plan_item.done`.
    pub event: &'static str,
    pub before: Option<Value>,
    pub after: Value,
}

impl Live {
    /// Reaches, locks and reads the item. Refused when the agreement has ended.
    pub async fn take(tx: &Tx, session: &Session, action: Action, item: PlanItemId) -> Result<Self, Stop> {
        let live = Self::take_even_ended(tx, session, action, item).await?;
        not_ended(live.agreement.status)?;
        Ok(live)
    }

    /// As [`Self::take`], for what outlives the agreement.
    pub async fn take_even_ended(
        tx: &Tx,
        session: &Session,
        action: Action,
        item: PlanItemId,
    ) -> Result<Self, Stop> {
        let granted =
            policy::reach::<plan_item::Entity>(tx, &session.actor, action, item, "planItemId", session.now())
                .await?;
        let agreement = Locked::of_item(tx, &granted).await?;
        let item = plan_item::Entity::find_by_id(granted.id)
            .one(tx)
            .await?
            .ok_or_else(|| Fault::internal("a granted plan item vanished"))?;
        let current = Query::select()
            .column(version_item::Column::PlanItemRevisionId)
            .from(version_item::Entity)
            .and_where(version_item::Column::PlanItemId.eq(item.id))
            .and_where(version_item::Column::VersionId.eq(agreement.current_version_id))
            .to_owned();
        let wording = plan_item_revision::Entity::find()
            .filter(plan_item_revision::Column::Id.in_subquery(current))
            .one(tx)
            .await?;
        Ok(Self { item, agreement, wording })
    }

    /// What was agreed. Refused for an item in no version in force: it is only proposed.
    pub fn agreed(&self) -> Result<&plan_item_revision::Model, Problem> {
        match &self.wording {
            Some(wording)
                if self.agreement.status.in_force() && self.item.status != plan_item::Status::Proposed =>
            {
                Ok(wording)
            }
            _ => Err(only_proposed()),
        }
    }

    /// What was agreed, of an item that has not been called off.
    pub fn not_called_off(&self) -> Result<&plan_item_revision::Model, Problem> {
        let wording = self.agreed()?;
        if self.item.status == plan_item::Status::Cancelled { Err(called_off()) } else { Ok(wording) }
    }

    /// What was agreed about a result: while the agreement holds, and after it as long as the result is owed.
    pub fn result_promised(&self) -> Result<&plan_item_revision::Model, Problem> {
        use plan_item::Status as S;
        if self.agreement.status != agreement::Status::Ended {
            return self.not_called_off();
        }
        let owed = self.item.result_told_on.is_none()
            && matches!(self.item.status, S::Accepted | S::InProgress | S::Done);
        match &self.wording {
            Some(wording) if owed && wording.result_by.is_some() => Ok(wording),
            _ => not_ended(self.agreement.status).and_then(|()| self.agreed()),
        }
    }

    /// Who does it, agreed or not.
    pub fn owner(&self) -> Option<Owner> {
        self.wording.as_ref().map(|wording| wording.owner)
    }

    /// Writes the live columns that are set, and tells of it. The agreement has changed with it.
    pub async fn write(
        &self,
        tx: &Tx,
        session: &Session,
        expected_row_version: i32,
        row: plan_item::ActiveModel,
        told: Told,
    ) -> Result<Done, Stop> {
        self.set(tx, expected_row_version, row).await?;
        let change = Change {
            kind: "plan_item",
            subject: self.item.id.0,
            before: told.before,
            after: Some(told.after),
        };
        self.tell(tx, session, told.action, told.event, change).await?;
        Ok(self.done())
    }

    /// Writes the live columns that are set, if the caller has read the item as it is.
    pub async fn set(
        &self,
        tx: &Tx,
        expected_row_version: i32,
        mut row: plan_item::ActiveModel,
    ) -> Result<(), Stop> {
        row.row_version = Set(expected_row_version.saturating_add(1));
        let changed = plan_item::Entity::update_many()
            .set(row)
            .filter(plan_item::Column::Id.eq(self.item.id))
            .filter(plan_item::Column::RowVersion.eq(expected_row_version))
            .exec(tx)
            .await?;
        if changed.rows_affected == 1 { Ok(()) } else { Err(Problem::stale().into()) }
    }

    /// Records a change of the item, or of something that belongs to it.
    pub async fn tell(
        &self,
        tx: &Tx,
        session: &Session,
        action: &'static str,
        kind: &'static str,
        change: Change,
    ) -> Result<(), Stop> {
        tell(tx, session, &self.agreement, action, kind, self.item.id.0, change).await
    }

    /// The receipt of an act on the item.
    pub fn done(&self) -> Done {
        Done::on(self.item.patient_id).with("planItem", self.item.id.0).with("agreement", self.agreement.id.0)
    }
}

/// Notes that something in the agreement changed: when, from what to what, and for those who listen.
pub async fn tell(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    action: &'static str,
    kind: &'static str,
    subject: Uuid,
    change: Change,
) -> Result<(), Stop> {
    agreement::Entity::update_many()
        .set(agreement::ActiveModel { updated_at: Set(session.now()), ..Default::default() })
        .filter(agreement::Column::Id.eq(agreement.id))
        .exec(tx)
        .await?;
    history::record(tx, session, (&**agreement).into(), action, [change]).await?;
    act::emit(tx, session, [event(agreement, kind, subject)]).await?;
    Ok(())
}

fn called_off() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Insatsen är inställd. Öppna den igen om den ändå ska bli av.",
        "The item is called off. Open it again if it is to happen after all.",
    )
}

/// Nobody owes what has not been agreed.
pub fn only_proposed() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Insatsen är bara föreslagen. Den måste först godkännas.",
        "The item is only proposed. It has to be accepted first.",
    )
}
