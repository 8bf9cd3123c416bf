//! Threads, their messages and who has read how far.

use crate::schema::Schema;

const ACTOR_KINDS: &[&str] = &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"];

const ROLES: &[&str] =
    &["FAST_VARDKONTAKT", "FAST_LAKARKONTAKT", "FAST_OMSORGSKONTAKT", "BEHANDLANDE_ROLL", "SUPPORTER"];
const TREATING_KINDS: &[&str] = &[
    "ASTHMA_COPD_NURSE",
    "DIABETES_NURSE",
    "HEART_FAILURE_NURSE",
    "RESPONSIBLE_NURSE",
    "OCCUPATIONAL_THERAPIST",
    "PHYSIOTHERAPIST",
    "PSYCHOLOGIST",
    "COUNSELLOR",
    "ASSISTANT_NURSE",
];

pub fn up(schema: &mut Schema) {
    schema.table("thread", |t| {
        t.id()
            .about_patient()
            .one_of("kind", &["PATIENT_CARE", "CARE_CARE"])
            .bytes("subject")
            .one_of("status", &["OPEN", "CLOSED"])
            .instant("last_message_at")
            .uuid("last_message_id")
            .one_of("last_author", ACTOR_KINDS)
            .opt_instant("answer_by")
            .opt_one_of("to_role", ROLES)
            .opt_one_of("to_treating_kind", TREATING_KINDS)
            .opt_link("role_unit_id", "care_unit")
            .opt_link("from_unit_id", "care_unit")
            .bool("begun_by_link")
            .instant("created_at")
            .check("addressee", "to_treating_kind IS NULL OR to_role IS NOT NULL")
            .check("role_unit", "(to_role IS NULL) = (role_unit_id IS NULL)")
            .check("from_unit", "(kind = 'CARE_CARE') = (from_unit_id IS NOT NULL)")
            .index(&["patient_id", "last_message_at"])
            .index(&["care_unit_id", "status", "last_message_at"])
    });

    schema.table("thread_message", |t| {
        t.id()
            .link("thread_id", "thread")
            .about_patient()
            .one_of("author_kind", ACTOR_KINDS)
            .uuid("author_id")
            .bytes("body")
            .instant("sent_at")
            .index(&["thread_id", "id"])
    });
    schema.append_only("thread_message");

    schema.table("thread_read", |t| {
        t.link("thread_id", "thread")
            .uuid("reader_id")
            .about_patient()
            .one_of("reader_kind", ACTOR_KINDS)
            .link("message_id", "thread_message")
            .instant("read_at")
            .primary_key(&["thread_id", "reader_id", "message_id"])
            .clustered()
    });
}
