//! Where items and goals stand.

use entity::{access_event::ActorKind, domain_event, guarantee_pause};
use harness::TestApp;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;

use super::{active_with, history, item_as, on_item};
use crate::acts::{Plan, act, active};

#[tokio::test]
async fn an_item_is_begun_done_opened_again_and_called_off_each_time_by_somebody() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let own = "Gå en runda varje dag";
    let begun = on_item(&app, &p1.identity, p1, own, "planItemStart", json!({})).await.ok();
    assert_eq!(begun.text("/planItemStart/planItem/status"), "IN_PROGRESS");
    let twice = on_item(&app, &p1.identity, p1, own, "planItemStart", json!({})).await;
    assert_eq!(twice.user_error_codes("planItemStart"), ["WRONG_STATE"]);
    let done = on_item(&app, &s1.identity, p1, own, "planItemComplete", json!({})).await.ok();
    assert_eq!(done.text("/planItemComplete/planItem/statusBy"), "STAFF", "care said it for the patient");
    // By mistake: it is what it was, and the history keeps what was said.
    let again =
        on_item(&app, &p1.identity, p1, own, "planItemReopen", json!({ "reason": "Fel knapp" })).await.ok();
    assert_eq!(again.text("/planItemReopen/planItem/status"), "IN_PROGRESS");
    assert!(again.at("/planItemReopen/planItem/statusReason").is_null());
    let blank = on_item(&app, &p1.identity, p1, own, "planItemCancel", json!({ "reason": " " })).await;
    assert_eq!(blank.user_error_codes("planItemCancel"), ["BAD_USER_INPUT"]);
    let off = on_item(&app, &p1.identity, p1, own, "planItemCancel", json!({ "reason": "Jag har flyttat" }))
        .await
        .ok();
    assert_eq!(off.text("/planItemCancel/planItem/statusReason"), "Jag har flyttat");
    assert_eq!(off.text("/planItemCancel/planItem/statusBy"), "PATIENT");
}

/// "Every change is attributable: who, when, from what to what."
#[tokio::test]
async fn every_act_on_an_item_or_goal_tells_who_when_and_from_what_to_what() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let referral = json!({ "title": "Remiss", "category": "REFERRAL" });
    let relative = json!({ "title": "Skjutsa", "owner": "RELATIVE", "relativeName": "Ali" });
    let plan = active_with(&app, s1, p1, &[referral, relative]).await;
    let acts = [
        ("planItemStart", "Remiss", json!({})),
        ("referralStateSet", "Remiss", json!({ "state": "RECEIVED" })),
        ("resultTold", "Remiss", json!({ "how": "Brev" })),
        ("careGuaranteeStart", "Remiss", json!({ "kind": "FIRST_SPECIALIST_VISIT", "from": "2027-02-01" })),
        ("careGuaranteePause", "Remiss", json!({ "kind": "MEDICAL", "from": "2027-02-01" })),
        ("careGuaranteeResume", "Remiss", json!({ "kind": "MEDICAL", "until": "2027-02-03" })),
        ("workNoteSet", "Remiss", json!({ "text": "Ring avdelningen" })),
        ("planItemNotDone", "Remiss", json!({ "reason": "Fel mottagning" })),
        ("planItemReopen", "Remiss", json!({})),
        ("planItemComplete", "Remiss", json!({})),
        ("relativeConsentRecord", "Skjutsa", json!({ "words": "Sonen Ali sa ja i telefon" })),
        ("planItemCancel", "Skjutsa", json!({ "reason": "Behövs inte" })),
    ];
    for (mutation, title, more) in acts {
        on_item(&app, &s1.identity, p1, title, mutation, more).await.ok();
        let told = history(&app, mutation).await;
        let (entry, before, after) = told.last().expect(mutation);
        assert_eq!((entry.by_kind, entry.by_id), (ActorKind::Staff, s1.assignment.0), "{mutation}");
        assert_eq!(entry.at, app.clock.now(), "{mutation}");
        assert!(after.is_object() && before != after, "{mutation}: {before} -> {after}");
    }
    // How it goes is no change of what has been agreed on.
    let (now, _) = Plan::of(&app, p1).await;
    assert_eq!((now.version, now.digest), (plan.version, plan.digest));
}

#[tokio::test]
async fn care_says_why_it_did_not_do_what_it_promised_and_the_patient_may_say_why() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let silent = on_item(&app, &s1.identity, p1, "Ta prover", "planItemNotDone", json!({})).await;
    assert_eq!(silent.user_error_codes("planItemNotDone"), ["BAD_USER_INPUT"]);
    let patient =
        on_item(&app, &p1.identity, p1, "Gå en runda varje dag", "planItemNotDone", json!({})).await.ok();
    assert_eq!(patient.text("/planItemNotDone/planItem/status"), "NOT_DONE");
    let why = json!({ "reason": "Provsvaren fanns redan" });
    on_item(&app, &s1.identity, p1, "Ta prover", "planItemNotDone", why).await.ok();
    let seen = item_as(&app, &p1.identity, p1, "Ta prover", "statusReason followThrough").await;
    assert_eq!(
        (&seen["statusReason"], &seen["followThrough"]),
        (&json!("Provsvaren fanns redan"), &json!("NOT_DONE"))
    );
    // The patient cannot say it of what care does.
    let of_care = on_item(&app, &p1.identity, p1, "Ta prover", "planItemReopen", json!({})).await;
    assert_eq!(of_care.user_error_codes("planItemReopen"), ["FORBIDDEN"]);
}

#[tokio::test]
async fn what_is_only_proposed_takes_no_turn() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let input = crate::acts::whole_item(&plan, s1, "Vila", "PATIENT");
    act(&app, &p1.identity, "planItemPropose", "planItem { id }", input).await.ok();
    for (mutation, more) in [
        ("planItemStart", json!({})),
        ("planItemComplete", json!({})),
        ("planItemCancel", json!({ "reason": "Nej" })),
        ("planItemReopen", json!({})),
    ] {
        let answer = on_item(&app, &s1.identity, p1, "Vila", mutation, more).await;
        assert_eq!(answer.user_error_codes(mutation), ["WRONG_STATE"], "{mutation}");
    }
}

#[tokio::test]
async fn a_recurring_item_is_marked_day_by_day_and_a_mark_can_be_corrected() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let rule = json!({ "recurrence": { "rule": "FREQ=WEEKLY;BYDAY=MO,TH", "from": "2027-02-01" } });
    let walk = json!({ "title": "Promenad", "owner": "PATIENT", "timing": rule });
    active_with(&app, s1, p1, &[walk]).await;
    let fields = "status nextOccurrenceOn occurrences { on followThrough reason by }";
    let mark = async |who, on: &str, outcome: &str, reason: Option<&str>| {
        let more = json!({ "on": on, "outcome": outcome, "reason": reason });
        on_item(&app, who, p1, "Promenad", "planItemOccurrenceMark", more).await
    };
    let today = item_as(&app, &p1.identity, p1, "Promenad", fields).await;
    assert_eq!(today["nextOccurrenceOn"], "2027-02-01");
    mark(&p1.identity, "2027-02-01", "DONE", None).await.ok();
    let after = item_as(&app, &p1.identity, p1, "Promenad", fields).await;
    assert_eq!((&after["nextOccurrenceOn"], &after["status"]), (&json!("2027-02-04"), &json!("IN_PROGRESS")));
    for (day, why) in [("2027-02-02", "no day of the plan"), ("2027-02-04", "not come yet")] {
        let refused = mark(&p1.identity, day, "DONE", None).await;
        assert_eq!(refused.user_error_codes("planItemOccurrenceMark"), ["BAD_USER_INPUT"], "{why}");
    }
    // Ten days later: one corrected, one said by care for the patient, one nobody has marked.
    app.clock.advance(chrono::TimeDelta::days(10));
    mark(&p1.identity, "2027-02-01", "NOT_DONE", Some("Det var is på gatan")).await.ok();
    mark(&s1.identity, "2027-02-08", "DONE", None).await.ok();
    let seen = item_as(&app, &p1.identity, p1, "Promenad", fields).await;
    let occurrences = json!([
        { "on": "2027-02-11", "followThrough": "AHEAD", "reason": null, "by": null },
        { "on": "2027-02-08", "followThrough": "DONE", "reason": null, "by": "STAFF" },
        { "on": "2027-02-04", "followThrough": "LATE", "reason": null, "by": null },
        { "on": "2027-02-01", "followThrough": "NOT_DONE", "reason": "Det var is på gatan", "by": "PATIENT" },
    ]);
    assert_eq!(seen["occurrences"], occurrences);
    let told = history(&app, "planItemOccurrenceMark").await;
    assert_eq!(told[1].1, json!({ "on": "2027-02-01", "outcome": "DONE" }), "what it was is kept");
    // What does not recur has no occurrences.
    let other = TestApp::new().await;
    active(&other, &other.world.s1, &other.world.p1).await;
    let (s1, p1) = (&other.world.s1, &other.world.p1);
    let more = json!({ "on": "2027-02-01", "outcome": "DONE" });
    let once = on_item(&other, &s1.identity, p1, "Ta prover", "planItemOccurrenceMark", more).await;
    assert_eq!(once.user_error_codes("planItemOccurrenceMark"), ["WRONG_STATE"]);
}

#[tokio::test]
async fn a_referral_tells_how_far_it_has_come_and_only_a_referral_does() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let referral = json!({ "title": "Remiss till ögon", "category": "REFERRAL" });
    active_with(&app, s1, p1, &[referral, json!({ "title": "Ta prover" })]).await;
    let sent = json!({ "state": "SENT", "on": "2027-01-25" });
    on_item(&app, &s1.identity, p1, "Remiss till ögon", "referralStateSet", sent).await.ok();
    on_item(&app, &s1.identity, p1, "Remiss till ögon", "referralStateSet", json!({ "state": "WAITING" }))
        .await
        .ok();
    let seen = item_as(&app, &p1.identity, p1, "Remiss till ögon", "referral { state since }").await;
    assert_eq!(seen["referral"], json!({ "state": "WAITING", "since": "2027-02-01" }));
    let other =
        on_item(&app, &s1.identity, p1, "Ta prover", "referralStateSet", json!({ "state": "SENT" })).await;
    assert_eq!(other.user_error_codes("referralStateSet"), ["WRONG_STATE"]);
    let ahead = json!({ "state": "SENT", "on": "2027-02-02" });
    let ahead = on_item(&app, &s1.identity, p1, "Remiss till ögon", "referralStateSet", ahead).await;
    assert_eq!(ahead.user_error_codes("referralStateSet"), ["BAD_USER_INPUT"]);
    let patient =
        on_item(&app, &p1.identity, p1, "Remiss till ögon", "referralStateSet", json!({ "state": "SENT" }));
    assert_eq!(patient.await.user_error_codes("referralStateSet"), ["FORBIDDEN"]);
}

#[tokio::test]
async fn a_promised_result_is_overdue_until_it_is_told() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let test = json!({ "title": "Blodprov", "resultHow": "Brev hem", "resultBy": "2027-02-03" });
    active_with(&app, s1, p1, &[test]).await;
    let fields = "resultIsOverdue resultTold { on how }";
    assert_eq!(item_as(&app, &p1.identity, p1, "Blodprov", fields).await["resultIsOverdue"], false);
    app.clock.advance(chrono::TimeDelta::days(3));
    assert_eq!(item_as(&app, &p1.identity, p1, "Blodprov", fields).await["resultIsOverdue"], true);
    let told = json!({ "how": "Ringde och berättade", "on": "2027-02-04" });
    on_item(&app, &s1.identity, p1, "Blodprov", "resultTold", told).await.ok();
    let seen = item_as(&app, &p1.identity, p1, "Blodprov", fields).await;
    assert_eq!(seen["resultIsOverdue"], false);
    assert_eq!(seen["resultTold"], json!({ "on": "2027-02-04", "how": "Ringde och berättade" }));
}

/// "A RELATIVE who owns a plan item has said yes to it on record and needs no login."
#[tokio::test]
async fn a_relatives_item_is_not_counted_on_until_the_relative_has_said_yes_on_record() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let drive = json!({ "title": "Skjutsa till dialysen", "owner": "RELATIVE", "relativeName": "Mia" });
    active_with(&app, s1, p1, &[drive]).await;
    let fields = "status needsRelativeConsent relativeConsent { words recordedBy isCurrent }";
    let title = "Skjutsa till dialysen";
    let before = item_as(&app, &p1.identity, p1, title, fields).await;
    assert_eq!(before["needsRelativeConsent"], true);
    let asked = "{ me { nextSteps { patient { title } } parts { part missing { message } } } }";
    let shown = app.run(&p1.identity, asked, json!({})).await.ok();
    assert!(shown.at("/me/nextSteps/patient").is_null(), "nobody should count on it");
    assert!(shown.body.to_string().contains("den närstående har inte sagt ja än"));
    let by_patient =
        on_item(&app, &p1.identity, p1, title, "relativeConsentRecord", json!({ "words": "Ja" })).await;
    assert_eq!(by_patient.user_error_codes("relativeConsentRecord"), ["FORBIDDEN"]);
    let words = json!({ "words": "Dottern Mia sa ja på telefon" });
    on_item(&app, &s1.identity, p1, title, "relativeConsentRecord", words).await.ok();
    let after = item_as(&app, &p1.identity, p1, title, fields).await;
    assert_eq!(after["needsRelativeConsent"], false);
    let record =
        json!({ "words": "Dottern Mia sa ja på telefon", "recordedBy": "Stina Exempel", "isCurrent": true });
    assert_eq!(after["relativeConsent"], record);
    let shown = app.run(&p1.identity, asked, json!({})).await.ok();
    assert_eq!(shown.text("/me/nextSteps/patient/title"), title);
}

/// R: "Runs only for first contact, assessment, first specialist visit and decided treatment, not for follow-ups": nor for
/// what becomes one.
#[tokio::test]
async fn the_care_guarantee_ends_on_record_with_a_version_in_which_care_does_the_item_no_longer() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let knee = json!({ "title": "Knäoperation", "category": "TREATMENT" });
    active_with(&app, s1, p1, &[knee, json!({ "title": "Återbesök" })]).await;
    let decided = json!({ "kind": "DECIDED_TREATMENT", "from": "2027-01-15" });
    let wait = json!({ "kind": "PATIENT_CHOSEN", "from": "2027-02-01" });
    on_item(&app, &s1.identity, p1, "Knäoperation", "careGuaranteeStart", decided).await.ok();
    on_item(&app, &s1.identity, p1, "Knäoperation", "careGuaranteePause", wait.clone()).await.ok();
    let item = item_as(&app, &p1.identity, p1, "Knäoperation", "").await;
    let (plan, _) = Plan::of(&app, p1).await;
    let own = json!({
        "planItemId": item["id"], "expectedRowVersion": plan.row_version, "title": "Träna knäet",
        "category": "FOLLOW_UP", "owner": "PATIENT", "timing": { "date": "2027-04-01" },
    });
    act(&app, &s1.identity, "planItemRevise", crate::acts::AGREEMENT, own).await.ok();
    let clock = "careGuarantee { kind pauses { until } }";
    let seen = item_as(&app, &p1.identity, p1, "Knäoperation", clock).await;
    assert!(seen["careGuarantee"].is_object(), "it is only proposed");
    let (_, seen) = Plan::of(&app, p1).await;
    let next = &seen["proposals"][0];
    let yes = json!({ "agreementId": seen["id"], "versionId": next["id"], "digest": next["digest"] });
    act(&app, &p1.identity, "agreementAssent", crate::acts::AGREEMENT, yes).await.ok();
    let seen = item_as(&app, &p1.identity, p1, "Träna knäet", clock).await;
    assert!(seen["careGuarantee"].is_null());
    let told = history(&app, "agreementAssent").await;
    let ended = json!({ "careGuarantee": null, "careGuaranteeFrom": null });
    let (_, before, _) = told.iter().find(|(.., after)| *after == ended).unwrap();
    let ran = json!({ "careGuarantee": "DECIDED_TREATMENT", "careGuaranteeFrom": "2027-01-15" });
    assert_eq!(*before, ran);
    let again = on_item(&app, &s1.identity, p1, "Träna knäet", "careGuaranteePause", wait).await;
    assert_eq!(again.user_error_codes("careGuaranteePause"), ["WRONG_STATE"]);
    // Nor does waiting until further notice outlive it.
    let left = guarantee_pause::Entity::find().filter(guarantee_pause::Column::UntilDay.is_null());
    assert_eq!(left.count(app.core.db.reader()).await.unwrap(), 0);
}

#[tokio::test]
async fn the_care_guarantee_runs_for_what_care_decided_and_stands_still_while_the_patient_waits() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let knee = json!({ "title": "Knäoperation", "category": "TREATMENT" });
    active_with(&app, s1, p1, &[knee, json!({ "title": "Återbesök" })]).await;
    let clock = "careGuarantee { kind from days lastDay daysLeft kept isPaused pauses { kind from until } }";
    let decided = json!({ "kind": "DECIDED_TREATMENT", "from": "2027-01-15" });
    on_item(&app, &s1.identity, p1, "Knäoperation", "careGuaranteeStart", decided.clone()).await.ok();
    let seen = item_as(&app, &p1.identity, p1, "Knäoperation", clock).await;
    let runs = json!({ "kind": "DECIDED_TREATMENT", "from": "2027-01-15", "days": 90, "lastDay": "2027-04-15",
                       "daysLeft": 73, "kept": null, "isPaused": false, "pauses": [] });
    assert_eq!(seen["careGuarantee"], runs);
    let wait = json!({ "kind": "PATIENT_CHOSEN", "from": "2027-02-01" });
    on_item(&app, &s1.identity, p1, "Knäoperation", "careGuaranteePause", wait.clone()).await.ok();
    let twice = on_item(&app, &s1.identity, p1, "Knäoperation", "careGuaranteePause", wait).await;
    assert_eq!(twice.user_error_codes("careGuaranteePause"), ["CONFLICT"]);
    let seen = item_as(&app, &p1.identity, p1, "Knäoperation", clock).await;
    assert_eq!(
        (&seen["careGuarantee"]["lastDay"], &seen["careGuarantee"]["isPaused"]),
        (&json!(null), &json!(true))
    );
    let until = json!({ "kind": "PATIENT_CHOSEN", "until": "2027-02-10" });
    on_item(&app, &s1.identity, p1, "Knäoperation", "careGuaranteeResume", until).await.ok();
    let seen = item_as(&app, &p1.identity, p1, "Knäoperation", clock).await;
    assert_eq!(seen["careGuarantee"]["lastDay"], "2027-04-25");
    on_item(&app, &s1.identity, p1, "Knäoperation", "planItemComplete", json!({})).await.ok();
    let seen = item_as(&app, &p1.identity, p1, "Knäoperation", clock).await;
    assert_eq!(
        (&seen["careGuarantee"]["kept"], &seen["careGuarantee"]["daysLeft"]),
        (&json!(true), &json!(null))
    );
    // Not for follow-ups, and not by the patient.
    let follow_up = on_item(&app, &s1.identity, p1, "Återbesök", "careGuaranteeStart", decided.clone()).await;
    assert_eq!(follow_up.user_error_codes("careGuaranteeStart"), ["WRONG_STATE"]);
    let patient = on_item(&app, &p1.identity, p1, "Knäoperation", "careGuaranteeStart", decided).await;
    assert_eq!(patient.user_error_codes("careGuaranteeStart"), ["FORBIDDEN"]);
}

#[tokio::test]
async fn the_regions_own_days_of_the_care_guarantee_are_a_setting() {
    let settings =
        [("plan.guarantee_decided_treatment_days", "60"), ("plan.guarantee_excludes_medical", "false")];
    let app = TestApp::with(&settings).await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active_with(&app, s1, p1, &[json!({ "title": "Operation", "category": "TREATMENT" })]).await;
    let decided = json!({ "kind": "DECIDED_TREATMENT", "from": "2027-02-01" });
    on_item(&app, &s1.identity, p1, "Operation", "careGuaranteeStart", decided).await.ok();
    let wait = json!({ "kind": "MEDICAL", "from": "2027-02-01", "until": "2027-02-05" });
    on_item(&app, &s1.identity, p1, "Operation", "careGuaranteePause", wait).await.ok();
    let seen = item_as(&app, &p1.identity, p1, "Operation", "careGuarantee { days lastDay isPaused }").await;
    assert_eq!(seen["careGuarantee"], json!({ "days": 60, "lastDay": "2027-04-02", "isPaused": false }));
}

/// "`workNote` is not shown in the app to patient or representative, but is part of the record; the writer is told that
/// the patient can request it."
#[tokio::test]
async fn a_work_note_is_for_staff_alone_and_its_writer_is_told_that_the_patient_can_request_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let item = item_as(&app, &s1.identity, p1, "Ta prover", "").await;
    let input =
        json!({ "planItemId": item["id"], "expectedRowVersion": item["rowVersion"], "text": "Ring först" });
    let events = domain_event::Entity::find().filter(domain_event::Column::PatientId.eq(p1.id));
    let before = events.clone().count(app.core.db.reader()).await.unwrap();
    let answer = act(&app, &s1.identity, "workNoteSet", "reminder planItem { workNote }", input).await.ok();
    assert_eq!(answer.text("/workNoteSet/planItem/workNote"), "Ring först");
    assert!(answer.text("/workNoteSet/reminder").contains("patienten kan begära ut den"));
    let query = "{ me { agreement { updatedAt planItems { title workNote } } } }";
    let seen = app.run(&p1.identity, query, json!({})).await;
    assert_eq!(seen.error_codes(), ["FORBIDDEN", "FORBIDDEN"]);
    assert!(!seen.body.to_string().contains("Ring först"));
    assert_eq!(
        events.count(app.core.db.reader()).await.unwrap(),
        before,
        "nothing that the patient hears of"
    );
    let told = history(&app, "workNoteSet").await;
    assert_eq!(told[0].0.subject_kind, patientkontrakt::domain::plan_item::work_note::HISTORY);
    assert_eq!(
        (&told[0].1, &told[0].2),
        (&json!({ "workNote": null }), &json!({ "workNote": "Ring först" }))
    );
    // An empty text clears it.
    on_item(&app, &s1.identity, p1, "Ta prover", "workNoteSet", json!({ "text": " " })).await.ok();
    assert!(item_as(&app, &s1.identity, p1, "Ta prover", "workNote").await["workNote"].is_null());
    assert_eq!(Plan::of(&app, p1).await.0.version, plan.version);
}

#[tokio::test]
async fn both_sides_say_where_a_goal_stands_and_it_is_shown_who_did() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active_with(&app, s1, p1, &[json!({ "title": "Ta prover" })]).await;
    let read = "{ me { agreement { currentVersion { digest } goals { id rowVersion status statusReason statusBy achievement achievementBy } } } }";
    let goal = async || app.run(&p1.identity, read, json!({})).await.ok().at("/me/agreement/goals/0").clone();
    let set = async |who, mutation: &str, field: &str, value: &str, reason: Option<&str>| {
        let now = goal().await;
        let mut input = json!({ "goalId": now["id"], "expectedRowVersion": now["rowVersion"], field: value });
        if let Some(reason) = reason {
            input["reason"] = json!(reason);
        }
        act(&app, who, mutation, "goal { id status rowVersion }", input).await
    };
    assert!(goal().await["statusBy"].is_null(), "the assents alone have said");
    set(&p1.identity, "goalStatusSet", "to", "ACTIVE", None).await.ok();
    set(&s1.identity, "goalAchievementSet", "achievement", "IMPROVING", None).await.ok();
    let now = goal().await;
    assert_eq!((&now["status"], &now["statusBy"]), (&json!("ACTIVE"), &json!("PATIENT")));
    assert_eq!((&now["achievement"], &now["achievementBy"]), (&json!("IMPROVING"), &json!("STAFF")));
    for (to, code) in
        [("ACTIVE", "WRONG_STATE"), ("ACCEPTED", "BAD_USER_INPUT"), ("CANCELLED", "BAD_USER_INPUT")]
    {
        let refused = set(&p1.identity, "goalStatusSet", "to", to, None).await;
        assert_eq!(refused.user_error_codes("goalStatusSet"), [code], "{to}");
    }
    set(&s1.identity, "goalStatusSet", "to", "CANCELLED", Some("Vi satte ett nytt mål")).await.ok();
    let now = goal().await;
    assert_eq!((&now["statusReason"], &now["statusBy"]), (&json!("Vi satte ett nytt mål"), &json!("STAFF")));
    // A stale one gets the goal as it is now, and nothing of it is in the hash.
    let stale = json!({ "goalId": now["id"], "expectedRowVersion": 1, "to": "ACTIVE" });
    let stale = act(&app, &p1.identity, "goalStatusSet", "goal { status }", stale).await;
    assert_eq!(stale.user_error_codes("goalStatusSet"), ["STALE_ROW_VERSION"]);
    assert_eq!(stale.text("/goalStatusSet/goal/status"), "CANCELLED");
    let seen = app.run(&p1.identity, read, json!({})).await.ok();
    assert_eq!(seen.at("/me/agreement/currentVersion/digest"), &json!(plan.digest));
}
