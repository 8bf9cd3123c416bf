//! The patient's times: booked, held, wished for, and what they ask of whoever meets the patient.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use uuid::Uuid;

use super::in_scope;
use crate::{
    auth::policy::Noun,
    graphql::{
        page::{Page, page_request},
        read::{
            appointment, calendar_feed, clash,
            history::{self, HistoryPlace},
            needs,
            plan::PatientPlan,
            time_wish,
        },
        scalars::{GlobalId, NodeKind},
        types::{
            booking::{Appointment, SlotHold},
            calendar::CalendarFeed,
            clash::{AppointmentClash, BundlingSuggestion},
            enums::AppointmentStatus,
            history::HistoryEntry,
            people::PatientNeeds,
            time_wish::TimeWish,
        },
        user_error::{fault, session},
    },
};

/// Times, and the needs that follow them.
pub struct TimesRoom(pub(super) Arc<PatientPlan>);

#[Object]
impl TimesRoom {
    /// The next booked time (överenskommen tid).
    async fn next_appointment(&self, ctx: &Context<'_>) -> Result<Option<&Appointment>> {
        in_scope(ctx, Noun::Appointment)?;
        Ok(self.0.next_appointment.as_deref())
    }

    /// Booked times (bokade tider), the latest first.
    async fn appointments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only those still ahead, the soonest first.", default = false)] upcoming_only: bool,
    ) -> Result<Option<Page<Appointment>>> {
        in_scope(ctx, Noun::Appointment)?;
        let request = page_request::<Uuid>(first, after.as_deref(), 20)?;
        let session = session(ctx);
        if self.0.has_more_appointments {
            let counted = ctx.look_ahead().field("totalCount").exists();
            let page = appointment::page(session, self.0.id.0, upcoming_only, &request, counted).await;
            return page.map(Some).map_err(|e| fault(session, &e));
        }
        let now = session.now();
        let mut times: Vec<Appointment> = self
            .0
            .appointments
            .iter()
            .filter(|t| !upcoming_only || (t.status == AppointmentStatus::Booked && t.starts_at >= now))
            .map(|t| (**t).clone())
            .collect();
        if upcoming_only {
            times.reverse();
        }
        Ok(Some(Page::of_all(times, &request, |time| time.id.id)))
    }

    /// What was done with a booked time (ändringshistorik): booked, confirmed, moved, cancelled, its outcome - who, when,
    /// from what to what. The latest first.
    async fn appointment_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id of the appointment.")] appointment_id: ID,
        #[graphql(desc = "How many entries, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<HistoryEntry>>> {
        in_scope(ctx, Noun::Appointment)?;
        let session = session(ctx);
        let request = page_request::<HistoryPlace>(first, after.as_deref(), 20)?;
        let id = GlobalId::row::<Uuid>(&appointment_id, NodeKind::Appointment).unwrap_or_default();
        history::of_appointment(session, id, &request).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// Times that are held (hållna tider) for the patient now, by whoever decides, with how long. At most a few.
    async fn slot_holds(&self, ctx: &Context<'_>) -> Result<Option<Vec<SlotHold>>> {
        in_scope(ctx, Noun::Appointment)?;
        let session = session(ctx);
        appointment::holds(session, self.0.id.0).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// What the patient needs to take part (behov vid besök): interpreter, sign language, access. Said with
    /// `patientNeedsSet`; every booked time shows it.
    async fn needs(&self, ctx: &Context<'_>) -> Result<Option<PatientNeeds>> {
        in_scope(ctx, Noun::PatientNeeds)?;
        let session = session(ctx);
        needs::of_patient(session, self.0.id.0).await.map_err(|e| fault(session, &e))
    }

    /// Booked times ahead that cannot both be kept (krockar), across all care providers: they overlap, or there is too
    /// little time between them. In order of time, at most 100. Staff see those of times that they may see, and
    /// nothing of others.
    async fn appointment_clashes(&self, ctx: &Context<'_>) -> Result<Option<Vec<AppointmentClash>>> {
        in_scope(ctx, Noun::Appointment)?;
        let session = session(ctx);
        clash::clashes(session, self.0.id).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// What could be taken together (samordna tider): two visits to one place within a week on one day, and samples
    /// that several clinics ask for in one sampling. At most 100.
    async fn bundling_suggestions(&self, ctx: &Context<'_>) -> Result<Option<Vec<BundlingSuggestion>>> {
        in_scope(ctx, Noun::Appointment)?;
        let session = session(ctx);
        clash::bundling(session, self.0.id).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// Wishes for a time (önskemål om tid), the open ones first, then the latest; each with its place in the queue and
    /// the freed time that is offered just now (återbudstid). At most 100.
    async fn time_wishes(&self, ctx: &Context<'_>) -> Result<Option<Vec<TimeWish>>> {
        in_scope(ctx, Noun::TimeWish)?;
        let session = session(ctx);
        time_wish::of_patient(session, self.0.id).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// The patient's calendar feed (kalenderprenumeration), without its address. FORBIDDEN for everybody else.
    async fn calendar_feed(&self, ctx: &Context<'_>) -> Result<Option<CalendarFeed>> {
        calendar_feed::of_patient(ctx, self.0.id).await
    }
}
