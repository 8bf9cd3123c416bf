//! Two acts that meet, mostly on PostgreSQL: one waits for the other, in one order, and then sees what it did.

use std::time::Duration;

use entity::{
    SlotId, agreement_request, appointment, patient, seat_claim, slot,
    task::{self, Kind},
    time_wish,
};
use harness::{TestApp, database};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseBackend, DatabaseTransaction, EntityTrait, PaginatorTrait,
    QueryFilter, QuerySelect, Statement, TransactionTrait,
    sea_query::{LockBehavior, LockType},
};
use serde_json::{Value, json};

use crate::{
    acts::{AGREEMENT, PLAN_ITEM, Plan, act, draft, global, proposed, row, whole_item},
    booking::{book, publish},
    wishes::{any, leave, mine},
};

/// Somebody else's transaction; none on SQLite, where one writes at a time.
async fn another(app: &TestApp) -> Option<DatabaseTransaction> {
    match database::Kind::picked() {
        database::Kind::Postgres => Some(app.core.db.reader().begin().await.unwrap()),
        database::Kind::Sqlite => None,
    }
}

/// Does `work` while `act` waits for a lock, and then lets it go on.
async fn meanwhile<T>(app: &TestApp, act: impl Future<Output = T>, work: impl Future<Output = ()>) -> T {
    let waiting =
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let statement = Statement::from_string(DatabaseBackend::Postgres, waiting);
    let other = async {
        while app.core.db.reader().query_one_raw(statement.clone()).await.unwrap().is_none() {}
        work.await;
    };
    tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(act, other).0 }).await.unwrap()
}

#[tokio::test]
async fn whoever_dies_while_a_booking_waits_gets_no_time() {
    let app = TestApp::new().await;
    let Some(other) = another(&app).await else { return };
    let p1 = &app.world.p1;
    let slot = publish(&app, &["2027-03-01T09:00"]).await.remove(0);
    let whom = patient::Entity::find_by_id(p1.id).lock_exclusive().one(&other).await.unwrap().unwrap();
    let dies = async {
        let died = Set(Some("2027-01-31".parse().unwrap()));
        patient::ActiveModel { id: Set(whom.id), deceased_on: died, ..Default::default() }
            .update(&other)
            .await
            .unwrap();
        other.commit().await.unwrap();
    };
    let refused = meanwhile(&app, book(&app, &p1.identity, &slot), dies).await;
    assert_eq!(refused.user_error_codes("appointmentBook").len(), 1, "{}", refused.body);
    assert_eq!(appointment::Entity::find().count(app.core.db.reader()).await.unwrap(), 0);
}

/// R: a claim changes behind its slot, also where a hold becomes a booking.
#[tokio::test]
async fn a_held_time_is_booked_behind_its_slot() {
    let app = TestApp::new().await;
    let Some(other) = another(&app).await else { return };
    let p1 = &app.world.p1;
    let slot = publish(&app, &["2027-03-01T09:00"]).await.remove(0);
    act(&app, &p1.identity, "slotHold", "hold { id }", json!({ "slotId": slot })).await.ok();
    slot::Entity::find_by_id(SlotId(row(&slot))).lock_exclusive().one(&other).await.unwrap();
    let takes_it_back = async {
        seat_claim::Entity::find()
            .lock_with_behavior(LockType::Update, LockBehavior::Nowait)
            .all(&other)
            .await
            .unwrap_or_else(|error| panic!("the claim is had without its slot: {error}"));
        other.commit().await.unwrap();
    };
    meanwhile(&app, book(&app, &p1.identity, &slot), takes_it_back).await.ok();
}

#[tokio::test]
async fn nothing_is_offered_for_a_wish_that_somebody_is_ending() {
    let app = TestApp::new().await;
    let Some(other) = another(&app).await else { return };
    let p1 = &app.world.p1;
    leave(&app, p1, any()).await.ok();
    let slot = publish(&app, &["2027-03-01T09:00"]).await.remove(0);
    time_wish::Entity::find().lock_exclusive().one(&other).await.unwrap();
    sweep::run(&app.core).await.unwrap();
    assert!(mine(&app, p1).await["offer"].is_null());
    other.rollback().await.unwrap();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p1).await["offer"]["slot"]["id"], slot.as_str());
}

/// R: a wish is held before any slot: whoever offers it a time passes over it, and waits for nobody.
#[tokio::test]
async fn a_booking_has_the_wish_that_it_fulfils_before_the_slot() {
    let app = TestApp::new().await;
    let Some(other) = another(&app).await else { return };
    let p1 = &app.world.p1;
    leave(&app, p1, any()).await.ok();
    let slot = publish(&app, &["2027-03-01T09:00"]).await.remove(0);
    time_wish::Entity::find().lock_exclusive().one(&other).await.unwrap();
    let offers = async {
        slot::Entity::find_by_id(SlotId(row(&slot)))
            .lock_with_behavior(LockType::Update, LockBehavior::Nowait)
            .one(&other)
            .await
            .unwrap_or_else(|error| panic!("the slot is had without the wish: {error}"));
        other.commit().await.unwrap();
    };
    meanwhile(&app, book(&app, &p1.identity, &slot), offers).await.ok();
    assert_eq!(mine(&app, p1).await["status"], "BOOKED");
}

/// R: a request is held before its task, by whoever ends it as by whoever passes it on: it ends with what it asked for,
/// wherever it has gone meanwhile.
#[tokio::test]
async fn a_proposal_meets_a_request_that_somebody_is_passing_on() {
    let app = TestApp::new().await;
    let Some(other) = another(&app).await else { return };
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    act(&app, &p1.identity, "agreementRequest", "request { id }", json!({})).await.ok();
    let held = agreement_request::Entity::find().lock_exclusive().one(&other).await.unwrap().unwrap();
    let passed = async {
        let row_version = Set(held.row_version + 1);
        agreement_request::ActiveModel { id: Set(held.id), row_version, ..Default::default() }
            .update(&other)
            .await
            .unwrap();
        other.commit().await.unwrap();
    };
    meanwhile(&app, proposed(&app, s1, p1), passed).await;
    let stored = agreement_request::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(stored.status, agreement_request::Status::Fulfilled);
}

/// Both at once; which sets out first takes turns.
async fn at_once<T>(round: usize, one: impl Future<Output = T>, other: impl Future<Output = T>) -> (T, T) {
    if round.is_multiple_of(2) {
        return tokio::join!(one, other);
    }
    let (other, one) = tokio::join!(other, one);
    (one, other)
}

/// The same, both acts at once and many times, of both kinds of request.
#[tokio::test]
async fn what_a_request_asked_for_ends_it_while_it_is_passed_on_many_times() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    let request = "request { id }";
    let on = |id: &Value| {
        json!({ "requestId": id, "careUnitId": global(NodeKind::CareUnit, s2.unit), "reason": "Ni",
                "expectedRowVersion": 1 })
    };
    let waits = async |kind: Kind| {
        let open = task::Entity::find().filter(task::Column::Kind.eq(kind));
        let open = open.filter(task::Column::Status.eq(task::Status::Open));
        open.count(app.core.db.reader()).await.unwrap()
    };
    let mut passed = 0;
    for round in 0..15 {
        let asked = act(&app, &p1.identity, "agreementRequest", request, json!({})).await.ok();
        let plan = draft(&app, s1, p1).await;
        let item = whole_item(&plan, s1, "Ta prover", "CARE");
        act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
        let (plan, _) = Plan::of(&app, p1).await;
        let propose = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
        let propose = act(&app, &s1.identity, "agreementPropose", AGREEMENT, propose);
        let on_it_goes = on(asked.at("/agreementRequest/request/id"));
        let pass = act(&app, &s1.identity, "agreementRequestPass", request, on_it_goes);
        let (answer, pass) = at_once(round, propose, pass).await;
        let plan = Plan::read(&answer.ok(), "agreementPropose");
        passed += usize::from(pass.user_error_codes("agreementRequestPass").is_empty());
        let open = agreement_request::Entity::find()
            .filter(agreement_request::Column::Status.eq(agreement_request::Status::Open));
        assert_eq!(open.count(app.core.db.reader()).await.unwrap(), 0, "round {round}: {}", pass.body);
        assert_eq!(waits(Kind::AgreementRequest).await, 0, "round {round}: {}", pass.body);
        let end =
            json!({ "agreementId": plan.id, "reason": "MOVED", "expectedRowVersion": plan.row_version });
        act(&app, &p1.identity, "agreementEnd", AGREEMENT, end).await.ok();

        let wish = json!({ "role": "FAST_LAKARKONTAKT", "why": "Gärna" });
        let asked = act(&app, &p1.identity, "contactRequest", request, wish).await.ok();
        let doctor = json!({
            "patientId": p1.global_id(), "role": "FAST_LAKARKONTAKT",
            "person": { "assignmentId": global(NodeKind::Assignment, s1.assignment) },
        });
        let appoint = act(&app, &s1.identity, "contactAppoint", "contact { id }", doctor);
        let on_it_goes = on(asked.at("/contactRequest/request/id"));
        let pass = act(&app, &s1.identity, "contactRequestPass", request, on_it_goes);
        let (contact, pass) = at_once(round, appoint, pass).await;
        let contact = contact.ok();
        passed += usize::from(pass.user_error_codes("contactRequestPass").is_empty());
        assert_eq!(waits(Kind::AppointContact).await, 0, "round {round}: {}", pass.body);
        let end = json!({ "contactId": contact.at("/contactAppoint/contact/id"), "reason": "Slutar",
                          "consultation": "CONSULTED", "expectedRowVersion": 1 });
        act(&app, &s1.identity, "contactEnd", "contact { id }", end).await.ok();
        // A role that ends this soon leaves the request waiting.
        let query = "{ me { contactRequests { id status rowVersion } } }";
        let me = app.run(&p1.identity, query, json!({})).await.ok();
        let all = me.at("/me/contactRequests").as_array().unwrap();
        let waiting = all.iter().find(|one| one["status"] == "OPEN").unwrap();
        let back = json!({ "requestId": waiting["id"], "expectedRowVersion": waiting["rowVersion"] });
        act(&app, &p1.identity, "contactRequestWithdraw", request, back).await.ok();
    }
    println!("{passed} of 30 were passed on");
}
