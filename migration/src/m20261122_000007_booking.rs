//! Times: what can be booked, what is booked, and who is occupied when.

use crate::schema::Schema;

const MODES: &[&str] = &["VISIT", "VIDEO", "PHONE", "HOME"];

pub fn up(schema: &mut Schema) {
    schema.table("appointment_type", |t| {
        t.id()
            .owned()
            .text("name")
            .one_of("mode", MODES)
            .int("length_minutes")
            .bool("web_bookable")
            .int("cancel_working_days")
            .opt_text("preparation")
            .instant("created_at")
            .check("length_minutes", "length_minutes > 0 AND length_minutes % 5 = 0")
            .check("cancel_working_days", "cancel_working_days >= 0")
            .index(&["care_unit_id"])
    });

    schema.table("schedule", |t| {
        t.id()
            .owned()
            .opt_link("assignment_id", "assignment")
            .instant("created_at")
            .index(&["care_unit_id"])
            .index(&["assignment_id"])
    });

    schema.table("slot", |t| {
        t.id()
            .link("schedule_id", "schedule")
            .owned()
            .link("appointment_type_id", "appointment_type")
            .opt_link("assignment_id", "assignment")
            .instant("starts_at")
            .instant("ends_at")
            .text("local_start")
            .text("zone")
            .int("seats")
            .int("open_seats")
            .bool("web_bookable")
            .text("source")
            .instant("created_at")
            .check("seats", "seats >= 1")
            .check("open_seats", "open_seats BETWEEN 0 AND seats")
            .check("ends_after_start", "ends_at > starts_at")
            .index(&["schedule_id", "starts_at"])
            .index_where(&["care_unit_id", "appointment_type_id", "starts_at", "id"], "open_seats > 0")
            .index_where(&["care_unit_id", "starts_at", "id"], "open_seats > 0")
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
            .opt_instant("confirmed_at")
            .opt_instant("cancelled_at")
            .opt_one_of("cancelled_by", &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"])
            .text("source")
            .instant("created_at")
            .int("row_version")
            .check("seat_no", "seat_no >= 1")
            .check("ends_after_start", "ends_at > starts_at")
            .unique_where(&["slot_id", "seat_no"], "status = 'BOOKED'")
            .index(&["patient_id", "starts_at"])
            .index(&["assignment_id", "starts_at"])
            .index(&["slot_id"])
            .index(&["plan_item_id"])
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
