//! Who says yes to what, and who may reach a patient's data beside the patient.

use crate::schema::{Change, Schema};

pub fn up(schema: &mut Schema) {
    assents(schema);
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

fn assents(schema: &mut Schema) {
    schema.table("version_assent", |t| {
        t.id()
            .link("agreement_id", "agreement")
            .link("version_id", "agreement_version")
            .about_patient()
            .one_of("side", &["PATIENT", "CARE"])
            .one_of("by_kind", &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"])
            .uuid("by_id")
            .bytes("digest")
            .one_of("given", &["DIRECT", "ORAL"])
            .instant("at")
            .opt_link("recorded_by", "assignment")
            .opt_one_of("setting", &["AT_VISIT", "BY_PHONE", "BY_VIDEO", "AT_HOME"])
            .opt_bytes("interpreter")
            .opt_bytes("present")
            .opt_instant("objected_at")
            .opt_bytes("objection")
            .opt_link("objection_recorded_by", "assignment")
            .opt_one_of("objection_how", &["ON_SITE", "PHONE", "VIDEO", "LETTER", "DIGITAL"])
            .check("by", "by_kind <> 'ANONYMOUS' AND by_kind <> 'SYSTEM' AND (side = 'CARE') = (by_kind = 'STAFF')")
            .check("oral", "(given = 'ORAL') = (recorded_by IS NOT NULL) AND (given = 'ORAL') = (setting IS NOT NULL)")
            .check("care_direct", "side = 'PATIENT' OR given = 'DIRECT'")
            .check("objected", "(objected_at IS NULL) = (objection IS NULL)")
            .check(
                "objection_recorded",
                "(objection_recorded_by IS NULL) = (objection_how IS NULL) \
                 AND (objected_at IS NOT NULL OR objection_how IS NULL)",
            )
            .unique(&["version_id", "by_kind", "by_id", "given"])
            .index(&["agreement_id"])
    });
    schema.keep("version_assent");
    schema.guard(
        "version_assent",
        "fixed",
        Change::Update,
        Some(
            "OLD.objected_at IS NOT NULL OR NEW.version_id IS DISTINCT FROM OLD.version_id \
             OR NEW.side IS DISTINCT FROM OLD.side OR NEW.by_kind IS DISTINCT FROM OLD.by_kind \
             OR NEW.by_id IS DISTINCT FROM OLD.by_id OR NEW.digest IS DISTINCT FROM OLD.digest \
             OR NEW.given IS DISTINCT FROM OLD.given OR NEW.at IS DISTINCT FROM OLD.at \
             OR NEW.recorded_by IS DISTINCT FROM OLD.recorded_by OR NEW.setting IS DISTINCT FROM OLD.setting \
             OR NEW.interpreter IS DISTINCT FROM OLD.interpreter OR NEW.present IS DISTINCT FROM OLD.present",
        ),
    );

    schema.table("patient_undecided", |t| {
        t.id()
            .link("agreement_id", "agreement")
            .link("version_id", "agreement_version")
            .about_patient()
            .bytes("reason")
            .bytes("known_will")
            .date("ask_again_on")
            .link("recorded_by", "assignment")
            .instant("at")
            .index(&["agreement_id"])
    });
    schema.append_only("patient_undecided");

    schema.table("guardian_exception", |t| {
        t.id()
            .link("agreement_id", "agreement")
            .about_patient()
            .link("representative_id", "representative")
            .bytes("reason")
            .link("recorded_by", "assignment")
            .instant("at")
            .unique(&["agreement_id", "representative_id"])
    });
    schema.append_only("guardian_exception");

    // Whatever the service does: no version comes into force without assents to exactly its text, and none without
    // the patient's decision unless that is on record.
    let side = |side: &str| {
        format!(
            "EXISTS (SELECT 1 FROM version_assent a WHERE a.version_id = NEW.id AND a.side = '{side}' \
             AND a.digest = NEW.hash)"
        )
    };
    let undecided = "EXISTS (SELECT 1 FROM patient_undecided u WHERE u.version_id = NEW.id)";
    let agreed = format!(
        "NEW.status <> OLD.status AND ((NEW.status = 'ACTIVE' AND NOT ({care} AND {patient})) \
         OR (NEW.status = 'PATIENT_UNDECIDED' AND NOT ({care} AND {undecided})))",
        care = side("CARE"),
        patient = side("PATIENT"),
    );
    schema.guard("agreement_version", "agreed", Change::Update, Some(&agreed));
}
