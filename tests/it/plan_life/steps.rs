//! The next step, and the invariant that there is one.

use chrono::TimeDelta;
use entity::{access_event::ActorKind, care_unit, task};
use harness::{Staff, TestApp, TestPatient, relate};
use patientkontrakt::{
    auth::actor::Actor,
    domain::{next_step, sweep, task::words::Words},
    graphql::scalars::NodeKind,
    locale::Locale,
    session::Session,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};
use serde_json::{Value, json};

use super::{active_with, on_item};
use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, draft, global, whole_item};

pub async fn orphans(app: &TestApp) -> Vec<task::Model> {
    task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::OrphanedNextStep))
        .order_by_asc(task::Column::Id)
        .all(app.core.db.reader())
        .await
        .unwrap()
}

fn days(n: i64) -> TimeDelta {
    TimeDelta::days(n)
}

fn care(title: &str, day: &str) -> Value {
    json!({ "title": title, "timing": { "date": day } })
}

async fn appoint(app: &TestApp, by: &Staff, patient: &TestPatient, whom: &Staff) {
    let person = json!({ "assignmentId": global(NodeKind::Assignment, whom.assignment) });
    let input = json!({ "patientId": patient.global_id(), "role": "FAST_VARDKONTAKT", "person": person });
    act(app, &by.identity, "contactAppoint", "contact { id }", input).await.ok();
}

/// "Every ACTIVE agreement has a next step with date, owner and contact; a sweep finds the orphans and raises them to
/// the fast vårdkontakt." Here: in the transaction of the act that makes one.
#[tokio::test]
async fn closing_the_last_open_item_raises_an_orphan_to_the_fast_vardkontakt_and_a_new_step_ends_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active_with(&app, s1, p1, &[care("Ett", "2027-02-10"), care("Två", "2027-02-12")]).await;
    appoint(&app, s1, p1, &app.world.coordinator).await;
    on_item(&app, &s1.identity, p1, "Ett", "planItemComplete", json!({})).await.ok();
    assert!(orphans(&app).await.is_empty(), "one is still open");
    on_item(&app, &s1.identity, p1, "Två", "planItemCancel", json!({ "reason": "Behövs inte" })).await.ok();
    let raised = orphans(&app).await;
    assert_eq!(raised.len(), 1);
    assert_eq!(raised[0].assignee_id, Some(app.world.coordinator.assignment));
    assert_eq!((raised[0].care_unit_id, raised[0].status), (s1.unit, task::Status::Open));
    sweep::run(&app.core).await.unwrap();
    assert_eq!(orphans(&app).await.len(), 1, "raised once");
    on_item(&app, &s1.identity, p1, "Två", "planItemReopen", json!({})).await.ok();
    let ended = orphans(&app).await;
    assert_eq!(ended[0].status, task::Status::Done);
    assert_eq!(ended[0].ended_by_kind, Some(ActorKind::Staff));
}

/// The same rule, where nobody acts: the day passes.
#[tokio::test]
async fn the_sweep_finds_what_a_passing_day_orphans_and_ends_by_itself_what_has_a_step_again() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active_with(&app, s1, p1, &[care("Ring upp", "2027-02-10")]).await;
    assert_eq!(sweep::run(&app.core).await.unwrap().raised, 0);
    app.clock.advance(days(23));
    assert_eq!(sweep::run(&app.core).await.unwrap().raised, 1, "care is late; it is still a next step");
    app.clock.advance(days(1));
    // Two instances at once, and again: told once.
    let (a, b) = tokio::join!(sweep::run(&app.core), sweep::run(&app.core));
    assert_eq!(a.unwrap().raised + b.unwrap().raised, 1);
    assert_eq!(sweep::run(&app.core).await.unwrap().raised, 0);
    let raised = orphans(&app).await;
    // There is no fast vårdkontakt: the unit.
    assert_eq!((raised[0].care_unit_id, raised[0].assignee_id), (s1.unit, None));
    assert_eq!(raised[0].created_by_kind, ActorKind::System);
    // A booked time is a next step.
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "startsLocal": ["2027-03-15T09:00"] });
    let slot = act(&app, &s1.identity, "slotPublish", "slots { id }", input)
        .await
        .ok()
        .text("/slotPublish/slots/0/id");
    let input = json!({ "patientId": p1.global_id(), "slotId": slot, "bookingChannel": "PHONE" });
    act(&app, &s1.identity, "appointmentBook", "appointment { id }", input).await.ok();
    sweep::run(&app.core).await.unwrap();
    let ended = &orphans(&app).await[0];
    assert_eq!((ended.status, ended.ended_by_kind), (task::Status::Done, Some(ActorKind::System)));
    let words = patientkontrakt::crypto::Place::new("task.ending", ended.id.0);
    let words = Words::open(&app.core.keys, words, ended.ending.as_ref().unwrap()).unwrap();
    assert_eq!(words.in_locale(Locale::Sv), "Ett nästa steg finns igen.");
    assert_eq!(words.in_locale(Locale::En), "There is a next step again.");
    // … until it has been.
    app.clock.advance(days(30));
    sweep::run(&app.core).await.unwrap();
    assert_eq!(orphans(&app).await.iter().filter(|o| o.status == task::Status::Open).count(), 1);
}

#[tokio::test]
async fn the_sweep_takes_one_statement_for_orphans_and_one_for_those_settled_however_many_agreements() {
    let app = TestApp::new().await;
    for (staff, patient) in [(&app.world.s1, &app.world.p1), (&app.world.s2, &app.world.p2)] {
        active_with(&app, staff, patient, &[care("Ta prover", "2027-02-10")]).await;
    }
    let session = Session::new(app.core.clone(), Actor::System, Locale::Sv, "test".to_owned());
    let (raised, statements) = app.statements(next_step::sweep(&session)).await;
    assert_eq!(raised.unwrap(), 0);
    assert_eq!(statements.len(), 2, "{statements:#?}");
    app.clock.advance(days(60));
    assert_eq!(next_step::sweep(&session).await.unwrap(), 2);
}

#[tokio::test]
async fn a_step_needs_a_yes_from_the_relative_who_does_it_and_a_trigger_has_its_latest_day() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let waits = json!({ "trigger": { "text": "när provsvaret kommit", "latestFollowUpOn": "2027-02-20" } });
    let items = [
        json!({ "title": "Skjuts", "owner": "RELATIVE", "relativeName": "Sonen", "timing": { "date": "2027-02-05" } }),
        json!({ "title": "Följa upp", "timing": waits, "description": "Läs brevet först" }),
    ];
    active_with(&app, s1, p1, &items).await;
    let query = "{ me { nextSteps { patient { title } care { title on from waitsFor isLate owner place withWhom \
         preparation callName callPhone planItem { id } } } } }";
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert!(seen.at("/me/nextSteps/patient").is_null());
    let step = seen.at("/me/nextSteps/care");
    assert_eq!((&step["title"], &step["on"]), (&json!("Följa upp"), &json!("2027-02-20")));
    assert_eq!((&step["waitsFor"], &step["isLate"]), (&json!("när provsvaret kommit"), &json!(false)));
    assert_eq!((&step["owner"], &step["preparation"]), (&json!("CARE"), &json!("Läs brevet först")));
    assert_eq!(
        (&step["callName"], &step["place"]),
        (&json!("Vårdcentralen Granen"), &json!("Exempelgatan 1"))
    );
    // Without it, only the relative's is left, which nobody has said yes to.
    on_item(&app, &s1.identity, p1, "Följa upp", "planItemComplete", json!({})).await.ok();
    assert_eq!(orphans(&app).await.len(), 1);
    on_item(&app, &s1.identity, p1, "Skjuts", "relativeConsentRecord", json!({ "words": "Sonen sa ja" }))
        .await
        .ok();
    assert_eq!(orphans(&app).await[0].status, task::Status::Done);
}

#[tokio::test]
async fn a_recurrence_is_the_next_step_on_its_next_unmarked_day_until_its_rule_ends() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let rule = json!({ "recurrence": { "rule": "FREQ=DAILY;COUNT=14", "from": "2027-02-01" } });
    active_with(&app, s1, p1, &[json!({ "title": "Ring varje dag", "timing": rule })]).await;
    let query = "{ me { nextSteps { care { title on isLate } } agreement { planItems { dueOn } } \
         timeline { nodes { on title } } } }";
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(seen.text("/me/nextSteps/care/on"), "2027-02-01");
    assert_eq!(seen.text("/me/agreement/planItems/0/dueOn"), "2027-02-14", "a rule that ends has a last day");
    let mark = json!({ "on": "2027-02-01", "outcome": "DONE" });
    on_item(&app, &s1.identity, p1, "Ring varje dag", "planItemOccurrenceMark", mark).await.ok();
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(seen.text("/me/nextSteps/care/on"), "2027-02-02");
    assert_eq!(seen.text("/me/timeline/nodes/0/on"), "2027-02-02");
}

#[tokio::test]
async fn a_late_item_is_shown_as_late_and_no_longer_as_the_next_step_when_long_past() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active_with(&app, s1, p1, &[care("Ring upp", "2027-02-10")]).await;
    let query = "{ me { nextSteps { care { title isLate } } agreement { planItems { followThrough } } \
         parts { missing { message } } } }";
    app.clock.advance(days(12));
    let late = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(late.at("/me/nextSteps/care/isLate"), &json!(true));
    assert_eq!(late.text("/me/agreement/planItems/0/followThrough"), "LATE");
    app.clock.advance(days(20));
    let past = app.run(&p1.identity, query, json!({})).await.ok();
    assert!(past.at("/me/nextSteps/care").is_null());
    assert!(past.body.to_string().contains("Nästa steg saknas."));
}

/// "What, when, where, with whom, how to prepare, whom to call about it": the contact who answers for it, as long as they
/// hold the role.
#[tokio::test]
async fn the_contact_who_answers_for_an_item_is_whom_to_call_about_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    appoint(&app, s1, p1, &app.world.coordinator).await;
    let person =
        json!({ "named": { "name": "Astmamottagningen", "function": "Sköterska", "phone": "0701740605" } });
    let role = json!({ "patientId": p1.global_id(), "role": "BEHANDLANDE_ROLL",
                       "treatingKind": "ASTHMA_COPD_NURSE", "person": person });
    let appointed =
        act(&app, &s1.identity, "contactAppoint", "contact { id rowVersion phone }", role).await.ok();
    let contact = appointed.at("/contactAppoint/contact").clone();
    let mut item = care("Ring upp", "2027-02-10");
    item["responsibleUnitId"] = Value::Null;
    item["responsibleContactId"] = contact["id"].clone();
    active_with(&app, s1, p1, &[item]).await;
    let query = "{ me { nextSteps { care { withWhom callName callPhone } } } }";
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    let theirs = json!({ "withWhom": "Astmamottagningen", "callName": "Astmamottagningen",
                         "callPhone": contact["phone"] });
    assert_eq!(seen.at("/me/nextSteps/care"), &theirs);
    entity::care_contact::Entity::update_many()
        .col_expr(entity::care_contact::Column::ValidUntil, Expr::value(app.clock.now() + days(1)))
        .filter(entity::care_contact::Column::Name.eq("Astmamottagningen"))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    app.clock.advance(days(2));
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert!(seen.at("/me/nextSteps/care/withWhom").is_null());
    assert_ne!(seen.text("/me/nextSteps/care/callName"), "Astmamottagningen");
}

/// R: the next step has a day: no rule has one after its own end, whatever last day the plan names.
#[tokio::test]
async fn a_recurrence_ends_with_its_rule_where_the_plan_names_a_later_day() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let twice = json!({ "rule": "FREQ=DAILY;COUNT=2", "from": "2027-02-01", "until": "2027-11-20" });
    let item = json!({ "title": "Ring två gånger", "timing": { "recurrence": twice } });
    active_with(&app, s1, p1, &[item]).await;
    let query = "{ me { nextSteps { care { on } } agreement { planItems { dueOn } } } }";
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(seen.text("/me/nextSteps/care/on"), "2027-02-01");
    assert_eq!(seen.text("/me/agreement/planItems/0/dueOn"), "2027-02-02");
    app.clock.advance(days(25));
    let past = app.run(&p1.identity, query, json!({})).await.ok();
    assert!(past.at("/me/nextSteps/care").is_null());
    sweep::run(&app.core).await.unwrap();
    assert_eq!(orphans(&app).await.len(), 1);
}

/// R: nor has a rule one after the last time it happens, however long the rule or the plan goes on.
#[tokio::test]
async fn a_recurrence_ends_on_the_last_day_on_which_it_happens() {
    for (recurrence, last) in [
        (json!({ "rule": "FREQ=MONTHLY;INTERVAL=6;UNTIL=20270731", "from": "2027-02-01" }), "2027-02-01"),
        (
            json!({ "rule": "FREQ=WEEKLY;BYDAY=MO;UNTIL=20270314", "from": "2027-02-01", "until": "2027-02-07" }),
            "2027-02-01",
        ),
        (
            json!({ "rule": "FREQ=WEEKLY;INTERVAL=52;COUNT=9", "from": "2027-02-02", "until": "2027-12-31" }),
            "2027-02-02",
        ),
    ] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        let item = json!({ "title": "Väg dig", "timing": { "recurrence": recurrence } });
        active_with(&app, s1, p1, &[item]).await;
        let query = "{ me { nextSteps { care { on } } agreement { planItems { dueOn } } } }";
        let seen = app.run(&p1.identity, query, json!({})).await.ok();
        assert_eq!(seen.text("/me/nextSteps/care/on"), last);
        assert_eq!(seen.text("/me/agreement/planItems/0/dueOn"), last, "{recurrence}");
        app.clock.advance(days(25));
        let past = app.run(&p1.identity, query, json!({})).await.ok();
        assert!(past.at("/me/nextSteps/care").is_null());
        sweep::run(&app.core).await.unwrap();
        assert_eq!(orphans(&app).await.len(), 1, "{recurrence}");
    }
}

/// R: "there is someone to turn to": in care, and at the care provider whose plan it is, for another's contact would be
/// told of.
#[tokio::test]
async fn a_supporter_and_another_care_providers_contact_are_nobody_to_turn_to() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    relate(&app.core, s3, p1).await;
    let role = async |by: &Staff, role: &str| {
        let person = json!({ "assignmentId": global(NodeKind::Assignment, by.assignment) });
        let input = json!({ "patientId": p1.global_id(), "role": role, "person": person });
        act(&app, &by.identity, "contactAppoint", "contact { id }", input).await.ok();
    };
    let plan = draft(&app, s1, p1).await;
    let mut input = whole_item(&plan, s1, "Gå en runda varje dag", "PATIENT");
    input.as_object_mut().unwrap().remove("responsibleUnitId");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, input).await.ok();
    role(s1, "SUPPORTER").await;
    role(s3, "FAST_LAKARKONTAKT").await;
    let propose = async || {
        let (plan, _) = Plan::of(&app, p1).await;
        let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
        act(&app, &s1.identity, "agreementPropose", AGREEMENT, input).await
    };
    let refused = propose().await;
    assert_eq!(refused.user_error_codes("agreementPropose"), ["INCOMPLETE"]);
    assert_eq!(refused.user_error_fields("agreementPropose"), ["contacts"]);
    role(s1, "FAST_VARDKONTAKT").await;
    propose().await.ok();
}

/// R: nor does a supporter make a next step of what there is nobody in care to call about.
#[tokio::test]
async fn a_step_that_only_a_supporter_could_be_called_about_is_no_next_step() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active_with(&app, s1, p1, &[care("Ring upp", "2027-02-10")]).await;
    let person = json!({ "assignmentId": global(NodeKind::Assignment, s1.assignment) });
    let input = json!({ "patientId": p1.global_id(), "role": "SUPPORTER", "person": person });
    act(&app, &s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    care_unit::Entity::update_many()
        .col_expr(care_unit::Column::Phone, Expr::value(""))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(orphans(&app).await.len(), 1);
    appoint(&app, s1, p1, s1).await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(orphans(&app).await[0].status, task::Status::Done);
}
