//! Who is told of a child's times changes on a birthday and when a decision ends, without anybody acting.

use entity::{
    notice::{self, State},
    representative::{self, Kind as Ground},
    task,
};
use harness::{Answer, Ombud, TestApp, TestPatient, child, relate, represent};
use patientkontrakt::{auth::token::Identity, domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::{book, publish},
    contacts::stand,
    reminder_consent::{addresses, book_for_child, guardian_says},
    reminders::{notices, worker},
};

/// Swedish midnight, when the child of [`family`] turns 13.
const BIRTHDAY: &str = "2027-02-28T23:00:00Z";

/// A child who turns 13 on 1 March 2027, and a guardian.
async fn family(app: &TestApp) -> (TestPatient, Ombud) {
    let child = child(&app.core, &app.world.p1, "201403012388").await;
    relate(&app.core, &app.world.s1, &child).await;
    let rights = r#"{"BOOKING":"ACT"}"#;
    let guardian = represent(&app.core, &child, Ground::Guardian, "197001012388", rights, false).await;
    (child, guardian)
}

/// Care has written down what the child has chosen.
async fn chosen(app: &TestApp, child: &TestPatient, channel: &str) {
    let mut input = json!({ "patientId": child.global_id(),
        "choices": [{ "kind": "APPOINTMENT", "channel": channel, "optedIn": true, "textShown": "Mån" }] });
    if channel == "MAIL" {
        input["contactWays"] = json!({ "mail": "unga@exempel.se" });
    }
    act(app, &app.world.s1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}

/// Care lets the child in until then.
async fn let_in(app: &TestApp, young: &TestPatient, until: &str) {
    let open: Value = json!({ "decision": "OPEN_EARLY", "patientId": young.global_id(), "mayAssent": false,
        "rights": [{ "area": "BOOKING", "level": "ACT" }], "reason": "Mogen nog.", "until": until });
    act(app, &app.world.s1.identity, "representativeAssess", "representative { id }", open).await.ok();
}

/// The child has been let in for a while, and has chosen mail meanwhile, by an address of their own.
pub(crate) async fn chose_early(app: &TestApp, young: &TestPatient) {
    let_in(app, young, "2027-02-03T00:00:00Z").await;
    let input = json!({ "contactWays": { "mail": "unga@exempel.se" },
        "choices": [{ "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "textShown": "Mån" }] });
    act(app, &young.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
    app.clock.set("2027-02-03T08:00:00Z".parse().unwrap());
}

/// To whom each reminder that is still to leave goes: to a guardian, or to the patient.
async fn ahead(app: &TestApp) -> Vec<(String, bool)> {
    let all: Vec<notice::Model> = notices(app).await;
    let reminds = |n: &notice::Model| n.kind == notice::Kind::Reminder && n.rule != "CONFIRMATION";
    let planned = all.into_iter().filter(|n| n.state == State::Planned && reminds(n));
    planned.map(|n| (n.rule, n.guardian_reminder_id.is_some())).collect()
}

fn rungs(to_guardian: bool) -> Vec<(String, bool)> {
    ["WEEK_BEFORE", "BEFORE_DEADLINE", "EVENING_BEFORE"].map(|rule| (rule.to_owned(), to_guardian)).to_vec()
}

async fn sweep_at(app: &TestApp, at: &str) {
    app.clock.set(at.parse().unwrap());
    sweep::run(&app.core).await.unwrap();
}

#[tokio::test]
async fn from_the_thirteenth_birthday_on_the_young_person_is_reminded_of_what_was_booked_before() {
    for guardian_too in [true, false] {
        let app = TestApp::new().await;
        let (young, guardian) = family(&app).await;
        chose_early(&app, &young).await;
        if guardian_too {
            guardian_says(&app, &guardian, &young, true).await.ok();
        }
        book_for_child(&app, &guardian, &young, "2027-03-15T09:00").await;
        let (worker, fake) = worker(&app);
        worker.tick().await.unwrap();
        let before = if guardian_too { rungs(true) } else { Vec::new() };
        sweep_at(&app, "2027-02-28T22:59:00Z").await;
        assert_eq!(ahead(&app).await, before, "not before the birthday");
        sweep_at(&app, BIRTHDAY).await;
        assert_eq!(ahead(&app).await, rungs(false));
        let once = notices(&app).await;
        sweep_at(&app, "2027-02-28T23:01:00Z").await;
        assert_eq!(notices(&app).await, once, "once");
        app.clock.set("2027-03-08T08:00:00Z".parse().unwrap());
        assert_eq!(worker.tick().await.unwrap().sent, 1);
        assert_eq!(addresses(&fake).last().unwrap(), "unga@exempel.se");
    }
}

#[tokio::test]
async fn a_young_person_who_wants_letters_is_on_the_list_from_the_birthday_on() {
    let app = TestApp::new().await;
    let (young, guardian) = family(&app).await;
    chosen(&app, &young, "LETTER").await;
    guardian_says(&app, &guardian, &young, true).await.ok();
    book_for_child(&app, &guardian, &young, "2027-03-15T09:00").await;
    let letters = async || {
        let open = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::Letter));
        open.all(app.core.db.reader()).await.unwrap().len()
    };
    assert_eq!((ahead(&app).await, letters().await), (rungs(true), 0));
    sweep_at(&app, BIRTHDAY).await;
    assert_eq!((ahead(&app).await, letters().await), (Vec::new(), 1));
}

#[tokio::test]
async fn when_a_mandate_or_an_early_opening_ends_the_reminders_go_to_who_is_told_then() {
    let app = TestApp::new().await;
    let (young, guardian) = family(&app).await;
    guardian_says(&app, &guardian, &young, true).await.ok();
    let_in(&app, &young, "2027-02-03T00:00:00Z").await;
    chosen(&app, &young, "MAIL").await;
    book_for_child(&app, &guardian, &young, "2027-02-24T09:00").await;
    assert_eq!(ahead(&app).await, rungs(false), "the child, who was let in");
    sweep_at(&app, "2027-02-03T00:00:00Z").await;
    assert_eq!(ahead(&app).await, rungs(true), "then the guardian");
    let ends = representative::ActiveModel {
        id: Set(guardian.id),
        valid_until: Set(Some("2027-02-05T00:00:00Z".parse().unwrap())),
        ..Default::default()
    };
    ends.update(app.core.db.reader()).await.unwrap();
    sweep_at(&app, "2027-02-05T00:00:00Z").await;
    assert!(ahead(&app).await.is_empty(), "nobody is told");
}

/// Care writes down, or the young person chooses, SMS of times and messages, to this number if one is given.
async fn texts_to(app: &TestApp, who: &Identity, whom: Option<&TestPatient>, number: Option<&str>) -> Answer {
    let yes = |kind: &str| json!({ "kind": kind, "channel": "SMS", "optedIn": true, "textShown": "Mån" });
    let input = json!({ "patientId": whom.map(TestPatient::global_id), "contactWays": { "phone": number },
        "choices": [yes("APPOINTMENT"), yes("MESSAGE")] });
    act(app, who, "reminderPreferencesSet", "preferences { awaitsOwnWord }", input).await
}

/// Care writes to the child, in a conversation of its own.
async fn written_to(app: &TestApp, young: &TestPatient) -> Value {
    let message = json!({ "careUnitId": global(NodeKind::CareUnit, app.world.s1.unit), "patientId": young.global_id(),
        "kind": "PATIENT_CARE", "subject": "Provsvar", "body": "Allt ser bra ut." });
    let begun = act(app, &app.world.s1.identity, "threadStart", "thread { id }", message).await.ok();
    begun.at("/threadStart/thread/id").clone()
}

/// How the choices of the child, who has no agreement, stand, as `who` sees them.
async fn waiting(app: &TestApp, who: &Identity, young: &TestPatient) -> Vec<bool> {
    let query =
        "query($id: ID!) { node(id: $id) { ... on Patient { reminderPreferences { awaitsOwnWord } } } }";
    let seen = app.run(who, query, json!({ "id": young.global_id() })).await.ok();
    let all = seen.at("/node/reminderPreferences").as_array().unwrap().clone();
    all.iter().map(|one| one["awaitsOwnWord"].as_bool().unwrap()).collect()
}

/// The mother's number, written down by care for the child, is not where a young person's messages go.
#[tokio::test]
async fn what_others_wrote_down_for_a_child_goes_nowhere_from_the_birthday_on_until_the_young_person_decides()
{
    const MOTHERS: &str = "+46701740605";
    for by_staff in [false, true] {
        let app = TestApp::new().await;
        let (young, _) = family(&app).await;
        let_in(&app, &young, "2027-06-01T00:00:00Z").await;
        texts_to(&app, &app.world.s1.identity, Some(&young), Some(MOTHERS)).await.ok();
        let slots = publish(&app, &["2027-03-15T09:00"]).await;
        let booked = book(&app, &young.identity, &slots[0]).await.ok();
        let visit = booked.at("/appointmentBook/appointment/id").clone();
        let (worker, fake) = worker(&app);
        worker.tick().await.unwrap();
        app.clock.set("2027-02-28T10:00:00Z".parse().unwrap());
        written_to(&app, &young).await;
        worker.tick().await.unwrap();
        assert_eq!(addresses(&fake), [MOTHERS; 2], "as it was said, on the day before");
        assert_eq!(
            (ahead(&app).await, waiting(&app, &app.world.s1.identity, &young).await),
            (rungs(false), vec![false; 2])
        );

        app.clock.set("2027-02-28T19:30:00Z".parse().unwrap());
        let thread = written_to(&app, &young).await;
        let listed = async |what: &Value| stand(&app, task::Kind::Letter, what).await;
        assert!(listed(&visit).await.is_empty() && listed(&thread).await.is_empty());
        for again in ["2027-02-28T23:00:00Z", "2027-02-28T23:01:00Z"] {
            sweep_at(&app, again).await;
            assert!(ahead(&app).await.is_empty(), "{again}");
            assert_eq!(listed(&visit).await, [task::Status::Open], "a letter instead");
        }
        app.clock.set("2027-03-01T07:30:00Z".parse().unwrap());
        for _ in 0..2 {
            worker.tick().await.unwrap();
        }
        assert_eq!(addresses(&fake).len(), 2, "nothing to the mother");
        assert_eq!(listed(&thread).await, [task::Status::Open], "nor is what waited for the morning lost");
        assert_eq!(waiting(&app, &app.world.s1.identity, &young).await, [true; 2], "on record");

        let (who, whom) =
            if by_staff { (&app.world.s1.identity, Some(&young)) } else { (&young.identity, None) };
        let unsaid = texts_to(&app, who, whom, None).await;
        assert_eq!(unsaid.user_error_fields("reminderPreferencesSet"), ["contactWays.phone"; 2]);
        texts_to(&app, who, whom, Some("070-174 06 35")).await.ok();
        assert_eq!(
            (ahead(&app).await, waiting(&app, &app.world.s1.identity, &young).await),
            (rungs(false), vec![false; 2])
        );
        assert_eq!(listed(&visit).await, [task::Status::Superseded]);
        app.clock.set("2027-03-08T08:00:00Z".parse().unwrap());
        worker.tick().await.unwrap();
        assert_eq!(addresses(&fake)[2..], ["+46701740635"]);
    }
}

#[tokio::test]
async fn a_visit_that_nobody_was_told_of_is_on_the_list_from_the_birthday_on_until_that_word() {
    let app = TestApp::new().await;
    let (young, guardian) = family(&app).await;
    chosen(&app, &young, "MAIL").await;
    book_for_child(&app, &guardian, &young, "2027-03-15T09:00").await;
    let letters = async || {
        let open = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::Letter));
        open.all(app.core.db.reader()).await.unwrap().len()
    };
    sweep_at(&app, "2027-02-28T22:59:00Z").await;
    assert_eq!(letters().await, 0, "not before the birthday");
    for again in [BIRTHDAY, "2027-02-28T23:01:00Z"] {
        sweep_at(&app, again).await;
        assert_eq!((notices(&app).await.len(), letters().await), (0, 1));
    }
}
