//! Who the patient is, who acts for them, and who has reached their data.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use uuid::Uuid;

use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Noun},
    },
    crypto::Place,
    domain::patient::personal_number::PersonalNumber,
    graphql::{
        page::{Page, page_request},
        read::{access_log, plan::PatientPlan, representative},
        scalars::{Date, GlobalId, LanguageTag, NodeKind, PersonalIdentityNumber},
        types::{
            enums::ProtectedIdentity,
            people::{AccessLogEntry, CareUnitSummary},
            representative::Representative,
        },
        user_error::{fault, refused, session},
    },
};

/// What a patient is by themself.
pub struct PersonRoom(pub(super) Arc<PatientPlan>);

#[Object]
impl PersonRoom {
    /// Global id.
    async fn id(&self) -> GlobalId {
        GlobalId::new(NodeKind::Patient, self.0.id)
    }

    /// The current personal identity number (personnummer, samordningsnummer eller reservnummer). FORBIDDEN for
    /// representatives (ombud).
    async fn personal_identity_number(&self, ctx: &Context<'_>) -> Result<Option<PersonalIdentityNumber>> {
        let session = session(ctx);
        if session.actor.acting_for().is_some() {
            return Err(refused(session));
        }
        let Some((row, sealed)) = &self.0.number else { return Ok(None) };
        let kept = session
            .core
            .keys
            .open(Place::new("patient_identity.number", *row), sealed)
            .map_err(|e| fault(session, &e))?;
        let today = crate::calendar::to_local(session.now()).date_naive();
        let shown = PersonalNumber::parse(&kept, today).map_or(kept, |number| number.shown());
        Ok(Some(PersonalIdentityNumber(shown)))
    }

    /// Given name (förnamn).
    async fn given_name(&self) -> &str {
        &self.0.given_name
    }

    /// Family name (efternamn).
    async fn family_name(&self) -> &str {
        &self.0.family_name
    }

    /// Birth date (födelsedatum); it may differ from the number.
    async fn birth_date(&self) -> Date {
        Date(self.0.birth_date)
    }

    /// The language that the patient is written to in: reminders, notices, and what templates put into the plan.
    /// `patientLanguageSet` chooses another.
    async fn language(&self) -> LanguageTag {
        LanguageTag(self.0.language.clone())
    }

    /// Whether the person has a protected identity (skyddade personuppgifter): handle with care.
    async fn protected_identity(&self) -> ProtectedIdentity {
        self.0.protected_identity.into()
    }

    /// The unit where the patient is listed (listad).
    async fn care_unit(&self) -> &CareUnitSummary {
        &self.0.unit.summary
    }

    /// Who may act for the patient (ombud), and who has: the latest first, at most 100. FORBIDDEN for representatives.
    async fn representatives(&self, ctx: &Context<'_>) -> Result<Option<Vec<Representative>>> {
        representative::of_patient(ctx, self.0.id).await.map(Some)
    }

    /// Who has reached the patient's data (loggutdrag): unit, time and what came of every access, the latest first,
    /// attempts that failed too, and each as a sentence to show. For the patient alone; FORBIDDEN for others.
    async fn access_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many entries, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<AccessLogEntry>>> {
        let session = session(ctx);
        let own = session.actor == Actor::Patient { id: self.0.id };
        if !own || policy::check(&session.actor, Noun::AccessLog, Action::Read).is_err() {
            return Err(refused(session));
        }
        let request = page_request::<Uuid>(first, after.as_deref(), 20)?;
        let page = access_log::of_patient(session, self.0.id, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }
}
