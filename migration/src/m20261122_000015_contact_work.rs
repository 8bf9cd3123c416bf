//! The work around contacts: what patients ask for and are offered, absences, and what the population register is told.

use crate::schema::{Change, Schema};

const ACTOR_KINDS: &[&str] = &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"];
const ROLES: &[&str] =
    &["FAST_VARDKONTAKT", "FAST_LAKARKONTAKT", "FAST_OMSORGSKONTAKT", "BEHANDLANDE_ROLL", "SUPPORTER"];
const WAYS: &[&str] = &["ON_SITE", "PHONE", "VIDEO", "LETTER", "DIGITAL"];
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
    schema.table("contact_request", |t| {
        t.id()
            .about_patient()
            .one_of("role", ROLES)
            .opt_one_of("treating_kind", TREATING_KINDS)
            .bytes("why")
            .one_of("status", &["OPEN", "APPOINTED", "WITHDRAWN", "DECEASED"])
            .instant("due_at")
            .one_of("asked_by_kind", ACTOR_KINDS)
            .uuid("asked_by_id")
            .instant("created_at")
            .opt_instant("ended_at")
            .opt_one_of("ended_how", WAYS)
            .opt_bytes("ending")
            .opt_link("contact_id", "care_contact")
            .int("row_version")
            .check("when_ended", "(status = 'OPEN') = (ended_at IS NULL)")
            .check("with_contact", "(status = 'APPOINTED') = (contact_id IS NOT NULL)")
            .check("how", "ended_how IS NULL OR status = 'WITHDRAWN'")
            // A key across providers would tell one of what is asked of another.
            .unique_where(&["patient_id", "role", "care_provider_id"], "status = 'OPEN' AND treating_kind IS NULL")
            .unique_where(&["patient_id", "treating_kind", "care_provider_id"], "status = 'OPEN' AND treating_kind IS NOT NULL")
            .index(&["patient_id", "id"])
    });
    schema.keep("contact_request");
    // It is open again when the role that ended it never begins, or ends soon; and is answered by whoever has that role next.
    let ended = "OLD.status <> 'OPEN' AND NOT (OLD.status = 'APPOINTED' AND NEW.status IN ('OPEN', 'APPOINTED'))";
    schema.guard("contact_request", "ended", Change::Update, Some(ended));

    schema.table("contact_request_pass", |t| {
        t.id()
            .link("request_id", "contact_request")
            .about_patient()
            .link("to_unit_id", "care_unit")
            .bytes("reason")
            .uuid("by_id")
            .instant("at")
            .index(&["request_id", "id"])
    });
    schema.append_only("contact_request_pass");

    schema.table("contact_offer", |t| {
        t.id()
            .about_patient()
            .one_of("role", ROLES)
            .opt_one_of("treating_kind", TREATING_KINDS)
            .opt_bytes("words")
            .one_of("status", &["OPEN", "ACCEPTED", "DECLINED", "SUPERSEDED", "DECEASED"])
            .uuid("offered_by")
            .instant("offered_at")
            .opt_instant("answered_at")
            .opt_one_of("answered_by_kind", ACTOR_KINDS)
            .opt_uuid("answered_by_id")
            .opt_one_of("answered_how", WAYS)
            .opt_bytes("answer_words")
            .int("row_version")
            .check("when_answered", "(status = 'OPEN') = (answered_at IS NULL) AND (answered_at IS NULL) = (answered_by_kind IS NULL)")
            .check("how", "(status = 'ACCEPTED' OR status = 'DECLINED') = (answered_how IS NOT NULL)")
            // A key across providers would tell one of another's offer.
            .unique_where(&["patient_id", "role", "care_provider_id"], "status = 'OPEN' AND treating_kind IS NULL")
            .unique_where(&["patient_id", "treating_kind", "care_provider_id"], "status = 'OPEN' AND treating_kind IS NOT NULL")
            .index(&["patient_id", "id"])
    });
    schema.keep("contact_offer");
    // An answer stands as it was given.
    schema.guard("contact_offer", "answered", Change::Update, Some("OLD.status <> 'OPEN'"));

    schema.table("contact_absence", |t| {
        t.id()
            .owned()
            .opt_link("contact_id", "care_contact")
            .opt_link("assignment_id", "assignment")
            .instant("from_at")
            .instant("until_at")
            .opt_link("substitute_id", "assignment")
            .uuid("created_by")
            .instant("created_at")
            .opt_instant("cancelled_at")
            .opt_uuid("cancelled_by")
            .int("row_version")
            .check("of_one", "(contact_id IS NULL) <> (assignment_id IS NULL)")
            .check("span", "until_at > from_at")
            .check("substitute_is_another", "substitute_id IS NULL OR assignment_id IS NULL OR substitute_id <> assignment_id")
            .check("cancelled", "(cancelled_at IS NULL) = (cancelled_by IS NULL)")
            .index(&["contact_id", "until_at"])
            .index(&["assignment_id", "until_at"])
            .index(&["substitute_id", "until_at"])
    });
    schema.keep("contact_absence");

    schema.table("contact_function_rule", |t| {
        t.id()
            .owned()
            .int("number")
            .text("functions")
            .uuid("set_by")
            .instant("set_at")
            .unique(&["care_unit_id", "number"])
    });
    schema.append_only("contact_function_rule");

    // The outbox of the population register (befolkningsregistret): the point where an integration reads. `code` is
    // that of kv_typ_av_fast_kontakt (1.2.752.129.5.1.69), for the roles that the code list knows.
    schema.table("register_event", |t| {
        t.id()
            .about_patient()
            .link("contact_id", "care_contact")
            .one_of("change", &["APPOINTED", "ENDED"])
            .opt_one_of("code", &["1", "2", "3", "4"])
            .instant("valid_from")
            .opt_instant("valid_until")
            .instant("at")
            .opt_instant("delivered_at")
            .index_where(&["at", "id"], "delivered_at IS NULL")
            .index(&["contact_id"])
    });
    schema.keep("register_event");
    schema.guard(
        "register_event",
        "fixed",
        Change::Update,
        Some("OLD.delivered_at IS NOT NULL OR NEW.at <> OLD.at OR NEW.contact_id <> OLD.contact_id"),
    );
}
