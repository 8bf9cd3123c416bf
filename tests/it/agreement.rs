//! Agreements: nothing comes into force without both assents to exactly that text.

use entity::{
    AgreementId, AgreementVersionId, ContactWayId, ReminderPreferenceId, access_event, agreement,
    agreement_version, care_relation, change_entry, contact_way, domain_event, goal, notice, plan_item,
    reminder_preference,
};
use futures_util::future::join_all;
use harness::{TestApp, TestPatient, relate};
use patientkontrakt::{crypto::Place, graphql::scalars::NodeKind};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter,
};
use serde_json::json;
use uuid::Uuid;

use crate::acts::{
    AGREEMENT, PLAN_ITEM, Plan, act, active, assent, draft, global, item, proposed, row, whole_item,
};

async fn stored(app: &TestApp, plan: &Plan) -> agreement::Model {
    let id = AgreementId(row(&plan.id));
    agreement::Entity::find_by_id(id).one(app.core.db.reader()).await.unwrap().unwrap()
}

async fn version(app: &TestApp, plan: &Plan) -> agreement_version::Model {
    let id = AgreementVersionId(row(&plan.version));
    agreement_version::Entity::find_by_id(id).one(app.core.db.reader()).await.unwrap().unwrap()
}

async fn events(app: &TestApp, kind: &str) -> u64 {
    let found = domain_event::Entity::find().filter(domain_event::Column::Kind.eq(kind));
    found.count(app.core.db.reader()).await.unwrap()
}

#[tokio::test]
async fn a_plan_comes_into_force_when_both_sides_have_assented_to_exactly_that_text() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let (_, seen) = Plan::of(&app, p1).await;
    assert_eq!(seen["status"], "PROPOSED");
    assert_eq!(seen["currentVersion"]["careAssent"]["by"], "STAFF");
    assert_eq!(seen["currentVersion"]["proposedBy"], "CARE");
    assert!(seen["currentVersion"]["patientAssent"].is_null());

    let answer = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    let agreement = answer.at("/agreementAssent/agreement");
    assert_eq!(agreement["status"], "ACTIVE");
    assert_eq!(agreement["currentVersion"]["status"], "ACTIVE");
    assert_eq!(agreement["currentVersion"]["patientAssent"]["by"], "PATIENT");
    assert!(agreement["planItems"].as_array().unwrap().iter().all(|i| i["status"] == "ACCEPTED"));
    assert_eq!(events(&app, "agreement.activated").await, 1);
}

#[tokio::test]
async fn an_assent_to_another_text_is_refused_and_changes_nothing() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let plan = proposed(&app, &app.world.s1, p1).await;
    let before = (stored(&app, &plan).await, version(&app, &plan).await);
    for digest in ["00".repeat(32), String::new(), "inte en digest".to_owned()] {
        let mut input = assent(&plan);
        input["digest"] = json!(digest);
        let answer = act(&app, &p1.identity, "agreementAssent", AGREEMENT, input).await;
        assert_eq!(answer.user_error_codes("agreementAssent"), ["CONFLICT"]);
        // The current object comes with the refusal.
        assert_eq!(answer.text("/agreementAssent/agreement/status"), "PROPOSED");
    }
    assert_eq!(before, (stored(&app, &plan).await, version(&app, &plan).await));
}

#[tokio::test]
async fn a_proposal_is_refused_with_everything_that_is_missing() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let items = [
        json!({ "agreementId": plan.id, "title": "Utan tid", "category": "TREATMENT", "owner": "CARE" }),
        json!({ "agreementId": plan.id, "title": "Utan uppföljning", "category": "FOLLOW_UP", "owner": "CARE",
                "timing": { "trigger": { "text": "när provsvaret kommit" } } }),
    ];
    let mut ids = Vec::new();
    for input in items {
        let answer = act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, input).await.ok();
        ids.push(answer.text("/planItemPropose/planItem/id"));
    }
    let (plan, _) = Plan::of(&app, p1).await;
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let answer = act(&app, &s1.identity, "agreementPropose", AGREEMENT, input).await;
    assert_eq!(answer.user_error_codes("agreementPropose"), ["INCOMPLETE"; 3]);
    let errors = answer.at("/agreementPropose/userErrors").as_array().unwrap().clone();
    let fields: Vec<_> = errors.iter().filter_map(|e| e["field"].as_str()).collect();
    assert_eq!(
        fields,
        [
            format!("planItems.{}.timing", ids[0]).as_str(),
            format!("planItems.{}.timing.trigger.latestFollowUpOn", ids[1]).as_str(),
            "contacts",
        ]
    );
    assert_eq!(answer.text("/agreementPropose/agreement/status"), "DRAFT");
}

#[tokio::test]
async fn a_stale_row_version_is_refused_with_the_current_object() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let old = draft(&app, s1, p1).await;
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&old, s1, "Ta prover", "CARE"))
        .await
        .ok();
    let input = json!({ "agreementId": old.id, "expectedRowVersion": old.row_version });
    let answer = act(&app, &s1.identity, "agreementPropose", AGREEMENT, input).await;
    assert_eq!(answer.user_error_codes("agreementPropose"), ["STALE_ROW_VERSION"]);
    let current = Plan::read(&answer, "agreementPropose");
    assert_eq!(current.row_version, old.row_version + 1);
    assert_eq!(answer.text("/agreementPropose/agreement/planItems/0/title"), "Ta prover");
    assert_eq!(stored(&app, &old).await.status, agreement::Status::Draft);

    let plan = proposed(&app, &app.world.s2, &app.world.p2).await;
    let mut input = assent(&plan);
    input["expectedRowVersion"] = json!(plan.row_version - 1);
    let answer = act(&app, &app.world.p2.identity, "agreementAssent", AGREEMENT, input).await;
    assert_eq!(answer.user_error_codes("agreementAssent"), ["STALE_ROW_VERSION"]);
}

#[tokio::test]
async fn a_side_assents_once() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let by_care = act(&app, &s1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await;
    assert_eq!(by_care.user_error_codes("agreementAssent"), ["WRONG_STATE"]);
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    let again = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await;
    assert_eq!(again.user_error_codes("agreementAssent"), ["WRONG_STATE"]);
}

#[tokio::test]
async fn twenty_assents_at_once_are_one_with_one_entry_in_each_log() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let plan = proposed(&app, &app.world.s1, p1).await;
    let answers =
        join_all((0..20).map(|_| act(&app, &p1.identity, "agreementAssent", "", assent(&plan)))).await;
    let done = answers.iter().filter(|a| a.user_error_codes("agreementAssent").is_empty()).count();
    assert_eq!(done, 1);
    for answer in &answers {
        let codes = answer.user_error_codes("agreementAssent");
        assert!(codes.is_empty() || codes == ["WRONG_STATE"], "{}", answer.body);
    }
    let db = app.core.db.reader();
    let logged = access_event::Entity::find()
        .filter(access_event::Column::Action.eq("agreementAssent"))
        .filter(access_event::Column::Outcome.eq(access_event::Outcome::Allowed));
    assert_eq!(logged.count(db).await.unwrap(), 1);
    let history = change_entry::Entity::find().filter(change_entry::Column::Action.eq("agreementAssent"));
    // The version, and its two items.
    assert_eq!(history.count(db).await.unwrap(), 3);
    assert_eq!(stored(&app, &plan).await.status, agreement::Status::Active);
}

#[tokio::test]
async fn twenty_drafts_at_once_are_one() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let input = json!({ "patientId": p1.global_id(), "title": "Min plan" });
    let answers =
        join_all((0..20).map(|_| act(&app, &s1.identity, "agreementCreate", AGREEMENT, input.clone()))).await;
    let refused = answers.iter().filter(|a| a.user_error_codes("agreementCreate") == ["CONFLICT"]).count();
    assert_eq!(refused, 19);
    assert_eq!(agreement::Entity::find().count(app.core.db.reader()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_repeated_key_gives_the_same_answer_and_acts_once() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let input = json!({ "patientId": p1.global_id(), "title": "Min plan", "idempotencyKey": "en nyckel" });
    let first = act(&app, &s1.identity, "agreementCreate", AGREEMENT, input.clone()).await.ok();
    let second = act(&app, &s1.identity, "agreementCreate", AGREEMENT, input.clone()).await.ok();
    assert_eq!(first.body, second.body);
    let at_once =
        join_all((0..20).map(|_| act(&app, &s1.identity, "agreementCreate", AGREEMENT, input.clone()))).await;
    assert!(at_once.iter().all(|a| a.body == first.body));
    assert_eq!(agreement::Entity::find().count(app.core.db.reader()).await.unwrap(), 1);

    let mut other = input;
    other["title"] = json!("En annan plan");
    let reused = act(&app, &s1.identity, "agreementCreate", AGREEMENT, other).await;
    assert_eq!(reused.user_error_codes("agreementCreate"), ["IDEMPOTENCY_KEY_REUSED"]);
}

#[tokio::test]
async fn another_providers_agreement_is_not_told_of_and_two_never_are_in_force() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    active(&app, s1, p1).await;
    // Staff of another provider see none, and may draft.
    let second = draft(&app, s3, p1).await;
    act(&app, &s3.identity, "planItemPropose", PLAN_ITEM, whole_item(&second, s3, "Träna", "CARE"))
        .await
        .ok();
    let input = json!({ "agreementId": second.id, "expectedRowVersion": second.row_version + 1 });
    let answer = act(&app, &s3.identity, "agreementPropose", AGREEMENT, input).await.ok();
    let second = Plan::read(&answer, "agreementPropose");
    let refused = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&second)).await;
    assert_eq!(refused.user_error_codes("agreementAssent"), ["CONFLICT"]);
    assert_eq!(stored(&app, &second).await.status, agreement::Status::Proposed);
    assert_eq!(version(&app, &second).await.patient_assent_at, None);
}

#[tokio::test]
async fn a_coordinator_may_propose_but_not_assent_for_care() {
    let app = TestApp::new().await;
    let (kim, s1, p1) = (&app.world.coordinator, &app.world.s1, &app.world.p1);
    let plan = proposed(&app, kim, p1).await;
    assert_eq!(version(&app, &plan).await.care_assent_at, None);
    let answer = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    assert_eq!(answer.text("/agreementAssent/agreement/status"), "PROPOSED");
    let refused = act(&app, &kim.identity, "agreementAssent", AGREEMENT, assent(&plan)).await;
    assert_eq!(refused.user_error_codes("agreementAssent"), ["FORBIDDEN"]);
    assert!(refused.at("/agreementAssent/agreement").is_null());
    let answer = act(&app, &s1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    assert_eq!(answer.text("/agreementAssent/agreement/status"), "ACTIVE");
}

#[tokio::test]
async fn a_patient_cannot_draw_up_an_agreement_and_the_refusal_is_logged() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let input = json!({ "patientId": p1.global_id(), "title": "Min plan" });
    let answer = act(&app, &p1.identity, "agreementCreate", AGREEMENT, input).await;
    assert_eq!(answer.user_error_codes("agreementCreate"), ["FORBIDDEN"]);
    let denied = access_event::Entity::find()
        .filter(access_event::Column::Outcome.eq(access_event::Outcome::Denied))
        .all(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(denied.len(), 1);
    assert_eq!(denied[0].action, "agreementCreate");
    assert_eq!(agreement::Entity::find().count(app.core.db.reader()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_foreign_id_a_random_id_and_an_id_of_another_kind_are_the_same_refusal() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    let plan = proposed(&app, s1, p1).await;
    let before = (stored(&app, &plan).await, version(&app, &plan).await);
    let random = global(NodeKind::Agreement, Uuid::new_v4());
    let mut bodies = Vec::new();
    for id in [plan.id.as_str(), &random, &plan.version, &plan.id.to_uppercase(), "", "agr_\u{0}"] {
        let mut input = assent(&plan);
        input["agreementId"] = json!(id);
        let answer = act(&app, &p2.identity, "agreementAssent", AGREEMENT, input).await;
        assert_eq!(answer.user_error_codes("agreementAssent"), ["NOT_FOUND"]);
        assert!(!answer.body.to_string().contains(p1.canary));
        bodies.push(answer.body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    for who in [&p2.identity, &app.world.s2.identity, &app.world.s3.identity] {
        let answer = act(&app, who, "agreementPropose", AGREEMENT, input.clone()).await;
        assert_eq!(answer.user_error_codes("agreementPropose"), ["NOT_FOUND"]);
    }
    // A version of another agreement is none of this one's.
    let other = proposed(&app, &app.world.s2, p2).await;
    let mut input = assent(&plan);
    input["versionId"] = json!(other.version);
    let answer = act(&app, &p1.identity, "agreementAssent", AGREEMENT, input).await;
    assert_eq!(answer.user_error_codes("agreementAssent"), ["NOT_FOUND"]);
    assert_eq!(before, (stored(&app, &plan).await, version(&app, &plan).await));
}

#[tokio::test]
async fn members_that_an_input_does_not_have_are_refused() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    for (member, value) in [
        ("role", "CARE"),
        ("status", "ACTIVE"),
        ("signedAt", "2027-01-01T00:00:00Z"),
        ("authorId", p1.global_id().as_str()),
    ] {
        let mut input = json!({ "patientId": p1.global_id(), "title": "Min plan" });
        input[member] = json!(value);
        let answer = act(&app, &s1.identity, "agreementCreate", AGREEMENT, input).await;
        assert!(answer.body.get("errors").is_some(), "{member}: {}", answer.body);
    }
    assert_eq!(agreement::Entity::find().count(app.core.db.reader()).await.unwrap(), 0);
}

#[tokio::test]
async fn an_ended_agreement_takes_no_assent_and_no_additions() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let row = agreement::ActiveModel {
        id: Set(AgreementId(row(&plan.id))),
        status: Set(agreement::Status::Ended),
        ..Default::default()
    };
    row.update(app.core.db.reader()).await.unwrap();
    let answer = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await;
    assert_eq!(answer.user_error_codes("agreementAssent"), ["CONFLICT"]);
    let goal = json!({ "agreementId": plan.id, "text": "Orka mer" });
    let answer = act(&app, &p1.identity, "goalAdd", "goal { id }", goal).await;
    assert_eq!(answer.user_error_codes("goalAdd"), ["CONFLICT"]);
}

#[tokio::test]
async fn drawing_up_a_plan_gives_the_unit_a_lasting_care_relation() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let relation = care_relation::Entity::find()
        .filter(care_relation::Column::SubjectId.eq(row(&plan.id)))
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(relation.source, care_relation::Source::Agreement);
    assert_eq!((relation.patient_id, relation.care_unit_id), (p1.id, s1.unit));
    assert_eq!(relation.valid_until, None);
}

/// The patient has said yes to mail about the plan.
pub async fn hears_of_the_plan(app: &TestApp, p1: &TestPatient) {
    let (way, now) = (ContactWayId(app.core.clock.uuid()), app.clock.now());
    let address = contact_way::Model {
        id: way,
        patient_id: p1.id,
        care_unit_id: p1.unit,
        care_provider_id: p1.provider,
        channel: contact_way::Channel::Mail,
        address: app.core.keys.seal(Place::new("contact_way.address", way), "etta@example.org").unwrap(),
        lookup: app.core.keys.lookup_hash("mail", "etta@example.org"),
        status: contact_way::Status::Good,
        created_at: now,
        row_version: 1,
    };
    address.into_active_model().insert(app.core.db.reader()).await.unwrap();
    let yes = reminder_preference::Model {
        id: ReminderPreferenceId(app.core.clock.uuid()),
        patient_id: p1.id,
        care_unit_id: p1.unit,
        care_provider_id: p1.provider,
        kind: reminder_preference::PreferenceKind::Plan,
        channel: contact_way::Channel::Mail,
        opted_in: true,
        detail: reminder_preference::Detail::TimeOnly,
        text_shown: "Ja".to_owned(),
        text_version: None,
        by_kind: access_event::ActorKind::Patient,
        by_id: p1.id.0,
        decided_at: now,
    };
    yes.into_active_model().insert(app.core.db.reader()).await.unwrap();
}

#[tokio::test]
async fn a_patient_who_has_asked_to_hears_of_what_care_does_with_the_plan() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    hears_of_the_plan(&app, p1).await;

    let plan = active(&app, s1, p1).await;
    for title in ["Första", "Andra"] {
        act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, title, "CARE"))
            .await
            .ok();
    }
    // The patient's own acts are no news to the patient.
    act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Egen", "PATIENT"))
        .await
        .ok();
    let waiting = item(&app, p1, "Egen").await;
    let accept = json!({ "planItemId": waiting["id"], "expectedRowVersion": waiting["rowVersion"] });
    act(&app, &s1.identity, "planItemAccept", PLAN_ITEM, accept).await.ok();
    let notices = notice::Entity::find().all(app.core.db.reader()).await.unwrap();
    let mut rules: Vec<_> = notices.iter().map(|n| n.rule.as_str()).collect();
    rules.sort_unstable();
    assert_eq!(rules, ["PLAN_ACTIVE", "PLAN_PROPOSED", "PLAN_PROPOSED", "PLAN_PROPOSED"]);
    assert!(notices.iter().all(|n| n.agreement_id == Some(AgreementId(row(&plan.id)))));
}

#[tokio::test]
async fn a_change_of_a_plan_in_force_is_a_new_version_and_the_old_one_stays() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let first = active(&app, s1, p1).await;
    let before = version(&app, &first).await;
    let goal = json!({ "agreementId": first.id, "text": "Kunna gå till affären" });
    let answer = act(&app, &p1.identity, "goalAdd", "goal { id status setBy }", goal).await.ok();
    assert_eq!(answer.text("/goalAdd/goal/setBy"), "PATIENT");
    assert_eq!(version(&app, &first).await, before, "what is in force stays as it is");

    let (_, seen) = Plan::of(&app, p1).await;
    assert_eq!(seen["currentVersion"]["number"], 1);
    let proposal = &seen["proposals"][0];
    assert_eq!((&proposal["number"], &proposal["proposedBy"]), (&json!(2), &json!("PATIENT")));
    let input = json!({
        "agreementId": first.id, "versionId": proposal["id"], "digest": proposal["digest"],
    });
    let answer = act(&app, &s1.identity, "agreementAssent", AGREEMENT, input).await.ok();
    let agreement = answer.at("/agreementAssent/agreement");
    assert_eq!(agreement["currentVersion"]["number"], 2);
    assert_eq!(agreement["goals"][0]["status"], "ACCEPTED");
    let old = version(&app, &first).await;
    assert_eq!(old.status, agreement_version::Status::Superseded);
    assert_eq!((old.content, old.hash), (before.content, before.hash));
}

#[tokio::test]
async fn what_an_assent_brings_into_force_is_attributed_to_whoever_gave_it() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let plan = proposed(&app, &app.world.s1, p1).await;
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    let db = app.core.db.reader();
    let items = plan_item::Entity::find().all(db).await.unwrap();
    assert_eq!(items.len(), 2);
    for item in items {
        let by = (item.status_by_kind, item.status_at);
        assert_eq!(by, (Some(access_event::ActorKind::Patient), Some(app.clock.now())));
        let entries = change_entry::Entity::find()
            .filter(change_entry::Column::SubjectId.eq(item.id.0))
            .filter(change_entry::Column::Action.eq("agreementAssent"))
            .all(db)
            .await
            .unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].by_id, entries[0].subject_kind.as_str()), (p1.id.0, "plan_item"));
    }
}

#[tokio::test]
async fn open_proposals_are_bounded_and_fall_with_the_version_they_change() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let propose = async |title: &str| {
        act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, title, "CARE")).await
    };
    let goal = json!({ "agreementId": plan.id, "text": "Kunna gå till affären" });
    act(&app, &s1.identity, "goalAdd", "goal { id }", goal).await.ok();
    for n in 1..20 {
        propose(&format!("Förslag {n}")).await.ok();
    }
    assert_eq!(propose("Ett för mycket").await.user_error_codes("planItemPropose"), ["CONFLICT"]);

    let (first, second) = (item(&app, p1, "Förslag 1").await, item(&app, p1, "Förslag 2").await);
    let (_, before) = Plan::of(&app, p1).await;
    let accept = |item: &serde_json::Value| {
        let input = json!({ "planItemId": item["id"], "expectedRowVersion": item["rowVersion"] });
        act(&app, &p1.identity, "planItemAccept", PLAN_ITEM, input)
    };
    accept(&first).await.ok();
    let (_, seen) = Plan::of(&app, p1).await;
    assert_eq!((before["proposals"].as_array().unwrap().len(), &seen["proposals"]), (20, &json!([])));
    let titles = seen["planItems"].as_array().unwrap();
    assert!(titles.len() == 3 && titles.iter().all(|i| i["status"] == "ACCEPTED"), "{titles:?}");
    let db = app.core.db.reader();
    let withdrawn = agreement_version::Entity::find()
        .filter(agreement_version::Column::Status.eq(agreement_version::Status::Withdrawn));
    assert_eq!(withdrawn.count(db).await.unwrap(), 19);
    let fallen = plan_item::Entity::find()
        .filter(plan_item::Column::Status.eq(plan_item::Status::Cancelled))
        .all(db)
        .await
        .unwrap();
    assert_eq!(fallen.len(), 18);
    let place = Place::new("plan_item.status_reason", fallen[0].id.0);
    let reason = app.core.keys.open(place, fallen[0].status_reason.as_ref().unwrap()).unwrap();
    assert_eq!(reason, "Förslaget föll när planen ändrades.");
    let goals = goal::Entity::find().all(db).await.unwrap();
    assert_eq!((goals.len(), goals[0].status), (1, goal::Status::Cancelled));

    // Neither the item nor its version can be assented to any more.
    assert_eq!(accept(&second).await.user_error_codes("planItemAccept"), ["BASE_MOVED"]);
    let late = &before["proposals"][0];
    let input = json!({ "agreementId": plan.id, "versionId": late["id"], "digest": late["digest"] });
    let answer = act(&app, &p1.identity, "agreementAssent", AGREEMENT, input).await;
    assert_eq!(answer.user_error_codes("agreementAssent"), ["BASE_MOVED"]);
    // There is room for new ones.
    propose("Ett nytt").await.ok();
}
