//! What staff act under, with the list of what that person has to do.

use async_graphql::{Context, Object, Result};
use entity::{AssignmentId, CareUnitId, contact_way::Status, staff_notice};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{
    page::{Page, page_request},
    read::task::{self, List, TaskFilter, TaskPlace},
    scalars::{GlobalId, HsaId, NodeKind},
    types::{
        enums::StaffRole,
        people::{CareUnitSummary, StaffSummary},
        reminders::StaffNotices,
        tasks::Task,
    },
    user_error::{fault, refused, session},
};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    domain::staff_notice::ADDRESS,
    error::Fault,
    session::Session,
};

/// An assignment, in memory.
pub struct Assignment {
    pub id: AssignmentId,
    pub unit: CareUnitId,
    pub hsa_id: HsaId,
    pub staff: StaffSummary,
    pub role: StaffRole,
    pub care_unit: CareUnitSummary,
}

/// What staff act under (medarbetaruppdrag): one person, one role, one unit.
#[Object(serial)]
impl Assignment {
    /// Global id.
    async fn id(&self) -> GlobalId {
        GlobalId::new(NodeKind::Assignment, self.id)
    }

    /// The assignment's HSA-id.
    async fn hsa_id(&self) -> &HsaId {
        &self.hsa_id
    }

    /// Name and title of the person.
    async fn staff(&self) -> &StaffSummary {
        &self.staff
    }

    /// What it allows.
    async fn role(&self) -> StaffRole {
        self.role
    }

    /// Where.
    async fn care_unit(&self) -> &CareUnitSummary {
        &self.care_unit
    }

    /// Whether the person gets mail when there is something new (aviseringar). None before they have chosen, and of others
    /// than the caller.
    async fn staff_notices(&self, ctx: &Context<'_>) -> Result<Option<StaffNotices>> {
        let session = session(ctx);
        let own = session.actor.staff().is_some_and(|staff| staff.assignment == self.id);
        if !own || policy::check(&session.actor, Noun::StaffNotice, Action::Read).is_err() {
            return Ok(None);
        }
        staff_notices(session, self.id).await.map_err(|e| fault(session, &e))
    }

    /// What this person has to do (mina uppgifter), what is due first before the rest. For the unit's own staff;
    /// FORBIDDEN for others.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which of them; the open ones when left out.")] filter: Option<TaskFilter>,
    ) -> Result<Option<Page<Task>>> {
        tasks_at(ctx, self.unit, Some(self.id), (first, after), filter).await
    }
}

async fn staff_notices(session: &Session, of: AssignmentId) -> Result<Option<StaffNotices>, Fault> {
    let chosen = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let of = staff_notice::Column::AssignmentId.eq(of);
            Ok(staff_notice::Entity::find().filter(of).one(db).await?)
        })
        .await?;
    chosen
        .map(|row| {
            Ok(StaffNotices {
                opted_in: row.opted_in,
                mail: session.core.keys.open(Place::new(ADDRESS, row.id.0), &row.address)?,
                reachable: row.status == Status::Good,
                about: row.about.into(),
                decided_at: row.decided_at,
                row_version: row.row_version,
            })
        })
        .transpose()
}

/// What there is to do at the caller's own unit, or for one person there. FORBIDDEN for others.
pub(super) async fn tasks_at(
    ctx: &Context<'_>,
    unit: CareUnitId,
    assignee: Option<AssignmentId>,
    (first, after): (Option<i32>, Option<String>),
    filter: Option<TaskFilter>,
) -> Result<Option<Page<Task>>> {
    let session = session(ctx);
    let Ok(own) = policy::own_unit(&session.actor, Noun::Task, Action::List, unit, "careUnit") else {
        return Err(refused(session));
    };
    let request = page_request::<TaskPlace>(first, after.as_deref(), 50)?;
    let counted = ctx.look_ahead().field("totalCount").exists();
    let list = List { unit: &own, assignee, filter: &filter.unwrap_or_default() };
    task::page(session, &list, &request, counted).await.map(Some).map_err(|e| fault(session, &e))
}
