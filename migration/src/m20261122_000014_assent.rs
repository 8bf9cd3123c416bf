//! Who says yes to what, and who may reach a patient's data beside the patient.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    schema.table("access_assessment", |t| {
        t.id()
            .about_patient()
            .opt_link("representative_id", "representative")
            .one_of("decision", &["EXTEND", "READMIT", "STOP", "OPEN_EARLY"])
            .opt_text("rights")
            .bool("may_assent")
            .opt_instant("until")
            .bytes("reason")
            .link("assessed_by", "assignment")
            .instant("at")
            .check("about", "(decision = 'OPEN_EARLY') = (representative_id IS NULL)")
            .check("opened", "(decision = 'OPEN_EARLY') = (rights IS NOT NULL)")
            .check("extended", "decision <> 'EXTEND' OR until IS NOT NULL")
            .index(&["patient_id", "at"])
    });
    schema.append_only("access_assessment");
}
