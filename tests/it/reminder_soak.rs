//! A month of reminders under everything that can happen to them, judged by the channel's own ledger against a model that
//! shares nothing with the service: it works out its own due times, its own keys and what may have been sent.
//!
//! `cargo test` runs a small month. The large one, 100,000 planned reminders unless `SOAK_REMINDERS` says otherwise:
//! `cargo test -p tests --test it -- --ignored soak --nocapture`.

mod channel;
mod model;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use chrono_tz::Europe::Stockholm;
use entity::{
    PatientId, SlotId, appointment,
    contact_way::Channel as Kind,
    reminder_preference::{Detail, PreferenceKind},
    slot,
};
use harness::{TestApp, TestPatient, child};
use patientkontrakt::{
    auth::actor::Actor,
    calendar::time_slice,
    domain::{
        booking::{
            book::{Book, book},
            cancel::{Cancel, cancel},
            confirm::{Confirm, confirm},
            rebook::{Rebook, rebook},
        },
        reminder_preference::{
            rules::{Addresses, Choice},
            set::{SetPreferences, set},
        },
    },
    locale::Locale,
    reminder::{
        channel::{Channel, configured::Channels},
        claim,
        worker::{Worker, WorkerConfig},
    },
    session::Session,
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use self::{
    channel::{Dice, Ledger, Moody},
    model::{Choices, Figures, Kind2, MAIL, SMS, Version, Visit, wall, working},
};

struct Soak {
    app: TestApp,
    people: Vec<TestPatient>,
    choices: Vec<Choices>,
    slots: Vec<(SlotId, DateTime<Utc>)>,
    visits: Vec<Visit>,
    dice: Arc<Mutex<Dice>>,
    ledger: Arc<Mutex<Ledger>>,
    keys: usize,
    crashes: usize,
}

impl Soak {
    async fn new(people: usize) -> Self {
        let app = TestApp::new().await;
        let mut all = Vec::new();
        for n in 0..people {
            let digits =
                format!("19{:02}{:02}{:02}{:03}0", 40 + n / 1000 % 50, 1 + n / 28 % 12, 1 + n % 28, n % 1000);
            all.push(child(&app.core, &app.world.p1, &digits).await);
        }
        let slots = slots(&app).await;
        let (dice, ledger) = (Arc::new(Mutex::new(Dice(7))), Arc::new(Mutex::new(Ledger::default())));
        let choices = (0..people).map(|_| Choices::default()).collect();
        let (visits, keys, crashes) = (Vec::new(), 0, 0);
        let mut soak = Self { app, people: all, choices, slots, visits, dice, ledger, keys, crashes };
        for n in 0..people {
            soak.say(n, MAIL, true).await;
            soak.say(n, SMS, true).await;
        }
        soak
    }

    fn roll(&self, sides: usize) -> usize {
        self.dice.lock().unwrap().roll(sides as u64) as usize
    }

    fn now(&self) -> DateTime<Utc> {
        self.app.clock.now()
    }

    fn session(&self, patient: PatientId) -> Session {
        let actor = Actor::Patient { id: patient };
        Session::new(self.app.core.clone(), actor, Locale::Sv, "soak".to_owned())
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("soak-{}", self.keys)
    }

    async fn say(&mut self, who: usize, channel: Kind2, yes: bool) {
        let key = self.key();
        let command = SetPreferences {
            patient: None,
            choices: vec![Choice {
                kind: PreferenceKind::Appointment,
                channel: if channel == MAIL { Kind::Mail } else { Kind::Sms },
                opted_in: yes,
                detail: Detail::TimeOnly,
                text_shown: "Mån".to_owned(),
                text_version: None,
            }],
            addresses: Addresses {
                mail: Some(format!("p{who}@exempel.se")),
                phone: Some("070-174 06 05".to_owned()),
            },
        };
        let receipt = set(&self.session(self.people[who].id), &key, &command).await.unwrap();
        assert!(receipt.problems.is_empty(), "{receipt:?}");
        let now = self.now();
        self.choices[who].say(channel, now, yes);
    }

    /// A slot at least a day and at most four weeks ahead.
    fn some_slot(&self) -> Option<(SlotId, DateTime<Utc>)> {
        let (now, n) = (self.now(), self.slots.len());
        (0..50).map(|_| self.slots[self.roll(n)]).find(|(_, starts)| *starts > now + TimeDelta::hours(2))
    }

    async fn book(&mut self) {
        let (who, Some((slot, starts))) = (self.roll(self.people.len()), self.some_slot()) else { return };
        let key = self.key();
        let command = Book {
            slot,
            patient: None,
            plan_item: None,
            channel: None,
            allow_overlap: false,
            conditions_accepted: false,
        };
        let receipt = book(&self.session(self.people[who].id), &key, &command).await.unwrap();
        let Some(id) = receipt.id("appointment") else { return };
        let version = Version { starts, from: self.now(), until: None, confirmed: None };
        self.visits.push(Visit { id, patient: who, versions: vec![version], cancelled: false });
    }

    /// A visit that is ahead, with its row as it is now.
    async fn some_visit(&self) -> Option<(usize, appointment::Model)> {
        let open: Vec<usize> = (0..20)
            .filter(|_| !self.visits.is_empty())
            .map(|_| self.roll(self.visits.len()))
            .filter(|n| {
                !self.visits[*n].cancelled && self.visits[*n].versions.last().unwrap().starts > self.now()
            })
            .collect();
        let n = *open.first()?;
        let row =
            appointment::Entity::find_by_id(self.visits[n].id).one(self.app.core.db.reader()).await.unwrap();
        Some((n, row.unwrap()))
    }

    async fn change(&mut self) {
        let what = self.roll(10);
        if what < 3 {
            let (who, channel, yes) = (self.roll(self.people.len()), self.roll(2) as u8, self.roll(2) == 1);
            return self.say(who, channel, yes).await;
        }
        let (Some((n, row)), key, now) = (self.some_visit().await, self.key(), self.now()) else { return };
        let session = self.session(self.people[self.visits[n].patient].id);
        let expected_row_version = row.row_version;
        match what {
            3..=5 => {
                let command = Cancel { appointment: row.id, channel: None, expected_row_version };
                let done = cancel(&session, &key, &command).await.unwrap();
                if done.problems.is_empty() {
                    self.visits[n].cancelled = true;
                    self.visits[n].versions.last_mut().unwrap().until = Some(now);
                }
            }
            6..=7 => {
                let Some((slot, starts)) = self.some_slot() else { return };
                let command = Rebook {
                    appointment: row.id,
                    slot,
                    channel: None,
                    allow_overlap: false,
                    conditions_accepted: false,
                    expected_row_version,
                };
                let done = rebook(&session, &key, &command).await.unwrap();
                if done.problems.is_empty() {
                    self.visits[n].versions.last_mut().unwrap().until = Some(now);
                    self.visits[n].versions.push(Version { starts, from: now, until: None, confirmed: None });
                }
            }
            _ => {
                let command = Confirm { appointment: row.id, channel: None, expected_row_version };
                let done = confirm(&session, &key, &command).await.unwrap();
                if done.problems.is_empty() {
                    self.visits[n].versions.last_mut().unwrap().confirmed.get_or_insert(now);
                }
            }
        }
    }

    fn worker(&self) -> Worker {
        let channel = |kind| {
            let (ledger, dice) = (Arc::clone(&self.ledger), Arc::clone(&self.dice));
            Some(Arc::new(Moody { kind, ledger, dice, clock: self.app.clock.clone() }) as Arc<dyn Channel>)
        };
        let channels = Channels::of(channel(Kind::Mail), channel(Kind::Sms));
        Worker::new(
            self.app.core.clone(),
            Arc::clone(&self.app.core.texts),
            channels,
            WorkerConfig::default(),
        )
        .unwrap()
    }

    /// Thirty days in which `bookings` are made, and then until the last visit has been.
    async fn month(&mut self, bookings: usize) {
        let worker = self.worker();
        let step = TimeDelta::minutes(20);
        let steps = 30 * 24 * 3;
        let changes = bookings / 2;
        for n in 0..steps + 30 * 24 * 3 {
            let share = |all: usize| if n < steps { all * (n + 1) / steps - all * n / steps } else { 0 };
            for _ in 0..share(bookings) {
                self.book().await;
            }
            for _ in 0..share(changes) {
                self.change().await;
            }
            // A worker that dies with what it has claimed: the lease gives it back.
            if self.roll(25) == 0 {
                let lease = WorkerConfig::default().lease;
                let kind = if self.roll(2) == 0 { Kind::Mail } else { Kind::Sms };
                self.crashes += claim::claim(&self.app.core, kind, 5, lease).await.unwrap().len();
            }
            // An outage now and then.
            if self.roll(12) > 0 {
                for _ in 0..10_000 {
                    if worker.tick().await.unwrap().claimed == 0 {
                        break;
                    }
                }
            }
            self.app.clock.advance(step);
            if (n + 1) % (5 * 24 * 3) == 0 {
                let taken = self.ledger.lock().unwrap().accepted.len();
                println!("day {}: {} visits, {taken} messages taken", (n + 1) / (24 * 3), self.visits.len());
            }
        }
        self.app.clock.advance(TimeDelta::days(30));
        worker.tick().await.unwrap();
    }
}

/// Times every half hour of the working days of two months, with room for everybody.
async fn slots(app: &TestApp) -> Vec<(SlotId, DateTime<Utc>)> {
    let (world, db, now) = (&app.world, app.core.db.reader(), app.clock.now());
    let mut all = Vec::new();
    for day in 1..50 {
        let day = now.with_timezone(&Stockholm).date_naive() + Days::new(day);
        for half_hour in (0..20).filter(|_| working(day)) {
            let time = NaiveTime::from_hms_opt(8, 0, 0).unwrap() + TimeDelta::minutes(30 * half_hour);
            let (id, starts) = (SlotId(app.clock.uuid()), wall(day, time));
            let row = slot::Model {
                id,
                schedule_id: None,
                care_unit_id: world.s1.unit,
                care_provider_id: world.s1.provider,
                appointment_type_id: world.visit,
                assignment_id: None,
                starts_at: starts,
                ends_at: starts + TimeDelta::minutes(30),
                local_start: day.and_time(time).format("%Y-%m-%dT%H:%M").to_string(),
                zone: "Europe/Stockholm".to_owned(),
                time_slice: time_slice(starts),
                seats: 10_000,
                open_seats: 10_000,
                web_bookable: true,
                withdrawn_at: None,
                withdrawal: None,
                withdrawn_for: None,
                source: "OWN".to_owned(),
                created_at: now,
            };
            row.into_active_model().insert(db).await.unwrap();
            all.push((id, starts));
        }
    }
    all
}

async fn soak(reminders: usize) -> Figures {
    // About four and a half reminders are planned for each booking, with those that are planned anew.
    let bookings = reminders * 10 / 45;
    let mut soak = Soak::new((bookings / 6).max(12)).await;
    let began = std::time::Instant::now();
    soak.month(bookings).await;
    let figures = soak.judge().await;
    let took: Duration = began.elapsed();
    let Figures { planned, sent, withheld, undelivered, failures, crashes, .. } = &figures;
    println!(
        "{} visits, {planned} planned, {sent} sent, {withheld} withheld, {undelivered} undelivered, {failures} failures of \
         the channel, {crashes} claimed by workers that died, in {took:.0?}: {figures:?}",
        soak.visits.len()
    );
    figures
}

fn assert_kept(figures: &Figures) {
    let Figures { twice, lost, early, wrong, .. } = figures;
    assert_eq!((twice, lost, early, wrong), (&0, &0, &0, &0), "{figures:?}");
    assert!(figures.sent > 0 && figures.withheld > 0 && figures.failures > 0, "{figures:?}");
}

#[tokio::test]
async fn soak_a_small_month_loses_nothing_and_sends_nothing_twice() {
    assert_kept(&soak(300).await);
}

#[tokio::test]
#[ignore = "takes minutes: a month of 100,000 planned reminders"]
async fn soak_a_month_of_a_hundred_thousand_reminders() {
    let wanted = std::env::var("SOAK_REMINDERS").ok().and_then(|n| n.parse().ok());
    assert_kept(&soak(wanted.unwrap_or(100_000)).await);
}
