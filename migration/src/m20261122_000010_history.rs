//! What has happened: the change history of the record, and the events that the outside hears of.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    schema.table("change_entry", |t| {
        t.id()
            .about_patient()
            .opt_link("agreement_id", "agreement")
            .text("subject_kind")
            .uuid("subject_id")
            .text("action")
            .one_of("by_kind", &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"])
            .uuid("by_id")
            .opt_link("acting_for", "patient")
            .opt_bytes("before")
            .opt_bytes("after")
            .instant("at")
            .index(&["agreement_id", "id"])
            .index(&["patient_id", "id"])
    });
    schema.append_only("change_entry");

    schema.table("domain_event", |t| {
        t.id()
            .text("kind")
            .about_patient()
            .uuid("subject_id")
            .one_of("by_kind", &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"])
            .instant("at")
            .index(&["at", "id"])
            // What a unit is told of: its patients' own doings.
            .index_where(&["care_unit_id", "id"], "by_kind IN ('PATIENT', 'REPRESENTATIVE')")
    });
    schema.append_only("domain_event");
}
