//! The search for free times: what it finds, in which order, and what it costs.

mod held;

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use entity::{
    AppointmentId, AppointmentTypeId, AssignmentId, SlotId, access_event::ActorKind, appointment,
    appointment_type, seat_claim, slot, slot::Withdrawal, slot_staff,
};
use harness::{Answer, TestApp};
use patientkontrakt::{
    auth::token::Identity,
    calendar::{ZONE, time_slice, to_local},
    graphql::scalars::NodeKind,
};
use proptest::prelude::*;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IdenStatic, IntoActiveModel,
    Iterable, PaginatorTrait, QueryFilter, QueryOrder, Statement, Value as Bound,
};
use serde_json::{Value, json};

use crate::acts::{act, global};

const SEARCH: &str = "query($filter: FreeSlotFilter, $patient: ID, $first: Int, $after: String) { \
     freeSlots(filter: $filter, patientId: $patient, first: $first, after: $after) { \
     nodes { id tier } pageInfo { hasNextPage endCursor } } }";

/// A second kind of appointment at U1, by video.
async fn video(app: &TestApp) -> AppointmentTypeId {
    let visit = appointment_type::Entity::find_by_id(app.world.visit);
    let visit = visit.one(app.core.db.reader()).await.unwrap().unwrap();
    let id = AppointmentTypeId(app.core.clock.uuid());
    let mode = appointment_type::Mode::Video;
    let row = appointment_type::Model { id, mode, name: "Videomöte".to_owned(), ..visit };
    row.into_active_model().reset_all().insert(app.core.db.reader()).await.unwrap();
    id
}

/// S1 is the doctor of P1, the coordinator is their fast vårdkontakt.
async fn contacts(app: &TestApp) {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    harness::relate(&app.core, s1, p1).await;
    for (role, who) in
        [("FAST_LAKARKONTAKT", s1.assignment), ("FAST_VARDKONTAKT", app.world.coordinator.assignment)]
    {
        let person = json!({ "assignmentId": global(NodeKind::Assignment, who) });
        let input = json!({ "patientId": p1.global_id(), "role": role, "person": person });
        act(app, &s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    }
}

/// A time as it is thought of, before it is a row.
#[derive(Clone, Debug)]
struct Time {
    video: bool,
    /// Of doctor, team and another.
    staff: Vec<usize>,
    half_hours: i64,
    web: bool,
    open: bool,
    withdrawn: bool,
    /// Of one seat, for P1 or for P2.
    held: Option<bool>,
}

#[derive(Clone, Debug)]
struct Asked {
    video: Option<bool>,
    person: Option<usize>,
    weekdays: BTreeSet<u8>,
    parts: BTreeSet<u8>,
    from_hours: Option<i64>,
    until_days: Option<i64>,
    page: i32,
    by_staff: bool,
}

fn time() -> impl Strategy<Value = Time> {
    let staff = prop::sample::subsequence(vec![0usize, 1, 2], 0..=2).prop_shuffle();
    (
        any::<bool>(),
        staff,
        -4i64..700,
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.2, any::<bool>()),
    )
        .prop_map(|(video, staff, half_hours, web, open, withdrawn, held)| Time {
            video,
            staff,
            half_hours,
            web,
            open,
            withdrawn,
            held,
        })
}

fn asked() -> impl Strategy<Value = Asked> {
    let some_of = |n: u8| prop::collection::btree_set(0..n, 0..3);
    (
        prop::option::of(any::<bool>()),
        prop::option::weighted(0.3, 0usize..3),
        some_of(7),
        some_of(3),
        prop::option::of(0i64..200),
        prop::option::of(0i64..14),
        1i32..6,
        any::<bool>(),
    )
        .prop_map(|(video, person, weekdays, parts, from_hours, until_days, page, by_staff)| Asked {
            video,
            person,
            weekdays,
            parts,
            from_hours,
            until_days,
            page,
            by_staff,
        })
}

const DAYS: [&str; 7] = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
const PARTS: [&str; 3] = ["MORNING", "AFTERNOON", "EVENING"];
const TIERS: [&str; 3] = ["YOUR_DOCTOR", "YOUR_TEAM", "THE_UNIT"];

impl Asked {
    fn filter(&self, people: &[AssignmentId], types: [AppointmentTypeId; 2], now: DateTime<Utc>) -> Value {
        let mut filter = json!({});
        let kinds = types.map(|id| global(NodeKind::AppointmentType, id));
        filter["appointmentTypeIds"] = json!(kinds);
        if let Some(video) = self.video {
            filter["modes"] = json!([if video { "VIDEO" } else { "VISIT" }]);
        }
        if let Some(person) = self.person {
            filter["assignmentId"] = json!(global(NodeKind::Assignment, people[person]));
        }
        if !self.weekdays.is_empty() {
            filter["weekdays"] = json!(self.weekdays.iter().map(|d| DAYS[*d as usize]).collect::<Vec<_>>());
        }
        if !self.parts.is_empty() {
            filter["partsOfDay"] = json!(self.parts.iter().map(|p| PARTS[*p as usize]).collect::<Vec<_>>());
        }
        if let Some(hours) = self.from_hours {
            filter["from"] = json!((now + TimeDelta::hours(hours)).to_rfc3339());
        }
        if let Some(days) = self.until_days {
            filter["untilDay"] = json!(to_local(now + TimeDelta::days(days)).date_naive());
        }
        filter
    }

    /// Whether the time is among those asked for, thought through without the database.
    fn wants(
        &self,
        time: &Time,
        starts_at: DateTime<Utc>,
        own: &[DateTime<Utc>],
        now: DateTime<Utc>,
    ) -> bool {
        let half_hour = TimeDelta::minutes(30);
        let busy = own.iter().any(|own| *own < starts_at + half_hour && starts_at < *own + half_hour);
        let local = to_local(starts_at);
        let part = match local.hour() {
            0..12 => 0,
            12..17 => 1,
            _ => 2,
        };
        let last = |days| to_local(now + TimeDelta::days(days)).date_naive();
        starts_at > now
            && time.held.unwrap_or(time.open)
            && !time.withdrawn
            && (!busy || self.by_staff || time.held == Some(true))
            && (time.web || self.by_staff)
            && self.video.is_none_or(|video| video == time.video)
            && self.person.is_none_or(|person| time.staff.contains(&person))
            && (self.weekdays.is_empty()
                || self.weekdays.contains(&(local.weekday().num_days_from_monday() as u8)))
            && (self.parts.is_empty() || self.parts.contains(&part))
            && self.from_hours.is_none_or(|hours| starts_at >= now + TimeDelta::hours(hours))
            && self.until_days.is_none_or(|days| local.date_naive() <= last(days))
    }
}

async fn insert(
    app: &TestApp,
    time: &Time,
    people: &[AssignmentId],
    types: [AppointmentTypeId; 2],
) -> (SlotId, DateTime<Utc>) {
    let id = SlotId(app.core.clock.uuid());
    let starts_at = app.clock.now() + TimeDelta::minutes(30 * time.half_hours);
    let row = slot::Model {
        id,
        schedule_id: None,
        care_unit_id: app.world.s1.unit,
        care_provider_id: app.world.s1.provider,
        appointment_type_id: types[usize::from(time.video)],
        assignment_id: time.staff.first().map(|n| people[*n]),
        starts_at,
        ends_at: starts_at + TimeDelta::minutes(30),
        local_start: to_local(starts_at).format("%Y-%m-%dT%H:%M").to_string(),
        zone: ZONE.name().to_owned(),
        time_slice: time_slice(starts_at),
        seats: 1,
        open_seats: i32::from(time.open && time.held.is_none()),
        web_bookable: time.web,
        withdrawn_at: time.withdrawn.then_some(app.clock.now()),
        withdrawal: time.withdrawn.then_some(Withdrawal::ByHand),
        withdrawn_for: None,
        source: "OWN".to_owned(),
        created_at: app.clock.now(),
    };
    row.into_active_model().reset_all().insert(app.core.db.reader()).await.unwrap();
    if let Some(for_p1) = time.held {
        let claim = seat_claim::Model {
            id: app.core.clock.uuid(),
            patient_id: if for_p1 { app.world.p1.id } else { app.world.p2.id },
            care_unit_id: app.world.s1.unit,
            care_provider_id: app.world.s1.provider,
            slot_id: id,
            seat_no: 1,
            starts_at,
            ends_at: starts_at + TimeDelta::minutes(30),
            held_until: Some(app.clock.now() + TimeDelta::minutes(5)),
            // Each of them by a representative of its own.
            by_kind: ActorKind::Representative,
            by_id: app.core.clock.uuid(),
            created_at: app.clock.now(),
        };
        claim.into_active_model().reset_all().insert(app.core.db.reader()).await.unwrap();
    }
    for person in &time.staff {
        let row = slot_staff::Model { slot_id: id, assignment_id: people[*person], starts_at };
        row.into_active_model().reset_all().insert(app.core.db.reader()).await.unwrap();
    }
    (id, starts_at)
}

/// Books P1 a time at U2.
async fn own_time(app: &TestApp, starts_at: DateTime<Utc>) {
    let (world, db) = (&app.world, app.core.db.reader());
    let (id, now) = (app.core.clock.uuid(), app.clock.now());
    let time = Time {
        video: false,
        staff: vec![],
        half_hours: 0,
        web: false,
        open: false,
        withdrawn: true,
        held: None,
    };
    let (slot_id, _) = insert(app, &time, &[], [world.visit_u2; 2]).await;
    let booked = appointment::Model {
        id: AppointmentId(id),
        patient_id: world.p1.id,
        care_unit_id: world.s2.unit,
        care_provider_id: world.s2.provider,
        slot_id,
        seat_no: 1,
        appointment_type_id: world.visit_u2,
        assignment_id: None,
        plan_item_id: None,
        status: appointment::Status::Booked,
        origin: appointment::Origin::Agreed,
        booking_channel: appointment::BookingChannel::Phone,
        mode: appointment_type::Mode::Visit,
        starts_at,
        ends_at: starts_at + TimeDelta::minutes(30),
        cancel_by: starts_at,
        schedule_version: 1,
        known_starts_at: None,
        confirmed_at: None,
        cancelled_at: None,
        cancelled_by: None,
        booked_by: ActorKind::Staff,
        confirmed_by: None,
        outcome_at: None,
        item_closed_at: None,
        conditions: None,
        conditions_version: None,
        conditions_accepted_at: None,
        conditions_accepted_by: None,
        source: "OWN".to_owned(),
        created_at: now,
        row_version: 1,
    };
    booked.into_active_model().reset_all().insert(db).await.unwrap();
}

/// Everything that the search gives, page after page.
async fn found(
    app: &TestApp,
    who: &Identity,
    filter: &Value,
    patient: Option<&str>,
    first: i32,
) -> Vec<(String, String)> {
    let (mut all, mut after) = (Vec::new(), Value::Null);
    for _ in 0..200 {
        let variables = json!({ "filter": filter, "patient": patient, "first": first, "after": after });
        let seen: Answer = app.run(who, SEARCH, variables).await.ok();
        let nodes = seen.at("/freeSlots/nodes").as_array().unwrap();
        all.extend(nodes.iter().map(|node| {
            (node["id"].as_str().unwrap().to_owned(), node["tier"].as_str().unwrap().to_owned())
        }));
        if seen.at("/freeSlots/pageInfo/hasNextPage") == &json!(false) {
            return all;
        }
        after = seen.at("/freeSlots/pageInfo/endCursor").clone();
    }
    panic!("the search has no end: {}", all.len());
}

/// What one who looks at every time by hand would offer, in that order, is what the search gives, page by page.
#[test]
fn the_search_gives_what_looking_at_every_time_gives() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() };
    let own = prop::collection::vec((any::<prop::sample::Index>(), -1i64..2), 0..8);
    let input = (prop::collection::vec(time(), 5..60), own, prop::collection::vec(asked(), 12));
    proptest!(config, |((times, own, questions) in input)| {
        runtime.block_on(async {
            let app = TestApp::new().await;
            contacts(&app).await;
            let w = &app.world;
            let people = [w.s1.assignment, w.coordinator.assignment, w.manager.assignment];
            let types = [w.visit, video(&app).await];
            let mut rows = Vec::new();
            for time in times {
                let (id, starts_at) = insert(&app, &time, &people, types).await;
                rows.push((time, id, starts_at));
            }
            let now = app.clock.now();
            // P1 has times of their own, at or around some of these.
            let mut busy = Vec::new();
            for (over, quarters) in own {
                let (_, _, starts_at) = over.get(&rows);
                busy.push(*starts_at + TimeDelta::minutes(15 * quarters));
                own_time(&app, *busy.last().unwrap()).await;
            }
            for asked in questions {
                let mut expected: Vec<_> = rows
                    .iter()
                    .filter(|(time, _, starts_at)| asked.wants(time, *starts_at, &busy, now))
                    .map(|(time, id, starts_at)| {
                        let tier = [0, 1].into_iter().find(|n| time.staff.contains(n)).unwrap_or(2);
                        (tier, *starts_at, id.0)
                    })
                    .collect();
                expected.sort_unstable();
                let expected: Vec<_> = expected
                    .into_iter()
                    .map(|(tier, _, id)| (global(NodeKind::Slot, id), TIERS[tier].to_owned()))
                    .collect();
                let filter = asked.filter(&people, types, now);
                let patient = w.p1.global_id();
                let (who, patient) = if asked.by_staff {
                    (&w.s1.identity, Some(patient.as_str()))
                } else {
                    (&w.p1.identity, None)
                };
                let seen = found(&app, who, &filter, patient, asked.page).await;
                assert_eq!(seen, expected, "{filter}");
            }
        });
    });
}

/// R: a patient's fast läkarkontakt's times come first, then the care team's, then the unit's - however late they are.
#[tokio::test]
async fn the_doctors_times_come_first_then_the_care_teams_then_the_units_however_late_they_are() {
    let app = TestApp::new().await;
    contacts(&app).await;
    let w = &app.world;
    let supporter = json!({ "assignmentId": global(NodeKind::Assignment, w.manager.assignment) });
    let input = json!({ "patientId": w.p1.global_id(), "role": "SUPPORTER", "person": supporter });
    act(&app, &w.s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    let people = [w.s1.assignment, w.coordinator.assignment, w.manager.assignment];
    let (doctor, team, another) = (0, 1, 2);
    let mut ids = Vec::new();
    for (half_hours, staff) in [
        (10, vec![]),
        (12, vec![another]),
        (15, vec![another, team]),
        (20, vec![team]),
        (30, vec![team, doctor]),
        (40, vec![doctor]),
    ] {
        let time =
            Time { video: false, staff, half_hours, web: true, open: true, withdrawn: false, held: None };
        let (id, _) = insert(&app, &time, &people, [w.visit, w.visit]).await;
        ids.push(global(NodeKind::Slot, id));
    }
    let in_order = |order: &[(usize, &str)]| -> Vec<(String, String)> {
        order.iter().map(|(n, tier)| (ids[*n].clone(), (*tier).to_owned())).collect()
    };
    let [first, second, third] = TIERS;
    let (of_p1, anything) = (w.p1.global_id(), json!({}));
    let tiers = in_order(&[(4, first), (5, first), (2, second), (3, second), (0, third), (1, third)]);
    for page in [1, 2, 20] {
        assert_eq!(found(&app, &w.p1.identity, &anything, None, page).await, tiers);
        assert_eq!(found(&app, &w.s1.identity, &anything, Some(&of_p1), page).await, tiers);
    }
    // To somebody else they are the unit's, the soonest first.
    let unit = json!({ "careUnitIds": [global(NodeKind::CareUnit, w.s1.unit)] });
    let plain: Vec<_> = (0..6).map(|n| (n, third)).collect();
    assert_eq!(found(&app, &w.p2.identity, &unit, None, 20).await, in_order(&plain));
    // With one who is no longer a contact they are the unit's too.
    app.clock.advance(TimeDelta::minutes(1));
    entity::care_contact::Entity::update_many()
        .col_expr(entity::care_contact::Column::ValidUntil, sea_orm::sea_query::Expr::value(app.clock.now()))
        .filter(entity::care_contact::Column::Role.eq(entity::care_contact::Role::FastLakarkontakt))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    let without = [(2, second), (3, second), (4, second), (0, third), (1, third), (5, third)];
    assert_eq!(found(&app, &w.p1.identity, &anything, None, 20).await, in_order(&without));
}

/// Copies every slot `times` times, under new ids.
async fn multiply(app: &TestApp, times: usize) {
    let db = app.core.db.reader();
    let columns: Vec<&str> =
        slot::Column::iter().map(|column| column.as_str()).filter(|name| *name != "id").collect();
    let copied = columns.iter().map(|name| format!("s.{name}")).collect::<Vec<_>>().join(", ");
    let id = if app.core.db.is_sqlite() { "randomblob(16)" } else { "gen_random_uuid()" };
    db.execute_unprepared(&format!(
        "INSERT INTO slot (id, {}) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {times}) \
         SELECT {id}, {copied} FROM slot s CROSS JOIN n",
        columns.join(", ")
    ))
    .await
    .unwrap();
    db.execute_unprepared("ANALYZE").await.unwrap();
}

async fn plan(app: &TestApp, sql: &str, values: Vec<Bound>) -> String {
    let db = app.core.db.reader();
    let backend = db.get_database_backend();
    let (explain, column) =
        if backend == DbBackend::Sqlite { ("EXPLAIN QUERY PLAN", 3) } else { ("EXPLAIN", 0) };
    let statement = Statement::from_sql_and_values(backend, format!("{explain} {sql}"), values);
    let rows = db.query_all_raw(statement).await.unwrap();
    let lines = rows.iter().map(|row| row.try_get_by_index::<String>(column).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// However many times are free, a page is read from an index in its order.
#[tokio::test]
async fn of_a_hundred_thousand_free_times_a_page_is_two_statements_and_read_from_an_index() {
    let app = TestApp::new().await;
    contacts(&app).await;
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let days = 1..=20;
    let starts: Vec<String> =
        days.flat_map(|day| (8..17).map(move |hour| format!("2027-03-{day:02}T{hour:02}:00"))).collect();
    let input = json!({ "appointmentTypeId": kind, "startsLocal": starts });
    act(&app, &app.world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
    crate::booking::publish(&app, &["2027-03-25T09:00"]).await;
    multiply(&app, 555).await;
    assert!(slot::Entity::find().count(app.core.db.reader()).await.unwrap() > 100_000);
    let some =
        slot::Entity::find().filter(slot::Column::AssignmentId.is_null()).order_by_asc(slot::Column::Id);
    let some = some.one(app.core.db.reader()).await.unwrap().unwrap();
    let held = json!({ "slotId": global(NodeKind::Slot, some.id) });
    act(&app, &app.world.p1.identity, "slotHold", "hold { id }", held).await.ok();
    let ask = json!({ "filter": { "appointmentTypeIds": [kind] }, "first": 20 });
    app.run(&app.world.p1.identity, SEARCH, ask.clone()).await.ok();
    let (seen, statements) = app.statements(app.run(&app.world.p1.identity, SEARCH, ask)).await;
    let seen = seen.ok();
    assert_eq!(seen.at("/freeSlots/nodes").as_array().unwrap().len(), 20);
    assert_eq!(seen.text("/freeSlots/nodes/0/tier"), "YOUR_DOCTOR");
    assert!(statements.len() <= 2, "{statements:#?}");
    let sql = statements.iter().find(|sql| sql.contains("AS tier")).expect("the search");
    let now = app.clock.now();
    let people = [app.world.s1.assignment, app.world.coordinator.assignment];
    let values = [now.into(), uuid::Uuid::max().into(), now.into(), uuid::Uuid::max().into()]
        .into_iter()
        .chain([app.world.visit.0.into()])
        .chain(people.map(|id| id.0.into()))
        .chain([app.world.p1.id.0.into(), (now - TimeDelta::days(1)).into()])
        .chain(people.map(|id| id.0.into()))
        .chain([now.into()])
        .collect();
    let plan = plan(&app, sql, values).await;
    let of_the_type = |line: &&str| line.contains("ix_slot_") && line.contains("_appointment_type_id");
    assert!(plan.lines().any(|line| of_the_type(&line)), "{plan}");
    for line in plan.lines() {
        assert!(!line.contains("Seq Scan on slot s") && line.trim() != "SCAN s", "{plan}");
    }
}
