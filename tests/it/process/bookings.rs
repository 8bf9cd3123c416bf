//! Bookings under fire, by HTTP against running processes: two of them on PostgreSQL, the one there can be on SQLite.

use std::collections::BTreeMap;

use entity::{AppointmentId, SlotId, appointment, change_entry, seat_claim, slot};
use futures_util::future::join_all;
use harness::{
    Answer, TestPatient,
    database::Kind,
    process::{Serve, Stage},
    world::crowd,
};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{act, publish};
use crate::{
    acts::{global, row},
    holds::invariants,
};

/// Rounds of what is decided by chance.
const ROUNDS: usize = 5;

pub(super) const TIME: &str = "appointment { id status startsAt rowVersion }";

/// A stage and its processes.
async fn processes() -> (Stage, Vec<Serve>) {
    let stage = Stage::new().await;
    let mut at = vec![stage.serve(&[]).await];
    if stage.kind() == Kind::Postgres {
        at.push(stage.serve(&[]).await);
        assert_ne!(at[0].address, at[1].address);
    }
    (stage, at)
}

/// What somebody asks for.
struct Wish<'a> {
    who: &'a Identity,
    name: &'static str,
    input: Value,
}

fn book<'a>(who: &'a TestPatient, slot: &str) -> Wish<'a> {
    Wish { who: &who.identity, name: "appointmentBook", input: json!({ "slotId": slot }) }
}

fn hold<'a>(who: &'a TestPatient, slot: &str) -> Wish<'a> {
    Wish { who: &who.identity, name: "slotHold", input: json!({ "slotId": slot }) }
}

fn change<'a>(who: &'a TestPatient, name: &'static str, booked: &Value) -> Wish<'a> {
    let input = json!({ "appointmentId": booked["id"], "expectedRowVersion": booked["rowVersion"] });
    Wish { who: &who.identity, name, input }
}

fn rebook<'a>(who: &'a TestPatient, booked: &Value, slot: &str) -> Wish<'a> {
    let mut wish = change(who, "appointmentRebook", booked);
    wish.input["slotId"] = json!(slot);
    wish
}

fn selection(name: &str) -> &'static str {
    match name {
        "slotHold" => "hold { id heldUntil } alternatives { id openSeats }",
        "appointmentBook" | "appointmentRebook" => {
            "appointment { id status startsAt rowVersion } alternatives { id openSeats }"
        }
        "slotPublish" => "slots { id }",
        _ => TIME,
    }
}

/// All at once, spread over the processes: what each was told, by mutation and code, none of it a fault. Who lost a time
/// to somebody else is offered others.
async fn at_once(stage: &Stage, at: &[Serve], wishes: Vec<Wish<'_>>) -> (Codes, Vec<Answer>) {
    let asking = wishes.iter().enumerate().map(async |(n, wish)| {
        let mut input = wish.input.clone();
        if input.get("idempotencyKey").is_none() {
            input["idempotencyKey"] = json!(uuid::Uuid::new_v4().to_string());
        }
        act(stage, &at[n % at.len()], wish.who, wish.name, selection(wish.name), input).await
    });
    let answers = join_all(asking).await;
    let mut codes = Codes::default();
    for (wish, answer) in wishes.iter().zip(&answers) {
        assert!(answer.status == 200 && answer.body.get("errors").is_none(), "{}", answer.body);
        let code = answer.user_error_codes(wish.name).join(",");
        if code == "SLOT_TAKEN" {
            let near = answer.at(&format!("/{}/alternatives", wish.name)).as_array().unwrap();
            assert!(!near.is_empty(), "{}", answer.body);
            assert!(near.iter().all(|slot| slot["id"] != wish.input["slotId"] && slot["openSeats"] != 0));
        }
        *codes.0.entry((wish.name, code)).or_default() += 1;
    }
    (codes, answers)
}

/// How many of a mutation were told what.
#[derive(Debug, Default)]
struct Codes(BTreeMap<(&'static str, String), usize>);

impl Codes {
    fn of(&self, name: &'static str, code: &str) -> usize {
        self.0.get(&(name, code.to_owned())).copied().unwrap_or_default()
    }

    fn done(&self, name: &'static str) -> usize {
        self.of(name, "")
    }

    /// That whoever was refused `name` was told one of these.
    fn only(&self, name: &str, codes: &[&str]) {
        for (of, code) in self.0.keys() {
            assert!(*of != name || code.is_empty() || codes.contains(&code.as_str()), "{name}: {code}");
        }
    }
}

async fn claims(stage: &Stage, slot: &str) -> Vec<seat_claim::Model> {
    let of = seat_claim::Entity::find().filter(seat_claim::Column::SlotId.eq(SlotId(row(slot))));
    of.all(stage.core.db.reader()).await.unwrap()
}

/// Publishes times of U1 with this first of `stage.times` moved by so many minutes, each with `seats`.
async fn publish_near(stage: &Stage, serve: &Serve, minutes: &[u32], seats: i32) -> Vec<String> {
    let base = stage.times(1)[0].clone();
    let starts: Vec<String> =
        minutes.iter().map(|m| format!("{}{:02}:{:02}", &base[..11], 9 + m / 60, m % 60)).collect();
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, stage.world.visit),
        "startsLocal": starts, "seats": seats,
    });
    let s1 = &stage.world.s1.identity;
    let answer = act(stage, serve, s1, "slotPublish", "slots { id }", input).await.ok();
    let slots = answer.at("/slotPublish/slots").as_array().unwrap().clone();
    slots.iter().map(|slot| slot["id"].as_str().unwrap().to_owned()).collect()
}

async fn booked(stage: &Stage, serve: &Serve, who: &TestPatient, slot: &str) -> Value {
    let input = json!({ "slotId": slot });
    let answer = act(stage, serve, &who.identity, "appointmentBook", TIME, input).await.ok();
    answer.at("/appointmentBook/appointment").clone()
}

/// F28.
#[tokio::test]
async fn of_a_hundred_people_who_book_one_time_at_every_process_exactly_one_gets_it() {
    let (stage, at) = processes().await;
    let people = crowd(&stage.core, &stage.world.p1, 100).await;
    let slots = publish(&stage, &at[0], ROUNDS + 3).await;
    for wanted in &slots[..ROUNDS] {
        let wishes = people.iter().map(|who| book(who, wanted)).collect();
        let (codes, _) = at_once(&stage, &at, wishes).await;
        assert_eq!((codes.done("appointmentBook"), codes.of("appointmentBook", "SLOT_TAKEN")), (1, 99));
        assert_eq!(claims(&stage, wanted).await.len(), 1);
    }
    assert_eq!(appointment::Entity::find().count(stage.core.db.reader()).await.unwrap(), ROUNDS as u64);
    invariants(&stage.core).await;
}

/// F28: as many as there are seats, each with a seat of its own.
#[tokio::test]
async fn of_a_hundred_people_who_book_a_time_with_seven_seats_seven_get_one_each() {
    let (stage, at) = processes().await;
    let people = crowd(&stage.core, &stage.world.p1, 100).await;
    let slots = publish_near(&stage, &at[0], &[0, 60], 7).await;
    let wishes = people.iter().map(|who| book(who, &slots[0])).collect();
    let (codes, _) = at_once(&stage, &at, wishes).await;
    assert_eq!((codes.done("appointmentBook"), codes.of("appointmentBook", "SLOT_TAKEN")), (7, 93));
    let mut seats: Vec<i32> = claims(&stage, &slots[0]).await.iter().map(|claim| claim.seat_no).collect();
    seats.sort_unstable();
    assert_eq!(seats, [1, 2, 3, 4, 5, 6, 7]);
    invariants(&stage.core).await;
}

/// F28: a patient who books times that overlap gets one of them; nobody gets two people at once.
#[tokio::test]
async fn of_times_that_overlap_a_patient_gets_one_and_staff_publish_one() {
    let (stage, at) = processes().await;
    let people = crowd(&stage.core, &stage.world.p1, 4).await;
    let slots = publish_near(&stage, &at[0], &[0, 5, 10, 15, 20, 25], 20).await;
    let wishes = people
        .iter()
        .flat_map(|who| slots.iter().cycle().take(24).map(move |slot| book(who, slot)))
        .collect();
    let (codes, _) = at_once(&stage, &at, wishes).await;
    assert_eq!((codes.done("appointmentBook"), codes.of("appointmentBook", "ALREADY_OCCUPIED")), (4, 92));
    invariants(&stage.core).await;

    let base = stage.times(24)[13].clone();
    let publish = |minute: usize| Wish {
        who: &stage.world.s1.identity,
        name: "slotPublish",
        input: json!({
            "appointmentTypeId": global(NodeKind::AppointmentType, stage.world.visit),
            "assignmentId": global(NodeKind::Assignment, stage.world.s1.assignment),
            "startsLocal": [format!("{}09:{:02}", &base[..11], minute % 6 * 5)],
        }),
    };
    let (codes, _) = at_once(&stage, &at, (0..30).map(publish).collect()).await;
    assert_eq!((codes.done("slotPublish"), codes.of("slotPublish", "ALREADY_OCCUPIED")), (1, 29));
}

/// F28.
#[tokio::test]
async fn who_holds_and_who_books_one_time_at_once_never_both_have_it() {
    let (stage, at) = processes().await;
    let people = crowd(&stage.core, &stage.world.p1, 40).await;
    let slots = publish(&stage, &at[0], 2 * ROUNDS + 1).await;
    for wanted in &slots[..ROUNDS] {
        let wishes = people
            .iter()
            .enumerate()
            .map(|(n, who)| if n % 2 == 0 { hold(who, wanted) } else { book(who, wanted) })
            .collect();
        let (codes, _) = at_once(&stage, &at, wishes).await;
        assert_eq!(codes.done("slotHold") + codes.done("appointmentBook"), 1, "{codes:?}");
        codes.only("slotHold", &["SLOT_TAKEN"]);
        codes.only("appointmentBook", &["SLOT_TAKEN"]);
        assert_eq!(claims(&stage, wanted).await.len(), 1);
    }
    // One person's own: the booking takes the hold over, and is the only one.
    let one = &people[0];
    for wanted in &slots[ROUNDS..2 * ROUNDS] {
        let wishes =
            (0..30).map(|n| if n % 3 == 0 { book(one, wanted) } else { hold(one, wanted) }).collect();
        let (codes, _) = at_once(&stage, &at, wishes).await;
        let refused = codes.of("appointmentBook", "ALREADY_OCCUPIED");
        assert_eq!((codes.done("appointmentBook"), refused), (1, 9));
        codes.only("slotHold", &["ALREADY_OCCUPIED"]);
        let claims = claims(&stage, wanted).await;
        assert!(claims.len() == 1 && claims[0].held_until.is_none(), "{claims:?}");
    }
    invariants(&stage.core).await;
}

/// F28.
#[tokio::test]
async fn of_many_confirmations_at_once_one_is_written() {
    let (stage, at) = processes().await;
    let p1 = &stage.world.p1;
    let slots = publish(&stage, &at[0], ROUNDS).await;
    for slot in &slots {
        let time = booked(&stage, &at[0], p1, slot).await;
        let wishes = (0..30).map(|_| change(p1, "appointmentConfirm", &time)).collect();
        let (codes, _) = at_once(&stage, &at, wishes).await;
        assert_eq!(codes.done("appointmentConfirm"), 1, "{codes:?}");
        codes.only("appointmentConfirm", &["WRONG_STATE", "STALE_ROW_VERSION"]);
        let id = row(time["id"].as_str().unwrap());
        let db = stage.core.db.reader();
        let now = appointment::Entity::find_by_id(AppointmentId(id)).one(db).await.unwrap().unwrap();
        assert_eq!((now.row_version, now.confirmed_at.is_some()), (2, true));
        let told = change_entry::Entity::find()
            .filter(change_entry::Column::SubjectId.eq(id))
            .filter(change_entry::Column::Action.eq("appointmentConfirm"));
        assert_eq!(told.count(db).await.unwrap(), 1, "the history tells of one");
    }
}

/// F28: the old time is given back only with the new one got, whoever else wants either.
#[tokio::test]
async fn a_move_against_bookings_of_both_times_leaves_each_with_one_person_at_most() {
    let (stage, at) = processes().await;
    let people = crowd(&stage.core, &stage.world.p1, 40).await;
    let slots = publish(&stage, &at[0], 2 * ROUNDS + 1).await;
    for pair in slots[..2 * ROUNDS].chunks(2) {
        let (from, to) = (&pair[0], &pair[1]);
        let mover = &people[0];
        let time = booked(&stage, &at[0], mover, from).await;
        let mut wishes = Vec::new();
        for (n, other) in people.iter().enumerate().skip(1) {
            wishes.push(book(other, if n % 2 == 0 { from } else { to }));
            if n % 4 == 0 {
                wishes.push(rebook(mover, &time, to));
            }
        }
        let (codes, _) = at_once(&stage, &at, wishes).await;
        codes.only("appointmentBook", &["SLOT_TAKEN"]);
        codes.only("appointmentRebook", &["SLOT_TAKEN", "STALE_ROW_VERSION"]);
        let moved = codes.done("appointmentRebook");
        assert!(moved <= 1, "{codes:?}");
        let (at_from, at_to) = (claims(&stage, from).await, claims(&stage, to).await);
        assert_eq!(at_to.len(), 1, "somebody got it");
        assert!(at_from.len() <= 1);
        let id = row(time["id"].as_str().unwrap());
        let whose = |claims: &[seat_claim::Model]| claims.iter().any(|claim| claim.id == id);
        assert_eq!((whose(&at_from), whose(&at_to)), (moved == 0, moved == 1), "{codes:?}");
        let others = usize::from(!whose(&at_to)) + usize::from(!whose(&at_from) && !at_from.is_empty());
        assert_eq!(codes.done("appointmentBook"), others, "{codes:?}");
    }
    invariants(&stage.core).await;
}

/// Two who want each other's time wait for neither: both are told.
#[tokio::test]
async fn two_who_move_to_each_others_time_at_once_are_both_told_and_both_keep_theirs() {
    let (stage, at) = processes().await;
    let (p1, p2) = (&stage.world.p1, &stage.world.p2);
    let slots = publish(&stage, &at[0], 3).await;
    let first = booked(&stage, &at[0], p1, &slots[0]).await;
    let second = booked(&stage, &at[0], p2, &slots[1]).await;
    let swap = |n| if n % 2 == 0 { rebook(p1, &first, &slots[1]) } else { rebook(p2, &second, &slots[0]) };
    let (codes, _) = at_once(&stage, &at, (0..30).map(swap).collect()).await;
    assert_eq!(codes.of("appointmentRebook", "SLOT_TAKEN"), 30, "{codes:?}");
    invariants(&stage.core).await;
}

/// F29 for each act on a time: one key a hundred times is one act and a hundred equal answers; with another input it is
/// refused; of somebody else it is another key.
#[tokio::test]
async fn one_key_a_hundred_times_holds_books_confirms_moves_and_cancels_once() {
    let (stage, at) = processes().await;
    let (p1, p2) = (&stage.world.p1, &stage.world.p2);
    let slots = publish(&stage, &at[0], 3).await;
    let mut wish = hold(p1, &slots[0]);
    for name in
        ["slotHold", "appointmentBook", "appointmentConfirm", "appointmentRebook", "appointmentCancel"]
    {
        wish.input["idempotencyKey"] = json!(format!("hundra {name}"));
        let again = || Wish { who: wish.who, name, input: wish.input.clone() };
        let (codes, answers) = at_once(&stage, &at, (0..100).map(|_| again()).collect()).await;
        assert_eq!(codes.done(name), 100, "{codes:?}");
        assert!(answers.iter().all(|answer| answer.body == answers[0].body), "{name}");
        let mut other = again();
        let field =
            if name.starts_with("slot") || name == "appointmentBook" { "slotId" } else { "appointmentId" };
        other.input[field] = json!(if field == "slotId" {
            slots[2].clone()
        } else {
            global(NodeKind::Appointment, uuid::Uuid::nil())
        });
        let (codes, _) = at_once(&stage, &at, vec![other]).await;
        assert_eq!(codes.of(name, "IDEMPOTENCY_KEY_REUSED"), 1, "{name}: {codes:?}");
        let theirs = Wish { who: &p2.identity, ..again() };
        let (codes, _) = at_once(&stage, &at, vec![theirs]).await;
        let code = match name {
            "slotHold" | "appointmentBook" => "SLOT_TAKEN",
            _ => "NOT_FOUND",
        };
        assert_eq!(codes.of(name, code), 1, "{name}: {codes:?}");
        let now = answers[0].body["data"][name]["appointment"].clone();
        wish = match name {
            "slotHold" => book(p1, &slots[0]),
            "appointmentBook" => change(p1, "appointmentConfirm", &now),
            "appointmentConfirm" => rebook(p1, &now, &slots[1]),
            _ => change(p1, "appointmentCancel", &now),
        };
    }
    let db = stage.core.db.reader();
    let all = appointment::Entity::find().all(db).await.unwrap();
    assert_eq!((all.len(), all[0].row_version, all[0].status), (1, 4, appointment::Status::Cancelled));
    let taken = slot::Entity::find().filter(slot::Column::OpenSeats.eq(0));
    assert_eq!(taken.count(db).await.unwrap(), 0);
    invariants(&stage.core).await;
}

/// F29: a repetition is shown under the policy of the day.
#[tokio::test]
async fn a_booking_repeated_after_a_change_of_policy_shows_what_today_allows() {
    let (stage, at) = processes().await;
    let (s1, p2) = (&stage.world.s1, &stage.world.p2);
    harness::relate(&stage.core, s1, p2).await;
    let slots = publish(&stage, &at[0], 1).await;
    let input = json!({
        "slotId": slots[0], "patientId": p2.global_id(), "bookingChannel": "PHONE", "idempotencyKey": "ring",
    });
    let repeat =
        async |serve| act(&stage, serve, &s1.identity, "appointmentBook", TIME, input.clone()).await.ok();
    let first = repeat(&at[0]).await;
    assert!(first.at("/appointmentBook/appointment/id").is_string());
    assert_eq!(first.body, repeat(at.last().unwrap()).await.body);
    let ended = stage.core.clock.now() - chrono::TimeDelta::seconds(1);
    entity::care_relation::Entity::update_many()
        .col_expr(entity::care_relation::Column::ValidUntil, sea_orm::sea_query::Expr::value(ended))
        .col_expr(
            entity::care_relation::Column::ValidFrom,
            sea_orm::sea_query::Expr::value(ended - chrono::TimeDelta::days(1)),
        )
        .exec(stage.core.db.reader())
        .await
        .unwrap();
    let today = repeat(&at[0]).await;
    assert!(today.at("/appointmentBook/appointment").is_null(), "{}", today.body);
    assert_eq!(appointment::Entity::find().count(stage.core.db.reader()).await.unwrap(), 1);
}
