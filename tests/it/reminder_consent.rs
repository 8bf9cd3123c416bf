//! Who is told, by which way and what: only what was said yes to, to the one who may see it when it is sent.

use chrono::TimeDelta;
use entity::{
    contact_way::Channel as Kind, guardian_reminder, notice::State, patient, representative::Kind as Ground,
};
use harness::{Ombud, TestApp, TestPatient, child, relate, represent};
use patientkontrakt::{
    domain::reminder_preference::stop::stop, graphql::scalars::NodeKind, reminder::channel::Recipient,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::{book, publish},
    reminders::{Fake, notices, say, worker},
};

const TEXTS: &str = "query($kind: ReminderKind!, $channel: Channel!) { me { reminderTexts(kind: $kind, channel: $channel) \
    { occasion detail language version subject text } } }";

async fn texts(app: &TestApp, kind: &str, channel: &str) -> Vec<Value> {
    let variables = json!({ "kind": kind, "channel": channel });
    let answer = app.run(&app.world.p1.identity, TEXTS, variables).await.ok();
    answer.at("/me/reminderTexts").as_array().unwrap().clone()
}

fn text<'a>(texts: &'a [Value], occasion: &str, detail: &str) -> &'a Value {
    texts.iter().find(|t| t["occasion"] == occasion && t["detail"] == detail).unwrap()
}

/// What follows the day and time.
fn after_the_time(text: &str) -> &str {
    text.split_once(": ").unwrap().1
}

#[tokio::test]
async fn what_is_shown_before_the_choice_is_what_is_sent_after_it() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let shown = texts(&app, "APPOINTMENT", "SMS").await;
    assert_eq!(
        shown.len(),
        7 * 3 + 3,
        "every occasion at every level, and what is told of a wish for a time, which tells nothing of one"
    );
    let said = text(&shown, "CONFIRMATION", "UNIT_NAME");
    assert!(said["text"].as_str().unwrap().contains("Vårdcentralen Granen"));
    assert!(!text(&shown, "CONFIRMATION", "TIME_ONLY")["text"].as_str().unwrap().contains("Granen"));
    let choice = |version: &Value| {
        json!({ "choices": [{ "kind": "APPOINTMENT", "channel": "SMS", "optedIn": true, "detail": "UNIT_NAME",
                              "textShown": said["text"], "textVersion": version }],
                "contactWays": { "phone": "070-174 06 05" } })
    };
    let selection = "preferences { textShown detail }";
    let old = act(&app, &p1.identity, "reminderPreferencesSet", selection, choice(&json!("sv-0"))).await;
    assert_eq!(old.user_error_codes("reminderPreferencesSet"), ["BAD_USER_INPUT"]);
    // A text that is none of the service's own is no text of that version; said aloud it may be any.
    let refused = async |change: Value| {
        let mut input = choice(&said["version"]);
        input["choices"][0].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = act(&app, &p1.identity, "reminderPreferencesSet", selection, input).await;
        answer.at("/reminderPreferencesSet/userErrors")[0]["field"].clone()
    };
    let field = json!("choices.0.textShown");
    assert_eq!(refused(json!({ "textShown": "bla" })).await, field);
    assert_eq!(refused(json!({ "detail": "TIME_ONLY" })).await, field);
    assert_eq!(refused(json!({ "kind": "MESSAGE" })).await, field);
    assert_eq!(refused(json!({ "textShown": "bla", "textVersion": null })).await, Value::Null);
    act(&app, &p1.identity, "reminderPreferencesSet", selection, choice(&said["version"])).await.ok();
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &p1.identity, &slots[0]).await.ok();
    let (worker, fake) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    let ledger = fake.ledger.lock().unwrap();
    let sent = ledger[0].rendered.sms.as_deref().unwrap();
    assert_eq!(after_the_time(sent), after_the_time(said["text"].as_str().unwrap()));
}

#[tokio::test]
async fn the_links_of_a_message_stand_in_the_text_that_is_shown_and_count_in_its_version() {
    let settings = [("reminders.link_url", "https://pk.exempel.se"), ("reminders.action_links", "true")];
    let plain = texts(&TestApp::new().await, "APPOINTMENT", "SMS").await;
    for (channel, links) in [("SMS", 1), ("MAIL", 2)] {
        let app = TestApp::with(&settings).await;
        let shown = texts(&app, "APPOINTMENT", channel).await;
        let said = text(&shown, "CONFIRMATION", "TIME_ONLY");
        assert_ne!(said["version"], plain[0]["version"], "another text");
        let said = said["text"].as_str().unwrap();
        let main = text(&shown, "BEFORE_DEADLINE", "UNIT_AND_ADDRESS")["text"].as_str().unwrap();
        assert!(main.contains("https://pk.exempel.se/r/"), "the main one has its link: {main}");
        say(&app, &app.world.p1, channel, true).await;
        let slots = publish(&app, &["2027-03-01T09:00"]).await;
        book(&app, &app.world.p1.identity, &slots[0]).await.ok();
        let (worker, fake) = worker(&app);
        assert_eq!(worker.tick().await.unwrap().sent, 1);
        let rendered = fake.ledger.lock().unwrap()[0].rendered.clone();
        let sent = if channel == "SMS" { rendered.sms.unwrap() } else { rendered.text };
        let mut parts = sent.split("/r/");
        let mut hidden = parts.next().unwrap().to_owned();
        for part in parts {
            hidden.push_str("/r/**********************");
            hidden.push_str(&part[22..]);
        }
        assert_eq!(sent.matches("/r/").count(), links, "{sent}");
        assert_eq!(after_the_time(&hidden), after_the_time(said));
    }
}

#[tokio::test]
async fn the_texts_of_mail_messages_and_plans_are_shown_too_in_the_patients_language() {
    let app = TestApp::new().await;
    let db = app.core.db.reader();
    let mail = texts(&app, "MESSAGE", "MAIL").await;
    assert_eq!((mail.len(), &mail[0]["subject"]), (1, &json!("Du har ett nytt meddelande")));
    assert_eq!(texts(&app, "PLAN", "SMS").await[0]["subject"], Value::Null);
    assert!(texts(&app, "PLAN", "LETTER").await.is_empty());
    let id = app.world.p1.id;
    let english =
        patient::ActiveModel { id: Set(id), language: Set("en-GB".to_owned()), ..Default::default() };
    english.update(db).await.unwrap();
    assert_eq!(texts(&app, "PLAN", "MAIL").await[0]["language"], "en");
    let somali = patient::ActiveModel { id: Set(id), language: Set("so".to_owned()), ..Default::default() };
    somali.update(db).await.unwrap();
    assert_eq!(texts(&app, "PLAN", "MAIL").await[0]["language"], "sv", "one that is not there is Swedish");
}

const BOOKING: &str = r#"{"BOOKING":"ACT"}"#;

/// A child of 12, who turns 13 on 1 March 2027, and a guardian.
pub(crate) async fn family(app: &TestApp) -> (TestPatient, Ombud) {
    let c1 = child(&app.core, &app.world.p1, "201403012388").await;
    let g1 = represent(&app.core, &c1, Ground::Guardian, "197001012388", BOOKING, false).await;
    (c1, g1)
}

pub(crate) async fn for_child(
    app: &TestApp,
    who: &Ombud,
    of: &TestPatient,
    mutation: &str,
    selection: &str,
    mut input: Value,
) -> harness::Answer {
    input["idempotencyKey"] = json!(uuid::Uuid::new_v4().to_string());
    let query = harness::mutation(mutation, selection);
    app.run_for(&who.identity, &of.global_id(), &query, json!({ "input": input })).await
}

pub(crate) const CHOSEN: &str = "reminders { name channel optedIn textShown reachable }";

pub(crate) async fn guardian_says(
    app: &TestApp,
    who: &Ombud,
    of: &TestPatient,
    yes: bool,
) -> harness::Answer {
    let input = json!({ "channel": "MAIL", "optedIn": yes, "address": "vardnad@exempel.se", "textShown": "Mån 1 mars" });
    for_child(app, who, of, "guardianReminderSet", CHOSEN, input).await
}

pub(crate) async fn book_for_child(app: &TestApp, who: &Ombud, of: &TestPatient, start: &str) {
    let slots = publish(app, &[start]).await;
    let input = json!({ "slotId": slots[0] });
    for_child(app, who, of, "appointmentBook", "appointment { id }", input).await.ok();
}

pub(crate) fn addresses(fake: &Fake) -> Vec<String> {
    let ledger = fake.ledger.lock().unwrap();
    ledger
        .iter()
        .map(|message| match &message.to {
            Recipient::Mail(to) => to.as_str().to_owned(),
            Recipient::Sms(to) => to.as_str().to_owned(),
        })
        .collect()
}

#[tokio::test]
async fn of_a_childs_times_the_guardians_are_reminded_and_not_the_child() {
    let app = TestApp::new().await;
    let (c1, g1) = family(&app).await;
    relate(&app.core, &app.world.s1, &c1).await;
    // What somebody wrote down as the child's own choice reminds nobody.
    let own = json!({ "patientId": c1.global_id(), "contactWays": { "mail": "barnet@exempel.se" },
        "choices": [{ "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "textShown": "Mån" }] });
    act(&app, &app.world.s1.identity, "reminderPreferencesSet", "preferences { kind }", own).await.ok();
    book_for_child(&app, &g1, &c1, "2027-02-24T09:00").await;
    assert!(notices(&app).await.is_empty());
    let done = guardian_says(&app, &g1, &c1, true).await.ok();
    assert_eq!(done.at("/guardianReminderSet/reminders/0/optedIn"), &json!(true));
    let all = notices(&app).await;
    assert_eq!(all.len(), 3, "what is ahead, without the confirmation: {all:?}");
    let (worker, fake) = worker(&app);
    app.clock.set("2027-02-23T17:00:00Z".parse().unwrap());
    assert_eq!(worker.tick().await.unwrap().sent, 2);
    assert_eq!(addresses(&fake), ["vardnad@exempel.se"; 2]);
    guardian_says(&app, &g1, &c1, false).await.ok();
    let row = guardian_reminder::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert!(!row.opted_in && row.row_version == 2);
}

#[tokio::test]
async fn stopp_from_a_guardians_phone_ends_the_texts_about_the_child() {
    let app = TestApp::new().await;
    let (c1, g1) = family(&app).await;
    relate(&app.core, &app.world.s1, &c1).await;
    let yes =
        json!({ "channel": "SMS", "optedIn": true, "address": "070-174 06 05", "textShown": "Mån 1 mars" });
    for_child(&app, &g1, &c1, "guardianReminderSet", CHOSEN, yes).await.ok();
    book_for_child(&app, &g1, &c1, "2027-02-24T09:00").await;
    let planned = async || notices(&app).await.iter().filter(|n| n.state == State::Planned).count();
    assert!(planned().await > 0);
    let number = "+46701740605".parse().unwrap();
    assert!(stop(&app.core, &number, "").await.unwrap());
    assert!(!stop(&app.core, &number, "").await.unwrap(), "it was a no already");
    assert_eq!(planned().await, 0);
    let row = guardian_reminder::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert!(!row.opted_in && row.row_version == 2);
}

#[tokio::test]
async fn each_guardian_who_sees_the_times_has_a_choice_and_nobody_else() {
    let app = TestApp::new().await;
    let (c1, g1) = family(&app).await;
    let (p1, s1) = (&app.world.p1, &app.world.s1);
    let other = represent(&app.core, &c1, Ground::Guardian, "197202022388", BOOKING, false).await;
    let blind =
        represent(&app.core, &c1, Ground::Guardian, "197303032388", r#"{"MESSAGES":"ACT"}"#, false).await;
    let friend = represent(&app.core, p1, Ground::Relative, "197404042388", BOOKING, false).await;
    guardian_says(&app, &g1, &c1, true).await.ok();
    guardian_says(&app, &other, &c1, true).await.ok();
    assert_eq!(
        guardian_says(&app, &blind, &c1, true).await.user_error_codes("guardianReminderSet"),
        ["FORBIDDEN"]
    );
    assert_eq!(
        guardian_says(&app, &friend, p1, true).await.user_error_codes("guardianReminderSet"),
        ["FORBIDDEN"]
    );
    book_for_child(&app, &g1, &c1, "2027-02-24T09:00").await;
    let all = notices(&app).await;
    let keys: std::collections::BTreeSet<_> = all.iter().map(|n| &n.dedupe_key).collect();
    assert_eq!((all.len(), keys.len()), (8, 8), "four rungs to each of the two");
    // A guardian sees their own choice and where it goes, care everybody's choice.
    let mine = "{ me { guardianReminders { optedIn address } } }";
    let seen = app.run_for(&g1.identity, &c1.global_id(), mine, json!({})).await.ok();
    let own = json!([{ "optedIn": true, "address": "v***@exempel.se" }]);
    assert_eq!(seen.at("/me/guardianReminders"), &own);
    relate(&app.core, s1, &c1).await;
    let all = "query($id: ID!) { node(id: $id) { ... on Patient { guardianReminders { name address } } } }";
    let seen = app.run(&s1.identity, all, json!({ "id": c1.global_id() })).await.ok();
    let theirs = seen.at("/node/guardianReminders").as_array().unwrap();
    assert!(theirs.len() == 2 && theirs.iter().all(|one| one["address"].is_null()), "{theirs:?}");
    // Staff write down what a guardian says by phone.
    let input = json!({ "patientId": c1.global_id(), "representativeId": global(NodeKind::Representative, other.id),
                        "channel": "SMS", "optedIn": true, "address": "070-174 06 05", "textShown": "Mån 1 mars" });
    act(&app, &s1.identity, "guardianReminderSet", CHOSEN, input).await.ok();
    // Not what somebody says who is nobody's guardian, though they see the times.
    relate(&app.core, s1, p1).await;
    let input = json!({ "patientId": p1.global_id(), "representativeId": global(NodeKind::Representative, friend.id),
                        "channel": "SMS", "optedIn": true, "address": "070-174 06 05", "textShown": "Mån 1 mars" });
    let refused = act(&app, &s1.identity, "guardianReminderSet", CHOSEN, input).await;
    assert_eq!(refused.user_error_codes("guardianReminderSet"), ["WRONG_STATE"]);
}

#[tokio::test]
async fn a_guardian_who_was_stopped_or_whose_child_turned_thirteen_is_not_reminded() {
    for stopped in [true, false] {
        let app = TestApp::new().await;
        let (c1, g1) = family(&app).await;
        guardian_says(&app, &g1, &c1, true).await.ok();
        book_for_child(&app, &g1, &c1, "2027-03-03T09:00").await;
        let (worker, fake) = worker(&app);
        assert_eq!(worker.tick().await.unwrap().sent, 1, "the confirmation");
        if stopped {
            relate(&app.core, &app.world.s1, &c1).await;
            let input = json!({ "decision": "STOP", "representativeId": global(NodeKind::Representative, g1.id),
                                "reason": "Oro" });
            act(&app, &app.world.s1.identity, "representativeAssess", "representative { id }", input)
                .await
                .ok();
            app.clock.set("2027-02-24T08:00:00Z".parse().unwrap());
        } else {
            app.clock.set("2027-03-02T17:00:00Z".parse().unwrap());
        }
        let before = fake.sent().len();
        let tick = worker.tick().await.unwrap();
        assert!(tick.sent == 0 && tick.withheld >= 1 && fake.sent().len() == before, "{stopped}: {tick:?}");
        let held = notices(&app).await.into_iter().filter(|n| n.state == State::Suppressed);
        assert!(held.into_iter().all(|n| n.reason.as_deref() == Some("NOT_GUARDIAN")));
    }
}

#[tokio::test]
async fn a_protected_identity_suspends_the_guardian_until_care_lets_them_in_again() {
    let app = TestApp::new().await;
    let (c1, g1) = family(&app).await;
    guardian_says(&app, &g1, &c1, true).await.ok();
    book_for_child(&app, &g1, &c1, "2027-02-24T09:00").await;
    let protected = patient::ActiveModel {
        id: Set(c1.id),
        protected_identity: Set(patient::ProtectedIdentity::Sekretessmarkering),
        ..Default::default()
    };
    protected.update(app.core.db.reader()).await.unwrap();
    let (worker, fake) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().withheld, 1);
    relate(&app.core, &app.world.s1, &c1).await;
    let input = json!({ "decision": "READMIT", "representativeId": global(NodeKind::Representative, g1.id),
                        "reason": "Bedömt" });
    act(&app, &app.world.s1.identity, "representativeAssess", "representative { id }", input).await.ok();
    app.clock.set("2027-02-17T08:00:00Z".parse().unwrap());
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    assert_eq!(addresses(&fake), ["vardnad@exempel.se"]);
}

#[tokio::test]
async fn a_choice_that_changed_after_planning_holds_at_sending() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    say(&app, p1, "SMS", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &p1.identity, &slots[0]).await.ok();
    let input = json!({ "choices": [], "contactWays": { "phone": "070-174 06 35" } });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
    let (worker, fake) = worker(&app);
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    assert_eq!(addresses(&fake), ["+46701740635"], "the number as it is now");
    assert!(notices(&app).await.iter().all(|n| n.channel == Kind::Sms));
}

/// R: under a protected identity no SMS or mail unless the patient has asked for it, in person.
#[tokio::test]
async fn under_a_protected_identity_only_what_the_patient_asked_for_in_person_is_planned() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let written_down = json!({
        "patientId": p1.global_id(),
        "choices": [{ "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "textShown": "Mån 1 mars kl. 09.00" }],
        "contactWays": { "mail": "etta@exempel.se" },
    });
    act(&app, &s1.identity, "reminderPreferencesSet", "preferences { kind }", written_down).await.ok();
    let protected = patient::ActiveModel {
        id: Set(p1.id),
        protected_identity: Set(patient::ProtectedIdentity::Sekretessmarkering),
        ..Default::default()
    };
    protected.update(app.core.db.reader()).await.unwrap();
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &p1.identity, &slots[0]).await.ok();
    assert!(notices(&app).await.is_empty(), "staff wrote it down");
    say(&app, p1, "SMS", true).await;
    let planned = notices(&app).await;
    assert!(!planned.is_empty() && planned.iter().all(|n| n.channel == Kind::Sms), "{planned:?}");
}

/// A child who was let in for a while is reminded that long, whatever was planned meanwhile.
#[tokio::test]
async fn a_child_who_no_longer_sees_the_times_is_not_reminded_of_them() {
    let app = TestApp::new().await;
    let (s1, young) = (&app.world.s1, child(&app.core, &app.world.p1, "201801012384").await);
    relate(&app.core, s1, &young).await;
    let open = json!({ "decision": "OPEN_EARLY", "patientId": young.global_id(), "mayAssent": false,
                       "rights": [{ "area": "BOOKING", "level": "ACT" }], "reason": "Mogen nog.",
                       "until": "2027-02-03T00:00:00Z" });
    act(&app, &s1.identity, "representativeAssess", "representative { id }", open).await.ok();
    say(&app, &young, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &young.identity, &slots[0]).await.ok();
    let (worker, fake) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    app.clock.set("2027-02-22T08:00:00Z".parse().unwrap());
    let tick = worker.tick().await.unwrap();
    assert_eq!((tick.sent, tick.withheld, fake.sent().len()), (0, 1, 1));
    let held = notices(&app).await.into_iter().find(|n| n.state == State::Suppressed).unwrap();
    assert_eq!(held.reason.as_deref(), Some("CHILD"));
}

/// R: opt-in per channel and kind: who wants to be told of messages has not asked to be reminded of times.
#[tokio::test]
async fn a_yes_to_one_kind_is_no_yes_to_another() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let input = json!({
        "choices": [{ "kind": "MESSAGE", "channel": "SMS", "optedIn": true, "textShown": "Du har ett meddelande" }],
        "contactWays": { "phone": "070-174 06 05" },
    });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &p1.identity, &slots[0]).await.ok();
    assert!(notices(&app).await.is_empty());
    relate(&app.core, s1, p1).await;
    let input = json!({ "careUnitId": global(NodeKind::CareUnit, s1.unit), "patientId": p1.global_id(),
                        "subject": "Provsvar", "body": "Allt ser bra ut." });
    act(&app, &s1.identity, "threadStart", "thread { id }", input).await.ok();
    let planned = notices(&app).await;
    assert_eq!(planned.iter().map(|n| n.rule.as_str()).collect::<Vec<_>>(), ["MESSAGE"]);
}
