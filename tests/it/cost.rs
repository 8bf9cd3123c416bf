//! What an operation costs in statements, whatever the number of rows. The access log is counted apart.

use harness::{TestApp, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use serde_json::json;

use crate::acts;

/// The statements of `query` once the caller's identity is known to the service.
async fn cost(app: &TestApp, who: &patientkontrakt::auth::token::Identity, query: &str) -> Vec<String> {
    app.run(who, query, json!({})).await.ok();
    let (answer, statements) = app.statements(app.run(who, query, json!({}))).await;
    answer.ok();
    statements
}

const MY_PLAN: &str = "{ me { id givenName familyName agreement { id status updatedAt currentVersion { title } \
    goals { id text status priority } \
    planItems { id title description owner dueOn status responsibleUnit { id name } responsibleStaff { name } } } \
    fixedCareContact { id name function careUnit { id name } } \
    nextAppointment { id startsAt endsAt mode staff { name } } } }";

const EVERYTHING: &str = "{ me { id personalIdentityNumber givenName parts { part complete missing { code message } } \
    nextSteps { patient { title } care { title } } whoToContact { name phone } contacts { name } \
    agreement { id currentVersion { title story } proposals { number } goals { text } planItems { title goal { text } } } \
    fixedCareContact { name } nextAppointment { startsAt } \
    timeline(first: 50) { nodes { title on } } appointments(first: 20) { nodes { id startsAt } } \
    threads(first: 20) { nodes { id subject unreadCount } } reminderPreferences { kind optedIn } } }";

#[tokio::test]
async fn my_plan_costs_three_statements_and_everything_about_me_six() {
    let app = TestApp::new().await;
    relate(&app.core, &app.world.s1, &app.world.p1).await;
    acts::active(&app, &app.world.s1, &app.world.p1).await;
    let plan = cost(&app, &app.world.p1.identity, MY_PLAN).await;
    assert!(plan.len() <= 3, "{plan:#?}");
    let all = cost(&app, &app.world.p1.identity, EVERYTHING).await;
    assert!(all.len() <= 6, "{all:#?}");
}

/// As the documentation prints it and says what it costs, with an answer that waits and an instruction that holds.
#[tokio::test]
async fn an_apps_first_screen_costs_what_its_documentation_says() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    acts::active(&app, s1, p1).await;
    let (plan, _) = acts::Plan::of(&app, p1).await;
    let more = acts::whole_item(&plan, s1, "Gå till sjön", "CARE");
    acts::act(&app, &s1.identity, "planItemPropose", acts::PLAN_ITEM, more).await.ok();
    let page = include_str!("../../docs/app.md");
    let screen = page.split("```").find_map(|part| part.strip_prefix("graphql\n")).unwrap();
    let seen = app.run(&p1.identity, screen, json!({})).await.ok();
    assert!(!seen.at("/me/agreement/proposals/0/changes").as_array().unwrap().is_empty(), "{}", seen.body);
    let cost = cost(&app, &p1.identity, screen).await;
    assert!(page.contains("It costs the service at most eight statements"));
    assert!(cost.len() <= 8, "{cost:#?}");
}

/// What is asked for rarely is loaded when it is asked for: each in a fixed number of statements, however much there is.
#[tokio::test]
async fn difference_history_and_parts_cost_a_fixed_number_of_statements() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    acts::active(&app, s1, p1).await;
    let mut costs = Vec::new();
    for round in 0..3 {
        let (plan, _) = acts::Plan::of(&app, p1).await;
        let more = acts::whole_item(&plan, s1, &format!("Insats {round}"), "CARE");
        acts::act(&app, &s1.identity, "planItemPropose", acts::PLAN_ITEM, more).await.ok();
        let versions = "{ me { agreement { versions(first: 20) { nodes { id number } } } } }";
        let seen = app.run(&p1.identity, versions, json!({})).await.ok();
        let ids: Vec<String> = seen
            .at("/me/agreement/versions/nodes")
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["id"].as_str().unwrap().to_owned())
            .collect();
        let (first, last) = (ids.last().unwrap(), ids.first().unwrap());
        let difference = format!(
            "{{ me {{ agreement {{ difference(from: \"{first}\", to: \"{last}\") {{ sentence }} }} }} }}"
        );
        let history =
            "{ me { agreement { history(first: 50) { nodes { what changes { label from to } } } } } }";
        let parts = "{ me { parts { missing { code message } } nextSteps { care { title } } whoToContact { phone } } }";
        let mut of = Vec::new();
        for query in [difference.as_str(), history, parts] {
            of.push(cost(&app, &p1.identity, query).await.len());
        }
        costs.push(of);
    }
    assert_eq!(costs[0], costs[2], "{costs:?}");
    assert!(costs[2].iter().zip([5, 3, 4]).all(|(cost, most)| *cost <= most), "{costs:?}");
}

/// Whoever asks for the objections to many versions pays one statement for all of them.
#[tokio::test]
async fn the_objections_to_all_versions_cost_one_statement() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    acts::active(&app, s1, p1).await;
    for round in 0..3 {
        let (plan, _) = acts::Plan::of(&app, p1).await;
        let more = acts::whole_item(&plan, s1, &format!("Insats {round}"), "CARE");
        acts::act(&app, &s1.identity, "planItemPropose", acts::PLAN_ITEM, more).await.ok();
    }
    let versions = |of_each: &str| {
        format!("{{ me {{ agreement {{ versions(first: 20) {{ nodes {{ id {of_each} }} }} }} }} }}")
    };
    let without = cost(&app, &p1.identity, &versions("")).await;
    let with = cost(&app, &p1.identity, &versions("objections { by words ending }")).await;
    assert_eq!(with.len(), without.len() + 1, "{with:#?}");
}

#[tokio::test]
async fn a_field_asked_twice_through_fragments_costs_the_same_and_logs_once() {
    let app = TestApp::new().await;
    let twice = "{ me { givenName } ...F } fragment F on Query { me { familyName agreement { id } } }";
    let statements = cost(&app, &app.world.p1.identity, twice).await;
    assert_eq!(statements.len(), 1, "{statements:#?}");
    let (answer, all) = app.all_statements(app.run(&app.world.p1.identity, twice, json!({}))).await;
    assert_eq!(answer.ok().text("/me/familyName"), "Kanariesson");
    let logged = all.iter().filter(|sql| sql.replace('"', "").contains("INSERT INTO access_event (")).count();
    assert_eq!(logged, 1, "{all:#?}");
}

#[tokio::test]
async fn a_units_list_costs_one_statement_for_one_row_and_for_three() {
    let app = TestApp::new().await;
    let (world, unit) = (&app.world, acts::global(NodeKind::CareUnit, app.world.s1.unit));
    let query = format!(
        "{{ careUnit(id: \"{unit}\") {{ agreements(first: 50) {{ nodes {{ id title updatedAt openItemCount \
         patient {{ id givenName familyName }} nextStep {{ title dueOn owner }} }} }} }} }}"
    );
    for (patient, rows) in [(&world.p1, 1), (&world.p2, 2)] {
        relate(&app.core, &world.s1, patient).await;
        acts::active(&app, &world.s1, patient).await;
        let statements = cost(&app, &world.s1.identity, &query).await;
        assert_eq!(statements.len(), 1, "{statements:#?}");
        let answer = app.run(&world.s1.identity, &query, json!({})).await.ok();
        assert_eq!(answer.at("/careUnit/agreements/nodes").as_array().unwrap().len(), rows);
    }
}

/// Of an act on a time: whatever else the patient has.
#[tokio::test]
async fn holding_booking_confirming_moving_and_cancelling_cost_a_fixed_number_of_statements() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1.identity;
    let starts: Vec<String> =
        (1..5).flat_map(|day| ["09:00", "10:00"].map(|at| format!("2027-03-0{day}T{at}"))).collect();
    let starts: Vec<&str> = starts.iter().map(String::as_str).collect();
    let slots = crate::booking::publish(&app, &starts).await;
    let mut costs = Vec::new();
    for pair in slots.chunks(2) {
        let mut of = Vec::new();
        let mut input = json!({ "slotId": pair[0] });
        for name in
            ["slotHold", "appointmentBook", "appointmentConfirm", "appointmentRebook", "appointmentCancel"]
        {
            let selection = if name == "slotHold" { "hold { id }" } else { "appointment { id rowVersion }" };
            let doing = acts::act(&app, p1, name, selection, input.clone());
            let (answer, statements) = app.statements(doing).await;
            of.push(statements.len());
            let answer = answer.ok();
            if name != "slotHold" {
                let now = answer.at(&format!("/{name}/appointment"));
                input = json!({ "appointmentId": now["id"], "expectedRowVersion": now["rowVersion"] });
            }
            if name == "appointmentConfirm" {
                input["slotId"] = json!(pair[1]);
            }
        }
        // Each time but the last stays booked, and is there when the next is taken.
        let again = json!({ "slotId": pair[0] });
        acts::act(&app, p1, "appointmentBook", "appointment { id }", again).await.ok();
        costs.push(of);
    }
    assert_eq!(costs[1], costs[3], "{costs:?}");
    assert!(costs[3].iter().zip([9, 20, 9, 31, 21]).all(|(cost, most)| *cost <= most), "{costs:?}");
}
