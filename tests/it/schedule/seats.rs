//! Seats of times: the type's, the publisher's, and what a change makes of those that somebody has booked.

use entity::{appointment_type, slot};
use harness::{Answer, TestApp};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::json;

use super::{CHANGED, open_slots, pattern, publish};
use crate::{
    acts::{act, global},
    booking::book,
};

#[tokio::test]
async fn a_single_time_has_the_seats_of_its_type_when_nothing_else_is_said() {
    let app = TestApp::new().await;
    let of_five =
        appointment_type::ActiveModel { id: Set(app.world.visit), seats: Set(5), ..Default::default() };
    of_five.update(app.core.db.reader()).await.unwrap();
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let seats = "slots { seats openSeats }";
    for (asked, given) in [(None, 5), (Some(2), 2)] {
        let mut input = json!({ "appointmentTypeId": kind, "startsLocal": ["2027-03-01T09:00"] });
        if let Some(asked) = asked {
            input["seats"] = json!(asked);
        }
        let published = act(&app, &app.world.s1.identity, "slotPublish", seats, input).await.ok();
        let slot = published.at("/slotPublish/slots/0");
        assert_eq!(slot, &json!({ "seats": given, "openSeats": given }));
    }
}

/// All times that can be booked have so many seats.
async fn seats(app: &TestApp, expected: i32) {
    let open = open_slots(app).await;
    assert_eq!(open.len(), 4);
    assert!(open.iter().all(|slot| slot.seats == expected), "{open:?}");
}

#[tokio::test]
async fn a_change_of_seats_reaches_the_times_that_somebody_has_booked_and_takes_no_seat_from_anybody() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let mut of_two = pattern(&app);
    of_two["seats"] = json!(2);
    let published = publish(&app, of_two).await.ok();
    let schedule = published.text("/schedulePublish/schedule/id");
    let first = open_slots(&app).await.into_iter().min_by_key(|slot| slot.starts_at).unwrap().id;
    let id = global(NodeKind::Slot, first);
    for patient in [&app.world.p1, &app.world.p2] {
        book(&app, &patient.identity, &id).await.ok();
    }
    let open =
        async || slot::Entity::find_by_id(first).one(app.core.db.reader()).await.unwrap().unwrap().open_seats;
    assert_eq!(open().await, 0);
    let change = async |seats: i32, version: i64| -> Answer {
        let mut pattern = pattern(&app);
        pattern["seats"] = json!(seats);
        let input = json!({ "scheduleId": schedule, "pattern": pattern, "expectedRowVersion": version });
        act(&app, &app.world.s1.identity, "scheduleChange", CHANGED, input).await
    };
    change(5, 1).await.ok();
    seats(&app, 5).await;
    assert_eq!(open().await, 3);
    book(&app, &app.world.p3.identity, &id).await.ok();
    let refused = change(2, 2).await;
    assert_eq!(refused.user_error_codes("scheduleChange"), ["CONFLICT"]);
    assert_eq!(refused.user_error_fields("scheduleChange"), ["seats"]);
    let why = refused.text("/scheduleChange/userErrors/0/message");
    assert!(why.contains("2027-02-08 08:00") && why.contains("minst 3"), "{why}");
    seats(&app, 5).await;
    change(3, 2).await.ok();
    seats(&app, 3).await;
    assert_eq!(open().await, 0);
}
