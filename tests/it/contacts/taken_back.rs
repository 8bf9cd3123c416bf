//! A request that the patient takes back by word of mouth.

use entity::{
    ContactRequestId,
    agreement_offer::Way,
    change_entry, contact_request, notice,
    task::{Kind, Status},
};
use harness::TestApp;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{stand, tasks};
use crate::acts::{act, row};

const REQUEST: &str = "request { id status endedAt endedHow endWords rowVersion }";
const WITHDRAW: &str = "contactRequestWithdraw";

/// R: a request ends in the patient's own withdrawal, made here or told to staff who write down how; never silently.
#[tokio::test]
async fn what_the_patient_has_told_staff_ends_a_request_with_who_and_how_and_the_patient_hears_of_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    crate::agreement::hears_of_the_plan(&app, p1).await;
    let ask = async || {
        let wish = json!({ "role": "FAST_LAKARKONTAKT", "why": "Jag vill ha en läkare som känner mig." });
        let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish).await.ok();
        asked.at("/contactRequest/request/id").clone()
    };
    let request = ask().await;
    let back = |request: &Value, how: Value| json!({ "requestId": request, "how": how, "words": "Hen har en läkare privat", "expectedRowVersion": 1 });
    for (who, how, code) in [
        (&s1.identity, Value::Null, "BAD_USER_INPUT"),
        (&p1.identity, json!("PHONE"), "BAD_USER_INPUT"),
        (&app.world.manager.identity, json!("PHONE"), "FORBIDDEN"),
        (&app.world.s3.identity, json!("PHONE"), "NOT_FOUND"),
    ] {
        let refused = act(&app, who, WITHDRAW, REQUEST, back(&request, how)).await;
        assert_eq!(refused.user_error_codes(WITHDRAW), [code]);
    }
    assert_eq!(stand(&app, Kind::AppointContact, &request).await, [Status::Open]);
    let told = async || {
        let news = notice::Entity::find().filter(notice::Column::Rule.eq("CONTACT"));
        news.count(app.core.db.reader()).await.unwrap()
    };
    assert_eq!(told().await, 0);
    let done = act(&app, &s1.identity, WITHDRAW, REQUEST, back(&request, json!("PHONE"))).await.ok();
    let seen = done.at("/contactRequestWithdraw/request");
    assert_eq!(
        (&seen["status"], &seen["endedHow"], &seen["endWords"]),
        (&json!("WITHDRAWN"), &json!("PHONE"), &json!("Hen har en läkare privat"))
    );
    let task = &tasks(&app, Kind::AppointContact, &request).await[0];
    assert_eq!((task.status, task.ended_by_id), (Status::Withdrawn, Some(s1.assignment.0)));
    assert_eq!(told().await, 1);
    let id = row(request.as_str().unwrap());
    let entry = change_entry::Entity::find()
        .filter(change_entry::Column::SubjectId.eq(id))
        .filter(change_entry::Column::Action.eq(WITHDRAW));
    let entry = entry.one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!((entry.by_id, entry.at), (s1.assignment.0, app.clock.now()), "the history says who and when");
    let stored = contact_request::Entity::find_by_id(ContactRequestId(id));
    let stored = stored.one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(stored.ended_how, Some(Way::Phone));
    // What the patient takes back here says no way.
    let own = act(&app, &p1.identity, WITHDRAW, REQUEST, back(&ask().await, Value::Null)).await.ok();
    assert!(own.at("/contactRequestWithdraw/request/endedHow").is_null());
    assert_eq!(told().await, 1);
}
