//! How agreements begin: offers and their answers, requests that cannot be closed silently, candidates.

use chrono::TimeDelta;
use entity::{
    AgreementOfferId, AgreementRequestId, agreement_offer, agreement_request, care_relation, change_entry,
    representative::Kind, task,
};
use futures_util::future::join_all;
use harness::{Ombud, Staff, TestApp, TestPatient, relate, represent};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::acts::{AGREEMENT, Plan, act, draft, global, proposed, row};

const OFFER: &str = "offer { id status offeredHow answeredBy answeredHow answerWords rowVersion \
     patientGroup { code name } offeredBy { name } careUnit { name } }";
const REQUEST: &str = "request { id status why askedBy askedHow dueAt rowVersion careUnit { id name } \
     passes { fromUnitName toUnitName reason by { name } } }";

async fn offered(app: &TestApp, staff: &Staff, patient: &TestPatient) -> Value {
    relate(&app.core, staff, patient).await;
    let input = json!({ "patientId": patient.global_id(), "how": "ON_SITE", "patientGroup": "FRAIL" });
    act(app, &staff.identity, "agreementOffer", OFFER, input).await.ok().at("/agreementOffer/offer").clone()
}

async fn asked(app: &TestApp, patient: &TestPatient) -> Value {
    let input = json!({ "why": "Jag vill ha en plan" });
    let answer = act(app, &patient.identity, "agreementRequest", REQUEST, input).await.ok();
    answer.at("/agreementRequest/request").clone()
}

async fn tasks(app: &TestApp, kind: task::Kind) -> Vec<task::Model> {
    let found = task::Entity::find().filter(task::Column::Kind.eq(kind)).order_by_asc(task::Column::Id);
    found.all(app.core.db.reader()).await.unwrap()
}

async fn relations(app: &TestApp, subject: &task::Model) -> Vec<care_relation::Model> {
    let found = care_relation::Entity::find()
        .filter(care_relation::Column::SubjectId.eq(subject.id.0))
        .order_by_asc(care_relation::Column::Id);
    found.all(app.core.db.reader()).await.unwrap()
}

/// "An offer and its answer are recorded": who, when, how, and what the patient said.
#[tokio::test]
async fn an_offer_and_the_patients_own_answer_are_on_record() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let offer = offered(&app, s1, p1).await;
    assert_eq!((offer["status"].as_str(), offer["offeredHow"].as_str()), (Some("OPEN"), Some("ON_SITE")));
    assert_eq!(offer["offeredBy"]["name"], "Stina Exempel");
    assert_eq!(offer["patientGroup"], json!({ "code": "FRAIL", "name": "Sköra patienter" }));
    let input =
        json!({ "offerId": offer["id"], "accepted": false, "words": "Inte nu", "expectedRowVersion": 1 });
    let answer = act(&app, &p1.identity, "agreementOfferAnswer", OFFER, input.clone()).await.ok();
    let answered = answer.at("/agreementOfferAnswer/offer");
    assert_eq!(answered["status"], "DECLINED");
    assert_eq!(
        (answered["answeredBy"].as_str(), answered["answeredHow"].as_str()),
        (Some("PATIENT"), Some("DIGITAL"))
    );
    assert_eq!(answered["answerWords"], "Inte nu");
    // Once.
    let again = act(&app, &p1.identity, "agreementOfferAnswer", OFFER, input).await;
    assert_eq!(again.user_error_codes("agreementOfferAnswer"), ["WRONG_STATE"]);
    assert!(tasks(&app, task::Kind::AgreementRequest).await.is_empty());
    // Both stand in the history of the record.
    let history =
        change_entry::Entity::find().filter(change_entry::Column::SubjectKind.eq("agreement_offer"));
    assert_eq!(history.count(app.core.db.reader()).await.unwrap(), 2);
}

/// "Staff can do anything on the patient's behalf by phone or on site, recorded as such."
#[tokio::test]
async fn staff_record_what_the_patient_said_and_a_yes_becomes_a_task_that_the_agreement_ends() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let offer = offered(&app, s1, p1).await;
    let answer = |how: Value, row_version: i64| {
        let input = json!({ "offerId": offer["id"], "accepted": true, "how": how, "expectedRowVersion": row_version });
        act(&app, &s1.identity, "agreementOfferAnswer", OFFER, input)
    };
    let silent = answer(Value::Null, 1).await;
    assert_eq!(silent.user_error_codes("agreementOfferAnswer"), ["BAD_USER_INPUT"]);
    let stale = answer(json!("PHONE"), 7).await;
    assert_eq!(stale.user_error_codes("agreementOfferAnswer"), ["STALE_ROW_VERSION"]);
    assert_eq!(stale.text("/agreementOfferAnswer/offer/status"), "OPEN");
    let answered = answer(json!("PHONE"), 1).await.ok();
    assert_eq!(answered.text("/agreementOfferAnswer/offer/answeredBy"), "STAFF");
    let open = tasks(&app, task::Kind::AgreementRequest).await;
    assert_eq!((open.len(), open[0].status), (1, task::Status::Open));
    proposed(&app, s1, p1).await;
    assert_eq!(tasks(&app, task::Kind::AgreementRequest).await[0].status, task::Status::Done);
}

/// "… or when the patient takes it back": a yes is no more binding than a request, until there is a proposal to answer.
#[tokio::test]
async fn a_yes_to_an_offer_is_taken_back_by_the_patient_or_by_staff_for_them_until_there_is_a_proposal() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let name = "agreementOfferAnswer";
    let says = |who: &Identity, offer: &Value, yes: bool, how: Value, row_version: i64| {
        let input =
            json!({ "offerId": offer["id"], "accepted": yes, "how": how, "expectedRowVersion": row_version });
        let (app, who) = (&app, who.clone());
        async move { act(app, &who, name, OFFER, input).await }
    };
    let last = async || tasks(&app, task::Kind::AgreementRequest).await.pop().unwrap();
    let offer = offered(&app, s1, p1).await;
    says(&p1.identity, &offer, true, Value::Null, 1).await.ok();
    assert_eq!(
        says(&p1.identity, &offer, true, Value::Null, 2).await.user_error_codes(name),
        ["WRONG_STATE"]
    );
    assert_eq!(
        says(&p1.identity, &offer, false, Value::Null, 1).await.user_error_codes(name),
        ["STALE_ROW_VERSION"]
    );
    let back = says(&p1.identity, &offer, false, Value::Null, 2).await.ok();
    let now = back.at("/agreementOfferAnswer/offer");
    assert_eq!((&now["status"], &now["answeredBy"]), (&json!("DECLINED"), &json!("PATIENT")));
    let task = last().await;
    assert_eq!((task.status, task.ended_by_id), (task::Status::Withdrawn, Some(p1.id.0)));
    // Once.
    assert_eq!(
        says(&p1.identity, &offer, false, Value::Null, 3).await.user_error_codes(name),
        ["WRONG_STATE"]
    );

    // What was begun meanwhile, and comes to nothing, does not raise it again.
    app.clock.advance(TimeDelta::hours(1));
    let offer = offered(&app, s1, p1).await;
    says(&s1.identity, &offer, true, json!("PHONE"), 1).await.ok();
    let plan = draft(&app, s1, p1).await;
    let silent = says(&s1.identity, &offer, false, Value::Null, 2).await;
    assert_eq!(silent.user_error_codes(name), ["BAD_USER_INPUT"]);
    let back = says(&s1.identity, &offer, false, json!("PHONE"), 2).await.ok();
    let now = back.at("/agreementOfferAnswer/offer");
    assert_eq!((&now["answeredBy"], &now["answeredHow"]), (&json!("STAFF"), &json!("PHONE")));
    let input = json!({
        "agreementId": plan.id, "versionId": plan.version, "words": "Patienten ville inte",
        "expectedRowVersion": plan.row_version,
    });
    act(&app, &s1.identity, "agreementWithdraw", AGREEMENT, input).await.ok();
    let all = tasks(&app, task::Kind::AgreementRequest).await;
    assert!(all.len() == 2 && all.iter().all(|task| task.status == task::Status::Withdrawn));

    // A proposal is answered instead.
    app.clock.advance(TimeDelta::hours(1));
    let offer = offered(&app, s1, p1).await;
    says(&p1.identity, &offer, true, Value::Null, 1).await.ok();
    proposed(&app, s1, p1).await;
    assert_eq!(last().await.status, task::Status::Done);
    let late = says(&p1.identity, &offer, false, Value::Null, 2).await;
    assert_eq!(late.user_error_codes(name), ["WRONG_STATE"]);
    assert_eq!(late.text("/agreementOfferAnswer/offer/status"), "ACCEPTED");
}

#[tokio::test]
async fn of_twenty_offers_at_once_one_waits_and_beginning_an_agreement_overtakes_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let input = json!({ "patientId": p1.global_id(), "how": "PHONE" });
    let answers =
        join_all((0..20).map(|_| act(&app, &s1.identity, "agreementOffer", OFFER, input.clone()))).await;
    let refused = answers.iter().filter(|a| a.user_error_codes("agreementOffer") == ["CONFLICT"]).count();
    assert_eq!(refused, 19);
    draft(&app, s1, p1).await;
    let all = agreement_offer::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert_eq!((all.len(), all[0].status), (1, agreement_offer::Status::Superseded));
    let late = act(&app, &s1.identity, "agreementOffer", OFFER, input).await;
    assert_eq!(late.user_error_codes("agreementOffer"), ["CONFLICT"]);
}

#[tokio::test]
async fn a_group_that_the_region_does_not_have_is_refused_and_its_own_can_be_filtered_by() {
    let app = TestApp::with(&[("region.patient_groups", "ASTMA_KOL: Astma och kol / Asthma and COPD")]).await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let create = |group: &str| {
        let input = json!({ "patientId": p1.global_id(), "title": "Min plan", "patientGroup": group });
        act(&app, &s1.identity, "agreementCreate", "agreement { id patientGroup { code name } }", input)
    };
    let unknown = create("KRUPP").await;
    assert_eq!(unknown.user_error_codes("agreementCreate"), ["BAD_USER_INPUT"]);
    assert_eq!(unknown.text("/agreementCreate/userErrors/0/field"), "patientGroup");
    let made = create("ASTMA_KOL").await.ok();
    assert_eq!(made.text("/agreementCreate/agreement/patientGroup/name"), "Astma och kol");
    let groups = app.run(&p1.identity, "{ patientGroups { code name } }", json!({})).await.ok();
    assert_eq!(groups.at("/patientGroups").as_array().unwrap().last().unwrap()["code"], "ASTMA_KOL");
    let unit = global(NodeKind::CareUnit, s1.unit);
    for (group, found) in [("ASTMA_KOL", 1), ("FRAIL", 0)] {
        let query = format!(
            "{{ careUnit(id: \"{unit}\") {{ agreements(filter: {{ status: DRAFT, patientGroup: \"{group}\" }}) \
             {{ totalCount nodes {{ patientGroup {{ code }} }} }} }} }}"
        );
        let list = app.run(&s1.identity, &query, json!({})).await.ok();
        assert_eq!(list.at("/careUnit/agreements/totalCount"), &json!(found), "{group}");
        assert_eq!(list.at("/careUnit/agreements/nodes").as_array().unwrap().len(), found);
    }
}

/// "Asked for by the patient": a task with a deadline, at the unit asked, which opens the record to it.
#[tokio::test]
async fn a_request_is_a_task_with_a_deadline_and_ends_when_an_agreement_is_proposed() {
    let app = TestApp::with(&[("region.agreement_request_days", "10")]).await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let request = asked(&app, p1).await;
    assert_eq!((request["status"].as_str(), request["askedBy"].as_str()), (Some("OPEN"), Some("PATIENT")));
    let waiting = tasks(&app, task::Kind::AgreementRequest).await;
    assert_eq!((waiting.len(), waiting[0].care_unit_id), (1, s1.unit));
    assert_eq!(waiting[0].due_at, app.clock.now() + TimeDelta::days(10));
    // Nobody had a relation before: the request brought it.
    let brought = relations(&app, &waiting[0]).await;
    assert_eq!((brought.len(), brought[0].care_unit_id, brought[0].valid_until), (1, s1.unit, None));
    let seen = format!("{{ node(id: {}) {{ ... on AgreementRequest {{ why }} }} }}", request["id"]);
    assert_eq!(app.run(&s1.identity, &seen, json!({})).await.ok().text("/node/why"), "Jag vill ha en plan");
    // One at a time.
    let again = act(&app, &p1.identity, "agreementRequest", REQUEST, json!({})).await;
    assert_eq!(again.user_error_codes("agreementRequest"), ["CONFLICT"]);

    proposed(&app, s1, p1).await;
    assert_eq!(tasks(&app, task::Kind::AgreementRequest).await[0].status, task::Status::Done);
    assert!(relations(&app, &waiting[0]).await[0].valid_until.is_some());
    let me = app.run(&p1.identity, "{ me { agreementRequests { status endedAt } } }", json!({})).await.ok();
    assert_eq!(me.text("/me/agreementRequests/0/status"), "FULFILLED");
    // With an agreement there is nothing to ask for.
    let late = act(&app, &p1.identity, "agreementRequest", REQUEST, json!({})).await;
    assert_eq!(late.user_error_codes("agreementRequest"), ["CONFLICT"]);
}

/// "Request by the patient or a representative": one who may act asks, and it is shown as theirs.
#[tokio::test]
async fn a_representative_asks_for_an_agreement_and_it_is_shown_as_theirs() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let named = async |number, rights, assents| {
        represent(&app.core, p1, Kind::Relative, number, rights, assents).await
    };
    let reads = named("197001012388", r#"{"AGREEMENT":"READ"}"#, true).await;
    let acts = named("196001012388", r#"{"AGREEMENT":"ACT"}"#, false).await;
    let ask = async |who: &Ombud| {
        let input = json!({ "why": "Hen orkar inte ringa", "idempotencyKey": Uuid::new_v4().to_string() });
        let query = harness::mutation("agreementRequest", REQUEST);
        app.run_for(&who.identity, &p1.global_id(), &query, json!({ "input": input })).await
    };
    assert_eq!(ask(&reads).await.user_error_codes("agreementRequest"), ["FORBIDDEN"]);
    let asked = ask(&acts).await.ok();
    let request = asked.at("/agreementRequest/request");
    assert_eq!((&request["status"], &request["askedBy"]), (&json!("OPEN"), &json!("REPRESENTATIVE")));
    let waiting = tasks(&app, task::Kind::AgreementRequest).await;
    assert_eq!((waiting.len(), waiting[0].created_by_id), (1, acts.id.0));
}

/// "A task with a deadline that care cannot refuse or close silently": the patient takes it back; staff cannot without how
/// the patient said so.
#[tokio::test]
async fn only_the_patient_takes_a_request_back() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let request = asked(&app, p1).await;
    let withdraw = |who: &Staff| {
        let input = json!({ "requestId": request["id"], "expectedRowVersion": 1 });
        let identity = who.identity.clone();
        let app = &app;
        async move { act(app, &identity, "agreementRequestWithdraw", REQUEST, input).await }
    };
    for (staff, code) in [
        (s1, "BAD_USER_INPUT"),
        (&app.world.coordinator, "BAD_USER_INPUT"),
        (&app.world.manager, "FORBIDDEN"),
    ] {
        assert_eq!(withdraw(staff).await.user_error_codes("agreementRequestWithdraw"), [code]);
    }
    let own = |row_version: i64| {
        let input = json!({ "requestId": request["id"], "words": "Det löste sig", "expectedRowVersion": row_version });
        act(&app, &p1.identity, "agreementRequestWithdraw", REQUEST, input)
    };
    assert_eq!(own(9).await.user_error_codes("agreementRequestWithdraw"), ["STALE_ROW_VERSION"]);
    assert_eq!(own(1).await.ok().text("/agreementRequestWithdraw/request/status"), "WITHDRAWN");
    assert_eq!(own(2).await.user_error_codes("agreementRequestWithdraw"), ["WRONG_STATE"]);
    let ended = &tasks(&app, task::Kind::AgreementRequest).await[0];
    assert_eq!(ended.status, task::Status::Withdrawn);
    assert!(ended.ended_at.is_some() && ended.ended_by_id == Some(p1.id.0));
    let other = act(
        &app,
        &app.world.p2.identity,
        "agreementRequestWithdraw",
        REQUEST,
        json!({
            "requestId": request["id"], "expectedRowVersion": 2,
        }),
    );
    assert_eq!(other.await.user_error_codes("agreementRequestWithdraw"), ["NOT_FOUND"]);
}

#[tokio::test]
async fn a_request_is_passed_on_within_the_care_provider_and_the_record_keeps_the_way() {
    let app = TestApp::new().await;
    let (s1, s2, s3, p1) = (&app.world.s1, &app.world.s2, &app.world.s3, &app.world.p1);
    let request = asked(&app, p1).await;
    let due = tasks(&app, task::Kind::AgreementRequest).await[0].due_at;
    app.clock.advance(TimeDelta::days(2));
    let pass = |who: &Staff, to: Uuid, row_version: i64| {
        let input = json!({
            "requestId": request["id"], "careUnitId": global(NodeKind::CareUnit, to),
            "reason": "Hjärtmottagningen känner patienten bäst", "expectedRowVersion": row_version,
        });
        let (app, identity) = (&app, who.identity.clone());
        async move { act(app, &identity, "agreementRequestPass", REQUEST, input).await }
    };
    // Not to another care provider, not to where it is, not by somebody else.
    assert_eq!(pass(s1, s3.unit.0, 1).await.user_error_codes("agreementRequestPass"), ["NOT_FOUND"]);
    assert_eq!(pass(s1, s1.unit.0, 1).await.user_error_codes("agreementRequestPass"), ["BAD_USER_INPUT"]);
    assert_eq!(pass(s2, s2.unit.0, 1).await.user_error_codes("agreementRequestPass"), ["NOT_FOUND"]);
    assert_eq!(pass(s1, s2.unit.0, 5).await.user_error_codes("agreementRequestPass"), ["STALE_ROW_VERSION"]);
    let passed = pass(s1, s2.unit.0, 1).await.ok();
    assert_eq!(passed.text("/agreementRequestPass/request/careUnit/name"), "Hjärtmottagningen Ekens sjukhus");
    let all = tasks(&app, task::Kind::AgreementRequest).await;
    assert_eq!((all.len(), all[0].status), (1, task::Status::Open), "still one task, and open");
    assert_eq!((all[0].care_unit_id, all[0].due_at), (s2.unit, due), "passing on moves no deadline");
    let query = format!("{{ me {{ agreementRequests {} }} }}", &REQUEST["request ".len()..]);
    let me = app.run(&p1.identity, &query, json!({})).await.ok();
    let steps = me.at("/me/agreementRequests/0/passes");
    assert_eq!(steps[0]["fromUnitName"], "Vårdcentralen Granen");
    assert_eq!(steps[0]["toUnitName"], "Hjärtmottagningen Ekens sjukhus");
    assert_eq!(steps[0]["by"]["name"], "Stina Exempel");
    // The new unit reaches the patient now, and passes it back: as a request, or as any task.
    assert_eq!(pass(s1, s1.unit.0, 2).await.user_error_codes("agreementRequestPass"), ["WRONG_STATE"]);
    let input = json!({
        "taskId": global(NodeKind::Task, all[0].id), "careUnitId": global(NodeKind::CareUnit, s1.unit),
        "reason": "Tillbaka", "expectedRowVersion": all[0].row_version,
    });
    act(&app, &s2.identity, "taskPass", "task { id }", input).await.ok();
    let id = AgreementRequestId(row(request["id"].as_str().unwrap()));
    let stored = agreement_request::Entity::find_by_id(id).one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!((stored.care_unit_id, stored.row_version), (s1.unit, 3));
}

#[tokio::test]
async fn staff_write_down_what_a_patient_asks_for_and_for_units_of_their_own_provider_only() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let ask = |unit: Uuid, how: Value| {
        let input = json!({
            "patientId": p1.global_id(), "careUnitId": global(NodeKind::CareUnit, unit), "how": how,
        });
        act(&app, &s1.identity, "agreementRequest", REQUEST, input)
    };
    assert_eq!(ask(s3.unit.0, json!("PHONE")).await.user_error_codes("agreementRequest"), ["NOT_FOUND"]);
    assert_eq!(ask(s1.unit.0, Value::Null).await.user_error_codes("agreementRequest"), ["BAD_USER_INPUT"]);
    let asked = ask(s1.unit.0, json!("PHONE")).await.ok();
    assert_eq!(asked.text("/agreementRequest/request/askedBy"), "STAFF");
    assert_eq!(asked.text("/agreementRequest/request/askedHow"), "PHONE");
}

/// "Nothing reveals": another provider's agreement ends no request, for its end would tell.
#[tokio::test]
async fn an_agreement_at_another_provider_leaves_request_and_offer_as_they_are() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let offer = offered(&app, s1, p1).await;
    asked(&app, p1).await;
    proposed(&app, s3, p1).await;
    assert_eq!(tasks(&app, task::Kind::AgreementRequest).await[0].status, task::Status::Open);
    let id = AgreementOfferId(row(offer["id"].as_str().unwrap()));
    let stored = agreement_offer::Entity::find_by_id(id).one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(stored.status, agreement_offer::Status::Open);
    // And staff of the other provider offer without being told of the first offer.
    let p2 = &app.world.p2;
    offered(&app, &app.world.s2, p2).await;
    offered(&app, s3, p2).await;
}

#[tokio::test]
async fn candidates_are_the_units_patients_without_an_agreement_in_one_statement() {
    let app = TestApp::new().await;
    let (s1, s3) = (&app.world.s1, &app.world.s3);
    let (p1, p2, p3) = (&app.world.p1, &app.world.p2, &app.world.p3);
    let unit = global(NodeKind::CareUnit, s1.unit);
    let list = async |arguments: &str| {
        let query = format!(
            "{{ careUnit(id: \"{unit}\") {{ candidates{arguments} {{ pageInfo {{ hasNextPage endCursor }} nodes {{ \
             patient {{ familyName }} lastOffer {{ status offeredAt }} openRequest {{ dueAt unitName }} }} }} }} }}"
        );
        app.run(&s1.identity, &query, json!({})).await;
        let (answer, statements) = app.statements(app.run(&s1.identity, &query, json!({}))).await;
        assert_eq!(statements.len(), 1, "{statements:#?}");
        answer.ok().at("/careUnit/candidates").clone()
    };
    let names = |page: &Value| {
        let nodes = page["nodes"].as_array().unwrap();
        nodes.iter().map(|n| n["patient"]["familyName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(names(&list("").await).is_empty(), "nobody is in reach");
    for patient in [p1, p2, p3] {
        relate(&app.core, s1, patient).await;
    }
    assert_eq!(names(&list("").await), ["Kanariesson", "Papegojsson", "Undulatsson"]);
    let first = list("(first: 1)").await;
    let cursor = first["pageInfo"]["endCursor"].as_str().unwrap();
    assert_eq!(
        names(&list(&format!("(first: 2, after: \"{cursor}\")")).await),
        ["Papegojsson", "Undulatsson"]
    );
    assert_eq!(names(&list("(filter: { familyName: \"papeg\" })").await), ["Papegojsson"]);

    // An agreement takes a patient off the list; another provider's does not, for that would tell of it.
    draft(&app, s1, p1).await;
    asked(&app, p2).await;
    draft(&app, s3, p2).await;
    offered(&app, s1, p2).await;
    let page = list("").await;
    assert_eq!(names(&page), ["Papegojsson", "Undulatsson"]);
    assert_eq!(page["nodes"][0]["lastOffer"]["status"], "OPEN");
    assert_eq!(page["nodes"][1]["lastOffer"], Value::Null);
    // p2's own unit was asked: a unit of the same provider.
    assert_eq!(names(&list("(filter: { requested: true })").await), ["Papegojsson"]);
    let query = format!("{{ careUnit(id: \"{unit}\") {{ candidates {{ nodes {{ patient {{ id }} }} }} }} }}");
    for other in [&app.world.s2.identity, &s3.identity, &p1.identity, &app.world.analyst.identity] {
        assert_eq!(app.run(other, &query, json!({})).await.error_codes(), ["FORBIDDEN"]);
    }
}

#[tokio::test]
async fn a_draft_of_the_patients_own_is_no_reason_to_ask_again() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan: Plan = draft(&app, s1, p1).await;
    assert!(!plan.id.is_empty());
    let answer = act(&app, &p1.identity, "agreementRequest", REQUEST, json!({})).await;
    assert_eq!(answer.user_error_codes("agreementRequest"), ["CONFLICT"]);
}

/// The patient group is a coded choice that care may change: no version changes, and the history says so.
#[tokio::test]
async fn care_changes_the_patient_group_and_no_version_changes() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = crate::acts::active(&app, s1, p1).await;
    let name = "agreementPatientGroupSet";
    let shown = "agreement { status rowVersion patientGroup { code } currentVersion { id } \
                 history(first: 1) { nodes { what changes { label from to } } } }";
    let set = |group: &str, row_version: i64| json!({ "agreementId": plan.id, "patientGroup": group, "expectedRowVersion": row_version });
    for (who, group, row_version, code) in [
        (&p1.identity, "CANCER", plan.row_version, "FORBIDDEN"),
        (&app.world.s2.identity, "CANCER", plan.row_version, "NOT_FOUND"),
        (&s1.identity, "NO_SUCH", plan.row_version, "BAD_USER_INPUT"),
        (&s1.identity, "", plan.row_version, "BAD_USER_INPUT"),
        (&s1.identity, "CANCER", plan.row_version - 1, "STALE_ROW_VERSION"),
    ] {
        let answer = act(&app, who, name, shown, set(group, row_version)).await;
        assert_eq!(answer.user_error_codes(name), [code], "{group}");
    }
    let answer = act(&app, &s1.identity, name, shown, set("CANCER", plan.row_version)).await.ok();
    let agreement = answer.at(&format!("/{name}/agreement"));
    assert_eq!(agreement["patientGroup"]["code"], "CANCER");
    assert_eq!(
        (&agreement["status"], &agreement["currentVersion"]["id"]),
        (&json!("ACTIVE"), &json!(plan.version))
    );
    let entry = &agreement["history"]["nodes"][0];
    assert_eq!(entry["what"], "Patientgruppen ändrades");
    assert_eq!(entry["changes"], json!([{ "label": "Patientgrupp", "from": null, "to": "Cancer" }]));
    let row_version = agreement["rowVersion"].as_i64().unwrap();
    let none = act(&app, &s1.identity, name, shown, set(" ", row_version)).await.ok();
    assert!(none.at(&format!("/{name}/agreement/patientGroup")).is_null());
}
