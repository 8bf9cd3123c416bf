//! Both sides hear of what the other does: the patient by a notice, the unit by its news and its tasks; nobody else.

use entity::{notice, task};
use harness::{Staff, TestApp, TestPatient};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};

use crate::{
    acts::{act, active, global, whole_item},
    booking::{book, publish},
};

const NEWS: &str =
    "query($u: ID!) { careUnit(id: $u) { news { nodes { kind at patient { id givenName } } } } }";

async fn say_yes(app: &TestApp, patient: &TestPatient, mail: &str) {
    let choice =
        |kind: &str| json!({ "kind": kind, "channel": "MAIL", "optedIn": true, "textShown": "Bokad tid" });
    let input = json!({
        "choices": [choice("APPOINTMENT"), choice("MESSAGE"), choice("PLAN")], "contactWays": { "mail": mail },
    });
    act(app, &patient.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}

/// What the unit of `staff` is told, the latest first.
async fn news(app: &TestApp, staff: &Staff) -> Vec<String> {
    let unit = json!({ "u": global(NodeKind::CareUnit, staff.unit) });
    let seen = app.run(&staff.identity, NEWS, unit).await.ok();
    let nodes = seen.at("/careUnit/news/nodes").as_array().unwrap().clone();
    nodes.iter().map(|node| node["kind"].as_str().unwrap().to_owned()).collect()
}

/// The notices planned so far: to whom, of what.
async fn notices(app: &TestApp) -> Vec<(entity::PatientId, notice::Kind, String)> {
    let all =
        notice::Entity::find().order_by_asc(notice::Column::Id).all(app.core.db.reader()).await.unwrap();
    all.into_iter().map(|n| (n.patient_id, n.kind, n.rule)).collect()
}

/// What happens to the notices and the news while something is done.
struct Watch {
    notices: usize,
    news: usize,
}

impl Watch {
    async fn begin(app: &TestApp) -> Self {
        Self { notices: notices(app).await.len(), news: news(app, &app.world.s1).await.len() }
    }

    /// The rules of the new notices, all of them to P1, and the unit's new news, the latest first.
    async fn end(self, app: &TestApp) -> (Vec<String>, Vec<String>) {
        let new = notices(app).await.split_off(self.notices);
        assert!(new.iter().all(|(to, ..)| *to == app.world.p1.id), "{new:?}");
        let told = news(app, &app.world.s1).await;
        let count = told.len() - self.news;
        assert!(news(app, &app.world.s2).await.is_empty(), "another unit hears nothing");
        (new.into_iter().map(|(_, _, rule)| rule).collect(), told.into_iter().take(count).collect())
    }
}

/// R: new bookings, messages and proposals notify the staff side too; and the patient of what care does.
#[tokio::test]
async fn each_side_is_told_of_what_the_other_does_and_nobody_else_is() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    say_yes(&app, p1, "etta@exempel.se").await;
    say_yes(&app, p2, "tvaa@exempel.se").await;
    let plan = active(&app, s1, p1).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00", "2027-03-03T09:00"]).await;
    let none: Vec<String> = Vec::new();

    // A message of the patient: the unit is told, and has a task.
    let watch = Watch::begin(&app).await;
    let input = json!({
        "careUnitId": global(NodeKind::CareUnit, s1.unit), "subject": "Fråga", "body": "Hej",
    });
    let thread = act(&app, &p1.identity, "threadStart", "thread { id }", input).await.ok();
    assert_eq!(watch.end(&app).await, (none.clone(), vec!["MESSAGE".to_owned()]));
    let tasks = task::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert!(tasks.iter().any(|t| t.kind == task::Kind::UnansweredMessage && t.care_unit_id == s1.unit));

    // The answer: the patient is told.
    let watch = Watch::begin(&app).await;
    let input = json!({ "threadId": thread.at("/threadStart/thread/id"), "body": "Hej hej" });
    act(&app, &s1.identity, "messageSend", "message { id }", input).await.ok();
    assert_eq!(watch.end(&app).await, (vec!["MESSAGE".to_owned()], none.clone()));

    // A proposal of care: the patient is told. One of the patient: the unit, and it has a task.
    let watch = Watch::begin(&app).await;
    act(
        &app,
        &s1.identity,
        "planItemPropose",
        "planItem { id }",
        whole_item(&plan, s1, "Ta prover igen", "CARE"),
    )
    .await
    .ok();
    let (told, unit) = watch.end(&app).await;
    assert_eq!((told.len(), unit), (1, none.clone()), "{told:?}");
    let watch = Watch::begin(&app).await;
    let own = whole_item(&plan, s1, "Gå längre rundor", "PATIENT");
    act(&app, &p1.identity, "planItemPropose", "planItem { id }", own).await.ok();
    let (told, unit) = watch.end(&app).await;
    assert!(told.is_empty(), "{told:?}");
    assert!(!unit.is_empty() && unit.iter().all(|kind| kind == "PROPOSAL"), "{unit:?}");

    // A booking of the patient's own, moved, and cancelled.
    let watch = Watch::begin(&app).await;
    let booked = book(&app, &p1.identity, &slots[0]).await.ok();
    let (told, unit) = watch.end(&app).await;
    assert!(told.contains(&"CONFIRMATION".to_owned()), "{told:?}");
    assert_eq!(unit, ["APPOINTMENT_BOOKED"]);
    let change = |at: &Value| json!({ "appointmentId": at["id"], "expectedRowVersion": at["rowVersion"] });
    let watch = Watch::begin(&app).await;
    let mut input = change(booked.at("/appointmentBook/appointment"));
    input["slotId"] = json!(slots[1]);
    let moved =
        act(&app, &p1.identity, "appointmentRebook", "appointment { id rowVersion }", input).await.ok();
    let (told, unit) = watch.end(&app).await;
    assert!(!told.is_empty());
    assert_eq!(unit, ["APPOINTMENT_MOVED"]);
    let watch = Watch::begin(&app).await;
    let input = change(moved.at("/appointmentRebook/appointment"));
    act(&app, &p1.identity, "appointmentCancel", "appointment { id }", input).await.ok();
    assert_eq!(
        watch.end(&app).await,
        (vec!["CANCELLATION".to_owned()], vec!["APPOINTMENT_CANCELLED".to_owned()])
    );

    // A booking that care makes is no news to care.
    let watch = Watch::begin(&app).await;
    let input = json!({ "slotId": slots[2], "patientId": p1.global_id(), "bookingChannel": "PHONE" });
    act(&app, &s1.identity, "appointmentBook", "appointment { id }", input).await.ok();
    let (told, unit) = watch.end(&app).await;
    assert!(told.contains(&"CONFIRMATION".to_owned()) && unit.is_empty(), "{told:?} {unit:?}");

    // The news are the unit's own staff's, in one statement, and every patient shown is logged.
    let unit = json!({ "u": global(NodeKind::CareUnit, s1.unit) });
    let (_, statements) = app.statements(app.run(&s1.identity, NEWS, unit.clone())).await;
    assert_eq!(statements.len(), 1, "{statements:?}");
    for who in [&app.world.s2.identity, &p1.identity, &app.world.manager.identity] {
        let refused = app.run(who, NEWS, unit.clone()).await;
        assert_eq!(refused.error_codes(), ["FORBIDDEN"], "{}", refused.body);
    }
}
