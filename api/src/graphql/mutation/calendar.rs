//! The personal calendar feed: made, changed and revoked by the patient.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::PatientId;
use uuid::Uuid;

use crate::{
    domain::calendar_feed::{
        path,
        turn::{Command, Turn, Turned, turn},
    },
    error::Problem,
    graphql::{
        read::calendar_feed,
        scalars::{GlobalId, NodeKind},
        types::{calendar::CalendarFeed, enums::ReminderDetail},
        user_error::{UserError, fault, session, user_errors},
    },
};

/// What can be done with the calendar feed.
#[derive(Default)]
pub struct CalendarMutation;

/// A new calendar feed (ny kalenderprenumeration).
#[derive(InputObject)]
pub struct CalendarFeedCreateInput {
    /// Whose; the caller's own when left out, and there is no other that a caller can reach.
    patient_id: Option<ID>,
    /// How much may stand in it.
    #[graphql(default_with = "ReminderDetail::TimeOnly")]
    detail: ReminderDetail,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// A new address for the feed (ny adress).
#[derive(InputObject)]
pub struct CalendarFeedRotateInput {
    /// Whose; the caller's own when left out.
    patient_id: Option<ID>,
    /// The feed's `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// How much may stand in the feed (hur mycket som visas).
#[derive(InputObject)]
pub struct CalendarFeedDetailSetInput {
    /// Whose; the caller's own when left out.
    patient_id: Option<ID>,
    /// How much.
    detail: ReminderDetail,
    /// The feed's `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// The end of the feed (sluta dela).
#[derive(InputObject)]
pub struct CalendarFeedRevokeInput {
    /// Whose; the caller's own when left out.
    patient_id: Option<ID>,
    /// The feed's `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of the feed.
pub struct CalendarFeedPayload {
    turned: Turned,
}

/// What became of the calendar feed.
#[Object(serial)]
impl CalendarFeedPayload {
    /// The feed as it is now; none when there is none, or the caller may not see it.
    async fn feed(&self, ctx: &Context<'_>) -> Result<Option<CalendarFeed>> {
        let denied = self.turned.receipt.problems.iter().any(Problem::is_denial);
        match session(ctx).actor.patient() {
            Some(patient) if !denied => calendar_feed::of_patient(ctx, patient).await,
            _ => Ok(None),
        }
    }

    /// The path of the new address (adressen), after the service's own: shown this once. Whoever has it reads the feed.
    /// A repeated request does not get it again; then make a new address.
    async fn path(&self) -> Option<String> {
        self.turned.secret.as_deref().map(path)
    }

    /// Why nothing was done.
    async fn user_errors(&self, ctx: &Context<'_>) -> Vec<UserError> {
        user_errors(&self.turned.receipt, session(ctx).locale)
    }
}

async fn done(ctx: &Context<'_>, key: &str, patient: Option<&ID>, what: Turn) -> Result<CalendarFeedPayload> {
    let session = session(ctx);
    let patient =
        patient.map(|id| GlobalId::row::<PatientId>(id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil())));
    let turned = turn(session, key, &Command { patient, turn: what }).await;
    Ok(CalendarFeedPayload { turned: turned.map_err(|e| fault(session, &e))? })
}

/// The calendar feed.
#[Object]
impl CalendarMutation {
    /// Makes a feed (skapar en kalenderprenumeration) of the patient's booked times, for calendar programs. The answer
    /// holds its secret address, once.
    async fn calendar_feed_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much may stand in it.")] input: CalendarFeedCreateInput,
    ) -> Result<CalendarFeedPayload> {
        let what = Turn::Create { detail: input.detail.into() };
        done(ctx, &input.idempotency_key, input.patient_id.as_ref(), what).await
    }

    /// Chooses how much may stand in the feed (väljer hur mycket som visas); its address stays.
    async fn calendar_feed_detail_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much.")] input: CalendarFeedDetailSetInput,
    ) -> Result<CalendarFeedPayload> {
        let what =
            Turn::SetDetail { detail: input.detail.into(), expected_row_version: input.expected_row_version };
        done(ctx, &input.idempotency_key, input.patient_id.as_ref(), what).await
    }

    /// Ends the feed (avslutar kalenderprenumerationen): its address is void at once.
    async fn calendar_feed_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As last read.")] input: CalendarFeedRevokeInput,
    ) -> Result<CalendarFeedPayload> {
        let what = Turn::Revoke { expected_row_version: input.expected_row_version };
        done(ctx, &input.idempotency_key, input.patient_id.as_ref(), what).await
    }

    /// Gives the feed a new secret address (byter adress); the old one is void at once.
    async fn calendar_feed_rotate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As last read.")] input: CalendarFeedRotateInput,
    ) -> Result<CalendarFeedPayload> {
        let what = Turn::Rotate { expected_row_version: input.expected_row_version };
        done(ctx, &input.idempotency_key, input.patient_id.as_ref(), what).await
    }
}
