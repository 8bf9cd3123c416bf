//! What of an agreement is loaded when it is asked for: with arguments, one statement each.

use async_graphql::{ComplexObject, Context, ID, Result};
use entity::{AgreementId, AgreementVersionId};
use uuid::Uuid;

use super::{
    page::{Page, page_request},
    read::{
        exception,
        history::{self, HistoryPlace},
        overlay, template,
        version::{self, VersionsWanted},
    },
    scalars::{GlobalId, NodeKind},
    types::{
        agreement::{Agreement, AgreementVersion},
        assent::GuardianException,
        history::HistoryEntry,
        overlay::{PlanLink, SafetyInstruction},
        template::DischargeCheck,
        versions::AgreementChange,
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
        #[graphql(
            desc = "Those that hold no longer too: care has taken them back, or a later version leaves them out.",
            default = false
        )]
        include_withdrawn: bool,
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

    /// The guardians (vårdnadshavare) whose assent it can do without, and those of whom that held before, the latest first.
    /// At most 100.
    async fn guardian_exceptions(&self, ctx: &Context<'_>) -> Result<Vec<GuardianException>> {
        let session = session(ctx);
        exception::of_agreement(session, self.id.id.into()).await.map_err(|e| fault(session, &e))
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

    /// Every version, the newest first: the draft, proposals, the one in force, and those that were replaced or
    /// withdrawn, each as it was worded.
    async fn versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 10 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Page<AgreementVersion>> {
        let session = session(ctx);
        let request = page_request::<i32>(first, after.as_deref(), 10)?;
        let wanted = VersionsWanted::of_page(&ctx.look_ahead());
        version::of_agreement(session, AgreementId(self.id.id), &request, wanted)
            .await
            .map_err(|e| fault(session, &e))
    }

    /// What differs between two versions (skillnad), field by field, in words for patient and staff: the second against
    /// the first. None when the agreement has no such versions.
    async fn difference(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The earlier version's global id.")] from: ID,
        #[graphql(desc = "The later version's global id.")] to: ID,
    ) -> Result<Option<Vec<AgreementChange>>> {
        let session = session(ctx);
        let row = |id: &ID| {
            GlobalId::row(id, NodeKind::AgreementVersion).unwrap_or(AgreementVersionId(Uuid::nil()))
        };
        version::difference(session, AgreementId(self.id.id), row(&from), row(&to))
            .await
            .map_err(|e| fault(session, &e))
    }

    /// The discharge check (utskrivningskontroll): what is missing before the patient goes home. Null for a plan
    /// without one.
    async fn discharge_check(&self, ctx: &Context<'_>) -> Result<Option<DischargeCheck>> {
        let session = session(ctx);
        template::discharge(session, self.id.id.into()).await.map_err(|e| fault(session, &e))
    }
}
