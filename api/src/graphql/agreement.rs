//! What of an agreement is loaded when it is asked for: with arguments, one statement each.

use async_graphql::{ComplexObject, Context, Result};

use super::{
    page::{Page, page_request},
    read::{
        history::{self, HistoryPlace},
        overlay,
    },
    types::{
        agreement::Agreement,
        history::HistoryEntry,
        overlay::{PlanLink, SafetyInstruction},
    },
    user_error::{fault, session},
};

#[ComplexObject]
impl Agreement {
    /// What care has laid over the agreement at once (säkerhetsanvisningar), agreed on or not yet, the latest first. At
    /// most 100.
    async fn safety_instructions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those that care has taken back too.", default = false)] include_withdrawn: bool,
    ) -> Result<Vec<SafetyInstruction>> {
        let session = session(ctx);
        let found = overlay::instructions(session, self.id.id.into(), include_withdrawn).await;
        found.map_err(|e| fault(session, &e))
    }

    /// The existing plans that it builds on (bygger på), the oldest link first. At most 100.
    async fn based_on(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Links that have ended too.", default = false)] include_removed: bool,
    ) -> Result<Vec<PlanLink>> {
        let session = session(ctx);
        let found = overlay::links(session, self.id.id.into(), include_removed).await;
        found.map_err(|e| fault(session, &e))
    }

    /// The existing plan that is the agreement (utgör patientkontraktet), if one is: only what it lacks is added.
    async fn fulfilled_by(&self, ctx: &Context<'_>) -> Result<Option<PlanLink>> {
        let session = session(ctx);
        let found =
            overlay::links(session, self.id.id.into(), false).await.map_err(|e| fault(session, &e))?;
        Ok(found.into_iter().find(|link| link.fulfils))
    }

    /// The change history (ändringshistorik), the latest first: who changed what, from what to what, and how the
    /// agreement came about.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many entries, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Page<HistoryEntry>> {
        let session = session(ctx);
        let request = page_request::<HistoryPlace>(first, after.as_deref(), 20)?;
        history::of_agreement(session, self.id.id, &request).await.map_err(|e| fault(session, &e))
    }
}
