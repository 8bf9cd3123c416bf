//! Whose no it is: the patient's own, also by phone, a representative's, one guardian's, or care's.

use entity::{
    AgreementVersionId,
    agreement_version::{self, Status, Withdrawal},
    patient,
    representative::{self, Kind},
    task,
};
use harness::{Answer, Ombud, TestApp, TestPatient, relate, represent};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    EntityTrait,
};
use serde_json::{Value, json};

use super::{
    ASSENTS, EVERYTHING, act_for,
    guardians::{Family, exception},
    oral, tasks, unsent,
};
use crate::{
    acts::{AGREEMENT, PLAN_ITEM, Plan, act, active, assent, global, row, whole_item},
    decline::no,
};

const NAME: &str = "agreementDecline";

fn by_phone(mut input: Value) -> Value {
    input["how"] = json!("PHONE");
    input
}

fn why(answer: &Answer) -> String {
    answer.text(&format!("/{NAME}/userErrors/0/message"))
}

/// What stands on the unit's open tasks of a kind.
pub(super) async fn notes(app: &TestApp, kind: &str) -> String {
    let query = format!(
        "query($id: ID!) {{ careUnit(id: $id) {{ tasks(first: 10, filter: {{ kinds: [{kind}] }}) {{ nodes {{ note }} }} }} }}"
    );
    let unit = json!({ "id": global(NodeKind::CareUnit, app.world.s1.unit) });
    app.run(&app.world.s1.identity, &query, unit).await.ok().body.to_string()
}

/// What became of a version.
pub(super) async fn became(app: &TestApp, version: &Value) -> (Status, Option<Withdrawal>) {
    let id = AgreementVersionId(row(version.as_str().unwrap()));
    let stored = agreement_version::Entity::find_by_id(id).one(app.core.db.reader()).await.unwrap().unwrap();
    (stored.status, stored.withdrawal)
}

/// The representative proposes one item more for the patient.
pub(super) async fn proposes_for(app: &TestApp, who: &Ombud, of: &TestPatient, plan: &Plan, title: &str) {
    let item = whole_item(plan, &app.world.s1, title, "PATIENT");
    act_for(app, who, of, "planItemPropose", PLAN_ITEM, item).await.ok();
}

/// The newest proposal, as the patient sees it.
async fn newest(app: &TestApp) -> Plan {
    let (plan, seen) = Plan::of(app, &app.world.p1).await;
    let proposal = seen["proposals"].as_array().unwrap().last().unwrap();
    let text = |field: &str| proposal[field].as_str().unwrap().to_owned();
    Plan { version: text("id"), digest: Some(text("digest")), ..plan }
}

pub(super) async fn renamed(app: &TestApp, who: &Ombud, name: &str) {
    let row = representative::ActiveModel {
        id: Unchanged(who.id),
        display_name: Set(name.to_owned()),
        ..Default::default()
    };
    row.update(app.core.db.reader()).await.unwrap();
}

/// `how` says that it is the patient's word, whoever proposed for them: a relative, or the patient themself.
#[tokio::test]
async fn the_patients_no_by_phone_to_what_was_proposed_for_them_is_written_down_as_theirs() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let relative = represent(&app.core, p1, Kind::Relative, "197303032388", EVERYTHING, true).await;
    proposes_for(&app, &relative, p1, &plan, "Simma").await;
    let input = by_phone(no(&app, p1, "Jag är rädd för vatten.").await);
    let answer = act(&app, &s1.identity, NAME, AGREEMENT, input.clone()).await.ok();
    let agreement = answer.at(&format!("/{NAME}/agreement"));
    assert_eq!((&agreement["status"], &agreement["proposals"]), (&json!("ACTIVE"), &json!([])));
    assert_eq!(became(&app, &input["versionId"]).await, (Status::Withdrawn, Some(Withdrawal::TakenBack)));
    assert_eq!(tasks(&app, task::Kind::AnswerProposal).await[0].status, task::Status::Withdrawn);
    let said = "Patienten har sagt nej till ett förslag från patientens sida: Jag är rädd för vatten.";
    let signal = notes(&app, "PLAN_SIGNAL").await;
    assert!(signal.contains(said), "{signal}");
    let letter = notes(&app, "LETTER").await;
    let confirms = "Skicka en bekräftelse till patienten på att patienten har sagt nej till ett förslag från patientens sida";
    assert!(letter.contains(confirms), "{letter}");
    let query = "query($id: ID!) { node(id: $id) { ... on Agreement { history(first: 50) { nodes { what changes { to } } } } } }";
    for who in [&s1.identity, &p1.identity] {
        let told = app.run(who, query, json!({ "id": plan.id })).await.ok().body.to_string();
        for text in
            ["Patienten sa nej till ett förslag från sin egen sida", "Jag är rädd för vatten.", "per telefon"]
        {
            assert!(told.contains(text), "{text}: {told}");
        }
    }
    // What the patient has told staff of it is not for whoever proposed it.
    let told = app.run_for(&relative.identity, &p1.global_id(), query, json!({ "id": plan.id })).await.ok();
    let told = told.body.to_string();
    assert!(told.contains("Patienten sa nej") && !told.contains("Jag är rädd"), "{told}");

    let (plan, _) = Plan::of(&app, p1).await;
    act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Dansa", "PATIENT"))
        .await
        .ok();
    let input = by_phone(no(&app, p1, "Jag har ändrat mig.").await);
    act(&app, &s1.identity, NAME, AGREEMENT, input.clone()).await.ok();
    assert_eq!(became(&app, &input["versionId"]).await, (Status::Withdrawn, Some(Withdrawal::TakenBack)));
}

/// In the service the patient takes back what a representative proposed for them, as what they proposed themself.
#[tokio::test]
async fn the_patient_takes_back_what_a_representative_proposed_for_them() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let relative = represent(&app.core, p1, Kind::Relative, "197303032388", EVERYTHING, true).await;
    proposes_for(&app, &relative, p1, &plan, "Simma").await;
    let input = no(&app, p1, "Nej.").await;
    let refused = act(&app, &p1.identity, NAME, AGREEMENT, input.clone()).await;
    assert_eq!(refused.user_error_codes(NAME), ["WRONG_STATE"]);
    assert!(why(&refused).contains("Ta tillbaka det i stället"), "{}", why(&refused));
    act(&app, &p1.identity, "agreementWithdraw", AGREEMENT, input.clone()).await.ok();
    assert_eq!(became(&app, &input["versionId"]).await, (Status::Withdrawn, Some(Withdrawal::TakenBack)));
}

/// A yes of care's is not undone by a no, which says what to do instead; the patient's no is written down all the same.
#[tokio::test]
async fn care_says_no_only_before_its_own_yes_and_the_patient_also_after() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let relative = represent(&app.core, p1, Kind::Relative, "197404042388", EVERYTHING, false).await;
    proposes_for(&app, &relative, p1, &plan, "Promenad").await;
    act(&app, &s1.identity, "agreementAssent", AGREEMENT, assent(&newest(&app).await)).await.ok();
    let input = no(&app, p1, "Det går inte.").await;
    let refused = act(&app, &s1.identity, NAME, AGREEMENT, input.clone()).await;
    assert_eq!(refused.user_error_codes(NAME), ["WRONG_STATE"]);
    let told = why(&refused);
    assert!(told.contains("motförslag") && told.contains("prata med patienten"), "{told}");
    assert_eq!(became(&app, &input["versionId"]).await, (Status::Proposed, None));
    act(&app, &s1.identity, NAME, AGREEMENT, by_phone(no(&app, p1, "Jag orkar inte.").await)).await.ok();
    assert_eq!(became(&app, &input["versionId"]).await, (Status::Withdrawn, Some(Withdrawal::TakenBack)));
}

/// The patient changes their mind while the version waits, whether they had said yes in the service or by word of mouth,
/// and whether they say no in the service or by phone.
#[tokio::test]
async fn the_patients_no_is_heard_after_their_own_yes_while_the_version_waits() {
    let app = TestApp::new().await;
    let (s1, p1, kim) = (&app.world.s1, &app.world.p1, &app.world.coordinator);
    active(&app, s1, p1).await;
    relate(&app.core, kim, p1).await;
    for (is_oral, phones) in [(false, false), (false, true), (true, false), (true, true)] {
        let (plan, _) = Plan::of(&app, p1).await;
        let item = whole_item(&plan, s1, "Simma", "PATIENT");
        act(&app, &kim.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
        let waits = newest(&app).await;
        if is_oral {
            act(&app, &s1.identity, "agreementAssentRecordOral", AGREEMENT, oral(&waits)).await.ok();
        } else {
            act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&waits)).await.ok();
        }
        let input = no(&app, p1, "Jag har ändrat mig.").await;
        let (who, input) = if phones { (&s1.identity, by_phone(input)) } else { (&p1.identity, input) };
        act(&app, who, NAME, AGREEMENT, input.clone()).await.ok();
        let fell = (Status::Withdrawn, Some(Withdrawal::Declined));
        assert_eq!(became(&app, &input["versionId"]).await, fell, "{is_oral} {phones}");
    }
}

/// A representative is told that the patient has said yes themself, and what to do instead. What they say no to before that
/// the patient hears of, by letter at least, and care reads who it was.
#[tokio::test]
async fn a_representative_says_no_until_the_patient_has_said_yes() {
    let app = TestApp::new().await;
    let (s1, p1, kim) = (&app.world.s1, &app.world.p1, &app.world.coordinator);
    let plan = active(&app, s1, p1).await;
    relate(&app.core, kim, p1).await;
    let relative = represent(&app.core, p1, Kind::Relative, "197303032388", EVERYTHING, true).await;
    let item = whole_item(&plan, s1, "Simma", "PATIENT");
    act(&app, &kim.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&newest(&app).await)).await.ok();
    let input = no(&app, p1, "Hen orkar inte.").await;
    let refused = act_for(&app, &relative, p1, NAME, AGREEMENT, input).await;
    assert_eq!(refused.user_error_codes(NAME), ["WRONG_STATE"]);
    let told = why(&refused);
    assert!(told.starts_with("Patienten har själv godkänt det här"), "{told}");
    assert!(told.contains("Prata med patienten"), "{told}");
    act(&app, &s1.identity, "agreementAssent", AGREEMENT, assent(&newest(&app).await)).await.ok();

    let (plan, _) = Plan::of(&app, p1).await;
    let item = whole_item(&plan, s1, "Dansa", "PATIENT");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
    let input = no(&app, p1, "Hen orkar inte.").await;
    act_for(&app, &relative, p1, NAME, AGREEMENT, input).await.ok();
    let said = "För patienten har Olle Ombudsson (närstående) sagt nej till ett förslag från vården";
    let signal = notes(&app, "PLAN_SIGNAL").await;
    assert!(signal.contains(&format!("{said}: Hen orkar inte.")), "{signal}");
    let letter = notes(&app, "LETTER").await;
    assert!(letter.contains(&format!("{said}. Skriv eller ring till patienten")), "{letter}");
}

/// Who is hidden elsewhere is not named in a task.
#[tokio::test]
async fn a_representative_with_a_protected_identity_is_not_named_in_the_task() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    let plan = active(&app, s1, p1).await;
    let relative = represent(&app.core, p1, Kind::Relative, &p2.number, EVERYTHING, true).await;
    let hidden = patient::ActiveModel {
        id: Unchanged(p2.id),
        protected_identity: Set(patient::ProtectedIdentity::Sekretessmarkering),
        ..Default::default()
    };
    hidden.update(app.core.db.reader()).await.unwrap();
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Dansa", "PATIENT"))
        .await
        .ok();
    let input = no(&app, p1, "Hen orkar inte.").await;
    act_for(&app, &relative, p1, NAME, AGREEMENT, input).await.ok();
    for kind in ["PLAN_SIGNAL", "LETTER"] {
        let note = notes(&app, kind).await;
        assert!(note.contains("För patienten har en närstående sagt nej"), "{note}");
        assert!(!note.contains("Olle Ombudsson"), "{note}");
    }
}

/// Both guardians are needed, so one of them says no also when the other has said yes: that one hears of it, and care reads
/// who it was.
#[tokio::test]
async fn one_guardian_says_no_after_the_others_yes_and_the_other_hears_of_it() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    renamed(&app, &g1, "Gun Garantsson").await;
    let yes = act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let input = json!({ "agreementId": plan.id, "versionId": plan.version, "words": "Vi är inte överens.",
                        "expectedRowVersion": yes.at("/agreementAssent/agreement/rowVersion") });
    let answer = act_for(&app, &g2, &c1, NAME, AGREEMENT, input).await.ok();
    assert_eq!(answer.text(&format!("/{NAME}/agreement/status")), "DRAFT");
    let said = "För patienten har Olle Ombudsson (vårdnadshavare) sagt nej till ett förslag från vården";
    let signal = notes(&app, "PLAN_SIGNAL").await;
    assert!(signal.contains(&format!("{said}: Vi är inte överens.")), "{signal}");
    let letter = notes(&app, "LETTER").await;
    let told = format!("{said}. Skriv eller ring till Gun Garantsson (vårdnadshavare), och berätta det.");
    assert!(letter.contains(&told), "{letter}");
}

/// One whose yes is not waited for has no say, and is written to about nothing.
#[tokio::test]
async fn a_guardian_who_is_excepted_says_no_to_nothing_and_gets_no_letter_of_it() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    let s1 = &app.world.s1.identity;
    let name = "agreementGuardianExceptionRecord";
    let answer = act(&app, s1, name, ASSENTS, exception(&plan, &g1, "Skyddat boende.")).await.ok();
    let input = json!({ "agreementId": plan.id, "versionId": plan.version, "words": "Nej.",
                        "expectedRowVersion": answer.at(&format!("/{name}/agreement/rowVersion")) });
    let refused = act_for(&app, &g1, &c1, NAME, AGREEMENT, input.clone()).await;
    assert_eq!(refused.user_error_codes(NAME), ["WRONG_STATE"]);
    act_for(&app, &g2, &c1, NAME, AGREEMENT, input).await.ok();
    assert!(unsent(&app).await.is_empty());
}

/// Of a child who does not decide nobody writes down a no; care's own no to what one guardian proposed reaches both.
#[tokio::test]
async fn a_childs_no_is_not_written_down_and_cares_own_is_told_to_both_guardians() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    renamed(&app, &g1, "Gun Garantsson").await;
    for guardian in [&g1, &g2] {
        act_for(&app, guardian, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    }
    proposes_for(&app, &g1, &c1, &plan, "Simma").await;
    let query = format!("{{ me {{ {AGREEMENT} }} }}");
    let seen = app.run_for(&g1.identity, &c1.global_id(), &query, json!({})).await.ok();
    let agreement = seen.at("/me/agreement");
    let input = json!({ "agreementId": plan.id, "versionId": agreement["proposals"][0]["id"],
                        "words": "Bassängen är stängd.", "expectedRowVersion": agreement["rowVersion"] });
    let s1 = &app.world.s1.identity;
    let childs = act(&app, s1, NAME, AGREEMENT, by_phone(input.clone())).await;
    assert_eq!(childs.user_error_codes(NAME), ["WRONG_STATE"]);
    assert!(why(&childs).starts_with("Patienten är för ung"), "{}", why(&childs));
    act(&app, s1, NAME, AGREEMENT, input.clone()).await.ok();
    assert_eq!(became(&app, &input["versionId"]).await, (Status::Withdrawn, Some(Withdrawal::Declined)));
    let letter = notes(&app, "LETTER").await;
    for told in [
        "Vården har sagt nej till ett förslag från patientens sida. Skriv eller ring till ",
        "Gun Garantsson (vårdnadshavare)",
        "Olle Ombudsson (vårdnadshavare)",
        ", och berätta varför.",
    ] {
        assert!(letter.contains(told), "{told}: {letter}");
    }
}

/// The patient's no by phone and a representative's yes at once: one of them stands, and the other is told.
#[tokio::test]
async fn of_the_patients_no_and_a_representatives_yes_at_once_one_stands() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let relative = represent(&app.core, p1, Kind::Relative, "197303032388", EVERYTHING, true).await;
    for n in 0..6 {
        let (plan, _) = Plan::of(&app, p1).await;
        let item = whole_item(&plan, s1, &format!("Dansa {n}"), "PATIENT");
        act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
        let yes = assent(&newest(&app).await);
        let input = by_phone(no(&app, p1, "Jag vill inte.").await);
        let (declined, assented) = tokio::join!(
            act(&app, &s1.identity, NAME, AGREEMENT, input.clone()),
            act_for(&app, &relative, p1, "agreementAssent", AGREEMENT, yes),
        );
        let codes = (declined.user_error_codes(NAME), assented.user_error_codes("agreementAssent"));
        let none = Vec::<String>::new();
        let expected = match became(&app, &input["versionId"]).await {
            (Status::Withdrawn, Some(Withdrawal::Declined)) => (none, vec!["WRONG_STATE".to_owned()]),
            (Status::Active, None) => (vec!["STALE_ROW_VERSION".to_owned()], none),
            other => panic!("{other:?}"),
        };
        assert_eq!(codes, expected);
    }
}
