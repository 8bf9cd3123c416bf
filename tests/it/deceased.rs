//! A death ends at once what would go on without anybody looking.

use entity::{
    agreement, agreement_offer, agreement_request, appointment, care_contact, change_entry, contact_offer,
    contact_request, notice, occupancy, register_event, slot, task,
};
use futures_util::future::join_all;
use harness::{TestApp, relate};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::acts::{AGREEMENT, act, active, draft, global};

const PATIENT: &str = "patient { id }";

fn died(patient: &harness::TestPatient, on: &str) -> Value {
    json!({ "patientId": patient.global_id(), "diedOn": on })
}

async fn appointed(app: &TestApp, patient: &harness::TestPatient) {
    let person = json!({ "assignmentId": global(NodeKind::Assignment, app.world.s1.assignment) });
    let input = json!({ "patientId": patient.global_id(), "role": "FAST_VARDKONTAKT", "person": person });
    act(app, &app.world.s1.identity, "contactAppoint", "contact { id }", input).await.ok();
}

async fn booked(app: &TestApp, patient: &harness::TestPatient) -> Value {
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit),
        "startsLocal": ["2027-02-15T09:00"],
    });
    let slots = act(app, &app.world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
    let input = json!({ "slotId": slots.at("/slotPublish/slots/0/id") });
    let answer = act(app, &patient.identity, "appointmentBook", "appointment { id }", input).await.ok();
    answer.at("/appointmentBook/appointment/id").clone()
}

/// **R** "Death stops sends, sweeps and representatives at once, frees booked times and ends the agreement."
#[tokio::test]
async fn a_death_stops_sends_frees_times_and_ends_agreements_tasks_and_requests_at_once() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let choices = json!([
        { "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "textShown": "Ja" },
        { "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Ja" },
    ]);
    let input = json!({ "choices": choices, "contactWays": { "mail": "etta@example.se" } });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
    relate(&app.core, s3, p1).await;
    let unit = global(NodeKind::CareUnit, s3.unit);
    act(&app, &p1.identity, "agreementRequest", "request { id }", json!({ "careUnitId": unit })).await.ok();
    let input = json!({ "patientId": p1.global_id(), "how": "LETTER" });
    act(&app, &s3.identity, "agreementOffer", "offer { id }", input).await.ok();
    active(&app, s1, p1).await;
    appointed(&app, p1).await;
    let asked = json!({ "role": "FAST_LAKARKONTAKT", "why": "Jag vill ha en egen läkare." });
    act(&app, &p1.identity, "contactRequest", "request { id }", asked).await.ok();
    let offered =
        json!({ "patientId": p1.global_id(), "role": "BEHANDLANDE_ROLL", "treatingKind": "COUNSELLOR" });
    act(&app, &s1.identity, "contactOffer", "offer { id }", offered).await.ok();
    booked(&app, p1).await;
    let db = app.core.db.reader();
    let planned =
        || notice::Entity::find().filter(notice::Column::State.eq(notice::State::Planned)).count(db);
    assert!(planned().await.unwrap() > 1);
    assert!(
        occupancy::Entity::find().filter(occupancy::Column::SubjectId.eq(p1.id.0)).count(db).await.unwrap()
            > 0
    );

    let future = act(&app, &s1.identity, "patientDeceasedRecord", PATIENT, died(p1, "2027-02-02")).await;
    assert_eq!(future.user_error_codes("patientDeceasedRecord"), ["BAD_USER_INPUT"]);
    act(&app, &s1.identity, "patientDeceasedRecord", PATIENT, died(p1, "2027-01-31")).await.ok();
    let again = act(&app, &s1.identity, "patientDeceasedRecord", PATIENT, died(p1, "2027-01-31")).await;
    assert_eq!(again.user_error_codes("patientDeceasedRecord"), ["WRONG_STATE"]);

    // Nothing is sent, not even that the time was cancelled.
    assert_eq!(planned().await.unwrap(), 0);
    let all = notice::Entity::find().all(db).await.unwrap();
    assert!(all.iter().all(|n| n.state == notice::State::Withdrawn), "{all:?}");
    // The time is free for somebody else.
    let time = appointment::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(time.status, appointment::Status::Cancelled);
    assert_eq!(slot::Entity::find().one(db).await.unwrap().unwrap().open_seats, 1);
    assert_eq!(
        occupancy::Entity::find().filter(occupancy::Column::SubjectId.eq(p1.id.0)).count(db).await.unwrap(),
        0
    );
    let plan = agreement::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(
        (plan.status, plan.end_reason),
        (agreement::Status::Ended, Some(agreement::EndReason::Deceased))
    );
    // With every provider: the request and the offer were another's.
    let request = agreement_request::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(request.status, agreement_request::Status::Superseded);
    let offer = agreement_offer::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(offer.status, agreement_offer::Status::Superseded);
    // The contacts' roles end, and the register is told; what was asked for and offered waits no longer.
    let role = care_contact::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(role.status, care_contact::Status::Ended);
    let ended = register_event::Entity::find()
        .filter(register_event::Column::Change.eq(register_event::Change::Ended));
    assert_eq!(ended.count(db).await.unwrap(), 1);
    let asked = contact_request::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(asked.status, contact_request::Status::Superseded);
    let offered = contact_offer::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(offered.status, contact_offer::Status::Superseded);
    let open = task::Entity::find().filter(task::Column::Status.eq(task::Status::Open));
    assert_eq!(open.count(db).await.unwrap(), 0);
    // And nothing begins, or is raised, any more.
    app.clock.advance(chrono::TimeDelta::days(400));
    assert_eq!(sweep::run(&app.core).await.unwrap().raised, 0);
    let input = json!({ "patientId": p1.global_id(), "title": "För sent" });
    relate(&app.core, s1, p1).await;
    let late = act(&app, &s1.identity, "agreementCreate", AGREEMENT, input).await;
    assert_eq!(late.user_error_codes("agreementCreate"), ["CONFLICT"]);
}

/// A death that was recorded by mistake is taken back with its reason; both stay in the history, and each unit that lost
/// something is told to take it up with the patient.
#[tokio::test]
async fn a_death_recorded_by_mistake_is_corrected_with_a_reason_and_each_unit_is_told() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    relate(&app.core, s3, p1).await;
    let input = json!({ "patientId": p1.global_id(), "how": "LETTER" });
    act(&app, &s3.identity, "agreementOffer", "offer { id }", input).await.ok();
    active(&app, s1, p1).await;
    let name = "patientDeceasedCorrect";
    let correct = |reason: &str| json!({ "patientId": p1.global_id(), "reason": reason });
    let alive = act(&app, &s1.identity, name, PATIENT, correct("Fel person.")).await;
    assert_eq!(alive.user_error_codes(name), ["WRONG_STATE"]);
    act(&app, &s1.identity, "patientDeceasedRecord", PATIENT, died(p1, "2027-01-31")).await.ok();

    for (who, reason, code) in [
        (&p1.identity, "Jag lever.", "FORBIDDEN"),
        (&app.world.s2.identity, "Fel person.", "NOT_FOUND"),
        (&s1.identity, " ", "BAD_USER_INPUT"),
    ] {
        let answer = act(&app, who, name, PATIENT, correct(reason)).await;
        assert_eq!(answer.user_error_codes(name), [code]);
    }
    act(&app, &s1.identity, name, PATIENT, correct("Fel person var vald.")).await.ok();
    let db = app.core.db.reader();
    let told = task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::PlanSignal))
        .filter(task::Column::Status.eq(task::Status::Open))
        .all(db)
        .await
        .unwrap();
    let mut units: Vec<_> = told.iter().map(|t| t.care_unit_id).collect();
    units.sort();
    let mut expected = vec![s1.unit, s3.unit];
    expected.sort();
    assert_eq!(units, expected);
    let entries = change_entry::Entity::find().filter(change_entry::Column::SubjectKind.eq("patient"));
    let actions: Vec<_> = entries.all(db).await.unwrap().into_iter().map(|e| e.action).collect();
    assert_eq!(actions, ["patientDeceasedRecord", name]);
    // Nobody's yes is assumed anew; a new agreement can be drawn up.
    let input = json!({ "patientId": p1.global_id(), "title": "Min nya plan" });
    act(&app, &s1.identity, "agreementCreate", AGREEMENT, input).await.ok();
}

#[tokio::test]
async fn a_death_is_recorded_once_by_care_that_has_a_relation_to_the_patient() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    draft(&app, s1, p1).await;
    for (who, code) in [
        (&s2.identity, "NOT_FOUND"),
        (&p1.identity, "FORBIDDEN"),
        (&app.world.manager.identity, "FORBIDDEN"),
        (&app.world.analyst.identity, "FORBIDDEN"),
    ] {
        let answer = act(&app, who, "patientDeceasedRecord", PATIENT, died(p1, "2027-01-31")).await;
        assert_eq!(answer.user_error_codes("patientDeceasedRecord"), [code]);
    }
    let answers = join_all(
        (0..20).map(|_| act(&app, &s1.identity, "patientDeceasedRecord", PATIENT, died(p1, "2027-01-31"))),
    )
    .await;
    let refused = answers.iter().filter(|a| a.user_error_codes("patientDeceasedRecord") == ["WRONG_STATE"]);
    assert_eq!(refused.count(), 19);
}
