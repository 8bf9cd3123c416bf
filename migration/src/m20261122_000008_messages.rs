//! Threads, their messages and who has read how far.

use crate::schema::Schema;

const ACTOR_KINDS: &[&str] = &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"];

pub fn up(schema: &mut Schema) {
    schema.table("thread", |t| {
        t.id()
            .about_patient()
            .one_of("kind", &["PATIENT_CARE", "CARE_CARE"])
            .bytes("subject")
            .one_of("status", &["OPEN", "CLOSED"])
            .instant("last_message_at")
            .one_of("last_author", ACTOR_KINDS)
            .opt_instant("answer_by")
            .instant("created_at")
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
