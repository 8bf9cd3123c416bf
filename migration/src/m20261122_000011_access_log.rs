//! The access log (åtkomstlogg).
//!
//! Its rows name patients and units without a reference: a reference locks the row it points to, and every read of
//! a patient would then write to that patient's row and to its unit's. Nothing they name is ever deleted.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    schema.table("access_event", |t| {
        t.id()
            .uuid("writer_id")
            .bigint("seq")
            .opt_bytes("prev_hash")
            .bytes("hash")
            .one_of("actor_kind", &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"])
            .opt_uuid("actor_id")
            .opt_uuid("acting_for")
            .opt_uuid("care_unit_id")
            .text("action")
            .one_of("outcome", &["ALLOWED", "REFUSED", "DENIED"])
            .opt_text("reason")
            .opt_bytes("words")
            .text("request_id")
            .instant("at")
            .unique(&["writer_id", "seq"])
            .index(&["care_unit_id", "at"])
    });
    schema.append_only("access_event");

    schema.table("access_event_patient", |t| {
        t.link("event_id", "access_event")
            .uuid("patient_id")
            .primary_key(&["event_id", "patient_id"])
            .clustered()
            .index(&["patient_id", "event_id"])
    });
    schema.append_only("access_event_patient");
}
