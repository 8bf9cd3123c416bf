//! A first draft that comes to nothing: care closes nothing that the patient has asked for by beginning an agreement and
//! taking it back, and each side hears of what the other did.

use entity::{agreement_request, notice, task};
use harness::{Answer, Staff, TestApp, TestPatient, relate, represent};
use patientkontrakt::{auth::token::Identity, domain::sweep};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::acts::{AGREEMENT, Plan, act, draft, proposed, whole_item};

const REQUEST: &str = "request { id status dueAt rowVersion }";

async fn asked(app: &TestApp, patient: &TestPatient) -> Value {
    let input = json!({ "why": "Jag vill ha en plan" });
    let answer = act(app, &patient.identity, "agreementRequest", REQUEST, input).await.ok();
    answer.at("/agreementRequest/request").clone()
}

async fn take_back(app: &TestApp, who: &Identity, patient: &TestPatient, words: Value) -> Answer {
    let (plan, agreement) = Plan::of(app, patient).await;
    let version = agreement["draft"]["id"].as_str().unwrap_or(&plan.version);
    let input = json!({
        "agreementId": plan.id, "versionId": version, "words": words, "expectedRowVersion": plan.row_version,
    });
    act(app, who, "agreementWithdraw", "agreement { status endReason endWords } ", input).await
}

/// The tasks to draw an agreement up, in the order in which they were raised: where each stands and by when it is due.
async fn tasks(app: &TestApp) -> Vec<(task::Status, chrono::DateTime<chrono::Utc>)> {
    let found = task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::AgreementRequest))
        .order_by_asc(task::Column::Id)
        .all(app.core.db.reader())
        .await
        .unwrap();
    found.into_iter().map(|task| (task.status, task.due_at)).collect()
}

async fn requests(app: &TestApp, patient: &TestPatient) -> Vec<Value> {
    let seen = app.run(&patient.identity, "{ me { agreementRequests { status dueAt endedAt } } }", json!({}));
    seen.await.ok().at("/me/agreementRequests").as_array().unwrap().clone()
}

/// The staff offer an agreement, and the patient says yes.
async fn yes(app: &TestApp, staff: &Staff, patient: &TestPatient) {
    let input = json!({ "patientId": patient.global_id(), "how": "ON_SITE" });
    let offer = act(app, &staff.identity, "agreementOffer", "offer { id }", input).await.ok();
    let input = json!({
        "offerId": offer.at("/agreementOffer/offer/id"), "accepted": true, "expectedRowVersion": 1,
    });
    act(app, &patient.identity, "agreementOfferAnswer", "offer { id }", input).await.ok();
}

async fn told_of_the_end(app: &TestApp) -> u64 {
    let ended = notice::Entity::find().filter(notice::Column::Rule.eq("PLAN_ENDED"));
    ended.count(app.core.db.reader()).await.unwrap()
}

/// R: care cannot close the request silently, by a draft that is taken back either.
#[tokio::test]
async fn a_request_still_waits_with_its_deadline_when_care_takes_its_first_draft_back() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    crate::agreement::hears_of_the_plan(&app, p1).await;
    let request = asked(&app, p1).await;
    let due = tasks(&app).await[0].1;
    draft(&app, s1, p1).await;
    app.clock.advance(chrono::TimeDelta::days(1));
    let silent = take_back(&app, &s1.identity, p1, json!(" ")).await;
    assert_eq!(silent.user_error_codes("agreementWithdraw"), ["BAD_USER_INPUT"]);
    assert_eq!(silent.text("/agreementWithdraw/userErrors/0/field"), "words");
    let back = take_back(&app, &s1.identity, p1, json!("Fel patient")).await.ok();
    let agreement = back.at("/agreementWithdraw/agreement");
    assert_eq!(
        (&agreement["status"], &agreement["endReason"], &agreement["endWords"]),
        (&json!("ENDED"), &json!("NEVER_AGREED"), &json!("Fel patient"))
    );
    let waits = requests(&app, p1).await;
    assert_eq!(
        (waits.len(), &waits[0]["status"], &waits[0]["dueAt"], &waits[0]["endedAt"]),
        (1, &json!("OPEN"), &request["dueAt"], &Value::Null)
    );
    assert_eq!(tasks(&app).await, [(task::Status::Open, due)]);
    assert_eq!(told_of_the_end(&app).await, 1, "the patient is told");
    // An agreement that is proposed ends it.
    proposed(&app, s1, p1).await;
    assert_eq!(requests(&app, p1).await[0]["status"], "FULFILLED");
    assert_eq!(tasks(&app).await, [(task::Status::Done, due)]);
}

/// R: nor by one that is begun and left lying: the request waits, and rises, until the patient has a proposal to answer.
#[tokio::test]
async fn a_draft_that_nobody_proposes_leaves_the_request_waiting_and_rising_to_the_manager() {
    let app = TestApp::with(&[("region.agreement_request_days", "10")]).await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    asked(&app, p1).await;
    let due = tasks(&app).await[0].1;
    let plan = draft(&app, s1, p1).await;
    let item = whole_item(&plan, s1, "Ta prover", "CARE");
    act(&app, &s1.identity, "planItemPropose", "planItem { id }", item).await.ok();
    assert_eq!(requests(&app, p1).await[0]["status"], "OPEN");
    app.clock.advance(chrono::TimeDelta::days(11));
    sweep::run(&app.core).await.unwrap();
    let late = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::AgreementRequest));
    let late = late.one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!((late.status, late.raised_to_manager_at), (task::Status::Open, Some(app.clock.now())));

    let propose = async || {
        let (plan, _) = Plan::of(&app, p1).await;
        let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
        act(&app, &s1.identity, "agreementPropose", AGREEMENT, input).await.ok();
    };
    propose().await;
    assert_eq!(requests(&app, p1).await[0]["status"], "FULFILLED");
    assert_eq!(tasks(&app).await, [(task::Status::Done, due)]);
    // A proposal that is taken back is a draft again, and as good as none.
    let (plan, _) = Plan::of(&app, p1).await;
    let input =
        json!({ "agreementId": plan.id, "versionId": plan.version, "expectedRowVersion": plan.row_version });
    let back = act(&app, &s1.identity, "agreementWithdraw", AGREEMENT, input).await.ok();
    assert_eq!(back.text("/agreementWithdraw/agreement/status"), "DRAFT");
    assert_eq!(requests(&app, p1).await[0]["status"], "OPEN");
    assert_eq!(tasks(&app).await, [(task::Status::Done, due), (task::Status::Open, due)]);
    propose().await;
    assert_eq!(requests(&app, p1).await[0]["status"], "FULFILLED");
    assert_eq!(tasks(&app).await, [(task::Status::Done, due), (task::Status::Done, due)]);
}

/// R: nor by one that care ends: what the patient has declined waits with a word of it, and only of a patient who moves
/// away nothing waits again.
#[tokio::test]
async fn a_request_waits_again_when_care_ends_an_agreement_that_was_never_in_force() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    asked(&app, p1).await;
    let plan = proposed(&app, s1, p1).await;
    let input = json!({
        "agreementId": plan.id, "reason": "PATIENT_DECLINED", "words": "Patienten vill inte",
        "expectedRowVersion": plan.row_version,
    });
    act(&app, &s1.identity, "agreementEnd", AGREEMENT, input).await.ok();
    assert_eq!(requests(&app, p1).await[0]["status"], "OPEN");
    let plan = proposed(&app, s1, p1).await;
    assert_eq!(requests(&app, p1).await[0]["status"], "FULFILLED");
    let input = json!({
        "agreementId": plan.id, "reason": "MOVED", "words": "Flyttar till Skåne",
        "expectedRowVersion": plan.row_version,
    });
    act(&app, &s1.identity, "agreementEnd", AGREEMENT, input).await.ok();
    assert_eq!(requests(&app, p1).await[0]["status"], "FULFILLED");
    assert!(tasks(&app).await.iter().all(|(status, _)| *status == task::Status::Done));
    // What has been in force was what the patient had asked for.
    let (s2, p2) = (&app.world.s2, &app.world.p2);
    asked(&app, p2).await;
    let plan = crate::acts::active(&app, s2, p2).await;
    let input = json!({
        "agreementId": plan.id, "reason": "COMPLETED", "words": "Allt är gjort", "expectedRowVersion": plan.row_version,
    });
    let request = requests(&app, p2).await[0]["status"].clone();
    act(&app, &s2.identity, "agreementEnd", AGREEMENT, input).await.ok();
    assert_eq!(requests(&app, p2).await[0]["status"], request);
}

/// R: what the patient takes back by word of mouth staff write down with how, and the patient hears of it: no request waits
/// that nobody in care can end.
#[tokio::test]
async fn a_request_that_waits_again_is_taken_back_as_the_patient_told_staff() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    crate::agreement::hears_of_the_plan(&app, p1).await;
    let request = asked(&app, p1).await;
    let plan = proposed(&app, s1, p1).await;
    let input = json!({
        "agreementId": plan.id, "reason": "PATIENT_DECLINED", "words": "Patienten vill inte",
        "expectedRowVersion": plan.row_version,
    });
    act(&app, &s1.identity, "agreementEnd", AGREEMENT, input).await.ok();
    let open = task::Entity::find().filter(task::Column::Status.eq(task::Status::Open));
    let open = open.filter(task::Column::Kind.eq(task::Kind::AgreementRequest));
    let open = open.one(app.core.db.reader()).await.unwrap().unwrap();
    let id = crate::acts::global(patientkontrakt::graphql::scalars::NodeKind::Task, open.id);
    let query = format!("{{ node(id: \"{id}\") {{ ... on Task {{ note }} }} }}");
    let note = app.run(&s1.identity, &query, json!({})).await.ok();
    assert!(
        note.text("/node/note").starts_with("Patienten ville inte ha det patientkontrakt"),
        "{}",
        note.body
    );

    let name = "agreementRequestWithdraw";
    let back = |how: Value| json!({ "requestId": request["id"], "how": how, "words": "Orkar inte", "expectedRowVersion": 3 });
    let shown = "request { status endedHow endWords }";
    for (who, how, code) in [
        (&s1.identity, Value::Null, "BAD_USER_INPUT"),
        (&p1.identity, json!("PHONE"), "BAD_USER_INPUT"),
        (&app.world.manager.identity, json!("PHONE"), "FORBIDDEN"),
    ] {
        assert_eq!(act(&app, who, name, shown, back(how)).await.user_error_codes(name), [code]);
    }
    let done = act(&app, &s1.identity, name, shown, back(json!("PHONE"))).await.ok();
    assert_eq!(
        done.at("/agreementRequestWithdraw/request"),
        &json!({ "status": "WITHDRAWN", "endedHow": "PHONE", "endWords": "Orkar inte" })
    );
    assert_eq!(tasks(&app).await.last().unwrap().0, task::Status::Withdrawn);
    let stored = agreement_request::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(stored.ended_by_id, Some(s1.assignment.0));
    let told = notice::Entity::find().filter(notice::Column::Rule.eq("REQUEST_TAKEN_BACK"));
    assert_eq!(told.count(app.core.db.reader()).await.unwrap(), 1);
}

/// R: what the patient has said yes to is still to be done.
#[tokio::test]
async fn an_accepted_offer_is_a_task_until_there_is_a_proposal_and_again_when_care_takes_that_back() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    yes(&app, s1, p1).await;
    let due = tasks(&app).await[0].1;
    app.clock.advance(chrono::TimeDelta::hours(1));
    draft(&app, s1, p1).await;
    take_back(&app, &s1.identity, p1, json!("Fel mall")).await.ok();
    assert_eq!(tasks(&app).await, [(task::Status::Open, due)]);
    app.clock.advance(chrono::TimeDelta::hours(1));
    proposed(&app, s1, p1).await;
    assert_eq!(tasks(&app).await, [(task::Status::Done, due)]);
    take_back(&app, &s1.identity, p1, json!("Fel mall")).await.ok();
    assert_eq!(tasks(&app).await, [(task::Status::Done, due), (task::Status::Open, due)]);
    // Whoever leaves it for the patient's side has changed their mind.
    app.clock.advance(chrono::TimeDelta::hours(1));
    take_back(&app, &p1.identity, p1, Value::Null).await.ok();
    assert_eq!(tasks(&app).await, [(task::Status::Done, due), (task::Status::Withdrawn, due)]);
    // A draft that follows on nothing leaves nothing to be done.
    app.clock.advance(chrono::TimeDelta::hours(1));
    draft(&app, s1, p1).await;
    take_back(&app, &s1.identity, p1, json!("Fel patient")).await.ok();
    assert_eq!(tasks(&app).await.len(), 2);
}

/// Care writes down that the patient does not want what they had said yes to: the yes waits for nothing.
#[tokio::test]
async fn a_yes_to_an_offer_does_not_wait_again_when_the_patient_has_declined_the_draft() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let decline = async |plan: Plan| {
        let input = json!({
            "agreementId": plan.id, "reason": "PATIENT_DECLINED", "words": "Patienten vill inte",
            "expectedRowVersion": plan.row_version,
        });
        act(&app, &s1.identity, "agreementEnd", AGREEMENT, input).await.ok();
        app.clock.advance(chrono::TimeDelta::hours(1));
        tasks(&app).await.into_iter().map(|(status, _)| status).collect::<Vec<_>>()
    };
    yes(&app, s1, p1).await;
    assert_eq!(decline(draft(&app, s1, p1).await).await, [task::Status::Withdrawn]);
    yes(&app, s1, p1).await;
    let ended = decline(proposed(&app, s1, p1).await).await;
    assert_eq!(ended, [task::Status::Withdrawn, task::Status::Done]);
}

/// A representative's act is always shown as theirs.
#[tokio::test]
async fn a_goal_and_an_item_that_a_representative_words_are_shown_as_theirs() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let kind = entity::representative::Kind::Relative;
    let ombud = represent(&app.core, p1, kind, "197001012388", r#"{"AGREEMENT":"ACT"}"#, false).await;
    let goal = json!({
        "agreementId": plan.id, "text": "Komma ut varje dag",
        "idempotencyKey": uuid::Uuid::new_v4().to_string(),
    });
    let query = harness::mutation("goalAdd", "goal { setBy wordedBy }");
    let added = app.run_for(&ombud.identity, &p1.global_id(), &query, json!({ "input": goal })).await.ok();
    assert_eq!(added.at("/goalAdd/goal"), &json!({ "setBy": "PATIENT", "wordedBy": "REPRESENTATIVE" }));
    let item = crate::acts::whole_item(&plan, s1, "Ta prover", "CARE");
    act(&app, &s1.identity, "planItemPropose", "planItem { id }", item).await.ok();
    let query = "{ me { agreement { goals { wordedBy } planItems { wordedBy } } } }";
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(
        seen.at("/me/agreement"),
        &json!({ "goals": [{ "wordedBy": "REPRESENTATIVE" }], "planItems": [{ "wordedBy": "STAFF" }] })
    );
}

/// The other way round: the unit hears that its draft is gone, and the request is the patient's own to take back: whoever
/// leaves the draft asks for none.
#[tokio::test]
async fn the_unit_is_told_when_the_patient_takes_its_first_draft_back() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    asked(&app, p1).await;
    draft(&app, s1, p1).await;
    take_back(&app, &p1.identity, p1, Value::Null).await.ok();
    assert_eq!(told_of_the_end(&app).await, 0);
    let signals = task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::PlanSignal))
        .all(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!((signals.len(), signals[0].care_unit_id, signals[0].status), (1, s1.unit, task::Status::Open));
    let stored = agreement_request::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert_eq!((stored.len(), stored[0].status), (1, agreement_request::Status::Withdrawn));
    assert_eq!(tasks(&app).await[0].0, task::Status::Withdrawn);
}
