//! Reminders and notices: what the patient has said yes to, and the outbox of the worker.

use crate::schema::Schema;

const ACTOR_KINDS: &[&str] = &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"];
const CHANNELS: &[&str] = &["MAIL", "SMS", "LETTER", "PHONE"];

pub fn up(schema: &mut Schema) {
    schema.table("reminder_preference", |t| {
        t.id()
            .about_patient()
            .one_of("kind", &["APPOINTMENT", "MESSAGE", "PLAN"])
            .one_of("channel", CHANNELS)
            .bool("opted_in")
            .one_of("detail", &["TIME_ONLY", "UNIT_NAME", "UNIT_AND_ADDRESS"])
            .text("text_shown")
            .opt_text("text_version")
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("decided_at")
            .unique(&["patient_id", "kind", "channel"])
    });

    // A guardian's yes for a child, with the guardian's own address.
    schema.table("guardian_reminder", |t| {
        t.id()
            .about_patient()
            .link("representative_id", "representative")
            .one_of("channel", CHANNELS)
            .bytes("address")
            .bytes("lookup")
            .one_of("status", &["GOOD", "BAD"])
            .bool("opted_in")
            .one_of("detail", &["TIME_ONLY", "UNIT_NAME", "UNIT_AND_ADDRESS"])
            .text("text_shown")
            .opt_text("text_version")
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("decided_at")
            .int("row_version")
            .unique(&["representative_id", "channel"])
            .index(&["patient_id"])
            .index(&["lookup"])
    });

    // A member of staff's yes, in one assignment, with an address of their own.
    schema.table("staff_notice", |t| {
        t.id()
            .owned()
            .link("assignment_id", "assignment")
            .bytes("address")
            .one_of("status", &["GOOD", "BAD"])
            .bool("opted_in")
            .one_of("about", &["OWN", "UNIT"])
            .instant("decided_at")
            .int("row_version")
            .unique(&["assignment_id"])
    });

    schema.table("notice", |t| {
        t.id()
            .about_patient()
            .one_of("kind", &["REMINDER", "CANCELLATION", "MESSAGE", "PLAN", "OFFER", "STAFF"])
            .text("rule")
            .one_of("channel", CHANNELS)
            .opt_link("contact_way_id", "contact_way")
            .opt_link("guardian_reminder_id", "guardian_reminder")
            .opt_link("staff_notice_id", "staff_notice")
            .opt_link("appointment_id", "appointment")
            .opt_int("schedule_version")
            .opt_link("thread_id", "thread")
            .opt_link("agreement_id", "agreement")
            .instant("due_at")
            .instant("useless_at")
            .one_of(
                "state",
                &[
                    "PLANNED",
                    "CLAIMED",
                    "SENT",
                    "DELIVERED",
                    "FAILED",
                    "UNKNOWN",
                    "WITHDRAWN",
                    "SUPPRESSED",
                    "MISSED",
                ],
            )
            .opt_text("reason")
            .int("attempts")
            .opt_instant("leased_until")
            .opt_uuid("lease_token")
            .opt_instant("claimed_at")
            .text("dedupe_key")
            // The hash of the secret in the message's links.
            .opt_bytes("link_hash")
            .opt_text("provider_ref")
            .opt_instant("sent_at")
            // By when the gateway is to have reported what became of it, where it was asked to.
            .opt_instant("report_by")
            .opt_instant("ended_at")
            .instant("created_at")
            // What staff did about one that did not arrive.
            .opt_one_of("handled_as", &["OTHER_WAY", "PHONED"])
            .opt_uuid("handled_by")
            .opt_instant("handled_at")
            .unique(&["dedupe_key"])
            .index_where(&["care_unit_id"], "state IN ('FAILED', 'MISSED', 'UNKNOWN') AND handled_at IS NULL")
            .index(&["link_hash"])
            .index_where(&["due_at", "id"], "state IN ('PLANNED', 'CLAIMED')")
            .index_where(&["report_by"], "state = 'SENT' AND channel = 'SMS'")
            .index(&["appointment_id"])
            .index(&["patient_id"])
            .index_where(&["staff_notice_id"], "staff_notice_id IS NOT NULL")
    });
}
