//! What happens again and again: from when, how it stands by its marks, and when nothing is left of it.

use entity::task;
use harness::TestApp;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{active_with, item_as, on_item, steps::orphans};
use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, active, assent, draft, whole_item};

fn again(title: &str, rule: &str) -> Value {
    json!({
        "title": title,
        "owner": "PATIENT",
        "timing": { "recurrence": { "rule": rule, "from": "2027-02-01" } },
    })
}

fn a_day() -> chrono::TimeDelta {
    chrono::TimeDelta::days(1)
}

const STEPS: &str = "{ me { nextSteps { patient { title on isLate } care { title } } } }";

/// A rule is a plan of these years, and happens.
#[tokio::test]
async fn a_recurrence_begins_a_year_ago_at_the_earliest_ends_in_this_age_and_happens() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    for (field, recurrence) in [
        ("from", json!({ "rule": "FREQ=DAILY", "from": "1850-01-01" })),
        ("rule", json!({ "rule": "FREQ=DAILY;UNTIL=99991231", "from": "2027-02-01" })),
        ("rule", json!({ "rule": "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1", "from": "2027-02-01" })),
    ] {
        let mut input = whole_item(&plan, s1, "Promenad", "PATIENT");
        input["timing"] = json!({ "recurrence": recurrence });
        let refused = act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, input).await;
        assert_eq!(refused.user_error_codes("planItemPropose"), ["BAD_USER_INPUT"], "{recurrence}");
        let place = format!("timing.recurrence.{field}");
        assert_eq!(refused.user_error_fields("planItemPropose"), [place], "{recurrence}");
    }
}

#[tokio::test]
async fn a_recurring_item_stands_as_its_marks_say() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let items = [
        again("En gång", "FREQ=DAILY;COUNT=1"),
        again("Aldrig av", "FREQ=DAILY;COUNT=1"),
        again("Två gånger", "FREQ=DAILY;COUNT=2"),
        again("Varje vecka", "FREQ=WEEKLY"),
        again("Varje dag", "FREQ=DAILY"),
    ];
    active_with(&app, s1, p1, &items).await;
    let stands = async |title: &str| {
        let item = item_as(&app, &p1.identity, p1, title, "followThrough").await;
        item["followThrough"].as_str().unwrap().to_owned()
    };
    let mark = async |title: &str, on: &str, outcome: &str| {
        let more = json!({ "on": on, "outcome": outcome });
        on_item(&app, &p1.identity, p1, title, "planItemOccurrenceMark", more).await.ok();
    };
    assert_eq!(stands("En gång").await, "AHEAD");
    mark("En gång", "2027-02-01", "DONE").await;
    mark("Aldrig av", "2027-02-01", "NOT_DONE").await;
    mark("Varje vecka", "2027-02-01", "DONE").await;
    assert_eq!(stands("En gång").await, "DONE");
    app.clock.advance(a_day());
    for (title, at) in [
        ("En gång", "DONE"),
        ("Aldrig av", "NOT_DONE"),
        ("Två gånger", "LATE"),
        ("Varje vecka", "AHEAD"),
        ("Varje dag", "LATE"),
    ] {
        assert_eq!(stands(title).await, at, "{title}");
    }
    for day in ["2027-02-02", "2027-02-01"] {
        mark("Två gånger", day, "DONE").await;
    }
    mark("Varje dag", "2027-02-01", "NOT_DONE").await;
    assert_eq!((stands("Två gånger").await, stands("Varje dag").await), ("DONE".into(), "AHEAD".into()));
}

/// R: what has been done is no next step. Both sides and the sweep go by the same.
#[tokio::test]
async fn a_recurrence_whose_last_day_is_marked_leaves_no_next_step_and_somebody_is_told_at_once() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let care = json!({ "title": "Ring upp", "timing": { "date": "2027-02-10" } });
    active_with(&app, s1, p1, &[again("Väg dig", "FREQ=DAILY;COUNT=1"), care]).await;
    on_item(&app, &s1.identity, p1, "Ring upp", "planItemCancel", json!({ "reason": "Behövs inte" }))
        .await
        .ok();
    // A day later it is late, and somebody's next step still, as what has a date would be.
    app.clock.advance(a_day());
    patientkontrakt::domain::sweep::run(&app.core).await.unwrap();
    assert!(orphans(&app).await.is_empty());
    let late = app.run(&p1.identity, STEPS, json!({})).await.ok();
    let step = json!({ "title": "Väg dig", "on": "2027-02-01", "isLate": true });
    assert_eq!(late.at("/me/nextSteps/patient"), &step);
    let done = json!({ "on": "2027-02-01", "outcome": "DONE" });
    on_item(&app, &p1.identity, p1, "Väg dig", "planItemOccurrenceMark", done).await.ok();
    let seen = app.run(&p1.identity, STEPS, json!({})).await.ok();
    assert_eq!(seen.at("/me/nextSteps"), &json!({ "patient": null, "care": null }));
    assert_eq!(orphans(&app).await.len(), 1);
    patientkontrakt::domain::sweep::run(&app.core).await.unwrap();
    let open = task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::OrphanedNextStep))
        .filter(task::Column::Status.eq(task::Status::Open));
    assert_eq!(open.count(app.core.db.reader()).await.unwrap(), 1, "the sweep finds no step either");
}

/// R: the same, of a version that comes into force.
#[tokio::test]
async fn a_version_that_comes_into_force_without_a_next_step_tells_somebody_at_once() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let mut input = whole_item(&plan, s1, "Ring upp", "CARE");
    input["timing"] = json!({ "date": "2027-02-02" });
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, input).await.ok();
    let (plan, _) = Plan::of(&app, p1).await;
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let answer = act(&app, &s1.identity, "agreementPropose", AGREEMENT, input).await.ok();
    let plan = Plan::read(&answer, "agreementPropose");
    app.clock.advance(chrono::TimeDelta::days(20));
    assert!(orphans(&app).await.is_empty());
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    assert_eq!(orphans(&app).await.len(), 1);
}
