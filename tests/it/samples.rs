//! The explorer's samples: one for every act, and each does on fresh demo data what its title says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, TimeDelta, Utc};
use harness::TestApp;
use patientkontrakt::{
    calendar::to_local,
    http::samples::{Sample, all},
};
use serde_json::{Map, Value, json};

use crate::surface::root_fields;

/// The root fields that a sample selects.
fn root_fields_of(sample: &Sample) -> BTreeSet<String> {
    let document = async_graphql::parser::parse_query(sample.query).unwrap();
    let (_, operation) = document.operations.iter().next().unwrap();
    let root = operation.node.ty.to_string();
    let root = root[..1].to_uppercase() + &root[1..];
    let fields = operation.node.selection_set.node.items.iter().filter_map(|item| match &item.node {
        async_graphql::parser::types::Selection::Field(field) => Some(&field.node.name.node),
        _ => None,
    });
    fields.map(|name| format!("{root}.{name}")).collect()
}

/// Every act of the schema, every query and every subscription can be tried in the explorer. A new one needs a sample in
/// `api/assets/samples`.
#[tokio::test]
async fn every_root_field_has_a_sample() {
    let shown: BTreeSet<String> = all().iter().flat_map(root_fields_of).collect();
    let lacking: Vec<_> = root_fields().await.into_iter().filter(|field| !shown.contains(field)).collect();
    assert!(lacking.is_empty(), "no sample in api/assets/samples: {lacking:#?}");
}

/// The names of the variables that a document declares or uses.
fn variables(document: &str) -> BTreeSet<&str> {
    let names = document.split('$').skip(1).map(|rest| {
        rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default()
    });
    names.collect()
}

/// The value that a variable of this name has without being found.
fn known(name: &str, key: usize, now: DateTime<Utc>) -> Option<Value> {
    let day = |days: u64| to_local(now).date_naive() + Days::new(days);
    match name {
        "key" => return Some(json!(format!("sample-{key}"))),
        "today" => return Some(json!(day(0))),
        _ => {}
    }
    let rest = name.strip_prefix("in")?;
    let (amount, unit) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
    let amount: u64 = amount.parse().ok()?;
    match unit {
        "Days" => Some(json!(day(amount))),
        "Hours" => Some(json!((now + TimeDelta::hours(amount as i64)).to_rfc3339())),
        _ => {
            let hour: u64 = unit.strip_prefix("DaysAt")?.parse().ok()?;
            Some(json!(format!("{}T{hour:02}:00", day(amount))))
        }
    }
}

/// Whether an element of a list is meant: each field under a condition has the value wanted.
fn meant(element: &Value, conditions: &[(&str, &str)]) -> bool {
    let Some(fields) = element.as_object() else { return true };
    fields.iter().all(|(name, value)| match value {
        Value::Array(_) => true,
        Value::Object(_) => meant(value, conditions),
        Value::String(text) => conditions.iter().all(|(field, wanted)| field != name || wanted == text),
        other => {
            let other = other.to_string();
            conditions.iter().all(|(field, wanted)| field != name || *wanted == other)
        }
    })
}

/// Takes the first value under each variable's name.
fn take(
    answer: &Value,
    conditions: &[(&str, &str)],
    wanted: &BTreeSet<&str>,
    found: &mut Map<String, Value>,
) {
    for (name, value) in answer.as_object().into_iter().flatten() {
        match value {
            Value::Array(elements) => {
                for element in elements.iter().filter(|element| meant(element, conditions)) {
                    take(element, conditions, wanted, found);
                }
            }
            Value::Object(_) => take(value, conditions, wanted, found),
            Value::Null => {}
            value if wanted.contains(name.as_str()) && !found.contains_key(name) => {
                found.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
}

struct Person {
    token: String,
    acting_for: Option<String>,
}

async fn people(app: &TestApp) -> BTreeMap<String, Person> {
    let identities = app.page("/demo/identities").await;
    let text = |of: &Value, name: &str| of[name].as_str().map(str::to_owned);
    let person = |of: &Value| Person { token: text(of, "token").unwrap(), acting_for: text(of, "actingFor") };
    identities.as_array().unwrap().iter().map(|of| (text(of, "name").unwrap(), person(of))).collect()
}

/// Every sample, one after another as they stand, does what it says: no errors, and no user errors but the one that it is
/// there to show.
#[tokio::test]
async fn every_sample_runs_on_fresh_demo_data() {
    let app = TestApp::demo().await;
    let people = people(&app).await;
    let mut wrong = Vec::new();
    for (number, sample) in all().into_iter().enumerate() {
        let Some(person) = people.get(sample.who) else {
            wrong.push(format!("{}: nobody is called {}", sample.title, sample.who));
            continue;
        };
        let acting_for = person.acting_for.as_deref().map(|id| ("patientkontrakt-acting-for", id));
        let ask = async |query: &str, variables: &Map<String, Value>| {
            let body = json!({ "query": query, "variables": variables });
            app.send(Some(&person.token), acting_for.as_slice(), &body).await.body
        };
        let documents = sample.finds.iter().copied().chain([sample.query]);
        let wanted: BTreeSet<&str> = documents.flat_map(variables).collect();
        let now = app.clock.now();
        let mut values: Map<String, Value> =
            wanted.iter().filter_map(|name| Some(((*name).to_owned(), known(name, number, now)?))).collect();
        for find in &sample.finds {
            let answer = ask(find, &values).await;
            take(&answer["data"], &sample.conditions, &wanted, &mut values);
        }
        if sample.query.starts_with("subscription") {
            // A stream says nothing until something happens: that it can be begun is what the other suites show.
            continue;
        }
        let answer = ask(sample.query, &values).await;
        let refused = answer["data"].as_object().into_iter().flat_map(Map::values).find_map(|payload| {
            payload["userErrors"].as_array().and_then(|errors| errors.first()).map(|e| e["code"].clone())
        });
        if answer.get("errors").is_some() || refused.as_ref().and_then(Value::as_str) != sample.refused {
            wrong.push(format!("{}\n    {}\n    {answer}", sample.title, Value::Object(values)));
        }
        // As a person would: a moment between one and the next.
        app.clock.advance(TimeDelta::seconds(20));
    }
    assert!(wrong.is_empty(), "{} samples:\n{}", wrong.len(), wrong.join("\n"));
}
