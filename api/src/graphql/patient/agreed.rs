//! What is agreed, how it began, what comes next, and what the patient has answered.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use uuid::Uuid;

use super::in_scope;
use crate::{
    auth::policy::{self, Action, Noun},
    graphql::{
        page::{Page, page_request},
        read::{
            battery, beginning, life, missing,
            plan::PatientPlan,
            steps::{self, AgreementPart, PartKind, TimelineEntry},
        },
        scalars::{GlobalId, NodeKind},
        types::{
            agreement::{Agreement, NextSteps},
            battery::BatteryAnswerSet,
            beginning::{AgreementOffer, AgreementRequest, PatientAgreement},
            life::ProgressNote,
        },
        user_error::{fault, session},
    },
};

/// The agreement and everything that leads to it.
pub struct AgreedRoom(pub(super) Arc<PatientPlan>);

#[Object]
impl AgreedRoom {
    /// The agreement (överenskommelsen): the one in force, else the one being drawn up.
    async fn agreement(&self, ctx: &Context<'_>) -> Result<Option<&Agreement>> {
        in_scope(ctx, Noun::Agreement)?;
        Ok(self.0.agreement.as_ref())
    }

    /// All agreements (patientkontrakt), the latest first: the ones that have ended stay readable.
    async fn agreements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<PatientAgreement>>> {
        in_scope(ctx, Noun::Agreement)?;
        let session = session(ctx);
        let request = page_request::<Uuid>(first, after.as_deref(), 20)?;
        let page = beginning::agreements_of(session, self.0.id, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }

    /// Offers of an agreement (erbjudanden), the latest first, each with its answer. At most 50.
    async fn agreement_offers(&self, ctx: &Context<'_>) -> Result<Option<Vec<AgreementOffer>>> {
        in_scope(ctx, Noun::AgreementOffer)?;
        let session = session(ctx);
        beginning::offers_to(session, self.0.id).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// What the patient has asked for (önskemål om patientkontrakt), the latest first. At most 50.
    async fn agreement_requests(&self, ctx: &Context<'_>) -> Result<Option<Vec<AgreementRequest>>> {
        in_scope(ctx, Noun::AgreementRequest)?;
        let session = session(ctx);
        beginning::requests_of(session, self.0.id).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// The four parts of the patientkontrakt, each with what is missing from it. Within narrower rights only the parts
    /// that are in scope.
    async fn parts(&self, ctx: &Context<'_>) -> Result<Option<Vec<AgreementPart>>> {
        in_scope(ctx, Noun::Agreement)?;
        let session = session(ctx);
        let mut parts =
            missing::parts(&self.0, steps::Today::of(session), missing::Reader::of(session), session.locale);
        parts.retain(|part| {
            let noun = match part.part {
                PartKind::Agreement | PartKind::CoherentPlan => Noun::Agreement,
                PartKind::FixedContact => Noun::CareContact,
                PartKind::AgreedTime => Noun::Appointment,
            };
            policy::check(&session.actor, noun, Action::Read).is_ok()
        });
        Ok(Some(parts))
    }

    /// The next step (nästa steg): the patient's and care's.
    async fn next_steps(&self, ctx: &Context<'_>) -> Result<Option<NextSteps>> {
        in_scope(ctx, Noun::Agreement)?;
        let session = session(ctx);
        Ok(Some(steps::next_steps(&self.0, steps::Today::of(session), session.locale)))
    }

    /// The coherent plan (sammanhållen planering): items and booked times across all units, in order of time.
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many entries, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<TimelineEntry>>> {
        in_scope(ctx, Noun::Agreement)?;
        let request = page_request::<Option<Uuid>>(first, after.as_deref(), 50)?;
        let session = session(ctx);
        let page = steps::timeline(session, &self.0, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }

    /// Answers to question batteries (svar på frågor), the newest first; corrections and what they correct too.
    async fn battery_answers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only those to this battery, by its name.")] battery: Option<String>,
        #[graphql(
            desc = "Only the latest answers to each battery, corrected ones as they were corrected.",
            default = false
        )]
        latest_only: bool,
    ) -> Result<Option<Page<BatteryAnswerSet>>> {
        in_scope(ctx, Noun::BatteryAnswer)?;
        let request = page_request::<Uuid>(first, after.as_deref(), 20)?;
        let session = session(ctx);
        let wanted = battery::Wanted { battery, latest_only };
        let page = battery::of_patient(session, self.0.id, &wanted, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }

    /// Progress notes (hur det går) by patient and care, the latest first: all of them, or those about one goal or
    /// plan item.
    async fn progress_notes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id of a goal or plan item.")] about: Option<ID>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<ProgressNote>>> {
        in_scope(ctx, Noun::ProgressNote)?;
        let session = session(ctx);
        let request = page_request::<Uuid>(first, after.as_deref(), 20)?;
        let about = about.map(|id| {
            let goal = GlobalId::row::<Uuid>(&id, NodeKind::Goal);
            goal.or_else(|| GlobalId::row(&id, NodeKind::PlanItem)).unwrap_or_default()
        });
        life::notes(session, self.0.id, about, &request).await.map(Some).map_err(|e| fault(session, &e))
    }
}
