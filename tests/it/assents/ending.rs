//! Who ends an agreement for the patient, and who hears of it.

use entity::{notice, representative::Kind, task};
use harness::{TestApp, represent};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{
    ASSENTS, EVERYTHING, act_for,
    declining::{notes, renamed},
    guardians::{Family, exception},
    tasks, undecided,
};
use crate::{
    acts::{AGREEMENT, Plan, act, active, assent, proposed},
    agreement_choose::waiting,
};

const NAME: &str = "agreementEnd";

fn end(plan: &Plan, row_version: &Value) -> Value {
    json!({ "agreementId": plan.id, "reason": "PATIENT_DECLINED", "expectedRowVersion": row_version })
}

/// Both guardians have said yes; and the agreement's row version then.
async fn in_force(app: &TestApp) -> (Family, Value) {
    let family = Family::with_a_proposal(app).await;
    let mut row_version = Value::Null;
    for guardian in [&family.g1, &family.g2] {
        let yes = act_for(app, guardian, &family.c1, "agreementAssent", ASSENTS, assent(&family.plan));
        row_version = yes.await.ok().at("/agreementAssent/agreement/rowVersion").clone();
    }
    (family, row_version)
}

/// Their own yes, their own objection, and what waits for their own decision; and it takes more than to read.
#[tokio::test]
async fn nobody_ends_for_the_patient_what_the_patient_has_answered_themself() {
    for (answer, why) in [
        ("yes", "Patienten har själv godkänt det här"),
        ("objection", "Patienten har själv invänt mot det här"),
        ("none", "Här väntar planen på att patienten själv tar ställning"),
    ] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        let per = represent(&app.core, p1, Kind::GodMan, "197303032388", EVERYTHING, true).await;
        let reads = r#"{"AGREEMENT":"READ"}"#;
        let eva = represent(&app.core, p1, Kind::Relative, "197404042388", reads, true).await;
        if answer == "yes" {
            active(&app, s1, p1).await;
        } else {
            let plan = proposed(&app, s1, p1).await;
            if answer == "none" {
                let name = "agreementPatientUndecidedRecord";
                act(&app, &s1.identity, name, ASSENTS, undecided(&plan)).await.ok();
            } else {
                act_for(&app, &per, p1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
                let words = json!({ "agreementId": plan.id, "versionId": plan.version, "words": "Nej!" });
                act(&app, &p1.identity, "agreementObject", ASSENTS, words).await.ok();
            }
        }
        let (plan, before) = Plan::of(&app, p1).await;
        let input = end(&plan, &json!(plan.row_version));
        let refused = act_for(&app, &per, p1, NAME, AGREEMENT, input.clone()).await;
        assert_eq!(refused.user_error_codes(NAME), ["WRONG_STATE"], "{answer}");
        let told = refused.text(&format!("/{NAME}/userErrors/0/message"));
        assert!(told.starts_with(why), "{told}");
        let reader = act_for(&app, &eva, p1, NAME, AGREEMENT, input.clone()).await;
        assert_eq!(reader.user_error_codes(NAME), ["FORBIDDEN"], "{answer}");
        assert_eq!(Plan::of(&app, p1).await.1, before, "{answer}");
        if answer == "objection" {
            assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Open);
        }
        act(&app, &p1.identity, NAME, AGREEMENT, input).await.ok();
    }
}

/// To choose another agreement is to end the one in force.
#[tokio::test]
async fn nobody_chooses_for_the_patient_instead_of_what_the_patient_has_said_yes_to() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let per = represent(&app.core, p1, Kind::GodMan, "197303032388", EVERYTHING, true).await;
    active(&app, s1, p1).await;
    let other = waiting(&app, &app.world.s3, p1).await;
    let name = "agreementChoose";
    let refused = act_for(&app, &per, p1, name, AGREEMENT, assent(&other)).await;
    assert_eq!(refused.user_error_codes(name), ["WRONG_STATE"]);
    let why = refused.text(&format!("/{name}/userErrors/0/message"));
    assert!(why.starts_with("Patienten har själv godkänt det här"), "{why}");
    act(&app, &p1.identity, name, AGREEMENT, assent(&other)).await.ok();
}

/// What somebody else has said yes to for the patient a representative may end: care is not told that the patient did, and
/// the patient hears of it, by letter at least.
#[tokio::test]
async fn care_reads_who_ended_it_for_the_patient_and_the_patient_is_told() {
    for wants_mail in [false, true] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        if wants_mail {
            crate::agreement::hears_of_the_plan(&app, p1).await;
        }
        let per = represent(&app.core, p1, Kind::GodMan, "197303032388", EVERYTHING, true).await;
        let plan = proposed(&app, s1, p1).await;
        act_for(&app, &per, p1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
        let (plan, _) = Plan::of(&app, p1).await;
        let input = end(&plan, &json!(plan.row_version));
        let ended = act_for(&app, &per, p1, NAME, AGREEMENT, input).await.ok();
        assert_eq!(ended.text(&format!("/{NAME}/agreement/status")), "ENDED");
        let signal = notes(&app, "PLAN_SIGNAL").await;
        let said = "För patienten har Olle Ombudsson (god man) avslutat patientkontraktet.";
        assert!(signal.contains(&format!("{said} Se till att")), "{signal}");
        assert!(!signal.contains("Patienten har avslutat"), "{signal}");
        let letter = notes(&app, "LETTER").await;
        let told = letter.contains(&format!("{said} Skriv eller ring till patienten, och berätta det."));
        assert_eq!(told, !wants_mail, "{letter}");
        let mails = notice::Entity::find().filter(notice::Column::Rule.eq("PLAN_ENDED"));
        let mails = mails.all(app.core.db.reader()).await.unwrap();
        assert_eq!(mails.len(), usize::from(wants_mail));
    }
}

/// One who has no say ends nothing, and is waited for by nobody: the other one ends it.
#[tokio::test]
async fn a_guardian_whose_yes_is_not_waited_for_ends_nothing() {
    let app = TestApp::new().await;
    let (family, _) = in_force(&app).await;
    let Family { c1, g1, g2, plan } = &family;
    let name = "agreementGuardianExceptionRecord";
    let s1 = &app.world.s1.identity;
    let answer = act(&app, s1, name, ASSENTS, exception(plan, g1, "Skyddat boende.")).await.ok();
    let input = end(plan, answer.at(&format!("/{name}/agreement/rowVersion")));
    let refused = act_for(&app, g1, c1, NAME, AGREEMENT, input.clone()).await;
    assert_eq!(refused.user_error_codes(NAME), ["WRONG_STATE"]);
    let ended = act_for(&app, g2, c1, NAME, AGREEMENT, input).await.ok();
    assert_eq!(ended.text(&format!("/{NAME}/agreement/status")), "ENDED");
    let signal = notes(&app, "PLAN_SIGNAL").await;
    let said = "För patienten har Olle Ombudsson (vårdnadshavare) avslutat patientkontraktet";
    assert!(signal.contains(said), "{signal}");
}

/// Care talks with both, and knows what each has said last.
#[tokio::test]
async fn of_two_guardians_one_alone_does_not_end_what_is_in_force() {
    let app = TestApp::new().await;
    let (family, row_version) = in_force(&app).await;
    let Family { c1, g1, g2, plan } = &family;
    renamed(&app, g1, "Gun Garantsson").await;
    for (guardian, words) in [(g1, "Det blir för mycket."), (g2, "Vi flyttar."), (g1, "Vi orkar inte.")] {
        let mut input = end(plan, &row_version);
        input["words"] = json!(words);
        let answer = act_for(&app, guardian, c1, NAME, AGREEMENT, input).await.ok();
        assert!(answer.user_error_codes(NAME).is_empty());
        assert_eq!(answer.text(&format!("/{NAME}/agreement/status")), "ACTIVE");
    }
    assert_eq!(tasks(&app, task::Kind::PlanSignal).await.len(), 2, "one of each guardian's");
    let signal = notes(&app, "PLAN_SIGNAL").await;
    for text in [
        "Gun Garantsson (vårdnadshavare) vill avsluta patientkontraktet, men Olle Ombudsson (vårdnadshavare) har",
        "Olle Ombudsson (vårdnadshavare) vill avsluta patientkontraktet, men Gun Garantsson (vårdnadshavare) har",
        "Vi orkar inte.",
        "Vi flyttar.",
    ] {
        assert!(signal.contains(text), "{text}: {signal}");
    }
    let query =
        "query($id: ID!) { node(id: $id) { ... on Agreement { history(first: 50) { nodes { what } } } } }";
    let s1 = &app.world.s1.identity;
    let told = app.run(s1, query, json!({ "id": plan.id })).await.ok().body.to_string();
    assert!(told.contains("En av vårdnadshavarna vill avsluta patientkontraktet"), "{told}");
    assert!(!told.contains("Patientkontraktet avslutades"), "{told}");

    let mut input = end(plan, &row_version);
    input["words"] = json!("Båda vårdnadshavarna vill det.");
    let ended = act(&app, s1, NAME, AGREEMENT, input).await.ok();
    assert_eq!(ended.text(&format!("/{NAME}/agreement/status")), "ENDED");
    let signals = tasks(&app, task::Kind::PlanSignal).await;
    assert!(signals.iter().all(|signal| signal.status == task::Status::Superseded), "{signals:?}");
}

/// Nothing is in force that both had said yes to: one says no to it alone, and the other hears of it.
#[tokio::test]
async fn of_two_guardians_the_other_hears_of_the_end_of_what_was_never_in_force() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    renamed(&app, &g1, "Gun Garantsson").await;
    let input = end(&plan, &json!(plan.row_version));
    let ended = act_for(&app, &g2, &c1, NAME, AGREEMENT, input).await.ok();
    assert_eq!(ended.text(&format!("/{NAME}/agreement/status")), "ENDED");
    let letter = notes(&app, "LETTER").await;
    let told = "För patienten har Olle Ombudsson (vårdnadshavare) avslutat patientkontraktet. Skriv eller ring till \
                Gun Garantsson (vårdnadshavare), och berätta det.";
    assert!(letter.contains(told), "{letter}");
}
