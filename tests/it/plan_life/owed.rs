//! What care owes: a promised result, and what it was to do.

use entity::task::{self, Kind, Status};
use harness::TestApp;
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{active_with, item_as, on_item};
use crate::{
    acts::{AGREEMENT, PLAN_ITEM, Plan, act, global},
    contacts::{stand, sweep},
};

async fn of_kind(app: &TestApp, kind: Kind) -> Vec<task::Model> {
    let found = task::Entity::find().filter(task::Column::Kind.eq(kind));
    found.all(app.core.db.reader()).await.unwrap()
}

/// What a colleague reads on a task.
async fn shown(app: &TestApp, task: &task::Model) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on Task { note subject { title } careUnit { id } \
         canEnd { allowed } } } }";
    let id = json!({ "id": global(NodeKind::Task, task.id) });
    app.run(&app.world.s1.identity, query, id).await.ok().at("/node").clone()
}

/// R: a promised result that is not told is somebody's task, also after the agreement, and ends when it is told.
#[tokio::test]
async fn a_result_that_is_not_told_is_a_task_that_outlives_the_agreement() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let test = json!({ "title": "Blodprov", "resultHow": "Brev hem", "resultBy": "2027-02-03" });
    let plan = active_with(&app, s1, p1, &[test, json!({ "title": "Återbesök" })]).await;
    on_item(&app, &s1.identity, p1, "Blodprov", "planItemComplete", json!({})).await.ok();
    app.clock.advance(chrono::TimeDelta::days(2));
    sweep(&app).await;
    assert!(of_kind(&app, Kind::ResultOwed).await.is_empty(), "the day has not passed");
    app.clock.advance(chrono::TimeDelta::days(1));
    sweep(&app).await;
    sweep(&app).await;
    let owed = of_kind(&app, Kind::ResultOwed).await;
    assert_eq!(owed.len(), 1, "once");
    let read = shown(&app, &owed[0]).await;
    assert!(read["note"].as_str().unwrap().contains("2027-02-03"), "{read}");
    assert_eq!(read["subject"]["title"], "Blodprov");
    assert_eq!(read["careUnit"]["id"], global(NodeKind::CareUnit, s1.unit));
    assert_eq!(read["canEnd"]["allowed"], false);
    let item = item_as(&app, &p1.identity, p1, "Blodprov", "status followThrough resultIsOverdue").await;
    assert_eq!((&item["status"], &item["followThrough"]), (&json!("DONE"), &json!("LATE")));
    let parts = "{ me { parts { part complete missing { code } } } }";
    let parts = app.run(&p1.identity, parts, json!({})).await.ok();
    let parts = parts.at("/me/parts").as_array().unwrap().clone();
    let coherent = parts.iter().find(|part| part["part"] == "COHERENT_PLAN").unwrap();
    assert_eq!(coherent["complete"], false);
    assert!(coherent["missing"].as_array().unwrap().contains(&json!({ "code": "RESULT_OWED" })));

    let end = json!({
        "agreementId": plan.id, "reason": "COMPLETED", "words": "Allt är gjort",
        "expectedRowVersion": plan.row_version,
    });
    act(&app, &s1.identity, "agreementEnd", AGREEMENT, end).await.ok();
    sweep(&app).await;
    assert_eq!(stand(&app, Kind::ResultOwed, &item["id"]).await, [Status::Open]);
    let told = json!({ "planItemId": item["id"], "how": "Ringde", "expectedRowVersion": item["rowVersion"] });
    act(&app, &s1.identity, "resultTold", PLAN_ITEM, told.clone()).await.ok();
    assert_eq!(stand(&app, Kind::ResultOwed, &item["id"]).await, [Status::Done]);
    let again = act(&app, &s1.identity, "resultTold", PLAN_ITEM, told).await;
    assert_eq!(again.user_error_codes("resultTold"), ["CONFLICT"], "nothing is owed any more");
}

/// Of what was not done when the agreement ended there is nothing to tell: that takes words.
#[tokio::test]
async fn a_result_of_what_was_never_done_is_settled_with_words_once_the_agreement_has_ended() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let test = json!({ "title": "Blodprov", "resultHow": "Brev hem", "resultBy": "2027-02-03" });
    let plan = active_with(&app, s1, p1, &[test, json!({ "title": "Återbesök" })]).await;
    app.clock.advance(chrono::TimeDelta::days(3));
    sweep(&app).await;
    let owed = of_kind(&app, Kind::ResultOwed).await;
    let words = async || {
        let task = of_kind(&app, Kind::ResultOwed).await;
        let input = json!({ "taskId": global(NodeKind::Task, owed[0].id), "words": "Provet togs aldrig.",
                            "expectedRowVersion": task[0].row_version });
        act(&app, &s1.identity, "taskEnd", "task { status }", input).await
    };
    assert_eq!(words().await.user_error_codes("taskEnd"), ["WRONG_STATE"], "it can be called off");
    let end = json!({
        "agreementId": plan.id, "reason": "COMPLETED", "words": "Klart", "expectedRowVersion": plan.row_version,
    });
    act(&app, &s1.identity, "agreementEnd", AGREEMENT, end).await.ok();
    assert_eq!(shown(&app, &owed[0]).await["canEnd"]["allowed"], true);
    assert_eq!(words().await.ok().text("/taskEnd/task/status"), "DONE");
    sweep(&app).await;
    assert_eq!(of_kind(&app, Kind::ResultOwed).await.len(), 1, "nor is it raised again");
}

/// What was promised before the agreement ended falls due after it.
#[tokio::test]
async fn a_result_that_falls_due_after_the_agreement_is_a_task_if_the_item_was_done() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let promised = |title: &str| json!({ "title": title, "resultHow": "Brev", "resultBy": "2027-02-03" });
    let plan = active_with(&app, s1, p1, &[promised("Blodprov"), promised("Röntgen")]).await;
    on_item(&app, &s1.identity, p1, "Blodprov", "planItemComplete", json!({})).await.ok();
    let (done, never) = (
        item_as(&app, &p1.identity, p1, "Blodprov", "").await,
        item_as(&app, &p1.identity, p1, "Röntgen", "").await,
    );
    let end = json!({
        "agreementId": plan.id, "reason": "COMPLETED", "words": "Klart", "expectedRowVersion": plan.row_version,
    });
    act(&app, &s1.identity, "agreementEnd", AGREEMENT, end).await.ok();
    app.clock.advance(chrono::TimeDelta::days(3));
    sweep(&app).await;
    assert_eq!(stand(&app, Kind::ResultOwed, &done["id"]).await, [Status::Open]);
    assert!(stand(&app, Kind::ResultOwed, &never["id"]).await.is_empty(), "there is no result of it");
}

/// R: what care is late with is the responsible unit's task until it is done, called off or has another day.
#[tokio::test]
async fn what_care_is_late_with_is_a_task_until_it_is_done_called_off_or_moved() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let titles = ["Ring", "Skriv intyg", "Boka prov"];
    let weekly = json!({
        "title": "Titta på vikten", "timing": { "recurrence": { "rule": "FREQ=WEEKLY", "from": "2027-02-01" } },
    });
    let own = json!({ "title": "Gå varje dag", "owner": "PATIENT" });
    let mut items: Vec<Value> = titles.iter().map(|title| json!({ "title": title })).collect();
    items.extend([weekly, own]);
    active_with(&app, s1, p1, &items).await;
    app.clock.advance(chrono::TimeDelta::days(28));
    sweep(&app).await;
    assert_eq!(of_kind(&app, Kind::CareLate).await.len(), 1, "of the days before today");
    app.clock.advance(chrono::TimeDelta::days(1));
    sweep(&app).await;
    let late = of_kind(&app, Kind::CareLate).await;
    assert_eq!(late.len(), 4, "not what the patient does");
    let mut at = Vec::new();
    for title in titles {
        let item = item_as(&app, &p1.identity, p1, title, "followThrough").await;
        assert_eq!(item["followThrough"], "LATE");
        assert_eq!(stand(&app, Kind::CareLate, &item["id"]).await, [Status::Open]);
        at.push(item["id"].clone());
    }
    let ring = late.iter().find(|task| task.subject_id == crate::acts::row(at[0].as_str().unwrap()));
    let read = shown(&app, ring.unwrap()).await;
    let note = read["note"].as_str().unwrap();
    assert!(note.contains("Ring") && note.contains("2027-03-01"), "{note}");
    assert_eq!(read["canEnd"]["allowed"], false);

    on_item(&app, &s1.identity, p1, "Ring", "planItemComplete", json!({})).await.ok();
    assert_eq!(stand(&app, Kind::CareLate, &at[0]).await, [Status::Done]);
    let off = json!({ "reason": "Behövs inte" });
    on_item(&app, &s1.identity, p1, "Skriv intyg", "planItemCancel", off).await.ok();
    assert_eq!(stand(&app, Kind::CareLate, &at[1]).await, [Status::Superseded]);
    let (plan, _) = Plan::of(&app, p1).await;
    let moved = json!({
        "planItemId": at[2], "expectedRowVersion": plan.row_version, "title": "Boka prov",
        "category": "FOLLOW_UP", "owner": "CARE", "timing": { "date": "2027-04-01" },
    });
    act(&app, &s1.identity, "planItemRevise", AGREEMENT, moved).await.ok();
    assert_eq!(stand(&app, Kind::CareLate, &at[2]).await, [Status::Open], "it is only proposed");
    let (_, seen) = Plan::of(&app, p1).await;
    let next = &seen["proposals"][0];
    let yes = json!({ "agreementId": seen["id"], "versionId": next["id"], "digest": next["digest"] });
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, yes).await.ok();
    assert_eq!(stand(&app, Kind::CareLate, &at[2]).await, [Status::Superseded]);
    sweep(&app).await;
    assert_eq!(of_kind(&app, Kind::CareLate).await.len(), 4, "nothing is raised again");
}

/// What is called off has no clock, no referral that comes further and no result; what has ended has no next day.
#[tokio::test]
async fn what_is_called_off_has_no_clock_and_takes_no_referral_state_or_result() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let referral = json!({ "title": "Remiss", "category": "REFERRAL" });
    let daily = json!({
        "title": "Väg dig", "timing": { "recurrence": { "rule": "FREQ=DAILY", "from": "2027-02-01" } },
    });
    active_with(&app, s1, p1, &[referral, daily, json!({ "title": "Återbesök" })]).await;
    let act_on = async |title: &'static str, mutation: &'static str, more: Value| {
        on_item(&app, &s1.identity, p1, title, mutation, more).await
    };
    let long_ago = json!({ "state": "SENT", "on": "1900-01-01" });
    let refused = act_on("Remiss", "referralStateSet", long_ago).await;
    assert_eq!(refused.user_error_codes("referralStateSet"), ["BAD_USER_INPUT"]);
    let kind = json!({ "kind": "FIRST_SPECIALIST_VISIT", "from": "2027-01-15" });
    act_on("Remiss", "careGuaranteeStart", kind.clone()).await.ok();
    let days = json!({ "kind": "MEDICAL", "from": "2027-01-20", "until": "2027-01-25" });
    act_on("Remiss", "careGuaranteePause", days.clone()).await.ok();
    let last_day = json!({ "kind": "MEDICAL", "from": "2027-01-25" });
    for again in [&days, &last_day] {
        let twice = act_on("Remiss", "careGuaranteePause", again.clone()).await;
        assert_eq!(twice.user_error_codes("careGuaranteePause"), ["CONFLICT"]);
    }
    let other = json!({ "kind": "PATIENT_CHOSEN", "from": "2027-01-25", "until": "2027-01-26" });
    act_on("Remiss", "careGuaranteePause", other).await.ok();
    let next = json!({ "kind": "MEDICAL", "from": "2027-01-26", "until": "2027-01-26" });
    act_on("Remiss", "careGuaranteePause", next).await.ok();

    act_on("Remiss", "planItemCancel", json!({ "reason": "Behövs inte" })).await.ok();
    let item = item_as(&app, &p1.identity, p1, "Remiss", "careGuarantee { kept }").await;
    assert!(item["careGuarantee"].is_null(), "{item}");
    let later = json!({ "kind": "MEDICAL", "from": "2027-02-01" });
    for (mutation, more) in [
        ("careGuaranteePause", later),
        ("careGuaranteeStart", kind),
        ("referralStateSet", json!({ "state": "SENT" })),
        ("resultTold", json!({ "how": "Brev" })),
    ] {
        let refused = act_on("Remiss", mutation, more).await;
        assert_eq!(refused.user_error_codes(mutation), ["WRONG_STATE"], "{mutation}");
    }
    act_on("Väg dig", "planItemComplete", json!({})).await.ok();
    let item = item_as(&app, &p1.identity, p1, "Väg dig", "nextOccurrenceOn").await;
    assert!(item["nextOccurrenceOn"].is_null(), "{item}");
}
