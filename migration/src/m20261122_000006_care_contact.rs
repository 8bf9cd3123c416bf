//! Care contacts: fast vårdkontakt and the other roles.

use crate::schema::{Change, Schema};

/// Whether `NEW` would hold a role that one contact at a time may hold, in a span that another holds.
const OVERLAPS: &str = "NEW.status <> 'ENDED' AND EXISTS (SELECT 1 FROM care_contact x WHERE x.id <> NEW.id \
     AND x.patient_id = NEW.patient_id AND x.role = NEW.role AND x.status <> 'ENDED' \
     AND (x.role = 'FAST_LAKARKONTAKT' \
       OR (x.role = 'FAST_VARDKONTAKT' AND x.is_lead AND NEW.is_lead AND x.region = NEW.region)) \
     AND (x.valid_until IS NULL OR x.valid_until > NEW.valid_from) \
     AND (NEW.valid_until IS NULL OR NEW.valid_until > x.valid_from))";

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
            .opt_text("reach_hours")
            .one_of("status", &["PLANNED", "ACTIVE", "ENDED"])
            .instant("valid_from")
            .opt_instant("valid_until")
            .opt_date("review_on")
            .uuid("appointed_by")
            .bool("on_request")
            .opt_instant("ended_at")
            .opt_bytes("end_reason")
            .opt_one_of("consultation", &["CONSULTED", "TOLD"])
            .opt_one_of("told_ground", &["STAFF_LEAVES", "PATIENT_UNREACHABLE"])
            .opt_link("follows_id", "care_contact")
            .int("row_version")
            .check("treating_kind_of_role", "(role = 'BEHANDLANDE_ROLL') = (treating_kind IS NOT NULL)")
            .check("role_of_lead", "role = 'FAST_VARDKONTAKT' OR NOT is_lead")
            .check("span", "valid_until IS NULL OR valid_until > valid_from")
            .check("ended", "(status = 'ENDED') = (ended_at IS NOT NULL)")
            .check("told_on_ground", "told_ground IS NULL OR (consultation IS NOT NULL AND consultation = 'TOLD')")
            .check("told_ground_given", "consultation IS NULL OR consultation <> 'TOLD' OR told_ground IS NOT NULL")
            .unique_where(
                &["patient_id", "region"],
                "role = 'FAST_VARDKONTAKT' AND is_lead AND status = 'ACTIVE'",
            )
            .unique_where(&["patient_id"], "role = 'FAST_LAKARKONTAKT' AND status = 'ACTIVE'")
            .index(&["patient_id", "role", "status"])
            .index(&["assignment_id"])
            .index_where(&["valid_until"], "status <> 'ENDED' AND valid_until IS NOT NULL")
            .index_where(&["valid_from"], "status = 'PLANNED'")
            .index_where(&["review_on"], "status <> 'ENDED' AND review_on IS NOT NULL")
    });
    schema.link_late("plan_item_revision", "responsible_contact_id", "care_contact");
    // A successor may be planned ahead, but never so that two hold the role at one moment.
    schema.guard("care_contact", "overlap", Change::Insert, Some(OVERLAPS));
    schema.guard("care_contact", "overlap_later", Change::Update, Some(OVERLAPS));
}
