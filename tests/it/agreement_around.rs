//! How agreements end, who is told, and the history of it all.

use entity::{
    AgreementId, agreement, agreement_version, care_relation, change_entry, item_concern, notice,
    safety_instruction, task,
};
use harness::{TestApp, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::acts::{
    AGREEMENT, PLAN_ITEM, Plan, act, active, assent, draft, global, item, proposed, row, whole_item,
};

const ENDED: &str = "agreement { id status endReason endWords endedBy endedAt rowVersion \
     currentVersion { id status title } proposals { id } planItems { title status statusReason } }";

fn end(plan: &Plan, reason: &str, words: Value) -> Value {
    json!({ "agreementId": plan.id, "reason": reason, "words": words, "expectedRowVersion": plan.row_version })
}

async fn tasks(app: &TestApp, kind: task::Kind) -> Vec<task::Model> {
    task::Entity::find().filter(task::Column::Kind.eq(kind)).all(app.core.db.reader()).await.unwrap()
}

/// The letters that are still to be sent.
async fn unsent(app: &TestApp) -> Vec<task::Model> {
    let mut letters = tasks(app, task::Kind::Letter).await;
    letters.retain(|letter| letter.status == task::Status::Open);
    letters
}

/// An ended agreement stays as it was agreed, readable by both; what waited for an answer is withdrawn.
#[tokio::test]
async fn care_ends_an_agreement_with_a_reason_and_it_stays_readable() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let (plan, _) = Plan::of(&app, p1).await;
    let proposal = whole_item(&plan, s1, "Ett förslag till", "CARE");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, proposal).await.ok();
    let concerned = item(&app, p1, "Ta prover").await;
    let said = json!({ "planItemId": concerned["id"], "kind": "TOO_MUCH_NOW" });
    act(&app, &p1.identity, "planItemConcernRaise", "concern { id }", said).await.ok();
    let warned = json!({ "agreementId": plan.id, "kind": "WARNING_SIGN", "text": "Svullna ben" });
    act(&app, &s1.identity, "safetyInstructionAdd", "instruction { id }", warned).await.ok();
    let (plan, _) = Plan::of(&app, p1).await;
    let silent = act(&app, &s1.identity, "agreementEnd", ENDED, end(&plan, "COMPLETED", Value::Null)).await;
    assert_eq!(silent.user_error_codes("agreementEnd"), ["BAD_USER_INPUT"]);
    let mut stale = end(&plan, "COMPLETED", json!("Allt är gjort"));
    stale["expectedRowVersion"] = json!(1);
    let stale = act(&app, &s1.identity, "agreementEnd", ENDED, stale).await;
    assert_eq!(stale.user_error_codes("agreementEnd"), ["STALE_ROW_VERSION"]);
    let died = act(&app, &s1.identity, "agreementEnd", ENDED, end(&plan, "DECEASED", json!("Avliden"))).await;
    assert_eq!(died.user_error_codes("agreementEnd"), ["BAD_USER_INPUT"]);

    let input = end(&plan, "COMPLETED", json!("Allt är gjort"));
    let ended = act(&app, &s1.identity, "agreementEnd", ENDED, input.clone()).await.ok();
    let ended = ended.at("/agreementEnd/agreement");
    assert_eq!((ended["status"].as_str(), ended["endReason"].as_str()), (Some("ENDED"), Some("COMPLETED")));
    assert_eq!(
        (ended["endWords"].as_str(), ended["endedBy"].as_str()),
        (Some("Allt är gjort"), Some("STAFF"))
    );
    assert_eq!(ended["currentVersion"]["status"], "ENDED");
    assert_eq!(ended["proposals"], json!([]));
    let again = act(&app, &s1.identity, "agreementEnd", ENDED, input).await;
    assert_eq!(again.user_error_codes("agreementEnd"), ["CONFLICT"]);

    let versions = agreement_version::Entity::find().all(app.core.db.reader()).await.unwrap();
    let status = |number| versions.iter().find(|v| v.number == number).unwrap().status;
    assert_eq!(
        (status(1), status(2)),
        (agreement_version::Status::Ended, agreement_version::Status::Withdrawn)
    );
    // What waited for an answer or an assent ends with it, on record.
    let db = app.core.db.reader();
    let concern = item_concern::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!((concern.status, concern.ended_by_id), (item_concern::Status::Ended, Some(s1.assignment.0)));
    assert_eq!(tasks(&app, task::Kind::ItemConcern).await[0].status, task::Status::Superseded);
    let instruction = safety_instruction::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(
        (instruction.status, instruction.settled_at),
        (safety_instruction::Status::Ended, Some(app.clock.now()))
    );
    for (kind, subject) in [("item_concern", concern.id.0), ("safety_instruction", instruction.id.0)] {
        let entry = change_entry::Entity::find()
            .filter(change_entry::Column::Action.eq("agreementEnd"))
            .filter(change_entry::Column::SubjectKind.eq(kind))
            .filter(change_entry::Column::SubjectId.eq(subject));
        assert_eq!(entry.count(db).await.unwrap(), 1, "{kind}");
    }
    // The patient reads it among earlier ones, and whole by its id.
    let query = "{ me { agreement { id } agreements { nodes { id title status endReason } } } }";
    let me = app.run(&p1.identity, query, json!({})).await.ok();
    assert!(me.at("/me/agreement").is_null());
    assert_eq!(me.at("/me/agreements/nodes/0/id"), &json!(plan.id));
    assert_eq!(me.text("/me/agreements/nodes/0/endReason"), "COMPLETED");
    let whole =
        format!("{{ node(id: \"{}\") {{ ... on Agreement {{ planItems {{ title status }} }} }} }}", plan.id);
    let whole = app.run(&p1.identity, &whole, json!({})).await.ok();
    assert!(whole.body.to_string().contains("Ta prover"), "{}", whole.body);
    // A new one may begin.
    draft(&app, s1, p1).await;
}

/// It is an agreement: each may leave it. Care is told, so that nothing under way is lost.
#[tokio::test]
async fn the_patient_may_leave_and_care_gets_a_task() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let refused = act(&app, &p1.identity, "agreementEnd", ENDED, end(&plan, "COMPLETED", Value::Null)).await;
    assert_eq!(refused.user_error_codes("agreementEnd"), ["BAD_USER_INPUT"]);
    let left = act(&app, &p1.identity, "agreementEnd", ENDED, end(&plan, "PATIENT_DECLINED", Value::Null))
        .await
        .ok();
    assert_eq!(left.text("/agreementEnd/agreement/endedBy"), "PATIENT");
    let told = tasks(&app, task::Kind::PlanSignal).await;
    assert_eq!((told.len(), told[0].status, told[0].care_unit_id), (1, task::Status::Open, s1.unit));
    // The unit keeps its access for a while, then loses it.
    let relation = care_relation::Entity::find()
        .filter(care_relation::Column::SubjectId.eq(row(&plan.id)))
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(relation.valid_until, Some(app.clock.now() + chrono::TimeDelta::days(30)));
    for stranger in [&app.world.p2.identity, &app.world.s3.identity] {
        let input = end(&plan, "MOVED", json!("Nej"));
        assert_eq!(
            act(&app, stranger, "agreementEnd", ENDED, input).await.user_error_codes("agreementEnd"),
            ["NOT_FOUND"]
        );
    }
}

#[tokio::test]
async fn a_draft_that_ends_is_withdrawn_with_what_was_only_proposed() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let input = end(&plan, "PATIENT_DECLINED", json!("Patienten vill vänta"));
    let ended = act(&app, &s1.identity, "agreementEnd", ENDED, input).await.ok();
    let items = ended.at("/agreementEnd/agreement/planItems").as_array().unwrap().clone();
    assert!(
        items
            .iter()
            .all(|i| i["status"] == "CANCELLED" && i["statusReason"] == "Patientkontraktet avslutades.")
    );
    // What the service says itself is told in the reader's language.
    let query =
        format!("{{ node(id: \"{}\") {{ ... on Agreement {{ planItems {{ statusReason }} }} }} }}", plan.id);
    let token = app.token(&s1.identity);
    let read = app.send(Some(&token), &[("accept-language", "en")], &json!({ "query": query })).await.ok();
    assert_eq!(read.text("/node/planItems/0/statusReason"), "The agreement was ended.");
    let late = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await;
    assert_eq!(late.user_error_codes("agreementAssent"), ["CONFLICT"]);
    let stored = agreement::Entity::find_by_id(AgreementId(row(&plan.id))).one(app.core.db.reader()).await;
    assert_eq!(stored.unwrap().unwrap().status, agreement::Status::Ended);
}

#[tokio::test]
async fn unsent_notices_are_taken_back_and_the_patient_is_told_of_the_end() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let choice = json!({ "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Vill du veta?" });
    let input = json!({ "choices": [choice], "contactWays": { "mail": "etta@example.se" } });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
    let plan = proposed(&app, s1, p1).await;
    let input = end(&plan, "MOVED", json!("Flyttar till Skåne"));
    act(&app, &s1.identity, "agreementEnd", ENDED, input).await.ok();
    let notices = notice::Entity::find().all(app.core.db.reader()).await.unwrap();
    let state = |rule: &str| notices.iter().filter(|n| n.rule == rule).map(|n| n.state).collect::<Vec<_>>();
    assert_eq!(state("PLAN_PROPOSED"), [notice::State::Withdrawn]);
    assert_eq!(state("PLAN_ENDED"), [notice::State::Planned]);
}

/// On a move the agreement ends as such, the patient gets a copy, and care hands over where the patient consents.
#[tokio::test]
async fn a_patient_who_moves_gets_a_copy_and_care_a_task_to_hand_over() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let ended = act(&app, &p1.identity, "agreementEnd", ENDED, end(&plan, "MOVED", Value::Null)).await.ok();
    assert_eq!(ended.text("/agreementEnd/agreement/endReason"), "MOVED");
    let letters = unsent(&app).await;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].care_unit_id, letters[0].status), (s1.unit, task::Status::Open));
    let query = "query($id: ID!) { node(id: $id) { ... on Task { note canEnd { allowed } } } }";
    let id = global(NodeKind::Task, letters[0].id);
    let seen = app.run(&s1.identity, query, json!({ "id": id })).await.ok();
    assert!(seen.text("/node/note").contains("kopia av patientkontraktet"));
    assert_eq!(seen.at("/node/canEnd/allowed"), true);
}

/// **R** "If another than the fast vårdkontakt draws it up, the fast vårdkontakt gets a signal in the same
/// transaction; none if they are the author."
#[tokio::test]
async fn the_fixed_contact_is_signalled_when_another_draws_it_up_and_not_of_their_own() {
    let app = TestApp::new().await;
    let (s1, s2, s3) = (&app.world.s1, &app.world.s2, &app.world.s3);
    let appoint = async |patient: &harness::TestPatient, who: &harness::Staff| {
        relate(&app.core, s1, patient).await;
        let input = json!({
            "patientId": patient.global_id(), "role": "FAST_VARDKONTAKT",
            "person": { "assignmentId": global(NodeKind::Assignment, who.assignment) },
        });
        act(&app, &s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    };
    let signals = || tasks(&app, task::Kind::PlanSignal);
    // The author is the contact.
    appoint(&app.world.p1, s1).await;
    draft(&app, s1, &app.world.p1).await;
    assert!(signals().await.is_empty());
    // Another draws it up: the contact's unit and person are told, once.
    appoint(&app.world.p2, s2).await;
    let plan = draft(&app, s1, &app.world.p2).await;
    let told = signals().await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].care_unit_id, told[0].assignee_id), (s2.unit, Some(s2.assignment)));
    assert_eq!((told[0].subject_id, told[0].status), (row(&plan.id), task::Status::Open));
    // Across care providers, not without consent.
    appoint(&app.world.p3, s1).await;
    draft(&app, s3, &app.world.p3).await;
    assert_eq!(signals().await.len(), 1);
}

/// The same signal when somebody else proposes a change of the plan.
#[tokio::test]
async fn the_fixed_contact_is_signalled_of_a_proposal_by_another() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let input = json!({
        "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT",
        "person": { "assignmentId": global(NodeKind::Assignment, s2.assignment) },
    });
    act(&app, &s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    assert!(tasks(&app, task::Kind::PlanSignal).await.is_empty());
    let item = whole_item(&plan, s1, "Ett förslag", "CARE");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
    let told = tasks(&app, task::Kind::PlanSignal).await;
    assert_eq!((told.len(), told[0].assignee_id), (1, Some(s2.assignment)));
    // Once, while it lies unseen.
    let item = whole_item(&plan, s1, "Ett förslag till", "CARE");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
    assert_eq!(tasks(&app, task::Kind::PlanSignal).await.len(), 1);
}

const HISTORY: &str = "history(first: 100) { pageInfo { hasNextPage } nodes { at by byName action what subjectKind \
     changes { field label from to } } }";

async fn history(app: &TestApp, who: &patientkontrakt::auth::token::Identity, id: &str) -> Vec<Value> {
    let query = format!("{{ node(id: \"{id}\") {{ ... on Agreement {{ {HISTORY} }} }} }}");
    let answer = app.run(who, &query, json!({})).await.ok();
    answer.at("/node/history/nodes").as_array().unwrap().clone()
}

/// **R** "Every change is attributable: who, when, from what to what."
#[tokio::test]
async fn the_history_says_who_changed_what_from_what_to_what_in_plain_words() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let item = crate::acts::item(&app, p1, "Ta prover").await;
    let input = json!({ "planItemId": item["id"], "expectedRowVersion": item["rowVersion"] });
    act(&app, &s1.identity, "planItemComplete", PLAN_ITEM, input).await.ok();
    let entries = history(&app, &p1.identity, &plan.id).await;
    let newest = &entries[0];
    assert_eq!(newest["action"], "planItemComplete");
    assert_eq!(newest["what"], "Insatsen är gjord");
    assert_eq!(newest["byName"], "Stina Exempel, läkare, Vårdcentralen Granen");
    let status = newest["changes"].as_array().unwrap().iter().find(|c| c["field"] == "status").unwrap();
    assert_eq!(
        (status["label"].as_str(), status["from"].as_str(), status["to"].as_str()),
        (Some("Läge"), Some("överenskommen"), Some("gjort"))
    );
    let mine: Vec<&Value> = entries.iter().filter(|e| e["action"] == "agreementAssent").collect();
    assert!(mine.iter().all(|e| e["byName"] == "du" && e["by"] == "PATIENT"));
    assert!(mine.iter().any(|e| e["what"] == "Patientkontraktet godkändes"));
    let begun = entries.last().unwrap();
    assert_eq!(begun["what"], "Patientkontraktet påbörjades");
    let story = begun["changes"].as_array().unwrap().iter().find(|c| c["label"] == "Min berättelse").unwrap();
    assert_eq!((&story["from"], story["to"].as_str()), (&Value::Null, Some("Jag heter kanarie-ett.")));
    // Newest first, every change of the record, and for staff the patient is the patient.
    assert!(entries.windows(2).all(|pair| pair[0]["at"].as_str() >= pair[1]["at"].as_str()));
    let by_staff = history(&app, &s1.identity, &plan.id).await;
    assert_eq!(by_staff.len(), entries.len());
    assert!(by_staff.iter().any(|e| e["byName"] == "Patienten"));
    // No word of the record's own coding, and no bare id, is left.
    for entry in &entries {
        for change in entry["changes"].as_array().unwrap() {
            let (label, field) = (change["label"].as_str().unwrap(), change["field"].as_str().unwrap());
            assert!(label != field.rsplit('.').next().unwrap(), "{field} has no name for people: {entry}");
            for side in ["from", "to"] {
                let text = change[side].as_str().unwrap_or_default();
                assert!(uuid::Uuid::try_parse(text).is_err(), "{entry}");
                let coded = text.len() > 2 && text.bytes().all(|c| c.is_ascii_uppercase() || c == b'_');
                assert!(!coded, "{text} has no word for people: {entry}");
            }
        }
    }
}

#[tokio::test]
async fn work_notes_are_not_shown_to_the_patient_in_the_history() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let mut input = whole_item(&plan, s1, "Ta prover", "CARE");
    input["workNote"] = json!("Bara för oss i vården");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, input).await.ok();
    let own = history(&app, &p1.identity, &plan.id).await;
    assert!(own.iter().any(|e| e["action"] == "planItemPropose"));
    assert!(!json!(own).to_string().contains("Bara för oss"));
}

/// What staff write to each other about a task is for staff.
#[tokio::test]
async fn why_a_task_is_passed_on_is_not_shown_to_the_patient_in_the_history() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let mut oral = assent(&plan);
    oral["setting"] = json!("BY_PHONE");
    // Nobody has said how to reach the patient: a copy is to be sent.
    act(&app, &s1.identity, "agreementAssentRecordOral", AGREEMENT, oral).await.ok();
    let letter = unsent(&app).await.remove(0);
    let input = json!({ "taskId": global(NodeKind::Task, letter.id), "expectedRowVersion": letter.row_version,
                        "careUnitId": global(NodeKind::CareUnit, app.world.s2.unit), "reason": "Orkar inte mer" });
    let passed = act(&app, &s1.identity, "taskPass", "task { id }", input).await.ok();
    assert!(passed.user_error_codes("taskPass").is_empty(), "{}", passed.body);
    let shown = |entries: Vec<Value>| {
        let passes = entries.into_iter().filter(|e| e["action"] == "taskPass").collect::<Vec<_>>();
        assert_eq!(passes.len(), 1);
        json!(passes).to_string()
    };
    let entries = history(&app, &p1.identity, &plan.id).await;
    let empty = |change: &&Value| change["from"].is_null() && change["to"].is_null();
    let nothing: Vec<_> =
        entries.iter().flat_map(|e| e["changes"].as_array().unwrap()).filter(empty).collect();
    assert!(nothing.is_empty(), "what is not shown is not named: {nothing:?}");
    let own = shown(entries);
    assert!(!own.contains("Orkar inte") && own.contains("careUnit"), "{own}");
    assert!(shown(history(&app, &s1.identity, &plan.id).await).contains("Orkar inte mer"));
}

#[tokio::test]
async fn a_page_of_history_costs_two_statements_and_pages_do_not_overlap() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let all = history(&app, &p1.identity, &plan.id).await.len();
    let page = async |after: &str| {
        let query = format!(
            "{{ me {{ agreement {{ history(first: 2{after}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ at what }} }} }} }} }}"
        );
        app.run(&p1.identity, &query, json!({})).await.ok();
        let (answer, statements) = app.statements(app.run(&p1.identity, &query, json!({}))).await;
        // The head of `me`, the page, the names in it.
        assert!(statements.len() <= 3, "{statements:#?}");
        answer.ok().at("/me/agreement/history").clone()
    };
    let (mut seen, mut after) = (0, String::new());
    for _ in 0..=all {
        let found = page(&after).await;
        seen += found["nodes"].as_array().unwrap().len();
        if found["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!(", after: \"{}\"", found["pageInfo"]["endCursor"].as_str().unwrap());
    }
    assert_eq!(seen, all);
    let wrong =
        app.run(&p1.identity, "{ me { agreement { history(first: 0) { nodes { at } } } } }", json!({})).await;
    assert_eq!(wrong.error_codes(), ["BAD_USER_INPUT"]);
}
