//! Wishes for a time, the offers of freed times to those who wait, and the times that patients have moved away from.

use crate::schema::{Change, Schema};

const ACTOR_KINDS: &[&str] = &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"];

pub fn up(schema: &mut Schema) {
    schema.table("time_wish", |t| {
        t.id()
            .about_patient()
            .link("appointment_type_id", "appointment_type")
            .opt_link("assignment_id", "assignment")
            .int("weekdays")
            .text("spans")
            .text("modes")
            .date("from_on")
            .date("until_on")
            .int("notice_minutes")
            .bool("by_phone")
            .one_of("channel", &["WEB", "PHONE", "ON_SITE"])
            .one_of("status", &["OPEN", "BOOKED", "WITHDRAWN", "EXPIRED"])
            .instant("answer_by")
            .opt_instant("raised_at")
            .int("unanswered")
            .opt_link("appointment_id", "appointment")
            .one_of("created_by_kind", ACTOR_KINDS)
            .uuid("created_by_id")
            .instant("created_at")
            .opt_instant("ended_at")
            .opt_one_of("ended_by_kind", ACTOR_KINDS)
            .opt_uuid("ended_by_id")
            .int("row_version")
            .check("weekdays", "weekdays BETWEEN 1 AND 127")
            .check("range", "until_on >= from_on")
            .check("notice", "notice_minutes >= 0")
            .check("ended", "(status = 'OPEN') = (ended_at IS NULL) AND (ended_at IS NULL) = (ended_by_kind IS NULL)")
            .check("booked", "(status = 'BOOKED') = (appointment_id IS NOT NULL)")
            .unique_where(&["patient_id", "appointment_type_id"], "status = 'OPEN'")
            .index_where(&["appointment_type_id", "created_at", "id"], "status = 'OPEN'")
            .index_where(&["until_on"], "status = 'OPEN'")
            .index(&["care_unit_id", "status", "created_at", "id"])
            .index(&["patient_id", "id"])
    });
    schema.keep("time_wish");
    // What has ended stays as it ended.
    schema.guard("time_wish", "ended", Change::Update, Some("OLD.status <> 'OPEN'"));

    schema.table("time_offer", |t| {
        t.id()
            .about_patient()
            .link("wish_id", "time_wish")
            .link("slot_id", "slot")
            .int("seat_no")
            .one_of("status", &["OPEN", "ACCEPTED", "DECLINED", "UNANSWERED", "WITHDRAWN"])
            .instant("offered_at")
            .instant("answer_by")
            .opt_instant("answered_at")
            .opt_one_of("answered_by_kind", ACTOR_KINDS)
            .opt_uuid("answered_by_id")
            .int("row_version")
            .check("answered", "(status = 'OPEN') = (answered_at IS NULL) AND (answered_at IS NULL) = (answered_by_kind IS NULL)")
            .check("answer_after_offer", "answer_by > offered_at")
            // What the unit took back may be offered again.
            .unique_where(&["wish_id", "slot_id"], "status <> 'WITHDRAWN'")
            .unique_where(&["slot_id", "seat_no"], "status = 'OPEN'")
            .unique_where(&["wish_id"], "status = 'OPEN'")
            .index_where(&["answer_by"], "status = 'OPEN'")
            .index(&["patient_id", "id"])
    });
    schema.keep("time_offer");
    schema.guard("time_offer", "answered", Change::Update, Some("OLD.status <> 'OPEN'"));

    schema.table("left_slot", |t| {
        t.link("slot_id", "slot")
            .about_patient()
            .instant("left_at")
            .primary_key(&["slot_id", "patient_id"])
            .clustered()
    });
    schema.keep("left_slot");
}
