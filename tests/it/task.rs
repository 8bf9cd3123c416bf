//! Tasks of staff: one list per unit and per person, and nothing in it vanishes without a recorded end.

mod handover;
pub mod listening;
mod waiting;

use chrono::TimeDelta;
use entity::{TaskId, care_relation, change_entry, domain_event, task};
use harness::{Answer, Staff, TestApp, TestPatient};
use patientkontrakt::{
    auth::{actor::Actor, token::Identity},
    domain::{
        history::Owner,
        sweep,
        task::{self as tasks, Ending, Raise, words::Words},
    },
    error::Fault,
    graphql::scalars::NodeKind,
    locale::Locale,
    session::Session,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, Iterable, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::acts::{act, active, global, row};

pub const TASK: &str = "task { id kind status dueAt isOverdue risenAt note ending rowVersion \
     patient { id givenName } subject { __typename id title } careUnit { id } assignee { id staff { name } } \
     canEnd { allowed reason } }";

/// The service itself, as the sweep acts.
pub fn system(app: &TestApp) -> Session {
    Session::new(app.core.clone(), Actor::System, Locale::Sv, "test".to_owned())
}

/// A task of the staff's unit about the patient, due in two hours.
pub async fn raise_about(
    app: &TestApp,
    staff: &Staff,
    patient: &TestPatient,
    kind: task::Kind,
    subject: Uuid,
    note: Option<&str>,
) -> TaskId {
    let session = system(app);
    let owner =
        Owner { patient: patient.id, care_unit: staff.unit, care_provider: staff.provider, agreement: None };
    let due_at = app.clock.now() + TimeDelta::hours(2);
    let raise = Raise { kind, owner, assignee: None, subject, due_at, note: note.map(Words::own) };
    let raised = app.core.db.write(async |tx| tasks::raise(tx, &session, &raise).await).await.unwrap();
    raised.expect("a new task")
}

async fn raise(app: &TestApp, staff: &Staff, patient: &TestPatient, kind: task::Kind) -> String {
    global(NodeKind::Task, raise_about(app, staff, patient, kind, Uuid::new_v4(), Some("Ring först")).await)
}

async fn list(app: &TestApp, who: &Staff, filter: Value) -> Vec<Value> {
    let query = "query($u: ID!, $f: TaskFilter) { careUnit(id: $u) { tasks(first: 100, filter: $f) { totalCount \
         nodes { id kind isOverdue } } } }";
    let variables = json!({ "u": global(NodeKind::CareUnit, who.unit), "f": filter });
    let answer = app.run(&who.identity, query, variables).await.ok();
    let nodes = answer.at("/careUnit/tasks/nodes").as_array().unwrap().clone();
    assert_eq!(answer.at("/careUnit/tasks/totalCount"), &json!(nodes.len()));
    nodes
}

fn ids(nodes: &[Value]) -> Vec<&str> {
    nodes.iter().map(|node| node["id"].as_str().unwrap()).collect()
}

async fn stored(app: &TestApp, id: &str) -> task::Model {
    task::Entity::find_by_id(TaskId(row(id))).one(app.core.db.reader()).await.unwrap().unwrap()
}

async fn end(app: &TestApp, who: &Identity, id: &str) -> Answer {
    let input = json!({ "taskId": id, "words": "Det är ordnat", "expectedRowVersion": 1 });
    act(app, who, "taskEnd", TASK, input).await
}

#[tokio::test]
async fn a_units_list_shows_what_is_due_first_with_whom_and_what_it_is_about() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let late = raise(&app, s1, p1, task::Kind::Letter).await;
    app.clock.advance(TimeDelta::hours(3));
    let orphan =
        raise_about(&app, s1, p1, task::Kind::OrphanedNextStep, row(&plan.id), Some("Ingen tid")).await;
    let orphan = global(NodeKind::Task, orphan);
    let query = format!(
        "query($u: ID!) {{ careUnit(id: $u) {{ tasks {{ nodes {{ {} }} }} }} }}",
        TASK.trim_start_matches("task {").trim_end_matches('}')
    );
    let answer =
        app.run(&s1.identity, &query, json!({ "u": global(NodeKind::CareUnit, s1.unit) })).await.ok();
    let nodes = answer.at("/careUnit/tasks/nodes").as_array().unwrap();
    assert_eq!(ids(nodes), [late.as_str(), orphan.as_str()]);
    assert_eq!((&nodes[0]["isOverdue"], &nodes[1]["isOverdue"]), (&json!(true), &json!(false)));
    assert_eq!(
        nodes[1]["subject"],
        json!({ "__typename": "TaskAgreement", "id": plan.id, "title": "Min plan" })
    );
    assert_eq!(nodes[1]["patient"]["givenName"], "Etta");
    assert_eq!(nodes[1]["note"], "Ingen tid");
    assert!(nodes[0]["subject"].is_null(), "a subject that nothing here has");
}

#[tokio::test]
async fn a_list_is_cut_and_filtered_and_a_persons_own_list_holds_what_they_have() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    let letter = raise(&app, s1, p1, task::Kind::Letter).await;
    let signal = raise(&app, s1, p2, task::Kind::PlanSignal).await;
    let input = json!({ "taskId": signal, "expectedRowVersion": 1 });
    let taken = act(&app, &s1.identity, "taskTake", TASK, input).await.ok();
    assert_eq!(taken.text("/taskTake/task/assignee/staff/name"), "Stina Exempel");

    assert_eq!(ids(&list(&app, s1, json!({ "unassigned": true })).await), [letter.as_str()]);
    assert_eq!(ids(&list(&app, s1, json!({ "kinds": ["PLAN_SIGNAL"] })).await), [signal.as_str()]);
    assert_eq!(ids(&list(&app, s1, json!({ "patientId": p1.global_id() })).await), [letter.as_str()]);
    assert!(list(&app, s1, json!({ "kinds": [] })).await.is_empty());
    assert!(list(&app, s1, json!({ "overdue": true })).await.is_empty());
    assert!(list(&app, s1, json!({ "risen": true })).await.is_empty());
    let by_assignee = json!({ "assigneeId": global(NodeKind::Assignment, s1.assignment) });
    assert_eq!(ids(&list(&app, s1, by_assignee).await), [signal.as_str()]);

    let own = "{ myAssignment { tasks { totalCount nodes { id } } } }";
    let mine = app.run(&s1.identity, own, json!({})).await.ok();
    assert_eq!(mine.at("/myAssignment/tasks"), &json!({ "totalCount": 1, "nodes": [{ "id": signal }] }));
    let theirs = app.run(&app.world.coordinator.identity, own, json!({})).await.ok();
    assert_eq!(theirs.at("/myAssignment/tasks/totalCount"), &json!(0));

    let page = "query($u: ID!, $after: String) { careUnit(id: $u) { tasks(first: 1, after: $after) { nodes { id } \
         pageInfo { hasNextPage endCursor } } } }";
    let unit = global(NodeKind::CareUnit, s1.unit);
    let first = app.run(&s1.identity, page, json!({ "u": unit })).await.ok();
    assert_eq!(first.at("/careUnit/tasks/pageInfo/hasNextPage"), &json!(true));
    let after = json!({ "u": unit, "after": first.text("/careUnit/tasks/pageInfo/endCursor") });
    let second = app.run(&s1.identity, page, after).await.ok();
    assert_eq!(first.text("/careUnit/tasks/nodes/0/id"), letter);
    assert_eq!(second.text("/careUnit/tasks/nodes/0/id"), signal);
    assert_eq!(second.at("/careUnit/tasks/pageInfo/hasNextPage"), &json!(false));
}

/// R: nothing in the list vanishes without a recorded end. Every kind, by every way there is to end a task.
#[tokio::test]
async fn every_kind_ends_by_its_own_way_only_and_with_who_when_and_how() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let by_their_act_only = [
        "APPOINT_CONTACT",
        "AGREEMENT_REQUEST",
        "ITEM_CONCERN",
        "OBJECTION",
        "ANSWER_PROPOSAL",
        "CALL",
        "ORPHANED_NEXT_STEP",
        "CONTACT_REVIEW",
        "PATIENT_DECISION",
        "REVISE_PLAN",
        "OUTCOME_MISSING",
        "RESULT_OWED",
        "CARE_LATE",
    ];
    for kind in task::Kind::iter() {
        let id = raise(&app, s1, p1, kind).await;
        let shown = app
            .run(
                &s1.identity,
                &format!("query($id: ID!) {{ node(id: $id) {{ ... on Task {{ {TASK_FIELDS} }} }} }}"),
                json!({ "id": id }),
            )
            .await
            .ok();
        let answer = end(&app, &s1.identity, &id).await;
        let row = stored(&app, &id).await;
        if by_their_act_only.contains(&kind.as_str()) {
            // The refusal says what ends it, and the task said so before.
            assert_eq!(answer.user_error_codes("taskEnd"), ["WRONG_STATE"], "{kind:?}");
            let message = answer.text("/taskEnd/userErrors/0/message");
            assert!(message.starts_with("Uppgiften är klar när "), "{kind:?}: {message}");
            assert_eq!(shown.at("/node/canEnd"), &json!({ "allowed": false, "reason": message }), "{kind:?}");
            assert_eq!((row.status, row.row_version), (task::Status::Open, 1), "{kind:?}");
            // It is still in the list, and its own act ends it.
            assert!(ids(&list(&app, s1, json!({})).await).contains(&id.as_str()), "{kind:?}");
            let session = system(&app);
            let ended = app
                .core
                .db
                .write(async |tx| -> Result<_, Fault> {
                    tasks::end(tx, &session, kind, row.subject_id, Ending::Withdrawn, None).await
                })
                .await
                .unwrap();
            assert_eq!(ended, Some(row.id), "{kind:?}");
        } else {
            answer.ok();
            assert_eq!(shown.at("/node/canEnd/allowed"), &json!(true), "{kind:?}");
        }
        let row = stored(&app, &id).await;
        assert_ne!(row.status, task::Status::Open, "{kind:?}");
        assert!(row.ended_at.is_some() && row.ended_by_kind.is_some(), "{kind:?}");
        let ends = change_entry::Entity::find()
            .filter(change_entry::Column::SubjectId.eq(row.id.0))
            .filter(change_entry::Column::Action.eq("taskEnd"));
        assert_eq!(ends.count(app.core.db.reader()).await.unwrap(), 1, "{kind:?}");
        let ends = domain_event::Entity::find()
            .filter(domain_event::Column::SubjectId.eq(row.id.0))
            .filter(domain_event::Column::Kind.eq("task.ended"));
        assert_eq!(ends.count(app.core.db.reader()).await.unwrap(), 1, "{kind:?}");
        // Over is over, and still to be found.
        let again = end(&app, &s1.identity, &id).await;
        assert_eq!(again.user_error_codes("taskEnd"), ["WRONG_STATE"], "{kind:?}");
        assert!(!ids(&list(&app, s1, json!({})).await).contains(&id.as_str()), "{kind:?}");
        assert!(ids(&list(&app, s1, json!({ "ended": true })).await).contains(&id.as_str()), "{kind:?}");
    }
}

const TASK_FIELDS: &str = "id canEnd { allowed reason }";

/// R: nothing in the list vanishes: whatever the service does, the database keeps every task and every end.
#[tokio::test]
async fn the_database_refuses_to_remove_a_task_to_change_what_it_is_or_to_reopen_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let open = raise(&app, s1, p1, task::Kind::Letter).await;
    let ended = raise(&app, s1, p1, task::Kind::PlanSignal).await;
    end(&app, &s1.identity, &ended).await.ok();
    let db = app.core.db.reader();
    for (statement, by) in [
        ("DELETE FROM task", "task_no_delete"),
        (
            "UPDATE task SET status = 'OPEN', ended_at = NULL, ended_by_kind = NULL WHERE status <> 'OPEN'",
            "task_ended",
        ),
        ("UPDATE task SET due_at = created_at WHERE status <> 'OPEN'", "task_ended"),
        ("UPDATE task SET status = 'DONE' WHERE status = 'OPEN'", "ck_task_ended"),
        ("UPDATE task SET kind = 'CALL' WHERE status = 'OPEN'", "task_fixed"),
        ("UPDATE task SET subject_id = patient_id WHERE status = 'OPEN'", "task_fixed"),
        ("UPDATE task SET created_by_id = patient_id WHERE status = 'OPEN'", "task_fixed"),
    ] {
        let error = db.execute_unprepared(statement).await.expect_err(statement).to_string();
        assert!(error.contains(by), "{statement}: {error}");
    }
    assert_eq!(stored(&app, &open).await.status, task::Status::Open);
    assert_eq!(stored(&app, &ended).await.status, task::Status::Done);
}

#[tokio::test]
async fn a_task_is_ended_once_under_the_version_that_was_read_and_with_words() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let id = raise(&app, s1, p1, task::Kind::Letter).await;
    let blank = json!({ "taskId": id, "words": " ", "expectedRowVersion": 1 });
    let blank = act(&app, &s1.identity, "taskEnd", TASK, blank).await;
    assert_eq!(blank.user_error_codes("taskEnd"), ["BAD_USER_INPUT"]);
    let note = json!({ "taskId": id, "note": "Väntar på underskrift", "expectedRowVersion": 1 });
    act(&app, &app.world.coordinator.identity, "taskNote", TASK, note).await.ok();
    // Somebody else has written since: the current task comes with the refusal.
    let stale = end(&app, &s1.identity, &id).await;
    assert_eq!(stale.user_error_codes("taskEnd"), ["STALE_ROW_VERSION"]);
    assert_eq!(stale.text("/taskEnd/task/note"), "Väntar på underskrift");
    let input =
        json!({ "taskId": id, "words": "Skickat", "expectedRowVersion": 2, "idempotencyKey": "slut" });
    let first = act(&app, &s1.identity, "taskEnd", TASK, input.clone()).await.ok();
    assert_eq!(first.text("/taskEnd/task/ending"), "Skickat");
    let second = act(&app, &s1.identity, "taskEnd", TASK, input).await.ok();
    assert_eq!(first.body, second.body);
    // Both notes are in the history, sealed.
    let written = change_entry::Entity::find()
        .filter(change_entry::Column::SubjectId.eq(row(&id)))
        .filter(change_entry::Column::Action.eq("taskNote"))
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap();
    let open = |column, sealed: Option<&entity::Sealed>| {
        let place = patientkontrakt::crypto::Place::new(column, written.id.0);
        app.core.keys.open_opt(place, sealed).unwrap().unwrap()
    };
    assert!(open("change_entry.before", written.before.as_ref()).contains("Ring först"));
    assert!(open("change_entry.after", written.after.as_ref()).contains("underskrift"));
}

#[tokio::test]
async fn a_task_is_given_to_a_colleague_at_the_unit_and_to_nobody_elsewhere() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    let id = raise(&app, &world.s1, p1, task::Kind::AppointContact).await;
    let give = |to: Option<&Staff>, row_version: i32| {
        let to = to.map(|staff| global(NodeKind::Assignment, staff.assignment));
        let input = json!({ "taskId": id, "assigneeId": to, "expectedRowVersion": row_version });
        act(&app, &world.s1.identity, "taskAssign", TASK, input)
    };
    for elsewhere in [&world.s2, &world.s3, &world.analyst, &world.admin] {
        assert_eq!(give(Some(elsewhere), 1).await.user_error_codes("taskAssign"), ["NOT_FOUND"]);
    }
    let given = give(Some(&world.coordinator), 1).await.ok();
    assert_eq!(given.text("/taskAssign/task/assignee/staff/name"), "Kim Exempel");
    assert_eq!(give(None, 1).await.user_error_codes("taskAssign"), ["STALE_ROW_VERSION"]);
    assert!(give(None, 2).await.ok().at("/taskAssign/task/assignee").is_null());
}

#[tokio::test]
async fn a_task_goes_to_another_unit_of_the_provider_with_its_reason_and_its_care_relation() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    let id = raise(&app, &world.s1, p1, task::Kind::AppointContact).await;
    let reach = async |who: &Staff| {
        let query =
            "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"uppgift\") { givenName } }";
        !app.run(&who.identity, query, json!({ "n": p1.number })).await.ok().at("/patient").is_null()
    };
    assert!(reach(&world.s1).await, "an open task is a care relation");
    assert!(!reach(&world.s2).await);
    let pass = |unit, reason: &str| {
        let input = json!({ "taskId": id, "careUnitId": global(NodeKind::CareUnit, unit), "reason": reason,
                            "expectedRowVersion": 1 });
        act(&app, &world.s1.identity, "taskPass", TASK, input)
    };
    assert_eq!(pass(world.s3.unit, "Fel").await.user_error_codes("taskPass"), ["NOT_FOUND"]);
    assert_eq!(pass(world.s1.unit, "").await.user_error_codes("taskPass"), ["BAD_USER_INPUT"; 2]);
    let passed = pass(world.s2.unit, "Patienten hör till hjärtmottagningen").await.ok();
    assert_eq!(passed.text("/taskPass/task/careUnit/id"), global(NodeKind::CareUnit, world.s2.unit));
    assert!(list(&app, &world.s1, json!({})).await.is_empty());
    assert_eq!(ids(&list(&app, &world.s2, json!({})).await), [id.as_str()]);
    // Only the unit that must act works on it now.
    assert_eq!(end(&app, &world.s1.identity, &id).await.user_error_codes("taskEnd"), ["NOT_FOUND"]);
    assert!(reach(&world.s2).await);
    app.clock.advance(TimeDelta::hours(25));
    assert!(!reach(&world.s1).await, "the relation went with the task");
    assert!(reach(&world.s2).await);
    let moves = change_entry::Entity::find().filter(change_entry::Column::Action.eq("taskPass"));
    let moved = moves.one(app.core.db.reader()).await.unwrap().unwrap();
    let place = patientkontrakt::crypto::Place::new("change_entry.after", moved.id.0);
    let after = app.core.keys.open_opt(place, moved.after.as_ref()).unwrap().unwrap();
    assert!(after.contains("hjärtmottagningen"), "{after}");
}

#[tokio::test]
async fn the_relation_of_a_task_ends_a_day_after_the_task() {
    let app = TestApp::new().await;
    let (s1, p2) = (&app.world.s1, &app.world.p2);
    let id = raise(&app, s1, p2, task::Kind::Letter).await;
    end(&app, &s1.identity, &id).await.ok();
    let relation = care_relation::Entity::find()
        .filter(care_relation::Column::SubjectId.eq(row(&id)))
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(relation.source, care_relation::Source::Task);
    assert_eq!(relation.valid_until, Some(app.clock.now() + TimeDelta::days(1)));
}

#[tokio::test]
async fn what_is_late_rises_once_and_the_manager_sees_it_without_whom_it_is_about() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    let id = raise(&app, &world.s1, p1, task::Kind::AppointContact).await;
    let manager = &world.manager;
    assert_eq!(sweep::run(&app.core).await.unwrap().risen, 0);
    assert!(list(&app, manager, json!({})).await.is_empty());
    app.clock.advance(TimeDelta::hours(3));
    assert_eq!(sweep::run(&app.core).await.unwrap().risen, 1);
    assert_eq!(sweep::run(&app.core).await.unwrap().risen, 0, "once");
    let risen = domain_event::Entity::find().filter(domain_event::Column::Kind.eq("task.risen"));
    assert_eq!(risen.count(app.core.db.reader()).await.unwrap(), 1);

    assert_eq!(ids(&list(&app, manager, json!({})).await), [id.as_str()]);
    assert!(list(&app, manager, json!({ "patientId": p1.global_id() })).await.is_empty());
    let query = "query($u: ID!) { careUnit(id: $u) { tasks { nodes { id kind risenAt patient { id } subject { id } \
         note ending canEnd { allowed } } } } }";
    let unit = global(NodeKind::CareUnit, manager.unit);
    let answer = app.run(&manager.identity, query, json!({ "u": unit })).await;
    assert_eq!(answer.error_codes(), ["FORBIDDEN"; 4]);
    let shown = answer.at("/careUnit/tasks/nodes/0");
    assert_eq!(shown["kind"], "APPOINT_CONTACT");
    for hidden in ["patient", "subject", "note", "ending"] {
        assert!(shown[hidden].is_null(), "{hidden}");
    }
    assert!(!answer.body.to_string().contains("Ring först"));
    // The manager says who does it, and does not do it.
    let to = global(NodeKind::Assignment, world.coordinator.assignment);
    let input = json!({ "taskId": id, "assigneeId": to, "expectedRowVersion": 1 });
    let given = act(&app, &manager.identity, "taskAssign", "task { id assignee { staff { name } } }", input)
        .await
        .ok();
    assert_eq!(given.text("/taskAssign/task/assignee/staff/name"), "Kim Exempel");
    assert_eq!(end(&app, &manager.identity, &id).await.user_error_codes("taskEnd"), ["FORBIDDEN"]);
    // Staff see that it has risen.
    assert_eq!(ids(&list(&app, &world.s1, json!({ "risen": true })).await), [id.as_str()]);
}

#[tokio::test]
async fn a_units_tasks_cost_one_statement_for_one_and_for_many() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    let plan = active(&app, s1, p1).await;
    let query = format!(
        "query($u: ID!) {{ careUnit(id: $u) {{ tasks(first: 50) {{ nodes {{ {} }} }} }} }}",
        TASK.trim_start_matches("task {").trim_end_matches('}')
    );
    let unit = json!({ "u": global(NodeKind::CareUnit, s1.unit) });
    for rows in [1, 12] {
        for n in 0..rows {
            let (subject, patient) = if n == 0 { (row(&plan.id), p1) } else { (Uuid::new_v4(), p2) };
            let kind = if rows == 1 { task::Kind::OrphanedNextStep } else { task::Kind::Letter };
            raise_about(&app, s1, patient, kind, subject, Some("x")).await;
        }
        app.run(&s1.identity, &query, unit.clone()).await.ok();
        let (answer, statements) = app.statements(app.run(&s1.identity, &query, unit.clone())).await;
        assert!(answer.ok().at("/careUnit/tasks/nodes").as_array().unwrap().len() >= rows);
        assert_eq!(statements.len(), 1, "{statements:#?}");
    }
}

/// Of several rooms that a sweep looks into, one that fails stands in no other's way, and the fault is told.
#[tokio::test]
async fn a_room_of_the_sweep_that_fails_stops_no_other() {
    let app = TestApp::new().await;
    let db = app.core.db.reader();
    let late = raise(&app, &app.world.s1, &app.world.p1, task::Kind::Letter).await;
    db.execute_unprepared("ALTER TABLE time_wish RENAME TO gone").await.unwrap();
    app.clock.advance(TimeDelta::hours(3));
    sweep::run(&app.core).await.unwrap_err();
    let query = "query($id: ID!) { node(id: $id) { ... on Task { risenAt } } }";
    let risen = app.run(&app.world.s1.identity, query, json!({ "id": late })).await.ok();
    assert!(risen.at("/node/risenAt").is_string(), "{risen:?}");
}
