//! Tasks of staff. Nothing in the list vanishes without a recorded end.

use crate::schema::{Change, Schema};

const ACTOR_KINDS: &[&str] = &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"];

pub fn up(schema: &mut Schema) {
    schema.table("task", |t| {
        t.id()
            .about_patient()
            .one_of(
                "kind",
                &[
                    "APPOINT_CONTACT",
                    "HANDOVER",
                    "ORPHANED_NEXT_STEP",
                    "MISSED_CALL",
                    "AGREEMENT_REQUEST",
                    "UNANSWERED_MESSAGE",
                    "ANSWER_PROPOSAL",
                    "CONTACT_REVIEW",
                    "ITEM_CONCERN",
                    "CALL",
                    "LETTER",
                    "OBJECTION",
                    "PLAN_SIGNAL",
                    "DISCHARGE_GAP",
                    "PATIENT_DECISION",
                ],
            )
            .uuid("subject_id")
            .opt_link("agreement_id", "agreement")
            .opt_link("assignee_id", "assignment")
            .opt_bytes("note")
            .instant("due_at")
            .opt_instant("raised_to_manager_at")
            .one_of("status", &["OPEN", "DONE", "WITHDRAWN", "SUPERSEDED"])
            .one_of("created_by_kind", ACTOR_KINDS)
            .uuid("created_by_id")
            .instant("created_at")
            .opt_instant("ended_at")
            .opt_one_of("ended_by_kind", ACTOR_KINDS)
            .opt_uuid("ended_by_id")
            .opt_bytes("ending")
            .int("row_version")
            .check("ended", "(status = 'OPEN') = (ended_at IS NULL) AND (ended_at IS NULL) = (ended_by_kind IS NULL)")
            .unique_where(&["kind", "subject_id"], "status = 'OPEN'")
            .index_where(&["care_unit_id", "due_at", "id"], "status = 'OPEN'")
            .index_where(&["assignee_id", "due_at", "id"], "status = 'OPEN'")
            .index(&["patient_id", "status"])
    });
    schema.keep("task");
    // What has ended stays as it ended.
    schema.guard("task", "ended", Change::Update, Some("OLD.status <> 'OPEN'"));
}
