//! Yes by word of mouth and objections to it, patients who cannot decide, joint guardians, and who may act for whom.

mod decided_against;
mod declining;
mod ending;
mod exceptions;
mod granting;
mod guardian_objections;
mod guardians;
mod objections;
mod oral;
mod taking_back;
mod undecided;

use entity::{
    AgreementVersionId,
    access_event::ActorKind,
    agreement_version, task, version_assent,
    version_objection::{self, Ending},
};
use harness::{Answer, Ombud, TestApp, TestPatient};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::acts::{Plan, assent, proposed, row};

const ASSENTS: &str = "agreement { id status rowVersion currentVersion { id number status digest objectedAt objectedByRepresentativeId \
     patientAssent { by isOral } careAssent { by isOral } undecided { reason knownWill askAgainOn recordedBy { name } } \
     assents { side by name given isOral setting interpreter present recordedBy { name } recordedByCareAssenter \
       digest } objections { by name representativeId words how recordedBy { name } endedAt ending } } planItems { id status } }";

const EVERYTHING: &str = r#"{"AGREEMENT":"ACT","BOOKING":"ACT","MESSAGES":"ACT","CONTACTS":"ACT"}"#;

fn oral(plan: &Plan) -> Value {
    let mut input = assent(plan);
    input["setting"] = json!("BY_PHONE");
    input["interpreter"] = json!("Arabiska, per telefon");
    input["present"] = json!("Dottern Anna");
    input
}

fn undecided(plan: &Plan) -> Value {
    json!({ "agreementId": plan.id, "versionId": plan.version, "expectedRowVersion": plan.row_version,
            "reason": "Medvetandesänkt efter stroke.", "knownWill": "Vill bo hemma, enligt samtal i höstas.",
            "askAgainOn": "2027-02-15" })
}

async fn tasks(app: &TestApp, kind: task::Kind) -> Vec<task::Model> {
    let found = task::Entity::find().filter(task::Column::Kind.eq(kind));
    found.all(app.core.db.reader()).await.unwrap()
}

/// The letters that are still to be sent.
async fn unsent(app: &TestApp) -> Vec<task::Model> {
    let mut letters = tasks(app, task::Kind::Letter).await;
    letters.retain(|letter| letter.status == task::Status::Open);
    letters
}

/// Every objection, the first one first: whose, and how it ended.
async fn endings(app: &TestApp) -> Vec<(ActorKind, Option<Ending>)> {
    let found = version_objection::Entity::find().order_by_asc(version_objection::Column::Id);
    let found = found.all(app.core.db.reader()).await.unwrap();
    found.into_iter().map(|one| (one.by_kind, one.ending)).collect()
}

async fn act_for(
    app: &TestApp,
    who: &Ombud,
    of: &TestPatient,
    mutation: &str,
    selection: &str,
    mut input: Value,
) -> Answer {
    input["idempotencyKey"] = json!(Uuid::new_v4().to_string());
    let query = harness::mutation(mutation, selection);
    app.run_for(&who.identity, &of.global_id(), &query, json!({ "input": input })).await
}

/// R: ACTIVE when both have assented to exactly this hash: the database itself refuses anything else.
#[tokio::test]
async fn the_database_lets_no_version_into_force_without_the_assents_to_its_text() {
    let app = TestApp::new().await;
    let plan = proposed(&app, &app.world.s1, &app.world.p1).await;
    let db = app.core.db.reader();
    for status in ["ACTIVE", "PATIENT_UNDECIDED"] {
        let refused =
            db.execute_unprepared(&format!("UPDATE agreement_version SET status = '{status}'")).await;
        assert!(refused.unwrap_err().to_string().contains("agreement_version_agreed"));
    }
    let version = AgreementVersionId(row(&plan.version));
    let stored = agreement_version::Entity::find_by_id(version).one(db).await.unwrap().unwrap();
    assert_eq!(stored.status, agreement_version::Status::Proposed);
    for change in ["digest = NULL", "at = '2026-01-01 00:00:00+00:00'"] {
        let refused = db.execute_unprepared(&format!("UPDATE version_assent SET {change}")).await;
        assert!(refused.unwrap_err().to_string().contains("version_assent_no_update"), "{change}");
    }
    assert!(db.execute_unprepared("DELETE FROM version_assent").await.is_err());
    let assents = version_assent::Entity::find().all(db).await.unwrap();
    assert_eq!(assents.len(), 1);
    assert_eq!((assents[0].by_kind, Some(&assents[0].digest)), (ActorKind::Staff, stored.hash.as_ref()));
}
