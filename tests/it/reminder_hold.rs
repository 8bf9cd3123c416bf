//! Nothing leaves before the region has decided that it may, nor after a restore from a backup until somebody has
//! looked, and nothing old leaves again.

use chrono::TimeDelta;
use entity::{
    notice::{self, State},
    sending_hold::{self, Cause},
    sending_mark,
};
use harness::TestApp;
use patientkontrakt::{
    error::Fault,
    reminder::{
        hold::{self, Watch},
        outlook,
    },
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect,
};
use tokio::sync::Notify;

use crate::{
    booking::{book, publish},
    reminders::{crowd, notices, say, worker},
};

/// R: the region's risk analysis and decision come first. Until then not even a claim is made, and what is due waits.
#[tokio::test]
async fn nothing_leaves_until_the_regions_decision_is_on_record() {
    const DECISION: [&str; 2] = ["reminders.risk_analysis_reference", "reminders.risk_analysis_date"];
    for (decision, sent) in [(["", ""], 0), (["Dnr 2027/1", "2027-01-31"], 1)] {
        let app = TestApp::with(&[(DECISION[0], decision[0]), (DECISION[1], decision[1])]).await;
        let (worker, fake) = worker(&app);
        say(&app, &app.world.p1, "MAIL", true).await;
        let slots = publish(&app, &["2027-03-01T09:00"]).await;
        book(&app, &app.world.p1.identity, &slots[0]).await.ok();
        let tick = worker.tick().await.unwrap();
        assert_eq!((tick.claimed, tick.sent, fake.sent().len()), (sent, sent, sent), "{decision:?}");
        let confirmation = notices(&app).await.into_iter().find(|n| n.rule == "CONFIRMATION").unwrap();
        let waits = (confirmation.state, confirmation.attempts) == (State::Planned, 0);
        assert_eq!(waits, sent == 0, "{decision:?}");
    }
}

/// The database as it was an hour ago: every row of the tables that the sending writes.
async fn backup(app: &TestApp) -> (Vec<notice::Model>, sending_mark::Model) {
    let db = app.core.db.reader();
    let mark = sending_mark::Entity::find().one(db).await.unwrap().unwrap();
    (notice::Entity::find().all(db).await.unwrap(), mark)
}

async fn restore(app: &TestApp, (notices, mark): (Vec<notice::Model>, sending_mark::Model)) {
    let db = app.core.db.reader();
    for row in notices {
        row.into_active_model().reset_all().update(db).await.unwrap();
    }
    mark.into_active_model().reset_all().update(db).await.unwrap();
}

#[tokio::test]
async fn a_restored_database_is_noticed_held_and_what_had_left_is_not_sent_again() {
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    say(&app, &app.world.p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    let old = backup(&app).await;
    app.clock.set("2027-02-22T08:00:00Z".parse().unwrap());
    assert_eq!(worker.tick().await.unwrap().sent, 1, "the week before");
    restore(&app, old).await;
    app.clock.advance(TimeDelta::minutes(40));
    assert_eq!(worker.tick().await.unwrap().claimed, 0, "it would have been sent again");
    assert_eq!(fake.sent().len(), 2);
    let db = app.core.db.reader();
    assert_eq!(hold::held(db).await.unwrap().unwrap().cause, Cause::DatabaseWentBack);
    let alerts = hold::alerts(db, app.clock.now()).await.unwrap();
    assert!(alerts[0].contains("older than what has been sent") && alerts.len() == 2, "{alerts:?}");
    assert!(hold::alert(&app.core).await.unwrap_err().contains("held"));
    // Operators see what it is about, and nobody's address.
    let ahead = outlook::ahead(&app.core, app.clock.now() + TimeDelta::days(30), 10).await.unwrap();
    let lines: Vec<String> = ahead.iter().map(outlook::Ahead::line).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].contains("e***@exempel.se") && lines[0].contains("WEEK_BEFORE"), "{lines:?}");
    assert!(!lines.join("").contains("etta@"));
    assert!(ahead[0].rendered.as_ref().unwrap().text.contains("1 mars 2027"));

    assert_eq!(hold::release(&app.core, false).await.unwrap(), Some(1));
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    let all = notices(&app).await;
    let week = all.iter().find(|n| n.rule == "WEEK_BEFORE").unwrap();
    assert_eq!((week.state, week.reason.as_deref()), (State::Unknown, Some("RESTORED")));
    app.clock.set("2027-02-24T18:30:00Z".parse().unwrap());
    assert_eq!(worker.tick().await.unwrap().sent, 1, "what lies ahead goes on");
    assert_eq!(fake.sent().len(), 3);
    assert_eq!(hold::release(&app.core, false).await.unwrap(), None);
}

#[tokio::test]
async fn an_operator_holds_and_releases_and_what_waited_may_be_sent() {
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    hold::hold(&app.core, Cause::Operator).await.unwrap();
    say(&app, &app.world.p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    app.clock.advance(TimeDelta::minutes(5));
    assert_eq!(hold::release(&app.core, true).await.unwrap(), Some(0));
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    assert_eq!(fake.sent().len(), 1);
    assert_eq!(sending_hold::Entity::find().all(app.core.db.reader()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_instance_that_starts_on_a_restored_database_remembers_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mark");
    let app = TestApp::new().await;
    say(&app, &app.world.p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    let mut core = app.core.clone();
    core.watch = Watch::new(Some(file.clone()));
    hold::advance(&core).await.unwrap();
    let old = backup(&app).await;
    app.clock.advance(TimeDelta::hours(1));
    hold::advance(&core).await.unwrap();
    restore(&app, old).await;
    core.watch = Watch::new(None);
    assert!(hold::may_send(&core).await.unwrap(), "nothing tells it");
    core.watch = Watch::new(Some(file));
    assert!(!hold::may_send(&core).await.unwrap());
    assert!(!hold::may_send(&app.core).await.unwrap(), "for every instance");
}

/// Whether nothing but so many notices that were due is left to be marked.
async fn all_but(app: &TestApp, left: usize) -> bool {
    let waiting = [State::Planned, State::Claimed];
    let due = notice::Entity::find()
        .filter(notice::Column::State.is_in(waiting))
        .filter(notice::Column::DueAt.lte(app.clock.now()));
    due.count(app.core.db.reader()).await.unwrap() == left as u64
}

/// An act holds a notice, and reaches for the others while they are marked: neither waits for the other in a circle.
#[tokio::test]
async fn a_release_marks_everything_that_was_due_and_waits_for_nobody_while_it_holds_anything() {
    let app = TestApp::new().await;
    hold::hold(&app.core, Cause::Operator).await.unwrap();
    crowd(&app, 600).await;
    let mut due: Vec<_> = notices(&app).await.into_iter().filter(|n| n.rule == "CONFIRMATION").collect();
    due.sort_by_key(|n| n.id);
    let (first, last) = (due[0].id, due[599].id);
    // SQLite has one writer at a time.
    let alone = app.core.db.is_sqlite();
    let (holds, reaches) = (Notify::new(), Notify::new());
    let act = async {
        let held = app.core.db.write(async |tx| -> Result<(), Fault> {
            notice::Entity::find_by_id(last).lock_exclusive().one(tx).await?;
            holds.notify_one();
            reaches.notified().await;
            notice::Entity::find_by_id(first).lock_exclusive().one(tx).await?;
            Ok(())
        });
        if alone { holds.notify_one() } else { held.await.unwrap() }
    };
    let release = async {
        holds.notified().await;
        hold::release(&app.core, false).await.unwrap()
    };
    let watch = async {
        while !all_but(&app, usize::from(!alone)).await {
            tokio::task::yield_now().await;
        }
        reaches.notify_one();
    };
    let ((), released, ()) = tokio::join!(act, release, watch);
    assert_eq!(released, Some(600));
    assert!(all_but(&app, 0).await);
    assert!(hold::held(app.core.db.reader()).await.unwrap().is_none());
}
