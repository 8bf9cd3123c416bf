//! What of a patient lies in the database, in an answer and in the access log.

use entity::{PatientId, access_event, access_event_patient};
use harness::{Answer, TestApp, TestPatient};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement};
use uuid::Uuid;

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
    NodeKind::Reminder,
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
         task Task, thread Thread, thread_message ThreadMessage, time_wish TimeWish);
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
