//! Who is told of what, whoever acted: every event of times and messages, for a patient who wants messages and for one
//! who wants none. The table is that of the documentation.

use std::{collections::BTreeSet, fmt::Write as _};

use chrono::TimeDelta;
use entity::{PatientId, notice, representative, task};
use harness::{Answer, Ombud, TestApp, TestPatient, relate, represent, world::crowd};
use patientkontrakt::{auth::token::Identity, domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::publish,
    schedule::{self, change_days},
};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Patient,
    Representative,
    /// Staff whom the patient has asked.
    Asked,
    /// Staff whom nobody has asked.
    Unasked,
    OtherUnit,
    Service,
}

impl By {
    const fn words(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Representative => "representative",
            Self::Asked => "staff, asked by the patient",
            Self::Unasked => "staff, unasked",
            Self::OtherUnit => "staff of another unit",
            Self::Service => "the service",
        }
    }
}

/// What happens, by whom, and who is told.
struct Row {
    what: &'static str,
    by: &'static [By],
    /// The messages of a patient who wants them.
    messages: &'static [&'static str],
    /// The tasks that stand when it has happened.
    tasks: &'static [&'static str],
    /// Those that stand besides where the patient wants no messages.
    without: &'static [&'static str],
    /// The news of the unit.
    news: &'static [&'static str],
}

const NONE: &[&str] = &[];
const SIDE: &[By] = &[By::Patient, By::Representative];
const CARE: &[By] = &[By::Asked];

/// A row of the table; what is left out is nothing.
macro_rules! row {
    ($what:literal, $by:expr $(, $field:ident: $value:expr)* $(,)?) => {
        Row { $($field: $value,)* ..Row { what: $what, by: $by, messages: NONE, tasks: NONE, without: NONE, news: NONE } }
    };
}

const ROWS: &[Row] = &[
    row!("a time is booked", SIDE, messages: &["CONFIRMATION"], news: &["APPOINTMENT_BOOKED"]),
    row!("a time is booked", CARE, messages: &["CONFIRMATION"]),
    row!("a time is moved", SIDE, messages: &["CONFIRMATION"], news: &["APPOINTMENT_MOVED"]),
    row!("a time is moved", CARE, messages: &["CONFIRMATION"]),
    row!("a time is moved", &[By::Unasked], messages: &["CONFIRMATION"], without: &["CANCELLATION_CALL"]),
    row!("a time is cancelled", SIDE, messages: &["CANCELLATION"], news: &["APPOINTMENT_CANCELLED"]),
    row!("a time is cancelled", CARE, messages: &["CANCELLATION"]),
    row!("a time is cancelled", &[By::Unasked], messages: &["CANCELLATION"], without: &["CANCELLATION_CALL"]),
    row!("a time is cancelled", &[By::OtherUnit], messages: &["CANCELLATION"], news: &["APPOINTMENT_CANCELLED"]),
    row!("a time is confirmed", &[By::Patient, By::Representative, By::Asked]),
    row!("the patient came", &[By::Unasked]),
    row!("the patient did not come", &[By::Unasked], tasks: &["VISIT_MISSED"]),
    row!("nobody has said whether the patient came", &[By::Service], tasks: &["OUTCOME_MISSING"]),
    row!("a booked time falls out of its schedule", &[By::Unasked], tasks: &["CANCELLATION_CALL"]),
    row!("a schedule takes a booked time back in", &[By::Unasked]),
    row!("somebody is away", &[By::Unasked], tasks: &["CANCELLATION_CALL"]),
    row!("times of somebody who is away are moved", &[By::Unasked], messages: &["CONFIRMATION"],
        without: &["CANCELLATION_CALL"]),
    row!("somebody is back", &[By::Unasked]),
    row!("the patient has died", &[By::OtherUnit], news: &["APPOINTMENT_CANCELLED"]),
    row!("a wish is left", SIDE, news: &["TIME_WISH"]),
    row!("a wish is left", CARE),
    row!("a wish is taken back", &[By::Patient, By::Representative, By::Unasked]),
    row!("a wish has waited too long", &[By::Service], tasks: &["TIME_WISH"]),
    row!("a wish has run out", &[By::Service], messages: &["WISH_EXPIRED"], without: &["LETTER"]),
    row!("a freed time is offered", &[By::Service], messages: &["OFFER"], without: &["TIME_WISH"]),
    row!("an offer is accepted", SIDE, messages: &["CONFIRMATION"], news: &["APPOINTMENT_BOOKED"]),
    row!("an offer is accepted", CARE, messages: &["CONFIRMATION"]),
    row!("an offer is declined", &[By::Patient, By::Representative, By::Asked]),
    row!("an offer is not answered", &[By::Service], without: &["TIME_WISH"]),
    row!("a second offer is not answered", &[By::Service], tasks: &["TIME_WISH"]),
    row!("an offered time is withdrawn", &[By::Unasked], messages: &["OFFER_WITHDRAWN"]),
    row!("a conversation is begun", SIDE, tasks: &["UNANSWERED_MESSAGE"], news: &["MESSAGE"]),
    row!("a conversation is begun", &[By::Unasked], messages: &["MESSAGE"], without: &["LETTER"]),
    row!("a message is sent", SIDE, tasks: &["UNANSWERED_MESSAGE"], news: &["MESSAGE"]),
    row!("a message is answered", &[By::Unasked], messages: &["MESSAGE"]),
    row!("a message is sent after long silence", &[By::Unasked], messages: &["MESSAGE"], without: &["LETTER"]),
    row!("a message of care's is read", SIDE),
    row!("a message of the patient's is read", &[By::Unasked], tasks: &["UNANSWERED_MESSAGE"]),
    row!("an answer is late", &[By::Service], tasks: &["UNANSWERED_MESSAGE"]),
    row!("a conversation is closed", &[By::Unasked]),
];

/// The patient, what happens to them, and who acts.
struct Scene<'a> {
    app: &'a TestApp,
    whom: &'a TestPatient,
    ombud: &'a Ombud,
    by: By,
}

impl Scene<'_> {
    /// As who acts: with what staff say besides.
    async fn act(&self, name: &str, selection: &str, input: Value) -> Answer {
        let (world, mut input) = (&self.app.world, input);
        let says_how = ["appointment", "timeOffer"].iter().any(|noun| name.starts_with(noun));
        let channel = (says_how || name == "timeWishLeave").then_some("bookingChannel");
        let who: &Identity = match self.by {
            By::Patient => &self.whom.identity,
            By::Representative => {
                input["idempotencyKey"] = json!(uuid::Uuid::new_v4().to_string());
                let query = harness::mutation(name, selection);
                let variables = json!({ "input": input });
                let patient = self.whom.global_id();
                return self.app.run_for(&self.ombud.identity, &patient, &query, variables).await.ok();
            }
            By::OtherUnit => &world.s2.identity,
            By::Asked | By::Unasked | By::Service => &world.s1.identity,
        };
        if let (By::Asked | By::OtherUnit, Some(channel)) = (self.by, channel) {
            input[channel] = json!("PHONE");
        }
        if self.by != By::Patient && ["appointmentBook", "timeWishLeave", "threadStart"].contains(&name) {
            input["patientId"] = json!(self.whom.global_id());
        }
        act(self.app, who, name, selection, input).await.ok()
    }

    /// As the patient, before it happens.
    async fn patient(&self, name: &str, selection: &str, input: Value) -> Answer {
        act(self.app, &self.whom.identity, name, selection, input).await.ok()
    }

    async fn slot(&self, start: &str) -> String {
        publish(self.app, &[start]).await.remove(0)
    }

    async fn booked(&self) -> Value {
        let slot = self.slot("2027-03-01T09:00").await;
        let booked =
            self.patient("appointmentBook", "appointment { id rowVersion }", json!({ "slotId": slot })).await;
        booked.at("/appointmentBook/appointment").clone()
    }

    /// A schedule of which the patient has booked the first time.
    async fn scheduled(&self) -> String {
        let published = schedule::publish(self.app, schedule::pattern(self.app)).await.ok();
        let first =
            schedule::open_slots(self.app).await.into_iter().min_by_key(|slot| slot.starts_at).unwrap();
        let slot = global(NodeKind::Slot, first.id);
        self.patient("appointmentBook", "appointment { id }", json!({ "slotId": slot })).await;
        published.text("/schedulePublish/schedule/id")
    }

    async fn wish(&self, until: &str) -> Value {
        let kind = global(NodeKind::AppointmentType, self.app.world.visit);
        let input = json!({ "appointmentTypeId": kind, "content": { "until": until } });
        self.patient("timeWishLeave", "wish { id rowVersion }", input).await.at("/timeWishLeave/wish").clone()
    }

    async fn offered(&self) -> (Value, String) {
        self.wish("2027-03-31").await;
        let slot = self.slot("2027-03-01T09:00").await;
        self.sweep().await;
        let query = "{ me { timeWishes { offer { id } } } }";
        let mine = self.app.run(&self.whom.identity, query, json!({})).await.ok();
        (mine.at("/me/timeWishes/0/offer/id").clone(), slot)
    }

    async fn asked(&self) -> Answer {
        let input = json!({
            "careUnitId": global(NodeKind::CareUnit, self.app.world.s1.unit), "subject": "Fråga", "body": "Hej",
        });
        self.patient("threadStart", "thread { id messages { nodes { id } } }", input).await
    }

    async fn written(&self) -> Answer {
        let world = &self.app.world;
        let input = json!({
            "careUnitId": global(NodeKind::CareUnit, world.s1.unit), "patientId": self.whom.global_id(),
            "subject": "Provsvar", "body": "Hej",
        });
        act(self.app, &world.s1.identity, "threadStart", "thread { id messages { nodes { id } } }", input)
            .await
            .ok()
    }

    async fn away(&self) -> Value {
        let world = &self.app.world;
        let input = json!({
            "who": { "assignmentId": global(NodeKind::Assignment, world.s1.assignment) },
            "from": "2027-03-01T00:00:00+01:00", "until": "2027-03-02T00:00:00+01:00",
        });
        let selection = "absence { id rowVersion }";
        let answer = act(self.app, &world.s1.identity, "contactAbsenceRegister", selection, input).await.ok();
        answer.at("/contactAbsenceRegister/absence").clone()
    }

    async fn sweep(&self) {
        sweep::run(&self.app.core).await.unwrap();
    }

    /// Makes it happen: what must be there first, then a look, then the act itself.
    async fn happen(&self, what: &str) -> Before {
        let (app, world) = (self.app, &self.app.world);
        let look = async || Before::new(app, self.whom).await;
        let change =
            |of: &Value| json!({ "appointmentId": of["id"], "expectedRowVersion": of["rowVersion"] });
        let time = "appointment { id }";
        match what {
            "a time is booked" => {
                let slot = self.slot("2027-03-01T09:00").await;
                let before = look().await;
                self.act("appointmentBook", time, json!({ "slotId": slot })).await;
                before
            }
            "a time is moved" => {
                let booked = self.booked().await;
                let mut input = change(&booked);
                input["slotId"] = json!(self.slot("2027-03-02T09:00").await);
                let before = look().await;
                self.act("appointmentRebook", time, input).await;
                before
            }
            "a time is cancelled" | "a time is confirmed" => {
                let booked = self.booked().await;
                let before = look().await;
                let name =
                    if what.ends_with("cancelled") { "appointmentCancel" } else { "appointmentConfirm" };
                self.act(name, time, change(&booked)).await;
                before
            }
            "the patient came" | "the patient did not come" => {
                let mut input = change(&self.booked().await);
                input["outcome"] = json!(if what.ends_with("not come") { "MISSED" } else { "ATTENDED" });
                app.clock.advance(TimeDelta::days(28) + TimeDelta::hours(2));
                let before = look().await;
                self.act("appointmentOutcomeRecord", time, input).await;
                before
            }
            "nobody has said whether the patient came" => {
                self.booked().await;
                app.clock.advance(TimeDelta::days(33));
                let before = look().await;
                self.sweep().await;
                before
            }
            "a booked time falls out of its schedule" => {
                let schedule = self.scheduled().await;
                let before = look().await;
                change_days(app, &schedule, 1, &["2027-02-08"]).await;
                before
            }
            "a schedule takes a booked time back in" => {
                let schedule = self.scheduled().await;
                change_days(app, &schedule, 1, &["2027-02-08"]).await;
                let before = look().await;
                change_days(app, &schedule, 2, &[]).await;
                before
            }
            "somebody is away" => {
                self.booked().await;
                let before = look().await;
                self.away().await;
                before
            }
            "times of somebody who is away are moved" => {
                self.booked().await;
                let input = json!({
                    "appointmentTypeId": global(NodeKind::AppointmentType, world.visit),
                    "assignmentId": global(NodeKind::Assignment, world.coordinator.assignment),
                    "startsLocal": ["2027-03-01T10:00"],
                });
                act(app, &world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
                let absence = self.away().await;
                let before = look().await;
                let input = json!({ "absenceId": absence["id"] });
                let moved = self.act("absenceRebook", "movedCount", input).await;
                assert_eq!(moved.at("/absenceRebook/movedCount"), 1);
                before
            }
            "somebody is back" => {
                self.booked().await;
                let absence = self.away().await;
                let before = look().await;
                let input =
                    json!({ "absenceId": absence["id"], "expectedRowVersion": absence["rowVersion"] });
                self.act("contactAbsenceCancel", "absence { id }", input).await;
                before
            }
            "the patient has died" => {
                self.booked().await;
                let before = look().await;
                let input = json!({ "patientId": self.whom.global_id(), "diedOn": "2027-02-01" });
                self.act("patientDeceasedRecord", "patient { id }", input).await;
                before
            }
            _ => self.happen_to_a_wish_or_message(what).await,
        }
    }

    async fn happen_to_a_wish_or_message(&self, what: &str) -> Before {
        let (app, world) = (self.app, &self.app.world);
        let look = async || Before::new(app, self.whom).await;
        let wish = "wish { id }";
        match what {
            "a wish is left" => {
                let before = look().await;
                let kind = global(NodeKind::AppointmentType, world.visit);
                let input = json!({ "appointmentTypeId": kind, "content": { "until": "2027-03-31" } });
                self.act("timeWishLeave", wish, input).await;
                before
            }
            "a wish is taken back" => {
                let left = self.wish("2027-03-31").await;
                let before = look().await;
                let input = json!({ "wishId": left["id"], "expectedRowVersion": left["rowVersion"] });
                self.act("timeWishWithdraw", wish, input).await;
                before
            }
            "a wish has waited too long" | "a wish has run out" => {
                self.wish(if what.ends_with("out") { "2027-02-03" } else { "2027-03-31" }).await;
                app.clock.advance(TimeDelta::days(9));
                let before = look().await;
                self.sweep().await;
                before
            }
            "a freed time is offered" => {
                self.wish("2027-03-31").await;
                self.slot("2027-03-01T09:00").await;
                let before = look().await;
                self.sweep().await;
                before
            }
            "an offer is accepted" | "an offer is declined" => {
                let (offer, _) = self.offered().await;
                let before = look().await;
                let input = json!({ "offerId": offer });
                if what.ends_with("accepted") {
                    self.act("timeOfferAccept", "appointment { id }", input).await;
                } else {
                    self.act("timeOfferDecline", wish, input).await;
                }
                before
            }
            "an offer is not answered" | "a second offer is not answered" => {
                self.offered().await;
                if what.starts_with("a second") {
                    app.clock.advance(TimeDelta::hours(2));
                    self.slot("2027-03-02T09:00").await;
                    self.sweep().await;
                }
                app.clock.advance(TimeDelta::hours(2));
                let before = look().await;
                self.sweep().await;
                before
            }
            "an offered time is withdrawn" => {
                let (_, slot) = self.offered().await;
                // The message about the offer has left.
                notice::Entity::update_many()
                    .col_expr(notice::Column::State, Expr::value(notice::State::Sent))
                    .exec(app.core.db.reader())
                    .await
                    .unwrap();
                let before = look().await;
                self.act("slotWithdraw", "withdrawn", json!({ "slotIds": [slot] })).await;
                before
            }
            "a conversation is begun" => {
                let before = look().await;
                let input = json!({
                    "careUnitId": global(NodeKind::CareUnit, world.s1.unit), "subject": "Ämne", "body": "Hej",
                });
                self.act("threadStart", "thread { id }", input).await;
                before
            }
            "a message is sent" | "a message is answered" | "a message is sent after long silence" => {
                let thread = self.asked().await.at("/threadStart/thread/id").clone();
                if what.ends_with("silence") {
                    let input = json!({ "threadId": thread, "body": "Svar" });
                    act(app, &world.s1.identity, "messageSend", "message { id }", input).await.ok();
                    app.clock.advance(TimeDelta::days(15));
                }
                let before = look().await;
                let input = json!({ "threadId": thread, "body": "Mer" });
                self.act("messageSend", "message { id }", input).await;
                before
            }
            "a message of care's is read" | "a message of the patient's is read" => {
                let begun = if what.contains("care") { self.written().await } else { self.asked().await };
                let before = look().await;
                let input = json!({
                    "threadId": begun.at("/threadStart/thread/id"),
                    "messageId": begun.at("/threadStart/thread/messages/nodes/0/id"),
                });
                self.act("threadMarkRead", "thread { id }", input).await;
                before
            }
            "an answer is late" => {
                self.asked().await;
                app.clock.advance(TimeDelta::days(5));
                let before = look().await;
                self.sweep().await;
                let risen = open_tasks(app, self.whom.id).await;
                assert!(risen.iter().all(|task| task.raised_to_manager_at.is_some()), "the manager is told");
                before
            }
            "a conversation is closed" => {
                let thread = self.asked().await.at("/threadStart/thread/id").clone();
                let input = json!({ "threadId": thread, "body": "Svar" });
                act(app, &world.s1.identity, "messageSend", "message { id }", input).await.ok();
                let before = look().await;
                self.act("threadClose", "thread { id }", json!({ "threadId": thread })).await;
                before
            }
            other => panic!("how does it happen that {other}?"),
        }
    }
}

async fn open_tasks(app: &TestApp, of: PatientId) -> Vec<task::Model> {
    let open = task::Entity::find()
        .filter(task::Column::PatientId.eq(of))
        .filter(task::Column::Status.eq(task::Status::Open));
    open.all(app.core.db.reader()).await.unwrap()
}

async fn notices(app: &TestApp) -> Vec<notice::Model> {
    notice::Entity::find().all(app.core.db.reader()).await.unwrap()
}

/// What the unit is told, the latest first.
async fn news(app: &TestApp) -> Vec<String> {
    let query = "query($u: ID!) { careUnit(id: $u) { news(first: 50) { nodes { kind } } } }";
    let unit = json!({ "u": global(NodeKind::CareUnit, app.world.s1.unit) });
    let seen = app.run(&app.world.s1.identity, query, unit).await.ok();
    let nodes = seen.at("/careUnit/news/nodes").as_array().unwrap().clone();
    nodes.iter().map(|node| node["kind"].as_str().unwrap().to_owned()).collect()
}

/// What had been told before.
struct Before {
    notices: BTreeSet<entity::NoticeId>,
    news: usize,
}

impl Before {
    async fn new(app: &TestApp, _: &TestPatient) -> Self {
        let notices = notices(app).await.into_iter().map(|notice| notice.id).collect();
        Self { notices, news: news(app).await.len() }
    }

    /// The messages, the tasks that stand, and the news since then. Reminders ahead of a time are no messages about it.
    async fn told(self, app: &TestApp, whom: &TestPatient) -> [Vec<String>; 3] {
        let rungs = ["WEEK_BEFORE", "BEFORE_DEADLINE", "EVENING_BEFORE", "SAME_DAY"];
        let mut messages = Vec::new();
        for notice in notices(app).await {
            if !self.notices.contains(&notice.id) && !rungs.contains(&notice.rule.as_str()) {
                assert_eq!(notice.patient_id, whom.id, "nobody else is written to");
                assert_ne!(notice.state, notice::State::Withdrawn);
                messages.push(notice.rule);
            }
        }
        let mut tasks: Vec<String> =
            open_tasks(app, whom.id).await.iter().map(|task| task.kind.as_str().to_owned()).collect();
        tasks.sort();
        let news = news(app).await;
        let new = news.len() - self.news;
        [messages, tasks, news.into_iter().take(new).collect()]
    }
}

async fn say_yes(app: &TestApp, patient: &TestPatient) {
    let choice =
        |kind: &str| json!({ "kind": kind, "channel": "MAIL", "optedIn": true, "textShown": "Bokad tid" });
    let input = json!({
        "choices": [choice("APPOINTMENT"), choice("MESSAGE"), choice("PLAN")],
        "contactWays": { "mail": "etta@exempel.se" },
    });
    act(app, &patient.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}

/// Whoever acts, each side that should know is told, and nobody else: by a message, by the unit's news, or by a task of
/// those who must tell.
#[tokio::test]
async fn whoever_acts_each_side_that_should_know_is_told() {
    for row in ROWS {
        for (n, by) in row.by.iter().enumerate() {
            // Who is told otherwise does not hang on which of one side acts.
            for wants_messages in if n == 0 { &[true, false][..] } else { &[true] } {
                let wants_messages = *wants_messages;
                let app = TestApp::new().await;
                let world = &app.world;
                let whom = crowd(&app.core, &world.p1, 1).await.remove(0);
                relate(&app.core, &world.s1, &whom).await;
                relate(&app.core, &world.s2, &whom).await;
                let kind = representative::Kind::Relative;
                let rights = r#"{"BOOKING":"ACT","MESSAGES":"ACT"}"#;
                let ombud = represent(&app.core, &whom, kind, "197001019802", rights, false).await;
                if wants_messages {
                    say_yes(&app, &whom).await;
                }
                let scene = Scene { app: &app, whom: &whom, ombud: &ombud, by: *by };
                let before = scene.happen(row.what).await;
                let [messages, tasks, news] = before.told(&app, &whom).await;
                let case = format!("{} by {by:?}, messages: {wants_messages}", row.what);
                let expected: &[&str] = if wants_messages { row.messages } else { NONE };
                assert_eq!(messages, expected, "{case}");
                let without = if wants_messages { NONE } else { row.without };
                let mut expected: Vec<&str> = row.tasks.iter().chain(without).copied().collect();
                expected.sort_unstable();
                expected.dedup();
                assert_eq!(tasks, expected, "{case}");
                assert_eq!(news, row.news, "{case}");
            }
        }
    }
}

fn cell(kinds: &[&str]) -> String {
    if kinds.is_empty() {
        return "–".to_owned();
    }
    kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_documentation_has_the_table_of_who_is_told() {
    let mut table = String::from(
        "| what happens | who acts | message to the patient | the unit's news | task | task besides, without messages |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in ROWS {
        let by: Vec<_> = row.by.iter().map(|by| by.words()).collect();
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} |",
            row.what,
            by.join("; "),
            cell(row.messages),
            cell(row.news),
            cell(row.tasks),
            cell(row.without),
        );
    }
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/booking.md")).unwrap();
    assert!(docs.contains(&table), "docs/booking.md must have this table:\n{table}");
}
