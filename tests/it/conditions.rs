//! Conditions of a kind of appointment (villkor): what was accepted is kept as it read, with who and when.

use chrono::TimeDelta;
use entity::representative;
use harness::{Answer, TestApp, relate, represent};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::publish,
};

const TIME: &str =
    "appointment { id rowVersion acceptedConditions { text typeRowVersion acceptedAt acceptedBy } }";

/// The visit says this from now on. Gives its version.
async fn ask(app: &TestApp, conditions: Option<&str>) -> i64 {
    let id = global(NodeKind::AppointmentType, app.world.visit);
    let query = "query($id: ID!) { node(id: $id) { ... on AppointmentType { rowVersion } } }";
    let now = app.run(&app.world.s1.identity, query, json!({ "id": id })).await.ok();
    let terms = json!({ "name": "Återbesök", "mode": "VISIT", "lengthMinutes": 30, "webBooking": "EVERYONE",
        "conditions": conditions });
    let input =
        json!({ "appointmentTypeId": id, "terms": terms, "expectedRowVersion": now.at("/node/rowVersion") });
    let shown = "appointmentType { rowVersion }";
    let changed = act(app, &app.world.s1.identity, "appointmentTypeChange", shown, input).await.ok();
    changed.at("/appointmentTypeChange/appointmentType/rowVersion").as_i64().unwrap()
}

async fn seen(app: &TestApp, who: &Identity, id: &Value) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on Appointment { acceptedConditions { text typeRowVersion \
         acceptedAt acceptedBy } } } }";
    app.run(who, query, json!({ "id": id })).await.ok().at("/node/acceptedConditions").clone()
}

#[tokio::test]
async fn what_was_accepted_is_kept_as_it_read_with_who_and_when_and_shown_to_both_sides() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    let slots = publish(
        &app,
        &["2027-03-01T09:00", "2027-03-02T09:00", "2027-03-03T09:00", "2027-03-04T09:00", "2027-03-05T09:00"],
    )
    .await;
    let first = ask(&app, Some("Du har en remiss.")).await;
    let book = async |who: &Identity, slot: &str| -> Answer {
        act(&app, who, "appointmentBook", TIME, json!({ "slotId": slot, "conditionsAccepted": true })).await
    };
    let booked = book(&p1.identity, &slots[0]).await.ok().at("/appointmentBook/appointment").clone();
    let accepted = |text: &str, version: i64, at: &str, by: &str| json!({ "text": text, "typeRowVersion": version, "acceptedAt": at, "acceptedBy": by });
    let then = accepted("Du har en remiss.", first, "2027-02-01T07:00:00+00:00", "PATIENT");
    assert_eq!(booked["acceptedConditions"], then);

    // What the unit says later is not what was accepted.
    app.clock.advance(TimeDelta::hours(1));
    let second = ask(&app, Some("Du har en remiss och ett prov.")).await;
    assert!(second > first);
    for who in [&p1.identity, &s1.identity] {
        assert_eq!(seen(&app, who, &booked["id"]).await, then);
    }
    // A move asks for what has not been accepted.
    let rebook = async |to: &str, version: i64, said: bool| -> Answer {
        let input = json!({ "appointmentId": booked["id"], "slotId": to, "expectedRowVersion": version,
            "conditionsAccepted": said });
        act(&app, &p1.identity, "appointmentRebook", TIME, input).await
    };
    let refused = rebook(&slots[1], 1, false).await;
    assert_eq!(refused.user_error_codes("appointmentRebook"), ["BAD_USER_INPUT"]);
    assert_eq!(refused.text("/appointmentRebook/userErrors/0/field"), "conditionsAccepted");
    assert_eq!(refused.at("/appointmentRebook/appointment/acceptedConditions"), &then);
    let moved = rebook(&slots[1], 1, true).await.ok();
    let now = accepted("Du har en remiss och ett prov.", second, "2027-02-01T08:00:00+00:00", "PATIENT");
    assert_eq!(moved.at("/appointmentRebook/appointment/acceptedConditions"), &now);
    // What has been is not asked again, and stays when nothing is asked any more.
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(
        rebook(&slots[2], 2, false).await.ok().at("/appointmentRebook/appointment/acceptedConditions"),
        &now
    );
    ask(&app, None).await;
    assert_eq!(
        rebook(&slots[3], 3, false).await.ok().at("/appointmentRebook/appointment/acceptedConditions"),
        &now
    );

    // The history tells both sides what was accepted with which act.
    let history = "appointmentHistory(appointmentId: $id) { nodes { action by changes { label to } } }";
    let mine = format!("query($id: ID!) {{ me {{ {history} }} }}");
    let theirs = format!("query($id: ID!, $p: ID!) {{ node(id: $p) {{ ... on Patient {{ {history} }} }} }}");
    let asked = json!({ "id": booked["id"], "p": p1.global_id() });
    let own = app.run(&p1.identity, &mine, json!({ "id": booked["id"] })).await.ok();
    let of_care = app.run(&s1.identity, &theirs, asked).await.ok();
    for nodes in [own.at("/me/appointmentHistory/nodes"), of_care.at("/node/appointmentHistory/nodes")] {
        let told: Vec<_> = nodes
            .as_array()
            .unwrap()
            .iter()
            .map(|node| {
                let changes = node["changes"].as_array().unwrap();
                let conditions = changes.iter().find(|change| change["label"] == "Godkända villkor");
                (node["action"].as_str().unwrap(), conditions.and_then(|change| change["to"].as_str()))
            })
            .collect();
        assert_eq!(
            told,
            [
                ("appointmentRebook", None),
                ("appointmentRebook", None),
                ("appointmentRebook", Some("Du har en remiss och ett prov.")),
                ("appointmentBook", Some("Du har en remiss.")),
            ]
        );
    }

    // Staff and representatives accept as themselves; without conditions nothing is accepted.
    let third = ask(&app, Some("Kom fastande.")).await;
    relate(&app.core, s1, p2).await;
    let input = json!({ "slotId": slots[0], "patientId": p2.global_id(), "bookingChannel": "PHONE",
        "conditionsAccepted": true });
    let by_staff = act(&app, &s1.identity, "appointmentBook", TIME, input).await.ok();
    let read_aloud = accepted("Kom fastande.", third, "2027-02-01T09:00:00+00:00", "STAFF");
    assert_eq!(by_staff.at("/appointmentBook/appointment/acceptedConditions"), &read_aloud);
    let kind = representative::Kind::Relative;
    let ombud = represent(&app.core, p2, kind, "197001012380", r#"{"BOOKING":"ACT"}"#, false).await;
    let input =
        json!({ "input": { "slotId": slots[1], "conditionsAccepted": true, "idempotencyKey": "ombud" } });
    let query = harness::mutation("appointmentBook", TIME);
    let by_ombud = app.run_for(&ombud.identity, &p2.global_id(), &query, input).await.ok();
    assert_eq!(by_ombud.text("/appointmentBook/appointment/acceptedConditions/acceptedBy"), "REPRESENTATIVE");
    ask(&app, None).await;
    let none = book(&p1.identity, &slots[4]).await.ok();
    assert!(none.at("/appointmentBook/appointment/acceptedConditions").is_null());
}

/// Care moves a time without having asked: nobody has accepted anything then, and nobody is asked to say so.
#[tokio::test]
async fn what_care_moves_unasked_accepts_nothing_for_the_patient() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    ask(&app, Some("Du har en remiss.")).await;
    let input = json!({ "slotId": slots[0], "conditionsAccepted": true });
    let booked = act(&app, &p1.identity, "appointmentBook", TIME, input).await.ok();
    ask(&app, Some("Uteblivet besök kostar 400 kr.")).await;
    let moves = |said: bool| {
        json!({ "appointmentId": booked.text("/appointmentBook/appointment/id"), "slotId": slots[1],
                "expectedRowVersion": 1, "conditionsAccepted": said })
    };
    let refused = act(&app, &s1.identity, "appointmentRebook", TIME, moves(true)).await;
    assert_eq!(refused.text("/appointmentRebook/userErrors/0/field"), "conditionsAccepted");
    let moved = act(&app, &s1.identity, "appointmentRebook", TIME, moves(false)).await.ok();
    let kept = moved.at("/appointmentRebook/appointment/acceptedConditions");
    assert_eq!((&kept["text"], &kept["acceptedBy"]), (&json!("Du har en remiss."), &json!("PATIENT")));
}
