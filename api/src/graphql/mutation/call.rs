//! The call log.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entity::{CallId, PatientId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::call::{
        add::{Add, Callback, add},
        made::{Made, made},
    },
    graphql::{
        read::call,
        scalars::{GlobalId, NodeKind, PhoneNumber},
        types::calls::{CallDirection, CallLogEntry},
        user_error::session,
    },
};

/// A call to write down.
#[derive(InputObject)]
pub struct CallLogAddInput {
    /// About whom: the patient's global id.
    patient_id: ID,
    /// Who called whom.
    direction: CallDirection,
    /// With whom: the patient, a relative, another care giver; at most 200 characters.
    with_whom: String,
    /// What it is about; at most 4 000 characters.
    about: String,
    /// A promise to call. Left out: the call has taken place, and nothing is left to do.
    callback: Option<CallbackInput>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A promise to call (återuppringning).
#[derive(InputObject)]
pub struct CallbackInput {
    /// By when, at most a year ahead.
    by: DateTime<Utc>,
    /// The number to call.
    phone: PhoneNumber,
}

/// What came of calling.
#[derive(InputObject)]
pub struct CallLogMadeInput {
    /// The call's global id.
    call_id: ID,
    /// Whether the person was reached (nådd).
    reached: bool,
    /// What was said, or how it went; at most 4 000 characters. Required when nobody was reached and it is given up.
    words: Option<String>,
    /// When nobody was reached: by when to try again. Left out: it is given up.
    try_again_by: Option<DateTime<Utc>>,
    /// The call's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `callLogAdd`.
    CallLogAddPayload of CallId {
        /// The call.
        call: CallLogEntry = call::call
    }
}

payload! {
    /// Answer to `callLogMade`.
    CallLogMadePayload of CallId {
        /// The call as it is now, also when the act was refused.
        call: CallLogEntry = call::call
    }
}

/// The call log.
#[derive(Default)]
pub struct CallMutation;

/// The call log.
#[Object(serial)]
impl CallMutation {
    /// Writes a call down (lägger till i samtalslistan). A promised one becomes a task of the caller's unit.
    async fn call_log_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which call.")] input: CallLogAddInput,
    ) -> Result<CallLogAddPayload> {
        let session = session(ctx);
        let cmd = Add {
            patient: GlobalId::row(&input.patient_id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil())),
            direction: input.direction.into(),
            with_whom: input.with_whom,
            about: input.about,
            callback: input.callback.map(|promise| Callback { by: promise.by, phone: promise.phone.0 }),
        };
        let outcome = add(session, &input.idempotency_key, &cmd).await;
        Ok(CallLogAddPayload(Answer::new(session, outcome, "call", None)?))
    }

    /// Writes down that somebody has called (ringt): the person was reached, is to be called again, or it is given up.
    async fn call_log_made(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which call, and what came of it.")] input: CallLogMadeInput,
    ) -> Result<CallLogMadePayload> {
        let session = session(ctx);
        let id = GlobalId::row(&input.call_id, NodeKind::CallLogEntry).unwrap_or(CallId(Uuid::nil()));
        let cmd = Made {
            call: id,
            reached: input.reached,
            words: input.words,
            try_again_by: input.try_again_by,
            expected_row_version: input.expected_row_version,
        };
        let outcome = made(session, &input.idempotency_key, &cmd).await;
        Ok(CallLogMadePayload(Answer::new(session, outcome, "call", Some(id))?))
    }
}
