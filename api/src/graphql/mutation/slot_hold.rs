//! Holding a time while the patient decides.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::booking::{alternatives, row};
use crate::{
    domain::booking::hold::{Hold, Release, hold, release},
    graphql::{
        read::{self, node},
        scalars::NodeKind,
        slots::Whose,
        types::booking::{Slot, SlotHold},
        user_error::{UserError, fault, session, user_errors},
    },
};

/// A time to hold (hålla en tid) while the patient decides.
#[derive(InputObject)]
pub struct SlotHoldInput {
    /// The time.
    slot_id: ID,
    /// For staff: for whom. Patients leave it out.
    patient_id: Option<ID>,
    /// For staff: hold although the patient is occupied then. Patients leave it out.
    #[graphql(default = false)]
    allow_overlap: bool,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of holding.
#[derive(SimpleObject)]
pub struct SlotHoldPayload {
    /// The held time; none when refused, or when it is over by now.
    hold: Option<SlotHold>,
    /// When the time cannot be had - somebody else has it, the unit took it back, the patient is occupied then, or it is too
    /// late: up to five free ones of the same kind at the same unit, the nearest first. None at which the patient has
    /// another time.
    alternatives: Vec<Slot>,
    /// Why nothing is held.
    user_errors: Vec<UserError>,
}

/// A held time to give back (släppa).
#[derive(InputObject)]
pub struct SlotReleaseInput {
    /// The hold.
    hold_id: ID,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of giving it back.
#[derive(SimpleObject)]
pub struct SlotReleasePayload {
    /// The time as it is now.
    slot: Option<Slot>,
    /// Why it was not given back. A hold that is over is not there any more.
    user_errors: Vec<UserError>,
}

/// What can be done with times that are held.
#[derive(Default)]
pub struct SlotHoldMutation;

/// Held times.
#[Object]
impl SlotHoldMutation {
    /// Holds a time (håller en tid) for some minutes, so that nobody else gets it while the patient decides. Each person
    /// holds one time for a patient: a new hold gives the former one up. Holding the same time again does not prolong
    /// it.
    async fn slot_hold(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which time, for whom.")] input: SlotHoldInput,
    ) -> Result<SlotHoldPayload> {
        let session = session(ctx);
        let command = Hold {
            slot: row(&input.slot_id, NodeKind::Slot),
            patient: input.patient_id.as_ref().map(|id| row(id, NodeKind::Patient)),
            allow_overlap: input.allow_overlap,
        };
        let receipt =
            hold(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        let held = match receipt.id("hold") {
            Some(id) => read::appointment::hold(ctx, id).await?,
            None => None,
        };
        Ok(SlotHoldPayload {
            hold: held,
            alternatives: alternatives(session, &receipt, command.slot, Whose::Patient(command.patient))
                .await?,
            user_errors: user_errors(&receipt, session.locale),
        })
    }

    /// Gives a held time back (släpper den) before its end.
    async fn slot_release(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which hold.")] input: SlotReleaseInput,
    ) -> Result<SlotReleasePayload> {
        let session = session(ctx);
        let command = Release { hold: row(&input.hold_id, NodeKind::SlotHold) };
        let receipt =
            release(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        let slot = match receipt.id("slot") {
            Some(id) => node::slot(ctx, id).await?,
            None => None,
        };
        Ok(SlotReleasePayload { slot, user_errors: user_errors(&receipt, session.locale) })
    }
}
