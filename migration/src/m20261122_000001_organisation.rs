//! Who gives care: providers, units, staff and their assignments.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    schema.table("care_provider", |t| {
        t.id()
            .opt_text("hsa_id")
            .text("name")
            .one_of("kind", &["REGION", "MUNICIPALITY", "PRIVATE"])
            .text("region")
            .text("source")
            .unique(&["hsa_id"])
    });

    schema.table("care_unit", |t| {
        t.id()
            .link("care_provider_id", "care_provider")
            .opt_text("hsa_id")
            .text("name")
            .one_of("kind", &["HEALTH_CARE", "SOCIAL_CARE"])
            .text("phone")
            .opt_text("address")
            .text("opening_hours")
            .text("closing_days")
            .opt_text("after_hours_name")
            .opt_text("after_hours_phone")
            .bool("sensitive")
            .text("source")
            .unique(&["hsa_id"])
            .index(&["care_provider_id"])
    });

    schema.table("staff_member", |t| {
        t.id()
            .text("issuer")
            .text("subject")
            .opt_text("hsa_id")
            .text("display_name")
            .text("title")
            .text("source")
            .unique(&["issuer", "subject"])
            .unique(&["hsa_id"])
            .check("hsa_id_lower", "hsa_id = lower(hsa_id)")
    });

    schema.table("assignment", |t| {
        t.id()
            .link("staff_member_id", "staff_member")
            .owned()
            .text("hsa_id")
            .one_of("role", &["CARE", "COORDINATOR", "UNIT_MANAGER", "ANALYST", "ADMIN"])
            .instant("valid_from")
            .opt_instant("valid_until")
            .text("source")
            .unique(&["hsa_id"])
            .check("hsa_id_lower", "hsa_id = lower(hsa_id)")
            .index(&["staff_member_id"])
            .index(&["care_unit_id"])
    });
}
