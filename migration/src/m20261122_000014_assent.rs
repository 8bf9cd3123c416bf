//! Who says yes to what, and who may reach a patient's data beside the patient.

use crate::schema::{Change, Schema};

pub fn up(schema: &mut Schema) {
    assents(schema);
    objections(schema);
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
            .check(
                "by",
                "by_kind <> 'ANONYMOUS' AND by_kind <> 'SYSTEM' AND (side = 'CARE') = (by_kind = 'STAFF')",
            )
            .check(
                "oral",
                "(given = 'ORAL') = (recorded_by IS NOT NULL) AND (given = 'ORAL') = (setting IS NOT NULL)",
            )
            .check("care_direct", "side = 'PATIENT' OR given = 'DIRECT'")
            .unique(&["version_id", "by_kind", "by_id", "given"])
            .index(&["agreement_id"])
    });
    schema.append_only("version_assent");

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
            .opt_instant("ended_at")
            .opt_link("ended_by", "assignment")
            .opt_bytes("end_reason")
            .check(
                "ended",
                "(ended_by IS NULL) = (end_reason IS NULL) AND (ended_by IS NULL OR ended_at IS NOT NULL)",
            )
            .unique_where(&["agreement_id", "representative_id"], "ended_at IS NULL")
    });
    schema.keep("guardian_exception");
    // Its end is written once.
    schema.guard(
        "guardian_exception",
        "fixed",
        Change::Update,
        Some(
            "OLD.ended_at IS NOT NULL OR NEW.id IS DISTINCT FROM OLD.id \
             OR NEW.agreement_id IS DISTINCT FROM OLD.agreement_id \
             OR NEW.patient_id IS DISTINCT FROM OLD.patient_id \
             OR NEW.care_unit_id IS DISTINCT FROM OLD.care_unit_id \
             OR NEW.care_provider_id IS DISTINCT FROM OLD.care_provider_id \
             OR NEW.representative_id IS DISTINCT FROM OLD.representative_id \
             OR NEW.reason IS DISTINCT FROM OLD.reason OR NEW.recorded_by IS DISTINCT FROM OLD.recorded_by \
             OR NEW.at IS DISTINCT FROM OLD.at",
        ),
    );

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

fn objections(schema: &mut Schema) {
    schema.table("version_objection", |t| {
        t.id()
            .link("agreement_id", "agreement")
            .link("version_id", "agreement_version")
            .about_patient()
            .one_of("by_kind", &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"])
            .uuid("by_id")
            .instant("at")
            .bytes("words")
            .opt_link("recorded_by", "assignment")
            .opt_one_of("how", &["ON_SITE", "PHONE", "VIDEO", "LETTER", "DIGITAL"])
            .opt_instant("ended_at")
            .opt_one_of("ending", &["DROPPED", "OVERRULED", "LAPSED", "SUPERSEDED", "WITHDRAWN"])
            .check("by", "by_kind = 'PATIENT' OR by_kind = 'REPRESENTATIVE'")
            .check(
                "recorded",
                "(recorded_by IS NULL) = (how IS NULL) AND (recorded_by IS NULL OR by_kind = 'PATIENT')",
            )
            .check("ended", "(ended_at IS NULL) = (ending IS NULL)")
            .unique_where(&["version_id"], "ended_at IS NULL")
            .index(&["agreement_id"])
    });
    schema.keep("version_objection");
    schema.guard(
        "version_objection",
        "fixed",
        Change::Update,
        Some(
            "OLD.ended_at IS NOT NULL OR NEW.id IS DISTINCT FROM OLD.id \
             OR NEW.agreement_id IS DISTINCT FROM OLD.agreement_id \
             OR NEW.version_id IS DISTINCT FROM OLD.version_id \
             OR NEW.patient_id IS DISTINCT FROM OLD.patient_id \
             OR NEW.care_unit_id IS DISTINCT FROM OLD.care_unit_id \
             OR NEW.care_provider_id IS DISTINCT FROM OLD.care_provider_id \
             OR NEW.by_kind IS DISTINCT FROM OLD.by_kind OR NEW.by_id IS DISTINCT FROM OLD.by_id \
             OR NEW.at IS DISTINCT FROM OLD.at OR NEW.words IS DISTINCT FROM OLD.words \
             OR NEW.recorded_by IS DISTINCT FROM OLD.recorded_by OR NEW.how IS DISTINCT FROM OLD.how",
        ),
    );
}
