//! What the database holds to about objections: one to a version stands, and none is altered.

use entity::{access_event::ActorKind, version_objection};
use sea_orm::ConnectionTrait as _;

use super::{
    assert_refused, populated,
    rows::{id, insert},
};

#[tokio::test]
async fn one_objection_to_a_version_stands_and_only_its_ending_is_added_once() {
    let (_database, db, world) = populated().await;
    let open = |n| version_objection::Model {
        id: id(n),
        ended_at: None,
        ending: None,
        ..world.version_objection.clone()
    };
    insert(&db, open(1000)).await.unwrap();
    assert_refused(insert(&db, open(1001)).await, "unique");
    for (row, by) in [
        (version_objection::Model { by_kind: ActorKind::Staff, ..open(1002) }, "by"),
        (version_objection::Model { by_kind: ActorKind::Representative, ..open(1002) }, "recorded"),
        (version_objection::Model { how: None, ..open(1002) }, "recorded"),
        (version_objection::Model { ended_at: world.version_objection.ended_at, ..open(1002) }, "ended"),
    ] {
        assert_refused(insert(&db, row).await, &format!("ck_version_objection_{by}"));
    }

    let update = |change: &str| format!("UPDATE version_objection SET {change} WHERE ended_at IS NULL");
    for change in [
        "id = agreement_id",
        "agreement_id = id",
        "version_id = id",
        "patient_id = id",
        "care_unit_id = id",
        "care_provider_id = id",
        "by_kind = 'REPRESENTATIVE'",
        "by_id = id",
        "at = '2026-01-01 00:00:00+00:00'",
        "words = NULL",
        "recorded_by = NULL",
        "how = 'LETTER'",
    ] {
        assert_refused(db.execute_unprepared(&update(change)).await, "version_objection_fixed");
    }
    assert_refused(db.execute_unprepared(&update("ended_at = at")).await, "ck_version_objection_ended");
    let end = update("ended_at = at, ending = 'OVERRULED'");
    assert_eq!(db.execute_unprepared(&end).await.unwrap().rows_affected(), 1);
    for change in ["ended_at = NULL, ending = NULL", "ending = 'LAPSED'"] {
        let again = format!("UPDATE version_objection SET {change}");
        assert_refused(db.execute_unprepared(&again).await, "version_objection_fixed");
    }
    // The next one is an objection of its own.
    insert(&db, open(1003)).await.unwrap();
}
