//! What care lays over an agreement at once, and the plans it builds on.

use entity::notice;
use harness::TestApp;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, active, draft, whole_item};

const INSTRUCTION: &str =
    "instruction { id kind text action phone source sourceOn status standing agreedInVersion rowVersion }";
const LINK: &str = "link { id kind title holder url datedOn parties fulfils removedAt rowVersion }";

fn warning(plan: &Plan) -> Value {
    json!({
        "agreementId": plan.id, "kind": "WARNING_SIGN", "text": "Svullna ben",
        "action": "Ring samma dag", "phone": "070-174 06 05",
    })
}

async fn over(app: &TestApp, who: &patientkontrakt::auth::token::Identity) -> Vec<Value> {
    let query = "{ me { agreement { safetyInstructions { text status standing agreedInVersion } } } }";
    let answer = app.run(who, query, json!({})).await.ok();
    answer.at("/me/agreement/safetyInstructions").as_array().unwrap().clone()
}

/// **R** "Care may at once overlay a safety instruction; the patient is notified and sees 'ändrat av vården, ännu inte
/// överenskommet'."
#[tokio::test]
async fn a_safety_instruction_holds_at_once_and_the_patient_is_told_that_it_is_not_agreed_yet() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let choice = json!({ "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Ja" });
    let input = json!({ "choices": [choice], "contactWays": { "mail": "etta@example.se" } });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
    let plan = draft(&app, s1, p1).await;
    let early = act(&app, &s1.identity, "safetyInstructionAdd", INSTRUCTION, warning(&plan)).await;
    assert_eq!(early.user_error_codes("safetyInstructionAdd"), ["WRONG_STATE"]);
    let p2 = &app.world.p2;
    let plan = active(&app, &app.world.s2, p2).await;
    let input = json!({ "choices": [{ "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Ja" }],
                        "contactWays": { "mail": "tva@example.se" } });
    act(&app, &p2.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
    let added =
        act(&app, &app.world.s2.identity, "safetyInstructionAdd", INSTRUCTION, warning(&plan)).await.ok();
    assert_eq!(added.text("/safetyInstructionAdd/instruction/phone"), "+46701740605");
    let shown = over(&app, &p2.identity).await;
    assert_eq!(shown[0]["text"], "Svullna ben");
    assert_eq!(shown[0]["standing"], "ändrat av vården, ännu inte överenskommet");
    let told = notice::Entity::find().filter(notice::Column::Rule.eq("PLAN_SAFETY"));
    assert_eq!(told.count(app.core.db.reader()).await.unwrap(), 1);
    for (who, code) in [
        (&p2.identity, "FORBIDDEN"),
        (&app.world.coordinator.identity, "FORBIDDEN"),
        (&app.world.s3.identity, "NOT_FOUND"),
    ] {
        let answer = act(&app, who, "safetyInstructionAdd", INSTRUCTION, warning(&plan)).await;
        assert_eq!(answer.user_error_codes("safetyInstructionAdd"), [code]);
    }
}

/// **R** "Medicines cite the medication list with source and date."
#[tokio::test]
async fn a_medicine_cites_the_medication_list_with_its_date_and_whom_to_call_has_a_number() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let add = |input: Value| act(&app, &s1.identity, "safetyInstructionAdd", INSTRUCTION, input);
    let uncited =
        add(json!({ "agreementId": plan.id, "kind": "MEDICINE", "text": "Sluta med tabletten" })).await;
    assert_eq!(uncited.user_error_codes("safetyInstructionAdd"), ["BAD_USER_INPUT"; 2]);
    let fields: Vec<_> =
        (0..2).map(|n| uncited.text(&format!("/safetyInstructionAdd/userErrors/{n}/field"))).collect();
    assert_eq!(fields, ["source", "sourceOn"]);
    let mut input = json!({
        "agreementId": plan.id, "kind": "MEDICINE", "text": "Sluta med tabletten",
        "source": "Nationella läkemedelslistan", "sourceOn": "2027-03-01",
    });
    assert_eq!(
        add(input.clone()).await.user_error_codes("safetyInstructionAdd"),
        ["BAD_USER_INPUT"],
        "in the future"
    );
    input["sourceOn"] = json!("2027-01-30");
    let cited = add(input).await.ok();
    assert_eq!(cited.text("/safetyInstructionAdd/instruction/sourceOn"), "2027-01-30");
    let nobody = add(json!({ "agreementId": plan.id, "kind": "WHOM_TO_CALL", "text": "Ring oss" })).await;
    assert_eq!(nobody.text("/safetyInstructionAdd/userErrors/0/field"), "phone");
}

/// The next version that is proposed says it, and agrees on it when it comes into force.
#[tokio::test]
async fn the_next_version_says_the_instruction_and_agrees_on_it_when_it_comes_into_force() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    act(&app, &s1.identity, "safetyInstructionAdd", INSTRUCTION, warning(&plan)).await.ok();
    let (plan, _) = Plan::of(&app, p1).await;
    let item = whole_item(&plan, s1, "Ett till prov", "CARE");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
    let query = "{ me { agreement { proposals { id digest safety { text phone } } } } }";
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    let proposal = seen.at("/me/agreement/proposals/0").clone();
    assert_eq!(proposal["safety"], json!([{ "text": "Svullna ben", "phone": "+46701740605" }]));
    assert_eq!(over(&app, &p1.identity).await[0]["status"], "OPEN");
    let assent = json!({ "agreementId": plan.id, "versionId": proposal["id"], "digest": proposal["digest"] });
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent).await.ok();
    let agreed = over(&app, &p1.identity).await;
    assert_eq!(
        (agreed[0]["status"].as_str(), agreed[0]["agreedInVersion"].as_i64()),
        (Some("AGREED"), Some(2))
    );
    assert_eq!(agreed[0]["standing"], "överenskommet");
}

#[tokio::test]
async fn care_takes_an_instruction_back_with_a_reason_unless_it_is_agreed_on() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let added = act(&app, &s1.identity, "safetyInstructionAdd", INSTRUCTION, warning(&plan)).await.ok();
    let id = added.text("/safetyInstructionAdd/instruction/id");
    let back = |reason: &str, row_version: i32| {
        let input = json!({ "instructionId": id, "reason": reason, "expectedRowVersion": row_version });
        act(&app, &s1.identity, "safetyInstructionWithdraw", INSTRUCTION, input)
    };
    assert_eq!(back("", 1).await.user_error_codes("safetyInstructionWithdraw"), ["BAD_USER_INPUT"]);
    assert_eq!(back("Fel", 4).await.user_error_codes("safetyInstructionWithdraw"), ["STALE_ROW_VERSION"]);
    let done = back("Provet var normalt", 1).await.ok();
    assert_eq!(done.text("/safetyInstructionWithdraw/instruction/status"), "WITHDRAWN");
    assert_eq!(back("Igen", 2).await.user_error_codes("safetyInstructionWithdraw"), ["WRONG_STATE"]);
    assert!(over(&app, &p1.identity).await.is_empty());
    let query =
        "{ me { agreement { safetyInstructions(includeWithdrawn: true) { status withdrawReason } } } }";
    let all = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(all.text("/me/agreement/safetyInstructions/0/withdrawReason"), "Provet var normalt");
}

/// What care has taken back comes into force with no version: neither a proposal nor a draft that says it.
#[tokio::test]
async fn an_instruction_that_is_taken_back_falls_out_of_drafts_and_with_the_proposals_that_say_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let added = act(&app, &s1.identity, "safetyInstructionAdd", INSTRUCTION, warning(&plan)).await.ok();
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Ett till prov", "CARE"))
        .await
        .ok();
    let (_, agreement) = Plan::of(&app, p1).await;
    let proposal = agreement["proposals"][0].clone();
    let named = |mut input: Value, row_version: &Value| {
        input["expectedRowVersion"] = row_version.clone();
        input
    };
    // The answer to it is a draft that says it too.
    let counter = json!({ "agreementId": plan.id, "versionId": proposal["id"] });
    let counter = named(counter, &agreement["rowVersion"]);
    act(&app, &p1.identity, "agreementCounter", AGREEMENT, counter).await.ok();
    let back = json!({ "instructionId": added.text("/safetyInstructionAdd/instruction/id"), "reason": "Fel patient",
                       "expectedRowVersion": 1 });
    let done = act(&app, &s1.identity, "safetyInstructionWithdraw", INSTRUCTION, back).await.ok();
    assert_eq!(done.text("/safetyInstructionWithdraw/instruction/status"), "WITHDRAWN");

    let assent = json!({ "agreementId": plan.id, "versionId": proposal["id"], "digest": proposal["digest"] });
    let late = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent).await;
    assert_eq!(late.user_error_codes("agreementAssent"), ["BASE_MOVED"]);
    let (_, agreement) = Plan::of(&app, p1).await;
    assert_eq!((&agreement["status"], &agreement["proposals"]), (&json!("ACTIVE"), &json!([])));
    let propose = named(json!({ "agreementId": plan.id }), &agreement["rowVersion"]);
    act(&app, &p1.identity, "agreementPropose", AGREEMENT, propose).await.ok();
    let query = "{ me { agreement { proposals { safety { text } } } } }";
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(seen.at("/me/agreement/proposals/0/safety"), &json!([]));
}

/// `basedOn`: "linked, never overwritten"; a SIP may have parties outside care.
#[tokio::test]
async fn existing_plans_are_linked_by_both_sides_and_a_link_ends_rather_than_disappears() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let sip = json!({
        "agreementId": plan.id, "kind": "SIP", "title": "Min SIP", "holder": "Kommunen",
        "url": "https://plan.example.se/sip/7", "datedOn": "2026-11-02",
        "parties": ["Försäkringskassan", "Arbetsförmedlingen"],
    });
    let linked = act(&app, &p1.identity, "planLinkAdd", LINK, sip.clone()).await.ok();
    let link = linked.at("/planLinkAdd/link").clone();
    assert_eq!(link["parties"], json!(["Försäkringskassan", "Arbetsförmedlingen"]));
    let mut wrong = sip.clone();
    (wrong["url"], wrong["title"], wrong["fulfils"]) = (json!("http://x"), json!(" "), json!(true));
    let wrong = act(&app, &p1.identity, "planLinkAdd", LINK, wrong).await;
    assert_eq!(wrong.user_error_codes("planLinkAdd"), ["BAD_USER_INPUT"; 3], "{}", wrong.body);

    let query = "{ me { agreement { basedOn { title kind } fulfilledBy { title } } } }";
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(seen.text("/me/agreement/basedOn/0/title"), "Min SIP");
    assert!(seen.at("/me/agreement/fulfilledBy").is_null());
    // One plan may be the agreement.
    let mut whole = sip.clone();
    (whole["title"], whole["kind"], whole["fulfils"]) = (json!("Vårdplanen"), json!("VARDPLAN"), json!(true));
    act(&app, &s1.identity, "planLinkAdd", LINK, whole.clone()).await.ok();
    let second = act(&app, &s1.identity, "planLinkAdd", LINK, whole).await;
    assert_eq!(second.user_error_codes("planLinkAdd"), ["CONFLICT"]);
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(seen.text("/me/agreement/fulfilledBy/title"), "Vårdplanen");

    let end = |reason: &str, row_version: i32| {
        let input = json!({ "linkId": link["id"], "reason": reason, "expectedRowVersion": row_version });
        act(&app, &s1.identity, "planLinkRemove", LINK, input)
    };
    assert_eq!(end("", 1).await.user_error_codes("planLinkRemove"), ["BAD_USER_INPUT"]);
    assert_eq!(end("Slut", 3).await.user_error_codes("planLinkRemove"), ["STALE_ROW_VERSION"]);
    end("Planen är avslutad", 1).await.ok();
    assert_eq!(end("Igen", 2).await.user_error_codes("planLinkRemove"), ["WRONG_STATE"]);
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(seen.at("/me/agreement/basedOn").as_array().unwrap().len(), 1);
    let query = "{ me { agreement { basedOn(includeRemoved: true) { title removedAt removeReason } } } }";
    let all = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(all.text("/me/agreement/basedOn/0/removeReason"), "Planen är avslutad");
    let stranger = act(&app, &app.world.p2.identity, "planLinkAdd", LINK, sip).await;
    assert_eq!(stranger.user_error_codes("planLinkAdd"), ["NOT_FOUND"]);
}

/// `fulfilledBy`: "an existing plan may be the agreement, only the missing parts are added".
#[tokio::test]
async fn where_an_existing_plan_is_the_agreement_only_what_it_lacks_is_asked_for() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let propose = |row_version: i64| {
        let input = json!({ "agreementId": plan.id, "expectedRowVersion": row_version });
        act(&app, &s1.identity, "agreementPropose", AGREEMENT, input)
    };
    let fields = |answer: &harness::Answer| answer.user_error_fields("agreementPropose");
    assert_eq!(fields(&propose(plan.row_version).await), ["planItems", "contacts"]);
    let link = json!({
        "agreementId": plan.id, "kind": "VARDPLAN", "title": "Vårdplanen", "holder": "Hjärtmottagningen",
        "fulfils": true,
    });
    act(&app, &s1.identity, "planLinkAdd", LINK, link).await.ok();
    let (plan, _) = Plan::of(&app, p1).await;
    assert_eq!(fields(&propose(plan.row_version).await), ["contacts"]);
    // The four parts ask for no more either.
    let parts = "{ me { agreement { isFulfilled } parts { missing { code } } } }";
    let seen = app.run(&p1.identity, parts, json!({})).await.ok();
    assert_eq!(seen.at("/me/agreement/isFulfilled"), &json!(true));
    let text = seen.at("/me/parts").to_string();
    assert!(!text.contains("PLAN_ITEMS") && !text.contains("GOALS"), "{text}");
    assert!(text.contains("ASSENT") && text.contains("WHEN_TO_SEEK_HELP"), "{text}");
}

/// The patient is notified of a safety instruction; who has chosen no way to be told gets it on paper.
#[tokio::test]
async fn who_gets_no_messages_gets_a_safety_instruction_on_paper() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let added = act(&app, &s1.identity, "safetyInstructionAdd", INSTRUCTION, warning(&plan)).await.ok();
    let id = crate::acts::row(&added.text("/safetyInstructionAdd/instruction/id"));
    let letters = entity::task::Entity::find()
        .filter(entity::task::Column::Kind.eq(entity::task::Kind::Letter))
        .filter(entity::task::Column::SubjectId.eq(id));
    assert_eq!(letters.count(app.core.db.reader()).await.unwrap(), 1);
}

/// What is taken back is not sent on paper any more; who has it on paper already is told so on paper.
#[tokio::test]
async fn an_instruction_that_is_taken_back_is_not_sent_and_who_has_had_it_on_paper_is_told_there() {
    use entity::task::{Kind, Status};
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let add = async || {
        let added = act(&app, &s1.identity, "safetyInstructionAdd", INSTRUCTION, warning(&plan)).await.ok();
        added.text("/safetyInstructionAdd/instruction/id")
    };
    let withdraw = async |id: &str| {
        let input = json!({ "instructionId": id, "reason": "Provet var normalt", "expectedRowVersion": 1 });
        act(&app, &s1.identity, "safetyInstructionWithdraw", INSTRUCTION, input).await.ok();
    };
    let letters = async |id: &str| {
        let about = entity::task::Entity::find()
            .filter(entity::task::Column::Kind.eq(Kind::Letter))
            .filter(entity::task::Column::SubjectId.eq(crate::acts::row(id)))
            .order_by_asc(entity::task::Column::Id);
        about.all(app.core.db.reader()).await.unwrap()
    };
    let unsent = add().await;
    withdraw(&unsent).await;
    let about = letters(&unsent).await;
    assert_eq!((about.len(), about[0].status), (1, Status::Superseded));

    let sent = add().await;
    let letter = letters(&sent).await.remove(0);
    let task = crate::acts::global(patientkontrakt::graphql::scalars::NodeKind::Task, letter.id);
    let done = json!({ "taskId": task, "words": "Skickat", "expectedRowVersion": letter.row_version });
    act(&app, &s1.identity, "taskEnd", "task { id }", done).await.ok();
    withdraw(&sent).await;
    let about = letters(&sent).await;
    assert_eq!(about.iter().map(|task| task.status).collect::<Vec<_>>(), [Status::Done, Status::Open]);

    // Who is told in another way gets no letter.
    let choice = json!({ "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Ja" });
    let input = json!({ "choices": [choice], "contactWays": { "mail": "etta@example.se" } });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
    let told = add().await;
    withdraw(&told).await;
    assert!(letters(&told).await.is_empty());
}

#[tokio::test]
async fn safety_and_links_cost_one_statement_each_beside_the_plan() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    for _ in 0..3 {
        act(&app, &s1.identity, "safetyInstructionAdd", INSTRUCTION, warning(&plan)).await.ok();
    }
    let query = "{ me { agreement { id safetyInstructions { text } basedOn { title } } } }";
    app.run(&p1.identity, query, json!({})).await.ok();
    let (answer, statements) = app.statements(app.run(&p1.identity, query, json!({}))).await;
    answer.ok();
    assert_eq!(statements.len(), 3, "{statements:#?}");
}

/// What has been agreed on is changed by both: a version without it ends it, and until then it holds.
#[tokio::test]
async fn an_agreed_instruction_ends_with_the_version_that_no_longer_says_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let added = act(&app, &s1.identity, "safetyInstructionAdd", INSTRUCTION, warning(&plan)).await.ok();
    let id = added.text("/safetyInstructionAdd/instruction/id");
    let remove = async |who: &patientkontrakt::auth::token::Identity| {
        let (plan, _) = Plan::of(&app, p1).await;
        let input = json!({ "instructionId": id, "expectedRowVersion": plan.row_version });
        act(&app, who, "safetyInstructionRemove", "agreement { id }", input).await
    };
    let early = remove(&s1.identity).await;
    assert_eq!(early.user_error_codes("safetyInstructionRemove"), ["WRONG_STATE"], "no version says it yet");
    let assent = async |who: &patientkontrakt::auth::token::Identity| {
        let query = "{ me { agreement { proposals { id digest safety { text } } } } }";
        let proposal =
            app.run(&p1.identity, query, json!({})).await.ok().at("/me/agreement/proposals/0").clone();
        let input =
            json!({ "agreementId": plan.id, "versionId": proposal["id"], "digest": proposal["digest"] });
        act(&app, who, "agreementAssent", AGREEMENT, input).await.ok();
        proposal
    };
    let item = whole_item(&Plan::of(&app, p1).await.0, s1, "Ett till prov", "CARE");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
    assent(&p1.identity).await;
    assert_eq!(over(&app, &p1.identity).await[0]["status"], "AGREED");

    assert_eq!(
        remove(&app.world.p2.identity).await.user_error_codes("safetyInstructionRemove"),
        ["NOT_FOUND"]
    );
    remove(&p1.identity).await.ok();
    assert_eq!(over(&app, &p1.identity).await[0]["status"], "AGREED", "care has not assented");
    let proposal = assent(&s1.identity).await;
    assert_eq!(proposal["safety"], json!([]));
    assert!(over(&app, &p1.identity).await.is_empty(), "what does not hold is shown only when asked for");
    let query = "{ me { agreement { safetyInstructions(includeWithdrawn: true) { status standing agreedInVersion } } } }";
    let all = app.run(&p1.identity, query, json!({})).await.ok();
    let gone = all.at("/me/agreement/safetyInstructions/0");
    assert_eq!((gone["status"].as_str(), gone["agreedInVersion"].as_i64()), (Some("ENDED"), Some(2)));
    assert_eq!(gone["standing"], "utgått ur patientkontraktet i samråd, gäller inte");
    assert_eq!(remove(&p1.identity).await.user_error_codes("safetyInstructionRemove"), ["WRONG_STATE"]);
    // The next version does not bring it back.
    let item = whole_item(&Plan::of(&app, p1).await.0, s1, "Ett tredje prov", "CARE");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
    assert_eq!(assent(&p1.identity).await["safety"], json!([]));
}

/// "Version n+1 = n + that change": what the patient proposes is no yes to what care has laid over the plan.
#[tokio::test]
async fn a_small_act_of_the_patient_is_no_yes_to_a_safety_instruction() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    act(&app, &s1.identity, "safetyInstructionAdd", INSTRUCTION, warning(&plan)).await.ok();
    let query = "{ me { agreement { proposals { id digest safety { text } } } } }";
    let agreed = async |proposal: &Value| {
        assert_eq!(proposal["safety"], json!([]));
        let input =
            json!({ "agreementId": plan.id, "versionId": proposal["id"], "digest": proposal["digest"] });
        act(&app, &s1.identity, "agreementAssent", AGREEMENT, input).await.ok();
        let standing = over(&app, &p1.identity).await;
        assert_eq!((standing.len(), &standing[0]["status"]), (1, &json!("OPEN")));
    };
    let goal = json!({ "agreementId": plan.id, "text": "Sova bättre" });
    act(&app, &p1.identity, "goalAdd", "goal { id }", goal).await.ok();
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    agreed(seen.at("/me/agreement/proposals/0")).await;
    // A draft that the patient proposes does not take it up unseen either.
    let (now, _) = Plan::of(&app, p1).await;
    let named = |plan: &Plan| json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    act(&app, &p1.identity, "agreementRevise", AGREEMENT, named(&now)).await.ok();
    let goal = json!({ "agreementId": plan.id, "text": "Gå till torget" });
    act(&app, &p1.identity, "goalAdd", "goal { id }", goal).await.ok();
    let (now, _) = Plan::of(&app, p1).await;
    act(&app, &p1.identity, "agreementPropose", AGREEMENT, named(&now)).await.ok();
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    agreed(seen.at("/me/agreement/proposals/0")).await;
}
