//! Where the demo's lives are lived: the use cases themselves, at times that have passed.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{
    AgreementId, AgreementVersionId, GoalId, PlanItemId, TaskId, agreement,
    agreement_version::{self, Status},
    goal, plan_item_revision, task, version_item,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::super::writer::{Unit, Whose, Worker};
use crate::{
    auth::actor::{Actor, StaffActor},
    calendar::to_local,
    clock::Clock,
    crypto::Place,
    domain::act::Receipt,
    error::Fault,
    locale::Locale,
    session::{Core, Session},
};

/// The service on a clock of its own, which goes forwards from act to act.
pub struct Stage {
    core: Core,
    /// When the present day began.
    midnight: DateTime<Utc>,
    acts: usize,
}

/// A worker at their unit.
pub type At<'a> = (&'a Unit, &'a Worker);

impl Stage {
    pub fn new(core: &Core, midnight: DateTime<Utc>) -> Self {
        let core = Core { clock: Clock::manual(midnight - TimeDelta::days(60)), ..core.clone() };
        Self { core, midnight, acts: 0 }
    }

    /// Goes on to this hour (UTC) of a day that many days ago.
    pub fn days_ago(&self, days: i64, hour: i64) {
        self.core.clock.set(self.midnight - TimeDelta::days(days) + TimeDelta::hours(hour));
    }

    /// The day that many days from the present one.
    pub fn day(&self, days: i64) -> NaiveDate {
        to_local(self.midnight + TimeDelta::hours(12) + TimeDelta::days(days)).date_naive()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.core.clock.now()
    }

    /// A key of its own for each act. A minute passes.
    pub fn key(&mut self) -> String {
        self.acts += 1;
        self.core.clock.advance(TimeDelta::minutes(1));
        format!("demo-{}", self.acts)
    }

    pub fn patient(&self, whose: Whose) -> Session {
        self.session(Actor::Patient { id: whose.patient })
    }

    pub fn staff(&self, (unit, worker): At) -> Session {
        self.session(Actor::Staff(StaffActor {
            staff_member: worker.member,
            assignment: worker.assignment,
            care_unit: unit.id,
            care_provider: unit.provider,
            role: worker.role,
            display_name: worker.name.clone(),
            title: worker.title.clone(),
        }))
    }

    fn session(&self, actor: Actor) -> Session {
        Session::new(self.core.clone(), actor, Locale::Sv, "demo".to_owned())
    }

    pub async fn row_version(&self, agreement: AgreementId) -> Result<i32, Fault> {
        let found = agreement::Entity::find_by_id(agreement).one(self.core.db.reader()).await?;
        Ok(found.ok_or_else(|| absent("agreement"))?.row_version)
    }

    pub async fn agreement_of(&self, whose: Whose) -> Result<AgreementId, Fault> {
        let found = agreement::Entity::find()
            .filter(agreement::Column::PatientId.eq(whose.patient))
            .one(self.core.db.reader())
            .await?;
        Ok(found.ok_or_else(|| absent("agreement"))?.id)
    }

    /// The version that waits for an answer, with its digest.
    pub async fn proposal(&self, agreement: AgreementId) -> Result<(AgreementVersionId, Vec<u8>), Fault> {
        let found = agreement_version::Entity::find()
            .filter(agreement_version::Column::AgreementId.eq(agreement))
            .filter(agreement_version::Column::Status.eq(Status::Proposed))
            .order_by_desc(agreement_version::Column::Number)
            .one(self.core.db.reader())
            .await?
            .ok_or_else(|| absent("proposal"))?;
        Ok((found.id, found.hash.unwrap_or_default()))
    }

    pub async fn first_goal(&self, agreement: AgreementId) -> Result<GoalId, Fault> {
        let found = goal::Entity::find()
            .filter(goal::Column::AgreementId.eq(agreement))
            .order_by_asc(goal::Column::Id)
            .one(self.core.db.reader())
            .await?;
        Ok(found.ok_or_else(|| absent("goal"))?.id)
    }

    /// The item of this title in the version in force.
    pub async fn item(&self, agreement: AgreementId, title: &str) -> Result<PlanItemId, Fault> {
        let db = self.core.db.reader();
        let agreement =
            agreement::Entity::find_by_id(agreement).one(db).await?.ok_or_else(|| absent("agreement"))?;
        let worded = version_item::Entity::find()
            .filter(version_item::Column::VersionId.eq(agreement.current_version_id))
            .all(db)
            .await?;
        for row in worded {
            let revision = plan_item_revision::Entity::find_by_id(row.plan_item_revision_id).one(db).await?;
            let Some(revision) = revision else { continue };
            let place = Place::new("plan_item_revision.title", revision.id);
            if self.core.keys.open(place, &revision.title)? == title {
                return Ok(row.plan_item_id);
            }
        }
        Err(absent(title))
    }

    /// The open task of this kind about the patient.
    pub async fn task(&self, whose: Whose, kind: task::Kind) -> Result<TaskId, Fault> {
        let found = task::Entity::find()
            .filter(task::Column::PatientId.eq(whose.patient))
            .filter(task::Column::Kind.eq(kind))
            .filter(task::Column::Status.eq(task::Status::Open))
            .one(self.core.db.reader())
            .await?;
        Ok(found.ok_or_else(|| absent("task"))?.id)
    }
}

fn absent(what: &str) -> Fault {
    Fault::internal(format!("the demo's {what} is not there"))
}

/// What has been done; a refusal is a mistake in the story.
pub fn done(receipt: Receipt) -> Result<Receipt, Fault> {
    if receipt.problems.is_empty() {
        return Ok(receipt);
    }
    Err(Fault::internal(format!("the demo's story was refused: {:?}", receipt.problems)))
}
