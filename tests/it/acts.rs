//! Acts that many tests begin with: running a mutation, and a plan that has come so far.

use harness::{Answer, Staff, TestApp, TestPatient, relate};
use patientkontrakt::{
    auth::token::Identity,
    graphql::scalars::{GlobalId, NodeKind},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// What most tests look at in an agreement.
pub const AGREEMENT: &str = "agreement { id status rowVersion \
     currentVersion { id number status digest title proposedBy patientAssent { by } careAssent { by } } \
     draft { id number status baseNumber answersNumber } \
     proposals { id number status digest proposedBy answersNumber } goals { id text status setBy } \
     planItems { id title status rowVersion proposedBy } }";

/// What most tests look at in a plan item.
pub const PLAN_ITEM: &str = "planItem { id title status rowVersion proposedBy }";

/// Runs a mutation with a fresh idempotency key, unless the input has one.
pub async fn act(app: &TestApp, who: &Identity, mutation: &str, selection: &str, mut input: Value) -> Answer {
    if input.get("idempotencyKey").is_none() {
        input["idempotencyKey"] = json!(Uuid::new_v4().to_string());
    }
    let query = harness::mutation(mutation, selection);
    app.run(who, &query, json!({ "input": input })).await
}

/// The global id of a row.
pub fn global(kind: NodeKind, id: impl Into<Uuid>) -> String {
    GlobalId::new(kind, id).to_string()
}

/// The row behind a global id.
pub fn row(id: &str) -> Uuid {
    id.parse::<GlobalId>().unwrap().id
}

/// A plan as a client last read it.
#[derive(Clone, Debug)]
pub struct Plan {
    pub id: String,
    pub version: String,
    pub digest: Option<String>,
    pub row_version: i64,
}

impl Plan {
    /// From the `agreement` at a place in an answer.
    #[track_caller]
    pub fn read(answer: &Answer, mutation: &str) -> Self {
        let agreement = answer.at(&format!("/{mutation}/agreement"));
        Self {
            id: agreement["id"].as_str().unwrap().to_owned(),
            version: agreement["currentVersion"]["id"].as_str().unwrap().to_owned(),
            digest: agreement["currentVersion"]["digest"].as_str().map(str::to_owned),
            row_version: agreement["rowVersion"].as_i64().unwrap(),
        }
    }

    /// As the patient sees it now.
    pub async fn of(app: &TestApp, patient: &TestPatient) -> (Self, Value) {
        let answer = app.run(&patient.identity, &format!("{{ me {{ {AGREEMENT} }} }}"), json!({})).await.ok();
        (Self::read(&answer, "me"), answer.at("/me/agreement").clone())
    }
}

/// Staff, newly related to the patient, draw up a draft.
pub async fn draft(app: &TestApp, staff: &Staff, patient: &TestPatient) -> Plan {
    relate(&app.core, staff, patient).await;
    let input = json!({
        "patientId": patient.global_id(),
        "title": "Min plan",
        "story": format!("Jag heter {}.", patient.canary),
        "whatMatters": "Att orka gå ut",
    });
    Plan::read(&act(app, &staff.identity, "agreementCreate", AGREEMENT, input).await.ok(), "agreementCreate")
}

/// An item that lacks nothing, done by `owner`, with the staff's unit to turn to.
pub fn whole_item(plan: &Plan, staff: &Staff, title: &str, owner: &str) -> Value {
    json!({
        "agreementId": plan.id,
        "title": title,
        "category": "FOLLOW_UP",
        "owner": owner,
        "timing": { "date": "2027-03-01" },
        "responsibleUnitId": global(NodeKind::CareUnit, staff.unit),
    })
}

/// A draft with one item of care's and one of the patient's, proposed by care.
pub async fn proposed(app: &TestApp, staff: &Staff, patient: &TestPatient) -> Plan {
    let plan = draft(app, staff, patient).await;
    for (title, owner) in [("Ta prover", "CARE"), ("Gå en runda varje dag", "PATIENT")] {
        act(app, &staff.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, staff, title, owner))
            .await
            .ok();
    }
    let (plan, _) = Plan::of(app, patient).await;
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let answer = act(app, &staff.identity, "agreementPropose", AGREEMENT, input).await.ok();
    Plan::read(&answer, "agreementPropose")
}

/// The input of an assent to what was read.
pub fn assent(plan: &Plan) -> Value {
    json!({ "agreementId": plan.id, "versionId": plan.version, "digest": plan.digest })
}

/// A plan in force: proposed by care, assented to by the patient.
pub async fn active(app: &TestApp, staff: &Staff, patient: &TestPatient) -> Plan {
    let plan = proposed(app, staff, patient).await;
    let answer = act(app, &patient.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    assert_eq!(answer.text("/agreementAssent/agreement/status"), "ACTIVE");
    Plan::read(&answer, "agreementAssent")
}

/// The plan item with this title, as the patient sees it.
pub async fn item(app: &TestApp, patient: &TestPatient, title: &str) -> Value {
    let (_, agreement) = Plan::of(app, patient).await;
    let items = agreement["planItems"].as_array().unwrap().clone();
    items.into_iter().find(|i| i["title"] == title).unwrap_or_else(|| panic!("no item {title}"))
}
