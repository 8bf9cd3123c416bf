//! The access log (åtkomstlogg).
//!
//! Its rows name patients and units without a reference: a reference locks the row it points to, and every read of
//! a patient would then write to that patient's row and to its unit's. Nothing they name is ever deleted. Nor is the
//! event referred to of which they are a part: both are written by one statement, or in one transaction, and to look
//! it up again for each of the fifty patients of a list would prove nothing.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    schema.table("access_event", |t| {
        t.id()
            .uuid("writer_id")
            .bigint("seq")
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
            .index_where(&["care_unit_id", "at"], "care_unit_id IS NOT NULL")
    });
    schema.append_only("access_event");

    schema.table("access_event_patient", |t| {
        t.uuid("event_id")
            .uuid("patient_id")
            // In the order in which a patient reads who has been there: the one index is enough.
            .primary_key(&["patient_id", "event_id"])
            .clustered()
    });
    schema.append_only("access_event_patient");
}
