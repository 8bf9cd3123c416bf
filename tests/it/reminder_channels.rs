//! What a message cannot leave by, or be made with, costs nobody more than that: a channel that is not configured, a name
//! that an SMS has no letters for, an address that does not open.

use chrono::TimeDelta;
use entity::{
    Sealed, care_provider, channel_set,
    contact_way::{self, Channel as Kind},
    notice::{self, State},
    task,
};
use harness::{TestApp, TestPatient, relate};
use patientkontrakt::{
    domain::sweep,
    graphql::scalars::NodeKind,
    reminder::{
        channel::{FailureCode, Outcome},
        outlook, pause, survey,
    },
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use crate::{
    acts::{act, global, row},
    booking::{APPOINTMENT, book, publish},
    contacts::stand,
    reminders::{notices, say, worker},
};

async fn named(app: &TestApp, name: &str) {
    care_provider::Entity::update_many()
        .col_expr(care_provider::Column::Name, Expr::value(name))
        .exec(app.core.db.reader())
        .await
        .unwrap();
}

async fn unfit(app: &TestApp) -> Vec<String> {
    let core = &app.core;
    survey::unfit(&core.db, &core.texts, &core.settings.links, core.clock.now()).await.unwrap()
}

async fn shown_texts(app: &TestApp) -> Vec<Value> {
    let texts = "{ me { reminderTexts(kind: APPOINTMENT, channel: SMS) { text } } }";
    let shown = app.run(&app.world.p1.identity, texts, json!({})).await.ok();
    shown.at("/me/reminderTexts").as_array().unwrap().clone()
}

async fn of_rule(app: &TestApp, rule: &str) -> Vec<notice::Model> {
    notices(app).await.into_iter().filter(|n| n.rule == rule).collect()
}

#[tokio::test]
async fn a_name_that_an_sms_has_no_letters_for_is_told_in_the_nearest_and_keeps_no_mail() {
    let app = TestApp::new().await;
    for channel in ["MAIL", "SMS"] {
        say(&app, &app.world.p1, channel, true).await;
    }
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    named(&app, "Sámi Vård Á®").await;
    assert!(unfit(&app).await.is_empty());
    assert!(!shown_texts(&app).await.is_empty());
    book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    let (worker, fake) = worker(&app);
    app.clock.advance(TimeDelta::days(26));
    worker.tick().await.unwrap();
    let all = notices(&app).await;
    assert!(all.iter().all(|n| n.state != State::Failed), "{all:?}");
    let told: Vec<_> = fake.ledger.lock().unwrap().iter().map(|message| message.rendered.clone()).collect();
    assert!(!told.is_empty());
    for message in told {
        assert!(message.sms.as_ref().unwrap().contains("Sami Vård A(R)"), "{:?}", message.sms);
        assert!(message.text.contains("Sámi Vård Á®"), "{}", message.text);
    }

    // Nothing of this name can stand in an SMS: mail does not mind, and operators are told.
    named(&app, "\u{1f642}").await;
    assert!(shown_texts(&app).await.is_empty());
    let told = unfit(&app).await;
    assert!(!told.is_empty() && told.iter().all(|line| line.contains("\u{1f642} at ")), "{told:?}");
    fake.ledger.lock().unwrap().clear();
    book(&app, &app.world.p1.identity, &slots[1]).await.ok();
    worker.tick().await.unwrap();
    let sent =
        fake.ledger.lock().unwrap().iter().map(|message| message.rendered.text.clone()).collect::<Vec<_>>();
    assert!(sent.iter().any(|text| text.contains('\u{1f642}')), "{sent:?}");
}

#[tokio::test]
async fn a_yes_to_a_channel_that_is_not_configured_leads_nowhere_and_stays_a_yes() {
    let app = TestApp::new().await.with_channels(&[Kind::Mail]);
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let letters = json!({
        "patientId": p1.global_id(),
        "choices": [{ "kind": "APPOINTMENT", "channel": "LETTER", "optedIn": true, "textShown": "Vi skickar brev." }],
    });
    act(&app, &s1.identity, "reminderPreferencesSet", "preferences { kind }", letters).await.ok();
    say(&app, p1, "SMS", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &p1.identity, &slots[0]).await.ok();
    assert!(notices(&app).await.is_empty(), "nothing is planned to a way that is not there");
    let listed = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::Letter));
    let listed = listed.all(app.core.db.reader()).await.unwrap();
    assert_eq!(listed.len(), 1, "the patient is not reached, and is sent a letter");
    let counted = survey::astray(&app.core.db, &app.core.settings.channels).await.unwrap();
    assert_eq!(counted, [(Kind::Sms, 2)], "of times, and of messages");

    // By mail the same times are told.
    say(&app, p1, "MAIL", true).await;
    let planned = notices(&app).await;
    assert!(!planned.is_empty() && planned.iter().all(|n| n.channel == Kind::Mail), "{planned:?}");
    // What the mail server refuses is handed to nobody who is not there: it is with staff.
    app.clock.advance(TimeDelta::days(22));
    let (worker, fake) = worker(&app);
    *fake.answers.lock().unwrap() = vec![Outcome::Fail { reason: FailureCode::Refused }];
    assert_eq!(worker.tick().await.unwrap().failed, 1);
    let refused: Vec<_> = notices(&app).await.into_iter().filter(|n| n.state == State::Failed).collect();
    assert_eq!((refused.len(), refused[0].handled_as), (1, None));
    assert!(notices(&app).await.iter().all(|n| n.channel == Kind::Mail));
}

/// The service has run with the channels of now, and starts again with these.
async fn started_with(app: TestApp, channels: &[Kind]) -> TestApp {
    sweep::run(&app.core).await.unwrap();
    app.clock.advance(TimeDelta::minutes(10));
    app.with_channels(channels)
}

/// The rungs that are still to leave about a time, and by which way.
async fn ahead(app: &TestApp, visit: &Value) -> Vec<(String, Kind)> {
    let id = row(visit.as_str().unwrap());
    let all = notices(app).await.into_iter().filter(|n| n.appointment_id.is_some_and(|of| of.0 == id));
    let planned = all.filter(|n| n.state == State::Planned && n.rule != "CONFIRMATION");
    planned.map(|n| (n.rule, n.channel)).collect()
}

fn rungs(first: Kind, rest: Kind) -> Vec<(String, Kind)> {
    let by = [("WEEK_BEFORE", first), ("BEFORE_DEADLINE", rest), ("EVENING_BEFORE", rest)];
    by.map(|(rule, channel)| (rule.to_owned(), channel)).to_vec()
}

/// Care writes down that the patient wants letters, or calls.
async fn by_hand(app: &TestApp, patient: &TestPatient, channel: &str) {
    let s1 = &app.world.s1;
    relate(&app.core, s1, patient).await;
    let input = json!({ "patientId": patient.global_id(),
        "choices": [{ "kind": "APPOINTMENT", "channel": channel, "optedIn": true, "textShown": "Vi hör av oss." }] });
    act(app, &s1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}

async fn visit(app: &TestApp, patient: &TestPatient, slot: &str) -> Value {
    book(app, &patient.identity, slot).await.ok().at("/appointmentBook/appointment/id").clone()
}

#[tokio::test]
async fn a_channel_that_is_configured_later_counts_for_what_is_booked_already() {
    let app = TestApp::new().await.with_channels(&[Kind::Mail]);
    by_hand(&app, &app.world.p1, "LETTER").await;
    say(&app, &app.world.p1, "SMS", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let visit = visit(&app, &app.world.p1, &slots[0]).await;
    assert_eq!(stand(&app, task::Kind::Letter, &visit).await, [task::Status::Open]);

    let app = started_with(app, &[Kind::Mail, Kind::Sms]).await;
    let (one, other) = tokio::join!(sweep::run(&app.core), sweep::run(&app.core));
    one.unwrap();
    other.unwrap();
    assert_eq!(ahead(&app, &visit).await, rungs(Kind::Sms, Kind::Sms));
    assert_eq!(stand(&app, task::Kind::Letter, &visit).await, [task::Status::Superseded]);
    let once = notices(&app).await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(notices(&app).await, once, "once");
    let (worker, fake) = worker(&app);
    for due in ["2027-02-22T08:00:00Z", "2027-02-24T18:30:00Z", "2027-02-28T17:00:00Z"] {
        app.clock.set(due.parse().unwrap());
        worker.tick().await.unwrap();
    }
    assert_eq!(fake.sent().len(), 3, "each rung once");
}

#[tokio::test]
async fn what_was_to_go_by_a_channel_that_is_gone_goes_by_the_other_or_by_hand_and_back_when_it_returns() {
    let app = TestApp::new().await;
    let s1 = app.world.s1.identity.clone();
    for channel in ["MAIL", "SMS"] {
        say(&app, &app.world.p1, channel, true).await;
    }
    by_hand(&app, &app.world.p2, "PHONE").await;
    say(&app, &app.world.p2, "SMS", true).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00", "2027-03-03T09:00"]).await;
    let both = visit(&app, &app.world.p1, &slots[0]).await;
    let only = visit(&app, &app.world.p2, &slots[1]).await;
    let cancelled = visit(&app, &app.world.p2, &slots[2]).await;
    let (before, _) = worker(&app);
    before.tick().await.unwrap();
    app.clock.set("2027-02-01T19:30:00Z".parse().unwrap());
    let input = json!({ "appointmentId": cancelled, "expectedRowVersion": 1 });
    act(&app, &s1, "appointmentCancel", APPOINTMENT, input).await.ok();
    assert_eq!(ahead(&app, &both).await, rungs(Kind::Mail, Kind::Sms));
    assert_eq!(ahead(&app, &only).await, rungs(Kind::Sms, Kind::Sms));

    let app = started_with(app, &[Kind::Mail]).await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(ahead(&app, &both).await, rungs(Kind::Mail, Kind::Mail), "by the other way");
    assert!(ahead(&app, &only).await.is_empty());
    assert_eq!(stand(&app, task::Kind::Call, &only).await, [task::Status::Open], "on the list");
    let told = stand(&app, task::Kind::CancellationCall, &cancelled).await;
    assert_eq!(told, [task::Status::Open], "what waited for the morning is told by phone");

    let app = started_with(app, &[Kind::Mail, Kind::Sms]).await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(ahead(&app, &both).await, rungs(Kind::Mail, Kind::Sms));
    assert_eq!(ahead(&app, &only).await, rungs(Kind::Sms, Kind::Sms));
    assert_eq!(stand(&app, task::Kind::Call, &only).await, [task::Status::Superseded]);
    let cancellation = of_rule(&app, "CANCELLATION").await;
    assert!(cancellation.iter().all(|n| n.state == State::Withdrawn), "nor twice: {cancellation:?}");
}

#[tokio::test]
async fn while_instances_with_different_channels_run_the_first_set_stands_for_a_while() {
    let app = TestApp::new().await.with_channels(&[Kind::Mail]);
    say(&app, &app.world.p1, "SMS", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let visit = visit(&app, &app.world.p1, &slots[0]).await;
    let app = started_with(app, &[Kind::Mail, Kind::Sms]).await;
    sweep::run(&app.core).await.unwrap();
    let planned = ahead(&app, &visit).await;
    assert_eq!(planned, rungs(Kind::Sms, Kind::Sms));
    // One that is not started anew yet.
    let app = app.with_channels(&[Kind::Mail]);
    app.clock.advance(TimeDelta::minutes(9));
    sweep::run(&app.core).await.unwrap();
    assert_eq!(ahead(&app, &visit).await, planned);
    let stored = channel_set::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!((stored.channels.as_str(), stored.planned_to), ("MAIL,SMS", None));
    app.clock.advance(TimeDelta::minutes(1));
    sweep::run(&app.core).await.unwrap();
    let stored = channel_set::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!((stored.channels.as_str(), stored.planned_to), ("MAIL", None));
}

/// F36: one damaged row.
#[tokio::test]
async fn an_address_that_does_not_open_is_given_up_alone_and_said_in_words() {
    let app = TestApp::new().await;
    relate(&app.core, &app.world.s1, &app.world.p1).await;
    say(&app, &app.world.p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    contact_way::Entity::update_many()
        .col_expr(contact_way::Column::Address, Expr::value(Sealed(vec![1; 40])))
        .filter(contact_way::Column::Channel.eq(Kind::Mail))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    let ahead = outlook::ahead(&app.core, app.clock.now(), 100).await.unwrap();
    assert_eq!((ahead.len(), ahead[0].why), (1, "UNREADABLE_ADDRESS"), "the plan goes on");
    let (worker, fake) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().failed, 1);
    assert_eq!(worker.tick().await.unwrap().claimed, 0, "it is final");
    assert!(fake.sent().is_empty());
    let found = of_rule(&app, "CONFIRMATION").await;
    assert_eq!((found[0].state, found[0].reason.as_deref()), (State::Failed, Some("UNREADABLE_ADDRESS")));
    let list =
        "query($unit: ID!) { careUnit(id: $unit) { undeliveredReminders(first: 5) { nodes { reason } } } }";
    let unit = json!({ "unit": global(NodeKind::CareUnit, app.world.s1.unit) });
    let seen = app.run(&app.world.s1.identity, list, unit).await.ok();
    let why = seen.text("/careUnit/undeliveredReminders/nodes/0/reason");
    assert!(why.contains("går inte att läsa"), "{why}");
}

/// In the last look of a channel that is left alone, one that cannot be judged stands in no other's way.
#[tokio::test]
async fn of_what_is_given_up_for_the_other_way_one_damaged_address_keeps_no_other() {
    let app = TestApp::new().await;
    crate::reminders::crowd(&app, 3).await;
    say(&app, &app.world.p1, "SMS", true).await;
    contact_way::Entity::update_many()
        .col_expr(contact_way::Column::Address, Expr::value(Sealed(vec![1; 40])))
        .filter(contact_way::Column::Channel.eq(Kind::Mail))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    notice::Entity::update_many()
        .col_expr(notice::Column::UselessAt, Expr::value(app.clock.now() + TimeDelta::minutes(10)))
        .filter(notice::Column::Rule.eq("CONFIRMATION"))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    pause::pause(&app.core.db, Kind::Mail, app.clock.now()).await.unwrap();
    app.clock.advance(TimeDelta::minutes(1));
    let (worker, _) = worker(&app);
    let tick = worker.tick().await.unwrap();
    assert_eq!(tick.failed, 3, "{tick:?}");
}
