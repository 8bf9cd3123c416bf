//! Tasks of staff, and the call log. Nothing in either list vanishes without a recorded end.

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
                    "REVISE_PLAN",
                    "CANCELLATION_CALL",
                    "TIME_WISH",
                    "VISIT_MISSED",
                    "OUTCOME_MISSING",
                    "RESULT_OWED",
                    "CARE_LATE",
                ],
            )
            .uuid("subject_id")
            .opt_link("agreement_id", "agreement")
            .opt_link("assignee_id", "assignment")
            .opt_link("instead_of_id", "assignment")
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
            .check("instead_of", "instead_of_id <> assignee_id")
            .unique_where(&["kind", "subject_id"], "status = 'OPEN'")
            .index(&["care_unit_id", "status", "due_at", "id"])
            .index(&["assignee_id", "status", "due_at", "id"])
            .index_where(&["instead_of_id"], "status = 'OPEN' AND instead_of_id IS NOT NULL")
            .index_where(&["due_at"], "status = 'OPEN' AND raised_to_manager_at IS NULL")
            .index(&["patient_id", "status"])
    });
    schema.keep("task");
    // What it asks for, and about whom, is what it was raised for. It may go to another unit of the same provider.
    schema.guard(
        "task",
        "fixed",
        Change::Update,
        Some(
            "OLD.kind <> NEW.kind OR OLD.subject_id <> NEW.subject_id OR OLD.patient_id <> NEW.patient_id \
             OR OLD.care_provider_id <> NEW.care_provider_id OR OLD.created_at <> NEW.created_at \
             OR OLD.created_by_kind <> NEW.created_by_kind OR OLD.created_by_id <> NEW.created_by_id",
        ),
    );
    // What has ended stays as it ended.
    schema.guard("task", "ended", Change::Update, Some("OLD.status <> 'OPEN'"));

    schema.table("phone_call", |t| {
        t.id()
            .about_patient()
            .one_of("direction", &["INCOMING", "OUTGOING"])
            .bytes("with_whom")
            .bytes("about")
            .opt_bytes("phone")
            .opt_instant("call_by")
            .one_of("status", &["TO_MAKE", "MADE", "NOT_REACHED"])
            .link("created_by", "assignment")
            .instant("created_at")
            .opt_instant("ended_at")
            .int("row_version")
            .check("ended", "(status = 'TO_MAKE') = (ended_at IS NULL)")
            .check("promised", "status <> 'TO_MAKE' OR call_by IS NOT NULL")
            .index(&["care_unit_id", "id"])
            .index_where(&["care_unit_id", "call_by", "id"], "status = 'TO_MAKE'")
            .index(&["patient_id", "id"])
    });
    schema.keep("phone_call");
    schema.guard("phone_call", "ended", Change::Update, Some("OLD.status <> 'TO_MAKE'"));

    schema.table("phone_call_attempt", |t| {
        t.id()
            .link("call_id", "phone_call")
            .about_patient()
            .bool("reached")
            .opt_bytes("words")
            .link("by", "assignment")
            .instant("at")
            .index(&["call_id", "id"])
    });
    schema.append_only("phone_call_attempt");
}
