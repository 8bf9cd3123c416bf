//! Who is told of a child's times changes on a birthday and when a decision ends, without anybody acting.

use entity::{
    notice::{self, State},
    representative::{self, Kind as Ground},
    task,
};
use harness::{Ombud, TestApp, TestPatient, child, relate, represent};
use patientkontrakt::domain::sweep;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use crate::{
    acts::act,
    reminder_consent::{addresses, book_for_child, guardian_says},
    reminders::{notices, worker},
};

/// Swedish midnight, when the child of [`family`] turns 13.
const BIRTHDAY: &str = "2027-02-28T23:00:00Z";

/// A child who turns 13 on 1 March 2027, and a guardian.
async fn family(app: &TestApp) -> (TestPatient, Ombud) {
    let child = child(&app.core, &app.world.p1, "201403012388").await;
    relate(&app.core, &app.world.s1, &child).await;
    let rights = r#"{"BOOKING":"ACT"}"#;
    let guardian = represent(&app.core, &child, Ground::Guardian, "197001012388", rights, false).await;
    (child, guardian)
}

/// Care has written down what the child has chosen.
async fn chosen(app: &TestApp, child: &TestPatient, channel: &str) {
    let mut input = json!({ "patientId": child.global_id(),
        "choices": [{ "kind": "APPOINTMENT", "channel": channel, "optedIn": true, "textShown": "Mån" }] });
    if channel == "MAIL" {
        input["contactWays"] = json!({ "mail": "unga@exempel.se" });
    }
    act(app, &app.world.s1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}

/// To whom each reminder that is still to leave goes: to a guardian, or to the patient.
async fn ahead(app: &TestApp) -> Vec<(String, bool)> {
    let all: Vec<notice::Model> = notices(app).await;
    let planned = all.into_iter().filter(|n| n.state == State::Planned && n.rule != "CONFIRMATION");
    planned.map(|n| (n.rule, n.guardian_reminder_id.is_some())).collect()
}

fn rungs(to_guardian: bool) -> Vec<(String, bool)> {
    ["WEEK_BEFORE", "BEFORE_DEADLINE", "EVENING_BEFORE"].map(|rule| (rule.to_owned(), to_guardian)).to_vec()
}

async fn sweep_at(app: &TestApp, at: &str) {
    app.clock.set(at.parse().unwrap());
    sweep::run(&app.core).await.unwrap();
}

#[tokio::test]
async fn from_the_thirteenth_birthday_on_the_young_person_is_reminded_of_what_was_booked_before() {
    for guardian_too in [true, false] {
        let app = TestApp::new().await;
        let (young, guardian) = family(&app).await;
        chosen(&app, &young, "MAIL").await;
        if guardian_too {
            guardian_says(&app, &guardian, &young, true).await.ok();
        }
        book_for_child(&app, &guardian, &young, "2027-03-15T09:00").await;
        let (worker, fake) = worker(&app);
        worker.tick().await.unwrap();
        let before = if guardian_too { rungs(true) } else { Vec::new() };
        sweep_at(&app, "2027-02-28T22:59:00Z").await;
        assert_eq!(ahead(&app).await, before, "not before the birthday");
        sweep_at(&app, BIRTHDAY).await;
        assert_eq!(ahead(&app).await, rungs(false));
        let once = notices(&app).await;
        sweep_at(&app, "2027-02-28T23:01:00Z").await;
        assert_eq!(notices(&app).await, once, "once");
        app.clock.set("2027-03-08T08:00:00Z".parse().unwrap());
        assert_eq!(worker.tick().await.unwrap().sent, 1);
        assert_eq!(addresses(&fake).last().unwrap(), "unga@exempel.se");
    }
}

#[tokio::test]
async fn a_young_person_who_wants_letters_is_on_the_list_from_the_birthday_on() {
    let app = TestApp::new().await;
    let (young, guardian) = family(&app).await;
    chosen(&app, &young, "LETTER").await;
    guardian_says(&app, &guardian, &young, true).await.ok();
    book_for_child(&app, &guardian, &young, "2027-03-15T09:00").await;
    let letters = async || {
        let open = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::Letter));
        open.all(app.core.db.reader()).await.unwrap().len()
    };
    assert_eq!((ahead(&app).await, letters().await), (rungs(true), 0));
    sweep_at(&app, BIRTHDAY).await;
    assert_eq!((ahead(&app).await, letters().await), (Vec::new(), 1));
}

#[tokio::test]
async fn when_a_mandate_or_an_early_opening_ends_the_reminders_go_to_who_is_told_then() {
    let app = TestApp::new().await;
    let (young, guardian) = family(&app).await;
    guardian_says(&app, &guardian, &young, true).await.ok();
    let open: Value = json!({ "decision": "OPEN_EARLY", "patientId": young.global_id(), "mayAssent": false,
        "rights": [{ "area": "BOOKING", "level": "ACT" }], "reason": "Mogen nog.", "until": "2027-02-03T00:00:00Z" });
    act(&app, &app.world.s1.identity, "representativeAssess", "representative { id }", open).await.ok();
    chosen(&app, &young, "MAIL").await;
    book_for_child(&app, &guardian, &young, "2027-02-24T09:00").await;
    assert_eq!(ahead(&app).await, rungs(false), "the child, who was let in");
    sweep_at(&app, "2027-02-03T00:00:00Z").await;
    assert_eq!(ahead(&app).await, rungs(true), "then the guardian");
    let ends = representative::ActiveModel {
        id: Set(guardian.id),
        valid_until: Set(Some("2027-02-05T00:00:00Z".parse().unwrap())),
        ..Default::default()
    };
    ends.update(app.core.db.reader()).await.unwrap();
    sweep_at(&app, "2027-02-05T00:00:00Z").await;
    assert!(ahead(&app).await.is_empty(), "nobody is told");
}
