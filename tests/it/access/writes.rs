//! Changing things: one's own and nothing else, each thing once, nothing unseen.

use entity::{agreement, change_entry, domain_event};
use futures_util::future::join_all;
use patientkontrakt::graphql::scalars::{GlobalId, NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::situation::{
    Record, Situation, act, assert_nothing_of, assert_unchanged, document, document_selecting, log_length,
    logged, mutations, nowhere, random, tables, traces,
};
use crate::surface::root_fields;
use entity::access_event::Outcome;

/// What a patient may never do, whatever the id.
const FOR_STAFF: &[&str] = &[
    "agreementAssentRecordOral",
    "agreementApplyTemplate",
    "agreementCreate",
    "agreementGuardianExceptionEnd",
    "agreementGuardianExceptionRecord",
    "agreementOffer",
    "agreementPatientGroupSet",
    "agreementPatientUndecidedRecord",
    "agreementRequestPass",
    "appointmentOutcomeRecord",
    "callLogAdd",
    "callLogMade",
    "careRelationRegister",
    "contactAbsenceCancel",
    "absenceRebook",
    "contactAbsenceRegister",
    "contactAppoint",
    "contactEnd",
    "patientDeceasedCorrect",
    "patientDeceasedRecord",
    "safetyInstructionAdd",
    "safetyInstructionWithdraw",
    "contactFunctionsSet",
    "contactHandover",
    "contactOffer",
    "contactRequestPass",
    "contactReview",
    "dischargeCheckRun",
    "guardianReminderSet",
    "representativeAssess",
    "appointmentTypeChange",
    "appointmentTypeCreate",
    "appointmentTypeRetire",
    "scheduleChange",
    "scheduleEnd",
    "scheduleExcept",
    "schedulePublish",
    "slotPublish",
    "slotWithdraw",
    "staffNoticesSet",
    "careGuaranteePause",
    "careGuaranteeResume",
    "careGuaranteeStart",
    "planItemConcernAnswer",
    "referralStateSet",
    "reminderHandle",
    "reminderLadderSet",
    "relativeConsentRecord",
    "resultTold",
    "workNoteSet",
    "taskAssign",
    "taskEnd",
    "taskHandover",
    "taskNote",
    "taskPass",
    "taskTake",
    "threadClose",
    "threadReopen",
];

/// What staff may never do, whatever the id.
const FOR_PATIENTS: &[&str] = &[
    "agreementChoose",
    "calendarFeedCreate",
    "calendarFeedDetailSet",
    "calendarFeedRevoke",
    "calendarFeedRotate",
    "representativeGrant",
    "representativeRevoke",
];

#[tokio::test]
async fn the_cases_aim_every_mutation_of_the_schema() {
    let s = Situation::new().await;
    let aimed: Vec<String> =
        mutations(&s.two, &s.two.staff).iter().map(|(name, _)| format!("Mutation.{name}")).collect();
    let all: Vec<String> = root_fields().await.into_iter().filter(|f| f.starts_with("Mutation.")).collect();
    assert_eq!(aimed, all);
}

/// A09, A10, A12, A13, A14, A15 (and A38, A40): every mutation aimed at another patient's data.
#[tokio::test]
async fn no_mutation_aimed_at_another_patients_data_changes_or_tells_anything() {
    let s = Situation::new().await;
    let before = tables(&s.app).await;
    let aimed = mutations(&s.two, &s.two.staff);
    let at_nothing = mutations(&nowhere(&s.two), &s.two.staff);
    for ((mutation, input), (_, unknown)) in aimed.into_iter().zip(at_nothing) {
        let start = log_length(&s.app).await;
        let answer = act(&s.app, &s.one.patient.identity, mutation, input).await;
        let expected = if FOR_STAFF.contains(&mutation) { "FORBIDDEN" } else { "NOT_FOUND" };
        assert_eq!(answer.user_error_codes(mutation), [expected], "{mutation}: {}", answer.body);
        assert_nothing_of(&s.two.patient, &answer);
        let new = logged(&s.app, start).await;
        assert_eq!(new.len(), 1, "{mutation}: {new:?}");
        assert_eq!((new[0].event.outcome, new[0].event.action.as_str()), (Outcome::Denied, mutation));
        let nothing = act(&s.app, &s.one.patient.identity, mutation, unknown).await;
        assert_eq!(answer.body, nothing.body, "{mutation}");
        assert_unchanged(&before, &tables(&s.app).await, mutation);
    }
}

/// A22, for writing: staff without a care relation change nothing either, and learn nothing.
#[tokio::test]
async fn no_mutation_of_staff_without_a_care_relation_changes_or_tells_anything() {
    let s = Situation::new().await;
    let before = tables(&s.app).await;
    for other in [&s.two, &s.three] {
        let at_nothing = mutations(&nowhere(other), &s.one.staff);
        for ((mutation, input), (_, unknown)) in mutations(other, &s.one.staff).into_iter().zip(at_nothing) {
            // Declaring a relation is the one door that is open to staff: it is told and logged.
            if mutation == "careRelationRegister" {
                continue;
            }
            let answer = act(&s.app, &s.one.staff.identity, mutation, input).await;
            // A manager's act is closed to care, as a patient's is.
            let of_managers = ["contactFunctionsSet", "reminderLadderSet"];
            let closed = FOR_PATIENTS.contains(&mutation) || of_managers.contains(&mutation);
            let expected = if closed { "FORBIDDEN" } else { "NOT_FOUND" };
            assert_eq!(answer.user_error_codes(mutation), [expected], "{mutation}: {}", answer.body);
            assert_nothing_of(&other.patient, &answer);
            let nothing = act(&s.app, &s.one.staff.identity, mutation, unknown).await;
            assert_eq!(answer.body, nothing.body, "{mutation}");
            assert_unchanged(&before, &tables(&s.app).await, mutation);
        }
    }
}

/// A11: own things tied to another patient's, and another's to one's own.
#[tokio::test]
async fn nothing_of_ones_own_can_be_tied_to_another_patients() {
    let s = Situation::new().await;
    let before = tables(&s.app).await;
    let (own, other): (&Record, &Record) = (&s.one, &s.two);
    let item = |agreement: &str, goal: &str| {
        json!({ "agreementId": agreement, "goalId": goal, "title": "Insats", "category": "TREATMENT",
                "owner": "PATIENT", "timing": { "date": "2027-03-01" } })
    };
    let cases: [(&str, Value); 7] = [
        ("planItemPropose", item(&other.agreement, &own.goal)),
        ("planItemPropose", item(&own.agreement, &other.goal)),
        ("appointmentBook", json!({ "slotId": own.free_slot, "planItemId": other.item })),
        (
            "appointmentRebook",
            json!({ "appointmentId": other.appointment, "slotId": own.free_slot, "expectedRowVersion": 1 }),
        ),
        (
            "agreementAssent",
            json!({ "agreementId": own.agreement, "versionId": other.version, "digest": other.digest }),
        ),
        (
            "agreementAssent",
            json!({ "agreementId": other.agreement, "versionId": own.version, "digest": own.digest }),
        ),
        ("threadMarkRead", json!({ "threadId": own.thread, "messageId": other.message })),
    ];
    for (mutation, input) in cases {
        let answer = act(&s.app, &own.patient.identity, mutation, input.clone()).await;
        assert_eq!(answer.user_error_codes(mutation), ["NOT_FOUND"], "{mutation} {input}: {}", answer.body);
        assert_nothing_of(&other.patient, &answer);
        assert_unchanged(&before, &tables(&s.app).await, mutation);
    }
}

/// A40: what is for staff is FORBIDDEN for a patient, with the patient's own ids too.
#[tokio::test]
async fn a_patient_cannot_do_what_is_for_staff_not_even_with_their_own_data() {
    let s = Situation::new().await;
    let before = tables(&s.app).await;
    for (mutation, input) in mutations(&s.one, &s.one.staff) {
        if FOR_STAFF.contains(&mutation) {
            let answer = act(&s.app, &s.one.patient.identity, mutation, input).await;
            assert_eq!(answer.user_error_codes(mutation), ["FORBIDDEN"], "{}", answer.body);
            assert_unchanged(&before, &tables(&s.app).await, mutation);
        }
    }
}

/// A43, A48: what an input does not know is refused, not ignored; nobody says who the author is.
#[tokio::test]
async fn an_input_member_that_does_not_exist_refuses_the_whole_request() {
    let s = Situation::new().await;
    let before = tables(&s.app).await;
    for (mutation, input) in mutations(&s.one, &s.one.staff) {
        for member in ["status", "signedAt", "authorId", "authorKind", "createdAt", "rowVersion", "__proto__"]
        {
            let mut input = input.clone();
            input["idempotencyKey"] = json!("k");
            input[member] = json!("x");
            let answer = s.p1(&document(mutation), json!({ "input": input })).await;
            assert_eq!(answer.status, 400, "{mutation} {member}: {}", answer.body);
            assert!(answer.body.get("data").is_none(), "{mutation} {member}: {}", answer.body);
        }
    }
    assert_unchanged(&before, &tables(&s.app).await, "a refused request");
    // What was written is told to be the writer's own.
    let input = json!({ "threadId": s.one.thread, "body": "Hej" });
    let sent = act(&s.app, &s.one.patient.identity, "messageSend", input).await.ok();
    assert_eq!(sent.text("/messageSend/message/authorKind"), "PATIENT");
    assert_eq!(sent.text("/messageSend/message/authorName"), "Etta Kanariesson");
}

/// A44: an ended agreement, or one that does not wait for an answer, cannot be assented to.
#[tokio::test]
async fn an_agreement_that_has_ended_or_waits_for_nothing_cannot_be_assented_to() {
    let s = Situation::new().await;
    let input = json!({ "agreementId": s.one.agreement, "versionId": s.one.version, "digest": s.one.digest });
    let answer = act(&s.app, &s.one.patient.identity, "agreementAssent", input.clone()).await;
    assert_eq!(answer.user_error_codes("agreementAssent"), ["WRONG_STATE"]);
    let row = s.one.agreement.parse::<GlobalId>().unwrap().id;
    agreement::Entity::update_many()
        .col_expr(agreement::Column::Status, Expr::value(agreement::Status::Ended))
        .col_expr(agreement::Column::EndedAt, Expr::value(s.app.clock.now()))
        .filter(agreement::Column::Id.eq(row))
        .exec(s.app.core.db.reader())
        .await
        .unwrap();
    let before = tables(&s.app).await;
    for (mutation, input) in [
        ("agreementAssent", input),
        ("goalAdd", json!({ "agreementId": s.one.agreement, "text": "Ett mål" })),
    ] {
        let answer = act(&s.app, &s.one.patient.identity, mutation, input).await;
        assert_eq!(answer.user_error_codes(mutation), ["CONFLICT"], "{}", answer.body);
    }
    assert_unchanged(&before, &tables(&s.app).await, "a refused act");
}

/// A patient adds a goal to the plan in force: a successor that waits for care's assent.
async fn successor(s: &Situation, text: &str) -> (String, String) {
    let input = json!({ "agreementId": s.one.agreement, "text": text });
    act(&s.app, &s.one.patient.identity, "goalAdd", input).await.ok();
    let document = "{ me { agreement { proposals { id digest } } } }";
    let seen = s.p1(document, json!({})).await.ok();
    let proposal = |field: &str| seen.text(&format!("/me/agreement/proposals/0/{field}"));
    (proposal("id"), proposal("digest"))
}

/// A45: twenty assents at once, under one key and under twenty, are one: in the history, in the events, in the log.
#[tokio::test]
async fn twenty_assents_at_once_are_one_signature_and_one_entry() {
    let s = Situation::new().await;
    for (round, one_key) in [true, false].into_iter().enumerate() {
        let (version, digest) = successor(&s, &format!("Mål {round}")).await;
        let start = log_length(&s.app).await;
        let run = (0..20).map(|i| {
            let key = if one_key { "en nyckel".to_owned() } else { format!("nyckel {i}") };
            let input = json!({ "agreementId": s.one.agreement, "versionId": version, "digest": digest,
                                "idempotencyKey": key });
            let document = document_selecting("agreementAssent", "");
            let (app, who) = (&s.app, &s.one.staff.identity);
            async move { app.run(who, &document, json!({ "input": input })).await }
        });
        let answers = join_all(run).await;
        let done = answers.iter().filter(|a| a.user_error_codes("agreementAssent").is_empty()).count();
        assert_eq!(done, if one_key { 20 } else { 1 });
        let signatures =
            logged(&s.app, start).await.iter().filter(|e| e.event.outcome == Outcome::Allowed).count();
        assert_eq!(signatures, 1);
        let db = s.app.core.db.reader();
        let history = change_entry::Entity::find().filter(change_entry::Column::Action.eq("agreementAssent"));
        let signed = version.parse::<GlobalId>().unwrap().id;
        let of_this = history.filter(change_entry::Column::SubjectId.eq(signed));
        assert_eq!(of_this.count(db).await.unwrap(), 1);
        let events =
            domain_event::Entity::find().filter(domain_event::Column::Kind.eq("agreement.activated"));
        let events = events.filter(domain_event::Column::PatientId.eq(s.one.patient.id));
        assert_eq!(events.count(db).await.unwrap(), round as u64 + 2);
    }
}

/// A46: every edit under a stale version is refused, and nothing is lost.
#[tokio::test]
async fn every_edit_under_a_stale_version_is_refused_and_changes_nothing() {
    let s = Situation::new().await;
    let before = tables(&s.app).await;
    let mut tried = Vec::new();
    for (mutation, mut input) in mutations(&s.one, &s.one.staff) {
        // Types and schedules belong to a unit, a choice of mail to one of its staff, and none is in anybody's record: see
        // `schedule` and `reminder_colleagues`.
        let of_a_unit =
            ["appointmentType", "schedule", "staffNotices"].iter().any(|noun| mutation.starts_with(noun));
        if of_a_unit || input.get("expectedRowVersion").is_none() {
            continue;
        }
        input["expectedRowVersion"] = json!(77);
        if mutation == "appointmentConfirm" {
            input["bookingChannel"] = json!("PHONE");
        }
        let own = FOR_PATIENTS.contains(&mutation);
        let who = if own { &s.one.patient.identity } else { &s.one.staff.identity };
        let answer = act(&s.app, who, mutation, input).await;
        let codes = answer.user_error_codes(mutation);
        assert!(codes == ["STALE_ROW_VERSION"] || codes == ["WRONG_STATE"], "{mutation}: {}", answer.body);
        tried.push((mutation, codes[0].clone()));
        assert_unchanged(&before, &tables(&s.app).await, mutation);
    }
    let stale: Vec<&str> =
        tried.iter().filter(|(_, code)| code == "STALE_ROW_VERSION").map(|(name, _)| *name).collect();
    for expected in ["appointmentCancel", "appointmentRebook", "contactEnd", "planItemComplete"] {
        assert!(stale.contains(&expected), "{expected}: {tried:?}");
    }
}

/// A47: a change to what both have signed is a new version; the old one can still be read as it was.
#[tokio::test]
async fn a_change_to_a_signed_agreement_is_a_new_version_and_the_old_stays_readable() {
    let s = Situation::new().await;
    let read = "query($id: ID!) { node(id: $id) { ... on AgreementVersion { number status digest title story \
         patientAssent { by } careAssent { by } } } }";
    let old = s.p1(read, json!({ "id": s.one.version })).await.ok();
    assert_eq!(old.text("/node/status"), "ACTIVE");
    let (version, digest) = successor(&s, "Ett nytt mål").await;
    assert_ne!(version, s.one.version);
    let input = json!({ "agreementId": s.one.agreement, "versionId": version, "digest": digest });
    let signed = act(&s.app, &s.one.staff.identity, "agreementAssent", input).await.ok();
    assert_eq!(signed.text("/agreementAssent/agreement/currentVersion/id"), version);
    let kept = s.p1(read, json!({ "id": s.one.version })).await.ok();
    for same in ["number", "digest", "title", "story", "patientAssent", "careAssent"] {
        assert_eq!(kept.at("/node")[same], old.at("/node")[same], "{same}");
    }
    assert_eq!(kept.text("/node/status"), "SUPERSEDED");
    // For its own people alone.
    let nothing = s.app.run(&s.two.patient.identity, read, json!({ "id": s.one.version })).await.ok();
    assert!(nothing.at("/node").is_null());
}

/// A repeated request acts once; what its answer shows is logged each time.
#[tokio::test]
async fn a_repeated_request_acts_once_and_its_answer_is_logged_again() {
    let s = Situation::new().await;
    let input = json!({ "threadId": s.one.thread, "body": "En gång", "idempotencyKey": "samma" });
    let first = act(&s.app, &s.one.staff.identity, "messageSend", input.clone()).await.ok();
    let before = tables(&s.app).await;
    let start = log_length(&s.app).await;
    let second = act(&s.app, &s.one.staff.identity, "messageSend", input).await.ok();
    assert_eq!(first.text("/messageSend/message/id"), second.text("/messageSend/message/id"));
    assert_unchanged(&before, &tables(&s.app).await, "the repeated request");
    let new = logged(&s.app, start).await;
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0].patients, [s.one.patient.id]);
}

/// A key is its owner's: another caller who knows it gets neither the result nor a hint.
#[tokio::test]
async fn an_idempotency_key_of_somebody_else_tells_nothing() {
    let s = Situation::new().await;
    let input = json!({ "threadId": s.two.thread, "body": "Hej", "idempotencyKey": "gissad" });
    act(&s.app, &s.two.patient.identity, "messageSend", input.clone()).await.ok();
    let answer = act(&s.app, &s.one.patient.identity, "messageSend", input).await;
    assert_eq!(answer.user_error_codes("messageSend"), ["NOT_FOUND"]);
    assert!(traces(&s.two.patient, &answer.body.to_string()).is_empty());
    let unknown = json!({ "threadId": random(NodeKind::Thread), "body": "Hej", "idempotencyKey": "ny" });
    let nothing = act(&s.app, &s.one.patient.identity, "messageSend", unknown).await;
    assert_eq!(answer.body, nothing.body);
}
