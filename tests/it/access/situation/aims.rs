//! Every mutation, aimed at somebody's data.

use harness::{Answer, Staff, TestApp};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Record, global, random};

/// What a payload's object is, and what of it tests look at.
fn selection(mutation: &str) -> &'static str {
    match mutation {
        "agreementOffer" | "agreementOfferAnswer" => "offer { id status answerWords rowVersion }",
        "agreementRequest" | "agreementRequestPass" | "agreementRequestWithdraw" => {
            "request { id status why rowVersion }"
        }
        "safetyInstructionAdd" | "safetyInstructionWithdraw" => "instruction { id text rowVersion }",
        "planLinkAdd" | "planLinkRemove" => "link { id title rowVersion }",
        "agreementApplyTemplate" => {
            "agreement { id rowVersion planItems { id title } } applied { planItemIds }"
        }
        "dischargeCheckRun" => "agreement { id dischargeCheck { gaps { code planItemId } } }",
        "agreementContentEdit"
        | "agreementCounter"
        | "agreementDecline"
        | "agreementRevise"
        | "agreementWithdraw"
        | "goalRemove"
        | "goalRevise"
        | "planItemRemove"
        | "planItemRevise"
        | "safetyInstructionRemove" => "agreement { id rowVersion }",
        "agreementAssent"
        | "agreementAssentRecordOral"
        | "agreementChoose"
        | "agreementCreate"
        | "agreementEnd"
        | "agreementGuardianExceptionEnd"
        | "agreementGuardianExceptionRecord"
        | "agreementObject"
        | "agreementPatientGroupSet"
        | "agreementPatientUndecidedRecord"
        | "agreementPropose" => {
            "agreement { id status rowVersion currentVersion { id digest title story status } \
             goals { id text } planItems { id title description status rowVersion } }"
        }
        "absenceRebook" => "movedCount leftCount moved { id status } left { id status }",
        "appointmentBook"
        | "appointmentCancel"
        | "appointmentConfirm"
        | "appointmentOutcomeRecord"
        | "appointmentRebook" => "appointment { id status rowVersion }",
        "slotHold" => "hold { id heldUntil }",
        "slotRelease" => "slot { id openSeats }",
        "batteryAnswer" => "batteryAnswers { id answers { text comment } }",
        "calendarFeedCreate" | "calendarFeedDetailSet" | "calendarFeedRevoke" | "calendarFeedRotate" => {
            "feed { detail rowVersion } path"
        }
        "callLogAdd" | "callLogMade" => {
            "call { id withWhom about phone rowVersion patient { givenName familyName } }"
        }
        "patientLanguageSet" => "patient { id givenName language contactWays { address } }",
        "patientNeedsSet" => "patient { id givenName needs { accessNeeds } }",
        "careRelationRegister" | "patientDeceasedCorrect" | "patientDeceasedRecord" => {
            "patient { id givenName }"
        }
        "contactAbsenceCancel" | "contactAbsenceRegister" => "absence { id message rowVersion }",
        "contactAppoint" | "contactEnd" | "contactReview" => "contact { id name howToReach rowVersion }",
        "contactFunctionsSet" | "reminderLadderSet" => "careUnit { id name }",
        "contactHandover" => "contacts { id name howToReach }",
        "contactOffer" | "contactOfferAnswer" => "offer { id words answerWords }",
        "contactRequest" | "contactRequestPass" | "contactRequestWithdraw" => "request { id why }",
        "goalAdd" => "goal { id text }",
        "guardianReminderSet" => "reminders { name textShown }",
        "messageSend" => "message { id body authorKind authorName } thread { id subject }",
        "planItemAccept"
        | "planItemCancel"
        | "planItemComplete"
        | "planItemNotDone"
        | "planItemOccurrenceMark"
        | "planItemPropose"
        | "planItemReopen"
        | "planItemStart"
        | "careGuaranteePause"
        | "careGuaranteeResume"
        | "careGuaranteeStart"
        | "referralStateSet"
        | "relativeConsentRecord"
        | "resultTold"
        | "workNoteSet" => "planItem { id title status rowVersion }",
        "goalAchievementSet" | "goalStatusSet" => "goal { id text rowVersion }",
        "planItemConcernAnswer" | "planItemConcernRaise" | "planItemConcernWithdraw" => {
            "concern { id words answer rowVersion }"
        }
        "progressNoteAdd" => "note { id text authorName }",
        "reminderHandle" => "reminder { id patient { givenName familyName } }",
        "reminderPreferencesSet" => "preferences { id textShown }",
        "representativeAssess" | "representativeGrant" | "representativeRevoke" => {
            "representative { id name isInForce rowVersion }"
        }
        "appointmentTypeChange" | "appointmentTypeCreate" | "appointmentTypeRetire" => {
            "appointmentType { id name rowVersion }"
        }
        "scheduleChange" | "scheduleEnd" | "scheduleExcept" => "schedule { id rowVersion } toRebook { id }",
        "schedulePublish" => "schedule { id rowVersion }",
        "slotWithdraw" => "withdrawn",
        "staffNoticesSet" => "assignment { id staffNotices { mail } }",
        "slotPublish" => "slots { id startsAt }",
        "taskHandover" => "handedOver tasks { id note }",
        "taskAssign" | "taskEnd" | "taskNote" | "taskPass" | "taskTake" => {
            "task { id kind note subject { id title } patient { id givenName familyName } rowVersion }"
        }
        "timeOfferAccept" => "appointment { id status }",
        "timeOfferDecline" | "timeWishChange" | "timeWishLeave" | "timeWishWithdraw" => {
            "wish { id status place patient { givenName familyName } }"
        }
        "threadClose" | "threadMarkRead" | "threadReopen" | "threadStart" => {
            "thread { id subject messages { nodes { id body } } }"
        }
        other => panic!("what does {other} answer?"),
    }
}

/// The document of a mutation.
pub fn document(mutation: &str) -> String {
    document_selecting(mutation, selection(mutation))
}

/// The document of a mutation that looks at `selection`.
pub fn document_selecting(mutation: &str, selection: &str) -> String {
    let (first, rest) = mutation.split_at(1);
    format!(
        "mutation($input: {}{rest}Input!) {{ {mutation}(input: $input) \
         {{ {selection} userErrors {{ field code message }} }} }}",
        first.to_uppercase()
    )
}

/// Runs a mutation under a fresh idempotency key, unless the input has one.
pub async fn act(app: &TestApp, who: &Identity, mutation: &str, mut input: Value) -> Answer {
    if input.get("idempotencyKey").is_none() {
        input["idempotencyKey"] = json!(Uuid::new_v4().to_string());
    }
    app.run(who, &document(mutation), json!({ "input": input })).await
}

/// When there are times.
fn pattern() -> Value {
    json!({ "rule": "FREQ=WEEKLY;BYDAY=MO", "validFrom": "2027-03-01", "block": { "from": "08:00", "until": "10:00" } })
}

/// Every mutation, aimed at somebody's data.
pub fn mutations(at: &Record, unit: &Staff) -> Vec<(&'static str, Value)> {
    let patient = at.patient.global_id();
    let slot = at.free_slot.clone().unwrap_or_else(|| random(NodeKind::Slot));
    let appointment = at.appointment.clone().unwrap_or_else(|| random(NodeKind::Appointment));
    let choice = json!({ "kind": "PLAN", "channel": "MAIL", "optedIn": false, "textShown": "Nej tack." });
    let their_unit = global(NodeKind::CareUnit, at.staff.unit);
    let person = json!({ "named": { "name": "N", "function": "F", "phone": "+46701740606" } });
    vec![
        (
            "absenceRebook",
            json!({ "absenceId": random(NodeKind::ContactAbsence), "appointmentIds": [appointment] }),
        ),
        (
            "agreementApplyTemplate",
            json!({ "agreementId": at.agreement, "template": "surgery", "anchorDate": "2027-03-15",
                    "expectedRowVersion": 1 }),
        ),
        (
            "agreementAssent",
            json!({ "agreementId": at.agreement, "versionId": at.version, "digest": at.digest }),
        ),
        (
            "agreementAssentRecordOral",
            json!({ "agreementId": at.agreement, "versionId": at.version, "digest": at.digest, "setting": "AT_VISIT" }),
        ),
        (
            "agreementChoose",
            json!({ "agreementId": at.agreement, "versionId": at.version, "digest": at.digest }),
        ),
        (
            "agreementContentEdit",
            json!({ "agreementId": at.agreement, "expectedRowVersion": 1,
                    "sections": [{ "text": { "section": "STORY", "text": "Annat" } }] }),
        ),
        (
            "agreementCounter",
            json!({ "agreementId": at.agreement, "versionId": at.version, "expectedRowVersion": 1 }),
        ),
        ("agreementCreate", json!({ "patientId": patient, "title": "Ny plan" })),
        (
            "agreementDecline",
            json!({ "agreementId": at.agreement, "versionId": at.version, "words": "Nej", "how": "PHONE",
                    "expectedRowVersion": 1 }),
        ),
        (
            "agreementEnd",
            json!({ "agreementId": at.agreement, "reason": "MOVED", "words": "Flyttat", "expectedRowVersion": 1 }),
        ),
        (
            "agreementGuardianExceptionEnd",
            json!({ "agreementId": at.agreement, "representativeId": at.representative, "reason": "Åter" }),
        ),
        (
            "agreementGuardianExceptionRecord",
            json!({ "agreementId": at.agreement, "representativeId": at.representative, "reason": "Borta" }),
        ),
        ("agreementObject", json!({ "agreementId": at.agreement, "versionId": at.version, "words": "Nej" })),
        ("agreementOffer", json!({ "patientId": patient, "how": "ON_SITE" })),
        (
            "agreementOfferAnswer",
            json!({ "offerId": at.offer, "accepted": true, "how": "PHONE", "expectedRowVersion": 1 }),
        ),
        (
            "agreementPatientGroupSet",
            json!({ "agreementId": at.agreement, "patientGroup": "CANCER", "expectedRowVersion": 1 }),
        ),
        (
            "agreementPatientUndecidedRecord",
            json!({ "agreementId": at.agreement, "versionId": at.version, "reason": "Sover", "knownWill": "Okänd",
                    "askAgainOn": "2027-02-20", "expectedRowVersion": 1 }),
        ),
        ("agreementPropose", json!({ "agreementId": at.agreement, "expectedRowVersion": 1 })),
        ("agreementRequest", json!({ "patientId": patient, "how": "PHONE", "why": "Gärna" })),
        (
            "agreementRequestPass",
            json!({ "requestId": at.request, "careUnitId": global(NodeKind::CareUnit, unit.unit), "reason": "Där",
                    "expectedRowVersion": 1 }),
        ),
        (
            "agreementRequestWithdraw",
            json!({ "requestId": at.request, "how": "PHONE", "expectedRowVersion": 1 }),
        ),
        ("agreementRevise", json!({ "agreementId": at.agreement, "expectedRowVersion": 1 })),
        (
            "agreementWithdraw",
            json!({ "agreementId": at.agreement, "versionId": at.version, "words": "Fel", "expectedRowVersion": 1 }),
        ),
        ("appointmentBook", json!({ "patientId": patient, "slotId": slot })),
        ("appointmentCancel", json!({ "appointmentId": appointment, "expectedRowVersion": 1 })),
        ("appointmentConfirm", json!({ "appointmentId": appointment, "expectedRowVersion": 1 })),
        (
            "appointmentOutcomeRecord",
            json!({ "appointmentId": appointment, "outcome": "ATTENDED", "expectedRowVersion": 1 }),
        ),
        (
            "appointmentRebook",
            json!({ "appointmentId": appointment, "slotId": slot, "expectedRowVersion": 1 }),
        ),
        (
            "appointmentTypeChange",
            json!({ "appointmentTypeId": random(NodeKind::AppointmentType), "expectedRowVersion": 1,
                    "terms": { "name": "Besök", "mode": "VISIT", "lengthMinutes": 30, "webBooking": "EVERYONE" } }),
        ),
        (
            "appointmentTypeCreate",
            json!({ "careUnitId": random(NodeKind::CareUnit),
                    "terms": { "name": "Besök", "mode": "VISIT", "lengthMinutes": 30, "webBooking": "EVERYONE" } }),
        ),
        (
            "appointmentTypeRetire",
            json!({ "appointmentTypeId": random(NodeKind::AppointmentType), "expectedRowVersion": 1 }),
        ),
        (
            "batteryAnswer",
            json!({ "patientId": patient, "battery": "eight-questions", "version": 1, "correctsId": at.answers,
                    "answers": [{ "question": "viktigt", "text": "Något annat" }] }),
        ),
        ("calendarFeedCreate", json!({ "patientId": patient, "detail": "UNIT_NAME" })),
        (
            "calendarFeedDetailSet",
            json!({ "patientId": patient, "detail": "UNIT_NAME", "expectedRowVersion": 1 }),
        ),
        ("calendarFeedRevoke", json!({ "patientId": patient, "expectedRowVersion": 1 })),
        ("calendarFeedRotate", json!({ "patientId": patient, "expectedRowVersion": 1 })),
        (
            "callLogAdd",
            json!({ "patientId": patient, "direction": "OUTGOING", "withWhom": "Patienten", "about": "Provsvar" }),
        ),
        (
            "callLogMade",
            json!({ "callId": at.call, "reached": true, "words": "Klart", "expectedRowVersion": 1 }),
        ),
        (
            "careGuaranteePause",
            json!({ "planItemId": at.item, "expectedRowVersion": 1, "kind": "MEDICAL", "from": "2027-02-01" }),
        ),
        (
            "careGuaranteeResume",
            json!({ "planItemId": at.item, "expectedRowVersion": 1, "kind": "MEDICAL", "until": "2027-02-01" }),
        ),
        (
            "careGuaranteeStart",
            json!({ "planItemId": at.item, "expectedRowVersion": 1, "kind": "DECIDED_TREATMENT",
                    "from": "2027-02-01" }),
        ),
        (
            "careRelationRegister",
            json!({ "patientNumber": at.patient.number, "declaration": "PATIENT_PRESENT", "reason": "Besök" }),
        ),
        ("contactAbsenceCancel", json!({ "absenceId": at.absence, "expectedRowVersion": 1 })),
        (
            "contactAbsenceRegister",
            json!({ "who": { "contactId": at.contact }, "from": "2027-02-02T08:00:00+01:00",
                    "until": "2027-02-03T08:00:00+01:00" }),
        ),
        ("contactAppoint", json!({ "patientId": patient, "role": "FAST_VARDKONTAKT", "person": person })),
        (
            "contactEnd",
            json!({ "contactId": at.contact, "reason": "Slut", "consultation": "CONSULTED", "expectedRowVersion": 1 }),
        ),
        (
            "contactFunctionsSet",
            json!({ "careUnitId": random(NodeKind::CareUnit), "functions": [], "expectedNumber": 0 }),
        ),
        (
            "contactHandover",
            json!({ "fromAssignmentId": global(NodeKind::Assignment, at.staff.assignment),
                    "toAssignmentId": global(NodeKind::Assignment, unit.assignment),
                    "contactIds": [at.contact], "reason": "Slutar" }),
        ),
        ("contactOffer", json!({ "patientId": patient, "role": "SUPPORTER" })),
        (
            "contactOfferAnswer",
            json!({ "offerId": at.contact_offer, "accepted": true, "how": "PHONE", "expectedRowVersion": 1 }),
        ),
        ("contactRequest", json!({ "patientId": patient, "role": "FAST_LAKARKONTAKT", "why": "Jag vill" })),
        (
            "contactRequestPass",
            json!({ "requestId": at.contact_request, "careUnitId": their_unit, "reason": "Ni",
                    "expectedRowVersion": 1 }),
        ),
        (
            "contactRequestWithdraw",
            json!({ "requestId": at.contact_request, "how": "PHONE", "expectedRowVersion": 1 }),
        ),
        (
            "contactReview",
            json!({ "contactId": at.contact, "outcome": { "keep": { "nextReviewOn": "2027-06-01" } },
                    "expectedRowVersion": 1 }),
        ),
        ("dischargeCheckRun", json!({ "agreementId": at.agreement })),
        (
            "goalAchievementSet",
            json!({ "goalId": at.goal, "expectedRowVersion": 1, "achievement": "IMPROVING" }),
        ),
        ("goalAdd", json!({ "agreementId": at.agreement, "text": "Ett mål" })),
        ("goalRemove", json!({ "goalId": at.goal, "expectedRowVersion": 1 })),
        (
            "goalRevise",
            json!({ "goalId": at.goal, "expectedRowVersion": 1, "text": "Ett annat mål", "priority": 1 }),
        ),
        ("goalStatusSet", json!({ "goalId": at.goal, "expectedRowVersion": 1, "to": "ACTIVE" })),
        (
            "guardianReminderSet",
            json!({ "patientId": patient, "representativeId": at.representative, "channel": "MAIL", "optedIn": true,
                    "address": "annan@exempel.se", "textShown": "Mån 1 mars" }),
        ),
        ("messageSend", json!({ "threadId": at.thread, "body": "Hej" })),
        ("patientDeceasedCorrect", json!({ "patientId": patient, "reason": "Fel person." })),
        ("patientDeceasedRecord", json!({ "patientId": patient, "diedOn": "2027-01-30" })),
        ("patientLanguageSet", json!({ "patientId": patient, "language": "en" })),
        (
            "patientNeedsSet",
            json!({ "patientId": patient, "interpreterLanguage": "ar", "accessNeeds": "Hörslinga",
                    "expectedRowVersion": 1 }),
        ),
        ("planItemAccept", json!({ "planItemId": at.item, "expectedRowVersion": 1 })),
        ("planItemCancel", json!({ "planItemId": at.item, "expectedRowVersion": 1, "reason": "Ställs in" })),
        ("planItemComplete", json!({ "planItemId": at.item, "expectedRowVersion": 1 })),
        (
            "planItemConcernAnswer",
            json!({ "concernId": at.concern, "answer": "Vi ses om det", "expectedRowVersion": 1 }),
        ),
        ("planItemConcernRaise", json!({ "planItemId": at.item, "kind": "TOO_MUCH_NOW" })),
        ("planItemConcernWithdraw", json!({ "concernId": at.concern, "expectedRowVersion": 1 })),
        (
            "planItemNotDone",
            json!({ "planItemId": at.item, "expectedRowVersion": 1, "reason": "Blev inte av" }),
        ),
        (
            "planItemOccurrenceMark",
            json!({ "planItemId": at.item, "expectedRowVersion": 1, "on": "2027-02-01", "outcome": "DONE" }),
        ),
        (
            "planItemPropose",
            json!({ "agreementId": at.agreement, "title": "Insats", "category": "TREATMENT", "owner": "PATIENT",
                    "timing": { "date": "2027-03-01" } }),
        ),
        ("planItemRemove", json!({ "planItemId": at.item, "expectedRowVersion": 1 })),
        ("planItemReopen", json!({ "planItemId": at.item, "expectedRowVersion": 1 })),
        (
            "planItemRevise",
            json!({ "planItemId": at.item, "expectedRowVersion": 1, "title": "Annat", "category": "SELF_CARE",
                    "owner": "PATIENT" }),
        ),
        ("planItemStart", json!({ "planItemId": at.item, "expectedRowVersion": 1 })),
        (
            "planLinkAdd",
            json!({ "agreementId": at.agreement, "kind": "SIP", "title": "SIP", "holder": "Kommunen" }),
        ),
        ("planLinkRemove", json!({ "linkId": at.link, "reason": "Slut", "expectedRowVersion": 1 })),
        ("progressNoteAdd", json!({ "about": { "goalId": at.goal }, "text": "Det går framåt" })),
        ("referralStateSet", json!({ "planItemId": at.item, "expectedRowVersion": 1, "state": "SENT" })),
        (
            "relativeConsentRecord",
            json!({ "planItemId": at.item, "expectedRowVersion": 1, "words": "Dottern sa ja" }),
        ),
        ("reminderHandle", json!({ "reminderId": random(NodeKind::Reminder), "act": "PHONED" })),
        (
            "reminderLadderSet",
            json!({ "careUnitId": random(NodeKind::CareUnit), "ladder": { "rungs": [] }, "expectedNumber": 0 }),
        ),
        ("reminderPreferencesSet", json!({ "patientId": patient, "choices": [choice] })),
        (
            "representativeAssess",
            json!({ "decision": "STOP", "representativeId": at.representative, "reason": "Bedömt" }),
        ),
        (
            "representativeGrant",
            json!({ "patientId": patient, "number": at.patient.number, "name": "N", "mayAssent": false,
                    "rights": [{ "area": "BOOKING", "level": "READ" }] }),
        ),
        ("representativeRevoke", json!({ "representativeId": at.representative, "expectedRowVersion": 1 })),
        ("resultTold", json!({ "planItemId": at.item, "expectedRowVersion": 1, "how": "Per telefon" })),
        (
            "safetyInstructionAdd",
            json!({ "agreementId": at.agreement, "kind": "WARNING_SIGN", "text": "Feber" }),
        ),
        ("safetyInstructionRemove", json!({ "instructionId": at.instruction, "expectedRowVersion": 1 })),
        (
            "safetyInstructionWithdraw",
            json!({ "instructionId": at.instruction, "reason": "Fel", "expectedRowVersion": 1 }),
        ),
        (
            "scheduleChange",
            json!({ "scheduleId": random(NodeKind::Schedule), "expectedRowVersion": 1, "pattern": pattern() }),
        ),
        ("scheduleEnd", json!({ "scheduleId": random(NodeKind::Schedule), "expectedRowVersion": 1 })),
        (
            "scheduleExcept",
            json!({ "scheduleId": random(NodeKind::Schedule), "days": ["2027-03-01"], "expectedRowVersion": 1 }),
        ),
        (
            "schedulePublish",
            json!({ "appointmentTypeId": random(NodeKind::AppointmentType), "pattern": pattern() }),
        ),
        ("slotHold", json!({ "patientId": patient, "slotId": slot })),
        (
            "slotPublish",
            json!({ "appointmentTypeId": random(NodeKind::AppointmentType), "startsLocal": ["2027-03-01T09:00"] }),
        ),
        ("slotRelease", json!({ "holdId": at.hold.clone().unwrap_or_else(|| random(NodeKind::SlotHold)) })),
        ("slotWithdraw", json!({ "slotIds": [random(NodeKind::Slot)] })),
        (
            "staffNoticesSet",
            json!({ "assignmentId": random(NodeKind::Assignment), "optedIn": false, "expectedRowVersion": 0 }),
        ),
        ("taskAssign", json!({ "taskId": at.task, "expectedRowVersion": 1 })),
        ("taskEnd", json!({ "taskId": at.task, "words": "Klart", "expectedRowVersion": 1 })),
        (
            "taskHandover",
            json!({ "fromId": global(NodeKind::Assignment, at.staff.assignment),
                    "toId": global(NodeKind::Assignment, at.staff.assignment) }),
        ),
        ("taskNote", json!({ "taskId": at.task, "note": "Obs", "expectedRowVersion": 1 })),
        (
            "taskPass",
            json!({ "taskId": at.task, "careUnitId": global(NodeKind::CareUnit, unit.unit), "reason": "Fel enhet",
                    "expectedRowVersion": 1 }),
        ),
        ("taskTake", json!({ "taskId": at.task, "expectedRowVersion": 1 })),
        ("threadClose", json!({ "threadId": at.thread })),
        ("threadMarkRead", json!({ "threadId": at.thread, "messageId": at.message })),
        ("threadReopen", json!({ "threadId": at.thread })),
        (
            "threadStart",
            json!({ "careUnitId": global(NodeKind::CareUnit, unit.unit), "patientId": patient,
                    "subject": "Ämne", "body": "Hej" }),
        ),
        ("timeOfferAccept", json!({ "offerId": random(NodeKind::TimeOffer) })),
        ("timeOfferDecline", json!({ "offerId": random(NodeKind::TimeOffer) })),
        (
            "timeWishChange",
            json!({ "wishId": at.wish, "content": { "until": "2027-03-31" }, "expectedRowVersion": 1 }),
        ),
        (
            "timeWishLeave",
            json!({ "appointmentTypeId": random(NodeKind::AppointmentType), "patientId": patient,
                    "content": { "until": "2027-03-31" } }),
        ),
        ("timeWishWithdraw", json!({ "wishId": at.wish, "expectedRowVersion": 1 })),
        ("workNoteSet", json!({ "planItemId": at.item, "expectedRowVersion": 1, "text": "Ring först" })),
    ]
}
