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
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("decided_at")
            .int("row_version")
            .unique(&["patient_id", "kind", "channel"])
    });

    schema.table("notice", |t| {
        t.id()
            .about_patient()
            .one_of("kind", &["REMINDER", "CANCELLATION", "MESSAGE", "PLAN"])
            .text("rule")
            .one_of("channel", CHANNELS)
            .opt_link("contact_way_id", "contact_way")
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
            .text("dedupe_key")
            .opt_text("provider_ref")
            .opt_instant("sent_at")
            .instant("created_at")
            .unique(&["dedupe_key"])
            .index_where(&["due_at", "id"], "state IN ('PLANNED', 'CLAIMED')")
            .index(&["appointment_id"])
            .index(&["patient_id"])
    });
}
