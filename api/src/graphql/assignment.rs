//! What staff act under, with the list of what that person has to do.

use async_graphql::{Context, Object, Result};
use entity::{AssignmentId, CareUnitId};

use super::{
    page::{Page, page_request},
    read::task::{self, List, TaskFilter, TaskPlace},
    scalars::{GlobalId, HsaId, NodeKind},
    types::{
        enums::StaffRole,
        people::{CareUnitSummary, StaffSummary},
        tasks::Task,
    },
    user_error::{fault, refused, session},
};
use crate::auth::policy::{self, Action, Noun};

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
