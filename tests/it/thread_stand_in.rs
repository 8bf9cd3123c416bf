//! The task of answering while somebody is away, and when they are back.

use chrono::TimeDelta;
use entity::{AssignmentId, CareUnitId, change_entry, task};
use harness::{Staff, TestApp, colleague};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    contacts::{appoint, stand, sweep, tasks, to_role},
    thread_roles::{answer_by, answerer, assignee, away, send, to_fixed_contact, write_to},
};

const FROM: &str = "2027-02-01T07:00:00+01:00";
const UNTIL: &str = "2027-02-20T00:00:00+01:00";

/// The absence is called off.
async fn back(app: &TestApp, who: &Staff, absence: &Value) {
    let input = json!({ "absenceId": absence["id"], "expectedRowVersion": absence["rowVersion"] });
    act(app, &who.identity, "contactAbsenceCancel", "absence { id }", input).await.ok();
}

/// P1 writes to the contact once more.
async fn write(app: &TestApp, contact: &Value) -> Value {
    let answer = write_to(app, &app.world.p1, json!({ "contactId": contact["id"] })).await.ok();
    answer.at("/threadStart/thread").clone()
}

async fn the_task(app: &TestApp, thread: &Value) -> task::Model {
    tasks(app, task::Kind::UnansweredMessage, &thread["id"]).await.remove(0)
}

/// How often the history says that the task changed hands.
async fn moves(app: &TestApp, thread: &Value) -> u64 {
    let id = the_task(app, thread).await.id;
    let entries = change_entry::Entity::find()
        .filter(change_entry::Column::Action.eq("taskAssign"))
        .filter(change_entry::Column::SubjectId.eq(id.0));
    entries.count(app.core.db.reader()).await.unwrap()
}

/// R: an absence that is called off and one that ends by itself are alike: what waits for the contact is theirs again.
#[tokio::test]
async fn a_message_goes_back_to_the_contact_when_the_absence_is_called_off_or_has_ended() {
    let app = TestApp::new().await;
    let (s1, kim) = (&app.world.s1, &app.world.coordinator);
    let (thread, contact) = to_fixed_contact(&app).await;
    let absence = away(&app, s1, FROM, UNTIL, Some(kim)).await;
    // Written while the contact is away: theirs as well.
    let meanwhile = write(&app, &contact).await;
    for thread in [&thread, &meanwhile] {
        assert_eq!(assignee(&app, thread).await, Some(kim.assignment));
    }
    back(&app, s1, &absence).await;
    for thread in [&thread, &meanwhile] {
        assert_eq!(assignee(&app, thread).await, Some(s1.assignment));
    }
    assert_eq!((moves(&app, &thread).await, moves(&app, &meanwhile).await), (2, 1));
    // One that begins and ends by itself.
    away(&app, s1, "2027-02-02T00:00:00+01:00", "2027-02-03T00:00:00+01:00", Some(kim)).await;
    for (holder, so_far) in [(kim, 3), (s1, 4)] {
        app.clock.advance(TimeDelta::days(1));
        for _ in 0..2 {
            sweep(&app).await;
            assert_eq!(assignee(&app, &thread).await, Some(holder.assignment));
            assert_eq!(moves(&app, &thread).await, so_far);
        }
    }
}

#[tokio::test]
async fn what_the_substitute_has_taken_stays_with_them_and_what_they_have_answered_is_done() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let asta = colleague(&app.core, s1, "Asta Exempel").await;
    let (taken, contact) = to_fixed_contact(&app).await;
    let answered = write(&app, &contact).await;
    let absence = away(&app, s1, FROM, UNTIL, Some(&asta)).await;
    let row = the_task(&app, &taken).await;
    assert_eq!(row.instead_of_id, Some(s1.assignment));
    let input = json!({ "taskId": global(NodeKind::Task, row.id), "expectedRowVersion": row.row_version });
    act(&app, &asta.identity, "taskTake", "task { id }", input).await.ok();
    send(&app, &asta.identity, &answered, "Jag vikarierar.").await.ok();
    back(&app, s1, &absence).await;
    sweep(&app).await;
    assert_eq!(assignee(&app, &taken).await, Some(asta.assignment));
    assert_eq!(stand(&app, task::Kind::UnansweredMessage, &answered["id"]).await, [task::Status::Done]);
}

#[tokio::test]
async fn without_a_substitute_the_unit_has_the_message_until_the_contact_is_back() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let (thread, contact) = to_fixed_contact(&app).await;
    let absence = away(&app, s1, FROM, UNTIL, None).await;
    let meanwhile = write(&app, &contact).await;
    for thread in [&thread, &meanwhile] {
        assert_eq!(assignee(&app, thread).await, None, "the unit's");
    }
    back(&app, s1, &absence).await;
    for thread in [&thread, &meanwhile] {
        assert_eq!(assignee(&app, thread).await, Some(s1.assignment));
    }
}

#[tokio::test]
async fn a_message_goes_back_when_the_absence_of_the_contact_alone_is_called_off() {
    let app = TestApp::new().await;
    let (s1, kim) = (&app.world.s1, &app.world.coordinator);
    let (thread, contact) = to_fixed_contact(&app).await;
    let input = json!({
        "who": { "contactId": contact["id"] }, "from": FROM, "until": UNTIL,
        "substituteId": global(NodeKind::Assignment, kim.assignment),
    });
    let shown = "absence { id rowVersion }";
    let answer = act(&app, &s1.identity, "contactAbsenceRegister", shown, input).await.ok();
    assert_eq!(assignee(&app, &thread).await, Some(kim.assignment));
    back(&app, s1, answer.at("/contactAbsenceRegister/absence")).await;
    assert_eq!(assignee(&app, &thread).await, Some(s1.assignment));
}

#[tokio::test]
async fn whoever_holds_the_role_no_more_when_they_are_back_is_not_given_what_was_written_to_it() {
    let app = TestApp::new().await;
    let (s1, kim) = (&app.world.s1, &app.world.coordinator);
    let (thread, contact) = to_fixed_contact(&app).await;
    let absence = away(&app, s1, FROM, UNTIL, Some(kim)).await;
    let input = json!({
        "contactId": contact["id"], "expectedRowVersion": contact["rowVersion"], "reason": "Byter uppdrag",
        "consultation": "CONSULTED",
    });
    act(&app, &s1.identity, "contactEnd", "contact { id }", input).await.ok();
    back(&app, s1, &absence).await;
    sweep(&app).await;
    assert_eq!(assignee(&app, &thread).await, Some(kim.assignment));
}

/// Where the task of answering is, whose it is, and instead of whom.
async fn with(app: &TestApp, thread: &Value) -> (CareUnitId, Option<AssignmentId>, Option<AssignmentId>) {
    let all = tasks(app, task::Kind::UnansweredMessage, &thread["id"]).await;
    let open = all.iter().find(|task| task.status == task::Status::Open).unwrap();
    (open.care_unit_id, open.assignee_id, open.instead_of_id)
}

/// R: whoever steps in has the message where they work, reads it there, and answers it.
#[tokio::test]
async fn a_message_goes_to_whoever_steps_in_at_another_unit_and_back_when_the_contact_is() {
    let app = TestApp::new().await;
    let (s1, s2) = (&app.world.s1, &app.world.s2);
    let (thread, contact) = to_fixed_contact(&app).await;
    let absence = away(&app, s1, FROM, UNTIL, Some(s2)).await;
    let meanwhile = write(&app, &contact).await;
    let theirs = (s2.unit, Some(s2.assignment), Some(s1.assignment));
    for thread in [&thread, &meanwhile] {
        assert_eq!(with(&app, thread).await, theirs);
    }
    let query = "query($unit: ID!) { careUnit(id: $unit) { tasks { nodes { kind } } } }";
    let unit = json!({ "unit": global(NodeKind::CareUnit, s2.unit) });
    let listed = app.run(&s2.identity, query, unit).await.ok();
    let answering = json!({ "kind": "UNANSWERED_MESSAGE" });
    assert_eq!(listed.at("/careUnit/tasks/nodes"), &json!([answering, answering]));
    let query = "query($id: ID!) { node(id: $id) { ... on Thread { messages { nodes { body } } } } }";
    let read = app.run(&s2.identity, query, json!({ "id": meanwhile["id"] })).await.ok();
    assert_eq!(read.at("/node/messages/nodes/0/body"), "Hej");
    let shown = answerer(&app, &meanwhile).await;
    assert_eq!(shown["insteadOf"], "Stina Exempel");
    send(&app, &s2.identity, &meanwhile, "Jag vikarierar.").await.ok();
    assert!(answer_by(&app, &meanwhile).await.is_null());
    assert_eq!(stand(&app, task::Kind::UnansweredMessage, &meanwhile["id"]).await, [task::Status::Done]);
    // What is asked then is the substitute's too; what waits goes back with its unit.
    send(&app, &app.world.p1.identity, &meanwhile, "En sak till?").await.ok();
    assert_eq!(with(&app, &meanwhile).await, theirs);
    back(&app, s1, &absence).await;
    for thread in [&thread, &meanwhile] {
        assert_eq!(with(&app, thread).await, (s1.unit, Some(s1.assignment), None));
    }
    assert_eq!(moves(&app, &thread).await, 2);
}

#[tokio::test]
async fn a_message_goes_back_to_its_unit_when_whoever_steps_in_elsewhere_is_away_too() {
    let app = TestApp::new().await;
    let (s1, s2) = (&app.world.s1, &app.world.s2);
    let (thread, _) = to_fixed_contact(&app).await;
    away(&app, s1, FROM, UNTIL, Some(s2)).await;
    away(&app, s2, FROM, UNTIL, None).await;
    assert_eq!(with(&app, &thread).await, (s1.unit, None, Some(s1.assignment)));
}

/// R: the unit that has the task of answering may answer.
#[tokio::test]
async fn a_colleague_of_whoever_steps_in_at_another_unit_answers_too() {
    let app = TestApp::new().await;
    let (s1, s2) = (&app.world.s1, &app.world.s2);
    let lena = colleague(&app.core, s2, "Lena Exempel").await;
    let (thread, _) = to_fixed_contact(&app).await;
    let absence = away(&app, s1, FROM, UNTIL, Some(s2)).await;
    let row = the_task(&app, &thread).await;
    let input = json!({ "taskId": global(NodeKind::Task, row.id), "expectedRowVersion": row.row_version });
    act(&app, &lena.identity, "taskTake", "task { id }", input).await.ok();
    back(&app, s1, &absence).await;
    // Who has taken it keeps it.
    assert_eq!(with(&app, &thread).await, (s2.unit, Some(lena.assignment), None));
    send(&app, &lena.identity, &thread, "Jag tog din fråga.").await.ok();
    assert!(answer_by(&app, &thread).await.is_null());
    assert_eq!(stand(&app, task::Kind::UnansweredMessage, &thread["id"]).await, [task::Status::Done]);
}

/// R: what is written to a role is for whoever holds it, also at another unit by now.
#[tokio::test]
async fn what_is_written_to_a_role_that_another_unit_holds_by_now_is_for_whoever_holds_it() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    let (thread, contact) = to_fixed_contact(&app).await;
    send(&app, &s1.identity, &thread, "Svar").await.ok();
    let input = json!({
        "contactId": contact["id"], "expectedRowVersion": contact["rowVersion"], "reason": "Byter uppdrag",
        "consultation": "CONSULTED",
    });
    act(&app, &s1.identity, "contactEnd", "contact { id }", input).await.ok();
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s2)).await;
    send(&app, &p1.identity, &thread, "En sak till?").await.ok();
    assert_eq!(with(&app, &thread).await, (s2.unit, Some(s2.assignment), None));
}
