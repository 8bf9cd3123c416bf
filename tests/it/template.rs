//! Templates of courses of care: as they are offered, put into a plan, checked before going home, and called upon.

use chrono::TimeDelta;
use entity::{
    PlanItemId, change_entry, plan_item,
    task::{self, Kind, Status},
};
use harness::{Answer, Staff, TestApp, TestPatient};
use patientkontrakt::{
    crypto::Place, domain::task::words::Words, graphql::scalars::NodeKind, locale::Locale,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, assent, draft, global, row};

const TEMPLATES: &str = "{ templates { key version title anchor isShipped phases { key title } items { key phase \
     category owner title timing days inWorkingDays untilDays recurrence trigger resultHow dischargeCode dailyCall \
     needsResponsibleUnit } } }";

/// The three that must ship, in the reader's language, for no statement.
#[tokio::test]
async fn the_three_templates_that_ship_are_offered_and_cost_no_statement() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1.identity;
    app.run(s1, TEMPLATES, json!({})).await.ok();
    let (answer, statements) = app.statements(app.run(s1, TEMPLATES, json!({}))).await;
    let answer = answer.ok();
    assert!(statements.is_empty(), "{statements:#?}");
    let keys: Vec<&Value> = answer.at("/templates").as_array().unwrap().iter().map(|t| &t["key"]).collect();
    assert_eq!(keys, ["daily-follow-up", "frail-patient", "surgery"]);
    let surgery = answer.at("/templates/2");
    assert_eq!((&surgery["title"], &surgery["anchor"]), (&json!("Operation"), &json!("Operationsdagen")));
    let item =
        |key: &str| surgery["items"].as_array().unwrap().iter().find(|i| i["key"] == key).unwrap().clone();
    let follow_up = item("follow-up");
    assert_eq!(
        (&follow_up["days"], &follow_up["dischargeCode"], &follow_up["needsResponsibleUnit"]),
        (&json!(12), &json!("FOLLOW_UP_BOOKED"), &json!(true))
    );
    assert_eq!(item("answer")["trigger"], "när provsvaret har kommit");
    let daily = answer.at("/templates/0/items");
    let call = daily.as_array().unwrap().iter().find(|i| i["dailyCall"] == json!(true)).unwrap();
    assert_eq!((&call["days"], &call["recurrence"]), (&json!(0), &json!("FREQ=DAILY;COUNT=14")));
}

const APPLIED: &str = "agreement { id rowVersion planItems { id title owner timing dueOn startsOn recurrence trigger \
     responsibleUnit { name } resultHow resultBy } } \
     applied { key version anchorOn planItemIds leftOut open { planItemId field message } \
     withoutResponsibleIds }";

async fn apply(app: &TestApp, staff: &Staff, plan: &Plan, template: &str, anchor: &str) -> Answer {
    let query = "query($id: ID!) { node(id: $id) { ... on Agreement { rowVersion } } }";
    let now = app.run(&staff.identity, query, json!({ "id": plan.id })).await.ok();
    let input = json!({
        "agreementId": plan.id, "template": template, "anchorDate": anchor,
        "expectedRowVersion": now.at("/node/rowVersion"),
    });
    act(app, &staff.identity, "agreementApplyTemplate", APPLIED, input).await
}

fn item_of(answer: &Answer, title: &str) -> Value {
    let items = answer.at("/agreementApplyTemplate/agreement/planItems").as_array().unwrap().clone();
    items.into_iter().find(|i| i["title"] == title).unwrap_or_else(|| panic!("no {title}: {}", answer.body))
}

/// Proposes the draft as it is and lets the patient assent: whatever is open is filled in by nobody here.
async fn bring_into_force(app: &TestApp, staff: &Staff, patient: &TestPatient) -> Answer {
    let (plan, _) = Plan::of(app, patient).await;
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let proposed = act(app, &staff.identity, "agreementPropose", AGREEMENT, input).await.ok();
    let plan = Plan::read(&proposed, "agreementPropose");
    act(app, &patient.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok()
}

/// The surgery template in a draft: dates counted from the day of the operation, in the patient's language, with what
/// is still open.
#[tokio::test]
async fn the_surgery_template_puts_its_items_and_texts_into_the_draft_and_says_what_is_open() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let answer = apply(&app, s1, &plan, "surgery", "2027-03-15").await.ok();
    let applied = answer.at("/agreementApplyTemplate/applied");
    assert_eq!(
        (&applied["key"], &applied["version"], &applied["anchorOn"]),
        (&json!("surgery"), &json!(1), &json!("2027-03-15"))
    );
    assert_eq!(applied["leftOut"], json!([]));
    assert_eq!(applied["planItemIds"].as_array().unwrap().len(), 16);
    let follow_up = item_of(&answer, "Provtagning eller borttagning av stygn");
    // Twelve days after is Saturday 27 March, in Easter: the next working day is Tuesday the 30th.
    assert_eq!((&follow_up["dueOn"], &follow_up["responsibleUnit"]), (&json!("2027-03-30"), &Value::Null));
    let home_plan = item_of(&answer, "Hemplan: så klarar du dig hemma efter operationen");
    assert_eq!(home_plan["dueOn"], "2027-03-10");
    assert_eq!(home_plan["responsibleUnit"]["name"], "Vårdcentralen Granen");
    let result = item_of(&answer, "Svar på proverna från operationen");
    assert_eq!((&result["resultHow"], &result["resultBy"]), (&json!("Vi ringer dig."), &json!("2027-04-05")));
    // Nothing keeps it from being proposed; only who takes the stitches out is not said.
    assert_eq!(applied["open"], json!([]));
    assert_eq!(applied["withoutResponsibleIds"], json!([follow_up["id"]]));
    let me = app
        .run(
            &p1.identity,
            "{ me { agreement { currentVersion { story whenToSeekHelp howResultsCome } } } }",
            json!({}),
        )
        .await
        .ok();
    let version = me.at("/me/agreement/currentVersion");
    assert!(version["whenToSeekHelp"].as_str().unwrap().contains("1177"), "{version}");
    assert_eq!(version["story"], "Jag heter kanarie-ett.");
}

/// What the answer calls open is what proposing is refused for, no more and no less.
#[tokio::test]
async fn what_is_open_after_a_template_is_exactly_what_proposing_would_be_refused_for() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let untimed = json!({ "agreementId": plan.id, "title": "Prata om hjälp hemma", "category": "COORDINATION",
                          "owner": "CARE" });
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, untimed).await.ok();
    let (plan, _) = Plan::of(&app, p1).await;
    let sign = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version, "sections": [
        { "warningSigns": [{ "light": "RED", "sign": "Svårt att andas" }] },
    ] });
    act(&app, &s1.identity, "agreementContentEdit", AGREEMENT, sign).await.ok();
    let answer = apply(&app, s1, &plan, "surgery", "2027-03-15").await.ok();
    let applied = answer.at("/agreementApplyTemplate/applied");
    let mut open: Vec<String> = applied["open"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| {
            let field = point["field"].as_str().unwrap();
            let item = point["planItemId"].as_str();
            item.map_or_else(|| field.to_owned(), |id| format!("planItems.{id}.{field}"))
        })
        .collect();
    let (plan, _) = Plan::of(&app, p1).await;
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let refused = act(&app, &s1.identity, "agreementPropose", AGREEMENT, input).await;
    let mut missing = refused.user_error_fields("agreementPropose");
    open.sort();
    missing.sort();
    assert_eq!(open, missing);
    assert_eq!(open.len(), 3, "an item without a time, a red sign without an action and a number: {open:?}");
}

#[tokio::test]
async fn a_template_is_put_in_once_for_a_day_in_a_draft_by_care_and_for_a_day_that_makes_sense() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    apply(&app, s1, &plan, "frail-patient", "2027-02-01").await.ok();
    let again = apply(&app, s1, &plan, "frail-patient", "2027-02-01").await;
    assert_eq!(again.user_error_codes("agreementApplyTemplate"), ["CONFLICT"]);
    apply(&app, s1, &plan, "frail-patient", "2027-02-15").await.ok();
    let wrong = apply(&app, s1, &plan, "no-such", "2025-01-01").await;
    assert_eq!(wrong.user_error_codes("agreementApplyTemplate"), ["BAD_USER_INPUT", "BAD_USER_INPUT"]);
    // Fourteen days cannot have begun already; the rest of it has not passed.
    let late = apply(&app, s1, &plan, "daily-follow-up", "2027-01-30").await.ok();
    let left_out = late.at("/agreementApplyTemplate/applied/leftOut");
    assert_eq!(left_out, &json!(["oximeter", "daily-call", "measure"]));
    let input = json!({ "agreementId": plan.id, "template": "surgery", "anchorDate": "2027-03-15",
                        "expectedRowVersion": 1 });
    let patient = act(&app, &p1.identity, "agreementApplyTemplate", APPLIED, input.clone()).await;
    assert_eq!(patient.user_error_codes("agreementApplyTemplate"), ["FORBIDDEN"]);
    let stale = act(&app, &s1.identity, "agreementApplyTemplate", APPLIED, input.clone()).await;
    assert_eq!(stale.user_error_codes("agreementApplyTemplate"), ["STALE_ROW_VERSION"]);
    let other = act(&app, &app.world.s2.identity, "agreementApplyTemplate", APPLIED, input).await;
    assert_eq!(other.user_error_codes("agreementApplyTemplate"), ["NOT_FOUND"], "{}", other.body);
}

#[tokio::test]
async fn the_same_key_puts_a_template_in_once_and_an_agreement_in_force_wants_a_draft_first() {
    let app = TestApp::new().await;
    let (s1, p2) = (&app.world.s1, &app.world.p2);
    let plan = draft(&app, s1, p2).await;
    let input = json!({ "agreementId": plan.id, "template": "frail-patient", "anchorDate": "2027-02-01",
                        "expectedRowVersion": plan.row_version, "idempotencyKey": "en-gång" });
    let first = act(&app, &s1.identity, "agreementApplyTemplate", APPLIED, input.clone()).await.ok();
    let second = act(&app, &s1.identity, "agreementApplyTemplate", APPLIED, input).await.ok();
    assert_eq!(first.body, second.body);
    bring_into_force(&app, s1, p2).await;
    let refused = apply(&app, s1, &plan, "surgery", "2027-03-15").await;
    assert_eq!(refused.user_error_codes("agreementApplyTemplate"), ["WRONG_STATE"]);
}

const CHECK: &str = "{ me { agreement { dischargeCheck { isComplete gaps { code message planItemId } } } } }";

async fn codes(app: &TestApp, patient: &TestPatient) -> Vec<String> {
    let seen = app.run(&patient.identity, CHECK, json!({})).await.ok();
    let gaps = seen.at("/me/agreement/dischargeCheck/gaps").as_array().unwrap().clone();
    gaps.iter().map(|gap| gap["code"].as_str().unwrap().to_owned()).collect()
}

async fn tasks(app: &TestApp, kind: Kind) -> Vec<task::Model> {
    let found = task::Entity::find().filter(task::Column::Kind.eq(kind)).order_by_asc(task::Column::Id);
    found.all(app.core.db.reader()).await.unwrap()
}

async fn done(app: &TestApp, staff: &Staff, patient: &TestPatient, title: &str) {
    let item = crate::acts::item(app, patient, title).await;
    let input = json!({ "planItemId": item["id"], "expectedRowVersion": item["rowVersion"] });
    act(app, &staff.identity, "planItemComplete", "planItem { id }", input).await.ok();
}

/// A discharge check lists the gaps, and what is missing is a task until it is not.
#[tokio::test]
async fn a_discharge_check_lists_every_gap_and_raises_one_task_until_nothing_is_missing() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let run = async || {
        let input = json!({ "agreementId": plan.id });
        let selection = "agreement { dischargeCheck { isComplete } }";
        act(&app, &s1.identity, "dischargeCheckRun", selection, input).await
    };
    assert_eq!(run().await.user_error_codes("dischargeCheckRun"), ["WRONG_STATE"]);
    apply(&app, s1, &plan, "surgery", "2027-02-08").await.ok();
    bring_into_force(&app, s1, p1).await;
    let all = [
        "HOME_PLAN",
        "NEXT_STEP_ON_ARRIVAL",
        "NEXT_STEP_ON_DISCHARGE",
        "FOLLOW_UP_BOOKED",
        "WARNING_SIGNS",
        "WHOM_TO_CALL",
        "AS_NEEDED_MEDICINE",
        "RELATIVES",
    ];
    // How the answer comes is promised by the template itself.
    assert_eq!(codes(&app, p1).await, all);
    let (_, statements) = app.statements(app.run(&p1.identity, CHECK, json!({}))).await;
    assert!(statements.len() <= 8, "{statements:#?}");

    assert_eq!(run().await.ok().at("/dischargeCheckRun/agreement/dischargeCheck/isComplete"), &json!(false));
    run().await.ok();
    let open = tasks(&app, Kind::DischargeGap).await;
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].care_unit_id, open[0].status), (s1.unit, Status::Open));
    assert_eq!(open[0].due_at, app.clock.now() + TimeDelta::hours(4));

    for title in [
        "Hemplan: så klarar du dig hemma efter operationen",
        "Närstående är med i planen, om du vill",
        "Du får veta nästa steg när du kommer",
        "Du vet vad du ska hålla utkik efter hemma",
        "Du vet vem du ringer, vardag och helg",
        "Läkemedel vid behov: vad, hur mycket och när",
        "Du får veta nästa steg innan du går hem",
    ] {
        done(&app, s1, p1, title).await;
    }
    assert_eq!(codes(&app, p1).await, ["FOLLOW_UP_BOOKED"]);
    // The open task says what is missing now, on record.
    run().await.ok();
    let now_open = tasks(&app, Kind::DischargeGap).await;
    assert_eq!(now_open.len(), 1);
    let place = Place::new("task.note", now_open[0].id.0);
    let note = Words::open(&app.core.keys, place, now_open[0].note.as_ref().unwrap()).unwrap();
    let note = note.in_locale(Locale::Sv);
    assert!(note.starts_with("Provtagning") && !note.contains('\n'), "{note}");
    let noted = change_entry::Entity::find()
        .filter(change_entry::Column::SubjectId.eq(now_open[0].id.0))
        .filter(change_entry::Column::Action.eq("taskNote"));
    assert_eq!(noted.all(app.core.db.reader()).await.unwrap().len(), 1);
    // Removal of stitches booked before going home.
    let follow_up = crate::acts::item(&app, p1, "Provtagning eller borttagning av stygn").await;
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit), "startsLocal": ["2027-02-22T09:00"],
    });
    let slots = act(&app, &s1.identity, "slotPublish", "slots { id }", input).await.ok();
    let input = json!({
        "slotId": slots.at("/slotPublish/slots/0/id"), "planItemId": follow_up["id"], "patientId": p1.global_id(), "bookingChannel": "PHONE",
    });
    act(&app, &s1.identity, "appointmentBook", "appointment { id }", input).await.ok();
    assert_eq!(run().await.ok().at("/dischargeCheckRun/agreement/dischargeCheck/isComplete"), &json!(true));
    let ended = tasks(&app, Kind::DischargeGap).await;
    assert_eq!((ended.len(), ended[0].status), (1, Status::Done));
    // Nothing is asked of an agreement that has ended.
    let (plan, _) = Plan::of(&app, p1).await;
    let over = json!({ "agreementId": plan.id, "reason": "COMPLETED", "words": "Allt är gjort", "expectedRowVersion": plan.row_version });
    act(&app, &s1.identity, "agreementEnd", "agreement { id }", over).await.ok();
    assert_eq!(run().await.user_error_codes("dischargeCheckRun"), ["CONFLICT"]);
}

async fn mark(app: &TestApp, item: &str, on: &str, outcome: &str) {
    let now = plan_item::Entity::find_by_id(PlanItemId(row(item)));
    let now = now.one(app.core.db.reader()).await.unwrap().unwrap();
    let input =
        json!({ "planItemId": item, "on": on, "outcome": outcome, "expectedRowVersion": now.row_version });
    let staff = &app.world.s1.identity;
    act(app, staff, "planItemOccurrenceMark", "planItem { id }", input).await.ok();
}

/// A plan in force with the daily follow-up from the first of February. Gives the call.
async fn followed_up(app: &TestApp) -> Value {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(app, s1, p1).await;
    let answer = apply(app, s1, &plan, "daily-follow-up", "2027-02-01").await.ok();
    let open = answer.at("/agreementApplyTemplate/applied/open").as_array().unwrap().clone();
    assert_eq!(open.len(), 1, "{open:?}");
    // The limits of the measurement are the patient's own.
    let (draft_now, _) = Plan::of(app, p1).await;
    let limits = json!({
        "agreementId": plan.id, "expectedRowVersion": draft_now.row_version,
        "sections": [{ "ownMeasurements": [{ "what": "Syremättnad", "unit": "%", "lower": "92", "howOften": "En gång om dagen",
            "readBy": "Den som ringer", "readWhen": "Vid samtalet", "outside": "Ring" }] }],
    });
    act(app, &s1.identity, "agreementContentEdit", "agreement { id }", limits).await.ok();
    bring_into_force(app, s1, p1).await;
    item_of(&answer, "Vi ringer dig varje dag")
}

fn at(app: &TestApp, local: &str) {
    app.clock.set(format!("{local}+01:00").parse::<chrono::DateTime<chrono::Utc>>().unwrap());
}

/// A call a day for exactly 14 days; a missed call escalates, and ends when the patient is reached.
#[tokio::test]
async fn a_daily_call_that_was_not_made_is_raised_rises_to_the_manager_and_ends_when_the_patient_is_reached()
{
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let call = followed_up(&app).await;
    assert_eq!(
        (&call["startsOn"], &call["dueOn"], &call["recurrence"]),
        (&json!("2027-02-01"), &json!("2027-02-14"), &json!("FREQ=DAILY;COUNT=14"))
    );
    let item = call["id"].as_str().unwrap().to_owned();

    let sweep = async || patientkontrakt::domain::sweep::run(&app.core).await.unwrap();
    at(&app, "2027-02-01T19:59:00");
    sweep().await;
    assert!(tasks(&app, Kind::MissedCall).await.is_empty());
    at(&app, "2027-02-01T20:00:00");
    assert_eq!(sweep().await.raised, 1);
    assert_eq!(sweep().await.raised, 0);
    let missed = tasks(&app, Kind::MissedCall).await;
    assert_eq!((missed.len(), missed[0].subject_id, missed[0].care_unit_id), (1, row(&item), s1.unit));
    assert_eq!(missed[0].due_at, app.clock.now() + TimeDelta::hours(2));
    // Nobody acts: it rises to the manager.
    at(&app, "2027-02-01T22:01:00");
    assert_eq!(sweep().await.risen, 1);
    // Reached the next day: done, and the day that was missed is settled.
    at(&app, "2027-02-02T09:00:00");
    mark(&app, &item, "2027-02-02", "DONE").await;
    let ended = tasks(&app, Kind::MissedCall).await;
    assert_eq!((ended.len(), ended[0].status), (1, Status::Done));
    // Tried and not reached is missed too.
    at(&app, "2027-02-03T21:00:00");
    mark(&app, &item, "2027-02-03", "NOT_DONE").await;
    assert_eq!(sweep().await.raised, 2, "and what care was to plan by the day before");
    at(&app, "2027-02-04T10:00:00");
    mark(&app, &item, "2027-02-04", "DONE").await;
    assert!(tasks(&app, Kind::MissedCall).await.iter().all(|task| task.status == Status::Done));
    // The other days are made; after the fourteenth there is no call to miss.
    for day in 5..=14 {
        at(&app, &format!("2027-02-{day:02}T10:00:00"));
        mark(&app, &item, &format!("2027-02-{day:02}"), "DONE").await;
    }
    at(&app, "2027-02-20T21:00:00");
    sweep().await;
    assert_eq!(tasks(&app, Kind::MissedCall).await.len(), 2);
}

/// What is documented afterwards of an earlier day says nothing of how the patient is now: the call that was missed since
/// is still to be made.
#[tokio::test]
async fn a_missed_call_is_not_settled_by_the_call_of_an_earlier_day_that_is_documented_afterwards() {
    let app = TestApp::new().await;
    let call = followed_up(&app).await;
    let item = call["id"].as_str().unwrap().to_owned();
    let sweep = async || patientkontrakt::domain::sweep::run(&app.core).await.unwrap();
    let statuses = async || -> Vec<Status> {
        tasks(&app, Kind::MissedCall).await.iter().map(|task| task.status).collect()
    };
    at(&app, "2027-02-02T20:00:00");
    sweep().await;
    assert_eq!(statuses().await, [Status::Open]);
    at(&app, "2027-02-02T20:30:00");
    mark(&app, &item, "2027-02-01", "DONE").await;
    assert_eq!(statuses().await, [Status::Open]);
    sweep().await;
    assert_eq!(statuses().await, [Status::Open], "the sweep does not take it for answered either");
    mark(&app, &item, "2027-02-02", "DONE").await;
    assert_eq!(statuses().await, [Status::Done]);

    at(&app, "2027-02-03T20:00:00");
    sweep().await;
    // By then the next one has been missed too.
    at(&app, "2027-02-04T20:30:00");
    mark(&app, &item, "2027-02-03", "DONE").await;
    sweep().await;
    assert_eq!(statuses().await, [Status::Done, Status::Open]);
    mark(&app, &item, "2027-02-04", "DONE").await;
    assert_eq!(statuses().await, [Status::Done, Status::Done]);
    // After the last day there is none to wait for.
    at(&app, "2027-02-14T20:00:00");
    sweep().await;
    at(&app, "2027-02-16T10:00:00");
    mark(&app, &item, "2027-02-14", "DONE").await;
    assert_eq!(statuses().await, [Status::Done; 3]);
}
