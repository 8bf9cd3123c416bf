//! Whom the patient has, whom to turn to, and what has been said.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use chrono::{DateTime, Utc};

use super::in_scope;
use crate::{
    auth::policy::Noun,
    graphql::{
        page::{Page, page_request},
        read::{
            call::{self, CallLogFilter, CallPlace, Of},
            contact, contact_work,
            plan::PatientPlan,
        },
        thread::{ThreadConnection, threads_of},
        types::{
            calls::CallLogEntry,
            enums::TreatingKind,
            people::{CareContact, ContactAdvice, ContactOffer, ContactRequest, PastContact},
        },
        user_error::{fault, session, told},
    },
};

/// Contacts, threads and calls.
pub struct ContactsRoom(pub(super) Arc<PatientPlan>);

#[Object]
impl ContactsRoom {
    /// The main fast vårdkontakt.
    async fn fixed_care_contact(&self, ctx: &Context<'_>) -> Result<Option<&CareContact>> {
        in_scope(ctx, Noun::CareContact)?;
        Ok(self.0.lead.as_ref().map(|lead| &lead.contact))
    }

    /// Everyone with a contact role now: fast vårdkontakt, fast läkarkontakt, behandlande roller. At most 100.
    async fn contacts(&self, ctx: &Context<'_>) -> Result<Option<Vec<CareContact>>> {
        in_scope(ctx, Noun::CareContact)?;
        Ok(Some(self.0.contacts.iter().map(|reachable| reachable.contact.clone()).collect()))
    }

    /// Contacts who are appointed from a moment that lies ahead (planerade kontakter).
    async fn planned_contacts(&self, ctx: &Context<'_>) -> Result<Option<Vec<CareContact>>> {
        in_scope(ctx, Noun::CareContact)?;
        Ok(Some(self.0.contacts_ahead.iter().map(|reachable| reachable.contact.clone()).collect()))
    }

    /// Contacts whose role is over (tidigare kontakter), the latest end first. At most 100.
    async fn past_contacts(&self, ctx: &Context<'_>) -> Result<Option<Vec<PastContact>>> {
        in_scope(ctx, Noun::CareContact)?;
        let session = session(ctx);
        let past = contact_work::past(session, self.0.id).await;
        past.map(Some).map_err(|e| fault(session, &e))
    }

    /// What the patient has asked for (begäran om kontakt), open requests first, then the newest. At most 100.
    async fn contact_requests(&self, ctx: &Context<'_>) -> Result<Option<Vec<ContactRequest>>> {
        in_scope(ctx, Noun::ContactRequest)?;
        let session = session(ctx);
        let requests = contact_work::requests(session, self.0.id).await;
        requests.map(Some).map_err(|e| fault(session, &e))
    }

    /// Contacts that care has offered (erbjudanden): those that wait for an answer first, then the newest. At most 100;
    /// of one role a care provider has one open offer at most.
    async fn contact_offers(&self, ctx: &Context<'_>) -> Result<Option<Vec<ContactOffer>>> {
        in_scope(ctx, Noun::ContactOffer)?;
        let session = session(ctx);
        let offers = contact_work::offers(session, self.0.id).await;
        offers.map(Some).map_err(|e| fault(session, &e))
    }

    /// Whom to turn to (vem ska jag vända mig till) at a moment: always an answer, last of all 1177. What stands in
    /// `emergency` stands first.
    async fn who_to_contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The moment; now when left out. At most ten years away.")] at: Option<DateTime<Utc>>,
        #[graphql(desc = "What it is about: the contact for it comes first. About anything when left out.")]
        concerning: Option<TreatingKind>,
    ) -> Result<Option<ContactAdvice>> {
        in_scope(ctx, Noun::CareContact)?;
        let session = session(ctx);
        let (now, last_resort) = (session.now(), &session.core.settings.after_hours_phone);
        let at = at.unwrap_or(now);
        if !contact::can_tell(at, now) {
            return Err(told(
                "BAD_USER_INPUT",
                "Välj en tid inom tio år.",
                "Choose a moment within ten years.",
            ));
        }
        let concerning = concerning.map(Into::into);
        Ok(Some(contact::advice(&self.0, concerning, last_resort, at, session.locale)))
    }

    /// Threads of messages (meddelandetrådar), the one with the latest message first.
    async fn threads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<ThreadConnection>> {
        threads_of(ctx, self.0.id, first, after.as_deref()).await.map(Some)
    }

    /// Calls about the patient (samtalslista) of the caller's care provider, for staff. FORBIDDEN for others.
    async fn call_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which of them.", default)] filter: CallLogFilter,
    ) -> Result<Option<Page<CallLogEntry>>> {
        in_scope(ctx, Noun::CallLog)?;
        let session = session(ctx);
        let request = page_request::<CallPlace>(first, after.as_deref(), 20)?;
        let page = call::page(session, Of::Patient(self.0.id), filter, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }
}
