//! A death ends at once what would go on without anybody looking.

use entity::{
    agreement, agreement_offer, agreement_request, appointment, care_contact, change_entry, contact_offer,
    contact_request, notice, occupancy, patient, register_event, slot, task,
};
use futures_util::future::join_all;
use harness::{TestApp, database::Kind, relate};
use patientkontrakt::{
    domain::{
        history::Owner,
        sweep,
        task::{self as tasks, Raise},
    },
    graphql::scalars::NodeKind,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, PaginatorTrait, QueryFilter, Statement,
    TransactionTrait, sea_query::Expr,
};
use serde_json::{Value, json};

use crate::{
    acts::{AGREEMENT, act, active, draft, global},
    task::system,
};

const PATIENT: &str = "patient { id }";

fn died(patient: &harness::TestPatient, on: &str) -> Value {
    json!({ "patientId": patient.global_id(), "diedOn": on })
}

async fn appointed(app: &TestApp, patient: &harness::TestPatient) {
    let person = json!({ "assignmentId": global(NodeKind::Assignment, app.world.s1.assignment) });
    let input = json!({ "patientId": patient.global_id(), "role": "FAST_VARDKONTAKT", "person": person });
    act(app, &app.world.s1.identity, "contactAppoint", "contact { id }", input).await.ok();
}

async fn booked(app: &TestApp, patient: &harness::TestPatient) -> Value {
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit),
        "startsLocal": ["2027-02-15T09:00"],
    });
    let slots = act(app, &app.world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
    let input = json!({ "slotId": slots.at("/slotPublish/slots/0/id") });
    let answer = act(app, &patient.identity, "appointmentBook", "appointment { id }", input).await.ok();
    answer.at("/appointmentBook/appointment/id").clone()
}

/// **R** "Death stops sends, sweeps and representatives at once, frees booked times and ends the agreement."
#[tokio::test]
async fn a_death_stops_sends_frees_times_and_ends_agreements_tasks_and_requests_at_once() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let choices = json!([
        { "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "textShown": "Ja" },
        { "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Ja" },
    ]);
    let input = json!({ "choices": choices, "contactWays": { "mail": "etta@example.se" } });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
    relate(&app.core, s3, p1).await;
    let unit = global(NodeKind::CareUnit, s3.unit);
    act(&app, &p1.identity, "agreementRequest", "request { id }", json!({ "careUnitId": unit })).await.ok();
    let input = json!({ "patientId": p1.global_id(), "how": "LETTER" });
    act(&app, &s3.identity, "agreementOffer", "offer { id }", input).await.ok();
    active(&app, s1, p1).await;
    appointed(&app, p1).await;
    let asked = json!({ "role": "FAST_LAKARKONTAKT", "why": "Jag vill ha en egen läkare." });
    act(&app, &p1.identity, "contactRequest", "request { id }", asked).await.ok();
    let offered =
        json!({ "patientId": p1.global_id(), "role": "BEHANDLANDE_ROLL", "treatingKind": "COUNSELLOR" });
    act(&app, &s1.identity, "contactOffer", "offer { id }", offered).await.ok();
    booked(&app, p1).await;
    let db = app.core.db.reader();
    let planned =
        || notice::Entity::find().filter(notice::Column::State.eq(notice::State::Planned)).count(db);
    assert!(planned().await.unwrap() > 1);
    assert!(
        occupancy::Entity::find().filter(occupancy::Column::SubjectId.eq(p1.id.0)).count(db).await.unwrap()
            > 0
    );

    let future = act(&app, &s1.identity, "patientDeceasedRecord", PATIENT, died(p1, "2027-02-02")).await;
    assert_eq!(future.user_error_codes("patientDeceasedRecord"), ["BAD_USER_INPUT"]);
    act(&app, &s1.identity, "patientDeceasedRecord", PATIENT, died(p1, "2027-01-31")).await.ok();
    let again = act(&app, &s1.identity, "patientDeceasedRecord", PATIENT, died(p1, "2027-01-31")).await;
    assert_eq!(again.user_error_codes("patientDeceasedRecord"), ["WRONG_STATE"]);

    // Nothing is sent, not even that the time was cancelled.
    assert_eq!(planned().await.unwrap(), 0);
    let all = notice::Entity::find().all(db).await.unwrap();
    assert!(all.iter().all(|n| n.state == notice::State::Withdrawn), "{all:?}");
    // The time is free for somebody else.
    let time = appointment::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(time.status, appointment::Status::Cancelled);
    assert_eq!(slot::Entity::find().one(db).await.unwrap().unwrap().open_seats, 1);
    assert_eq!(
        occupancy::Entity::find().filter(occupancy::Column::SubjectId.eq(p1.id.0)).count(db).await.unwrap(),
        0
    );
    let plan = agreement::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(
        (plan.status, plan.end_reason),
        (agreement::Status::Ended, Some(agreement::EndReason::Deceased))
    );
    // With every provider: the request and the offer were another's.
    let request = agreement_request::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(request.status, agreement_request::Status::Deceased);
    let offer = agreement_offer::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(offer.status, agreement_offer::Status::Deceased);
    // The contacts' roles end, and the register is told; what was asked for and offered waits no longer.
    let role = care_contact::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(role.status, care_contact::Status::Ended);
    let ended = register_event::Entity::find()
        .filter(register_event::Column::Change.eq(register_event::Change::Ended));
    assert_eq!(ended.count(db).await.unwrap(), 1);
    let asked = contact_request::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(asked.status, contact_request::Status::Deceased);
    let offered = contact_offer::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(offered.status, contact_offer::Status::Deceased);
    let open = task::Entity::find().filter(task::Column::Status.eq(task::Status::Open));
    assert_eq!(open.count(db).await.unwrap(), 0);
    // And nothing begins, or is raised, any more.
    app.clock.advance(chrono::TimeDelta::days(400));
    assert_eq!(sweep::run(&app.core).await.unwrap().raised, 0);
    let owner = Owner { patient: p1.id, care_unit: s1.unit, care_provider: s1.provider, agreement: None };
    let (kind, subject, due_at) = (task::Kind::Letter, uuid::Uuid::new_v4(), app.clock.now());
    let raise = Raise { kind, owner, assignee: None, subject, due_at, note: None };
    let session = system(&app);
    let raised = app.core.db.write(async |tx| tasks::raise(tx, &session, &raise).await).await.unwrap();
    assert_eq!(raised, None, "whatever a sweep finds");
    let input = json!({ "patientId": p1.global_id(), "title": "För sent" });
    relate(&app.core, s1, p1).await;
    let late = act(&app, &s1.identity, "agreementCreate", AGREEMENT, input).await;
    assert_eq!(late.user_error_codes("agreementCreate"), ["CONFLICT"]);
}

/// A death that was recorded by mistake is taken back with its reason; both stay in the history, and each unit that lost
/// something is told to take it up with the patient.
#[tokio::test]
async fn a_death_recorded_by_mistake_is_corrected_with_a_reason_and_each_unit_is_told() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    relate(&app.core, s3, p1).await;
    let input = json!({ "patientId": p1.global_id(), "how": "LETTER" });
    act(&app, &s3.identity, "agreementOffer", "offer { id }", input).await.ok();
    active(&app, s1, p1).await;
    let name = "patientDeceasedCorrect";
    let correct = |reason: &str| json!({ "patientId": p1.global_id(), "reason": reason });
    let alive = act(&app, &s1.identity, name, PATIENT, correct("Fel person.")).await;
    assert_eq!(alive.user_error_codes(name), ["WRONG_STATE"]);
    act(&app, &s1.identity, "patientDeceasedRecord", PATIENT, died(p1, "2027-01-31")).await.ok();

    for (who, reason, code) in [
        (&p1.identity, "Jag lever.", "FORBIDDEN"),
        (&app.world.s2.identity, "Fel person.", "NOT_FOUND"),
        (&s1.identity, " ", "BAD_USER_INPUT"),
    ] {
        let answer = act(&app, who, name, PATIENT, correct(reason)).await;
        assert_eq!(answer.user_error_codes(name), [code]);
    }
    act(&app, &s1.identity, name, PATIENT, correct("Fel person var vald.")).await.ok();
    let db = app.core.db.reader();
    let told = task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::PlanSignal))
        .filter(task::Column::Status.eq(task::Status::Open))
        .all(db)
        .await
        .unwrap();
    let mut units: Vec<_> = told.iter().map(|t| t.care_unit_id).collect();
    units.sort();
    let mut expected = vec![s1.unit, s3.unit];
    expected.sort();
    assert_eq!(units, expected);
    let entries = change_entry::Entity::find().filter(change_entry::Column::SubjectKind.eq("patient"));
    let actions: Vec<_> = entries.all(db).await.unwrap().into_iter().map(|e| e.action).collect();
    assert_eq!(actions, ["patientDeceasedRecord", name]);
    // Nobody's yes is assumed anew; a new agreement can be drawn up.
    let input = json!({ "patientId": p1.global_id(), "title": "Min nya plan" });
    act(&app, &s1.identity, "agreementCreate", AGREEMENT, input).await.ok();
}

#[tokio::test]
async fn a_death_is_recorded_once_by_care_that_has_a_relation_to_the_patient() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    draft(&app, s1, p1).await;
    for (who, code) in [
        (&s2.identity, "NOT_FOUND"),
        (&p1.identity, "FORBIDDEN"),
        (&app.world.manager.identity, "FORBIDDEN"),
        (&app.world.analyst.identity, "FORBIDDEN"),
    ] {
        let answer = act(&app, who, "patientDeceasedRecord", PATIENT, died(p1, "2027-01-31")).await;
        assert_eq!(answer.user_error_codes("patientDeceasedRecord"), [code]);
    }
    let answers = join_all(
        (0..20).map(|_| act(&app, &s1.identity, "patientDeceasedRecord", PATIENT, died(p1, "2027-01-31"))),
    )
    .await;
    let refused = answers.iter().filter(|a| a.user_error_codes("patientDeceasedRecord") == ["WRONG_STATE"]);
    assert_eq!(refused.count(), 19);
}

/// Nobody writes in the name of the dead; and what waited for an answer when a death was recorded by mistake waits anew.
#[tokio::test]
async fn a_message_that_waited_waits_anew_when_a_death_is_taken_back() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let unit = global(NodeKind::CareUnit, s1.unit);
    let input = json!({ "careUnitId": unit, "subject": "Fråga", "body": "Jag har ont, kan ni ringa?" });
    let started = act(&app, &p1.identity, "threadStart", "thread { id }", input).await.ok();
    let thread = started.at("/threadStart/thread/id").clone();
    relate(&app.core, s1, p1).await;
    act(&app, &s1.identity, "patientDeceasedRecord", PATIENT, died(p1, "2027-01-31")).await.ok();
    let db = app.core.db.reader();
    let open = || {
        let of = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::UnansweredMessage));
        of.filter(task::Column::Status.eq(task::Status::Open)).count(db)
    };
    assert_eq!(open().await.unwrap(), 0);
    let message = json!({ "threadId": thread, "body": "Hallå?" });
    for who in [&p1.identity, &s1.identity] {
        let late = act(&app, who, "messageSend", "message { id }", message.clone()).await;
        assert_eq!(late.user_error_codes("messageSend"), ["CONFLICT"]);
    }

    let correct = json!({ "patientId": p1.global_id(), "reason": "Fel person." });
    act(&app, &s1.identity, "patientDeceasedCorrect", PATIENT, correct).await.ok();
    assert_eq!(open().await.unwrap(), 1);
    act(&app, &p1.identity, "messageSend", "message { id }", message).await.ok();
    assert_eq!(open().await.unwrap(), 1, "the message rests on the same promise");
}

async fn write_death(db: &impl ConnectionTrait, on: Option<chrono::NaiveDate>) {
    let row = patient::Entity::update_many().col_expr(patient::Column::DeceasedOn, Expr::value(on));
    row.exec(db).await.unwrap();
}

/// R: whoever begins something holds the patient first and then looks whether they live: a death that is being recorded
/// comes before it.
#[tokio::test]
async fn what_is_begun_while_a_death_is_recorded_is_refused() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let unit = global(NodeKind::CareUnit, s1.unit);
    let question = json!({ "careUnitId": unit, "subject": "Fråga", "body": "Kan ni ringa?" });
    let started = act(&app, &p1.identity, "threadStart", "thread { id }", question.clone()).await.ok();
    let answer = json!({ "threadId": started.at("/threadStart/thread/id"), "body": "Ja, i morgon." });
    let (care, patient, whom) = (&s1.identity, &p1.identity, p1.global_id());
    let person = json!({ "assignmentId": global(NodeKind::Assignment, s1.assignment) });
    let role = "FAST_VARDKONTAKT";
    let acts = [
        ("agreementCreate", "agreement { id }", care, json!({ "patientId": whom, "title": "För sent" })),
        (
            "batteryAnswer",
            "batteryAnswers { id }",
            patient,
            json!({ "battery": "eight-questions", "version": 1,
                    "answers": [{ "question": "hjalp-att-samordna", "choice": "YES" }] }),
        ),
        (
            "careRelationRegister",
            PATIENT,
            care,
            json!({ "patientNumber": p1.number, "declaration": "PATIENT_PRESENT", "reason": "Drop-in" }),
        ),
        (
            "contactAppoint",
            "contact { id }",
            care,
            json!({ "patientId": whom, "role": role, "person": person }),
        ),
        ("contactOffer", "offer { id }", care, json!({ "patientId": whom, "role": role })),
        ("contactRequest", "request { id }", patient, json!({ "role": role, "why": "Jag vill ha en." })),
        ("messageSend", "message { id }", care, answer),
        ("patientLanguageSet", PATIENT, patient, json!({ "language": "en" })),
        ("patientNeedsSet", PATIENT, patient, json!({ "accessNeeds": "Hörslinga", "expectedRowVersion": 1 })),
        (
            "representativeGrant",
            "representative { id }",
            patient,
            json!({ "number": app.world.p2.number, "name": "Anna Anhörig", "mayAssent": false,
                    "rights": [{ "area": "BOOKING", "level": "ACT" }] }),
        ),
        ("threadStart", "thread { id }", patient, question),
    ];
    let (db, died) = (app.core.db.reader(), Some(app.clock.now().date_naive()));
    for (name, selection, who, input) in acts {
        let answer = if Kind::picked() == Kind::Postgres {
            let other = db.begin().await.unwrap();
            write_death(&other, died).await;
            let waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event_type = 'Lock'";
            let commit = async {
                let statement = Statement::from_string(DatabaseBackend::Postgres, waiting);
                while db.query_one_raw(statement.clone()).await.unwrap().is_none() {}
                other.commit().await.unwrap();
            };
            let both = async { tokio::join!(act(&app, who, name, selection, input), commit) };
            tokio::time::timeout(std::time::Duration::from_secs(20), both).await.expect(name).0
        } else {
            write_death(db, died).await;
            act(&app, who, name, selection, input).await
        };
        assert_eq!(answer.user_error_codes(name), ["CONFLICT"], "{name}");
        write_death(db, None).await;
    }
}
