//! Answering a battery, and putting earlier answers right.

use chrono::{DateTime, Utc};
use entity::{
    AgreementVersionId, BatteryAnswerId, BatteryAnswerSetId, PatientId, QuestionBatteryId, agreement,
    battery_answer,
    battery_answer_set::{self, Channel},
    patient, question_battery,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde::Serialize;
use serde_json::{Value, json};

use super::rules::{self, Checked, Given};
use crate::{
    auth::policy::{self, Action, Granted, Noun},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Event, Receipt, by},
        contact,
        history::{self, Change, Owner},
        patient::{alive, lock},
        reason::WANTS_HELP,
    },
    error::{Fault, Problem, Stop},
    library::Battery,
    session::Session,
};

/// Answers to all questions of a battery, or to some.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// Left out by the patient.
    pub patient: Option<PatientId>,
    pub battery: String,
    /// The version whose questions were shown.
    pub version: i32,
    pub answers: Vec<Given>,
    pub channel: Option<Channel>,
    /// Earlier answers to the same questions, which these put right.
    pub corrects: Option<BatteryAnswerSetId>,
}

const ACTION: &str = "batteryAnswer";

/// How many of a patient's answers are looked through, the latest first.
const LOOKED_AT: u64 = 50;

/// What the answers belong to.
struct Belonging {
    owner: Owner,
    version: Option<AgreementVersionId>,
    answered_at: DateTime<Utc>,
}

/// Keeps the answers. A yes that asks for somebody to coordinate the care is a request for a fast vårdkontakt, in the
/// same transaction: care can pass it on, but not close it.
pub async fn answer(session: &Session, key: &str, cmd: &Answer) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        let patient =
            policy::patient(tx, actor, Noun::BatteryAnswer, Action::Create, cmd.patient, "patientId", now)
                .await?;
        alive(&lock(tx, patient.id).await?)?;
        let corrected = match cmd.corrects {
            Some(id) => Some(corrected(tx, session, id, &patient).await?),
            None => None,
        };
        let (battery, stored) = battery(tx, session, cmd, corrected.as_ref()).await?;
        let channel = rules::channel(actor.kind(), cmd.channel);
        let answers = rules::check(&battery, &cmd.answers);
        let (channel, answers) = match (channel, answers) {
            (Ok(channel), Ok(answers)) => (channel, answers),
            (channel, answers) => {
                let mut problems = answers.err().unwrap_or_default();
                problems.extend(channel.err());
                return Err(problems.into());
            }
        };
        let belonging = match &corrected {
            Some(earlier) => Belonging {
                owner: owner(earlier.patient_id, earlier.care_unit_id, earlier.care_provider_id),
                version: earlier.agreement_version_id,
                answered_at: earlier.answered_at,
            },
            None => belonging(tx, session, &patient).await?,
        };
        let id = BatteryAnswerSetId(session.core.clock.uuid());
        insert(tx, session, id, cmd, stored, channel, &belonging, &answers).await?;
        let earlier = match &corrected {
            Some(earlier) => Some((earlier.channel, kept(tx, session, earlier.id).await?)),
            None => None,
        };
        let before = earlier.as_ref().map(|(channel, answers)| told(&battery, *channel, answers));
        let after = Some(told(&battery, channel, &answers));
        let change = Change { kind: "battery_answer_set", subject: id.0, before, after };
        history::record(tx, session, belonging.owner, ACTION, [change]).await?;
        act::emit(tx, session, [event(&belonging, id)]).await?;
        if rules::asks_for_contact(&battery, &answers) {
            contact::request::coordination(tx, session, &patient, &WANTS_HELP.into(), ACTION).await?;
        } else if let (Some((_, before)), Some(corrected)) = (earlier, &corrected)
            && rules::asks_for_contact(&battery, &before)
            && !still_asks(tx, session, &battery, corrected, id).await?
        {
            contact::request::coordination_put_right(tx, session, &patient, &WANTS_HELP.into(), ACTION)
                .await?;
        }
        Ok(Done::on(patient.id).with("batteryAnswers", id.0))
    })
    .await
}

/// Whether other answers of the patient to the same questions at the same care provider, which nobody has put right, ask for a
/// contact.
async fn still_asks(
    tx: &Tx,
    session: &Session,
    battery: &Battery,
    corrected: &battery_answer_set::Model,
    by: BatteryAnswerSetId,
) -> Result<bool, Stop> {
    use battery_answer_set::Column as C;
    let put_right = battery_answer_set::Entity::find()
        .select_only()
        .column(C::CorrectsId)
        .filter(C::PatientId.eq(corrected.patient_id))
        .filter(C::CorrectsId.is_not_null())
        .into_query();
    let others = battery_answer_set::Entity::find()
        .filter(C::PatientId.eq(corrected.patient_id))
        .filter(C::BatteryId.eq(corrected.battery_id))
        .filter(C::CareProviderId.eq(corrected.care_provider_id))
        .filter(C::Id.is_not_in([corrected.id, by]))
        .filter(C::Id.not_in_subquery(put_right))
        .order_by_desc(C::AnsweredAt)
        .limit(LOOKED_AT)
        .all(tx)
        .await?;
    for set in others {
        if rules::asks_for_contact(battery, &kept(tx, session, set.id).await?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The earlier answers: of this patient, and not put right before.
async fn corrected(
    tx: &Tx,
    session: &Session,
    id: BatteryAnswerSetId,
    patient: &patient::Model,
) -> Result<Granted<battery_answer_set::Model>, Stop> {
    let (actor, now) = (&session.actor, session.now());
    let earlier =
        policy::reach::<battery_answer_set::Entity>(tx, actor, Action::Create, id, "correctsId", now).await?;
    if earlier.patient_id != patient.id {
        return Err(Problem::not_found("correctsId").into());
    }
    Ok(earlier)
}

/// The questions, and the row that keeps them beside the answers.
async fn battery(
    tx: &Tx,
    session: &Session,
    cmd: &Answer,
    corrected: Option<&Granted<battery_answer_set::Model>>,
) -> Result<(Battery, QuestionBatteryId), Stop> {
    if let Some(earlier) = corrected {
        let row = question_battery::Entity::find_by_id(earlier.battery_id)
            .one(tx)
            .await?
            .ok_or_else(|| Fault::internal("answers without their battery"))?;
        // What was answered is put right, whatever is asked now.
        if (row.key.as_str(), row.version) != (cmd.battery.as_str(), cmd.version) {
            return Err(Problem::input(
                "correctsId",
                "Svaren gäller andra frågor. Rätta dem med de frågor som de gällde.",
                "The answers are to other questions. Correct them with the questions they were given to.",
            )
            .into());
        }
        let battery = Battery::from_definition(&row.definition).map_err(Fault::internal)?;
        return Ok((battery, row.id));
    }
    let library = &session.core.library;
    let current = library.battery(&cmd.battery).ok_or_else(|| Problem::not_found("battery"))?;
    if current.version != cmd.version {
        return Err(rules::outdated().into());
    }
    let id = keep(tx, session, current).await?;
    Ok((current.clone(), id))
}

/// Keeps the text of a battery with its first answer.
async fn keep(tx: &Tx, session: &Session, battery: &Battery) -> Result<QuestionBatteryId, Stop> {
    let definition = battery.definition().map_err(Fault::internal)?;
    let find = || {
        question_battery::Entity::find()
            .filter(question_battery::Column::Key.eq(battery.key.as_str()))
            .filter(question_battery::Column::Version.eq(battery.version))
            .one(tx)
    };
    if find().await?.is_none() {
        let row = question_battery::ActiveModel {
            id: Set(QuestionBatteryId(session.core.clock.uuid())),
            key: Set(battery.key.clone()),
            version: Set(battery.version),
            definition: Set(definition.clone()),
            created_at: Set(session.now()),
        };
        // Somebody else may answer it for the first time at the same moment.
        question_battery::Entity::insert(row)
            .on_conflict_do_nothing_on([question_battery::Column::Key, question_battery::Column::Version])
            .exec_without_returning(tx)
            .await?;
    }
    let stored = find().await?.ok_or_else(|| Fault::internal("a battery vanished"))?;
    if stored.definition != definition {
        return Err(
            Fault::internal("a battery has been answered with another text under this version").into()
        );
    }
    Ok(stored.id)
}

/// The answers belong to the agreement that holds or is being drawn up, and to those who have it; without one, to
/// the patient's own unit, or to the unit that wrote them down.
async fn belonging(tx: &Tx, session: &Session, patient: &patient::Model) -> Result<Belonging, Stop> {
    let agreements = agreement::Entity::find()
        .filter(agreement::Column::PatientId.eq(patient.id))
        .filter(agreement::Column::Status.ne(agreement::Status::Ended))
        .filter(policy::row_condition::<agreement::Entity>(&session.actor, session.now()))
        .order_by_desc(agreement::Column::CreatedAt)
        .all(tx)
        .await?;
    let in_force = agreements.iter().find(|a| a.status.in_force());
    let agreement = in_force.or(agreements.first());
    let owner = match (agreement, session.actor.staff()) {
        (Some(agreement), _) => agreement.into(),
        (None, Some(staff)) => owner(patient.id, staff.care_unit, staff.care_provider),
        (None, None) => owner(patient.id, patient.care_unit_id, patient.care_provider_id),
    };
    Ok(Belonging { owner, version: agreement.map(|a| a.current_version_id), answered_at: session.now() })
}

fn owner(patient: PatientId, care_unit: entity::CareUnitId, care_provider: entity::CareProviderId) -> Owner {
    Owner { patient, care_unit, care_provider, agreement: None }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one row and its lines")]
async fn insert(
    tx: &Tx,
    session: &Session,
    id: BatteryAnswerSetId,
    cmd: &Answer,
    battery: QuestionBatteryId,
    channel: Channel,
    belonging: &Belonging,
    answers: &[Checked],
) -> Result<(), Stop> {
    let (by_kind, by_id) = by(session);
    let owner = belonging.owner;
    let row = battery_answer_set::ActiveModel {
        id: Set(id),
        patient_id: Set(owner.patient),
        care_unit_id: Set(owner.care_unit),
        care_provider_id: Set(owner.care_provider),
        battery_id: Set(battery),
        agreement_version_id: Set(belonging.version),
        channel: Set(channel),
        corrects_id: Set(cmd.corrects),
        by_kind: Set(by_kind),
        by_id: Set(by_id),
        answered_at: Set(belonging.answered_at),
        created_at: Set(session.now()),
    };
    battery_answer_set::Entity::insert(row)
        .exec_without_returning(tx)
        .await
        .map_err(|e| act::on_unique(e, rules::corrected_already))?;
    let keys = &session.core.keys;
    let mut rows = Vec::with_capacity(answers.len());
    for answer in answers {
        let row = BatteryAnswerId(session.core.clock.uuid());
        let seal = |column, text: &Option<String>| keys.seal_opt(Place::new(column, row.0), text.as_deref());
        rows.push(battery_answer::ActiveModel {
            id: Set(row),
            answer_set_id: Set(id),
            question: Set(answer.question.clone()),
            patient_id: Set(owner.patient),
            care_unit_id: Set(owner.care_unit),
            care_provider_id: Set(owner.care_provider),
            choice: Set(answer.choice),
            text: Set(seal("battery_answer.text", &answer.text)?),
            comment: Set(seal("battery_answer.comment", &answer.comment)?),
        });
    }
    battery_answer::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

/// The answers as they are kept.
async fn kept(tx: &Tx, session: &Session, set: BatteryAnswerSetId) -> Result<Vec<Checked>, Stop> {
    let keys = &session.core.keys;
    let rows = battery_answer::Entity::find()
        .filter(battery_answer::Column::AnswerSetId.eq(set))
        .order_by_asc(battery_answer::Column::Id)
        .all(tx)
        .await?;
    rows.into_iter()
        .map(|row| {
            let open = |column, sealed| keys.open_opt(Place::new(column, row.id.0), sealed);
            Ok(Checked {
                text: open("battery_answer.text", row.text.as_ref())?,
                comment: open("battery_answer.comment", row.comment.as_ref())?,
                choice: row.choice,
                question: row.question,
            })
        })
        .collect()
}

fn told(battery: &Battery, channel: Channel, answers: &[Checked]) -> Value {
    json!({ "battery": battery.key, "version": battery.version, "channel": channel, "answers": answers })
}

fn event(belonging: &Belonging, id: BatteryAnswerSetId) -> Event {
    Event {
        kind: "battery.answered",
        patient: belonging.owner.patient,
        care_unit: belonging.owner.care_unit,
        care_provider: belonging.owner.care_provider,
        subject: id.0,
    }
}
