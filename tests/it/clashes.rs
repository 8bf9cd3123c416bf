//! Times that cannot both be kept, times that could be taken together, and who hears of changes to times.

use entity::{access_event, care_relation};
use futures_util::{StreamExt as _, stream::BoxStream};
use harness::{Staff, TestApp, relate};
use patientkontrakt::{
    domain::act::{Event, emit},
    graphql::scalars::NodeKind,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use crate::{
    acts::{AGREEMENT, Plan, act, assent, draft, global, row},
    booking::book,
    hearing::{self, listen},
};

const CLASHES: &str = "{ me { appointmentClashes { kind minutesBetween minutesNeeded message first { startsAt } \
     second { startsAt careUnit { name } } } } }";

/// Publishes times of the visit of a unit, and gives their ids by start.
async fn times(
    app: &TestApp,
    staff: &Staff,
    kind: entity::AppointmentTypeId,
    starts: &[&str],
) -> Vec<String> {
    let input =
        json!({ "appointmentTypeId": global(NodeKind::AppointmentType, kind), "startsLocal": starts });
    let answer = act(app, &staff.identity, "slotPublish", "slots { id }", input).await.ok();
    let slots = answer.at("/slotPublish/slots").as_array().unwrap().clone();
    slots.iter().map(|slot| slot["id"].as_str().unwrap().to_owned()).collect()
}

async fn booked_by_staff(app: &TestApp, staff: &Staff, slot: &str) -> Value {
    let input = json!({ "slotId": slot, "patientId": app.world.p1.global_id(), "bookingChannel": "PHONE" });
    let answer =
        act(app, &staff.identity, "appointmentBook", "appointment { id rowVersion }", input).await.ok();
    answer.at("/appointmentBook/appointment").clone()
}

/// R: clashes across care providers are shown to the patient, and to staff only where they have access.
#[tokio::test]
async fn the_patient_sees_clashes_across_providers_and_staff_only_among_what_they_may_see() {
    let app = TestApp::new().await;
    let world = &app.world;
    for staff in [&world.s1, &world.s2, &world.s3] {
        relate(&app.core, staff, &world.p1).await;
    }
    let at_u1 = times(&app, &world.s1, world.visit, &["2027-03-01T09:00"]).await;
    let at_u2 = times(&app, &world.s2, world.visit_u2, &["2027-03-01T09:45"]).await;
    let at_u3 = times(&app, &world.s3, world.visit_u3, &["2027-03-01T09:00"]).await;
    booked_by_staff(&app, &world.s1, &at_u1[0]).await;
    let staff_see = "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"Inför besök\") { \
         appointmentClashes { kind minutesBetween first { startsAt } second { startsAt } } bundlingSuggestions { kind } } }";
    let number = json!({ "n": world.p1.number });
    let before = app.run(&world.s1.identity, staff_see, number.clone()).await.ok();
    assert_eq!(before.at("/patient/appointmentClashes"), &json!([]));
    // Another care provider books the same moment: the first learns nothing of it, not even that something changed.
    booked_by_staff(&app, &world.s3, &at_u3[0]).await;
    let after = app.run(&world.s1.identity, staff_see, number.clone()).await.ok();
    assert_eq!(before.body, after.body);
    let mine = app.run(&world.p1.identity, CLASHES, json!({})).await.ok();
    let found = mine.at("/me/appointmentClashes").as_array().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0]["kind"].as_str(), found[0]["minutesBetween"].as_i64()), (Some("OVERLAP"), Some(0)));
    // At another unit of the same care provider: too tight, and both see it.
    booked_by_staff(&app, &world.s2, &at_u2[0]).await;
    let both = app.run(&world.s1.identity, staff_see, number).await.ok();
    let theirs = both.at("/patient/appointmentClashes").as_array().unwrap();
    assert_eq!(theirs.len(), 1);
    assert_eq!(
        (theirs[0]["kind"].as_str(), theirs[0]["minutesBetween"].as_i64()),
        (Some("TOO_TIGHT"), Some(15))
    );
    let mine = app.run(&world.p1.identity, CLASHES, json!({})).await.ok();
    assert_eq!(mine.at("/me/appointmentClashes").as_array().unwrap().len(), 3);
    let (_, statements) = app.statements(app.run(&world.p1.identity, CLASHES, json!({}))).await;
    assert!(statements.len() <= 2, "{statements:#?}");
    // Outside the scope of a representative, refused beside what is served.
    let plan = harness::represent(
        &app.core,
        &world.p1,
        entity::representative::Kind::Relative,
        "197001019802",
        r#"{"AGREEMENT":"READ"}"#,
        false,
    )
    .await;
    let answer = app.run_for(&plan.identity, &world.p1.global_id(), CLASHES, json!({})).await;
    assert_eq!(answer.error_codes(), ["FORBIDDEN"]);
}

#[tokio::test]
async fn two_visits_to_one_address_in_a_week_are_suggested_for_one_day_where_a_time_is_free() {
    let app = TestApp::new().await;
    let world = &app.world;
    let query = "{ me { bundlingSuggestions { kind message keep { startsAt } moves { startsAt canRebook { allowed } } \
         slots { startsAt } } } }";
    let first = times(&app, &world.s1, world.visit, &["2027-03-01T09:00", "2027-03-04T13:00"]).await;
    let second = times(&app, &world.s2, world.visit_u2, &["2027-03-04T10:00"]).await;
    book(&app, &world.p1.identity, &first[0]).await.ok();
    book(&app, &world.p1.identity, &second[0]).await.ok();
    // The first can move to the day of the second, where a time is free.
    let seen = app.run(&world.p1.identity, query, json!({})).await.ok();
    let found = seen.at("/me/bundlingSuggestions").as_array().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["kind"], "SAME_DAY");
    assert_eq!(found[0]["keep"]["startsAt"], "2027-03-04T09:00:00+00:00");
    assert_eq!(found[0]["moves"]["startsAt"], "2027-03-01T08:00:00+00:00");
    assert_eq!(found[0]["slots"], json!([{ "startsAt": "2027-03-04T12:00:00+00:00" }]));
    let (_, statements) = app.statements(app.run(&world.p1.identity, query, json!({}))).await;
    assert!(statements.len() <= 4, "{statements:#?}");
    // Once it is gone, nothing is suggested.
    book(&app, &world.p2.identity, &first[1]).await.ok();
    let seen = app.run(&world.p1.identity, query, json!({})).await.ok();
    assert_eq!(seen.at("/me/bundlingSuggestions"), &json!([]));
}

#[tokio::test]
async fn samples_that_several_clinics_ask_for_are_suggested_as_one() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    for (title, unit) in [("Blodprov inför besöket", s1), ("Ta prover: njurfunktion", s2), ("Röntgen", s2)]
    {
        let input = json!({
            "agreementId": plan.id, "title": title, "category": "EXAMINATION", "owner": "CARE",
            "timing": { "date": "2027-03-03" }, "responsibleUnitId": global(NodeKind::CareUnit, unit.unit),
        });
        act(&app, &s1.identity, "planItemPropose", "planItem { id }", input).await.ok();
    }
    let query = "{ me { bundlingSuggestions { kind items { title dueOn careUnit { id } } } } }";
    let none = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(none.at("/me/bundlingSuggestions"), &json!([]), "nobody has agreed to them yet");
    let (plan, _) = Plan::of(&app, p1).await;
    let propose = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let answer = act(&app, &s1.identity, "agreementPropose", AGREEMENT, propose).await.ok();
    let plan = Plan::read(&answer, "agreementPropose");
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    let found = seen.at("/me/bundlingSuggestions").as_array().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["kind"], "ONE_SAMPLING");
    let titles: Vec<_> =
        found[0]["items"].as_array().unwrap().iter().map(|item| item["title"].clone()).collect();
    assert_eq!(titles, ["Blodprov inför besöket", "Ta prover: njurfunktion"]);
}

async fn next(stream: &mut BoxStream<'static, async_graphql::Response>) -> Value {
    hearing::next(stream).await["data"]["appointmentChanged"].clone()
}

/// A20, A56: each side hears of its own times, under the policy as it is at the event, and each is logged.
#[tokio::test]
async fn a_booking_a_move_and_a_cancellation_are_heard_by_the_patient_and_the_units_day_list_alone() {
    let app = TestApp::new().await;
    let world = &app.world;
    let slots =
        times(&app, &world.s1, world.visit, &["2027-03-01T09:00", "2027-03-02T09:00", "2027-03-01T11:00"])
            .await;
    let heard =
        "subscription { appointmentChanged { appointment { id status startsAt } patient { givenName } } }";
    let day =
        "subscription { appointmentChanged(on: \"2027-03-01\") { appointment { id status startsAt } } }";
    let mut mine = listen(&app, &world.p1.identity, heard).await;
    let mut unit = listen(&app, &world.s1.identity, day).await;
    let mut other_patient = listen(&app, &world.p2.identity, heard).await;
    let mut other_unit = listen(&app, &world.s2.identity, heard).await;
    let booked = book(&app, &world.p1.identity, &slots[0]).await.ok();
    let booked = booked.at("/appointmentBook/appointment").clone();
    let told = next(&mut mine).await;
    assert_eq!(
        (told["appointment"]["id"].clone(), told["patient"]["givenName"].as_str()),
        (booked["id"].clone(), Some("Etta"))
    );
    assert_eq!(next(&mut unit).await["appointment"]["status"], "BOOKED");
    // Moved off the day: the day's listener hears of it once more, and then no longer.
    let input = json!({ "appointmentId": booked["id"], "slotId": slots[2], "expectedRowVersion": booked["rowVersion"] });
    let moved =
        act(&app, &world.p1.identity, "appointmentRebook", "appointment { id rowVersion }", input).await.ok();
    assert_eq!(next(&mut unit).await["appointment"]["startsAt"], "2027-03-02T08:00:00+00:00");
    next(&mut mine).await;
    let moved = moved.at("/appointmentRebook/appointment");
    let input = json!({ "appointmentId": moved["id"], "expectedRowVersion": moved["rowVersion"] });
    act(&app, &world.p1.identity, "appointmentCancel", "appointment { id }", input).await.ok();
    assert_eq!(next(&mut mine).await["appointment"]["status"], "CANCELLED");
    // Somebody else's booking: heard by them and by the unit, not by the first patient.
    book(&app, &world.p2.identity, &slots[1]).await.ok();
    assert_eq!(next(&mut other_patient).await["patient"]["givenName"], "Tvåa");
    assert_eq!(next(&mut unit).await["appointment"]["startsAt"], "2027-03-01T10:00:00+00:00");
    assert!(futures_util::poll!(mine.next()).is_pending());
    assert!(futures_util::poll!(other_unit.next()).is_pending());
    let logged = access_event::Entity::find()
        .filter(access_event::Column::Action.eq("appointmentChanged"))
        .count(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(logged, 7, "each that was delivered");
    // A right that has ended: nothing more is told of that patient.
    care_relation::Entity::update_many()
        .col_expr(care_relation::Column::ValidUntil, Expr::value(app.clock.now()))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    let session = crate::task::system(&app);
    let event = Event {
        kind: "appointment.confirmed",
        patient: world.p2.id,
        care_unit: world.s1.unit,
        care_provider: world.s1.provider,
        subject: row(booked["id"].as_str().unwrap()),
    };
    app.core.db.write(async |tx| emit(tx, &session, [event]).await).await.unwrap();
    assert!(futures_util::poll!(unit.next()).is_pending());
    // And who has no times hears of none.
    let refused = app.run(&world.analyst.identity, heard, json!({})).await;
    assert!(refused.body["errors"].is_array());
}
