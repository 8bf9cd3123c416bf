//! What a guardian says yes to: the exact text that was shown, kept as it stood and sent as it stood.

use entity::guardian_reminder;
use harness::TestApp;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::{
    reminder_consent::{CHOSEN, book_for_child, family, for_child},
    reminders::worker,
};

#[tokio::test]
async fn a_guardian_says_yes_to_the_exact_text_that_was_shown_and_that_is_what_is_sent() {
    let app = TestApp::new().await;
    let (c1, g1) = family(&app).await;
    let query = "{ me { reminderTexts(kind: APPOINTMENT, channel: SMS) { occasion detail version text } } }";
    let seen = app.run_for(&g1.identity, &c1.global_id(), query, json!({})).await.ok();
    let texts = seen.at("/me/reminderTexts").as_array().unwrap();
    let confirms = |text: &&Value| text["occasion"] == "CONFIRMATION" && text["detail"] == "UNIT_NAME";
    let said = texts.iter().find(confirms).unwrap();
    let choice = |change: Value| {
        let mut input = json!({ "channel": "SMS", "optedIn": true, "address": "070-174 06 05", "detail": "UNIT_NAME",
            "textShown": said["text"], "textVersion": said["version"] });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        for_child(&app, &g1, &c1, "guardianReminderSet", CHOSEN, input)
    };
    let kept = async || guardian_reminder::Entity::find().one(app.core.db.reader()).await.unwrap();
    for (change, field) in [
        (json!({ "textVersion": "sv-0" }), "textVersion"),
        (json!({ "textShown": "bla" }), "textShown"),
        (json!({ "detail": "TIME_ONLY" }), "textShown"),
        (json!({ "textShown": " ", "textVersion": null }), "textShown"),
        (json!({ "textShown": "a".repeat(1_001), "textVersion": null }), "textShown"),
    ] {
        let refused = choice(change.clone()).await;
        assert_eq!(refused.user_error_fields("guardianReminderSet"), [field], "{change}");
        assert!(kept().await.is_none(), "{change}");
    }

    let done = choice(json!({})).await.ok();
    assert_eq!(done.at("/guardianReminderSet/reminders/0/textShown"), &said["text"]);
    let row = kept().await.unwrap();
    assert_eq!(Some(row.text_shown.as_str()), said["text"].as_str());
    assert_eq!(row.text_version.as_deref(), said["version"].as_str());

    book_for_child(&app, &g1, &c1, "2027-02-24T09:00").await;
    let (worker, fake) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    let sent = fake.ledger.lock().unwrap()[0].rendered.sms.clone().unwrap();
    let after_the_time = |text: &str| text.split_once(": ").unwrap().1.to_owned();
    assert_eq!(after_the_time(&sent), after_the_time(said["text"].as_str().unwrap()));

    // Another text is another choice, and a no needs none.
    choice(json!({ "textShown": "Sagt i telefon", "textVersion": null })).await.ok();
    let row = kept().await.unwrap();
    assert_eq!((row.text_shown.as_str(), row.text_version), ("Sagt i telefon", None));
    choice(json!({ "optedIn": false, "textShown": "", "textVersion": null })).await.ok();
    assert!(!kept().await.unwrap().opted_in);
}
