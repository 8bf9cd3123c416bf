//! Nobody overwrites what they have not seen: every edit of a time and what belongs to it names the version that was
//! read, is refused when that is not the current one, and shows the current object.

use std::collections::BTreeSet;

use harness::{Answer, TestApp};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use serde_json::{Value, json};

use crate::{
    access::situation::{assert_unchanged, tables},
    acts::{act, global},
    booking::{book, publish},
    surface::introspection,
};

/// Nouns of booking: their acts are asked for here.
const NOUNS: [&str; 6] = ["appointment", "schedule", "slot", "timeWish", "calendarFeed", "patientNeeds"];

/// One edit, and where its answer shows the version that counts.
struct Edit<'a> {
    name: &'a str,
    who: &'a Identity,
    input: Value,
    selection: &'a str,
    version: &'a str,
}

/// The mutations of these nouns that name a version.
async fn versioned() -> BTreeSet<String> {
    let schema = introspection().await;
    let types = schema["__schema"]["types"].as_array().unwrap().clone();
    let named = |name: &str| types.iter().find(|ty| ty["name"] == name).unwrap();
    let has_version = |input: &str| {
        let fields = named(input)["inputFields"].as_array().cloned().unwrap_or_default();
        fields.iter().any(|field| field["name"] == "expectedRowVersion")
    };
    let input_of = |field: &Value| {
        let ty = &field["args"][0]["type"];
        ty["name"].as_str().or(ty["ofType"]["name"].as_str()).unwrap_or_default().to_owned()
    };
    let of_booking = |name: &str| NOUNS.iter().any(|noun| name.starts_with(noun));
    named("Mutation")["fields"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|field| of_booking(field["name"].as_str().unwrap()) && has_version(&input_of(field)))
        .map(|field| field["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn run(app: &TestApp, edit: &Edit<'_>, version: i64) -> Answer {
    let mut input = edit.input.clone();
    input["expectedRowVersion"] = json!(version);
    act(app, edit.who, edit.name, edit.selection, input).await
}

#[tokio::test]
async fn every_edit_of_a_version_that_is_not_the_current_one_is_refused_and_shows_what_is() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    let (s1, p1, p2) = (&app.world.s1.identity, &app.world.p1.identity, &app.world.p2.identity);
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let slots =
        publish(&app, &["2027-02-02T09:00", "2027-03-01T09:00", "2027-03-02T09:00", "2027-03-03T09:00"])
            .await;
    let mut times = Vec::new();
    for (who, slot) in [(p1, &slots[1]), (p1, &slots[2]), (p2, &slots[0])] {
        times.push(book(&app, who, slot).await.ok().text("/appointmentBook/appointment/id"));
    }
    let pattern = json!({ "rule": "FREQ=WEEKLY;BYDAY=MO", "validFrom": "2027-02-08",
        "block": { "from": "08:00", "until": "10:00" } });
    let mut schedules = Vec::new();
    for _ in 0..3 {
        let input = json!({ "appointmentTypeId": kind, "pattern": pattern });
        let made = act(&app, s1, "schedulePublish", "schedule { id }", input).await.ok();
        schedules.push(made.text("/schedulePublish/schedule/id"));
    }
    let terms = json!({ "name": "Nytt", "mode": "PHONE", "lengthMinutes": 20, "webBooking": "NOBODY" });
    let input = json!({ "careUnitId": global(NodeKind::CareUnit, app.world.s1.unit), "terms": terms });
    let made = act(&app, s1, "appointmentTypeCreate", "appointmentType { id }", input).await.ok();
    let kinds = made.text("/appointmentTypeCreate/appointmentType/id");
    let input = json!({ "appointmentTypeId": kind, "content": { "until": "2027-02-20" } });
    let wish = act(&app, p1, "timeWishLeave", "wish { id }", input).await.ok().text("/timeWishLeave/wish/id");
    act(&app, p1, "calendarFeedCreate", "path", json!({ "detail": "TIME_ONLY" })).await.ok();
    // The visit of P2 has begun; the others lie ahead.
    app.clock.set("2027-02-02T08:00:00Z".parse().unwrap());

    let of_time = |id: &str| json!({ "appointmentId": id });
    let with = |mut input: Value, field: &str, value: Value| {
        input[field] = value;
        input
    };
    let time = ("appointment { id rowVersion status startsAt confirmedAt }", "/appointment/rowVersion");
    let schedule = ("schedule { id rowVersion endedAt }", "/schedule/rowVersion");
    let of_kind = ("appointmentType { id rowVersion name retiredAt }", "/appointmentType/rowVersion");
    let of_wish = ("wish { id rowVersion status until }", "/wish/rowVersion");
    let of_feed = ("feed { detail rowVersion }", "/feed/rowVersion");
    let of_needs = ("patient { needs { interpreterLanguage rowVersion } }", "/patient/needs/rowVersion");
    let table = [
        ("appointmentConfirm", p1, of_time(&times[0]), time),
        ("appointmentRebook", p1, with(of_time(&times[0]), "slotId", json!(slots[3])), time),
        ("appointmentCancel", p1, of_time(&times[1]), time),
        ("appointmentOutcomeRecord", s1, with(of_time(&times[2]), "outcome", json!("ATTENDED")), time),
        ("appointmentTypeChange", s1, json!({ "appointmentTypeId": kinds, "terms": terms }), of_kind),
        ("appointmentTypeRetire", s1, json!({ "appointmentTypeId": kinds }), of_kind),
        ("scheduleChange", s1, json!({ "scheduleId": schedules[0], "pattern": pattern }), schedule),
        ("scheduleExcept", s1, json!({ "scheduleId": schedules[1], "days": ["2027-02-15"] }), schedule),
        ("scheduleEnd", s1, json!({ "scheduleId": schedules[2] }), schedule),
        ("timeWishChange", p1, json!({ "wishId": wish, "content": { "until": "2027-02-25" } }), of_wish),
        ("timeWishWithdraw", p1, json!({ "wishId": wish }), of_wish),
        ("calendarFeedDetailSet", p1, json!({ "detail": "UNIT_NAME" }), of_feed),
        ("calendarFeedRotate", p1, json!({}), of_feed),
        ("calendarFeedRevoke", p1, json!({}), of_feed),
        ("patientNeedsSet", p1, json!({ "interpreterLanguage": "fi" }), of_needs),
    ];
    let edits =
        table.map(|(name, who, input, (selection, version))| Edit { name, who, input, selection, version });
    let asked: BTreeSet<String> = edits.iter().map(|edit| edit.name.to_owned()).collect();
    assert_eq!(asked, versioned().await, "every edit is asked for");
    for edit in &edits {
        let Edit { name, version: at, .. } = edit;
        let before = tables(&app).await;
        // The version that was never there tells which is.
        let refused = run(&app, edit, 77).await;
        assert_eq!(refused.user_error_codes(name), ["STALE_ROW_VERSION"], "{name}");
        assert_eq!(refused.text(&format!("/{name}/userErrors/0/field")), "expectedRowVersion", "{name}");
        let current = refused.at(&format!("/{name}{at}")).as_i64();
        let current = current.unwrap_or_else(|| panic!("{name} shows the current one: {}", refused.body));
        assert!(current >= 1, "{name}");
        // Nor does one that was current once pass.
        assert_eq!(
            run(&app, edit, current - 1).await.user_error_codes(name),
            ["STALE_ROW_VERSION"],
            "{name}"
        );
        let shown = |answer: &Answer| {
            let mut all = answer.at(&format!("/{name}")).clone();
            all.as_object_mut().unwrap().remove("userErrors");
            all
        };
        assert_unchanged(&before, &tables(&app).await, name);
        // It was the version alone that was wrong.
        let done = run(&app, edit, current).await.ok();
        assert_ne!(shown(&done), shown(&refused), "{name}");
        let late = run(&app, edit, current).await;
        let codes = late.user_error_codes(name);
        assert!(
            ["STALE_ROW_VERSION", "WRONG_STATE"].contains(&codes.join(",").as_str()),
            "{name}: {codes:?}"
        );
    }
}
