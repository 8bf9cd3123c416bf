//! What others do with the plan is told to the patient: by a message, or a letter where none reaches them.

use chrono::TimeDelta;
use entity::{notice, representative::Kind, task, task::Status};
use harness::{TestApp, represent};
use patientkontrakt::{
    crypto::Place,
    domain::{sweep, task::words::Words},
    graphql::scalars::NodeKind,
    locale::Locale,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, active, assent, global, item, proposed, row, whole_item};

const EVERYTHING: &str = r#"{"AGREEMENT":"ACT","BOOKING":"ACT","MESSAGES":"ACT","CONTACTS":"ACT"}"#;

async fn wants_mail(app: &TestApp) {
    let choice = json!({ "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Ja" });
    let input = json!({ "choices": [choice], "contactWays": { "mail": "etta@example.se" } });
    act(app, &app.world.p1.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
}

async fn messages(app: &TestApp, rule: &str) -> u64 {
    let found = notice::Entity::find().filter(notice::Column::Rule.eq(rule));
    found.count(app.core.db.reader()).await.unwrap()
}

/// The tasks of a kind about a row, as they were raised: where each stands, and what it says.
async fn about(app: &TestApp, kind: task::Kind, subject: &Value) -> Vec<(Status, String)> {
    let found = task::Entity::find()
        .filter(task::Column::Kind.eq(kind))
        .filter(task::Column::SubjectId.eq(row(subject.as_str().unwrap())))
        .order_by_asc(task::Column::Id);
    let found = found.all(app.core.db.reader()).await.unwrap();
    let said = |task: &task::Model| {
        let note = task.note.as_ref().unwrap();
        let note = Words::open(&app.core.keys, Place::new("task.note", task.id.0), note).unwrap();
        note.in_locale(Locale::Sv).to_owned()
    };
    found.iter().map(|task| (task.status, said(task))).collect()
}

async fn letters(app: &TestApp, subject: &Value) -> Vec<Status> {
    about(app, task::Kind::Letter, subject).await.into_iter().map(|(status, _)| status).collect()
}

/// Only who hears of it can object to it.
#[tokio::test]
async fn the_patient_hears_of_a_yes_that_a_representative_gives_for_them() {
    for by_mail in [true, false] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        if by_mail {
            wants_mail(&app).await;
        }
        let plan = proposed(&app, s1, p1).await;
        let relative = represent(&app.core, p1, Kind::Relative, "197303032388", EVERYTHING, true).await;
        let mut yes = assent(&plan);
        yes["idempotencyKey"] = json!("ja");
        let query = harness::mutation("agreementAssent", AGREEMENT);
        let given =
            app.run_for(&relative.identity, &p1.global_id(), &query, json!({ "input": yes })).await.ok();
        assert_eq!(given.text("/agreementAssent/agreement/status"), "ACTIVE");
        assert_eq!(messages(&app, "PLAN_ACTIVE").await, u64::from(by_mail));
        let version = json!(plan.version);
        let letters = about(&app, task::Kind::Letter, &version).await;
        if by_mail {
            assert!(letters.is_empty(), "{letters:?}");
            continue;
        }
        assert_eq!(letters.len(), 2, "{letters:?}");
        assert_eq!(letters[0].0, Status::Superseded, "nobody is to answer it any more");
        assert_eq!(letters[1].0, Status::Open);
        assert!(letters[1].1.contains("plan gäller nu"), "{letters:?}");
    }
}

/// The letter asks for an answer: it is not sent when there is one, or when the agreement has ended.
#[tokio::test]
async fn whom_no_message_reaches_gets_a_letter_of_what_care_proposes_until_they_have_answered() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let version = json!(plan.version);
    assert_eq!(letters(&app, &version).await, [Status::Open]);
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    assert_eq!(letters(&app, &version).await, [Status::Superseded], "what patients do themselves is no news");

    let (plan, _) = Plan::of(&app, p1).await;
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Simma", "PATIENT"))
        .await
        .ok();
    let (plan, seen) = Plan::of(&app, p1).await;
    let waits = &seen["proposals"][0]["id"];
    assert_eq!(letters(&app, waits).await, [Status::Open]);
    let end = json!({ "agreementId": plan.id, "reason": "COMPLETED", "words": "Målen är nådda.",
                      "expectedRowVersion": plan.row_version });
    act(&app, &s1.identity, "agreementEnd", AGREEMENT, end).await.ok();
    assert_eq!(letters(&app, waits).await, [Status::Superseded]);
    assert_eq!(letters(&app, &json!(plan.id)).await, [Status::Open], "of the end they are told");
}

#[tokio::test]
async fn a_proposal_of_cares_that_nobody_answers_becomes_a_task_once_and_ends_with_the_answer() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let version = json!(plan.version);
    let asked = async || {
        sweep::run(&app.core).await.unwrap();
        about(&app, task::Kind::PlanSignal, &version).await
    };
    app.clock.advance(TimeDelta::days(13));
    assert!(asked().await.is_empty());
    app.clock.advance(TimeDelta::days(2));
    let raised = asked().await;
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert!(raised[0].1.contains("har inte svarat"), "{raised:?}");
    assert_eq!(asked().await.len(), 1, "once");
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    let ended = asked().await;
    assert_eq!((ended.len(), ended[0].0), (1, Status::Done));
}

/// Whoever was to do it; open again there is nothing to tell.
#[tokio::test]
async fn the_patient_is_told_when_care_calls_off_what_they_were_to_do() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let on = async |name: &str, reason: Option<&str>| {
        let own = item(&app, p1, "Gå en runda varje dag").await;
        let mut input = json!({ "planItemId": own["id"], "expectedRowVersion": own["rowVersion"] });
        if let Some(reason) = reason {
            input["reason"] = json!(reason);
        }
        act(&app, &s1.identity, name, PLAN_ITEM, input).await.ok();
        own["id"].clone()
    };
    let own = on("planItemCancel", Some("Foten ska vila.")).await;
    assert_eq!(letters(&app, &own).await, [Status::Open]);
    on("planItemReopen", None).await;
    assert_eq!(letters(&app, &own).await, [Status::Superseded]);
    wants_mail(&app).await;
    on("planItemCancel", Some("Foten ska vila.")).await;
    assert_eq!((messages(&app, "PLAN_ITEM_OFF").await, letters(&app, &own).await.len()), (1, 1));
}

/// What was said to the patient in person needs no letter.
#[tokio::test]
async fn an_offer_that_no_message_tells_of_is_sent_until_it_is_answered() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    for (whom, how, sent) in [(p1, "LETTER", 1), (p2, "PHONE", 0)] {
        harness::relate(&app.core, s1, whom).await;
        let input = json!({ "patientId": whom.global_id(), "how": how });
        let offered = act(&app, &s1.identity, "agreementOffer", "offer { id rowVersion }", input).await.ok();
        let offer = offered.at("/agreementOffer/offer");
        assert_eq!(letters(&app, &offer["id"]).await.len(), sent, "{how}");
        if sent == 1 {
            let yes = json!({ "offerId": offer["id"], "accepted": true, "expectedRowVersion": offer["rowVersion"] });
            act(&app, &whom.identity, "agreementOfferAnswer", "offer { id }", yes).await.ok();
            assert_eq!(letters(&app, &offer["id"]).await, [Status::Superseded]);
        }
    }
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT" });
    let offered = act(&app, &s1.identity, "contactOffer", "offer { id rowVersion }", input).await.ok();
    let offer = offered.at("/contactOffer/offer");
    assert_eq!(letters(&app, &offer["id"]).await, [Status::Open]);
    let no = json!({ "offerId": offer["id"], "accepted": false, "expectedRowVersion": offer["rowVersion"] });
    act(&app, &p1.identity, "contactOfferAnswer", "offer { id }", no).await.ok();
    assert_eq!(letters(&app, &offer["id"]).await, [Status::Superseded]);
    let person = json!({ "assignmentId": global(NodeKind::Assignment, s1.assignment) });
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT", "person": person });
    let contact = act(&app, &s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    assert_eq!(letters(&app, contact.at("/contactAppoint/contact/id")).await, [Status::Open]);
}

/// A task lets its unit see the patient, and a supporter reaches nothing by the role.
#[tokio::test]
async fn the_unit_that_appoints_a_contact_writes_to_the_patient_and_not_the_contacts_own() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    harness::relate(&app.core, s1, p1).await;
    let person = json!({ "assignmentId": global(NodeKind::Assignment, s2.assignment) });
    let input = json!({ "patientId": p1.global_id(), "role": "SUPPORTER", "person": person });
    act(&app, &s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    let letters = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::Letter));
    let letters = letters.all(app.core.db.reader()).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.care_unit_id).collect::<Vec<_>>(), [s1.unit]);
}
