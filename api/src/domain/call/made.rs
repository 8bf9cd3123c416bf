//! What came of calling: reached, to be tried again, or given up.

use chrono::{DateTime, Utc};
use entity::{
    CallAttemptId, CallId,
    phone_call::{self, Status},
    phone_call_attempt,
    task::Kind,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::add::ahead;
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change, Owner},
        task::{self, Ending, words::Words},
        text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// An attempt at a call.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    pub call: CallId,
    pub reached: bool,
    /// What was said, or how it went.
    pub words: Option<String>,
    /// Not reached: when to try again; none gives it up.
    pub try_again_by: Option<DateTime<Utc>>,
    pub expected_row_version: i32,
}

const ACTION: &str = "callLogMade";

/// Writes the attempt down. The task ends with it, or gets its new time.
pub async fn made(session: &Session, key: &str, cmd: &Made) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (now, keys) = (session.now(), &session.core.keys);
        let staff = policy::as_staff(&session.actor, Noun::CallLog, Action::Complete)?;
        let actor = &session.actor;
        let call =
            policy::reach::<phone_call::Entity>(tx, actor, Action::Complete, cmd.call, "callId", now).await?;
        // Another unit's call is another unit's to make.
        if call.care_unit_id != staff.care_unit {
            return Err(Problem::not_found("callId").into());
        }
        if call.status != Status::ToMake {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Samtalet är redan avslutat.",
                "The call is not waiting to be made.",
            )
            .at("callId")
            .into());
        }
        let mut problems = Vec::new();
        let words = text::optional("words", cmd.words.as_deref(), text::TEXT, &mut problems);
        if let Some(by) = cmd.try_again_by {
            problems.extend(ahead("tryAgainBy", by, now).err());
            if cmd.reached {
                problems.push(Problem::input(
                    "tryAgainBy",
                    "Den som är nådd ska inte ringas igen. Lägg till ett nytt samtal i stället.",
                    "Who was reached is not called again. Add a new call instead.",
                ));
            }
        } else if !cmd.reached && words.is_none() {
            problems.push(Problem::input(
                "words",
                "Skriv varför ni inte försöker igen, eller ange när ni ringer nästa gång.",
                "Write why it is given up, or say when you try again.",
            ));
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let status = match (cmd.reached, cmd.try_again_by) {
            (true, _) => Status::Made,
            (false, Some(_)) => Status::ToMake,
            (false, None) => Status::NotReached,
        };
        let call_by = cmd.try_again_by.or(call.call_by);
        let changed = phone_call::Entity::update_many()
            .set(phone_call::ActiveModel {
                status: Set(status),
                call_by: Set(call_by),
                ended_at: Set((status != Status::ToMake).then_some(now)),
                row_version: Set(cmd.expected_row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(phone_call::Column::Id.eq(call.id))
            .filter(phone_call::Column::Status.eq(Status::ToMake))
            .filter(phone_call::Column::RowVersion.eq(cmd.expected_row_version))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let id = CallAttemptId(session.core.clock.uuid());
        phone_call_attempt::Entity::insert(phone_call_attempt::ActiveModel {
            id: Set(id),
            call_id: Set(call.id),
            patient_id: Set(call.patient_id),
            care_unit_id: Set(call.care_unit_id),
            care_provider_id: Set(call.care_provider_id),
            reached: Set(cmd.reached),
            words: Set(keys.seal_opt(Place::new("phone_call_attempt.words", id.0), words.as_deref())?),
            by: Set(staff.assignment),
            at: Set(now),
        })
        .exec_without_returning(tx)
        .await?;
        let owner = Owner {
            patient: call.patient_id,
            care_unit: call.care_unit_id,
            care_provider: call.care_provider_id,
            agreement: None,
        };
        let change = Change {
            kind: "phone_call",
            subject: call.id.0,
            before: Some(json!({ "status": call.status, "callBy": call.call_by })),
            after: Some(json!({
                "status": status, "callBy": call_by, "reached": cmd.reached, "words": words,
            })),
        };
        history::record(tx, session, owner, ACTION, [change]).await?;
        match cmd.try_again_by {
            Some(by) => task::move_due(tx, session, Kind::Call, call.id.0, by).await?,
            None => {
                task::end(tx, session, Kind::Call, call.id.0, Ending::Done, words.map(Words::Own)).await?;
            }
        }
        Ok(Done::on(call.patient_id).with("call", call.id.0))
    })
    .await
}
