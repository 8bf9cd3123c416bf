//! The life of goals and items after the assents: outside the hash, said by both sides, shown as theirs.

mod concerns;
mod fields;
mod items;
mod notes;
mod owed;
mod recurring;
mod steps;

use harness::{Answer, Staff, TestApp, TestPatient};
use patientkontrakt::auth::token::Identity;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, assent, draft, whole_item};
use entity::change_entry;

/// A plan in force with these items on top of what [`whole_item`] gives, each with its title.
pub async fn active_with(app: &TestApp, staff: &Staff, patient: &TestPatient, items: &[Value]) -> Plan {
    let plan = draft(app, staff, patient).await;
    let goal = json!({ "agreementId": plan.id, "text": "Orka gå till torget" });
    act(app, &patient.identity, "goalAdd", "goal { id }", goal).await.ok();
    for item in items {
        let mut input = whole_item(&plan, staff, "Insats", "CARE");
        for (field, value) in item.as_object().unwrap() {
            input[field] = value.clone();
        }
        act(app, &staff.identity, "planItemPropose", PLAN_ITEM, input).await.ok();
    }
    let (plan, _) = Plan::of(app, patient).await;
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let answer = act(app, &staff.identity, "agreementPropose", AGREEMENT, input).await.ok();
    let plan = Plan::read(&answer, "agreementPropose");
    let answer = act(app, &patient.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    Plan::read(&answer, "agreementAssent")
}

/// The item with this title, with `selection`, as `who` sees it.
pub async fn item_as(
    app: &TestApp,
    who: &Identity,
    patient: &TestPatient,
    title: &str,
    selection: &str,
) -> Value {
    let query = format!(
        "{{ agreement {{ planItems {{ id title rowVersion {selection} }} goals {{ id rowVersion }} }} }}"
    );
    let found = if *who == patient.identity {
        app.run(who, &format!("{{ me {query} }}"), json!({})).await.ok().at("/me/agreement").clone()
    } else {
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Patient {query} }} }}");
        let answer = app.run(who, &query, json!({ "id": patient.global_id() })).await.ok();
        answer.at("/node/agreement").clone()
    };
    let items = found["planItems"].as_array().unwrap().clone();
    items.into_iter().find(|item| item["title"] == title).unwrap_or_else(|| panic!("no item {title}"))
}

/// Acts on an item as it is now, with more input.
pub async fn on_item(
    app: &TestApp,
    who: &Identity,
    patient: &TestPatient,
    title: &str,
    mutation: &str,
    more: Value,
) -> Answer {
    let item = item_as(app, &patient.identity, patient, title, "").await;
    let mut input = json!({ "planItemId": item["id"], "expectedRowVersion": item["rowVersion"] });
    for (field, value) in more.as_object().unwrap() {
        input[field] = value.clone();
    }
    act(app, who, mutation, "planItem { id status statusReason statusBy rowVersion }", input).await
}

/// The history entries of an action, the first first: who, and from what to what.
pub async fn history(app: &TestApp, action: &str) -> Vec<(change_entry::Model, Value, Value)> {
    let rows = change_entry::Entity::find()
        .filter(change_entry::Column::Action.eq(action))
        .order_by_asc(change_entry::Column::Id)
        .all(app.core.db.reader())
        .await
        .unwrap();
    let open = |column, row: &change_entry::Model, sealed: Option<&entity::Sealed>| {
        let text =
            app.core.keys.open_opt(patientkontrakt::crypto::Place::new(column, row.id.0), sealed).unwrap();
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    };
    rows.into_iter()
        .map(|row| {
            let before = open("change_entry.before", &row, row.before.as_ref());
            let after = open("change_entry.after", &row, row.after.as_ref());
            (row, before, after)
        })
        .collect()
}
