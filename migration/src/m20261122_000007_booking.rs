//! Times: what can be booked, what is booked, and who is occupied when.

use crate::schema::Schema;

/// A slot that can be booked.
const FREE: &str = "open_seats > 0 AND withdrawn_at IS NULL";

const ACTOR_KINDS: &[&str] = &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"];
const MODES: &[&str] = &["VISIT", "VIDEO", "PHONE", "HOME"];

pub fn up(schema: &mut Schema) {
    schema.table("appointment_type", |t| {
        t.id()
            .owned()
            .text("name")
            .one_of("mode", MODES)
            .int("length_minutes")
            .int("seats")
            .one_of("web_booking", &["NOBODY", "OWN_PATIENTS", "EVERYONE"])
            .opt_text("conditions")
            .opt_text("preparation")
            .int("cancel_working_days")
            .int("staff_needed")
            .opt_instant("retired_at")
            .instant("created_at")
            .int("row_version")
            .check("length_minutes", "length_minutes > 0 AND length_minutes % 5 = 0")
            .check("seats", "seats BETWEEN 1 AND 100")
            .check("staff_needed", "staff_needed BETWEEN 0 AND 10")
            .check("cancel_working_days", "cancel_working_days >= 0")
            .index(&["care_unit_id"])
    });

    schema.table("schedule", |t| {
        t.id()
            .owned()
            .link("appointment_type_id", "appointment_type")
            .text("rule")
            .date("valid_from")
            .opt_date("valid_until")
            .text("block_from")
            .text("block_until")
            .text("pauses")
            .text("except_days")
            .text("extra_days")
            .bool("on_closed_days")
            .int("seats")
            .bool("web_bookable")
            .date("published_until")
            .opt_instant("ended_at")
            .uuid("created_by")
            .instant("created_at")
            .int("row_version")
            .check("seats", "seats BETWEEN 1 AND 100")
            .index(&["care_unit_id", "id"])
            .index(&["appointment_type_id"])
            .index_where(&["published_until", "id"], "ended_at IS NULL")
    });

    schema.table("schedule_staff", |t| {
        t.link("schedule_id", "schedule")
            .link("assignment_id", "assignment")
            .int("place")
            .primary_key(&["schedule_id", "assignment_id"])
            .clustered()
            .index(&["assignment_id"])
    });

    schema.table("slot", |t| {
        t.id()
            .opt_link("schedule_id", "schedule")
            .owned()
            .link("appointment_type_id", "appointment_type")
            .opt_link("assignment_id", "assignment")
            .instant("starts_at")
            .instant("ends_at")
            .text("local_start")
            .text("zone")
            .int("time_slice")
            .int("seats")
            .int("open_seats")
            .bool("web_bookable")
            .opt_instant("withdrawn_at")
            .opt_one_of("withdrawal", &["BY_HAND", "BY_SCHEDULE", "BY_ABSENCE"])
            .opt_uuid("withdrawn_for")
            .text("source")
            .instant("created_at")
            .check("seats", "seats >= 1")
            .check("open_seats", "open_seats BETWEEN 0 AND seats")
            .check("time_slice", "time_slice BETWEEN 0 AND 20")
            .check("withdrawn", "(withdrawn_at IS NULL) = (withdrawal IS NULL)")
            .check("withdrawn_for", "(withdrawn_for IS NOT NULL) = (COALESCE(withdrawal, '') = 'BY_ABSENCE')")
            .check("ends_after_start", "ends_at > starts_at")
            .index(&["schedule_id", "starts_at"])
            .unique_where(&["schedule_id", "starts_at"], "withdrawn_at IS NULL")
            .index_where(&["withdrawn_for"], "withdrawn_for IS NOT NULL")
            .index_where(&["appointment_type_id", "web_bookable", "starts_at", "id"], FREE)
            .index_where(&["appointment_type_id", "web_bookable", "time_slice", "starts_at", "id"], FREE)
    });

    schema.table("slot_staff", |t| {
        t.link("slot_id", "slot")
            .link("assignment_id", "assignment")
            .instant("starts_at")
            .primary_key(&["slot_id", "assignment_id"])
            .clustered()
            .index(&["assignment_id", "starts_at", "slot_id"])
    });

    schema.table("appointment", |t| {
        t.id()
            .about_patient()
            .link("slot_id", "slot")
            .int("seat_no")
            .link("appointment_type_id", "appointment_type")
            .opt_link("assignment_id", "assignment")
            .opt_link("plan_item_id", "plan_item")
            .one_of("status", &["BOOKED", "CANCELLED", "ATTENDED", "MISSED"])
            .one_of("origin", &["AGREED", "SELF_BOOKED"])
            .one_of("booking_channel", &["WEB", "PHONE", "ON_SITE"])
            .one_of("mode", MODES)
            .instant("starts_at")
            .instant("ends_at")
            .instant("cancel_by")
            .int("schedule_version")
            .opt_instant("known_starts_at")
            .opt_instant("confirmed_at")
            .opt_instant("cancelled_at")
            .opt_one_of("cancelled_by", ACTOR_KINDS)
            .one_of("booked_by", ACTOR_KINDS)
            .opt_one_of("confirmed_by", ACTOR_KINDS)
            .opt_instant("outcome_at")
            .opt_instant("item_closed_at")
            .opt_text("conditions")
            .opt_int("conditions_version")
            .opt_instant("conditions_accepted_at")
            .opt_one_of("conditions_accepted_by", ACTOR_KINDS)
            .text("source")
            .instant("created_at")
            .int("row_version")
            .check("seat_no", "seat_no >= 1")
            .check("ends_after_start", "ends_at > starts_at")
            .check(
                "conditions",
                "(conditions IS NULL) = (conditions_version IS NULL) \
                 AND (conditions IS NULL) = (conditions_accepted_at IS NULL) \
                 AND (conditions IS NULL) = (conditions_accepted_by IS NULL)",
            )
            .unique_where(&["slot_id", "seat_no"], "status = 'BOOKED'")
            .index(&["patient_id", "starts_at"])
            .index(&["assignment_id", "starts_at"])
            .index(&["slot_id"])
            .index(&["plan_item_id"])
            // What has no outcome yet.
            .index_where(&["ends_at", "id"], "status = 'BOOKED'")
    });

    // Seats of booked times, of holds and of offers alike: one table, so that one unique key is enough for a seat, and
    // one for a patient, who has one seat of a time at most. Its id is the appointment's, the hold's or the offer's.
    schema.table("seat_claim", |t| {
        t.id()
            .about_patient()
            .link("slot_id", "slot")
            .int("seat_no")
            .instant("starts_at")
            .instant("ends_at")
            .opt_instant("held_until")
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("created_at")
            .check("seat_no", "seat_no >= 1")
            .unique(&["slot_id", "seat_no"])
            .unique(&["slot_id", "patient_id"])
            // One hold per patient and person who holds.
            .unique_where(&["patient_id", "by_kind", "by_id"], "held_until IS NOT NULL")
            .index(&["patient_id", "starts_at"])
            .index_where(&["held_until", "slot_id"], "held_until IS NOT NULL")
    });

    schema.table("occupancy", |t| {
        t.uuid("subject_id")
            .instant("cell_start")
            .uuid("holder_id")
            .primary_key(&["subject_id", "cell_start"])
            .clustered()
            .index(&["holder_id"])
    });
}
