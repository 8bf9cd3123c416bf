//! What happens to goals and items after they are agreed: notes, done-marks, concerns, pauses of the care guarantee.

use crate::schema::{Change, Schema};

const ACTOR_KINDS: &[&str] = &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"];

pub fn up(schema: &mut Schema) {
    schema.table("progress_note", |t| {
        t.id()
            .link("agreement_id", "agreement")
            .about_patient()
            .opt_link("goal_id", "goal")
            .opt_link("plan_item_id", "plan_item")
            .opt_link("corrects_id", "progress_note")
            .bytes("text")
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("created_at")
            .check("about_one_thing", "(goal_id IS NULL) <> (plan_item_id IS NULL)")
            // A note is corrected once; what is wrong with the correction is corrected there.
            .unique_where(&["corrects_id"], "corrects_id IS NOT NULL")
            .index(&["agreement_id", "id"])
            .index(&["patient_id", "id"])
    });
    schema.append_only("progress_note");

    schema.table("plan_item_mark", |t| {
        t.id()
            .link("plan_item_id", "plan_item")
            .link("agreement_id", "agreement")
            .about_patient()
            .date("on_day")
            .one_of("outcome", &["DONE", "NOT_DONE"])
            .opt_bytes("reason")
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("marked_at")
            .unique(&["plan_item_id", "on_day"])
            .index(&["agreement_id", "on_day"])
            .index(&["patient_id"])
    });
    schema.keep("plan_item_mark");

    schema.table("item_concern", |t| {
        t.id()
            .link("plan_item_id", "plan_item")
            .link("agreement_id", "agreement")
            .about_patient()
            .one_of("kind", &["ADVICE_CONFLICTS", "TOO_MUCH_NOW"])
            .opt_bytes("words")
            .one_of("status", &["OPEN", "ANSWERED", "WITHDRAWN", "ENDED"])
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("created_at")
            .opt_bytes("answer")
            .opt_one_of("ended_by_kind", ACTOR_KINDS)
            .opt_uuid("ended_by_id")
            .opt_instant("ended_at")
            .int("row_version")
            .check("ended", "(status = 'OPEN') = (ended_at IS NULL) AND (ended_at IS NULL) = (ended_by_kind IS NULL)")
            .check("answered", "(status = 'ANSWERED') = (answer IS NOT NULL)")
            .unique_where(&["plan_item_id", "kind"], "status = 'OPEN'")
            .index(&["agreement_id", "id"])
            .index(&["patient_id"])
    });
    schema.keep("item_concern");
    // What has ended stays as it ended.
    schema.guard("item_concern", "ended", Change::Update, Some("OLD.status <> 'OPEN'"));

    schema.table("guarantee_pause", |t| {
        t.id()
            .link("plan_item_id", "plan_item")
            .link("agreement_id", "agreement")
            .about_patient()
            .one_of("kind", &["PATIENT_CHOSEN", "MEDICAL"])
            .date("from_day")
            .opt_date("until_day")
            .one_of("by_kind", ACTOR_KINDS)
            .uuid("by_id")
            .instant("created_at")
            .check("in_order", "until_day IS NULL OR until_day >= from_day")
            .unique_where(&["plan_item_id", "kind"], "until_day IS NULL")
            .index(&["agreement_id", "plan_item_id"])
            .index(&["patient_id"])
    });
    schema.keep("guarantee_pause");
}
