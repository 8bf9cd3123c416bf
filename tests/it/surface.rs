//! The whole surface at once: every root field has its rule, every element its description, and the layers keep
//! apart.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use entity::assignment::Role;
use patientkontrakt::{
    auth::policy::{Action, Noun, Rights, SURFACE, Who, allows},
    graphql::schema,
    http::graphql::limits::Limits,
};
use serde_json::Value;

const ROLES: [(&str, Who); 11] = [
    ("anonymous", Who::Anonymous),
    ("patient", Who::Patient),
    ("young", Who::YoungPatient(Rights::FULL)),
    ("representative", Who::Representative(Rights::FULL)),
    ("person", Who::Person),
    ("care", Who::Staff(Role::Care)),
    ("coordinator", Who::Staff(Role::Coordinator)),
    ("manager", Who::Staff(Role::UnitManager)),
    ("analyst", Who::Staff(Role::Analyst)),
    ("admin", Who::Staff(Role::Admin)),
    ("system", Who::System),
];

/// The schema as a client's introspection sees it.
pub async fn introspection() -> Value {
    const TYPE: &str = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
    let query = format!(
        "{{ __schema {{ types {{ kind name description specifiedByURL \
         fields(includeDeprecated: true) {{ name description type {{ {TYPE} }} \
         args {{ name description type {{ {TYPE} }} }} }} \
         inputFields {{ name description type {{ {TYPE} }} }} \
         enumValues(includeDeprecated: true) {{ name description }} }} }} }}"
    );
    let answer = schema::build(&Limits::default()).execute(query).await;
    assert!(answer.errors.is_empty(), "{:?}", answer.errors);
    answer.data.into_json().unwrap()
}

fn types(introspection: &Value) -> Vec<&Value> {
    introspection["__schema"]["types"].as_array().unwrap().iter().collect()
}

fn list(of: &Value) -> impl Iterator<Item = &Value> {
    of.as_array().into_iter().flatten()
}

/// Every root field of the schema, as `Query.me`.
pub async fn root_fields() -> BTreeSet<String> {
    let introspection = introspection().await;
    let roots = types(&introspection).into_iter().filter_map(|ty| {
        let name = ty["name"].as_str()?;
        ["Query", "Mutation", "Subscription"].contains(&name).then_some((name, ty))
    });
    roots
        .flat_map(|(name, ty)| {
            list(&ty["fields"]).map(move |f| format!("{name}.{}", f["name"].as_str().unwrap()))
        })
        .collect()
}

#[tokio::test]
async fn every_root_field_has_exactly_one_rule_and_every_rule_a_root_field() {
    let ruled: BTreeSet<String> = SURFACE.iter().map(|(field, ..)| (*field).to_owned()).collect();
    assert_eq!(ruled.len(), SURFACE.len(), "a root field has two rules");
    assert_eq!(root_fields().await, ruled);
}

#[test]
fn the_matrix_of_roles_nouns_and_actions_is_the_one_that_was_agreed() {
    let mut table = format!("{:<32}", "");
    for (name, _) in ROLES {
        write!(table, " {name:<14}").unwrap();
    }
    for &noun in Noun::ALL {
        for &action in Action::ALL {
            if !ROLES.iter().any(|(_, who)| allows(*who, noun, action)) {
                continue;
            }
            write!(table, "\n{:<32}", format!("{noun:?} {action:?}")).unwrap();
            for (_, who) in ROLES {
                write!(table, " {:<14}", if allows(who, noun, action) { "yes" } else { "-" }).unwrap();
            }
        }
    }
    let table: Vec<&str> = table.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn nobody_who_is_not_signed_in_may_do_anything_and_every_rule_of_a_root_field_lets_someone_in() {
    for &noun in Noun::ALL {
        for &action in Action::ALL {
            assert!(!allows(Who::Anonymous, noun, action), "{noun:?} {action:?}");
            // What is open to all who are signed in, and whom one may act for oneself.
            let open = [Noun::CareUnit, Noun::QuestionBattery, Noun::Slot, Noun::Template].contains(&noun)
                || (noun, action) == (Noun::Representative, Action::List);
            for within in [Who::Representative, Who::YoungPatient] {
                assert!(!allows(within(Rights::default()), noun, action) || open, "{noun:?} {action:?}");
                let full = allows(within(Rights::FULL), noun, action);
                // A guardian's reminders are the guardian's own, not the patient's.
                let own = noun == Noun::GuardianReminder;
                assert!(!full || own || allows(Who::Patient, noun, action), "{noun:?} {action:?}");
            }
        }
    }
    for (field, noun, action) in SURFACE {
        assert!(ROLES.iter().any(|(_, who)| allows(*who, *noun, *action)), "{field} is closed to everyone");
    }
}

#[tokio::test]
async fn every_element_of_the_schema_is_described_and_every_scalar_of_ours_specified() {
    let introspection = introspection().await;
    let blank = |element: &Value| element["description"].as_str().is_none_or(|text| text.trim().is_empty());
    let mut silent = Vec::new();
    for ty in types(&introspection) {
        let name = ty["name"].as_str().unwrap();
        if name.starts_with("__") {
            continue;
        }
        let own = !["ID", "Int", "Float", "String", "Boolean"].contains(&name);
        if own && blank(ty) {
            silent.push(name.to_owned());
        }
        if ty["kind"] == "SCALAR" && own && ty["specifiedByURL"].is_null() {
            silent.push(format!("{name} (no specification)"));
        }
        for members in ["fields", "inputFields", "enumValues"] {
            for member in list(&ty[members]) {
                let member_name = member["name"].as_str().unwrap();
                if blank(member) {
                    silent.push(format!("{name}.{member_name}"));
                }
                for argument in list(&member["args"]).filter(|a| blank(a)) {
                    silent.push(format!("{name}.{member_name}({})", argument["name"].as_str().unwrap()));
                }
            }
        }
    }
    assert!(silent.is_empty(), "without a description: {silent:#?}");
}

#[test]
fn the_schema_that_is_checked_in_is_the_one_that_is_served() {
    let checked_in = fs::read_to_string(top().join("schema.graphql")).unwrap();
    assert!(
        checked_in == schema::print(),
        "schema.graphql differs: run `cargo run -- schema print > schema.graphql`, and read what changed"
    );
}

#[tokio::test]
async fn no_input_lets_its_sender_say_who_wrote_or_signed_or_when_or_in_which_state() {
    let introspection = introspection().await;
    for ty in types(&introspection).into_iter().filter(|ty| ty["kind"] == "INPUT_OBJECT") {
        let name = ty["name"].as_str().unwrap();
        // A filter says what to look for, not what to store; a contact's role is not the caller's.
        if name.ends_with("Filter") {
            continue;
        }
        for field in list(&ty["inputFields"]) {
            let field = field["name"].as_str().unwrap();
            for word in ["author", "signed", "status", "createdAt", "proposedBy", "careUnitRole", "actor"] {
                assert!(!field.contains(word), "{name}.{field}");
            }
            let about_contacts = ["ContactAppointInput", "ContactOfferInput", "ContactRequestInput"];
            assert!(field != "role" || about_contacts.contains(&name), "{name}.{field}");
        }
    }
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(of: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![top().join(of)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 5, "no sources in {of}");
    found
}

#[track_caller]
fn never(of: &str, words: &[&str], except: &[&str]) {
    let mut found = Vec::new();
    for (path, text) in sources(of) {
        if except.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            found.extend(
                words
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{}:{}: {word}", path.display(), number + 1)),
            );
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_domain_knows_nothing_of_graphql_or_http() {
    never("api/src/domain", &["async_graphql", "axum", "crate::graphql", "crate::http"], &[]);
}

#[test]
fn only_the_clock_reads_the_time() {
    never("api/src", &["Utc::now", "Local::now", "SystemTime::now", "Uuid::now_v7"], &["clock.rs"]);
}

#[test]
fn instants_are_stored_in_utc_only() {
    let others = [
        "DateTimeWithTimeZone",
        "DateTimeLocal",
        "FixedOffset",
        "NaiveDateTime",
        ": DateTime,",
        "<DateTime>",
    ];
    never("entity/src", &others, &[]);
}

#[test]
fn access_rules_stand_in_the_policy_alone() {
    // Which rows are in reach is decided by conditions on this table: nobody else may write one.
    never("api/src/graphql", &["FROM care_relation", "JOIN care_relation", "care_relation::Entity"], &[]);
}
