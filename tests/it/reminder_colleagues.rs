//! Mail to staff: that there is something new, once for a while of news, to who has chosen it and works there, and never
//! what it is.

use chrono::TimeDelta;
use entity::{
    assignment,
    notice::{self, State},
    staff_notice, task,
};
use harness::{Answer, Staff, TestApp, relate};
use patientkontrakt::{
    domain::sweep,
    graphql::scalars::NodeKind,
    reminder::channel::{FailureCode, Outcome, Recipient},
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, sea_query::Expr};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::{book, publish},
    reminders::{notices, say, worker},
    task::raise_about,
};

const CHOICE: &str = "assignment { staffNotices { optedIn mail reachable about rowVersion } }";

async fn choose(app: &TestApp, who: &Staff, yes: bool, about: &str, version: i32) -> Answer {
    let input = json!({
        "assignmentId": global(NodeKind::Assignment, who.assignment), "optedIn": yes, "about": about,
        "mail": "vi@exempel.se", "expectedRowVersion": version,
    });
    act(app, &who.identity, "staffNoticesSet", CHOICE, input).await
}

/// P1 writes to the unit.
async fn write(app: &TestApp) {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let input = json!({
        "careUnitId": global(NodeKind::CareUnit, s1.unit), "subject": p1.canary, "body": p1.canary,
    });
    act(app, &p1.identity, "threadStart", "thread { id }", input).await.ok();
}

/// Lets the quarter of an hour pass and looks for what is new.
async fn a_while_passes(app: &TestApp) {
    app.clock.advance(TimeDelta::minutes(16));
    for _ in 0..2 {
        sweep::run(&app.core).await.unwrap();
    }
}

async fn to_staff(app: &TestApp) -> Vec<notice::Model> {
    notices(app).await.into_iter().filter(|n| n.kind == notice::Kind::Staff).collect()
}

#[tokio::test]
async fn what_is_new_at_the_unit_is_one_mail_that_tells_nothing() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let chosen = choose(&app, s1, true, "UNIT", 0).await.ok();
    assert_eq!(
        chosen.at("/staffNoticesSet/assignment/staffNotices"),
        &json!({ "optedIn": true, "mail": "vi@exempel.se", "reachable": true, "about": "UNIT", "rowVersion": 1 })
    );
    app.clock.advance(TimeDelta::seconds(1));
    for _ in 0..3 {
        write(&app).await;
    }
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &p1.identity, &slots[0]).await.ok();
    a_while_passes(&app).await;
    assert_eq!(to_staff(&app).await.len(), 1, "one for all of it");
    let (worker, fake) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    {
        let all = fake.ledger.lock().unwrap();
        assert_eq!(all[0].to, Recipient::Mail("vi@exempel.se".parse().unwrap()));
        let mail = format!("{:?}", all[0].rendered);
        assert!(mail.contains("något nytt"), "{mail}");
        for word in [p1.canary, "Granen", "Etta", "1982", "2027"] {
            assert!(!mail.contains(word), "{word} in {mail}");
        }
        assert!(all[0].rendered.unsubscribe_url.is_none() && all[0].rendered.ics.is_none());
    }
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    // The patient's data were not read for it.
    let log =
        app.run(&p1.identity, "{ me { accessLog(first: 50) { nodes { action } } } }", json!({})).await.ok();
    assert!(!log.body.to_string().contains("noticeSend"), "{}", log.body);
    // Nothing new, nothing told; something new, one more.
    a_while_passes(&app).await;
    assert_eq!(to_staff(&app).await.len(), 1);
    write(&app).await;
    a_while_passes(&app).await;
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    assert_eq!(to_staff(&app).await.len(), 2);
}

#[tokio::test]
async fn who_chose_their_own_tasks_hears_of_those_alone_and_managers_of_what_has_risen() {
    let app = TestApp::new().await;
    let (s1, manager, p1) = (&app.world.s1, &app.world.manager, &app.world.p1);
    relate(&app.core, s1, p1).await;
    choose(&app, s1, true, "OWN", 0).await.ok();
    choose(&app, manager, true, "UNIT", 0).await.ok();
    app.clock.advance(TimeDelta::seconds(1));
    write(&app).await;
    let open = raise_about(&app, s1, p1, task::Kind::Letter, uuid::Uuid::new_v4(), None).await;
    a_while_passes(&app).await;
    assert!(to_staff(&app).await.is_empty(), "nobody's yet");
    let input = json!({ "taskId": global(NodeKind::Task, open), "expectedRowVersion": 1 });
    act(&app, &s1.identity, "taskTake", "task { id }", input).await.ok();
    a_while_passes(&app).await;
    let mine = to_staff(&app).await;
    let choices = staff_notice::Entity::find().all(app.core.db.reader()).await.unwrap();
    let of = |who: &Staff| choices.iter().find(|row| row.assignment_id == who.assignment).unwrap().id;
    assert_eq!(mine.iter().map(|n| n.staff_notice_id).collect::<Vec<_>>(), [Some(of(s1))]);
    app.clock.advance(TimeDelta::days(40));
    sweep::run(&app.core).await.unwrap();
    a_while_passes(&app).await;
    let risen: Vec<_> =
        to_staff(&app).await.into_iter().filter(|n| n.staff_notice_id == Some(of(manager))).collect();
    assert_eq!(risen.len(), 1, "{risen:?}");
}

#[tokio::test]
async fn a_no_the_end_of_the_assignment_and_a_dead_address_hold_it_back() {
    for why in ["OPTED_OUT", "NOT_STAFF", "BAD_ADDRESS"] {
        let app = TestApp::new().await;
        let (s1, manager) = (&app.world.s1, &app.world.manager);
        choose(&app, s1, true, "UNIT", 0).await.ok();
        app.clock.advance(TimeDelta::seconds(1));
        write(&app).await;
        a_while_passes(&app).await;
        let (worker, fake) = worker(&app);
        match why {
            "OPTED_OUT" => {
                choose(&app, s1, false, "UNIT", 1).await.ok();
            }
            "NOT_STAFF" => {
                let row = assignment::Entity::find_by_id(s1.assignment).one(app.core.db.reader()).await;
                let mut row = row.unwrap().unwrap().into_active_model();
                row.valid_until = sea_orm::ActiveValue::Set(Some(app.clock.now()));
                row.update(app.core.db.reader()).await.unwrap();
            }
            _ => *fake.answers.lock().unwrap() = vec![Outcome::Fail { reason: FailureCode::BadAddress }],
        }
        let tick = worker.tick().await.unwrap();
        assert_eq!(tick.sent, 0, "{why}: {tick:?}");
        let found = to_staff(&app).await;
        let state = match why {
            "OPTED_OUT" => State::Withdrawn,
            "NOT_STAFF" => State::Suppressed,
            _ => State::Failed,
        };
        assert_eq!((found[0].state, found[0].reason.as_deref()), (state, Some(why)));
        write(&app).await;
        a_while_passes(&app).await;
        assert_eq!(to_staff(&app).await.len(), 1, "{why}: no more of them");
        if why == "BAD_ADDRESS" {
            // It is on the list of what did not arrive, about nobody; a new address mends it.
            let unit = global(NodeKind::CareUnit, s1.unit);
            let list = "query($unit: ID!) { careUnit(id: $unit) { undeliveredReminders(first: 5) { nodes { \
                        occasion channel patient { familyName } } } } }";
            let seen = app.run(&manager.identity, list, json!({ "unit": unit })).await.ok();
            assert_eq!(
                seen.at("/careUnit/undeliveredReminders/nodes"),
                &json!([{ "occasion": "STAFF", "channel": "MAIL", "patient": Value::Null }])
            );
            let own = "{ myAssignment { staffNotices { reachable rowVersion } } }";
            let seen = app.run(&s1.identity, own, json!({})).await.ok();
            assert_eq!(
                seen.at("/myAssignment/staffNotices"),
                &json!({ "reachable": false, "rowVersion": 2 })
            );
            choose(&app, s1, true, "UNIT", 2).await.ok();
            app.clock.advance(TimeDelta::seconds(1));
            write(&app).await;
            a_while_passes(&app).await;
            assert_eq!(worker.tick().await.unwrap().sent, 1);
        }
    }
}

#[tokio::test]
async fn mail_to_staff_waits_for_the_sending_hours_a_paused_channel_and_is_given_up_when_it_is_old() {
    use patientkontrakt::reminder::pause;
    let app = TestApp::new().await;
    choose(&app, &app.world.s1, true, "UNIT", 0).await.ok();
    app.clock.set("2027-02-01T21:00:00Z".parse().unwrap());
    write(&app).await;
    a_while_passes(&app).await;
    let (worker, fake) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().claimed, 0, "at night");
    app.clock.set("2027-02-02T07:00:00Z".parse().unwrap());
    pause::pause(&app.core.db, entity::contact_way::Channel::Mail, app.clock.now()).await.unwrap();
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    pause::resume(&app.core.db, entity::contact_way::Channel::Mail).await.unwrap();
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    write(&app).await;
    a_while_passes(&app).await;
    notice::Entity::update_many()
        .col_expr(notice::Column::UselessAt, Expr::value(app.clock.now()))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(worker.tick().await.unwrap().missed, 1);
    assert_eq!(fake.sent().len(), 1);
}

#[tokio::test]
async fn each_chooses_for_themself_with_an_address_that_can_be_one() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    say(&app, p1, "MAIL", false).await;
    let mutation = "staffNoticesSet";
    let input = |mail: Option<&str>, yes: bool, version: i32| {
        json!({ "assignmentId": global(NodeKind::Assignment, s1.assignment), "optedIn": yes, "mail": mail,
                "expectedRowVersion": version })
    };
    for (who, mail, yes, version, code) in [
        (&s1.identity, None, true, 0, "BAD_USER_INPUT"),
        (&s1.identity, Some("ingen adress"), true, 0, "BAD_USER_INPUT"),
        (&s1.identity, Some("vi@exempel.se"), true, 1, "STALE_ROW_VERSION"),
        (&s2.identity, Some("vi@exempel.se"), true, 0, "NOT_FOUND"),
        (&p1.identity, Some("vi@exempel.se"), true, 0, "FORBIDDEN"),
    ] {
        let answer = act(&app, who, mutation, CHOICE, input(mail, yes, version)).await;
        assert_eq!(answer.user_error_codes(mutation), [code], "{}", answer.body);
    }
    // A no of somebody who never said yes is no choice.
    let none = act(&app, &s1.identity, mutation, CHOICE, input(None, false, 0)).await.ok();
    assert!(none.at("/staffNoticesSet/assignment/staffNotices").is_null());
    choose(&app, s1, true, "UNIT", 0).await.ok();
    let other = "query($id: ID!) { node(id: $id) { ... on Assignment { hsaId staffNotices { mail } } } }";
    let id = global(NodeKind::Assignment, s1.assignment);
    let seen = app.run(&app.world.manager.identity, other, json!({ "id": id })).await.ok();
    assert!(seen.at("/node/hsaId").is_string() && seen.at("/node/staffNotices").is_null(), "{}", seen.body);
    // What is kept of the address is sealed.
    let row = staff_notice::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert!(!row.address.0.windows(9).any(|part| part == b"vi@exempe"));
}
