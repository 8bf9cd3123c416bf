//! What the database holds to about contacts and the work around them.

use entity::{agreement_offer, care_contact, contact_absence, contact_offer, contact_request};
use sea_orm::ConnectionTrait as _;

use super::{
    assert_refused, populated,
    rows::{at, id, insert},
};

#[tokio::test]
async fn a_patient_has_one_lead_contact_per_region_and_one_doctor() {
    use care_contact::{Role, Status};
    let (_database, db, world) = populated().await;
    let contact = |n, region: &str, role, is_lead, status| care_contact::Model {
        id: id(n),
        region: region.to_owned(),
        role,
        is_lead,
        status,
        ended_at: (status == Status::Ended).then(|| at(1)),
        ..world.care_contact.clone()
    };
    let lead = Role::FastVardkontakt;
    // Refused by the trigger on times, and by the unique key if two should pass it at once.
    assert_refused(
        insert(&db, contact(1001, "25", lead, true, Status::Active)).await,
        "care_contact_overlap",
    );
    insert(&db, contact(1002, "26", lead, true, Status::Active)).await.unwrap();
    insert(&db, contact(1003, "25", lead, false, Status::Active)).await.unwrap();
    insert(&db, contact(1004, "25", lead, true, Status::Ended)).await.unwrap();

    let doctor = Role::FastLakarkontakt;
    insert(&db, contact(1005, "25", doctor, false, Status::Active)).await.unwrap();
    assert_refused(
        insert(&db, contact(1006, "26", doctor, false, Status::Active)).await,
        "care_contact_overlap",
    );
    insert(&db, contact(1007, "26", doctor, false, Status::Ended)).await.unwrap();
}

#[tokio::test]
async fn a_role_for_one_has_one_holder_at_every_moment_planned_or_not() {
    use care_contact::{Role, Status};
    let (_database, db, world) = populated().await;
    let doctor = |n, status, from: i64, until: Option<i64>| care_contact::Model {
        id: id(n),
        role: Role::FastLakarkontakt,
        is_lead: false,
        status,
        valid_from: at(from),
        valid_until: until.map(at),
        ..world.care_contact.clone()
    };
    insert(&db, doctor(1001, Status::Active, 0, Some(100))).await.unwrap();
    assert_refused(insert(&db, doctor(1002, Status::Planned, 99, None)).await, "care_contact_overlap");
    insert(&db, doctor(1003, Status::Planned, 100, Some(200))).await.unwrap();
    assert_refused(insert(&db, doctor(1004, Status::Planned, 150, None)).await, "care_contact_overlap");
    insert(&db, doctor(1005, Status::Planned, 200, None)).await.unwrap();
    // Nor can the first be made to last longer,
    let longer =
        "UPDATE care_contact SET valid_until = NULL WHERE status = 'ACTIVE' AND role = 'FAST_LAKARKONTAKT'";
    assert_refused(db.execute_unprepared(longer).await, "care_contact_overlap_later");
    // or two be active at once, whatever their times say.
    let both = "UPDATE care_contact SET status = 'ACTIVE' WHERE role = 'FAST_LAKARKONTAKT'";
    assert_refused(db.execute_unprepared(both).await, "unique");
}

#[tokio::test]
async fn a_contact_is_of_its_role_and_ends_on_record() {
    use care_contact::{Consultation, Role, Status, ToldGround, TreatingKind};
    let (_database, db, world) = populated().await;
    let row = || care_contact::Model { id: id(1001), is_lead: false, ..world.care_contact.clone() };
    for (bad, by) in [
        (care_contact::Model { role: Role::BehandlandeRoll, ..row() }, "treating_kind_of_role"),
        (
            care_contact::Model { treating_kind: Some(TreatingKind::Counsellor), ..row() },
            "treating_kind_of_role",
        ),
        (care_contact::Model { role: Role::Supporter, is_lead: true, ..row() }, "role_of_lead"),
        (care_contact::Model { valid_until: Some(at(0)), ..row() }, "span"),
        (care_contact::Model { status: Status::Ended, ..row() }, "ended"),
        (care_contact::Model { ended_at: Some(at(1)), ..row() }, "ended"),
        (care_contact::Model { consultation: Some(Consultation::Told), ..row() }, "told_ground_given"),
        (care_contact::Model { told_ground: Some(ToldGround::StaffLeaves), ..row() }, "told_on_ground"),
    ] {
        assert_refused(insert(&db, bad).await, &format!("ck_care_contact_{by}"));
    }
}

#[tokio::test]
async fn a_request_for_a_contact_is_open_once_and_what_has_ended_stays() {
    use contact_request::Status;
    let (_database, db, world) = populated().await;
    let row = |n| contact_request::Model { id: id(n), ..world.contact_request.clone() };
    assert_refused(insert(&db, row(1001)).await, "unique");
    let treating = |n| contact_request::Model {
        role: care_contact::Role::BehandlandeRoll,
        treating_kind: Some(care_contact::TreatingKind::Counsellor),
        ..row(n)
    };
    insert(&db, treating(1002)).await.unwrap();
    assert_refused(insert(&db, treating(1003)).await, "unique");
    let ended = contact_request::Model { status: Status::Withdrawn, ended_at: Some(at(1)), ..row(1004) };
    insert(&db, ended.clone()).await.unwrap();
    for (bad, by) in [
        (contact_request::Model { ended_at: None, id: id(1005), ..ended.clone() }, "when_ended"),
        (contact_request::Model { status: Status::Appointed, id: id(1006), ..ended }, "with_contact"),
        (contact_request::Model { ended_how: Some(agreement_offer::Way::Phone), ..row(1007) }, "how"),
    ] {
        assert_refused(insert(&db, bad).await, &format!("ck_contact_request_{by}"));
    }
    let again = "UPDATE contact_request SET status = 'OPEN', ended_at = NULL WHERE status = 'WITHDRAWN'";
    assert_refused(db.execute_unprepared(again).await, "contact_request_ended");
    assert_refused(db.execute_unprepared("DELETE FROM contact_request").await, "contact_request_no_delete");
    let pass = "UPDATE contact_request_pass SET by_id = to_unit_id";
    assert_refused(db.execute_unprepared(pass).await, "contact_request_pass_no_update");
}

#[tokio::test]
async fn answers_absences_and_what_the_register_was_told_stand_as_they_are() {
    let (_database, db, world) = populated().await;
    let offer = contact_offer::Model {
        id: id(1001),
        status: contact_offer::Status::Declined,
        answered_at: Some(at(1)),
        answered_by_kind: Some(entity::access_event::ActorKind::Staff),
        answered_how: Some(entity::agreement_offer::Way::Phone),
        ..world.contact_offer.clone()
    };
    insert(&db, offer.clone()).await.unwrap();
    for (bad, by) in [
        (contact_offer::Model { id: id(1002), answered_at: None, ..offer.clone() }, "when_answered"),
        (contact_offer::Model { id: id(1003), answered_how: None, ..offer }, "how"),
    ] {
        assert_refused(insert(&db, bad).await, &format!("ck_contact_offer_{by}"));
    }
    let changed = "UPDATE contact_offer SET status = 'ACCEPTED' WHERE status = 'DECLINED'";
    assert_refused(db.execute_unprepared(changed).await, "contact_offer_answered");

    let absence = |n| contact_absence::Model { id: id(n), ..world.contact_absence.clone() };
    for (bad, by) in [
        (contact_absence::Model { assignment_id: Some(id(4)), ..absence(1001) }, "of_one"),
        (contact_absence::Model { until_at: at(10), ..absence(1002) }, "span"),
        (
            contact_absence::Model { contact_id: None, assignment_id: Some(id(4)), ..absence(1003) },
            "substitute_is_another",
        ),
        (contact_absence::Model { cancelled_at: Some(at(1)), ..absence(1004) }, "cancelled"),
    ] {
        assert_refused(insert(&db, bad).await, &format!("ck_contact_absence_{by}"));
    }

    let rule = entity::contact_function_rule::Model { id: id(1001), ..world.contact_function_rule.clone() };
    assert_refused(insert(&db, rule).await, "unique");
    let changed = "UPDATE contact_function_rule SET functions = '[1]'";
    assert_refused(db.execute_unprepared(changed).await, "contact_function_rule_no_update");

    let delivered = "UPDATE register_event SET delivered_at = at";
    assert_eq!(db.execute_unprepared(delivered).await.unwrap().rows_affected(), 1);
    assert_refused(
        db.execute_unprepared("UPDATE register_event SET delivered_at = NULL").await,
        "register_event_fixed",
    );
    assert_refused(db.execute_unprepared("DELETE FROM register_event").await, "register_event_no_delete");
}
