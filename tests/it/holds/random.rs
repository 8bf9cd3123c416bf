//! Whatever is done in whatever order, by patients and staff, no seat and no hour is had twice.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use entity::{
    PatientId, appointment, notice, occupancy, patient, seat_claim, slot, staff_member, time_offer, time_wish,
};
use futures_util::future::join_all;
use harness::{TestApp, relate};
use patientkontrakt::{
    auth::token::Identity,
    domain::{booking::hold, sweep},
    graphql::scalars::NodeKind,
    session::Core,
};
use proptest::prelude::*;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::publish,
};

/// One step of somebody.
#[derive(Clone, Copy, Debug)]
enum Step {
    Hold(usize, usize),
    Book(usize, usize),
    Rebook(usize, usize),
    Cancel(usize),
    Confirm(usize),
    /// Staff, for somebody.
    StaffHold(usize, usize),
    StaffBook(usize, usize),
    StaffCancel(usize),
    /// Staff, although the patient is occupied then.
    StaffOver(usize, usize),
    Wish(usize),
    WishWithdraw(usize),
    OfferAccept(usize),
    OfferDecline(usize),
    /// A time of S1's own, so many five minutes after nine.
    Publish(usize),
    Minutes(i64),
    /// Longer than an offer stands.
    Hours(i64),
    Expire,
    Sweep,
}

/// Which of the times there are; the first are the most wanted.
fn slot_of() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![3 => 0..4_usize, 1 => 4..12_usize]
}

fn step() -> impl Strategy<Value = Step> {
    let (who, slot) = (0..3_usize, slot_of());
    prop_oneof![
        3 => (who.clone(), slot.clone()).prop_map(|(who, slot)| Step::Hold(who, slot)),
        3 => (who.clone(), slot.clone()).prop_map(|(who, slot)| Step::Book(who, slot)),
        2 => (who.clone(), slot).prop_map(|(who, slot)| Step::Rebook(who, slot)),
        2 => who.clone().prop_map(Step::Cancel),
        1 => who.clone().prop_map(Step::Confirm),
        1 => (who.clone(), slot_of()).prop_map(|(who, slot)| Step::StaffHold(who, slot)),
        1 => (who.clone(), slot_of()).prop_map(|(who, slot)| Step::StaffBook(who, slot)),
        1 => who.clone().prop_map(Step::StaffCancel),
        1 => (who.clone(), slot_of()).prop_map(|(who, slot)| Step::StaffOver(who, slot)),
        2 => who.clone().prop_map(Step::Wish),
        1 => who.clone().prop_map(Step::WishWithdraw),
        2 => who.clone().prop_map(Step::OfferAccept),
        1 => who.prop_map(Step::OfferDecline),
        1 => (0..12_usize).prop_map(Step::Publish),
        1 => (1..7_i64).prop_map(Step::Minutes),
        1 => (1..4_i64).prop_map(Step::Hours),
        1 => Just(Step::Expire),
        2 => Just(Step::Sweep),
    ]
}

/// The latest time that somebody has booked.
async fn latest(app: &TestApp, who: usize) -> Option<appointment::Model> {
    let people = [app.world.p1.id, app.world.p2.id, app.world.p3.id];
    let of = appointment::Entity::find()
        .filter(appointment::Column::PatientId.eq(people[who]))
        .filter(appointment::Column::Status.eq(appointment::Status::Booked));
    of.all(app.core.db.reader()).await.unwrap().into_iter().max_by_key(|booked| booked.id)
}

/// The times there are, in the order in which they were published.
async fn published(app: &TestApp) -> Vec<String> {
    let mut slots = slot::Entity::find().all(app.core.db.reader()).await.unwrap();
    slots.sort_by_key(|slot| slot.id);
    slots.iter().map(|slot| global(NodeKind::Slot, slot.id)).collect()
}

async fn take(app: &TestApp, step: Step) {
    let people = [&app.world.p1, &app.world.p2, &app.world.p3];
    let slots = published(app).await;
    let slots = |nth: usize| json!(slots[nth % slots.len()]);
    let for_somebody =
        |who: usize, slot| json!({ "slotId": slots(slot), "patientId": people[who].global_id() });
    let s1 = &app.world.s1.identity;
    let (who, name, input): (&Identity, &str, Value) = match step {
        Step::Minutes(minutes) => return app.clock.advance(TimeDelta::minutes(minutes)),
        Step::Hours(hours) => return app.clock.advance(TimeDelta::hours(hours)),
        Step::Expire => {
            hold::expire(&app.core).await.unwrap();
            return;
        }
        Step::Sweep => {
            sweep::run(&app.core).await.unwrap();
            return;
        }
        Step::Wish(who) => {
            let kind = global(NodeKind::AppointmentType, app.world.visit);
            let input = json!({ "appointmentTypeId": kind, "content": { "until": "2027-03-31" } });
            (&people[who].identity, "timeWishLeave", input)
        }
        Step::WishWithdraw(who) => {
            let Some(wish) = open_wish(app, people[who].id).await else { return };
            let id = global(NodeKind::TimeWish, wish.id);
            let input = json!({ "wishId": id, "expectedRowVersion": wish.row_version });
            (&people[who].identity, "timeWishWithdraw", input)
        }
        Step::OfferAccept(who) | Step::OfferDecline(who) => {
            let offers = open_offers(&app.core).await;
            let Some(offer) = offers.iter().find(|offer| offer.patient_id == people[who].id) else { return };
            let input = json!({ "offerId": global(NodeKind::TimeOffer, offer.id) });
            let name =
                if matches!(step, Step::OfferAccept(_)) { "timeOfferAccept" } else { "timeOfferDecline" };
            (&people[who].identity, name, input)
        }
        Step::Hold(who, slot) => (&people[who].identity, "slotHold", json!({ "slotId": slots(slot) })),
        Step::Book(who, slot) => (&people[who].identity, "appointmentBook", json!({ "slotId": slots(slot) })),
        Step::StaffHold(who, slot) => (s1, "slotHold", for_somebody(who, slot)),
        Step::StaffBook(who, slot) | Step::StaffOver(who, slot) => {
            let mut input = for_somebody(who, slot);
            input["bookingChannel"] = json!("PHONE");
            input["allowOverlap"] = json!(matches!(step, Step::StaffOver(..)));
            (s1, "appointmentBook", input)
        }
        Step::Publish(cells) => {
            let input = json!({
                "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit),
                "assignmentId": global(NodeKind::Assignment, app.world.s1.assignment),
                "startsLocal": [format!("2027-03-04T09:{:02}", 5 * cells)],
            });
            (s1, "slotPublish", input)
        }
        Step::Rebook(who, _) | Step::Cancel(who) | Step::Confirm(who) | Step::StaffCancel(who) => {
            let Some(booked) = latest(app, who).await else { return };
            let id = global(NodeKind::Appointment, booked.id);
            let mut input = json!({ "appointmentId": id, "expectedRowVersion": booked.row_version });
            let who = &people[who].identity;
            match step {
                Step::Rebook(_, slot) => {
                    input["slotId"] = slots(slot);
                    (who, "appointmentRebook", input)
                }
                Step::Cancel(_) => (who, "appointmentCancel", input),
                Step::StaffCancel(_) => (s1, "appointmentCancel", input),
                _ => (who, "appointmentConfirm", input),
            }
        }
    };
    let answer = act(app, who, name, "__typename", input).await;
    assert!(answer.status == 200 && answer.body.get("errors").is_none(), "{step:?}: {}", answer.body);
}

async fn open_wish(app: &TestApp, patient: PatientId) -> Option<time_wish::Model> {
    let of = time_wish::Entity::find()
        .filter(time_wish::Column::PatientId.eq(patient))
        .filter(time_wish::Column::Status.eq(time_wish::Status::Open));
    of.one(app.core.db.reader()).await.unwrap()
}

/// What is offered to somebody now.
async fn open_offers(core: &Core) -> Vec<time_offer::Model> {
    let open = time_offer::Entity::find().filter(time_offer::Column::Status.eq(time_offer::Status::Open));
    open.all(core.db.reader()).await.unwrap()
}

/// What holds whatever was done.
pub async fn invariants(core: &Core) {
    let db = core.db.reader();
    let claims = seat_claim::Entity::find().all(db).await.unwrap();
    let whose: BTreeSet<_> = claims.iter().map(|claim| (claim.slot_id, claim.patient_id)).collect();
    assert_eq!(whose.len(), claims.len(), "nobody has two seats of one time");
    let mut seats: BTreeMap<_, i32> = BTreeMap::new();
    for claim in &claims {
        *seats.entry(claim.slot_id.0).or_default() += 1;
    }
    for slot in slot::Entity::find().all(db).await.unwrap() {
        let taken = seats.get(&slot.id.0).copied().unwrap_or_default();
        assert_eq!(slot.open_seats, slot.seats - taken, "open seats are seats less claims");
        assert!(slot.open_seats >= 0, "nobody is without a seat");
    }
    let booked: Vec<_> = appointment::Entity::find()
        .filter(appointment::Column::Status.eq(appointment::Status::Booked))
        .all(db)
        .await
        .unwrap();
    let firm: BTreeSet<_> =
        claims.iter().filter(|c| c.held_until.is_none()).map(|c| (c.id, c.seat_no)).collect();
    let offered: BTreeSet<_> = open_offers(core).await.iter().map(|o| (o.id.0, o.seat_no)).collect();
    let times: BTreeSet<_> = booked.iter().map(|b| (b.id.0, b.seat_no)).collect();
    assert!(times.is_disjoint(&offered));
    assert_eq!(firm, &times | &offered, "every booked or offered time has its seat, and nothing else has");
    let people = patient::Entity::find().select_only().column(patient::Column::Id).into_query();
    let cells = occupancy::Entity::find().filter(occupancy::Column::SubjectId.in_subquery(people));
    let cells = cells.all(db).await.unwrap();
    // Of times over each other, which staff alone make, one has the cell; what is only offered occupies nobody.
    let owed: BTreeSet<_> = claims
        .iter()
        .filter(|claim| !offered.contains(&(claim.id, claim.seat_no)))
        .flat_map(|claim| {
            let cell = |n: i64| (claim.patient_id.0, claim.starts_at + TimeDelta::minutes(5 * n), claim.id);
            (0..6).map(cell).collect::<Vec<_>>()
        })
        .collect();
    for cell in &cells {
        let whose = (cell.subject_id, cell.cell_start, cell.holder_id);
        assert!(owed.contains(&whose), "a cell without its claim: {cell:?}");
    }
    let taken: BTreeSet<_> = cells.iter().map(|cell| (cell.subject_id, cell.cell_start)).collect();
    assert_eq!(taken, owed.iter().map(|(whose, at, _)| (*whose, *at)).collect(), "every claim has its cells");
    for (n, one) in booked.iter().enumerate() {
        for other in &booked[n + 1..] {
            let both = one.patient_id == other.patient_id
                && one.starts_at < other.ends_at
                && other.starts_at < one.ends_at;
            let by_staff = [one, other].iter().any(|time| time.origin == appointment::Origin::Agreed);
            assert!(!both || by_staff, "nobody books themselves into two places: {one:?} {other:?}");
        }
    }
    let own: Vec<_> = slot::Entity::find()
        .filter(slot::Column::AssignmentId.is_not_null())
        .all(db)
        .await
        .unwrap()
        .into_iter()
        .flat_map(|slot| (0..6).map(move |n| (slot.id.0, slot.starts_at + TimeDelta::minutes(5 * n))))
        .collect();
    let staff = staff_member::Entity::find().select_only().column(staff_member::Column::Id).into_query();
    let cells = occupancy::Entity::find().filter(occupancy::Column::SubjectId.in_subquery(staff));
    let cells: BTreeSet<_> =
        cells.all(db).await.unwrap().into_iter().map(|cell| (cell.holder_id, cell.cell_start)).collect();
    assert_eq!(cells, own.into_iter().collect(), "every time of staff has its cells, and nothing else has");
    let live = notice::Entity::find().filter(notice::Column::State.eq(notice::State::Planned));
    let versions: BTreeSet<_> = booked.iter().map(|b| (b.id, b.schedule_version)).collect();
    for reminder in live.all(db).await.unwrap().iter().filter(|n| n.kind == notice::Kind::Reminder) {
        assert!(versions.contains(&reminder.appointment_id.zip(reminder.schedule_version).unwrap()));
    }
}

#[test]
fn in_whatever_order_and_at_once_no_seat_or_hour_is_had_twice() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let config =
        ProptestConfig { cases: 16, max_shrink_iters: 30, failure_persistence: None, ..Default::default() };
    proptest!(config, |(rounds in prop::collection::vec(prop::collection::vec(step(), 1..5), 4..14))| {
        runtime.block_on(async {
            let app = TestApp::new().await;
            for patient in [&app.world.p1, &app.world.p2, &app.world.p3] {
                let choice = json!({ "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "textShown": "Ja" });
                let input = json!({ "choices": [choice], "contactWays": { "mail": "nagon@example.se" } });
                act(&app, &patient.identity, "reminderPreferencesSet", "__typename", input).await.ok();
                relate(&app.core, &app.world.s1, patient).await;
            }
            publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
            let input = json!({
                "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit),
                "startsLocal": ["2027-03-01T09:15", "2027-03-03T09:00"], "seats": 2,
            });
            act(&app, &app.world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
            for round in rounds {
                // Those of one round at once.
                join_all(round.into_iter().map(|step| take(&app, step))).await;
                invariants(&app.core).await;
            }
            app.clock.advance(TimeDelta::minutes(6));
            hold::expire(&app.core).await.unwrap();
            invariants(&app.core).await;
            let held = seat_claim::Entity::find().filter(seat_claim::Column::HeldUntil.is_not_null());
            assert_eq!(held.count(app.core.db.reader()).await.unwrap(), 0, "no hold outlives its time");
            app.clock.advance(TimeDelta::days(1));
            sweep::run(&app.core).await.unwrap();
            invariants(&app.core).await;
            let now = app.clock.now();
            assert!(open_offers(&app.core).await.iter().all(|o| o.answer_by > now), "nor does an offer");
        });
    });
}
