//! Who hears of tasks, over the subscription.

use chrono::TimeDelta;
use entity::{access_event, care_relation, task};
use futures_util::StreamExt;
use harness::{TestApp, relate};
use patientkontrakt::{
    domain::{
        act::{self, Event},
        history::Owner,
        sweep,
        task::{self as tasks, Raise},
    },
    error::Fault,
    graphql::scalars::NodeKind,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;
use uuid::Uuid;

use super::{TASK, raise, system};
use crate::{
    acts::{act, active, global, row},
    hearing::{listen, next, subscribe},
};

async fn accesses(app: &TestApp, action: &str) -> u64 {
    access_event::Entity::find()
        .filter(access_event::Column::Action.eq(action))
        .count(app.core.db.reader())
        .await
        .unwrap()
}

/// A56: what a subscription delivers is logged like any other access, event by event.
#[tokio::test]
async fn a_listener_hears_of_each_task_of_its_unit_and_each_is_logged() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    let query = "subscription { taskRaised { id kind patient { givenName } } }";
    let mut heard = listen(&app, &world.s1.identity, query).await;
    let other = raise(&app, &world.s2, p1, task::Kind::Letter).await;
    let own = raise(&app, &world.s1, p1, task::Kind::Call).await;
    let first = next(&mut heard).await;
    assert_eq!(
        first["data"]["taskRaised"],
        json!({ "id": own, "kind": "CALL", "patient": { "givenName": "Etta" } })
    );
    assert_eq!(accesses(&app, "taskRaised").await, 1);
    // What another unit passes here is heard of too.
    let input = json!({ "taskId": other, "careUnitId": global(NodeKind::CareUnit, world.s1.unit),
                        "reason": "Hör hit", "expectedRowVersion": 1 });
    act(&app, &world.s2.identity, "taskPass", TASK, input).await.ok();
    assert_eq!(next(&mut heard).await["data"]["taskRaised"]["id"], other);
    assert_eq!(accesses(&app, "taskRaised").await, 2);
}

#[tokio::test]
async fn one_can_listen_for_ones_own_tasks_and_managers_hear_of_what_rises() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    let own = "subscription { taskRaised(ownOnly: true) { id } }";
    let mut coordinator = listen(&app, &world.coordinator.identity, own).await;
    let mut manager = listen(&app, &world.manager.identity, "subscription { taskRaised { id kind } }").await;
    let id = raise(&app, &world.s1, p1, task::Kind::Letter).await;
    let to = global(NodeKind::Assignment, world.coordinator.assignment);
    let input = json!({ "taskId": id, "assigneeId": to, "expectedRowVersion": 1 });
    act(&app, &world.s1.identity, "taskAssign", TASK, input).await.ok();
    assert_eq!(next(&mut coordinator).await["data"]["taskRaised"]["id"], id);
    app.clock.advance(TimeDelta::hours(3));
    sweep::run(&app.core).await.unwrap();
    assert_eq!(next(&mut manager).await["data"], json!({ "taskRaised": { "id": id, "kind": "LETTER" } }));
    // Those who may not, may not.
    for who in [&world.p1.identity, &world.analyst.identity] {
        let answers: Vec<_> = subscribe(&app, who, None, own).await.collect().await;
        let body = serde_json::to_value(&answers[0]).unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
}

/// What was rolled back never happened: nobody hears of it.
#[tokio::test]
async fn nobody_hears_of_what_was_not_committed() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let mut heard = listen(&app, &s1.identity, "subscription { taskRaised { id } }").await;
    let session = system(&app);
    let owner = Owner { patient: p1.id, care_unit: s1.unit, care_provider: s1.provider, agreement: None };
    let gone = app
        .core
        .db
        .write(async |tx| -> Result<(), Fault> {
            let raise = Raise {
                kind: task::Kind::Letter,
                owner,
                assignee: None,
                subject: Uuid::new_v4(),
                due_at: app.clock.now(),
                note: None,
            };
            tasks::raise(tx, &session, &raise).await?;
            Err(Fault::internal("changed its mind"))
        })
        .await;
    assert!(gone.is_err());
    let id = raise(&app, s1, p1, task::Kind::Letter).await;
    assert_eq!(next(&mut heard).await["data"]["taskRaised"]["id"], id);
}

/// A20: who loses the right to see a plan hears no more of it.
#[tokio::test]
async fn a_subscription_ends_when_the_right_is_withdrawn() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    relate(&app.core, s1, p1).await;
    let query = format!("subscription {{ agreementChanged(agreementId: \"{}\") {{ id }} }}", plan.id);
    // Something happens to the plan that gives the unit nothing to do: that would be a care relation again.
    let session = system(&app);
    let happens = async || {
        let event = Event {
            kind: "agreement.changed",
            patient: p1.id,
            care_unit: s1.unit,
            care_provider: s1.provider,
            subject: row(&plan.id),
        };
        app.core.db.write(async |tx| act::emit(tx, &session, [event]).await).await.unwrap();
    };
    let mut heard = listen(&app, &s1.identity, &query).await;
    happens().await;
    assert_eq!(next(&mut heard).await["data"]["agreementChanged"]["id"], plan.id);
    care_relation::Entity::update_many()
        .col_expr(care_relation::Column::ValidUntil, sea_orm::sea_query::Expr::value(app.clock.now()))
        .filter(care_relation::Column::PatientId.eq(p1.id))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    happens().await;
    let last = next(&mut heard).await;
    assert_eq!(last["errors"][0]["extensions"]["code"], "FORBIDDEN", "{last}");
    assert!(heard.next().await.is_none(), "and it ends");
}

/// A56: every change of an agreement that is delivered is in the log, with whose it is; what is delivered shows patient
/// data as any reading does.
#[tokio::test]
async fn a_listener_of_an_agreement_hears_of_each_change_and_each_is_logged() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let query = format!(
        "subscription {{ agreementChanged(agreementId: \"{}\") {{ id rowVersion goals {{ text }} }} }}",
        plan.id
    );
    let mut heard = listen(&app, &s1.identity, &query).await;
    let before = accesses(&app, "agreementChanged").await;
    for n in 1..=2 {
        let goal = json!({ "agreementId": plan.id, "text": format!("Mål {n}") });
        act(&app, &p1.identity, "goalAdd", "goal { id }", goal).await.ok();
        assert_eq!(next(&mut heard).await["data"]["agreementChanged"]["id"], plan.id);
        assert!(accesses(&app, "agreementChanged").await >= before + n, "logged before it is delivered");
    }
    let logged = access_event::Entity::find().filter(access_event::Column::Action.eq("agreementChanged"));
    let logged = logged.all(app.core.db.reader()).await.unwrap();
    let about = entity::access_event_patient::Entity::find()
        .filter(entity::access_event_patient::Column::EventId.is_in(logged.iter().map(|event| event.id)))
        .filter(entity::access_event_patient::Column::PatientId.eq(p1.id));
    assert!(about.count(app.core.db.reader()).await.unwrap() >= 2);
}

/// Nothing is read, and nothing logged, for what another care provider does elsewhere: a frame would tell of it. The
/// patient hears of all of it.
#[tokio::test]
async fn staff_who_listen_to_an_agreement_hear_nothing_of_what_another_care_provider_does() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let query =
        format!("subscription {{ agreementChanged(agreementId: \"{}\") {{ id rowVersion }} }}", plan.id);
    let mut heard = listen(&app, &s1.identity, &query).await;
    let mut by_patient = listen(&app, &p1.identity, &query).await;
    let before = accesses(&app, "agreementChanged").await;
    let here = json!({ "patientNumber": p1.number, "declaration": "PATIENT_PRESENT", "reason": "Drop-in" });
    act(&app, &s3.identity, "careRelationRegister", "patient { id }", here).await.ok();
    let person = json!({ "assignmentId": global(NodeKind::Assignment, s3.assignment) });
    let role = json!({ "patientId": p1.global_id(), "role": "FAST_LAKARKONTAKT", "person": person });
    act(&app, &s3.identity, "contactAppoint", "contact { id }", role).await.ok();
    // As long as many other readings take.
    let meanwhile = async {
        let read = format!("{{ node(id: \"{}\") {{ ... on Agreement {{ id rowVersion }} }} }}", plan.id);
        for _ in 0..20 {
            app.run(&s1.identity, &read, json!({})).await.ok();
        }
    };
    tokio::select! {
        frame = heard.next() => panic!("{frame:?}"),
        () = meanwhile => {}
    }
    assert_eq!(accesses(&app, "agreementChanged").await, before);
    assert_eq!(next(&mut by_patient).await["data"]["agreementChanged"]["id"], plan.id);
    let goal = json!({ "agreementId": plan.id, "text": "Sova bättre" });
    act(&app, &p1.identity, "goalAdd", "goal { id }", goal).await.ok();
    assert_eq!(next(&mut heard).await["data"]["agreementChanged"]["id"], plan.id);
}
