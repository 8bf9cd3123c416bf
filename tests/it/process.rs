//! The service as its operator runs it: real processes, real sockets, signals, and a database that goes away.

mod booking_crashes;
mod booking_outages;
mod bookings;
mod crashes;
mod fire;
mod logs;
mod outage;
mod roles;
mod several;
mod several_times;
mod starting;
pub(crate) mod stopping;
pub(crate) mod storage;

use harness::{
    Answer,
    process::{Serve, Stage},
};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::acts::global;

/// Runs a mutation that must be answered.
async fn act(
    stage: &Stage,
    serve: &Serve,
    who: &Identity,
    name: &str,
    selection: &str,
    mut input: Value,
) -> Answer {
    if input.get("idempotencyKey").is_none() {
        input["idempotencyKey"] = json!(Uuid::new_v4().to_string());
    }
    serve.act(&stage.token(who), name, selection, input).await.expect("an answer")
}

/// Publishes times of the visit at U1 and gives their ids, by start.
async fn publish(stage: &Stage, serve: &Serve, count: usize) -> Vec<String> {
    let mut slots = Vec::new();
    for times in stage.times(count).chunks(20) {
        let input = json!({
            "appointmentTypeId": global(NodeKind::AppointmentType, stage.world.visit),
            "startsLocal": times,
        });
        let answer =
            act(stage, serve, &stage.world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
        let published = answer.at("/slotPublish/slots").as_array().unwrap().clone();
        slots.extend(published.iter().map(|slot| slot["id"].as_str().unwrap().to_owned()));
    }
    slots
}

/// A thread of P1's with U1, to write in.
async fn thread(stage: &Stage, serve: &Serve) -> String {
    let p1 = &stage.world.p1;
    let input = json!({
        "careUnitId": global(NodeKind::CareUnit, stage.world.s1.unit),
        "subject": format!("Om {}", p1.canary), "body": format!("Hej {}", p1.canary),
    });
    act(stage, serve, &p1.identity, "threadStart", "thread { id }", input)
        .await
        .ok()
        .text("/threadStart/thread/id")
}

/// Somebody says yes to mail about appointments and messages.
async fn yes_to_mail(stage: &Stage, serve: &Serve, who: &Identity) {
    let choice =
        |kind: &str| json!({ "kind": kind, "channel": "MAIL", "optedIn": true, "textShown": "Bokad tid" });
    let input = json!({
        "choices": [choice("APPOINTMENT"), choice("MESSAGE")],
        "contactWays": { "mail": "etta@exempel.se", "phone": "070-174 06 05" },
    });
    act(stage, serve, who, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}
