//! Taking a safety instruction back, with a reason.

use entity::{
    SafetyInstructionId,
    agreement_version::Withdrawal,
    safety_instruction::{self, Status},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    domain::{
        act::{self, Done, Event, Receipt},
        agreement::{
            members,
            version::{Locked, event as about_agreement},
        },
        history::{self, Change},
        notice, text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which instruction, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Withdraw {
    pub instruction: SafetyInstructionId,
    pub reason: String,
    pub expected_row_version: i32,
}

const ACTION: &str = "safetyInstructionWithdraw";

/// Takes it back, and tells the patient. The proposals that say it fall, as when the plan has changed under them. What
/// has been agreed on stays: another instruction is laid over it instead.
pub async fn withdraw(session: &Session, key: &str, cmd: &Withdraw) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let staff = policy::as_staff(&session.actor, Noun::SafetyInstruction, Action::Withdraw)?;
        let row = policy::reach::<safety_instruction::Entity>(
            tx,
            &session.actor,
            Action::Withdraw,
            cmd.instruction,
            "instructionId",
            now,
        )
        .await?;
        let mut agreement = Locked::of_instruction(tx, &row).await?;
        let mut problems = Vec::new();
        let reason = text::required("reason", &cmd.reason, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if row.status != Status::Open {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Anvisningen är redan överenskommen eller återtagen. Lägg till en ny anvisning om något annat gäller nu.",
                "The instruction has been agreed on or taken back. Add another one if something else holds now.",
            )
            .into());
        }
        let place = Place::new("safety_instruction.withdraw_reason", row.id.0);
        let changed = safety_instruction::Entity::update_many()
            .set(safety_instruction::ActiveModel {
                status: Set(Status::Withdrawn),
                settled_at: Set(Some(now)),
                withdrawn_by: Set(Some(staff.assignment)),
                withdraw_reason: Set(Some(session.core.keys.seal(place, &reason)?)),
                row_version: Set(cmd.expected_row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(safety_instruction::Column::Id.eq(row.id))
            .filter(safety_instruction::Column::RowVersion.eq(cmd.expected_row_version))
            .filter(safety_instruction::Column::Status.eq(Status::Open))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let change = Change {
            kind: "safety_instruction",
            subject: row.id.0,
            before: Some(json!({ "status": Status::Open })),
            after: Some(json!({ "status": Status::Withdrawn, "reason": reason })),
        };
        history::record(tx, session, (&*row).into(), ACTION, [change]).await?;
        let carrying = super::proposals_with(tx, session, &row).await?;
        if !carrying.is_empty() {
            let fell = carrying.iter().map(|v| about_agreement(&agreement, "agreement.withdrawn", v.id.0));
            act::emit(tx, session, fell.collect::<Vec<_>>()).await?;
            let how = Withdrawal::BaseMoved;
            let changes = members::withdraw(tx, session, &agreement, carrying, how).await?;
            history::record(tx, session, (&*agreement).into(), ACTION, changes).await?;
            let (status, current) = (agreement.status, agreement.current_version_id);
            agreement.touch(tx, session, status, current).await?;
        }
        let event = Event {
            kind: "agreement.safety_withdrawn",
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            subject: row.id.0,
            for_register: false,
        };
        act::emit(tx, session, [event]).await?;
        let about = format!("{}:withdrawn", row.id.0.simple());
        notice::plan_news(tx, session, (&*row).into(), &about, "PLAN_SAFETY").await?;
        Ok(Done::on(row.patient_id).with("instruction", row.id.0))
    })
    .await
}
