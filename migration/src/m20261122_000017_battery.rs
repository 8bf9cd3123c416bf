//! Question batteries as they were answered, and the answers.

use crate::schema::Schema;

const ACTOR_KINDS: &[&str] = &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"];

pub fn up(schema: &mut Schema) {
    schema.table("question_battery", |t| {
        t.id()
            .text("key")
            .int("version")
            .text("definition")
            .instant("created_at")
            .check("version_from_one", "version >= 1")
            .unique(&["key", "version"])
    });
    schema.append_only("question_battery");

    schema.table("battery_answer_set", |t| {
        t.id()
            .about_patient()
            .link("battery_id", "question_battery")
            .opt_link("agreement_version_id", "agreement_version")
            .one_of("channel", &["WEB", "PHONE", "ON_SITE", "PAPER"])
            .opt_link("corrects_id", "battery_answer_set")
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("answered_at")
            .instant("created_at")
            .unique_where(&["corrects_id"], "corrects_id IS NOT NULL")
            .index(&["patient_id", "id"])
    });
    schema.append_only("battery_answer_set");

    schema.table("battery_answer", |t| {
        t.id()
            .about_patient()
            .link("answer_set_id", "battery_answer_set")
            .text("question")
            .opt_one_of("choice", &["YES", "PARTLY", "NO"])
            .opt_bytes("text")
            .opt_bytes("comment")
            .check("one_answer", "(choice IS NULL) <> (text IS NULL) AND (comment IS NULL OR choice IS NOT NULL)")
            .unique(&["answer_set_id", "question"])
    });
    schema.append_only("battery_answer");
}
