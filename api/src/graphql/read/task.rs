//! Tasks of staff: a page in one statement, whatever its length and whatever the tasks are about.

use std::fmt::Write as _;

use async_graphql::{Context, ID, InputObject, Result};
use chrono::{DateTime, Utc};
use entity::{AssignmentId, PatientId, Sealed, TaskId, patient, task};
use sea_orm::{ConnectionTrait, Statement, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    cols::{Cols, staff_columns, unit_columns},
    plan::version_content,
};
use crate::{
    auth::{
        actor::StaffActor,
        policy::{self, Action, Granted, Noun, Who, reach_values, task_sql},
    },
    crypto::Place,
    domain::{
        task::{rules, words::Words},
        thread::SUBJECT,
    },
    error::{Fault, Problem, ProblemCode},
    graphql::{
        page::{Page, PageRequest},
        plain::Restricted,
        scalars::{GlobalId, NodeKind, PhoneNumber},
        types::{
            booking::Permission,
            enums::CareContactRole,
            people::PatientSummary,
            tasks::{
                Task, TaskAgreement, TaskAgreementRequest, TaskAgreementVersion, TaskAppointment,
                TaskAssignee, TaskCall, TaskCareContact, TaskKind, TaskPlanItem, TaskSubject, TaskThread,
            },
        },
        user_error::{fault, refused, session},
    },
    session::Session,
};

/// Which tasks to list.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TaskFilter {
    /// Only of these kinds.
    pub kinds: Option<Vec<TaskKind>>,
    /// Only those about this patient: the patient's global id.
    pub patient_id: Option<ID>,
    /// Only those that this person has: the assignment's global id.
    pub assignee_id: Option<ID>,
    /// Only those that nobody has taken.
    #[graphql(default = false)]
    pub unassigned: bool,
    /// Only those whose time has passed.
    #[graphql(default = false)]
    pub overdue: bool,
    /// Only those that have risen to the manager.
    #[graphql(default = false)]
    pub risen: bool,
    /// Those that have ended, instead of the open ones.
    #[graphql(default = false)]
    pub ended: bool,
}

/// Where a page goes on: what its last row is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPlace {
    due_at: DateTime<Utc>,
    id: Uuid,
}

/// What to list: of a unit, of one person there, by a filter.
pub struct List<'a> {
    pub unit: &'a Granted<StaffActor>,
    pub assignee: Option<AssignmentId>,
    pub filter: &'a TaskFilter,
}

/// The columns of a [`Task`] for [`JOINS`]. A subject of another care provider is not shown.
fn columns() -> String {
    format!(
        "t.id, t.kind, t.status, t.patient_id, p.given_name, p.family_name, p.protected_identity, {}, \
         t.assignee_id, {}, t.due_at, t.raised_to_manager_at, t.note, t.created_at, t.ended_at, t.ending, t.row_version, \
         CASE WHEN sc.status <> 'ENDED' OR (t.kind = 'CALL' AND sb.id IS NULL) \
           OR (t.kind = 'RESULT_OWED' AND (COALESCE(si.status, 'DONE') = 'DONE' OR sa.status <> 'ENDED')) THEN 1 ELSE 0 END, \
         sa.id, sav.id, sav.content, sv.id, sv.number, sv.content, sc.id, sc.name, sc.role, si.id, sir.id, sir.title, \
         st.id, st.subject, sl.id, sl.about, sl.phone, sq.id, \
         sb.id, sbt.name, sb.starts_at",
        unit_columns("u"),
        staff_columns("m"),
    )
}

/// What [`columns`] needs beside `t`.
const JOINS: &str = "JOIN patient p ON p.id = t.patient_id JOIN care_unit u ON u.id = t.care_unit_id \
     LEFT JOIN assignment x ON x.id = t.assignee_id LEFT JOIN staff_member m ON m.id = x.staff_member_id \
     LEFT JOIN agreement sa ON sa.id = COALESCE(t.agreement_id, t.subject_id) \
       AND sa.care_provider_id = t.care_provider_id \
     LEFT JOIN agreement_version sav ON sav.id = sa.current_version_id \
     LEFT JOIN agreement_version sv ON sv.id = t.subject_id AND sv.care_provider_id = t.care_provider_id \
     LEFT JOIN care_contact sc ON sc.id = t.subject_id AND sc.care_provider_id = t.care_provider_id \
     LEFT JOIN item_concern sk ON sk.id = t.subject_id AND sk.care_provider_id = t.care_provider_id \
     LEFT JOIN plan_item si ON si.id = COALESCE(sk.plan_item_id, t.subject_id) AND si.care_provider_id = t.care_provider_id \
     LEFT JOIN plan_item_revision sir ON sir.id = (SELECT r.id FROM plan_item_revision r \
       WHERE r.plan_item_id = si.id ORDER BY r.id DESC LIMIT 1) \
     LEFT JOIN thread st ON st.id = t.subject_id AND st.care_provider_id = t.care_provider_id \
     LEFT JOIN agreement_request sq ON sq.id = t.subject_id AND sq.care_provider_id = t.care_provider_id \
     LEFT JOIN phone_call sl ON sl.id = t.subject_id AND sl.care_provider_id = t.care_provider_id \
     LEFT JOIN appointment sb ON sb.id = t.subject_id AND sb.care_provider_id = t.care_provider_id \
     LEFT JOIN appointment_type sbt ON sbt.id = sb.appointment_type_id";

/// The condition of a list, and its values from `$5`.
fn condition(session: &Session, list: &List<'_>) -> (String, Vec<Value>) {
    let filter = list.filter;
    let mut values: Vec<Value> = vec![list.unit.care_unit.0.into()];
    let mut sql = format!("{} AND t.care_unit_id = $5", task_sql(Who::from(&session.actor)));
    let mut add = |text: &str, value: Value| {
        values.push(value);
        let place = format!("${}", 4 + values.len());
        sql.push_str(&text.replace('?', &place));
    };
    if let Some(assignee) = list.assignee {
        add(" AND t.assignee_id = ?", assignee.0.into());
    }
    let row = |id: &ID, kind| GlobalId::row::<Uuid>(id, kind).unwrap_or(Uuid::nil());
    if let Some(id) = &filter.assignee_id {
        add(" AND t.assignee_id = ?", row(id, NodeKind::Assignment).into());
    }
    // Managers do not know whom a task is about, so they cannot look for somebody's either.
    if let Some(id) = &filter.patient_id {
        let known = policy::check(&session.actor, Noun::Patient, Action::Read).is_ok();
        add(" AND t.patient_id = ?", if known { row(id, NodeKind::Patient) } else { Uuid::nil() }.into());
    }
    if filter.overdue {
        add(" AND t.due_at < ?", session.now().into());
    }
    sql.push_str(if filter.ended { " AND t.status <> 'OPEN'" } else { " AND t.status = 'OPEN'" });
    if filter.unassigned {
        sql.push_str(" AND t.assignee_id IS NULL");
    }
    if filter.risen {
        sql.push_str(" AND t.raised_to_manager_at IS NOT NULL");
    }
    if let Some(kinds) = &filter.kinds {
        // Names of ours, not the client's text.
        let kinds: Vec<String> =
            kinds.iter().map(|kind| format!("'{}'", task::Kind::from(*kind).as_str())).collect();
        if kinds.is_empty() {
            sql.push_str(" AND 1 = 0");
        } else {
            let _ = write!(sql, " AND t.kind IN ({})", kinds.join(", "));
        }
    }
    (sql, values)
}

/// A page of tasks, what is due first before the rest.
pub async fn page(
    session: &Session,
    list: &List<'_>,
    request: &PageRequest<TaskPlace>,
    counted: bool,
) -> std::result::Result<Page<Task>, Fault> {
    let (condition, mut values) = condition(session, list);
    let total = if counted { Some(count(session, &condition, values.clone()).await?) } else { None };
    let mut after = String::new();
    if let Some(place) = &request.after {
        let n = 5 + values.len();
        after = format!(" AND (t.due_at > ${n} OR (t.due_at = ${n} AND t.id > ${}))", n + 1);
        values.extend([place.due_at.into(), Value::from(place.id)]);
    }
    // The page is cut first: what is read about each of its rows is not read about the others.
    let sql = format!(
        "SELECT {} FROM (SELECT t.* FROM task t WHERE {condition}{after} ORDER BY t.due_at, t.id LIMIT {}) t {JOINS} \
         ORDER BY t.due_at, t.id",
        columns(),
        request.first + 1,
    );
    let tasks = rows(session, sql, values).await?;
    tell_trail(session, tasks.iter().take(request.first));
    let place = |task: &Task| TaskPlace { due_at: task.due_at, id: task.id.id };
    Ok(Page::of_rows(tasks, request, place).with_total(total))
}

async fn count(session: &Session, condition: &str, values: Vec<Value>) -> std::result::Result<i32, Fault> {
    let sql = format!("SELECT count(*) FROM task t WHERE {condition}");
    let mut all = reach_values(&session.actor, session.now());
    all.extend(values);
    session
        .core
        .db
        .read(async |db| -> std::result::Result<i32, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, all);
            let row =
                db.query_one_raw(statement).await?.ok_or_else(|| Fault::internal("a count without a row"))?;
            Ok(i32::try_from(Cols::new(&row).take::<i64>()?).unwrap_or(i32::MAX))
        })
        .await
}

/// A task by id.
pub async fn task(ctx: &Context<'_>, id: TaskId) -> Result<Option<Task>> {
    task_for(session(ctx), id).await
}

/// [`task`] for a session at hand.
pub async fn task_for(session: &Session, id: TaskId) -> Result<Option<Task>> {
    if policy::check(&session.actor, Noun::Task, Action::Read).is_err() {
        return Err(refused(session));
    }
    let found = by_ids(session, &[id]).await.map_err(|e| fault(session, &e))?.pop();
    if found.is_none() {
        session.trail.denied("NOT_FOUND", None);
    }
    Ok(found)
}

/// Those of the tasks that are within reach, what is due first before the rest.
pub async fn by_ids(session: &Session, ids: &[TaskId]) -> std::result::Result<Vec<Task>, Fault> {
    let places: Vec<String> = (5..5 + ids.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "SELECT {} FROM task t {JOINS} WHERE {} AND t.id IN ({}) ORDER BY t.due_at, t.id",
        columns(),
        task_sql(Who::from(&session.actor)),
        places.join(", "),
    );
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let tasks = rows(session, sql, ids.iter().map(|id| id.0.into()).collect()).await?;
    tell_trail(session, tasks.iter());
    Ok(tasks)
}

/// Whose data is going to be in the answer. Managers are not shown whose it is.
fn tell_trail<'a>(session: &Session, tasks: impl Iterator<Item = &'a Task>) {
    for task in tasks {
        if let Restricted::Shown(Some(patient)) = &task.patient {
            session.trail.read(PatientId(patient.id.id));
        }
    }
}

/// Tasks by a statement whose values go on from `$5`.
async fn rows(session: &Session, sql: String, values: Vec<Value>) -> std::result::Result<Vec<Task>, Fault> {
    let mut all = reach_values(&session.actor, session.now());
    all.extend(values);
    let rows = session
        .core
        .db
        .read(async |db| -> std::result::Result<_, Fault> {
            Ok(db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, all)).await?)
        })
        .await?;
    rows.iter().map(|row| read(session, &mut Cols::new(row))).collect()
}

fn read(session: &Session, cols: &mut Cols<'_>) -> std::result::Result<Task, Fault> {
    let keys = &session.core.keys;
    // Who may not see patients is not shown what the task says of one.
    let shown = policy::check(&session.actor, Noun::Patient, Action::Read).is_ok();
    let id: Uuid = cols.take()?;
    let kind: task::Kind = cols.text_enum()?;
    let status: task::Status = cols.text_enum()?;
    let patient = PatientSummary {
        id: GlobalId::new(NodeKind::Patient, cols.take::<Uuid>()?),
        given_name: cols.take()?,
        family_name: cols.take()?,
        protected_identity: cols.text_enum::<patient::ProtectedIdentity>()?.into(),
    };
    let care_unit = cols.unit()?;
    let assignee: Option<Uuid> = cols.opt()?;
    let staff = cols.opt_staff()?;
    let due_at: DateTime<Utc> = cols.take()?;
    let risen_at = cols.opt()?;
    let note = cols.opt_sealed()?;
    let (created_at, ended_at) = (cols.take()?, cols.opt()?);
    let ending = cols.opt_sealed()?;
    let row_version = cols.take()?;
    let stands = cols.take::<i32>()? == 1;
    let words = |column, sealed: Option<&Sealed>| -> std::result::Result<Restricted<String>, Fault> {
        if !shown {
            return Ok(Restricted::Hidden);
        }
        let words = sealed.map(|sealed| Words::open(keys, Place::new(column, id), sealed)).transpose()?;
        Ok(Restricted::Shown(words.map(|words| words.in_locale(session.locale).to_owned())))
    };
    let open = status == task::Status::Open;
    Ok(Task {
        id: GlobalId::new(NodeKind::Task, id),
        kind: kind.into(),
        status: status.into(),
        note: words("task.note", note.as_ref())?,
        ending: words("task.ending", ending.as_ref())?,
        subject: if shown { Restricted::Shown(subject(session, cols)?) } else { Restricted::Hidden },
        patient: if shown { Restricted::Shown(Some(patient)) } else { Restricted::Hidden },
        can_end: can_end(session, kind, status, stands, care_unit.id.id),
        care_unit,
        assignee: assignee
            .zip(staff)
            .map(|(id, staff)| TaskAssignee { id: GlobalId::new(NodeKind::Assignment, id), staff }),
        due_at,
        is_overdue: open && due_at < session.now(),
        risen_at,
        created_at,
        ended_at,
        row_version,
    })
}

fn can_end(
    session: &Session,
    kind: task::Kind,
    status: task::Status,
    stands: bool,
    unit: Uuid,
) -> Permission {
    let own = session.actor.staff().is_some_and(|staff| staff.care_unit.0 == unit);
    let may = match policy::check(&session.actor, Noun::Task, Action::End) {
        Ok(()) if own => rules::may_end_with_words(kind, status, stands),
        Ok(()) => Err(Problem::new(
            ProblemCode::Forbidden,
            "Uppgiften ligger hos en annan enhet.",
            "The task is with another unit.",
        )),
        Err(problem) => Err(problem),
    };
    Permission::of(may, session.locale)
}

/// What the task is about: the row that its subject names, else the agreement it belongs to.
fn subject(session: &Session, cols: &mut Cols<'_>) -> std::result::Result<Option<TaskSubject>, Fault> {
    let keys = &session.core.keys;
    let agreement: Option<Uuid> = cols.opt()?;
    let current: Option<Uuid> = cols.opt()?;
    let content = cols.opt_sealed()?;
    let version: Option<Uuid> = cols.opt()?;
    let number: Option<i32> = cols.opt()?;
    let proposed = cols.opt_sealed()?;
    let contact: Option<Uuid> = cols.opt()?;
    let name: Option<String> = cols.opt()?;
    let role: Option<entity::care_contact::Role> = cols.opt_enum()?;
    let item: Option<Uuid> = cols.opt()?;
    let revision: Option<Uuid> = cols.opt()?;
    let title = cols.opt_sealed()?;
    let thread: Option<Uuid> = cols.opt()?;
    let about = cols.opt_sealed()?;
    let call: Option<Uuid> = cols.opt()?;
    let (matter, phone) = (cols.opt_sealed()?, cols.opt_sealed()?);
    if let (Some(id), Some(matter)) = (call, matter) {
        let title = keys.open(Place::new("phone_call.about", id), &matter)?;
        let phone = keys.open_opt(Place::new("phone_call.phone", id), phone.as_ref())?.map(PhoneNumber);
        let id = GlobalId::new(NodeKind::CallLogEntry, id);
        return Ok(Some(TaskSubject::Call(TaskCall { id, title, phone })));
    }
    if let Some(id) = cols.opt::<Uuid>()? {
        let title = session.locale.pick("Önskan om patientkontrakt", "Request for an agreement").to_owned();
        let id = GlobalId::new(NodeKind::AgreementRequest, id);
        return Ok(Some(TaskSubject::AgreementRequest(TaskAgreementRequest { id, title })));
    }
    if let (Some(id), Some(title), Some(starts_at)) = (cols.opt::<Uuid>()?, cols.opt()?, cols.opt()?) {
        let id = GlobalId::new(NodeKind::Appointment, id);
        return Ok(Some(TaskSubject::Appointment(TaskAppointment { id, title, starts_at })));
    }
    if let (Some(id), Some(number), Some(content)) = (version, number, proposed) {
        let title = version_content(session, id, &content)?.title;
        let id = GlobalId::new(NodeKind::AgreementVersion, id);
        return Ok(Some(TaskSubject::AgreementVersion(TaskAgreementVersion { id, title, number })));
    }
    if let (Some(id), Some(title), Some(role)) = (contact, name, role) {
        let (id, role) = (GlobalId::new(NodeKind::CareContact, id), CareContactRole::from(role));
        return Ok(Some(TaskSubject::CareContact(TaskCareContact { id, title, role })));
    }
    if let (Some(id), Some(revision), Some(title)) = (item, revision, title) {
        let title = keys.open(Place::new("plan_item_revision.title", revision), &title)?;
        let id = GlobalId::new(NodeKind::PlanItem, id);
        return Ok(Some(TaskSubject::PlanItem(TaskPlanItem { id, title })));
    }
    if let (Some(id), Some(about)) = (thread, about) {
        let title = keys.open(Place::new(SUBJECT, id), &about)?;
        let id = GlobalId::new(NodeKind::Thread, id);
        return Ok(Some(TaskSubject::Thread(TaskThread { id, title })));
    }
    if let (Some(id), Some(current), Some(content)) = (agreement, current, content) {
        let title = version_content(session, current, &content)?.title;
        let id = GlobalId::new(NodeKind::Agreement, id);
        return Ok(Some(TaskSubject::Agreement(TaskAgreement { id, title })));
    }
    Ok(None)
}
