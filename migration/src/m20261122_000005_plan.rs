//! Goals and plan items: a stable row each, wordings that never change, and which wording a version has.

use crate::schema::{Change, Schema};

const ACTOR_KINDS: &[&str] = &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"];
const PARTIES: &[&str] = &["PATIENT", "CARE"];

pub fn up(schema: &mut Schema) {
    goals(schema);
    items(schema);
    for table in ["version_goal", "version_item"] {
        // What a version consists of is covered by its hash from the moment it is proposed.
        let fixed =
            "EXISTS (SELECT 1 FROM agreement_version v WHERE v.id = OLD.version_id AND v.status <> 'DRAFT')";
        schema.guard(table, "fixed", Change::Update, Some(fixed));
        schema.guard(table, "kept", Change::Delete, Some(fixed));
    }
}

fn goals(schema: &mut Schema) {
    schema.table("goal", |t| {
        t.id()
            .link("agreement_id", "agreement")
            .about_patient()
            .one_of("status", &["PROPOSED", "ACCEPTED", "ACTIVE", "ON_HOLD", "COMPLETED", "CANCELLED"])
            .one_of(
                "achievement",
                &["IN_PROGRESS", "IMPROVING", "WORSENING", "NO_CHANGE", "ACHIEVED", "SUSTAINING", "NOT_ACHIEVED", "NO_PROGRESS", "NOT_ATTAINABLE"],
            )
            .one_of("set_by", PARTIES)
            .opt_bytes("status_reason")
            .opt_one_of("status_by_kind", ACTOR_KINDS)
            .opt_instant("status_at")
            .opt_one_of("achievement_by_kind", ACTOR_KINDS)
            .opt_instant("achievement_at")
            .instant("created_at")
            .int("row_version")
            .index(&["agreement_id"])
    });

    schema.table("goal_revision", |t| {
        t.id()
            .link("goal_id", "goal")
            .about_patient()
            .bytes("text")
            .int("priority")
            .opt_date("target_on")
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("created_at")
            .index(&["goal_id"])
    });
    schema.append_only("goal_revision");

    schema.table("version_goal", |t| {
        t.link("version_id", "agreement_version")
            .link("goal_id", "goal")
            .link("goal_revision_id", "goal_revision")
            .primary_key(&["version_id", "goal_id"])
            .clustered()
    });
}

fn items(schema: &mut Schema) {
    schema.table("plan_item", |t| {
        t.id()
            .link("agreement_id", "agreement")
            .about_patient()
            .one_of("status", &["PROPOSED", "ACCEPTED", "IN_PROGRESS", "DONE", "NOT_DONE", "CANCELLED"])
            .one_of("proposed_by", PARTIES)
            .opt_bytes("status_reason")
            .opt_one_of("status_by_kind", ACTOR_KINDS)
            .opt_instant("status_at")
            .opt_instant("started_at")
            .opt_bytes("work_note")
            .opt_one_of("referral_state", &["SENT", "RECEIVED", "ASSESSED", "WAITING"])
            .opt_date("referral_on")
            .opt_date("result_told_on")
            .opt_bytes("result_told_how")
            .opt_uuid("relative_consent_revision_id")
            .opt_instant("relative_consent_at")
            .opt_bytes("relative_consent_words")
            .opt_link("relative_consent_by_id", "assignment")
            .opt_one_of(
                "guarantee_kind",
                &["FIRST_CONTACT", "ASSESSMENT", "FIRST_SPECIALIST_VISIT", "DECIDED_TREATMENT"],
            )
            .opt_date("guarantee_from")
            .instant("created_at")
            .int("row_version")
            .check("referral", "(referral_state IS NULL) = (referral_on IS NULL)")
            .check("result_told", "(result_told_on IS NULL) = (result_told_how IS NULL)")
            .check(
                "relative_consent",
                "(relative_consent_at IS NULL) = (relative_consent_revision_id IS NULL) \
                 AND (relative_consent_at IS NULL) = (relative_consent_by_id IS NULL)",
            )
            .check("guarantee", "(guarantee_kind IS NULL) = (guarantee_from IS NULL)")
            .index(&["agreement_id", "status"])
    });

    schema.table("plan_item_revision", |t| {
        t.id()
            .link("plan_item_id", "plan_item")
            .about_patient()
            .one_of(
                "category",
                &[
                    "COORDINATION",
                    "CONTACT",
                    "SELF_CARE",
                    "EXAMINATION",
                    "TREATMENT",
                    "FOLLOW_UP",
                    "REFERRAL",
                    "INFORMATION",
                    "LOAN_OF_EQUIPMENT",
                ],
            )
            .bytes("title")
            .opt_bytes("description")
            .one_of("owner", &["PATIENT", "CARE", "RELATIVE"])
            .opt_bytes("relative_name")
            .one_of("timing", &["DATE", "PERIOD", "RECURRENCE", "TRIGGER"])
            .opt_date("due_on")
            .opt_date("starts_on")
            .opt_text("recurrence")
            .opt_bytes("trigger")
            .opt_link("responsible_unit_id", "care_unit")
            .opt_link("responsible_assignment_id", "assignment")
            .opt_late_link("responsible_contact_id", "care_contact")
            .opt_link("goal_id", "goal")
            .opt_bytes("result_how")
            .opt_date("result_by")
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("created_at")
            .index(&["plan_item_id"])
    });
    schema.append_only("plan_item_revision");

    schema.table("version_item", |t| {
        t.link("version_id", "agreement_version")
            .link("plan_item_id", "plan_item")
            .link("plan_item_revision_id", "plan_item_revision")
            .primary_key(&["version_id", "plan_item_id"])
            .clustered()
    });
}
