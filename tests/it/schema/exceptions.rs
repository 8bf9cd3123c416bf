//! What the database holds to about exceptions for guardians: one stands at a time, and none is altered.

use entity::guardian_exception;
use sea_orm::ConnectionTrait as _;

use super::{
    assert_refused, populated,
    rows::{id, insert},
};

#[tokio::test]
async fn one_exception_for_a_guardian_stands_and_only_its_end_is_added_once() {
    let (_database, db, world) = populated().await;
    let open = |n| guardian_exception::Model {
        id: id(n),
        ended_at: None,
        ended_by: None,
        end_reason: None,
        ..world.guardian_exception.clone()
    };
    insert(&db, open(1000)).await.unwrap();
    assert_refused(insert(&db, open(1001)).await, "unique");
    let update = |change: &str| format!("UPDATE guardian_exception SET {change} WHERE ended_at IS NULL");
    for change in [
        "id = agreement_id",
        "agreement_id = id",
        "patient_id = id",
        "care_unit_id = id",
        "care_provider_id = id",
        "representative_id = id",
        "reason = NULL",
        "recorded_by = id",
        "at = '2026-01-01 00:00:00+00:00'",
    ] {
        assert_refused(db.execute_unprepared(&update(change)).await, "guardian_exception_fixed");
    }
    assert_refused(
        db.execute_unprepared(&update("ended_by = recorded_by")).await,
        "ck_guardian_exception_ended",
    );
    assert_eq!(db.execute_unprepared(&update("ended_at = at")).await.unwrap().rows_affected(), 1);
    let again = db.execute_unprepared("UPDATE guardian_exception SET ended_at = NULL").await;
    assert_refused(again, "guardian_exception_fixed");
    // The next one is an exception of its own.
    insert(&db, open(1002)).await.unwrap();
}
