//! Tasks of staff: one list per unit and per person, and nothing in it vanishes without a recorded end.

use chrono::TimeDelta;
use entity::{TaskId, access_event, care_relation, change_entry, domain_event, task};
use futures_util::{StreamExt, stream::BoxStream};
use harness::{Answer, Staff, TestApp, TestPatient, relate};
use patientkontrakt::{
    auth::{actor::Actor, token::Identity},
    domain::{
        act::{self, Event},
        history::Owner,
        sweep,
        task::{self as tasks, Ending, Raise},
    },
    error::Fault,
    graphql::scalars::NodeKind,
    http::graphql::Engine,
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
fn system(app: &TestApp) -> Session {
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
    let raise = Raise { kind, owner, assignee: None, subject, due_at, note };
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
    let by_their_act_only =
        ["APPOINT_CONTACT", "AGREEMENT_REQUEST", "ITEM_CONCERN", "OBJECTION", "ANSWER_PROPOSAL", "CALL"];
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
async fn everything_somebody_has_is_handed_over_when_they_leave() {
    let app = TestApp::new().await;
    let (world, p1, p2) = (&app.world, &app.world.p1, &app.world.p2);
    let mut taken = Vec::new();
    for (kind, patient) in [(task::Kind::Letter, p1), (task::Kind::PlanSignal, p2)] {
        let id = raise(&app, &world.s1, patient, kind).await;
        let input = json!({ "taskId": id, "expectedRowVersion": 1 });
        act(&app, &world.s1.identity, "taskTake", TASK, input).await.ok();
        taken.push(id);
    }
    let free = raise(&app, &world.s1, p1, task::Kind::Handover).await;
    let hand = |who: &Staff, to: &Staff| {
        let input = json!({
            "fromId": global(NodeKind::Assignment, world.s1.assignment),
            "toId": global(NodeKind::Assignment, to.assignment),
        });
        let who = who.identity.clone();
        let app = &app;
        async move {
            act(app, &who, "taskHandover", "handedOver tasks { id assignee { staff { name } } }", input).await
        }
    };
    assert_eq!(hand(&world.s1, &world.s2).await.user_error_codes("taskHandover"), ["NOT_FOUND"]);
    assert_eq!(hand(&world.s2, &world.coordinator).await.user_error_codes("taskHandover"), ["NOT_FOUND"]);
    assert_eq!(
        hand(&world.analyst, &world.coordinator).await.user_error_codes("taskHandover"),
        ["FORBIDDEN"]
    );
    let handed = hand(&world.manager, &world.coordinator).await.ok();
    assert_eq!(handed.at("/taskHandover/handedOver"), &json!(2));
    assert_eq!(handed.at("/taskHandover/tasks"), &json!([]), "none has risen: the manager sees none");
    let nodes = list(&app, &world.s1, json!({ "unassigned": true })).await;
    assert_eq!(ids(&nodes), [free.as_str()]);
    let moved = change_entry::Entity::find().filter(change_entry::Column::Action.eq("taskHandover"));
    assert_eq!(moved.count(app.core.db.reader()).await.unwrap(), 2);
    for id in taken {
        assert_eq!(stored(&app, &id).await.assignee_id, Some(world.coordinator.assignment));
    }
    assert_eq!(hand(&world.manager, &world.coordinator).await.ok().at("/taskHandover/handedOver"), &json!(0));
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

/// A listener over the engine, as a WebSocket runs it.
pub async fn listen(
    app: &TestApp,
    who: &Identity,
    query: &str,
) -> BoxStream<'static, async_graphql::Response> {
    let token = app.token(who);
    let headers = axum::http::HeaderMap::from_iter([(
        axum::http::header::AUTHORIZATION,
        format!("Bearer {token}").parse().unwrap(),
    )]);
    let caller = app.service.authenticate(&headers).await.unwrap();
    let mut stream = app.service.execute_stream(caller, async_graphql::Request::new(query));
    // It listens once it has been asked; nothing has happened yet.
    assert!(futures_util::poll!(stream.next()).is_pending());
    stream
}

async fn next(stream: &mut BoxStream<'static, async_graphql::Response>) -> Value {
    let answer =
        tokio::time::timeout(std::time::Duration::from_secs(20), stream.next()).await.expect("in time");
    serde_json::to_value(answer.expect("an answer")).unwrap()
}

async fn accesses(app: &TestApp, action: &str) -> u64 {
    access_event::Entity::find()
        .filter(access_event::Column::Action.eq(action))
        .count(app.core.db.reader())
        .await
        .unwrap()
}

/// A56: what a subscription delivers is logged like any other access, event by event.
#[tokio::test]
async fn a_listener_hears_of_each_task_of_its_unit_and_each_is_logged() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    let query = "subscription { taskRaised { id kind patient { givenName } } }";
    let mut heard = listen(&app, &world.s1.identity, query).await;
    let other = raise(&app, &world.s2, p1, task::Kind::Letter).await;
    let own = raise(&app, &world.s1, p1, task::Kind::Call).await;
    let first = next(&mut heard).await;
    assert_eq!(
        first["data"]["taskRaised"],
        json!({ "id": own, "kind": "CALL", "patient": { "givenName": "Etta" } })
    );
    assert_eq!(accesses(&app, "taskRaised").await, 1);
    // What another unit passes here is heard of too.
    let input = json!({ "taskId": other, "careUnitId": global(NodeKind::CareUnit, world.s1.unit),
                        "reason": "Hör hit", "expectedRowVersion": 1 });
    act(&app, &world.s2.identity, "taskPass", TASK, input).await.ok();
    assert_eq!(next(&mut heard).await["data"]["taskRaised"]["id"], other);
    assert_eq!(accesses(&app, "taskRaised").await, 2);
}

#[tokio::test]
async fn one_can_listen_for_ones_own_tasks_and_managers_hear_of_what_rises() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    let own = "subscription { taskRaised(ownOnly: true) { id } }";
    let mut coordinator = listen(&app, &world.coordinator.identity, own).await;
    let mut manager = listen(&app, &world.manager.identity, "subscription { taskRaised { id kind } }").await;
    let id = raise(&app, &world.s1, p1, task::Kind::Letter).await;
    let to = global(NodeKind::Assignment, world.coordinator.assignment);
    let input = json!({ "taskId": id, "assigneeId": to, "expectedRowVersion": 1 });
    act(&app, &world.s1.identity, "taskAssign", TASK, input).await.ok();
    assert_eq!(next(&mut coordinator).await["data"]["taskRaised"]["id"], id);
    app.clock.advance(TimeDelta::hours(3));
    sweep::run(&app.core).await.unwrap();
    assert_eq!(next(&mut manager).await["data"], json!({ "taskRaised": { "id": id, "kind": "LETTER" } }));
    // Those who may not, may not.
    for who in [&world.p1.identity, &world.analyst.identity] {
        let token = app.token(who);
        let headers = axum::http::HeaderMap::from_iter([(
            axum::http::header::AUTHORIZATION,
            format!("Bearer {token}").parse().unwrap(),
        )]);
        let caller = app.service.authenticate(&headers).await.unwrap();
        let request = async_graphql::Request::new(own);
        let answers: Vec<_> = app.service.execute_stream(caller, request).collect().await;
        let body = serde_json::to_value(&answers[0]).unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
}

/// What was rolled back never happened: nobody hears of it.
#[tokio::test]
async fn nobody_hears_of_what_was_not_committed() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let mut heard = listen(&app, &s1.identity, "subscription { taskRaised { id } }").await;
    let session = system(&app);
    let owner = Owner { patient: p1.id, care_unit: s1.unit, care_provider: s1.provider, agreement: None };
    let gone = app
        .core
        .db
        .write(async |tx| -> Result<(), Fault> {
            let raise = Raise {
                kind: task::Kind::Letter,
                owner,
                assignee: None,
                subject: Uuid::new_v4(),
                due_at: app.clock.now(),
                note: None,
            };
            tasks::raise(tx, &session, &raise).await?;
            Err(Fault::internal("changed its mind"))
        })
        .await;
    assert!(gone.is_err());
    let id = raise(&app, s1, p1, task::Kind::Letter).await;
    assert_eq!(next(&mut heard).await["data"]["taskRaised"]["id"], id);
}

/// A20: who loses the right to see a plan hears no more of it.
#[tokio::test]
async fn a_subscription_ends_when_the_right_is_withdrawn() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    relate(&app.core, s1, p1).await;
    let query = format!("subscription {{ agreementChanged(agreementId: \"{}\") {{ id }} }}", plan.id);
    // Something happens to the plan that gives the unit nothing to do: that would be a care relation again.
    let session = system(&app);
    let happens = async || {
        let event = Event {
            kind: "agreement.changed",
            patient: p1.id,
            care_unit: s1.unit,
            care_provider: s1.provider,
            subject: row(&plan.id),
            for_register: false,
        };
        app.core.db.write(async |tx| act::emit(tx, &session, [event]).await).await.unwrap();
    };
    let mut heard = listen(&app, &s1.identity, &query).await;
    happens().await;
    assert_eq!(next(&mut heard).await["data"]["agreementChanged"]["id"], plan.id);
    care_relation::Entity::update_many()
        .col_expr(care_relation::Column::ValidUntil, sea_orm::sea_query::Expr::value(app.clock.now()))
        .filter(care_relation::Column::PatientId.eq(p1.id))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    happens().await;
    let last = next(&mut heard).await;
    assert_eq!(last["errors"][0]["extensions"]["code"], "FORBIDDEN", "{last}");
    assert!(heard.next().await.is_none(), "and it ends");
}

async fn waiting(app: &TestApp) -> Vec<task::Model> {
    task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::UnansweredMessage))
        .filter(task::Column::Status.eq(task::Status::Open))
        .all(app.core.db.reader())
        .await
        .unwrap()
}

/// R: unanswered messages rise to the unit: a message that waits is a task, due when the answer was promised, until
/// care has answered.
#[tokio::test]
async fn a_message_that_waits_is_a_task_until_it_is_answered() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let input = json!({ "careUnitId": global(NodeKind::CareUnit, s1.unit), "subject": "Provsvar", "body": "Har det kommit?" });
    let started = act(&app, &p1.identity, "threadStart", "thread { id answerBy }", input).await.ok();
    let thread = started.text("/threadStart/thread/id");
    let first = waiting(&app).await;
    assert_eq!(first.len(), 1);
    assert_eq!(json!(first[0].due_at.to_rfc3339()), *started.at("/threadStart/thread/answerBy"));
    assert_eq!(first[0].subject_id, row(&thread));
    // More messages wait under the same promise, as one task.
    let say = async |who: &Identity, text: &str| {
        act(&app, who, "messageSend", "message { id }", json!({ "threadId": thread, "body": text }))
            .await
            .ok()
    };
    say(&p1.identity, "Hallå?").await;
    assert_eq!(waiting(&app).await.len(), 1);
    let shown = list(&app, s1, json!({ "kinds": ["UNANSWERED_MESSAGE"] })).await;
    assert_eq!(ids(&shown), [global(NodeKind::Task, first[0].id)]);
    say(&s1.identity, "Ja, det är bra.").await;
    assert!(waiting(&app).await.is_empty());
    let ended = stored(&app, &global(NodeKind::Task, first[0].id)).await;
    assert_eq!((ended.status, ended.ended_by_id), (task::Status::Done, Some(s1.assignment.0)));
    // Care writing of its own accord waits for nothing; the patient's next message does.
    say(&s1.identity, "Hör av dig om du undrar.").await;
    assert!(waiting(&app).await.is_empty());
    say(&p1.identity, "Tack, en sak till.").await;
    assert_eq!(waiting(&app).await.len(), 1);
}

/// An answer may be given by phone: then words end the task, and the next message is a task again.
#[tokio::test]
async fn a_message_that_was_answered_in_another_way_is_ended_in_words_and_the_next_one_waits_anew() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let input = json!({ "careUnitId": global(NodeKind::CareUnit, s1.unit), "subject": "Provsvar", "body": "Har det kommit?" });
    let started = act(&app, &p1.identity, "threadStart", "thread { id }", input).await.ok();
    let thread = started.text("/threadStart/thread/id");
    let id = global(NodeKind::Task, waiting(&app).await[0].id);
    end(&app, &s1.identity, &id).await.ok();
    app.clock.advance(TimeDelta::days(2));
    let sent = json!({ "threadId": thread, "body": "En sak till" });
    act(&app, &p1.identity, "messageSend", "message { id }", sent).await.ok();
    let next = waiting(&app).await;
    assert_eq!(next.len(), 1);
    assert!(next[0].due_at > app.clock.now(), "under a promise of its own");
}
