//! What operators see and do at the command line: who would get what, masked, when and why, and nothing is changed by
//! looking.

use chrono::TimeDelta;
use entity::{
    appointment,
    contact_way::Channel as Kind,
    notice::{self, State},
};
use harness::process::{self, Said, Stage};
use sea_orm::{EntityTrait, sea_query::Expr};

use crate::channels::kills::book;

async fn reminders(stage: &Stage, arguments: &[&str]) -> Said {
    let all: Vec<&str> = std::iter::once("reminders").chain(arguments.iter().copied()).collect();
    process::run(&mut stage.command(&all, &[])).await
}

/// What it printed, when it went well.
async fn shown(stage: &Stage, arguments: &[&str]) -> String {
    let said = reminders(stage, arguments).await;
    assert!(said.status.success(), "{said:?}");
    said.out
}

/// A patient has booked, and nothing leaves by mail until somebody lets it.
async fn booked() -> Stage {
    let stage = Stage::new().await;
    assert!(shown(&stage, &["pause", "mail"]).await.contains("paused"));
    let mut serve = stage.serve(&[]).await;
    book(&stage, &serve, Kind::Mail).await;
    serve.terminate().await;
    serve.ended(process::PATIENCE).await;
    stage
}

async fn all(stage: &Stage) -> Vec<notice::Model> {
    let mut all = notice::Entity::find().all(stage.core.db.reader()).await.unwrap();
    all.sort_by_key(|n| n.id);
    all
}

fn lines(out: &str) -> Vec<&str> {
    out.lines().filter(|line| line.contains("  MAIL  ")).collect()
}

#[tokio::test]
async fn the_plan_tells_when_to_whom_and_why_without_telling_who_it_is() {
    let stage = booked().await;
    let before = all(&stage).await;
    assert_eq!(before.len(), 4, "{before:?}");

    let soon = shown(&stage, &["plan", "--hours", "1"]).await;
    assert_eq!(lines(&soon).len(), 1, "{soon}");
    assert!(soon.contains("CONFIRMATION") && soon.contains("e***@exempel.se"), "{soon}");
    assert!(soon.contains("(PAUSED)"), "{soon}");
    assert!(shown(&stage, &["resume", "mail"]).await.contains("resumed"));
    let soon = shown(&stage, &["plan", "--hours", "1"]).await;
    assert!(!soon.contains("(PAUSED)"), "{soon}");
    assert!(soon.ends_with("1 message(s)\n") && !soon.contains("bokad tid"), "no texts: {soon}");

    let month = shown(&stage, &["plan", "--hours", "1500"]).await;
    let rungs: Vec<_> = ["CONFIRMATION", "WEEK_BEFORE", "BEFORE_DEADLINE", "EVENING_BEFORE"].into();
    let told = lines(&month);
    assert_eq!(told.len(), rungs.len(), "{month}");
    for (line, rung) in told.iter().zip(&rungs) {
        assert!(line.contains(rung), "in the order of time: {month}");
    }
    assert!(told[3].contains(" 18:00 "), "by the wall clock: {month}");
    assert_eq!(lines(&shown(&stage, &["plan", "--hours", "1500", "--first", "2"]).await).len(), 2);

    let texts = shown(&stage, &["preview", "--hours", "1500"]).await;
    assert_eq!(lines(&texts).len(), 4);
    assert!(texts.contains("    ") && texts.contains("du har en bokad tid"), "{texts}");
    let p1 = &stage.world.p1;
    for out in [&soon, &month, &texts] {
        for hidden in ["etta@", p1.canary, "Etta"] {
            assert!(!out.contains(hidden), "{hidden} in {out}");
        }
    }
    assert_eq!(all(&stage).await, before, "looking changes nothing");

    let day = async || shown(&stage, &["plan", "--hours", "24"]).await;
    assert!(!day().await.contains("WEEK_BEFORE"));
    let later = TimeDelta::days(21).num_microseconds().unwrap();
    std::fs::write(stage.data_dir().join("demo-clock"), later.to_string()).unwrap();
    assert!(day().await.contains("WEEK_BEFORE"), "by the demo's clock, where it is moved");
}

#[tokio::test]
async fn a_dry_run_says_what_a_round_would_do_and_sends_nothing() {
    let stage = booked().await;
    let before = all(&stage).await;
    let refused = reminders(&stage, &["run"]).await;
    assert!(!refused.status.success() && refused.err.contains("--dry-run"), "{refused:?}");
    let round = shown(&stage, &["run", "--dry-run"]).await;
    assert!(round.contains("(PAUSED)"), "it would not leave: {round}");
    assert_eq!(lines(&round).len(), 1, "what is due now: {round}");
    assert!(round.contains("du har en bokad tid"), "with its text: {round}");
    assert_eq!(all(&stage).await, before);
}

#[tokio::test]
async fn what_would_be_held_back_is_told_with_its_reason() {
    let stage = booked().await;
    assert!(shown(&stage, &["resume", "mail"]).await.contains("resumed"));
    let confirmed = Expr::value(stage.core.clock.now());
    appointment::Entity::update_many()
        .col_expr(appointment::Column::ConfirmedAt, confirmed)
        .exec(stage.core.db.reader())
        .await
        .unwrap();
    let plan = shown(&stage, &["plan", "--hours", "1500"]).await;
    let evening = lines(&plan).into_iter().find(|line| line.contains("EVENING_BEFORE")).unwrap();
    assert!(evening.contains("(CONFIRMED)") && !evening.contains('@'), "to nobody: {evening}");
    assert!(!lines(&plan)[0].contains('('), "the others leave: {plan}");

    assert!(shown(&stage, &["hold"]).await.contains("held"));
    let held = shown(&stage, &["plan", "--hours", "1"]).await;
    assert!(held.contains("the sending is held") && lines(&held).len() == 1, "{held}");
    let released = shown(&stage, &["release"]).await;
    assert!(released.contains("1 message(s)"), "what was due is not sent: {released}");
    assert!(shown(&stage, &["release"]).await.contains("was not held"));
    let states: Vec<_> = all(&stage).await.into_iter().filter(|n| n.rule == "CONFIRMATION").collect();
    assert_eq!(states[0].state, State::Unknown);
    assert!(shown(&stage, &["resume", "mail"]).await.contains("was not paused"));
}
