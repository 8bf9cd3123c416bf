//! Until when a patient can say no to a time that care has moved them to.

use chrono::TimeDelta;
use harness::TestApp;
use serde_json::{Value, json};

use crate::{
    acts::act,
    booking::{book, publish},
};

/// Staff move the time; gives it as it is then.
async fn moved(app: &TestApp, time: &Value, slot: &str, channel: Option<&str>) -> Value {
    let input = json!({
        "appointmentId": time["id"], "expectedRowVersion": time["rowVersion"], "slotId": slot,
        "bookingChannel": channel,
    });
    let shown = "appointment { id rowVersion cancelBy }";
    let moved = act(app, &app.world.s1.identity, "appointmentRebook", shown, input).await.ok();
    moved.at("/appointmentRebook/appointment").clone()
}

#[tokio::test]
async fn who_is_moved_unasked_has_a_day_to_say_no_and_who_asked_has_the_rule_of_the_type() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    // It is Monday the 1st of February, eight o'clock.
    let starts = ["2027-02-02T10:00", "2027-02-03T09:00", "2027-02-03T10:00", "2027-03-01T09:00"];
    let slots = publish(&app, &starts).await;
    let [tuesday, nine, ten, far] = &slots[..] else { panic!("{slots:?}") };
    let booked = book(&app, &p1.identity, far).await.ok().at("/appointmentBook/appointment").clone();
    let asked = moved(&app, &booked, nine, Some("PHONE")).await;
    assert_eq!(asked["cancelBy"], "2027-02-01T23:00:00+00:00", "a whole working day before");
    let soon = moved(&app, &asked, tuesday, None).await;
    assert_eq!(soon["cancelBy"], "2027-02-02T09:00:00+00:00", "until it begins");
    let unasked = moved(&app, &soon, ten, None).await;
    assert_eq!(unasked["cancelBy"], "2027-02-02T23:00:00+00:00", "the day that follows");
    app.clock.advance(TimeDelta::hours(24));
    let gone = json!({ "appointmentId": unasked["id"], "expectedRowVersion": unasked["rowVersion"] });
    act(&app, &p1.identity, "appointmentCancel", "appointment { id }", gone).await.ok();
}
