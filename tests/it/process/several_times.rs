//! Times, messages and freed times at two serving processes on one PostgreSQL: heard of at the other, offered once.

use std::{collections::BTreeSet, time::Duration};

use entity::{seat_claim, slot, time_offer, time_wish};
use harness::{
    database::Kind,
    process::{PATIENCE, Serve, Stage},
    relate,
    world::crowd,
};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    act, publish,
    several::{Listener, two},
    thread,
};
use crate::acts::{global, row};

const SOON: Duration = Duration::from_secs(4);
const TIMES: &str = "subscription { appointmentChanged { appointment { id status startsAt confirmedAt } patient { givenName } } }";
const THREADS: &str = "subscription { threadChanged { id unreadCount status } }";

/// What each of them hears next, in time.
async fn each_hears(listeners: &mut [Listener], field: &str) -> Vec<Value> {
    let mut heard = Vec::new();
    for listener in listeners {
        let told = listener.heard(SOON).await.expect("in time");
        heard.push(told["data"][field].clone());
    }
    heard
}

/// A listener hears what happens once it listens, which nothing tells from outside: `happen` until both have heard of the
/// same.
async fn until_all_hear(listeners: &mut [Listener], mut happen: impl AsyncFnMut(usize)) {
    for n in 0..20 {
        happen(n).await;
        let mut all = true;
        for listener in &mut *listeners {
            all &= listener.heard(Duration::from_secs(2)).await.is_some();
        }
        if all {
            // What is heard late of an earlier one is not taken for what comes.
            for listener in &mut *listeners {
                while listener.heard(Duration::from_millis(500)).await.is_some() {}
            }
            return;
        }
    }
    panic!("nothing is heard");
}

#[tokio::test]
async fn a_time_that_is_booked_moved_and_cancelled_at_one_process_is_heard_of_by_both_sides_at_the_other() {
    let Some((stage, one, other)) = two().await else { return };
    let (p1, s1) = (&stage.world.p1.identity, &stage.world.s1.identity);
    relate(&stage.core, &stage.world.s1, &stage.world.p1).await;
    let slots = publish(&stage, &one, 24).await;
    let mut listeners = [
        Listener::new(&stage, &other, p1, TIMES, json!({})).await,
        Listener::new(&stage, &other, s1, TIMES, json!({})).await,
    ];
    let time = "appointment { id rowVersion startsAt }";
    until_all_hear(&mut listeners, async |n| {
        act(&stage, &one, p1, "appointmentBook", time, json!({ "slotId": slots[n] })).await.ok();
    })
    .await;
    let told = |heard: Vec<Value>, id: &Value, what: &str, is: &Value| {
        for heard in heard {
            let of = &heard["appointment"];
            assert_eq!(
                (&of["id"], &of[what], &heard["patient"]["givenName"]),
                (id, is, &json!("Etta")),
                "{heard}"
            );
        }
    };
    let booked = act(&stage, &one, p1, "appointmentBook", time, json!({ "slotId": slots[22] })).await.ok();
    let booked = booked.at("/appointmentBook/appointment").clone();
    told(each_hears(&mut listeners, "appointmentChanged").await, &booked["id"], "status", &json!("BOOKED"));
    let mut input = json!({
        "appointmentId": booked["id"], "expectedRowVersion": booked["rowVersion"], "slotId": slots[23],
    });
    let moved = act(&stage, &other, p1, "appointmentRebook", time, input.clone()).await.ok();
    let moved = moved.at("/appointmentRebook/appointment").clone();
    told(
        each_hears(&mut listeners, "appointmentChanged").await,
        &booked["id"],
        "startsAt",
        &moved["startsAt"],
    );
    input.as_object_mut().unwrap().remove("slotId");
    input["expectedRowVersion"] = moved["rowVersion"].clone();
    act(&stage, &one, s1, "appointmentCancel", time, input).await.ok();
    told(
        each_hears(&mut listeners, "appointmentChanged").await,
        &booked["id"],
        "status",
        &json!("CANCELLED"),
    );
    for listener in &mut listeners {
        assert!(listener.heard(Duration::from_millis(300)).await.is_none(), "each once");
    }
}

#[tokio::test]
async fn messages_and_receipts_at_one_process_are_heard_of_by_both_sides_at_the_other() {
    let Some((stage, one, other)) = two().await else { return };
    let (p1, s1) = (&stage.world.p1.identity, &stage.world.s1.identity);
    let thread = thread(&stage, &one).await;
    let mut listeners = [
        Listener::new(&stage, &other, p1, THREADS, json!({})).await,
        Listener::new(&stage, &other, s1, THREADS, json!({})).await,
    ];
    let send = async |at: &Serve, who, body: &str| {
        let input = json!({ "threadId": thread, "body": body });
        let sent = act(&stage, at, who, "messageSend", "message { id }", input).await.ok();
        sent.text("/messageSend/message/id")
    };
    until_all_hear(&mut listeners, async |n| {
        send(&one, p1, &format!("Hallå {n}")).await;
    })
    .await;
    let unread = |heard: &[Value]| {
        assert!(heard.iter().all(|of| of["id"] == thread.as_str()), "{heard:?}");
        heard.iter().map(|of| of["unreadCount"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let answer = send(&one, s1, "Svar").await;
    let heard = each_hears(&mut listeners, "threadChanged").await;
    assert_eq!(unread(&heard)[0], 1, "the patient has one to read");
    let input = json!({ "threadId": thread, "messageId": answer });
    act(&stage, &one, p1, "threadMarkRead", "thread { id }", input).await.ok();
    let heard = each_hears(&mut listeners, "threadChanged").await;
    assert_eq!(unread(&heard)[0], 0);
    let before = unread(&heard)[1];
    // At the process itself as well as at the other, in one statement on PostgreSQL or in several.
    send(&other, p1, "Tack").await;
    let heard = each_hears(&mut listeners, "threadChanged").await;
    assert_eq!(unread(&heard)[1], before + 1, "care has one more");
    send(&one, p1, "Och en sak till").await;
    let heard = each_hears(&mut listeners, "threadChanged").await;
    assert_eq!(unread(&heard)[1], before + 2);
    for listener in &mut listeners {
        assert!(listener.heard(Duration::from_millis(300)).await.is_none(), "each once");
    }
}

/// Two processes that begin at once both look for who waits: each freed time is offered once, and in turn.
#[tokio::test]
async fn two_processes_that_sweep_at_once_offer_each_freed_time_once_in_turn() {
    const FREED: usize = 6;
    if Kind::picked() != Kind::Postgres {
        return;
    }
    let stage = Stage::new().await;
    let mut first = stage.serve(&[]).await;
    let people = crowd(&stage.core, &stage.world.p1, FREED + 2).await;
    let kind = global(NodeKind::AppointmentType, stage.world.visit);
    let until = (stage.core.clock.now().date_naive() + chrono::TimeDelta::days(60)).to_string();
    for person in &people {
        let input = json!({ "appointmentTypeId": kind, "content": { "until": until } });
        act(&stage, &first, &person.identity, "timeWishLeave", "wish { id }", input).await.ok();
    }
    let slots = publish(&stage, &first, FREED).await;
    first.terminate().await;
    assert!(first.ended(PATIENCE).await.success());

    let (one, other) = tokio::join!(stage.serve(&[]), stage.serve(&[]));
    let db = stage.core.db.reader();
    let offers = async || {
        let all = time_offer::Entity::find().order_by_asc(time_offer::Column::OfferedAt);
        all.order_by_asc(time_offer::Column::Id).all(db).await.unwrap()
    };
    let begun = Instant::now();
    while offers().await.len() < FREED {
        assert!(begun.elapsed() < PATIENCE, "{}{}", one.log(), other.log());
        sleep(Duration::from_millis(20)).await;
    }
    let wishes = time_wish::Entity::find()
        .order_by_asc(time_wish::Column::CreatedAt)
        .order_by_asc(time_wish::Column::Id)
        .all(db)
        .await
        .unwrap();
    // Which wishes are offered something now: each time once, to nobody twice.
    let offered = async || {
        let all = offers().await;
        let pairs: BTreeSet<_> = all.iter().map(|offer| (offer.wish_id, offer.slot_id)).collect();
        assert_eq!(pairs.len(), all.len(), "nobody is offered the same time again");
        let open: Vec<_> = all.iter().filter(|offer| offer.status == time_offer::Status::Open).collect();
        let times: BTreeSet<_> = open.iter().map(|offer| offer.slot_id.0).collect();
        assert_eq!((times, open.len()), (slots.iter().map(|id| row(id)).collect(), FREED), "each time once");
        assert_eq!(seat_claim::Entity::find().all(db).await.unwrap().len(), FREED);
        let slots = slot::Entity::find().all(db).await.unwrap();
        assert!(slots.iter().all(|slot| slot.open_seats == 0));
        open.iter().map(|offer| offer.wish_id).collect::<BTreeSet<_>>()
    };
    let first_in_turn: BTreeSet<_> = wishes[..FREED].iter().map(|wish| wish.id).collect();
    assert_eq!(offered().await, first_in_turn);
    // Two say no at once, each at another process: the next in turn are offered their times, once each.
    let decline = async |n: usize, at: &Serve| {
        let offer = offers().await.into_iter().find(|offer| offer.wish_id == wishes[n].id).unwrap();
        let input = json!({ "offerId": global(NodeKind::TimeOffer, offer.id) });
        let who = people.iter().find(|person| person.id == wishes[n].patient_id).unwrap();
        act(&stage, at, &who.identity, "timeOfferDecline", "wish { id }", input).await.ok();
    };
    tokio::join!(decline(0, &one), decline(1, &other));
    let now = offered().await;
    assert!(wishes[2..FREED].iter().all(|wish| now.contains(&wish.id)), "the others keep theirs");
    assert_eq!(now.len(), FREED);
}
