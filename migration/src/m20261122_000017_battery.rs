//! Question batteries as they were answered, and the answers; templates that were put into agreements.

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

    schema.table("template_use", |t| {
        t.id()
            .link("agreement_id", "agreement")
            .about_patient()
            .text("template")
            .int("version")
            .date("anchor_on")
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("created_at")
            .index(&["agreement_id", "template", "anchor_on"])
    });
    schema.append_only("template_use");

    schema.table("template_item", |t| {
        t.link("plan_item_id", "plan_item")
            .link("use_id", "template_use")
            .link("agreement_id", "agreement")
            .about_patient()
            .text("item")
            .opt_one_of(
                "discharge",
                &[
                    "HOME_PLAN",
                    "NEXT_STEP_ON_ARRIVAL",
                    "NEXT_STEP_ON_DISCHARGE",
                    "FOLLOW_UP_BOOKED",
                    "ANSWER_PROMISED",
                    "WARNING_SIGNS",
                    "WHOM_TO_CALL",
                    "AS_NEEDED_MEDICINE",
                    "RELATIVES",
                ],
            )
            .bool("daily_call")
            .primary_key(&["plan_item_id"])
            .index(&["use_id"])
            .index_where(&["agreement_id"], "discharge IS NOT NULL")
            .index_where(&["plan_item_id"], "daily_call")
    });
    schema.append_only("template_item");
}
