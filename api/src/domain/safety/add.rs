//! Laying a safety instruction over an agreement in force.

use chrono::NaiveDate;
use entity::{
    AgreementId, SafetyInstructionId,
    safety_instruction::{self, Kind, Status},
};
use sea_orm::EntityTrait;
use serde::Serialize;
use serde_json::json;

use super::{MOST, open, says, too_many};
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        agreement::version::{Locked, content, event},
        history::{self, Change},
        notice::{self, Heard},
        phone::callable,
        task::letter,
        task::words::Words,
        text,
    },
    error::{Fault, Problem, ProblemCode},
    locale::Locale,
    session::Session,
};

/// What to watch for, take or call, and what to do.
#[derive(Clone, Debug, Serialize)]
pub struct Add {
    pub agreement: AgreementId,
    pub kind: Kind,
    pub text: String,
    pub action: Option<String>,
    pub phone: Option<String>,
    /// Of a medicine: the medication list that it is taken from, and that list's date.
    pub source: Option<String>,
    pub source_on: Option<NaiveDate>,
}

const ACTION: &str = "safetyInstructionAdd";

/// The texts of an instruction, checked.
struct Checked {
    text: String,
    action: Option<String>,
    phone: Option<String>,
    source: Option<String>,
}

/// Adds the instruction: in force at once, and the patient is told.
pub async fn add(session: &Session, key: &str, cmd: &Add) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (now, keys) = (session.now(), &session.core.keys);
        let staff = policy::as_staff(&session.actor, Noun::SafetyInstruction, Action::Create)?;
        let mut agreement =
            Locked::reach(tx, session, Action::Read, cmd.agreement).await?;
        let checked = checked(session, cmd)?;
        let Some(version) = agreement.in_force() else {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "En säkerhetsanvisning läggs över ett patientkontrakt som gäller. Skriv i utkastet i stället.",
                "A safety instruction is laid over an agreement in force. Write in the draft instead.",
            )
            .into());
        };
        let said = content(keys, &agreement.current(tx).await?)?.safety;
        let unsaid = open(tx, agreement.id).await?.into_iter().filter(|row| !says(&said, row.id));
        if unsaid.count() >= MOST {
            return Err(too_many().into());
        }
        let id = SafetyInstructionId(session.core.clock.uuid());
        let seal = |column, value: Option<&str>| keys.seal_opt(Place::new(column, id.0), value);
        let row = safety_instruction::Model {
            id,
            agreement_id: agreement.id,
            patient_id: agreement.patient_id,
            care_unit_id: staff.care_unit,
            care_provider_id: staff.care_provider,
            kind: cmd.kind,
            text: keys.seal(Place::new("safety_instruction.text", id.0), &checked.text)?,
            action: seal("safety_instruction.action", checked.action.as_deref())?,
            phone: checked.phone.clone(),
            source: seal("safety_instruction.source", checked.source.as_deref())?,
            source_on: cmd.source_on,
            status: Status::Open,
            added_by: staff.assignment,
            added_at: now,
            agreed_version_id: None,
            settled_at: None,
            withdrawn_by: None,
            withdraw_reason: None,
            row_version: 1,
        };
        safety_instruction::Entity::insert(safety_instruction::ActiveModel::from(row.clone()))
            .exec_without_returning(tx)
            .await?;
        let status = agreement.status;
        agreement.touch(tx, session, status, version).await?;
        let change = Change {
            kind: "safety_instruction",
            subject: id.0,
            before: None,
            after: Some(json!({
                "kind": cmd.kind, "text": checked.text, "action": checked.action, "phone": checked.phone,
                "source": checked.source, "sourceOn": cmd.source_on, "status": Status::Open,
            })),
        };
        history::record(tx, session, (&row).into(), ACTION, [change]).await?;
        act::emit(tx, session, [event(&agreement, "agreement.safety_added", id.0)]).await?;
        let about = id.0.simple().to_string();
        if notice::plan_news(tx, session, (&row).into(), &about, "PLAN_SAFETY").await? == Heard::Unreached {
            let note = Words::ours(
                "Skicka säkerhetsanvisningen på papper, eller ring: patienten får inga besked på annat sätt.",
                "Send the safety instruction on paper, or phone: the patient is told in no other way.",
            );
            letter::write(tx, session, (&row).into(), id.0, note).await?;
        }
        Ok(Done::on(agreement.patient_id).with("instruction", id.0))
    })
    .await
}

/// Every problem at once.
fn checked(session: &Session, cmd: &Add) -> Result<Checked, Vec<Problem>> {
    let mut problems = Vec::new();
    let text = text::required("text", &cmd.text, text::TEXT, &mut problems);
    let action = text::optional("action", cmd.action.as_deref(), text::TEXT, &mut problems);
    let source = text::optional("source", cmd.source.as_deref(), text::TITLE, &mut problems);
    let phone = cmd.phone.as_deref().and_then(|phone| {
        callable(phone)
            .map_err(|e| problems.push(Problem::input("phone", e.text(Locale::Sv), e.text(Locale::En))))
            .ok()
    });
    if cmd.kind == Kind::Medicine {
        if source.is_none() {
            problems.push(Problem::input(
                "source",
                "Ange vilken läkemedelslista uppgiften kommer från.",
                "Say which medication list it is taken from.",
            ));
        }
        if cmd.source_on.is_none() {
            problems.push(Problem::input(
                "sourceOn",
                "Ange läkemedelslistans datum.",
                "Give the date of the medication list.",
            ));
        }
    }
    if cmd.source_on.is_some_and(|day| day > to_local(session.now()).date_naive()) {
        problems.push(Problem::input(
            "sourceOn",
            "Läkemedelslistans datum ligger i framtiden.",
            "The date of the medication list lies in the future.",
        ));
    }
    if cmd.kind == Kind::WhomToCall && cmd.phone.is_none() {
        problems.push(Problem::input("phone", "Ange numret att ringa.", "Give the number to call."));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Checked { text, action, phone, source })
}
