//! The patient: identity numbers, addresses, representatives, and the relations that open the record to care.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    schema.table("patient", |t| {
        t.id()
            .owned()
            .text("given_name")
            .text("family_name")
            .text("name_search")
            .date("birth_date")
            .text("language")
            .one_of("protected_identity", &["NONE", "SEKRETESSMARKERING", "SKYDDAD_FOLKBOKFORING"])
            .opt_text("interpreter_language")
            .opt_bytes("access_needs")
            .opt_date("deceased_on")
            .text("source")
            .instant("created_at")
            .int("row_version")
            .index(&["care_unit_id", "name_search"])
            .index(&["birth_date"])
    });

    schema.table("patient_identity", |t| {
        t.id()
            .about_patient()
            .one_of("kind", &["PERSONNUMMER", "SAMORDNINGSNUMMER", "NATIONAL_RESERVE", "REGIONAL_RESERVE"])
            .opt_text("issuer")
            .bytes("number")
            .bytes("lookup")
            .bool("is_current")
            .instant("created_at")
            .unique(&["lookup"])
            .unique_where(&["patient_id"], "is_current")
            .index(&["patient_id"])
    });

    schema.table("contact_way", |t| {
        t.id()
            .about_patient()
            .one_of("channel", &["MAIL", "SMS", "LETTER", "PHONE"])
            .bytes("address")
            .bytes("lookup")
            .one_of("status", &["GOOD", "BAD"])
            .instant("created_at")
            .int("row_version")
            .index(&["patient_id"])
            .index(&["lookup"])
    });

    schema.table("representative", |t| {
        t.id()
            .about_patient()
            .one_of("kind", &["GUARDIAN", "GOD_MAN", "RELATIVE"])
            .text("display_name")
            .bytes("number")
            .bytes("lookup")
            .text("rights")
            .bool("may_assent")
            .instant("valid_from")
            .opt_instant("valid_until")
            .instant("created_at")
            .int("row_version")
            .index(&["patient_id"])
            .index(&["lookup"])
    });

    schema.table("care_relation", |t| {
        t.id()
            .about_patient()
            .one_of(
                "source",
                &[
                    "APPOINTMENT",
                    "CONTACT",
                    "AGREEMENT",
                    "REFERRAL",
                    "ADMISSION",
                    "HOME_CARE",
                    "LISTING",
                    "THREAD",
                    "TASK",
                    "STAFF_DECLARED",
                ],
            )
            .opt_bytes("reason")
            .opt_one_of("declaration", &["PATIENT_PRESENT", "PATIENT_ON_PHONE"])
            .opt_link("declared_by", "assignment")
            .opt_uuid("subject_id")
            .instant("valid_from")
            .opt_instant("valid_until")
            .instant("created_at")
            .index(&["patient_id", "care_unit_id"])
            .index(&["care_unit_id", "patient_id"])
    });
}
