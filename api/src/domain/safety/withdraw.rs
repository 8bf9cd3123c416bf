//! Taking a safety instruction back, with a reason.

use chrono::TimeDelta;
use entity::{
    SafetyInstructionId,
    agreement_version::{Status::Proposed, Withdrawal},
    safety_instruction::{self, Status},
    task::Kind,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        agreement::{
            members,
            version::{Locked, event as about_agreement},
        },
        history::{self, Change},
        notice::{self, Heard},
        task::{self, Ending, Raise, letter, words::Words},
        text,
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

/// A plan without what holds no longer is proposed within this time.
const NEW_VERSION_WITHIN: TimeDelta = TimeDelta::days(3);

/// Takes it back, and tells the patient, on paper where there is no other way. The proposals that say it fall, as when
/// the plan has changed under them; where the version in force says it, care is asked for a new one. What has been agreed
/// on stays: another instruction is laid over it instead.
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
        let carrying = super::said_by(tx, session, &row).await?;
        if !carrying.is_empty() {
            let (falling, holding): (Vec<_>, Vec<_>) =
                carrying.into_iter().partition(|version| version.status == Proposed);
            let fell = falling.iter().map(|v| about_agreement(&agreement, "agreement.withdrawn", v.id.0));
            act::emit(tx, session, fell.collect::<Vec<_>>()).await?;
            let how = Withdrawal::BaseMoved;
            let changes = members::withdraw(tx, session, &agreement, falling, how).await?;
            history::record(tx, session, (&*agreement).into(), ACTION, changes).await?;
            if !holding.is_empty() {
                ask_for_a_new_version(tx, session, &agreement).await?;
            }
            let (status, current) = (agreement.status, agreement.current_version_id);
            agreement.touch(tx, session, status, current).await?;
        }
        act::emit(tx, session, [about_agreement(&agreement, "agreement.safety_withdrawn", row.id.0)]).await?;
        let about = format!("{}:withdrawn", row.id.0.simple());
        let heard = notice::plan_news(tx, session, (&*row).into(), &about, "PLAN_SAFETY").await?;
        on_paper(tx, session, &row, heard).await?;
        Ok(Done::on(row.patient_id).with("instruction", row.id.0))
    })
    .await
}

/// What a version says is never edited: the plan says it until another version is in force.
async fn ask_for_a_new_version(tx: &Tx, session: &Session, agreement: &Locked) -> Result<(), Fault> {
    let wanted = Raise {
        kind: Kind::RevisePlan,
        owner: (&**agreement).into(),
        assignee: None,
        subject: agreement.id.0,
        due_at: session.now() + NEW_VERSION_WITHIN,
        note: Some(Words::ours(
            "Vården har tagit tillbaka en säkerhetsanvisning som planen som gäller har med. Föreslå en ny version utan den.",
            "Care has taken back a safety instruction that the plan in force says. Propose a new version without it.",
        )),
    };
    task::raise(tx, session, &wanted).await?;
    Ok(())
}

/// A letter that has not been sent is not sent any more. Who may have read the instruction on paper, or is told in no
/// other way now, reads there that it holds no longer.
async fn on_paper(
    tx: &Tx,
    session: &Session,
    row: &safety_instruction::Model,
    heard: Heard,
) -> Result<(), Fault> {
    let words =
        Words::ours("Säkerhetsanvisningen är återtagen.", "The safety instruction has been taken back.");
    let unsent = task::end(tx, session, Kind::Letter, row.id.0, Ending::Superseded, Some(words)).await?;
    if heard == Heard::Told || unsent.is_some() {
        return Ok(());
    }
    let note = Words::ours(
        "Skriv till patienten att säkerhetsanvisningen inte gäller längre, eller ring: patienten får inga besked på \
         annat sätt.",
        "Write to the patient that the safety instruction holds no longer, or phone: the patient is told in no other way.",
    );
    letter::write(tx, session, row.into(), row.id.0, note).await
}
