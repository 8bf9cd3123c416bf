//! No buttons that fail: what is told beforehand is what the act says.

use entity::{appointment, appointment_type, representative};
use harness::{Answer, TestApp, TestPatient, relate, represent};
use patientkontrakt::auth::token::Identity;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};

use crate::{
    acts::act,
    booking::{book, publish},
};

#[tokio::test]
async fn the_button_agrees_with_the_act_for_everybody_at_any_time() {
    let app = TestApp::new().await;
    let (p1, s1) = (&app.world.p1, &app.world.s1);
    relate(&app.core, s1, p1).await;
    relate(&app.core, &app.world.s2, p1).await;
    let acts = [
        ("appointmentConfirm", "canConfirm"),
        ("appointmentRebook", "canRebook"),
        ("appointmentOutcomeRecord", "canRecordOutcome"),
        ("appointmentCancel", "canCancel"),
    ];
    let starts: Vec<String> =
        (0..30).map(|n| format!("2027-03-{:02}T{:02}:00", 1 + n / 10, 8 + n % 10)).collect();
    let starts: Vec<&str> = starts.iter().map(String::as_str).collect();
    let slots = publish(&app, &starts).await;
    let mut used = 0;
    for when in ["2027-02-02T08:00:00Z", "2027-02-28T12:00:00Z", "2027-03-01T12:30:00Z"] {
        app.clock.set(when.parse().unwrap());
        for (mutation, button) in acts {
            for who in [&p1.identity, &s1.identity, &app.world.s2.identity] {
                let ahead = if when < "2027-03-01" { 0 } else { 4 };
                let input = json!({ "slotId": slots[ahead], "patientId": p1.global_id(), "bookingChannel": "PHONE",
                    "allowOverlap": true });
                // One that began before the last moment was booked while it lay ahead.
                let now = app.clock.now();
                if ahead > 0 {
                    app.clock.set("2027-03-01T00:00:00Z".parse().unwrap());
                }
                let booked =
                    act(&app, &s1.identity, "appointmentBook", "appointment { id }", input).await.ok();
                app.clock.set(now);
                let id = booked.text("/appointmentBook/appointment/id");
                let query = "query($id: ID!) { node(id: $id) { ... on Appointment { rowVersion \
                     canConfirm { allowed code } canRebook { allowed code } canCancel { allowed code } \
                     canRecordOutcome { allowed code } } } }";
                let seen = app.run(who, query, json!({ "id": id })).await.ok();
                let said = seen.at(&format!("/node/{button}")).clone();
                let mut input = json!({ "appointmentId": id, "expectedRowVersion": 1 });
                if mutation == "appointmentRebook" {
                    used += 1;
                    input["slotId"] = json!(slots[10 + used]);
                    if who != &p1.identity {
                        input["allowOverlap"] = json!(true);
                    }
                }
                if mutation == "appointmentConfirm" && who != &p1.identity {
                    input["bookingChannel"] = json!("PHONE");
                }
                if mutation == "appointmentOutcomeRecord" {
                    input["outcome"] = json!("ATTENDED");
                }
                let done = act(&app, who, mutation, "appointment { id }", input).await;
                let codes = done.user_error_codes(mutation);
                let expected = said["code"].as_str().map(|code| vec![code.to_owned()]).unwrap_or_default();
                assert_eq!(codes, expected, "{mutation} at {when} by {who:?}: {said}");
                assert_eq!(said["allowed"], codes.is_empty());
                // The seat is free again for the next.
                let row = appointment::Entity::find_by_id(entity::AppointmentId(crate::acts::row(&id)));
                let row = row.one(app.core.db.reader()).await.unwrap().unwrap();
                if row.status == appointment::Status::Booked {
                    app.clock.set("2027-03-01T00:00:00Z".parse().unwrap());
                    let input = json!({ "appointmentId": id, "expectedRowVersion": row.row_version });
                    act(&app, &s1.identity, "appointmentCancel", "appointment { id }", input).await.ok();
                    app.clock.set(now);
                } else if row.status == appointment::Status::Attended {
                    return;
                }
            }
        }
    }
}

/// One who looks at a time of P1's, as themselves or for P1.
struct Looks<'a> {
    who: &'a Identity,
    acting_for: Option<&'a TestPatient>,
}

impl Looks<'_> {
    async fn run(&self, app: &TestApp, query: &str, variables: Value) -> Answer {
        match self.acting_for {
            Some(patient) => app.run_for(self.who, &patient.global_id(), query, variables).await,
            None => app.run(self.who, query, variables).await,
        }
    }

    /// What the buttons say - the code and words of the reason, or nothing where it can be done - is what is expected,
    /// and each act that is told to be refused is refused in the same words.
    async fn told(&self, app: &TestApp, id: &str, slot: &str, expected: [Option<(&str, &str)>; 2]) {
        let query = "query($id: ID!) { node(id: $id) { ... on Appointment { rowVersion \
             canCancel { allowed code reason } canRebook { allowed code reason } } } }";
        let seen = self.run(app, query, json!({ "id": id })).await.ok();
        let acts = [("canCancel", "appointmentCancel"), ("canRebook", "appointmentRebook")];
        for ((button, mutation), expected) in acts.into_iter().zip(expected) {
            let said = seen.at(&format!("/node/{button}"));
            let Some((code, words)) = expected else {
                assert_eq!(said, &json!({ "allowed": true, "code": null, "reason": null }), "{button}");
                continue;
            };
            assert_eq!((&said["allowed"], &said["code"]), (&json!(false), &json!(code)), "{button}: {said}");
            let reason = said["reason"].as_str().unwrap();
            assert!(reason.contains(words), "{button}: {reason}");
            let mut input = json!({ "appointmentId": id, "expectedRowVersion": seen.at("/node/rowVersion"),
                "idempotencyKey": uuid::Uuid::new_v4().to_string() });
            if mutation == "appointmentRebook" {
                input["slotId"] = json!(slot);
            }
            let query = harness::mutation(mutation, "appointment { id }");
            let refused = self.run(app, &query, json!({ "input": input })).await;
            assert_eq!(refused.user_error_codes(mutation), [code], "{button}");
            assert_eq!(refused.text(&format!("/{mutation}/userErrors/0/message")), reason, "{button}");
        }
    }
}

#[tokio::test]
async fn every_reason_why_a_time_cannot_be_cancelled_or_moved_is_told_beforehand_in_the_acts_own_words() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-01T11:00", "2027-03-02T09:00"]).await;
    let booked =
        async |slot: &str| book(&app, &p1.identity, slot).await.ok().text("/appointmentBook/appointment/id");
    let (time, gone) = (booked(&slots[0]).await, booked(&slots[1]).await);
    relate(&app.core, &world.s1, p1).await;
    relate(&app.core, &world.s2, p1).await;
    let kind = representative::Kind::Relative;
    let reads = represent(&app.core, p1, kind, "197001012380", r#"{"BOOKING":"READ"}"#, false).await;
    let acts = represent(&app.core, p1, kind, "199001012389", r#"{"BOOKING":"ACT"}"#, false).await;
    let patient = Looks { who: &p1.identity, acting_for: None };
    let staff = Looks { who: &world.s1.identity, acting_for: None };
    let elsewhere = Looks { who: &world.s2.identity, acting_for: None };
    let reads = Looks { who: &reads.identity, acting_for: Some(p1) };
    let acts = Looks { who: &acts.identity, acting_for: Some(p1) };
    let free = &slots[2];
    for looks in [&patient, &acts, &staff] {
        looks.told(&app, &time, free, [None, None]).await;
    }
    let forbidden = Some(("FORBIDDEN", ""));
    reads.told(&app, &time, free, [forbidden, forbidden]).await;
    elsewhere.told(&app, &time, free, [None, Some(("CONFLICT", "annan mottagning"))]).await;

    // What patients may not book, they may not move to.
    let by_phone = Some(("CONFLICT", "ombokas inte här. Ring +46"));
    let nobody = appointment_type::WebBooking::Nobody;
    for (web_booking, retired_at) in
        [(nobody, None), (appointment_type::WebBooking::Everyone, Some(app.clock.now()))]
    {
        let row = appointment_type::ActiveModel {
            id: Set(world.visit),
            web_booking: Set(web_booking),
            retired_at: Set(retired_at),
            ..Default::default()
        };
        row.update(app.core.db.reader()).await.unwrap();
        for looks in [&patient, &acts] {
            looks.told(&app, &time, free, [None, by_phone]).await;
        }
        staff.told(&app, &time, free, [None, None]).await;
    }
    let row =
        appointment_type::ActiveModel { id: Set(world.visit), retired_at: Set(None), ..Default::default() };
    row.update(app.core.db.reader()).await.unwrap();

    let input = json!({ "appointmentId": gone, "expectedRowVersion": 1 });
    act(&app, &p1.identity, "appointmentCancel", "appointment { id }", input).await.ok();
    let over = Some(("WRONG_STATE", "inte längre bokad"));
    for looks in [&patient, &acts, &staff] {
        looks.told(&app, &gone, free, [over, over]).await;
    }
    // From the deadline on it is the unit's, until it begins.
    app.clock.set("2027-02-25T23:00:00Z".parse().unwrap());
    let late = Some(("TOO_LATE", "för sent att ändra tiden här. Ring +46"));
    for looks in [&patient, &acts] {
        looks.told(&app, &time, free, [late, late]).await;
    }
    staff.told(&app, &time, free, [None, None]).await;
    app.clock.set("2027-03-01T08:00:00Z".parse().unwrap());
    let begun = Some(("TOO_LATE", "redan börjat. Ring +46"));
    for looks in [&patient, &acts, &staff] {
        looks.told(&app, &time, free, [begun, begun]).await;
    }
    let input = json!({ "appointmentId": time, "expectedRowVersion": 1, "outcome": "ATTENDED" });
    act(&app, &world.s1.identity, "appointmentOutcomeRecord", "appointment { id }", input).await.ok();
    for looks in [&patient, &staff] {
        looks.told(&app, &time, free, [over, over]).await;
    }
}
