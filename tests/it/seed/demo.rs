//! The demo: its people and what a newcomer finds there.

use std::{sync::Arc, time::Duration};

use entity::{
    agreement, appointment, assignment, care_contact, care_unit, contact_way, notice, patient,
    patient_identity, slot, staff_member,
};
use harness::database::{TestDatabase, fresh_database};
use patientkontrakt::{
    app,
    clock::Clock,
    config::{Config, MissingKeys, Sources},
    db::{Db, DbOptions, Observer},
    domain::patient::IDENTITY_LOOKUP,
    seed::{self, SeedError},
    session::Core,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use tokio::sync::Notify;

use super::{core_observed, core_of, now};

async fn demo() -> (Core, TestDatabase) {
    let database = fresh_database().await;
    let core = core_of(&database, now()).await;
    seed::demo(&core).await.unwrap();
    (core, database)
}

#[tokio::test]
async fn the_demo_has_its_people_once_however_often_it_starts() {
    let (core, _database) = demo().await;
    let db = core.db.reader();
    let rows = async || {
        (
            patient::Entity::find().count(db).await.unwrap(),
            care_unit::Entity::find().count(db).await.unwrap(),
            notice::Entity::find().count(db).await.unwrap(),
        )
    };
    let first = rows().await;
    assert!(first.0 >= 40 && first.1 == 4 && first.2 > 0, "{first:?}");
    core.clock.advance(chrono::TimeDelta::days(40));
    seed::demo(&core).await.unwrap();
    assert_eq!(rows().await, first);
}

/// A busy machine makes the start of the demo slow, and does not stop it: the time that a request gets is none that
/// writing all its people must keep to.
#[tokio::test]
async fn the_demo_is_laid_however_little_time_a_request_gets() {
    let database = fresh_database().await;
    let data = tempfile::tempdir().unwrap();
    let sources =
        Sources::default().with("database.url", &database.url).with("database.timeout_seconds", "0.1");
    let config = Config::demo(Some(data.path().to_owned()), None, sources, MissingKeys::AreMade).unwrap();
    assert_eq!(config.db_options().timeout, Duration::from_millis(100));
    app::lay_demo(&config, &Clock::manual(now())).await.unwrap();
    let (whole, _whole) = demo().await;
    let laid =
        Db::connect(&DbOptions { timeout: Duration::from_mins(1), ..config.db_options() }).await.unwrap();
    let people = async |db: &Db| patient::Entity::find().count(db.reader()).await.unwrap();
    assert_eq!(people(&laid).await, people(&whole.db).await);
}

/// A demo that was stopped while its people were written says so at the next start, and shows nobody half a story.
#[tokio::test]
async fn a_demo_that_was_stopped_in_the_middle_is_not_taken_for_a_whole_one() {
    let database = fresh_database().await;
    let middle = Arc::new(Notify::new());
    let reached = Arc::clone(&middle);
    let observer: Observer = Arc::new(move |sql: &str| {
        if sql.contains("INTO \"idempotency_key\"") {
            reached.notify_one();
        }
    });
    let core = core_observed(&database, now(), Some(observer)).await;
    tokio::select! {
        biased;
        () = middle.notified() => {}
        done = seed::demo(&core) => panic!("nothing stopped it: {done:?}"),
    }
    core.db.close().await;
    let core = core_of(&database, now()).await;
    assert!(patient::Entity::find().count(core.db.reader()).await.unwrap() > 0);
    assert!(matches!(seed::demo(&core).await, Err(SeedError::Unfinished)));
}

#[tokio::test]
async fn the_demo_tells_of_an_active_plan_a_waiting_one_none_and_a_protected_person() {
    let (core, _database) = demo().await;
    let db = core.db.reader();
    let count = async |status| {
        agreement::Entity::find().filter(agreement::Column::Status.eq(status)).count(db).await.unwrap()
    };
    assert!(count(agreement::Status::Active).await > 30);
    // A patient's, a child's, one by word of mouth, one who cannot decide now, and one to choose between.
    assert_eq!(count(agreement::Status::Proposed).await, 5);
    assert!(count(agreement::Status::Ended).await >= 1);
    let agreements = agreement::Entity::find().all(db).await.unwrap();
    let patients = patient::Entity::find().all(db).await.unwrap();
    let without = patients.iter().filter(|p| agreements.iter().all(|a| a.patient_id != p.id)).count();
    assert_eq!(without, 2);
    let hidden = patients.iter().filter(|p| p.protected_identity != patient::ProtectedIdentity::None);
    assert_eq!(hidden.count(), 1);
    assert!(patients.iter().all(|p| p.family_name.starts_with("Test")));
}

#[tokio::test]
async fn the_first_demo_patient_has_a_plan_contacts_a_time_soon_and_reminders_ahead() {
    let (core, _database) = demo().await;
    let db = core.db.reader();
    let hashes = core.keys.lookup_hashes(IDENTITY_LOOKUP, seed::DEMO_PATIENT_NUMBER);
    let found = patient_identity::Entity::find().filter(patient_identity::Column::Lookup.is_in(hashes));
    let who = found.one(db).await.unwrap().unwrap().patient_id;
    let plan = agreement::Entity::find().filter(agreement::Column::PatientId.eq(who)).all(db).await.unwrap();
    assert_eq!(plan.iter().map(|a| a.status).collect::<Vec<_>>(), [agreement::Status::Active]);
    let contacts = care_contact::Entity::find().filter(care_contact::Column::PatientId.eq(who));
    assert_eq!(contacts.count(db).await.unwrap(), 5);
    let next = appointment::Entity::find()
        .filter(appointment::Column::PatientId.eq(who))
        .filter(appointment::Column::StartsAt.gt(now()))
        .order_by_asc(appointment::Column::StartsAt)
        .one(db)
        .await
        .unwrap()
        .unwrap();
    assert!(next.starts_at < now() + chrono::TimeDelta::days(8));
    let notices =
        notice::Entity::find().filter(notice::Column::AppointmentId.eq(next.id)).all(db).await.unwrap();
    let due = |channel, rule: &str| {
        notices.iter().find(|n| n.channel == channel && n.rule == rule).map(|n| (n.state, n.due_at))
    };
    let planned = notice::State::Planned;
    assert_eq!(due(contact_way::Channel::Mail, "CONFIRMATION"), Some((planned, now())));
    let (state, at) = due(contact_way::Channel::Sms, "BEFORE_DEADLINE").unwrap();
    assert!(state == planned && at > now() && at < next.cancel_by);

    let hsa = seed::DEMO_ASSIGNMENT_HSA_ID.to_lowercase();
    let under =
        assignment::Entity::find().filter(assignment::Column::HsaId.eq(hsa)).one(db).await.unwrap().unwrap();
    let member = staff_member::Entity::find_by_id(under.staff_member_id).one(db).await.unwrap().unwrap();
    assert_eq!(member.hsa_id, Some(seed::DEMO_STAFF_HSA_ID.to_lowercase()));
    assert_eq!(under.role, assignment::Role::Care);
}

#[tokio::test]
async fn in_the_demo_every_unit_has_free_times_and_nothing_but_the_new_booking_is_sent_at_once() {
    let (core, _database) = demo().await;
    let db = core.db.reader();
    let soon = now() + chrono::TimeDelta::weeks(2);
    for unit in care_unit::Entity::find().all(db).await.unwrap() {
        let free = slot::Entity::find()
            .filter(slot::Column::CareUnitId.eq(unit.id))
            .filter(slot::Column::WebBookable.eq(true))
            .filter(slot::Column::OpenSeats.gt(0))
            .filter(slot::Column::StartsAt.between(now(), soon));
        assert!(free.count(db).await.unwrap() > 20, "{}", unit.name);
    }
    let due = notice::Entity::find()
        .filter(notice::Column::State.eq(notice::State::Planned))
        .filter(notice::Column::DueAt.lte(now()))
        .all(db)
        .await
        .unwrap();
    assert!(!due.is_empty() && due.iter().all(|n| n.rule == "CONFIRMATION"));
    assert!(due.iter().all(|n| n.patient_id == due[0].patient_id));
}
