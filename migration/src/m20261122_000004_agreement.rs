//! The agreement (patientkontrakt) and its versions.

use crate::schema::{Change, Schema};

pub fn up(schema: &mut Schema) {
    schema.table("agreement", |t| {
        t.id()
            .about_patient()
            .text("region")
            .one_of("status", &["DRAFT", "PROPOSED", "ACTIVE", "PATIENT_UNDECIDED", "ENDED"])
            .late_link("current_version_id", "agreement_version")
            .opt_text("patient_group")
            .opt_one_of("end_reason", &["COMPLETED", "PATIENT_DECLINED", "MOVED", "DECEASED", "NEVER_AGREED"])
            .opt_instant("ended_at")
            .opt_one_of("ended_by_kind", &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"])
            .opt_uuid("ended_by_id")
            .opt_bytes("end_words")
            .instant("created_at")
            .instant("updated_at")
            .int("row_version")
            .unique_where(&["patient_id", "region"], "status IN ('ACTIVE', 'PATIENT_UNDECIDED')")
            .index(&["patient_id", "status"])
            .index(&["care_unit_id", "status", "updated_at DESC", "id"])
    });

    schema.table("agreement_version", |t| {
        t.id()
            .link("agreement_id", "agreement")
            .about_patient()
            .int("number")
            .opt_link("base_version_id", "agreement_version")
            .opt_link("answers_version_id", "agreement_version")
            .one_of("status", &["DRAFT", "PROPOSED", "ACTIVE", "PATIENT_UNDECIDED", "SUPERSEDED", "WITHDRAWN", "ENDED"])
            .opt_one_of("withdrawal", &["TAKEN_BACK", "DECLINED", "COUNTERED", "BASE_MOVED", "AGREEMENT_ENDED"])
            .bytes("content")
            .opt_bytes("hash")
            .int("hash_format")
            .opt_one_of("proposed_by", &["PATIENT", "CARE"])
            .opt_instant("proposed_at")
            .opt_instant("patient_assent_at")
            .opt_one_of(
                "patient_assent_kind",
                &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"],
            )
            .opt_uuid("patient_assent_id")
            .opt_one_of("patient_assent_given", &["DIRECT", "ORAL"])
            .opt_instant("objected_at")
            .opt_link("objected_by", "representative")
            .opt_instant("care_assent_at")
            .opt_link("care_assent_id", "assignment")
            .instant("created_at")
            .int("row_version")
            .check("number_from_one", "number >= 1")
            .check("objected", "objected_at IS NOT NULL OR objected_by IS NULL")
            .check("withdrawn", "(status = 'WITHDRAWN') = (withdrawal IS NOT NULL)")
            .unique(&["agreement_id", "number"])
            .unique_where(&["agreement_id"], "status = 'DRAFT'")
            .unique_where(&["agreement_id"], "status IN ('ACTIVE', 'PATIENT_UNDECIDED')")
            .index(&["patient_id"])
            .index_where(&["agreement_id"], "status = 'PROPOSED'")
    });

    schema.link_late("agreement", "current_version_id", "agreement_version");
    schema.guard(
        "agreement_version",
        "fixed",
        Change::Update,
        Some(
            "OLD.status <> 'DRAFT' AND (NEW.status = 'DRAFT' \
             OR NEW.content IS DISTINCT FROM OLD.content \
             OR NEW.hash IS DISTINCT FROM OLD.hash \
             OR NEW.hash_format IS DISTINCT FROM OLD.hash_format \
             OR NEW.number IS DISTINCT FROM OLD.number \
             OR NEW.agreement_id IS DISTINCT FROM OLD.agreement_id \
             OR NEW.base_version_id IS DISTINCT FROM OLD.base_version_id \
             OR NEW.answers_version_id IS DISTINCT FROM OLD.answers_version_id)",
        ),
    );
    schema.guard("agreement_version", "kept", Change::Delete, Some("OLD.status <> 'DRAFT'"));
}
