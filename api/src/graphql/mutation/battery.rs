//! Answers to question batteries.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{BatteryAnswerSetId, PatientId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::battery::{
        answer::{Answer as AnswerBattery, answer},
        rules::Given,
    },
    graphql::{
        read::battery,
        scalars::{GlobalId, NodeKind},
        types::battery::{AnswerChannel, BatteryAnswerSet, BatteryChoice},
        user_error::session,
    },
};

/// Answers to a question battery.
#[derive(InputObject)]
pub struct BatteryAnswerInput {
    /// Whose answers: the patient's global id. Left out by the patient.
    patient_id: Option<ID>,
    /// The battery's name, such as `five-questions`.
    battery: String,
    /// The version whose questions were shown.
    version: i32,
    /// The answers: to all questions, or to some.
    answers: Vec<BatteryAnswerLineInput>,
    /// How staff got the answers (PHONE, `ON_SITE` or PAPER). Left out by the patient.
    channel: Option<AnswerChannel>,
    /// Of a correction (rättelse): the answers that these put right. They are kept, and shown as corrected.
    corrects_id: Option<ID>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// The answer to one question.
#[derive(InputObject)]
pub struct BatteryAnswerLineInput {
    /// The question's name within the battery: `key`.
    question: String,
    /// The choice, where the question has one.
    choice: Option<BatteryChoice>,
    /// The answer in words, where it has none; at most 4 000 characters.
    text: Option<String>,
    /// A comment to the choice, where the question takes one; at most 4 000 characters.
    comment: Option<String>,
}

payload! {
    /// Answer to `batteryAnswer`.
    BatteryAnswerPayload of BatteryAnswerSetId {
        /// The answers.
        battery_answers: BatteryAnswerSet = battery::by_id
    }
}

/// Question batteries.
#[derive(Default)]
pub struct BatteryMutation;

/// Question batteries.
#[Object(serial)]
impl BatteryMutation {
    /// Answers a question battery (svara på frågor): the patient before a meeting, or staff on the patient's behalf. A
    /// yes to "Vill du ha hjälp att samordna din vård?" asks for a fast vårdkontakt, unless the patient has one.
    /// CONFLICT when the questions have changed since they were shown.
    async fn battery_answer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which questions, and the answers.")] input: BatteryAnswerInput,
    ) -> Result<BatteryAnswerPayload> {
        let session = session(ctx);
        let line = |line: BatteryAnswerLineInput| Given {
            question: line.question,
            choice: line.choice.map(Into::into),
            text: line.text,
            comment: line.comment,
        };
        let corrects = input.corrects_id.map(|id| {
            GlobalId::row(&id, NodeKind::BatteryAnswerSet).unwrap_or(BatteryAnswerSetId(Uuid::nil()))
        });
        let cmd = AnswerBattery {
            patient: input
                .patient_id
                .map(|id| GlobalId::row(&id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil()))),
            battery: input.battery,
            version: input.version,
            answers: input.answers.into_iter().map(line).collect(),
            channel: input.channel.map(Into::into),
            corrects,
        };
        let outcome = answer(session, &input.idempotency_key, &cmd).await;
        Ok(BatteryAnswerPayload(Answer::new(session, outcome, "batteryAnswers", None)?))
    }
}
