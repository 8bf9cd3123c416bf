//! The demo's people: some forty lives in four units under three care providers, told so that the service can be
//! followed through them.
//!
//! The first patient is the one to sign in as: several conditions, several units, a plan that both sides act in, a
//! time in a few days whose reminders leave as the clock moves on.

mod conditions;
mod lives;
mod schedules;
mod stage;
mod story;
mod themes;
mod units;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use entity::{
    agreement, appointment,
    care_contact::Role,
    care_relation, care_unit,
    contact_way::Channel,
    notice,
    patient::{self, ProtectedIdentity},
    reminder_preference::{Detail, PreferenceKind},
    representative,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use self::{stage::Stage, units::Units};
use super::{
    SeedError,
    care::{ContactText, Line},
    people::{self, Person, test_number},
    plan::{AgreementText, Stage as Told},
    unit_of,
    units::WorkingDays,
    writer::{OWN, Unit, Whose, Writer},
};
use crate::{
    auth::actor::Actor,
    db::Tx,
    domain::{
        notice::{Since, plan_reminders},
        patient::IDENTITY_LOOKUP,
    },
    error::Fault,
    locale::Locale,
    session::{Core, Session},
};

/// The first patient's personnummer, of Skatteverket's test series.
pub const DEMO_PATIENT_NUMBER: &str = "195203012389";
/// The first staff member: a district nurse, fast vårdkontakt of the first patient.
pub const DEMO_STAFF_HSA_ID: &str = "SE9999990001-1001";
/// What the first staff member acts under.
pub const DEMO_ASSIGNMENT_HSA_ID: &str = "SE9999990001-1001-A";

/// Given name, family name, whether a man, year and month of birth.
type Name = (&'static str, &'static str, bool, i32, u32);

/// Those of whom the use cases tell more: [`lives`].
const SEVERAL_CONDITIONS: usize = 0;
const TWO_PLANS: usize = 4;
const FRAIL: usize = 5;
const OPERATION: usize = 6;
const GUARDIANS: [usize; 2] = [16, 17];
const SON: usize = 20;
const CHILD: usize = 42;
/// Those of whom `docs/story.sh` tells, without an agreement yet.
const STORIES: [usize; 2] = [2, 43];

/// The first seven have stories of their own.
const PATIENTS: [Name; 44] = [
    ("Anna", "Testlund", false, 1952, 3),
    ("Erik", "Testberg", true, 1948, 11),
    ("Zahra", "Teståker", false, 1979, 6),
    ("Linnéa", "Testhägg", false, 1986, 9),
    ("Göran", "Testström", true, 1941, 1),
    ("Birgit", "Testsjö", false, 1938, 5),
    ("Ömer", "Testmark", true, 1968, 2),
    ("Karin", "Testdahl", false, 1955, 7),
    ("Åke", "Testgren", true, 1944, 10),
    ("Fatima", "Testby", false, 1972, 4),
    ("Lars", "Testholm", true, 1959, 12),
    ("Ingrid", "Testqvist", false, 1935, 8),
    ("Mohammed", "Testenäs", true, 1982, 3),
    ("Gunnel", "Testvall", false, 1946, 6),
    ("Sven", "Testman", true, 1950, 9),
    ("Märta", "Teststen", false, 1940, 2),
    ("Jonas", "Testlund", true, 1977, 5),
    ("Sara", "Testberg", false, 1990, 1),
    ("Bengt", "Teståker", true, 1943, 4),
    ("Ulla", "Testström", false, 1949, 12),
    ("Per", "Testsjö", true, 1963, 8),
    ("Amira", "Testmark", false, 1984, 10),
    ("Olle", "Testdahl", true, 1931, 7),
    ("Siv", "Testgren", false, 1937, 3),
    ("Nils", "Testby", true, 1956, 11),
    ("Eva", "Testholm", false, 1961, 2),
    ("Hassan", "Testqvist", true, 1970, 6),
    ("Maj-Britt", "Testenäs", false, 1942, 9),
    ("Roland", "Testvall", true, 1947, 1),
    ("Elin", "Testman", false, 1993, 4),
    ("Kjell", "Teststen", true, 1939, 10),
    ("Leila", "Testhägg", false, 1975, 12),
    ("Stig", "Testlund", true, 1933, 5),
    ("Barbro", "Testberg", false, 1945, 8),
    ("Anders", "Teståker", true, 1966, 3),
    ("Yasmin", "Testström", false, 1988, 7),
    ("Rune", "Testsjö", true, 1936, 11),
    ("Inger", "Testmark", false, 1953, 6),
    ("Torsten", "Testdahl", true, 1951, 2),
    ("Maria", "Testgren", false, 1981, 9),
    ("Gösta", "Testby", true, 1930, 12),
    ("Annika", "Testholm", false, 1965, 4),
    ("Alma", "Testberg", false, 2018, 5),
    ("Folke", "Testnäs", true, 1949, 8),
];

/// The source of the demo's units until everything of it is there: its lives are lived in many transactions.
const BEGUN: &str = "DEMO_BEGUN";

/// Writes the demo's people, unless they are there.
///
/// # Errors
/// [`SeedError::Unfinished`] where an earlier start was stopped in the middle; else only faults of the database: what is
/// written is fixed.
pub async fn demo(core: &Core) -> Result<(), SeedError> {
    if let Some(unit) = unit_of(core, units::REGION).await? {
        return if unit.source == BEGUN { Err(SeedError::Unfinished) } else { Ok(()) };
    }
    let mut writer = Writer::new(core, "demo");
    writer.tells = true;
    let units = units::write(&mut writer)?;
    for unit in &mut writer.batch.care_unit {
        BEGUN.clone_into(&mut unit.source);
    }
    let mut demo = Demo {
        days: WorkingDays::around(writer.today, 60),
        now: core.clock.now(),
        booked: Vec::new(),
        people: Vec::new(),
    };
    demo.free_times(&mut writer, &units);
    for (n, name) in PATIENTS.iter().enumerate() {
        demo.patient(&mut writer, &units, n, name)?;
    }
    demo.guardians(&mut writer)?;
    let session = Session::new(core.clone(), Actor::System, Locale::Sv, "demo".to_owned());
    let patients = writer.batch.patient.clone();
    writer.flush_and(async |tx| reminders(tx, &session, &patients, &demo.booked).await).await?;
    let mut stage = Stage::new(core, writer.at);
    let people = &demo.people;
    lives::operation(&mut stage, &units, people[OPERATION]).await?;
    lives::several_conditions(&mut stage, &units, people[SEVERAL_CONDITIONS]).await?;
    lives::frail(&mut stage, &units, people[FRAIL], (&full_name(SON), birth_date(SON))).await?;
    lives::child(&mut stage, &units, people[CHILD]).await?;
    lives::second(&mut stage, &units, people[TWO_PLANS], number(TWO_PLANS)).await?;
    schedules::all(&mut stage, &units).await?;
    core.db.write(async |tx| finish(tx, demo.now).await).await?;
    Ok(())
}

fn birth_date(n: usize) -> NaiveDate {
    let (.., year, month) = PATIENTS[n];
    NaiveDate::from_ymd_opt(year, month, 1).unwrap_or_default()
}

fn number(n: usize) -> String {
    test_number(birth_date(n), if PATIENTS[n].2 { 239 } else { 238 }, false)
}

fn full_name(n: usize) -> String {
    format!("{} {}", PATIENTS[n].0, PATIENTS[n].1)
}

/// Plans the reminders of booked times as booking does.
async fn reminders(
    tx: &Tx,
    session: &Session,
    patients: &[patient::Model],
    booked: &[appointment::Model],
) -> Result<(), Fault> {
    for time in booked {
        if let Some(whom) = patients.iter().find(|patient| patient.id == time.patient_id) {
            let since = Since { at: time.created_at, moved_from: None, known: false };
            plan_reminders(tx, session, whom, time, since).await?;
        }
    }
    Ok(())
}

/// The last of it: what was due has left, and everything is there.
async fn finish(tx: &Tx, now: DateTime<Utc>) -> Result<(), Fault> {
    sent(tx, now).await?;
    care_unit::Entity::update_many()
        .col_expr(care_unit::Column::Source, Expr::value(OWN))
        .filter(care_unit::Column::Source.eq(BEGUN))
        .exec(tx)
        .await?;
    Ok(())
}

/// What was due before now has left.
async fn sent(tx: &Tx, now: DateTime<Utc>) -> Result<(), Fault> {
    notice::Entity::update_many()
        .col_expr(notice::Column::State, Expr::value(notice::State::Sent))
        .col_expr(notice::Column::Attempts, Expr::value(1))
        .col_expr(notice::Column::SentAt, Expr::col(notice::Column::DueAt))
        .filter(notice::Column::State.eq(notice::State::Planned))
        .filter(notice::Column::DueAt.lt(now))
        .exec(tx)
        .await?;
    // At each unit one did not arrive, of a visit that is still ahead.
    let left = notice::Entity::find()
        .filter(notice::Column::State.eq(notice::State::Sent))
        .filter(notice::Column::UselessAt.gt(now))
        .all(tx)
        .await?;
    let mut units = std::collections::BTreeSet::new();
    let failed: Vec<_> =
        left.into_iter().filter(|notice| units.insert(notice.care_unit_id)).map(|notice| notice.id).collect();
    notice::Entity::update_many()
        .col_expr(notice::Column::State, Expr::value(notice::State::Failed))
        .col_expr(notice::Column::Reason, Expr::value("REFUSED_FOR_NOW"))
        .col_expr(notice::Column::EndedAt, Expr::col(notice::Column::DueAt))
        .filter(notice::Column::Id.is_in(failed))
        .exec(tx)
        .await?;
    Ok(())
}

struct Demo {
    days: WorkingDays,
    now: DateTime<Utc>,
    /// What lies ahead.
    booked: Vec<appointment::Model>,
    /// The patients, in order.
    people: Vec<Whose>,
}

/// Free times are on the hour, booked ones on the half hour: nobody is in two places.
fn clock_time(hour: usize, minute: i64) -> NaiveTime {
    NaiveTime::MIN + TimeDelta::hours(8 + (hour % 8) as i64) + TimeDelta::minutes(minute)
}

impl Demo {
    /// Times to book at every unit, on every working day of the coming weeks.
    fn free_times(&self, writer: &mut Writer, units: &Units) {
        for unit in [&units.health_centre, &units.heart, &units.home, &units.rehab] {
            for day in 0..15 {
                for (n, worker) in unit.workers.iter().take(3).enumerate() {
                    let kind = &unit.types[(day + n) % 3];
                    // Home visits take more than the half hour before the next booked time.
                    if kind.length_minutes > 30 {
                        continue;
                    }
                    for hour in [1 + n, 4 + n] {
                        let starts_at = self.days.ahead(day, clock_time(hour, 0));
                        writer.slot(unit, Some(worker), kind, starts_at, true);
                    }
                }
            }
        }
    }

    fn patient(&mut self, writer: &mut Writer, units: &Units, n: usize, name: &Name) -> Result<(), Fault> {
        let (given_name, family_name, _, year, _) = *name;
        let person = Person {
            given_name,
            family_name,
            birth_date: birth_date(n),
            number: number(n),
            coordination: false,
        };
        let unit = match n {
            0..=3 | 42.. => &units.health_centre,
            // Home care is for the old.
            _ if n % 3 == 2 && year > 1960 => &units.health_centre,
            _ => [&units.health_centre, &units.heart, &units.home][n % 3],
        };
        let protected = if n == 3 { ProtectedIdentity::Sekretessmarkering } else { ProtectedIdentity::None };
        let needs = (n == 0).then_some("Har svårt med trappor. Hissen finns vid den östra entrén.");
        let whose = writer.patient(&person, unit, protected, needs)?;
        writer.relation(whose, care_relation::Source::Listing, None, writer.at - TimeDelta::days(600), None);
        addresses(writer, whose, n)?;
        self.people.push(whose);
        if n == SEVERAL_CONDITIONS {
            return story::first(self, writer, units, whose);
        }
        self.life(writer, whose, unit, n)
    }

    /// The child's parents are its guardians, both with everything.
    fn guardians(&self, writer: &mut Writer) -> Result<(), Fault> {
        for n in GUARDIANS {
            let id = writer.ids.next();
            writer.batch.representative.push(representative::Model {
                id,
                patient_id: self.people[CHILD].patient,
                care_unit_id: self.people[CHILD].unit,
                care_provider_id: self.people[CHILD].provider,
                kind: representative::Kind::Guardian,
                display_name: full_name(n),
                number: writer.seal("representative.number", id, &number(n))?,
                lookup: writer.core.keys.lookup_hash(IDENTITY_LOOKUP, &number(n)),
                rights: lives::EVERYTHING.to_owned(),
                may_assent: true,
                valid_from: writer.at - TimeDelta::days(400),
                valid_until: None,
                created_at: writer.at - TimeDelta::days(400),
                row_version: 1,
            });
        }
        Ok(())
    }

    /// Everybody but the first: one condition at one unit.
    fn life(&mut self, writer: &mut Writer, whose: Whose, unit: &Unit, n: usize) -> Result<(), Fault> {
        let nurse = &unit.workers[n % 3];
        let theme = themes::fitting(PATIENTS[n].3, n);
        let at = writer.at;
        if !STORIES.contains(&n) && !matches!(n, FRAIL | OPERATION | CHILD) {
            let stage = match n {
                1 | 7 | 22 => Told::Proposed,
                13 | 29 => Told::Draft,
                21 => Told::Ended(at - TimeDelta::days(30), agreement::EndReason::Completed),
                _ => Told::Active,
            };
            let started = if matches!(n, 1 | 7 | 22) {
                at - TimeDelta::days(1)
            } else {
                at - TimeDelta::days(60 + 3 * n as i64)
            };
            let mut items = theme.items(writer, unit);
            if matches!(stage, Told::Draft | Told::Proposed) {
                for item in &mut items {
                    item.status = entity::plan_item::Status::Proposed;
                }
            }
            let mut goals = theme.goals(writer);
            if matches!(stage, Told::Draft | Told::Proposed) {
                for goal in &mut goals {
                    goal.status = entity::goal::Status::Proposed;
                }
            }
            writer.agreement(
                whose,
                AgreementText {
                    stage,
                    content: theme.content(),
                    goals,
                    items,
                    author: nurse.assignment,
                    created_at: started,
                    updated_at: at - TimeDelta::hours(7 * n as i64),
                },
            )?;
        }
        let since = at - TimeDelta::days(200);
        let role = if unit.provider == writer.batch.care_provider[1].id {
            Role::FastOmsorgskontakt
        } else {
            Role::FastVardkontakt
        };
        if n % 5 != 4 && !STORIES.contains(&n) {
            let text = contact(role, since, "Ring mottagningen vardagar 8–16.30 och fråga efter mig.");
            writer.contact(whose, nurse, &unit.phone, text)?;
        }
        if n.is_multiple_of(2) && unit.provider == writer.batch.care_provider[0].id {
            let text =
                contact(Role::FastLakarkontakt, since, "Skriv ett meddelande, jag svarar inom två dagar.");
            writer.contact(whose, &unit.workers[1], &unit.phone, text)?;
        }
        self.times(writer, whose, unit, n);
        if n.is_multiple_of(2) {
            let nurse = nurse.assignment;
            let ago = |days: i64| at - TimeDelta::days(days);
            let lines: [Line; 2] = [
                (None, ago(6), "Hej! Behöver jag förbereda något inför besöket? Hälsningar".to_owned()),
                (
                    Some(nurse),
                    ago(5),
                    "Hej! Ta med din läkemedelslista, så går vi igenom den tillsammans. Välkommen!"
                        .to_owned(),
                ),
            ];
            writer.thread(whose, "Inför besöket", &lines)?;
        }
        Ok(())
    }

    /// A visit that has been, and one that is to come for most.
    fn times(&mut self, writer: &mut Writer, whose: Whose, unit: &Unit, n: usize) {
        let worker = &unit.workers[n % 3];
        let kind = &unit.types[usize::from(unit.types[0].length_minutes > 30) * 2];
        let place = n / 9;
        let past = self.days.behind(4 + n % 9, clock_time(place, 30));
        let slot = writer.slot(unit, Some(worker), kind, past, false);
        writer.appointment(whose, &slot, kind, appointment::Origin::Agreed, past - TimeDelta::days(14));
        if !n.is_multiple_of(6) {
            let starts_at = self.days.ahead(3 + n % 9, clock_time(place, 30));
            let slot = writer.slot(unit, Some(worker), kind, starts_at, false);
            let origin = if n.is_multiple_of(2) {
                appointment::Origin::SelfBooked
            } else {
                appointment::Origin::Agreed
            };
            self.book(writer, whose, &slot, kind, origin, writer.at - TimeDelta::days(9));
        }
    }

    /// Books a time that lies ahead: its reminders are planned when everything is in place.
    fn book(
        &mut self,
        writer: &mut Writer,
        whose: Whose,
        slot: &entity::slot::Model,
        kind: &entity::appointment_type::Model,
        origin: appointment::Origin,
        booked_at: DateTime<Utc>,
    ) {
        let booked = writer.appointment(whose, slot, kind, origin, booked_at);
        self.booked.push(booked);
    }
}

/// Mail and phone for all; reminders for those who want them, which those with a protected identity do not.
fn addresses(writer: &mut Writer, whose: Whose, n: usize) -> Result<(), Fault> {
    let name = format!("patient{}", n + 1);
    writer.contact_way(whose, Channel::Mail, &people::mail(&name))?;
    writer.contact_way(whose, Channel::Sms, &people::mobile(n as u64))?;
    if n == 3 {
        return Ok(());
    }
    let time = "Du har en tid måndag 1 mars kl. 09.00. Ring oss om du har frågor.";
    let unit = "Du har en tid måndag 1 mars kl. 09.00 på Ängens vårdcentral. Ring oss om du har frågor.";
    if n == 0 || n % 2 == 1 {
        writer.opt_in(whose, PreferenceKind::Appointment, Channel::Sms, Detail::TimeOnly, time);
    }
    if n.is_multiple_of(3) {
        writer.opt_in(whose, PreferenceKind::Appointment, Channel::Mail, Detail::UnitName, unit);
        let shown = "Du har ett nytt meddelande från vården. Logga in för att läsa det.";
        writer.opt_in(whose, PreferenceKind::Message, Channel::Mail, Detail::TimeOnly, shown);
    }
    Ok(())
}

fn contact(role: Role, from: DateTime<Utc>, how_to_reach: &str) -> ContactText {
    ContactText {
        role,
        treating_kind: None,
        lead: role == Role::FastVardkontakt,
        how_to_reach: Some(how_to_reach.to_owned()),
        from,
        ended: None,
        on_request: false,
    }
}
