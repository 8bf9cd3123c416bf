//! Taking a safety instruction that has been agreed on out of the plan: of the draft, or as a proposal on top of what is
//! in force. It holds until a version without it has both assents.

use entity::{SafetyInstructionId, safety_instruction};
use serde::Serialize;

use crate::{
    auth::policy::{self, Action, Noun},
    domain::{
        act::{self, Receipt},
        agreement::{
            change::{self, Target},
            edit::Edit,
            version::Locked,
        },
    },
    error::Fault,
    session::Session,
};

/// Which instruction.
#[derive(Clone, Debug, Serialize)]
pub struct Remove {
    pub instruction: SafetyInstructionId,
    /// Of the agreement.
    pub expected_row_version: i32,
}

const ACTION: &str = "safetyInstructionRemove";

/// Takes it out.
pub async fn remove(session: &Session, key: &str, cmd: &Remove) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        policy::check(actor, Noun::Agreement, Action::Propose)?;
        let row = policy::reach::<safety_instruction::Entity>(
            tx,
            actor,
            Action::Read,
            cmd.instruction,
            "instructionId",
            now,
        )
        .await?;
        let mut agreement = Locked::of_instruction(tx, &row).await?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        let target = Target::of(tx, session, &agreement).await?;
        let edits = [Edit::RemoveSafety(row.id)];
        let changed = change::change(tx, session, &mut agreement, target, &edits, ACTION).await?;
        Ok(changed.done(&agreement, "instruction", row.id.0))
    })
    .await
}
