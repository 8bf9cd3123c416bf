//! Choosing mail when there is something new, for staff.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::AssignmentId;
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::staff_notice::set::{SetStaffNotices, set},
    graphql::{
        assignment::Assignment,
        read::node,
        scalars::{GlobalId, NodeKind},
        types::reminders::StaffNoticeAbout,
        user_error::session,
    },
};

/// What staff choose for themselves.
#[derive(Default)]
pub struct StaffNoticeMutation;

/// A member of staff's choice about mail (aviseringar).
#[derive(InputObject)]
pub struct StaffNoticesSetInput {
    /// The assignment, the one the caller acts under.
    assignment_id: ID,
    /// Yes or no.
    opted_in: bool,
    /// A mail address that replaces the one that is known; a yes needs one.
    mail: Option<String>,
    /// What it is about.
    #[graphql(default_with = "StaffNoticeAbout::Own")]
    about: StaffNoticeAbout,
    /// The `rowVersion` of the choice as it was read; 0 when there was none.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

payload! {
    /// Answer to `staffNoticesSet`.
    StaffNoticesSetPayload of AssignmentId {
        /// The assignment as it is now, also when the act was refused.
        assignment: Assignment = node::assignment
    }
}

/// Notices to staff.
#[Object]
impl StaffNoticeMutation {
    /// Says yes or no to mail when there is something new (aviseringar), for oneself, in the assignment one acts under. The
    /// mail tells nothing but that there is something new; what came within a quarter of an hour is one mail.
    async fn staff_notices_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The choice.")] input: StaffNoticesSetInput,
    ) -> Result<StaffNoticesSetPayload> {
        let session = session(ctx);
        let assignment =
            GlobalId::row(&input.assignment_id, NodeKind::Assignment).unwrap_or(AssignmentId(Uuid::nil()));
        let command = SetStaffNotices {
            assignment,
            opted_in: input.opted_in,
            mail: input.mail,
            about: input.about.into(),
            expected_row_version: input.expected_row_version,
        };
        let outcome = set(session, &input.idempotency_key, &command).await;
        Ok(StaffNoticesSetPayload(Answer::new(session, outcome, "assignment", Some(assignment))?))
    }
}
