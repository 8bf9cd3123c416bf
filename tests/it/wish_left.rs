//! Times that a patient has moved away from, and their wishes that stood then.

use chrono::TimeDelta;
use harness::{Answer, TestApp, relate};
use patientkontrakt::{auth::token::Identity, domain::sweep};
use serde_json::{Value, json};

use crate::{
    acts::act,
    booking::{book, publish},
    wishes::{answer, any, leave, mine, open_seats},
};

/// A time in March that P1 has, though they wait for another one then, and a later one that they have not wished for.
async fn booked(app: &TestApp) -> (Answer, String, String) {
    let slots = publish(app, &["2027-03-01T09:00", "2027-04-06T09:00"]).await;
    let booked = book(app, &app.world.p1.identity, &slots[0]).await.ok();
    leave(app, &app.world.p1, any()).await.ok();
    app.clock.advance(TimeDelta::minutes(1));
    (booked, slots[0].clone(), slots[1].clone())
}

async fn move_to(app: &TestApp, who: &Identity, booked: &Answer, slot: &str, channel: Option<&str>) {
    let time = booked.at("/appointmentBook/appointment");
    let input = json!({
        "appointmentId": time["id"], "expectedRowVersion": time["rowVersion"], "slotId": slot,
        "bookingChannel": channel,
    });
    act(app, who, "appointmentRebook", "appointment { id }", input).await.ok();
}

/// R: nobody is offered what they have just given up: whoever else waits is.
#[tokio::test]
async fn a_time_that_a_patient_moves_away_from_is_not_offered_to_them_again_for_what_they_wished_then() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let (booked, left, later) = booked(&app).await;
    move_to(&app, &p1.identity, &booked, &later, None).await;
    for _ in 0..2 {
        sweep::run(&app.core).await.unwrap();
        assert_eq!(mine(&app, p1).await["offer"], Value::Null);
        assert_eq!(open_seats(&app, &left).await, 1);
        app.clock.advance(TimeDelta::minutes(1));
    }
    leave(&app, p2, any()).await.ok();
    sweep::run(&app.core).await.unwrap();
    let offer = mine(&app, p2).await["offer"].clone();
    assert_eq!(offer["slot"]["id"], left.as_str());
    answer(&app, p2, "timeOfferDecline", &offer).await.ok();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p1).await["offer"], Value::Null);
    // What they wish for after that is another matter.
    let wish = mine(&app, p1).await;
    let input = json!({ "wishId": wish["id"], "expectedRowVersion": wish["rowVersion"] });
    act(&app, &p1.identity, "timeWishWithdraw", "wish { id }", input).await.ok();
    let again = leave(&app, p1, any()).await.ok().at("/timeWishLeave/wish/id").clone();
    sweep::run(&app.core).await.unwrap();
    let query = "{ me { timeWishes { id offer { slot { id } } } } }";
    let wishes = app.run(&p1.identity, query, json!({})).await.ok();
    let wishes = wishes.at("/me/timeWishes").as_array().unwrap().clone();
    let wish = wishes.iter().find(|wish| wish["id"] == again).unwrap();
    assert_eq!(wish["offer"]["slot"]["id"], left.as_str());
}

#[tokio::test]
async fn a_time_that_staff_move_away_from_because_the_patient_asked_is_not_offered_to_them_again() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let (booked, left, later) = booked(&app).await;
    move_to(&app, &s1.identity, &booked, &later, Some("PHONE")).await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p1).await["offer"], Value::Null);
    assert_eq!(open_seats(&app, &left).await, 1);
}

/// Care moves a time because it could not be held: where it can be after all, the patient may have it.
#[tokio::test]
async fn a_time_that_care_moved_a_patient_away_from_may_be_offered_to_them_again() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let (booked, left, later) = booked(&app).await;
    move_to(&app, &s1.identity, &booked, &later, None).await;
    assert_eq!(mine(&app, p1).await["offer"], Value::Null, "others come first");
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p1).await["offer"]["slot"]["id"], left.as_str());
}
