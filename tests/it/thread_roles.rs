//! Messages to a role: whoever holds it answers, whoever steps in while they are away, and else the unit; closing; and what
//! listeners hear.

use chrono::TimeDelta;
use entity::{AssignmentId, care_contact, care_unit, representative, task};
use futures_util::{StreamExt as _, future::join_all};
use harness::{Answer, Staff, TestApp, TestPatient, colleague, relate, represent};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use sea_orm::{EntityTrait, sea_query::Expr};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    contacts::{appoint, at, stand, sweep, tasks, to_role},
    hearing::{listen, listen_for, next, subscribe},
};

pub(crate) const THREAD: &str = "thread { id status toRole toTreatingKind unreadCount \
     answerer { name function insteadOf awayUntil } readers { kind name messageId readAt } messages { nodes { id } } }";

pub(crate) async fn write_to(app: &TestApp, patient: &TestPatient, to: Value) -> Answer {
    let mut input = json!({ "subject": "Min medicin", "body": "Hej" });
    for (name, value) in to.as_object().unwrap() {
        input[name] = value.clone();
    }
    act(app, &patient.identity, "threadStart", THREAD, input).await
}

pub(crate) async fn send(app: &TestApp, who: &Identity, thread: &Value, body: &str) -> Answer {
    let input = json!({ "threadId": thread["id"], "body": body });
    act(app, who, "messageSend", "message { id } thread { unreadCount }", input).await
}

/// Who has the open task of answering.
pub(crate) async fn assignee(app: &TestApp, thread: &Value) -> Option<AssignmentId> {
    let tasks = tasks(app, task::Kind::UnansweredMessage, &thread["id"]).await;
    let open: Vec<_> = tasks.iter().filter(|task| task.status == task::Status::Open).collect();
    assert_eq!(open.len(), 1);
    open[0].assignee_id
}

pub(crate) async fn answerer(app: &TestApp, thread: &Value) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on Thread { answerer { name insteadOf } } } }";
    let p1 = &app.world.p1.identity;
    app.run(p1, query, json!({ "id": thread["id"] })).await.ok().at("/node/answerer").clone()
}

pub(crate) async fn away(
    app: &TestApp,
    who: &Staff,
    from: &str,
    until: &str,
    substitute: Option<&Staff>,
) -> Value {
    let input = json!({
        "who": { "assignmentId": global(NodeKind::Assignment, who.assignment) }, "from": from, "until": until,
        "substituteId": substitute.map(|s| global(NodeKind::Assignment, s.assignment)),
    });
    let answer = act(app, &who.identity, "contactAbsenceRegister", "absence { id rowVersion }", input).await;
    answer.ok().at("/contactAbsenceRegister/absence").clone()
}

/// A thread of P1 to the fast vårdkontakt, who is S1.
pub(crate) async fn to_fixed_contact(app: &TestApp) -> (Value, Value) {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let contact = appoint(app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    let answer = write_to(app, p1, json!({ "contactId": contact["id"] })).await.ok();
    (answer.at("/threadStart/thread").clone(), contact)
}

/// R: to a role, not only a person: an absence loses no message, it moves the thread to the substitute.
#[tokio::test]
async fn a_message_to_a_role_goes_to_its_holder_and_moves_to_the_substitute_while_the_holder_is_away() {
    let app = TestApp::new().await;
    let world = &app.world;
    let (thread, _) = to_fixed_contact(&app).await;
    assert_eq!(thread["toRole"], "FAST_VARDKONTAKT");
    assert_eq!(thread["answerer"]["name"], "Stina Exempel");
    assert_eq!(assignee(&app, &thread).await, Some(world.s1.assignment));
    away(&app, &world.s1, "2027-02-01T07:00:00+01:00", "2027-02-02T00:00:00+01:00", Some(&world.coordinator))
        .await;
    assert_eq!(assignee(&app, &thread).await, Some(world.coordinator.assignment));
    let instead = json!({ "name": "Kim Exempel", "insteadOf": "Stina Exempel" });
    assert_eq!(answerer(&app, &thread).await, instead);
    // The substitute answers, and what is asked then is the substitute's too.
    send(&app, &world.coordinator.identity, &thread, "Jag vikarierar.").await.ok();
    assert_eq!(stand(&app, task::Kind::UnansweredMessage, &thread["id"]).await, [task::Status::Done]);
    send(&app, &world.p1.identity, &thread, "Tack. En sak till?").await.ok();
    assert_eq!(assignee(&app, &thread).await, Some(world.coordinator.assignment));
    // Back at work: at once, without anything having been stored.
    app.clock.advance(TimeDelta::days(1));
    assert_eq!(answerer(&app, &thread).await, json!({ "name": "Stina Exempel", "insteadOf": null }));
}

/// R: an absence loses no message: not even where whoever steps in is away too.
#[tokio::test]
async fn whoever_steps_in_and_is_away_too_is_followed_once_and_then_the_unit_answers() {
    let app = TestApp::new().await;
    let (s1, kim, p1) = (&app.world.s1, &app.world.coordinator, &app.world.p1);
    let asta = colleague(&app.core, s1, "Asta Exempel").await;
    let (thread, contact) = to_fixed_contact(&app).await;
    let (from, until) = ("2027-02-01T07:00:00+01:00", "2027-02-03T00:00:00+01:00");
    away(&app, s1, from, until, Some(kim)).await;
    away(&app, kim, from, "2027-02-02T00:00:00+01:00", Some(&asta)).await;
    let instead = |name: &str| json!({ "name": name, "insteadOf": "Stina Exempel" });
    let anew = write_to(&app, p1, json!({ "contactId": contact["id"] })).await.ok();
    let threads = [thread, anew.at("/threadStart/thread").clone()];
    for thread in &threads {
        assert_eq!(answerer(&app, thread).await, instead("Asta Exempel"));
        assert_eq!(assignee(&app, thread).await, Some(asta.assignment));
    }
    away(&app, &asta, from, until, None).await;
    for thread in &threads {
        assert_eq!(answerer(&app, thread).await, instead("Vårdcentralen Granen"));
        assert_eq!(assignee(&app, thread).await, None, "the unit's");
    }
    let last = write_to(&app, p1, json!({ "contactId": contact["id"] })).await.ok();
    assert_eq!(assignee(&app, last.at("/threadStart/thread")).await, None);
    app.clock.advance(TimeDelta::days(1));
    assert_eq!(answerer(&app, &threads[0]).await, instead("Kim Exempel"), "back at work");
}

#[tokio::test]
async fn a_task_goes_past_whoever_is_away_too_when_the_absence_begins_and_stays_there() {
    let app = TestApp::new().await;
    let (s1, kim) = (&app.world.s1, &app.world.coordinator);
    let asta = colleague(&app.core, s1, "Asta Exempel").await;
    let (thread, _) = to_fixed_contact(&app).await;
    let (from, until) = ("2027-02-02T00:00:00+01:00", "2027-02-20T00:00:00+01:00");
    away(&app, s1, from, until, Some(kim)).await;
    away(&app, kim, from, until, Some(&asta)).await;
    assert_eq!(assignee(&app, &thread).await, Some(s1.assignment), "still at work");
    app.clock.advance(TimeDelta::days(1));
    for _ in 0..2 {
        sweep(&app).await;
        assert_eq!(assignee(&app, &thread).await, Some(asta.assignment));
    }
    let task = &tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await[0];
    assert_eq!(task.row_version, 2, "moved once");
}

/// R: unanswered messages rise to the unit; an absence that begins later moves them when it begins.
#[tokio::test]
async fn an_absence_without_a_substitute_gives_the_message_to_the_unit_and_then_to_its_manager() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let (thread, _) = to_fixed_contact(&app).await;
    away(&app, s1, "2027-02-02T00:00:00+01:00", "2027-02-20T00:00:00+01:00", None).await;
    assert_eq!(assignee(&app, &thread).await, Some(s1.assignment), "still at work");
    app.clock.advance(TimeDelta::days(1));
    sweep(&app).await;
    assert_eq!(assignee(&app, &thread).await, None, "the unit's");
    let unit = json!({ "name": "Vårdcentralen Granen", "insteadOf": "Stina Exempel" });
    assert_eq!(answerer(&app, &thread).await, unit);
    sweep(&app).await;
    let before = tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await;
    assert!(before[0].raised_to_manager_at.is_none());
    // Wednesday at closing time the promise was due.
    app.clock.set(at("2027-02-03T17:00:01+01:00"));
    sweep(&app).await;
    let after = tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await;
    assert!(after[0].raised_to_manager_at.is_some());
}

/// R: unanswered ones rise to the unit, also where whoever should have answered is at work; the promise is in the
/// unit's own working hours.
#[tokio::test]
async fn what_its_holder_does_not_answer_in_time_rises_to_the_unit_and_ends_with_anybodys_answer() {
    let app = TestApp::new().await;
    let world = &app.world;
    let (s1, p1) = (&world.s1, &world.p1);
    // Tuesday the unit is closed: what is written on Monday is answered by Thursday at closing time.
    care_unit::Entity::update_many()
        .col_expr(care_unit::Column::ClosingDays, Expr::value("[\"2027-02-02\"]"))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    let (thread, _) = to_fixed_contact(&app).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Thread { answerBy } } }";
    let seen = app.run(&p1.identity, query, json!({ "id": thread["id"] })).await.ok();
    assert_eq!(seen.text("/node/answerBy"), "2027-02-04T16:00:00+00:00");
    let risen = async |who: &Identity| {
        let query = "query($unit: ID!) { careUnit(id: $unit) { tasks(filter: { risen: true, kinds: [UNANSWERED_MESSAGE] }) { nodes { kind risenAt } } } }";
        let unit = json!({ "unit": global(NodeKind::CareUnit, s1.unit) });
        let seen = app.run(who, query, unit).await.ok();
        seen.at("/careUnit/tasks/nodes").as_array().unwrap().len()
    };
    app.clock.set(at("2027-02-04T17:00:00+01:00"));
    sweep(&app).await;
    assert_eq!((risen(&world.manager.identity).await, risen(&world.coordinator.identity).await), (0, 0));
    app.clock.set(at("2027-02-04T17:00:01+01:00"));
    sweep(&app).await;
    for who in [&world.manager, &world.coordinator, s1] {
        assert_eq!(risen(&who.identity).await, 1);
    }
    assert_eq!(assignee(&app, &thread).await, Some(s1.assignment), "and is still its holder's");
    // Anybody of the unit may answer.
    send(&app, &world.coordinator.identity, &thread, "Svar").await.ok();
    assert_eq!(stand(&app, task::Kind::UnansweredMessage, &thread["id"]).await, [task::Status::Done]);
    assert_eq!(risen(&world.manager.identity).await, 0);
}

pub(crate) async fn answer_by(app: &TestApp, thread: &Value) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on Thread { answerBy } } }";
    let p1 = &app.world.p1.identity;
    app.run(p1, query, json!({ "id": thread["id"] })).await.ok().at("/node/answerBy").clone()
}

/// R: only who was asked ends the promise and the task: a colleague at another unit may write, and may neither answer
/// for the unit nor close its conversation.
#[tokio::test]
async fn a_colleague_at_another_unit_may_write_and_leaves_the_answer_to_the_unit_that_was_asked() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s2, p1).await;
    let unit = json!({ "careUnitId": global(NodeKind::CareUnit, s1.unit) });
    let thread = write_to(&app, p1, unit).await.ok().at("/threadStart/thread").clone();
    let promised = answer_by(&app, &thread).await;
    let waits = async || stand(&app, task::Kind::UnansweredMessage, &thread["id"]).await;
    let close = async |who: &Staff| {
        let input = json!({ "threadId": thread["id"] });
        act(&app, &who.identity, "threadClose", THREAD, input).await.user_error_codes("threadClose")
    };
    app.clock.advance(TimeDelta::hours(1));
    send(&app, &s2.identity, &thread, "Hälsar från grannmottagningen.").await.ok();
    assert!(promised.is_string());
    assert_eq!(answer_by(&app, &thread).await, promised);
    assert_eq!(waits().await, [task::Status::Open]);
    assert_eq!(close(s2).await, ["FORBIDDEN"]);
    send(&app, &p1.identity, &thread, "Tack, men min fråga?").await.ok();
    assert_eq!(answer_by(&app, &thread).await, promised, "the promise stands");
    send(&app, &s1.identity, &thread, "Svar").await.ok();
    assert!(answer_by(&app, &thread).await.is_null());
    assert_eq!(waits().await, [task::Status::Done]);
    assert_eq!(close(s2).await, ["FORBIDDEN"]);
    let silent: [&str; 0] = [];
    assert_eq!(close(s1).await, silent);
}

#[tokio::test]
async fn whoever_holds_the_role_answers_wherever_they_work() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    let (thread, contact) = to_fixed_contact(&app).await;
    relate(&app.core, s2, p1).await;
    send(&app, &s2.identity, &thread, "Fråga dem.").await.ok();
    assert!(answer_by(&app, &thread).await.is_string(), "a colleague who was not asked");
    let input = json!({
        "contactId": contact["id"], "expectedRowVersion": contact["rowVersion"], "reason": "Byter uppdrag",
        "consultation": "CONSULTED",
    });
    act(&app, &s1.identity, "contactEnd", "contact { id }", input).await.ok();
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s2)).await;
    send(&app, &s2.identity, &thread, "Nu är det jag.").await.ok();
    assert!(answer_by(&app, &thread).await.is_null());
    assert_eq!(stand(&app, task::Kind::UnansweredMessage, &thread["id"]).await, [task::Status::Done]);
}

#[tokio::test]
async fn a_thread_follows_its_role_to_whoever_holds_it() {
    let app = TestApp::new().await;
    let world = &app.world;
    let (thread, contact) = to_fixed_contact(&app).await;
    let input = json!({
        "contactId": contact["id"], "expectedRowVersion": contact["rowVersion"], "reason": "Byter uppdrag",
        "consultation": "CONSULTED",
    });
    act(&app, &world.s1.identity, "contactEnd", "contact { id }", input).await.ok();
    let unit = json!({ "name": "Vårdcentralen Granen", "insteadOf": null });
    assert_eq!(answerer(&app, &thread).await, unit, "until somebody holds the role");
    appoint(&app, &world.s1, to_role(&world.p1, "FAST_VARDKONTAKT", &world.coordinator)).await;
    assert_eq!(answerer(&app, &thread).await, json!({ "name": "Kim Exempel", "insteadOf": null }));
}

#[tokio::test]
async fn only_a_contact_of_ones_own_who_is_care_and_holds_the_role_can_be_written_to() {
    let app = TestApp::new().await;
    let world = &app.world;
    let (_, contact) = to_fixed_contact(&app).await;
    let refused = async |patient: &TestPatient, to: Value| {
        write_to(&app, patient, to).await.user_error_codes("threadStart")
    };
    assert_eq!(refused(&world.p2, json!({ "contactId": contact["id"] })).await, ["NOT_FOUND"]);
    let unit = global(NodeKind::CareUnit, world.s1.unit);
    assert_eq!(refused(&world.p1, json!({})).await, ["BAD_USER_INPUT"]);
    let both = json!({ "careUnitId": unit, "contactId": contact["id"] });
    assert_eq!(refused(&world.p1, both).await, ["BAD_USER_INPUT"]);
    let supporter = appoint(&app, &world.s1, to_role(&world.p1, "SUPPORTER", &world.coordinator)).await;
    assert_eq!(refused(&world.p1, json!({ "contactId": supporter["id"] })).await, ["BAD_USER_INPUT"]);
    app.clock.advance(TimeDelta::days(1));
    care_contact::Entity::update_many()
        .col_expr(care_contact::Column::ValidUntil, Expr::value(app.clock.now()))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(refused(&world.p1, json!({ "contactId": contact["id"] })).await, ["WRONG_STATE"]);
}

/// R: care writes to care about a patient, and the one who is asked has a task until it is answered.
#[tokio::test]
async fn care_closes_a_thread_once_nobody_waits_and_opens_it_again() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (thread, _) = to_fixed_contact(&app).await;
    let turn = async |who: &Identity, mutation: &str| {
        act(&app, who, mutation, THREAD, json!({ "threadId": thread["id"] })).await
    };
    assert_eq!(turn(&p1.identity, "threadClose").await.user_error_codes("threadClose"), ["FORBIDDEN"]);
    let waits = turn(&s1.identity, "threadClose").await;
    assert_eq!(waits.user_error_codes("threadClose"), ["WRONG_STATE"]);
    assert_eq!(waits.at("/threadClose/thread/status"), "OPEN", "as it is");
    assert_eq!(turn(&s1.identity, "threadReopen").await.user_error_codes("threadReopen"), ["WRONG_STATE"]);
    send(&app, &s1.identity, &thread, "Svar").await.ok();
    let closed = turn(&s1.identity, "threadClose").await.ok();
    assert_eq!(closed.at("/threadClose/thread/status"), "CLOSED");
    let refused = send(&app, &p1.identity, &thread, "Hallå?").await;
    assert_eq!(refused.user_error_codes("messageSend"), ["WRONG_STATE"]);
    turn(&s1.identity, "threadReopen").await.ok();
    send(&app, &p1.identity, &thread, "Hallå!").await.ok();
    let entries = entity::change_entry::Entity::find().all(app.core.db.reader()).await.unwrap();
    let acts: Vec<_> =
        entries.iter().filter(|e| e.subject_kind == "thread").map(|e| e.action.as_str()).collect();
    assert_eq!(acts, ["threadClose", "threadReopen"]);
}

/// R: read receipts: who has read how far, and when, on both sides.
#[tokio::test]
async fn everybody_who_has_read_is_shown_with_how_far_and_when() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    let (thread, _) = to_fixed_contact(&app).await;
    let first = thread["messages"]["nodes"][0]["id"].clone();
    let second =
        send(&app, &world.s1.identity, &thread, "Svar").await.ok().at("/messageSend/message/id").clone();
    let mark = async |who: &Identity, message: &Value| {
        let input = json!({ "threadId": thread["id"], "messageId": message });
        let marked = act(&app, who, "threadMarkRead", THREAD, input).await.ok();
        marked.at("/threadMarkRead/thread/readers").clone()
    };
    mark(&world.s1.identity, &first).await;
    app.clock.advance(TimeDelta::hours(1));
    mark(&world.coordinator.identity, &second).await;
    app.clock.advance(TimeDelta::hours(1));
    let readers = mark(&p1.identity, &second).await;
    let reader = |kind: &str, name: &str, message: &Value, at: &str| json!({ "kind": kind, "name": name, "messageId": message, "readAt": format!("2027-02-01T{at}:00:00+00:00") });
    assert_eq!(
        readers,
        json!([
            reader("STAFF", "Stina Exempel", &second, "07"),
            reader("STAFF", "Kim Exempel", &second, "08"),
            reader("PATIENT", "Etta Kanariesson", &second, "09"),
        ])
    );
}

/// R: unread counts are never stale, whatever happens at once.
#[tokio::test]
async fn the_count_of_unread_messages_is_right_while_many_write_and_read_at_once() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (thread, _) = to_fixed_contact(&app).await;
    let writers = (0..24).map(async |n: usize| {
        let id = send(&app, &s1.identity, &thread, &format!("Nummer {n}")).await.ok();
        let id = id.at("/messageSend/message/id").clone();
        if n.is_multiple_of(3) {
            let input = json!({ "threadId": thread["id"], "messageId": id });
            let marked = act(&app, &p1.identity, "threadMarkRead", THREAD, input).await.ok();
            let count = marked.at("/threadMarkRead/thread/unreadCount").as_i64().unwrap();
            assert!((0..24).contains(&count), "{count}");
        }
        id.as_str().map(crate::acts::row).unwrap()
    });
    let mut written: Vec<_> = join_all(writers).await.into_iter().enumerate().collect();
    written.sort_by_key(|(_, id)| *id);
    // Those after the furthest mark are unread, and no others.
    let last_marked = written.iter().rposition(|(n, _)| n % 3 == 0).unwrap();
    let query = "query($id: ID!) { node(id: $id) { ... on Thread { unreadCount } } }";
    let seen = app.run(&p1.identity, query, json!({ "id": thread["id"] })).await.ok();
    assert_eq!(seen.at("/node/unreadCount").as_u64().unwrap() as usize, written.len() - 1 - last_marked);
}

/// The policy is asked at every event: the patient, a representative with the right part, staff with a care relation.
#[tokio::test]
async fn a_message_is_heard_by_those_who_may_read_it_and_by_nobody_else() {
    let app = TestApp::new().await;
    let world = &app.world;
    let p1 = &world.p1;
    let kind = representative::Kind::Relative;
    let reader = represent(&app.core, p1, kind, "199001012389", r#"{"MESSAGES":"READ"}"#, false).await;
    let booker = represent(&app.core, p1, kind, "199101012388", r#"{"BOOKING":"ACT"}"#, false).await;
    let all = "subscription { threadChanged { id messages(first: 1) { nodes { body } } } }";
    let mut heard = Vec::new();
    for (who, acting_for) in [
        (&p1.identity, None),
        (&world.s1.identity, None),
        (&reader.identity, Some(p1)),
        (&world.p2.identity, None),
        (&world.s2.identity, None),
    ] {
        heard.push(listen_for(&app, who, acting_for, all).await);
    }
    // Who has no part in messages may not even ask.
    let mut refused = subscribe(&app, &booker.identity, Some(p1), all).await;
    assert_eq!(next(&mut refused).await["errors"][0]["extensions"]["code"], "FORBIDDEN");

    let unit = global(NodeKind::CareUnit, world.s1.unit);
    let started = write_to(&app, p1, json!({ "careUnitId": unit })).await.ok();
    let thread = started.at("/threadStart/thread").clone();
    for (n, stream) in heard.iter_mut().take(3).enumerate() {
        let news = next(stream).await;
        assert_eq!(news["data"]["threadChanged"]["id"], thread["id"], "{n}: {news}");
        assert_eq!(news["data"]["threadChanged"]["messages"]["nodes"][0]["body"], "Hej");
    }
    send(&app, &world.s1.identity, &thread, "Svar").await.ok();
    for stream in heard.iter_mut().take(3) {
        let news = next(stream).await;
        assert_eq!(news["data"]["threadChanged"]["messages"]["nodes"][0]["body"], "Svar", "{news}");
    }
    for stream in heard.iter_mut().skip(3) {
        assert!(futures_util::poll!(stream.next()).is_pending(), "nothing for others");
    }
    // Staff whose care relation has ended hear no more, and following one thread ends.
    let one = format!("subscription {{ threadChanged(threadId: {}) {{ id }} }}", thread["id"]);
    let mut following = listen(&app, &world.s1.identity, &one).await;
    app.clock.advance(TimeDelta::days(1));
    entity::care_relation::Entity::update_many()
        .col_expr(entity::care_relation::Column::ValidUntil, Expr::value(app.clock.now()))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    let mark = json!({ "threadId": thread["id"], "messageId": thread["messages"]["nodes"][0]["id"] });
    act(&app, &p1.identity, "threadMarkRead", THREAD, mark).await.ok();
    assert_eq!(next(&mut heard[0]).await["data"]["threadChanged"]["id"], thread["id"]);
    assert_eq!(next(&mut following).await["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert!(following.next().await.is_none(), "it ends");
    assert!(futures_util::poll!(heard[1].next()).is_pending());
    let not_ones_own = next(&mut subscribe(&app, &world.p2.identity, None, &one).await).await;
    assert_eq!(not_ones_own["errors"][0]["extensions"]["code"], "NOT_FOUND");
}

/// The statements of reading: a list of threads with who answers, one; with messages and readers, one more each.
#[tokio::test]
async fn reading_threads_costs_as_many_statements_for_many_as_for_one() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let (thread, contact) = to_fixed_contact(&app).await;
    let list =
        "{ me { threads { nodes { id subject unreadCount answerBy answerer { name } messageHours } } } }";
    let whole = "query($id: ID!) { node(id: $id) { ... on Thread { id answerer { name } \
                 readers { name } messages(first: 50) { totalCount nodes { body readAt } } } } }";
    let count = async |query: &str| {
        let (answer, statements) =
            app.statements(app.run(&p1.identity, query, json!({ "id": thread["id"] }))).await;
        answer.ok();
        statements.len()
    };
    let few = (count(list).await, count(whole).await);
    for _ in 0..5 {
        write_to(&app, p1, json!({ "contactId": contact["id"] })).await.ok();
        send(&app, &p1.identity, &thread, "En till").await.ok();
    }
    let many = (count(list).await, count(whole).await);
    assert_eq!(few, many);
    assert!(many.0 <= 2 && many.1 <= 3, "{many:?}");
}
