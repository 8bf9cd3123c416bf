//! Which reminders a unit sends, and whether the service may send at all just now.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    schema.table("reminder_ladder", |t| {
        t.id()
            .owned()
            // One kind of appointment, or all kinds of the unit that have no ladder of their own.
            .opt_link("appointment_type_id", "appointment_type")
            // The appointment type, else the unit: what `number` counts within.
            .uuid("subject_id")
            .int("number")
            // JSON; none is back to what stands above it.
            .opt_text("rungs")
            .uuid("set_by")
            .instant("set_at")
            .unique(&["subject_id", "number"])
            .check("number", "number >= 1")
            .index(&["care_unit_id"])
    });
    schema.append_only("reminder_ladder");

    // Holds and releases of the sending, newest last. A release ends the holds before it.
    schema.table("sending_hold", |t| {
        t.id()
            .one_of("what", &["HOLD", "RELEASE"])
            .one_of("cause", &["OPERATOR", "DATABASE_WENT_BACK"])
            .instant("at")
            .index(&["at"])
    });
    schema.append_only("sending_hold");

    // One row: rises while reminders leave, so that a database that was set back can be told.
    schema.table("sending_mark", |t| t.id().uuid("database_id").bigint("mark").instant("at"));
}
