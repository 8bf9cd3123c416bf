//! Three patients with everything a patient can have, made through the API itself. Every text about a patient holds
//! that patient's own word, so that a leak can be seen.

mod aims;
mod marks;

use entity::{PatientId, representative::Kind};
use harness::{Answer, Staff, TestApp, TestPatient, relate, represent};
use patientkontrakt::graphql::scalars::{GlobalId, NodeKind};
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::{
    aims::{act, document, document_selecting, mutations},
    marks::{
        KINDS, Logged, ME, assert_nothing_of, assert_unchanged, log_length, logged, rows_about, tables,
        traces,
    },
};

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
    /// Of nothing at the unit that offers no times.
    pub wish: String,
    /// A time that the patient holds.
    pub hold: Option<String>,
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
        wish: random(NodeKind::TimeWish),
        hold: like.hold.as_ref().map(|_| random(NodeKind::SlotHold)),
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
    let (mut appointment, mut free_slot, mut hold, mut wish) = (None, None, None, random(NodeKind::TimeWish));
    if let Some(kind) = times {
        let input = json!({ "appointmentTypeId": kind, "content": { "until": "2027-03-31" } });
        wish = act(app, own, "timeWishLeave", input).await.ok().text("/timeWishLeave/wish/id");
        let starts = ["2027-02-15T09:00", "2027-02-15T10:00", "2027-02-15T11:00"];
        let input = json!({ "appointmentTypeId": kind, "startsLocal": starts });
        let slots = act(app, care, "slotPublish", input).await.ok();
        let first = slots.text("/slotPublish/slots/0/id");
        free_slot = Some(slots.text("/slotPublish/slots/2/id"));
        let booked = act(app, own, "appointmentBook", json!({ "slotId": first })).await.ok();
        appointment = Some(booked.text("/appointmentBook/appointment/id"));
        let second = slots.text("/slotPublish/slots/1/id");
        let held = act(app, own, "slotHold", json!({ "slotId": second })).await.ok();
        hold = Some(held.text("/slotHold/hold/id"));
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
        wish,
        hold,
        thread,
        message,
        task: global(NodeKind::Task, task),
        answers,
        call,
    }
}
