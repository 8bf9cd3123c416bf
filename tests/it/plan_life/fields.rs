//! What a field says does not hang on which other fields are asked for.

use harness::TestApp;
use serde_json::{Value, json};

use super::{active_with, item_as, on_item};
use crate::{
    acts::{Plan, act},
    surface::introspection,
};

/// The selection of each field of a type: of objects, their plain fields.
fn selections(introspection: &Value, of: &str) -> Vec<(String, String)> {
    let types = introspection["__schema"]["types"].as_array().unwrap();
    let fields = |name: &Value| {
        let found = types.iter().find(|ty| ty["name"] == *name).unwrap();
        found["fields"].as_array().into_iter().flatten()
    };
    let named = |field: &Value| {
        let mut ty = field["type"].clone();
        while !ty["ofType"].is_null() {
            ty = ty["ofType"].clone();
        }
        ty
    };
    let is_plain = |ty: &Value| ["SCALAR", "ENUM"].contains(&ty["kind"].as_str().unwrap());
    fields(&json!(of))
        .map(|field| {
            let (name, ty) = (field["name"].as_str().unwrap().to_owned(), named(field));
            let plain: Vec<_> = fields(&ty["name"])
                .filter(|inner| is_plain(&named(inner)))
                .filter_map(|inner| inner["name"].as_str())
                .collect();
            let selection =
                if is_plain(&ty) { name.clone() } else { format!("{name} {{ {} }}", plain.join(" ")) };
            (name, selection)
        })
        .collect()
}

#[tokio::test]
async fn each_field_of_items_and_goals_says_alone_what_it_says_among_all() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let weekly = json!({ "recurrence": { "rule": "FREQ=DAILY", "from": "2027-01-30" } });
    let items = [
        json!({ "title": "Promenad", "owner": "PATIENT", "timing": weekly }),
        json!({ "title": "Remiss", "category": "REFERRAL", "resultHow": "Brev", "resultBy": "2027-02-03" }),
        json!({ "title": "Skjuts", "owner": "RELATIVE", "relativeName": "Ali" }),
    ];
    active_with(&app, s1, p1, &items).await;
    for (mutation, title, more) in [
        ("planItemOccurrenceMark", "Promenad", json!({ "on": "2027-01-31", "outcome": "DONE" })),
        ("referralStateSet", "Remiss", json!({ "state": "RECEIVED" })),
        ("careGuaranteeStart", "Remiss", json!({ "kind": "FIRST_SPECIALIST_VISIT", "from": "2027-02-01" })),
        ("careGuaranteePause", "Remiss", json!({ "kind": "MEDICAL", "from": "2027-02-01" })),
        ("relativeConsentRecord", "Skjuts", json!({ "words": "Ali sa ja" })),
    ] {
        on_item(&app, &s1.identity, p1, title, mutation, more).await.ok();
    }
    let walk = item_as(&app, &p1.identity, p1, "Promenad", "").await["id"].clone();
    let concern = json!({ "planItemId": walk, "kind": "TOO_MUCH_NOW", "words": "Inte nu" });
    act(&app, &p1.identity, "planItemConcernRaise", "concern { id }", concern).await.ok();
    let (plan, seen) = Plan::of(&app, p1).await;
    assert!(plan.row_version > 0);
    for about in [json!({ "planItemId": walk }), json!({ "goalId": seen["goals"][0]["id"] })] {
        let note = json!({ "about": about, "text": "Det går bra" });
        act(&app, &p1.identity, "progressNoteAdd", "note { id }", note).await.ok();
    }
    app.clock.advance(chrono::TimeDelta::days(5));
    let schema = introspection().await;
    for (list, of) in [("planItems", "PlanItem"), ("goals", "Goal")] {
        let read = async |selection: &str| {
            let query = format!("{{ me {{ agreement {{ {list} {{ {selection} }} }} }} }}");
            let answer = app.run(&p1.identity, &query, json!({})).await.ok();
            answer.at(&format!("/me/agreement/{list}")).as_array().unwrap().clone()
        };
        // A work note is no patient's to read.
        let fields: Vec<_> =
            selections(&schema, of).into_iter().filter(|(name, _)| name != "workNote").collect();
        let all = fields.iter().map(|(_, selection)| selection.as_str()).collect::<Vec<_>>().join(" ");
        let all = read(&all).await;
        for (name, selection) in &fields {
            let alone: Vec<_> = read(selection).await.iter().map(|row| row[name].clone()).collect();
            let among: Vec<_> = all.iter().map(|row| row[name].clone()).collect();
            assert_eq!(alone, among, "{of}.{name}");
            let says = among.iter().any(|value| !value.is_null() && *value != json!([]));
            let is_lived = ["occurrences", "latestNotes", "concerns", "careGuarantee", "referral"];
            assert!(says || !is_lived.contains(&name.as_str()), "{of}.{name} has something to say");
        }
    }
}
