//! What the database itself holds to, on the picked database: whatever the service does, these are refused.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod contacts;
mod exceptions;
mod objections;
mod rows;
mod values;

use std::collections::BTreeSet;

use entity::{
    agreement, agreement_version, appointment, battery_answer, battery_answer_set, guarantee_pause,
    item_concern, plan_item_mark, progress_note, question_battery,
};
use harness::database::{self, Kind, TestDatabase};
use migration::Migrator;
use rows::{World, at, id, insert};
use sea_orm::{
    ConnectionTrait as _, Database, DatabaseConnection, DbBackend, DbErr, SqlErr, TransactionTrait as _,
};
use sea_orm_migration::MigratorTrait as _;

/// A database with one valid row in every table.
async fn populated() -> (TestDatabase, DatabaseConnection, World) {
    let database = database::fresh_database().await;
    let db = Database::connect(&database.url).await.unwrap();
    let world = World::new();
    world.insert(&db).await.unwrap();
    (database, db, world)
}

/// Who refused: the named constraint or trigger, or a unique index or reference (SQLite does not name those).
#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, DbErr>, by: &str) {
    let error = result.expect_err(by);
    let refused = match by {
        "unique" => matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))),
        "reference" => matches!(error.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_))),
        named => error.to_string().contains(named),
    };
    assert!(refused, "should be refused by {by}, but: {error}");
}

#[tokio::test]
async fn every_table_takes_a_row_and_gives_it_back_through_its_entity() {
    let (_database, db, world) = populated().await;
    world.assert_stored(&db).await;
}

#[tokio::test]
async fn migrating_an_empty_database_makes_every_table_and_migrating_again_changes_nothing() {
    let database = database::empty(Kind::picked()).await;
    let db = Database::connect(&database.url).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    World::new().insert(&db).await.unwrap();

    Migrator::up(&db, None).await.unwrap();

    World::new().assert_stored(&db).await;
    assert!(Migrator::get_pending_migrations(&db).await.unwrap().is_empty());
    assert!(Migrator::down(&db, Some(1)).await.is_err(), "a step back would drop patient data");
}

#[test]
fn every_table_of_the_schema_is_covered_by_these_tests() {
    let made: BTreeSet<String> = migration::statements(DbBackend::Sqlite)
        .iter()
        .filter_map(|s| s.strip_prefix("CREATE TABLE \"")?.split('"').next().map(str::to_owned))
        .collect();
    assert_eq!(made, rows::TABLES.iter().map(|&t| t.to_owned()).collect());
}

#[tokio::test]
async fn a_patient_has_one_active_agreement_per_region() {
    let (_database, db, world) = populated().await;
    let second = |region: &str, status| {
        let (agreement_id, version_id) =
            (id(1000 + u128::from(region == "26")), id(2000 + u128::from(region == "26")));
        (
            agreement::Model {
                id: agreement_id,
                region: region.to_owned(),
                status,
                current_version_id: version_id,
                ..world.agreement.clone()
            },
            agreement_version::Model { id: version_id, agreement_id, ..world.agreement_version.clone() },
        )
    };
    let (same_region, _) = second("25", agreement::Status::Active);
    assert_refused(insert(&db, same_region).await, "unique");

    for (agreement, version) in
        [second("25", agreement::Status::Ended), second("26", agreement::Status::Active)]
    {
        let tx = db.begin().await.unwrap();
        insert(&tx, agreement).await.unwrap();
        insert(&tx, version).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn an_agreement_without_its_current_version_is_refused_at_commit() {
    let (_database, db, world) = populated().await;
    let lonely = agreement::Model {
        id: id(1000),
        region: "26".to_owned(),
        current_version_id: id(9999),
        ..world.agreement.clone()
    };
    let tx = db.begin().await.unwrap();
    insert(&tx, lonely).await.unwrap();
    assert_refused(tx.commit().await, "reference");
}

#[tokio::test]
async fn versions_are_numbered_once_with_one_draft_and_one_in_force() {
    use agreement_version::Status;
    let (_database, db, world) = populated().await;
    let version = |n: i32, status| agreement_version::Model {
        id: id(1000 + u128::try_from(n).unwrap()),
        number: n,
        status,
        ..world.agreement_version.clone()
    };
    assert_refused(insert(&db, version(1, Status::Proposed)).await, "unique");
    assert_refused(insert(&db, version(2, Status::Active)).await, "unique");
    assert_refused(insert(&db, version(0, Status::Proposed)).await, "ck_agreement_version_number_from_one");
    assert_refused(insert(&db, version(6, Status::Withdrawn)).await, "ck_agreement_version_withdrawn");
    insert(&db, version(3, Status::Draft)).await.unwrap();
    assert_refused(insert(&db, version(4, Status::Draft)).await, "unique");
    insert(&db, version(5, Status::Proposed)).await.unwrap();
}

#[tokio::test]
async fn what_a_version_says_is_fixed_once_it_is_proposed() {
    let (_database, db, world) = populated().await;
    let draft = agreement_version::Model {
        id: id(1000),
        number: 2,
        status: agreement_version::Status::Draft,
        hash: None,
        ..world.agreement_version.clone()
    };
    insert(&db, draft).await.unwrap();
    let bytes = if Kind::picked() == Kind::Sqlite { "x'00'" } else { "'\\x00'::bytea" };
    let propose = format!(
        "UPDATE agreement_version SET content = {bytes}, hash = {bytes}, status = 'PROPOSED' WHERE number = 2"
    );
    assert_eq!(db.execute_unprepared(&propose).await.unwrap().rows_affected(), 1);

    for change in [
        "content = ".to_owned() + bytes,
        "hash = NULL".to_owned(),
        "hash_format = 2".to_owned(),
        "number = 9".to_owned(),
        "base_version_id = id".to_owned(),
        "answers_version_id = id".to_owned(),
        "status = 'DRAFT'".to_owned(),
    ] {
        let update = format!("UPDATE agreement_version SET {change} WHERE number = 1");
        assert_refused(db.execute_unprepared(&update).await, "agreement_version_fixed");
    }
    let status = "UPDATE agreement_version SET status = 'SUPERSEDED', row_version = 2 WHERE number = 1";
    assert_eq!(db.execute_unprepared(status).await.unwrap().rows_affected(), 1);

    assert_refused(db.execute_unprepared("DELETE FROM agreement_version").await, "agreement_version_kept");
    for table in ["version_goal", "version_item"] {
        let column = if table == "version_goal" { "goal_id" } else { "plan_item_id" };
        let update = format!("UPDATE {table} SET {column} = {column}");
        assert_refused(db.execute_unprepared(&update).await, &format!("{table}_fixed"));
        assert_refused(
            db.execute_unprepared(&format!("DELETE FROM {table}")).await,
            &format!("{table}_kept"),
        );
    }
}

#[tokio::test]
async fn a_seat_is_booked_once_and_times_run_forward() {
    let (_database, db, world) = populated().await;
    let appointment = |n, seat_no| appointment::Model { id: id(n), seat_no, ..world.appointment.clone() };
    assert_refused(insert(&db, appointment(1000, 1)).await, "unique");
    assert_refused(insert(&db, appointment(1000, 0)).await, "ck_appointment_seat_no");
    insert(&db, appointment(1001, 2)).await.unwrap();
    let cancelled = appointment::Model { status: appointment::Status::Cancelled, ..appointment(1002, 1) };
    insert(&db, cancelled).await.unwrap();
    let backwards = appointment::Model { ends_at: at(60), ..appointment(1003, 3) };
    assert_refused(insert(&db, backwards).await, "ck_appointment_ends_after_start");

    let mut occupied = world.occupancy.clone();
    occupied.holder_id = id(3000);
    assert_refused(insert(&db, occupied).await, "unique");

    for (change, by) in [
        ("open_seats = -1", "ck_slot_open_seats"),
        ("open_seats = 3", "ck_slot_open_seats"),
        ("seats = 0, open_seats = 0", "ck_slot_seats"),
        ("ends_at = starts_at", "ck_slot_ends_after_start"),
        ("withdrawn_for = care_unit_id", "ck_slot_withdrawn_for"),
    ] {
        assert_refused(db.execute_unprepared(&format!("UPDATE slot SET {change}")).await, by);
    }
}

#[tokio::test]
async fn what_identifies_somebody_or_something_is_unique() {
    let (_database, db, world) = populated().await;
    macro_rules! refused_twin {
        ($($table:ident { $($field:ident: $value:expr),+ }),+ $(,)?) => {$(
            let mut twin = world.$table.clone();
            $(twin.$field = $value;)+
            assert_refused(insert(&db, twin).await, "unique");
        )+};
    }
    refused_twin! {
        care_provider { id: id(1000) },
        care_unit { id: id(1000) },
        staff_member { id: id(1000), hsa_id: None },
        staff_member { id: id(1000), subject: "another".to_owned() },
        assignment { id: id(1000) },
        patient_identity { id: id(1000), is_current: false },
        patient_identity { id: id(1000), lookup: entity::LookupHash(vec![99]) },
        reminder_preference { id: id(1000) },
        notice { id: id(1000) },
        guardian_reminder { id: id(1000) },
        staff_notice { id: id(1000) },
        reminder_ladder { id: id(1000) },
        access_event { id: id(1000) },
        idempotency_key { input_hash: vec![0] },
        data_key { wrapped: vec![0] },
        version_goal { goal_revision_id: id(13) },
        thread_read { read_at: at(9) },
    }
    let former = entity::patient_identity::Model {
        id: id(1000),
        lookup: entity::LookupHash(vec![99]),
        is_current: false,
        ..world.patient_identity.clone()
    };
    insert(&db, former).await.unwrap();
}

#[tokio::test]
async fn a_question_has_one_answer_and_a_set_of_answers_one_correction() {
    let (_database, db, world) = populated().await;
    let again = battery_answer::Model { id: id(1000), ..world.battery_answer.clone() };
    assert_refused(insert(&db, again).await, "unique");
    let neither = battery_answer::Model {
        id: id(1001),
        question: "var".to_owned(),
        choice: None,
        comment: None,
        ..world.battery_answer.clone()
    };
    assert_refused(insert(&db, neither.clone()).await, "ck_battery_answer_one_answer");
    let text = Some(entity::Sealed(vec![1]));
    let commented = battery_answer::Model { text: text.clone(), comment: text.clone(), ..neither.clone() };
    assert_refused(insert(&db, commented).await, "ck_battery_answer_one_answer");
    insert(&db, battery_answer::Model { text, ..neither }).await.unwrap();
    let correction = |n| battery_answer_set::Model {
        id: id(n),
        corrects_id: Some(world.battery_answer_set.id),
        ..world.battery_answer_set.clone()
    };
    insert(&db, correction(1002)).await.unwrap();
    assert_refused(insert(&db, correction(1003)).await, "unique");
    let same = question_battery::Model { id: id(1004), ..world.question_battery.clone() };
    assert_refused(insert(&db, same).await, "unique");
}

#[tokio::test]
async fn what_is_written_once_is_neither_changed_nor_deleted() {
    let (_database, db, world) = populated().await;
    let append_only = [
        ("goal_revision", "priority"),
        ("plan_item_revision", "category"),
        ("progress_note", "by_kind"),
        ("thread_message", "sent_at"),
        ("template_use", "version"),
        ("template_item", "item"),
        ("question_battery", "definition"),
        ("battery_answer_set", "channel"),
        ("battery_answer", "choice"),
        ("agreement_request_pass", "passed_at"),
        ("version_assent", "given"),
        ("change_entry", "action"),
        ("domain_event", "kind"),
        ("access_event", "action"),
        ("access_event_patient", "patient_id"),
    ];
    for (table, column) in append_only {
        let update = format!("UPDATE {table} SET {column} = {column}");
        assert_refused(db.execute_unprepared(&update).await, &format!("{table}_no_update"));
    }
    let kept = append_only.iter().map(|(table, _)| *table).chain([
        "data_key",
        "plan_item_mark",
        "item_concern",
        "guarantee_pause",
        "agreement_offer",
        "agreement_request",
        "plan_link",
        "safety_instruction",
        "version_objection",
        "guardian_exception",
    ]);
    for table in kept {
        let by = format!("{table}_no_delete");
        assert_refused(db.execute_unprepared(&format!("DELETE FROM {table}")).await, &by);
        if Kind::picked() == Kind::Postgres {
            assert_refused(db.execute_unprepared(&format!("TRUNCATE {table} CASCADE")).await, "_no_delete");
        }
    }
    world.assert_stored(&db).await;
}

#[tokio::test]
async fn what_happens_to_an_item_is_told_whole_or_not_at_all_and_a_concern_that_ended_stays_ended() {
    let (_database, db, world) = populated().await;
    for (change, by) in [
        ("referral_on = NULL", "ck_plan_item_referral"),
        ("result_told_how = NULL", "ck_plan_item_result_told"),
        ("relative_consent_by_id = NULL", "ck_plan_item_relative_consent"),
        ("guarantee_from = NULL", "ck_plan_item_guarantee"),
    ] {
        assert_refused(db.execute_unprepared(&format!("UPDATE plan_item SET {change}")).await, by);
    }
    let note = progress_note::Model { id: id(1000), ..world.progress_note.clone() };
    let about_nothing = progress_note::Model { goal_id: None, ..note.clone() };
    assert_refused(insert(&db, about_nothing).await, "ck_progress_note_about_one_thing");
    let about_two = progress_note::Model { plan_item_id: Some(world.plan_item.id), ..note.clone() };
    assert_refused(insert(&db, about_two).await, "ck_progress_note_about_one_thing");
    let correction = progress_note::Model { corrects_id: Some(world.progress_note.id), ..note };
    insert(&db, correction.clone()).await.unwrap();
    assert_refused(insert(&db, progress_note::Model { id: id(1001), ..correction }).await, "unique");

    let mark = plan_item_mark::Model { id: id(1000), ..world.plan_item_mark.clone() };
    assert_refused(insert(&db, mark).await, "unique");
    let backwards = guarantee_pause::Model {
        id: id(1000),
        until_day: world.guarantee_pause.from_day.pred_opt(),
        ..world.guarantee_pause.clone()
    };
    assert_refused(insert(&db, backwards).await, "ck_guarantee_pause_in_order");
    let second = guarantee_pause::Model { id: id(1000), ..world.guarantee_pause.clone() };
    assert_refused(insert(&db, second).await, "unique");

    let concern = item_concern::Model { id: id(1000), ..world.item_concern.clone() };
    assert_refused(insert(&db, concern).await, "unique");
    for (change, by) in [
        ("ended_at = created_at", "ck_item_concern_ended"),
        ("status = 'ANSWERED', ended_at = created_at, ended_by_kind = 'STAFF'", "ck_item_concern_answered"),
    ] {
        assert_refused(db.execute_unprepared(&format!("UPDATE item_concern SET {change}")).await, by);
    }
    let withdrawn =
        "UPDATE item_concern SET status = 'WITHDRAWN', ended_at = created_at, ended_by_kind = 'PATIENT'";
    assert_eq!(db.execute_unprepared(withdrawn).await.unwrap().rows_affected(), 1);
    let again = "UPDATE item_concern SET row_version = 7";
    assert_refused(db.execute_unprepared(again).await, "item_concern_ended");
}

#[tokio::test]
async fn a_row_that_others_refer_to_cannot_be_deleted_and_a_row_needs_what_it_refers_to() {
    let (_database, db, world) = populated().await;
    for table in ["patient", "care_unit", "care_provider", "staff_member", "slot", "thread", "goal"] {
        assert_refused(db.execute_unprepared(&format!("DELETE FROM {table}")).await, "reference");
    }
    let mut orphan = world.goal.clone();
    (orphan.id, orphan.agreement_id) = (id(1000), id(9999));
    assert_refused(insert(&db, orphan).await, "reference");
}

#[tokio::test]
async fn what_is_answered_ended_or_settled_stays_as_it_is_and_wordings_never_change() {
    let (_database, db, world) = populated().await;
    for (change, by) in [
        ("agreement_offer SET row_version = 2", "agreement_offer_answered"),
        ("agreement_request SET row_version = 2", "agreement_request_ended"),
        ("plan_link SET kind = 'SIP'", "plan_link_fixed"),
        ("plan_link SET fulfils = NOT fulfils", "plan_link_fixed"),
        ("safety_instruction SET kind = 'WARNING_SIGN'", "safety_instruction_fixed"),
        ("safety_instruction SET phone = '112'", "safety_instruction_fixed"),
    ] {
        assert_refused(db.execute_unprepared(&format!("UPDATE {change}")).await, by);
    }
    let open = |n, provider| entity::agreement_offer::Model {
        id: id(n),
        care_provider_id: provider,
        status: entity::agreement_offer::Status::Open,
        answered_at: None,
        answered_by_kind: None,
        ..world.agreement_offer.clone()
    };
    insert(&db, open(1000, id(1))).await.unwrap();
    assert_refused(insert(&db, open(1001, id(1))).await, "unique");
    let open = |n| entity::agreement_request::Model {
        id: id(n),
        status: entity::agreement_request::Status::Open,
        agreement_id: None,
        ended_at: None,
        ..world.agreement_request.clone()
    };
    insert(&db, open(1002)).await.unwrap();
    assert_refused(insert(&db, open(1003)).await, "unique");
    let whole = |n, removed| entity::plan_link::Model {
        id: id(n),
        fulfils: true,
        removed_at: removed,
        removed_by_kind: removed.map(|_| entity::access_event::ActorKind::Staff),
        ..world.plan_link.clone()
    };
    insert(&db, whole(1004, Some(at(3)))).await.unwrap();
    insert(&db, whole(1005, None)).await.unwrap();
    assert_refused(insert(&db, whole(1006, None)).await, "unique");
    let uncited = entity::safety_instruction::Model {
        id: id(1007),
        source_on: None,
        ..world.safety_instruction.clone()
    };
    assert_refused(insert(&db, uncited).await, "ck_safety_instruction_cites_its_source");
}

#[tokio::test]
async fn sqlite_refuses_an_instant_that_would_not_sort() {
    let database = database::fresh(Kind::Sqlite).await;
    let db = Database::connect(&database.url).await.unwrap();
    World::new().insert(&db).await.unwrap();
    let offset = "UPDATE slot SET starts_at = '2027-01-15T09:00:00+02:00'";
    assert!(db.execute_unprepared(offset).await.is_err());
    let text_for_bytes = "UPDATE slot SET schedule_id = 'not a uuid'";
    assert!(db.execute_unprepared(text_for_bytes).await.is_err());
}

#[test]
fn no_migration_imports_the_entities() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../migration");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("entity"), "migration/Cargo.toml depends on entity");
    for file in std::fs::read_dir(root.join("src")).unwrap() {
        let file = file.unwrap().path();
        assert!(!std::fs::read_to_string(&file).unwrap().contains("entity::"), "{}", file.display());
    }
}
