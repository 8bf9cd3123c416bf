//! Care contacts: fast vårdkontakt and the other roles.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    schema.table("care_contact", |t| {
        t.id()
            .about_patient()
            .text("region")
            .one_of(
                "role",
                &["FAST_VARDKONTAKT", "FAST_LAKARKONTAKT", "FAST_OMSORGSKONTAKT", "BEHANDLANDE_ROLL", "SUPPORTER"],
            )
            .opt_one_of(
                "treating_kind",
                &[
                    "ASTHMA_COPD_NURSE",
                    "DIABETES_NURSE",
                    "HEART_FAILURE_NURSE",
                    "RESPONSIBLE_NURSE",
                    "OCCUPATIONAL_THERAPIST",
                    "PHYSIOTHERAPIST",
                    "PSYCHOLOGIST",
                    "COUNSELLOR",
                    "ASSISTANT_NURSE",
                ],
            )
            .bool("is_lead")
            .opt_link("assignment_id", "assignment")
            .text("name")
            .text("function")
            .opt_bytes("phone")
            .opt_bytes("how_to_reach")
            .one_of("status", &["ACTIVE", "ENDED"])
            .instant("valid_from")
            .opt_instant("valid_until")
            .opt_date("review_on")
            .uuid("appointed_by")
            .bool("on_request")
            .opt_instant("ended_at")
            .opt_bytes("end_reason")
            .opt_one_of("consultation", &["CONSULTED", "TOLD"])
            .int("row_version")
            .unique_where(
                &["patient_id", "region"],
                "role = 'FAST_VARDKONTAKT' AND is_lead AND status = 'ACTIVE'",
            )
            .unique_where(&["patient_id"], "role = 'FAST_LAKARKONTAKT' AND status = 'ACTIVE'")
            .index(&["patient_id", "role", "status"])
            .index(&["assignment_id"])
    });
    schema.link_late("plan_item_revision", "responsible_contact_id", "care_contact");
}
