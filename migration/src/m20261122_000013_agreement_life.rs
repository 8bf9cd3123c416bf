//! What lies around an agreement: offers and requests before it, what care lays over it at once, and the plans it
//! builds on.

use crate::schema::{Change, Schema};

const ACTOR_KINDS: &[&str] = &["ANONYMOUS", "PATIENT", "REPRESENTATIVE", "STAFF", "SYSTEM"];
const WAYS: &[&str] = &["ON_SITE", "PHONE", "VIDEO", "LETTER", "DIGITAL"];

pub fn up(schema: &mut Schema) {
    beginnings(schema);
    overlays(schema);
    links(schema);
}

fn beginnings(schema: &mut Schema) {
    schema.table("agreement_offer", |t| {
        t.id()
            .about_patient()
            .text("region")
            .opt_text("patient_group")
            .link("offered_by", "assignment")
            .one_of("offered_how", WAYS)
            .instant("offered_at")
            .one_of("status", &["OPEN", "ACCEPTED", "DECLINED", "SUPERSEDED", "DECEASED"])
            .opt_instant("answered_at")
            .opt_one_of("answered_by_kind", ACTOR_KINDS)
            .opt_uuid("answered_by_id")
            .opt_one_of("answered_how", WAYS)
            .opt_bytes("answer_words")
            .int("row_version")
            .check("answered", "(status = 'OPEN') = (answered_at IS NULL)")
            // A key across providers would tell one of another's offer.
            .unique_where(&["patient_id", "region", "care_provider_id"], "status = 'OPEN'")
            .index(&["patient_id", "offered_at"])
    });
    schema.keep("agreement_offer");
    // A yes may be taken back.
    let answered = "OLD.status <> 'OPEN' AND NOT (OLD.status = 'ACCEPTED' AND NEW.status = 'DECLINED')";
    schema.guard("agreement_offer", "answered", Change::Update, Some(answered));

    schema.table("agreement_request", |t| {
        t.id()
            .about_patient()
            .text("region")
            .opt_bytes("why")
            .one_of("asked_by_kind", ACTOR_KINDS)
            .uuid("asked_by_id")
            .opt_one_of("asked_how", WAYS)
            .instant("asked_at")
            .instant("due_at")
            .one_of("status", &["OPEN", "FULFILLED", "WITHDRAWN", "DECEASED"])
            .opt_link("agreement_id", "agreement")
            .opt_instant("ended_at")
            .opt_one_of("ended_by_kind", ACTOR_KINDS)
            .opt_uuid("ended_by_id")
            .opt_one_of("ended_how", WAYS)
            .opt_bytes("end_words")
            .int("row_version")
            .check("ended", "(status = 'OPEN') = (ended_at IS NULL)")
            .check("how", "ended_how IS NULL OR status = 'WITHDRAWN'")
            .check("fulfilled", "(status = 'FULFILLED') = (agreement_id IS NOT NULL)")
            .unique_where(&["patient_id", "region", "care_provider_id"], "status = 'OPEN'")
            .index(&["patient_id", "asked_at"])
    });
    schema.keep("agreement_request");
    // It is open again when the proposal that ended it comes to nothing.
    let ended = "OLD.status <> 'OPEN' AND NOT (OLD.status = 'FULFILLED' AND NEW.status = 'OPEN')";
    schema.guard("agreement_request", "ended", Change::Update, Some(ended));

    schema.table("agreement_request_pass", |t| {
        t.id()
            .link("request_id", "agreement_request")
            .about_patient()
            .link("from_unit_id", "care_unit")
            .link("passed_by", "assignment")
            .bytes("reason")
            .instant("passed_at")
            .index(&["request_id", "id"])
    });
    schema.append_only("agreement_request_pass");
}

fn overlays(schema: &mut Schema) {
    schema.table("safety_instruction", |t| {
        t.id()
            .link("agreement_id", "agreement")
            .about_patient()
            .one_of("kind", &["WARNING_SIGN", "MEDICINE", "WHOM_TO_CALL"])
            .bytes("text")
            .opt_bytes("action")
            .opt_text("phone")
            .opt_bytes("source")
            .opt_date("source_on")
            .one_of("status", &["OPEN", "AGREED", "WITHDRAWN", "ENDED"])
            .link("added_by", "assignment")
            .instant("added_at")
            .opt_link("agreed_version_id", "agreement_version")
            .opt_instant("settled_at")
            .opt_link("withdrawn_by", "assignment")
            .opt_bytes("withdraw_reason")
            .int("row_version")
            .check("cites_its_source", "kind <> 'MEDICINE' OR (source IS NOT NULL AND source_on IS NOT NULL)")
            .check("settled", "(status = 'OPEN') = (settled_at IS NULL)")
            .check("agreed", "status <> 'AGREED' OR agreed_version_id IS NOT NULL")
            .check("agreed_in", "agreed_version_id IS NULL OR (status <> 'OPEN' AND status <> 'WITHDRAWN')")
            .index(&["agreement_id", "status"])
    });
    schema.keep("safety_instruction");
    // What is agreed on ends with a version that no longer says it; nothing else changes once it is settled.
    let fixed = "(OLD.status <> 'OPEN' AND NOT (OLD.status = 'AGREED' AND NEW.status = 'ENDED')) OR NEW.text IS DISTINCT FROM OLD.text OR NEW.action IS DISTINCT FROM OLD.action \
                 OR NEW.kind <> OLD.kind OR NEW.phone IS DISTINCT FROM OLD.phone \
                 OR NEW.source IS DISTINCT FROM OLD.source OR NEW.source_on IS DISTINCT FROM OLD.source_on";
    schema.guard("safety_instruction", "fixed", Change::Update, Some(fixed));
}

fn links(schema: &mut Schema) {
    schema.table("plan_link", |t| {
        t.id()
            .link("agreement_id", "agreement")
            .about_patient()
            .one_of(
                "kind",
                &[
                    "SIP",
                    "VARDPLAN",
                    "REHAB",
                    "HABILITATION",
                    "MIN_VARDPLAN_CANCER",
                    "PERSONCENTRERAT_VARDFORLOPP",
                    "DIGITAL_PLUS",
                    "OTHER",
                ],
            )
            .bytes("title")
            .bytes("holder")
            .opt_bytes("reference")
            .opt_bytes("url")
            .opt_date("dated_on")
            .opt_bytes("parties")
            .bool("fulfils")
            .one_of("added_by_kind", ACTOR_KINDS)
            .uuid("added_by_id")
            .instant("added_at")
            .opt_instant("removed_at")
            .opt_one_of("removed_by_kind", ACTOR_KINDS)
            .opt_uuid("removed_by_id")
            .opt_bytes("remove_reason")
            .int("row_version")
            .check("removed", "(removed_at IS NULL) = (removed_by_kind IS NULL)")
            .unique_where(&["agreement_id"], "fulfils AND removed_at IS NULL")
            .index(&["agreement_id", "id"])
    });
    schema.keep("plan_link");
    let fixed = "OLD.removed_at IS NOT NULL OR NEW.title IS DISTINCT FROM OLD.title OR NEW.kind <> OLD.kind \
                 OR NEW.holder IS DISTINCT FROM OLD.holder OR NEW.reference IS DISTINCT FROM OLD.reference \
                 OR NEW.url IS DISTINCT FROM OLD.url OR NEW.dated_on IS DISTINCT FROM OLD.dated_on \
                 OR NEW.parties IS DISTINCT FROM OLD.parties OR NEW.fulfils <> OLD.fulfils";
    schema.guard("plan_link", "fixed", Change::Update, Some(fixed));
}
