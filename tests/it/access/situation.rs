//! Three patients with everything a patient can have, made through the API itself. Every text about a patient holds
//! that patient's own word, so that a leak can be seen.

use entity::{PatientId, access_event, access_event_patient, representative::Kind};
use harness::{Answer, Staff, TestApp, TestPatient, relate, represent};
use patientkontrakt::{
    auth::token::Identity,
    graphql::scalars::{GlobalId, NodeKind},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

/// One patient's part: what exists about them, by global id.
#[derive(Clone, Debug)]
pub struct Record {
    pub patient: TestPatient,
    pub staff: Staff,
    pub agreement: String,
    pub offer: String,
    pub request: String,
    pub version: String,
    pub digest: String,
    pub goal: String,
    pub item: String,
    pub instruction: String,
    pub link: String,
    pub concern: String,
    pub contact: String,
    pub contact_request: String,
    pub contact_offer: String,
    pub absence: String,
    pub representative: String,
    /// None at the unit that offers no times.
    pub appointment: Option<String>,
    pub free_slot: Option<String>,
    pub thread: String,
    pub message: String,
    pub task: String,
    /// To a question battery.
    pub answers: String,
    pub call: String,
}

/// The service with the three patients in it.
pub struct Situation {
    pub app: TestApp,
    pub one: Record,
    pub two: Record,
    pub three: Record,
}

impl Situation {
    pub async fn new() -> Self {
        let app = TestApp::new().await;
        let world = app.world.clone();
        let one =
            record(&app, &world.p1, &world.s1, Some(global(NodeKind::AppointmentType, world.visit))).await;
        let two =
            record(&app, &world.p2, &world.s2, Some(global(NodeKind::AppointmentType, world.visit_u2))).await;
        let three = record(&app, &world.p3, &world.s3, None).await;
        Self { app, one, two, three }
    }

    /// Runs an operation as the first patient.
    pub async fn p1(&self, query: &str, variables: Value) -> Answer {
        self.app.run(&self.one.patient.identity, query, variables).await
    }

    /// Runs an operation as the first unit's staff.
    pub async fn s1(&self, query: &str, variables: Value) -> Answer {
        self.app.run(&self.one.staff.identity, query, variables).await
    }
}

/// The global id of a row.
pub fn global(kind: NodeKind, id: impl Into<Uuid>) -> String {
    GlobalId::new(kind, id).to_string()
}

/// An id that nothing has.
pub fn random(kind: NodeKind) -> String {
    global(kind, Uuid::new_v4())
}

/// Every kind of object with identity.
pub const KINDS: &[NodeKind] = &[
    NodeKind::Agreement,
    NodeKind::AgreementOffer,
    NodeKind::AgreementRequest,
    NodeKind::AgreementVersion,
    NodeKind::Appointment,
    NodeKind::AppointmentType,
    NodeKind::Assignment,
    NodeKind::BatteryAnswerSet,
    NodeKind::CallLogEntry,
    NodeKind::CareContact,
    NodeKind::CareUnit,
    NodeKind::ContactAbsence,
    NodeKind::ContactOffer,
    NodeKind::ContactRequest,
    NodeKind::Goal,
    NodeKind::Patient,
    NodeKind::PlanItem,
    NodeKind::PlanLink,
    NodeKind::PlanItemConcern,
    NodeKind::ProgressNote,
    NodeKind::ReminderPreference,
    NodeKind::SafetyInstruction,
    NodeKind::Slot,
    NodeKind::Representative,
    NodeKind::Task,
    NodeKind::Thread,
    NodeKind::ThreadMessage,
];

/// The ids of all rows about a patient, from the tables.
pub async fn rows_about(app: &TestApp, patient: PatientId) -> Vec<(NodeKind, Uuid)> {
    let db = app.core.db.reader();
    let mut found = vec![(NodeKind::Patient, patient.0)];
    macro_rules! add {
        ($($table:ident $kind:ident),+) => {$(
            let rows = entity::$table::Entity::find().filter(entity::$table::Column::PatientId.eq(patient));
            let rows = rows.all(db).await.unwrap();
            assert!(!rows.is_empty(), concat!("nothing in ", stringify!($table)));
            found.extend(rows.into_iter().map(|row| (NodeKind::$kind, row.id.0)));
        )+};
    }
    add!(agreement Agreement, agreement_offer AgreementOffer, agreement_request AgreementRequest,
         agreement_version AgreementVersion, appointment Appointment, battery_answer_set BatteryAnswerSet,
         phone_call CallLogEntry, care_contact CareContact, contact_offer ContactOffer,
         contact_request ContactRequest, goal Goal, item_concern PlanItemConcern, plan_item PlanItem,
         plan_link PlanLink, progress_note ProgressNote, safety_instruction SafetyInstruction,
         reminder_preference ReminderPreference, representative Representative,
         task Task, thread Thread, thread_message ThreadMessage);
    found
}

/// What of `patient` stands in a text: their word, their name or their number.
pub fn traces(patient: &TestPatient, text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let word = patient.canary.split('-').next().unwrap_or_default().get(..7).unwrap_or_default();
    let number = &patient.number;
    let marks = [
        word.to_owned(),
        number.clone(),
        format!("{}-{}", &number[..8], &number[8..]),
        format!("{}-{}", &number[2..8], &number[8..]),
    ];
    marks.into_iter().filter(|mark| text.contains(mark.as_str())).collect()
}

/// Fails when anything of `patient` stands in the answer.
#[track_caller]
pub fn assert_nothing_of(patient: &TestPatient, answer: &Answer) {
    let text = answer.body.to_string();
    assert!(traces(patient, &text).is_empty(), "{text}");
}

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
        | "agreementRevise"
        | "agreementWithdraw"
        | "goalRemove"
        | "goalRevise"
        | "planItemRemove"
        | "planItemRevise" => "agreement { id rowVersion }",
        "agreementAssent"
        | "agreementAssentRecordOral"
        | "agreementChoose"
        | "agreementCreate"
        | "agreementEnd"
        | "agreementGuardianExceptionRecord"
        | "agreementObject"
        | "agreementPatientUndecidedRecord"
        | "agreementPropose" => {
            "agreement { id status rowVersion currentVersion { id digest title story status } \
             goals { id text } planItems { id title description status rowVersion } }"
        }
        "appointmentBook" | "appointmentCancel" | "appointmentRebook" => {
            "appointment { id status rowVersion }"
        }
        "batteryAnswer" => "batteryAnswers { id answers { text comment } }",
        "callLogAdd" | "callLogMade" => {
            "call { id withWhom about phone rowVersion patient { givenName familyName } }"
        }
        "careRelationRegister" | "patientDeceasedRecord" => "patient { id givenName }",
        "contactAbsenceCancel" | "contactAbsenceRegister" => "absence { id message rowVersion }",
        "contactAppoint" | "contactEnd" | "contactReview" => "contact { id name howToReach rowVersion }",
        "contactFunctionsSet" => "careUnit { id name }",
        "contactHandover" => "contacts { id name howToReach }",
        "contactOffer" | "contactOfferAnswer" => "offer { id words answerWords }",
        "contactRequest" | "contactRequestPass" | "contactRequestWithdraw" => "request { id why }",
        "goalAdd" => "goal { id text }",
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
        "reminderPreferencesSet" => "preferences { id textShown }",
        "representativeAssess" | "representativeGrant" | "representativeRevoke" => {
            "representative { id name isInForce rowVersion }"
        }
        "slotPublish" => "slots { id startsAt }",
        "taskHandover" => "handedOver tasks { id note }",
        "taskAssign" | "taskEnd" | "taskNote" | "taskPass" | "taskTake" => {
            "task { id kind note subject { id title } patient { id givenName familyName } rowVersion }"
        }
        "threadMarkRead" | "threadStart" => "thread { id subject messages { nodes { id body } } }",
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
            "agreementEnd",
            json!({ "agreementId": at.agreement, "reason": "MOVED", "words": "Flyttat", "expectedRowVersion": 1 }),
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
        ("agreementRequestWithdraw", json!({ "requestId": at.request, "expectedRowVersion": 1 })),
        ("agreementRevise", json!({ "agreementId": at.agreement, "expectedRowVersion": 1 })),
        (
            "agreementWithdraw",
            json!({ "agreementId": at.agreement, "versionId": at.version, "expectedRowVersion": 1 }),
        ),
        ("appointmentBook", json!({ "patientId": patient, "slotId": slot })),
        ("appointmentCancel", json!({ "appointmentId": appointment, "expectedRowVersion": 1 })),
        (
            "appointmentRebook",
            json!({ "appointmentId": appointment, "slotId": slot, "expectedRowVersion": 1 }),
        ),
        (
            "batteryAnswer",
            json!({ "patientId": patient, "battery": "eight-questions", "version": 1, "correctsId": at.answers,
                    "answers": [{ "question": "viktigt", "text": "Något annat" }] }),
        ),
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
        ("contactOffer", json!({ "patientId": patient, "role": "FAST_LAKARKONTAKT" })),
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
        ("contactRequestWithdraw", json!({ "requestId": at.contact_request, "expectedRowVersion": 1 })),
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
        ("messageSend", json!({ "threadId": at.thread, "body": "Hej" })),
        ("patientDeceasedRecord", json!({ "patientId": patient, "diedOn": "2027-01-30" })),
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
        (
            "safetyInstructionWithdraw",
            json!({ "instructionId": at.instruction, "reason": "Fel", "expectedRowVersion": 1 }),
        ),
        (
            "slotPublish",
            json!({ "appointmentTypeId": random(NodeKind::AppointmentType), "startsLocal": ["2027-03-01T09:00"] }),
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
        ("threadMarkRead", json!({ "threadId": at.thread, "messageId": at.message })),
        (
            "threadStart",
            json!({ "careUnitId": global(NodeKind::CareUnit, unit.unit), "patientId": patient,
                    "subject": "Ämne", "body": "Hej" }),
        ),
        ("workNoteSet", json!({ "planItemId": at.item, "expectedRowVersion": 1, "text": "Ring först" })),
    ]
}

/// A record that nothing has: the same shape, other ids. The slot is a real one, which is no secret.
pub fn nowhere(like: &Record) -> Record {
    let patient = TestPatient { id: PatientId(Uuid::new_v4()), ..like.patient.clone() };
    Record {
        patient,
        staff: like.staff.clone(),
        agreement: random(NodeKind::Agreement),
        offer: random(NodeKind::AgreementOffer),
        request: random(NodeKind::AgreementRequest),
        version: random(NodeKind::AgreementVersion),
        digest: "00".repeat(32),
        goal: random(NodeKind::Goal),
        item: random(NodeKind::PlanItem),
        instruction: random(NodeKind::SafetyInstruction),
        link: random(NodeKind::PlanLink),
        concern: random(NodeKind::PlanItemConcern),
        contact: random(NodeKind::CareContact),
        contact_request: random(NodeKind::ContactRequest),
        contact_offer: random(NodeKind::ContactOffer),
        absence: random(NodeKind::ContactAbsence),
        representative: random(NodeKind::Representative),
        appointment: Some(random(NodeKind::Appointment)),
        free_slot: like.free_slot.clone(),
        thread: random(NodeKind::Thread),
        message: random(NodeKind::ThreadMessage),
        task: random(NodeKind::Task),
        answers: random(NodeKind::BatteryAnswerSet),
        call: random(NodeKind::CallLogEntry),
    }
}

async fn record(app: &TestApp, patient: &TestPatient, staff: &Staff, times: Option<String>) -> Record {
    relate(&app.core, staff, patient).await;
    let named =
        represent(&app.core, patient, Kind::Relative, "195001012388", r#"{"BOOKING":"READ"}"#, false).await;
    let representative = global(NodeKind::Representative, named.id);
    let (care, own, word) = (&staff.identity, &patient.identity, patient.canary);
    let text = |what: &str| format!("{what} {word}");
    let unit = global(NodeKind::CareUnit, staff.unit);
    let input = json!({ "patientId": patient.global_id(), "how": "ON_SITE" });
    let offer = act(app, care, "agreementOffer", input).await.ok().text("/agreementOffer/offer/id");
    let input = json!({ "offerId": offer, "accepted": true, "words": text("Ja"), "expectedRowVersion": 1 });
    act(app, own, "agreementOfferAnswer", input).await.ok();
    let input = json!({ "careUnitId": unit, "why": text("Varför") });
    let request = act(app, own, "agreementRequest", input).await.ok().text("/agreementRequest/request/id");
    let input = json!({
        "patientId": patient.global_id(), "title": text("Plan"), "story": text("Berättelse"),
        "whatMatters": text("Viktigt"), "sharedGoal": text("Gemensamt"), "ownResponsibility": text("Eget"),
        "selfCare": text("Egenvård"), "whenToSeekHelp": text("Hjälp"), "howResultsCome": text("Svar"),
    });
    let created = act(app, care, "agreementCreate", input).await.ok();
    let agreement = created.text("/agreementCreate/agreement/id");
    let goal = act(app, care, "goalAdd", json!({ "agreementId": agreement, "text": text("Mål") })).await.ok();
    let goal = goal.text("/goalAdd/goal/id");
    let input = json!({
        "agreementId": agreement, "title": text("Insats"), "description": text("Beskrivning"),
        "category": "TREATMENT", "owner": "CARE", "goalId": goal, "timing": { "date": "2027-03-01" },
        "responsibleUnitId": unit, "workNote": text("Arbetsanteckning"), "resultHow": text("Resultat"),
    });
    let item = act(app, care, "planItemPropose", input).await.ok().text("/planItemPropose/planItem/id");
    let input = json!({
        "patientId": patient.global_id(), "role": "FAST_VARDKONTAKT", "howToReach": text("Ring"),
        "person": { "named": { "name": text("Kontakt"), "function": text("Roll"), "phone": "+46701740605" } },
    });
    let contact = act(app, care, "contactAppoint", input).await.ok().text("/contactAppoint/contact/id");
    let input = json!({ "role": "BEHANDLANDE_ROLL", "treatingKind": "PSYCHOLOGIST", "why": text("Därför") });
    let contact_request =
        act(app, own, "contactRequest", input).await.ok().text("/contactRequest/request/id");
    let input =
        json!({ "patientId": patient.global_id(), "role": "FAST_LAKARKONTAKT", "words": text("Vi har") });
    let contact_offer = act(app, care, "contactOffer", input).await.ok().text("/contactOffer/offer/id");
    let input = json!({ "who": { "contactId": contact }, "from": "2027-03-02T08:00:00+01:00",
                        "until": "2027-03-03T08:00:00+01:00" });
    let absence = act(app, care, "contactAbsenceRegister", input).await.ok();
    let absence = absence.text("/contactAbsenceRegister/absence/id");
    let seen = app.run(own, "{ me { agreement { rowVersion } } }", json!({})).await.ok();
    let input =
        json!({ "agreementId": agreement, "expectedRowVersion": seen.at("/me/agreement/rowVersion") });
    let proposed = act(app, care, "agreementPropose", input).await.ok();
    let version = proposed.text("/agreementPropose/agreement/currentVersion/id");
    let digest = proposed.text("/agreementPropose/agreement/currentVersion/digest");
    let input = json!({ "agreementId": agreement, "versionId": version, "digest": digest });
    act(app, own, "agreementAssent", input).await.ok();
    let input = json!({ "agreementId": agreement, "kind": "WARNING_SIGN", "text": text("Tecken") });
    let answer = act(app, care, "safetyInstructionAdd", input).await.ok();
    let instruction = answer.text("/safetyInstructionAdd/instruction/id");
    let input =
        json!({ "agreementId": agreement, "kind": "REHAB", "title": text("Rehab"), "holder": "Rehab" });
    let link = act(app, own, "planLinkAdd", input).await.ok().text("/planLinkAdd/link/id");
    let note = json!({ "about": { "goalId": goal }, "text": text("Anteckning") });
    act(app, own, "progressNoteAdd", note).await.ok();
    let concern = json!({ "planItemId": item, "kind": "ADVICE_CONFLICTS", "words": text("Går inte ihop") });
    let concern = act(app, care, "planItemConcernRaise", concern).await.ok();
    let concern = concern.text("/planItemConcernRaise/concern/id");
    let (mut appointment, mut free_slot) = (None, None);
    if let Some(kind) = times {
        let starts = ["2027-02-15T09:00", "2027-02-15T10:00", "2027-02-15T11:00"];
        let input = json!({ "appointmentTypeId": kind, "startsLocal": starts });
        let slots = act(app, care, "slotPublish", input).await.ok();
        let first = slots.text("/slotPublish/slots/0/id");
        free_slot = Some(slots.text("/slotPublish/slots/2/id"));
        let booked = act(app, own, "appointmentBook", json!({ "slotId": first })).await.ok();
        appointment = Some(booked.text("/appointmentBook/appointment/id"));
    }
    let input = json!({ "careUnitId": unit, "subject": text("Ämne"), "body": text("Meddelande") });
    let thread = act(app, own, "threadStart", input).await.ok().text("/threadStart/thread/id");
    let input = json!({ "threadId": thread, "body": text("Svar") });
    let message = act(app, care, "messageSend", input).await.ok().text("/messageSend/message/id");
    let choice = |kind: &str| json!({ "kind": kind, "channel": "MAIL", "optedIn": true, "textShown": text("Jag vill") });
    let input = json!({
        "choices": [choice("APPOINTMENT"), choice("MESSAGE")],
        "contactWays": { "mail": format!("{word}@example.se") },
    });
    act(app, own, "reminderPreferencesSet", input).await.ok();
    let input = json!({
        "patientId": patient.global_id(), "direction": "INCOMING", "withWhom": text("Med"), "about": text("Samtal"),
        "callback": { "by": "2027-02-01T15:00:00+01:00", "phone": "+46701740605" },
    });
    let call = act(app, care, "callLogAdd", input).await.ok().text("/callLogAdd/call/id");
    let agreement_row = agreement.parse::<GlobalId>().unwrap().id;
    let task = crate::task::raise_about(
        app,
        staff,
        patient,
        entity::task::Kind::Letter,
        agreement_row,
        Some(&text("Uppgift")),
    )
    .await;
    let input = json!({
        "battery": "eight-questions", "version": 1,
        "answers": [
            { "question": "viktigt", "text": text("Viktigast") },
            { "question": "nasta-steg", "choice": "NO", "comment": text("Kommentar") },
        ],
    });
    let answers = act(app, own, "batteryAnswer", input).await.ok().text("/batteryAnswer/batteryAnswers/id");
    Record {
        patient: patient.clone(),
        staff: staff.clone(),
        agreement,
        offer,
        request,
        version,
        digest,
        goal,
        item,
        instruction,
        link,
        concern,
        contact,
        contact_request,
        contact_offer,
        absence,
        representative,
        appointment,
        free_slot,
        thread,
        message,
        task: global(NodeKind::Task, task),
        answers,
        call,
    }
}

/// Every table and its whole content, in a form that can be compared. Without the access log and the idempotency
/// keys: a refusal is written there.
pub async fn tables(app: &TestApp) -> Vec<(String, String)> {
    let db = app.core.db.reader();
    let sqlite = app.core.db.is_sqlite();
    let rows = async |sql: String| {
        let found = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        found.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect::<Vec<_>>()
    };
    let names = if sqlite {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    } else {
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
    };
    let mut found = Vec::new();
    for table in rows(names.to_owned()).await {
        if table.starts_with("access_event") || table == "idempotency_key" {
            continue;
        }
        let one_row = if sqlite {
            let columns = rows(format!("SELECT name FROM pragma_table_info('{table}')")).await;
            let quoted: Vec<String> = columns.iter().map(|c| format!("quote(\"{c}\")")).collect();
            format!("SELECT {} FROM \"{table}\" ORDER BY 1", quoted.join(" || ',' || "))
        } else {
            format!("SELECT t::text FROM \"{table}\" t ORDER BY 1")
        };
        found.push((table, rows(one_row).await.join("\n")));
    }
    assert!(found.len() > 20, "only {} tables", found.len());
    found
}

/// Fails unless both are the same, and names the tables that differ.
#[track_caller]
pub fn assert_unchanged(before: &[(String, String)], after: &[(String, String)], what: &str) {
    let differ: Vec<&str> =
        before.iter().zip(after).filter(|(a, b)| a != b).map(|((name, _), _)| name.as_str()).collect();
    assert!(differ.is_empty(), "{what} changed {differ:?}");
}

/// An entry of the access log with its patients.
#[derive(Clone, Debug)]
pub struct Logged {
    pub event: access_event::Model,
    pub patients: Vec<PatientId>,
}

/// The access log from its `from`th entry on, in the order it was written.
pub async fn logged(app: &TestApp, from: usize) -> Vec<Logged> {
    let db = app.core.db.reader();
    let events = access_event::Entity::find().order_by_asc(access_event::Column::Seq).all(db).await.unwrap();
    let mut found = Vec::new();
    for event in events.into_iter().skip(from) {
        let of = access_event_patient::Entity::find()
            .filter(access_event_patient::Column::EventId.eq(event.id))
            .order_by_asc(access_event_patient::Column::PatientId);
        let patients = of.all(db).await.unwrap().into_iter().map(|row| row.patient_id).collect();
        found.push(Logged { event, patients });
    }
    found
}

/// How many entries the access log has.
pub async fn log_length(app: &TestApp) -> usize {
    logged(app, 0).await.len()
}

/// Everything of the caller's own record that `me` can show.
pub const ME: &str = "{ me { id givenName familyName personalIdentityNumber birthDate language careUnit { id name } \
    agreements { nodes { id title } } agreementOffers { id answerWords } agreementRequests { id why } \
    agreement { id status rowVersion careUnit { name } safetyInstructions { text } basedOn { title } history { nodes { what byName changes { label from to } } } \
      currentVersion { id title story whatMatters sharedGoal ownResponsibility selfCare whenToSeekHelp howResultsCome } \
      proposals { id title } goals { id text latestNotes { text } } \
      planItems { id title description latestNotes { text } concerns { words answer } resultHow statusReason goal { id text } responsibleUnit { name } } } \
    fixedCareContact { id name howToReach absence { id message } } contacts { id name function howToReach phone } \
    plannedContacts { id name } pastContacts { reason contact { id name } } \
    contactRequests { id why passes { reason } } contactOffers { id words answerWords } \
    nextAppointment { id startsAt careUnit { name } } parts { part complete missing { code field message } } \
    nextSteps { patient { title withWhom } care { title withWhom } } whoToContact { name phone message } \
    timeline { totalCount nodes { title unitName planItem { id title } appointment { id } } } \
    appointments { totalCount nodes { id startsAt } } \
    threads { totalCount nodes { id subject messages { totalCount nodes { id body authorName } } } } \
    batteryAnswers { nodes { id answers { text comment } } } reminderPreferences { id textShown } } }";
