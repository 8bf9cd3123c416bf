//! Answers to question batteries, with the questions as they were asked.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use async_graphql::{Context, Result};
use chrono::{DateTime, Utc};
use entity::{
    BatteryAnswerSetId, PatientId, access_event::ActorKind, battery_answer, battery_answer_set,
    question_battery,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, Statement, Value};
use uuid::Uuid;

use super::cols::{Cols, unit_columns};
use crate::{
    auth::policy::{Action, Noun, Who, check, reach_sql, reach_values},
    crypto::Place,
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{GlobalId, NodeKind},
        types::{
            battery::{BatteryAnswer, BatteryAnswerSet, QuestionBattery},
            people::CareUnitSummary,
        },
        user_error::{fault, refused, session},
    },
    library::Battery,
    session::Session,
};

/// Which answers of a patient.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub battery: Option<String>,
    pub latest_only: bool,
}

/// Sets of answers and their lines, where `condition` picks the sets `s`; the newest set first.
fn select(condition: &str) -> String {
    format!(
        "SELECT s.id, s.patient_id, s.answered_at, s.created_at, s.channel, s.by_kind, s.agreement_version_id, s.corrects_id, \
         (SELECT k.id FROM battery_answer_set k WHERE k.corrects_id = s.id), b.key, b.version, b.id, {unit}, \
         x.id, x.question, x.choice, x.text, x.comment \
         FROM battery_answer_set s JOIN question_battery b ON b.id = s.battery_id \
         JOIN care_unit u ON u.id = s.care_unit_id JOIN battery_answer x ON x.answer_set_id = s.id \
         WHERE {condition} ORDER BY s.id DESC, x.id",
        unit = unit_columns("u")
    )
}

/// A page of the answers of `patient`, the newest first. One statement, and one more when a battery was answered
/// that is no longer in the library.
pub async fn of_patient(
    session: &Session,
    patient: PatientId,
    wanted: &Wanted,
    request: &PageRequest<Uuid>,
) -> Result<Page<BatteryAnswerSet>, Fault> {
    let who = Who::from(&session.actor);
    let mut values = reach_values(&session.actor, session.now());
    // Ids rise with time; the largest one stands for the beginning.
    values.extend([patient.0.into(), request.after.unwrap_or(Uuid::max()).into()]);
    let mut page = format!(
        "SELECT y.id FROM battery_answer_set y JOIN question_battery yb ON yb.id = y.battery_id \
         WHERE y.patient_id = $5 AND {} AND y.id < $6",
        reach_sql(who, Noun::BatteryAnswer, "y.patient_id", Some("y.care_provider_id"))
    );
    if let Some(battery) = &wanted.battery {
        values.push(battery.as_str().into());
        page.push_str(" AND yb.key = $7");
    }
    if wanted.latest_only {
        // A correction stands for the occasion it corrects, and is itself the later of the two.
        let _ = write!(
            page,
            " AND NOT EXISTS (SELECT 1 FROM battery_answer_set z JOIN question_battery zb ON zb.id = z.battery_id \
             WHERE z.patient_id = y.patient_id AND zb.key = yb.key AND {} \
             AND (z.answered_at > y.answered_at OR (z.answered_at = y.answered_at AND z.id > y.id)))",
            reach_sql(who, Noun::BatteryAnswer, "z.patient_id", Some("z.care_provider_id"))
        );
    }
    let sql = select(&format!("s.id IN ({page} ORDER BY y.id DESC LIMIT {})", request.first + 1));
    let sets = load(session, sql, values).await?;
    if !sets.is_empty() {
        session.trail.read(patient);
    }
    Ok(Page::of_rows(sets, request, |(_, set)| set.id.id).map(|(_, set)| set))
}

/// A set of answers by id.
pub async fn by_id(ctx: &Context<'_>, id: BatteryAnswerSetId) -> Result<Option<BatteryAnswerSet>> {
    let session = session(ctx);
    if check(&session.actor, Noun::BatteryAnswer, Action::Read).is_err() {
        return Err(refused(session));
    }
    let mut values = reach_values(&session.actor, session.now());
    values.push(id.0.into());
    let reach =
        reach_sql(Who::from(&session.actor), Noun::BatteryAnswer, "s.patient_id", Some("s.care_provider_id"));
    let sets = load(session, select(&format!("s.id = $5 AND {reach}")), values).await;
    let Some((patient, set)) = sets.map_err(|e| fault(session, &e))?.pop() else {
        session.trail.denied("NOT_FOUND", None);
        return Ok(None);
    };
    session.trail.read(patient);
    Ok(Some(set))
}

/// A set before its questions are known.
struct Row {
    id: Uuid,
    patient: PatientId,
    battery: (String, i32, Uuid),
    answered_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    channel: battery_answer_set::Channel,
    by: ActorKind,
    agreement_version: Option<Uuid>,
    corrects: Option<Uuid>,
    corrected_by: Option<Uuid>,
    care_unit: CareUnitSummary,
    lines: Vec<Line>,
}

/// An answer before its question is known.
struct Line {
    question: String,
    choice: Option<battery_answer::Choice>,
    text: Option<String>,
    comment: Option<String>,
}

async fn load(
    session: &Session,
    sql: String,
    values: Vec<Value>,
) -> Result<Vec<(PatientId, BatteryAnswerSet)>, Fault> {
    session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let backend = db.get_database_backend();
            let rows = db.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
            let sets = read(session, &rows)?;
            let library = &session.core.library;
            let gone: Vec<Uuid> = sets
                .iter()
                .filter(|row| library.version(&row.battery.0, row.battery.1).is_none())
                .map(|row| row.battery.2)
                .collect();
            let gone = definitions(db, &gone).await?;
            let mut known: HashMap<Uuid, Arc<QuestionBattery>> = HashMap::new();
            for row in &sets {
                let (key, version, id) = &row.battery;
                let Some(battery) = library.version(key, *version).or_else(|| gone.get(id)) else {
                    return Err(Fault::internal("answers without their questions"));
                };
                known.entry(*id).or_insert_with(|| Arc::new(QuestionBattery::of(battery, session)));
            }
            Ok(sets
                .into_iter()
                .filter_map(|row| {
                    let battery = known.get(&row.battery.2)?;
                    Some(row.with(battery))
                })
                .collect())
        })
        .await
}

/// Batteries that a region has taken away since they were answered.
async fn definitions(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, Battery>, Fault> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = question_battery::Entity::find()
        .filter(question_battery::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    rows.into_iter()
        .map(|row| Ok((row.id.0, Battery::from_definition(&row.definition).map_err(Fault::internal)?)))
        .collect()
}

impl Row {
    fn with(mut self, battery: &Arc<QuestionBattery>) -> (PatientId, BatteryAnswerSet) {
        let node = |id| GlobalId::new(NodeKind::BatteryAnswerSet, id);
        let mut answers = Vec::with_capacity(self.lines.len());
        for question in &battery.questions {
            if let Some(at) = self.lines.iter().position(|line| line.question == question.key) {
                let Line { choice, text, comment, .. } = self.lines.swap_remove(at);
                let choice = choice.map(Into::into);
                answers.push(BatteryAnswer { question: Arc::clone(question), choice, text, comment });
            }
        }
        let set = BatteryAnswerSet {
            id: node(self.id),
            battery: Arc::clone(battery),
            answers,
            answered_at: self.answered_at,
            recorded_at: self.recorded_at,
            channel: self.channel.into(),
            by: self.by.into(),
            care_unit: self.care_unit,
            agreement_version_id: self
                .agreement_version
                .map(|id| GlobalId::new(NodeKind::AgreementVersion, id)),
            corrects_id: self.corrects.map(node),
            corrected_by_id: self.corrected_by.map(node),
        };
        (self.patient, set)
    }
}

fn read(session: &Session, rows: &[QueryResult]) -> Result<Vec<Row>, Fault> {
    let keys = &session.core.keys;
    let mut sets: Vec<Row> = Vec::new();
    for row in rows {
        let mut cols = Cols::new(row);
        let here = Row {
            id: cols.take()?,
            patient: PatientId(cols.take()?),
            answered_at: cols.take()?,
            recorded_at: cols.take()?,
            channel: cols.text_enum()?,
            by: cols.text_enum()?,
            agreement_version: cols.opt()?,
            corrects: cols.opt()?,
            corrected_by: cols.opt()?,
            battery: (cols.take()?, cols.take()?, cols.take()?),
            care_unit: cols.unit()?,
            lines: Vec::new(),
        };
        if sets.last().is_none_or(|last| last.id != here.id) {
            sets.push(here);
        }
        let answer: Uuid = cols.take()?;
        let (question, choice) = (cols.take()?, cols.opt_enum()?);
        let (text, comment) = (cols.opt_sealed()?, cols.opt_sealed()?);
        let line = Line {
            question,
            choice,
            text: keys.open_opt(Place::new("battery_answer.text", answer), text.as_ref())?,
            comment: keys.open_opt(Place::new("battery_answer.comment", answer), comment.as_ref())?,
        };
        if let Some(last) = sets.last_mut() {
            last.lines.push(line);
        }
    }
    Ok(sets)
}
