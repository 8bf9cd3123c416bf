//! Seeding: the same plan gives the same people, each with the same amount of everything, and no text is readable.

mod demo;

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use entity::{
    Sealed, agreement, agreement_version, appointment, care_contact, care_relation, care_unit, contact_way,
    goal, goal_revision, occupancy, patient, patient_identity, plan_item, plan_item_revision,
    reminder_preference, slot, staff_member, thread, thread_message,
};
use harness::{
    database::{TestDatabase, fresh_database},
    process,
};
use patientkontrakt::{
    access::AccessLog,
    auth::token::Identity,
    calendar::SendingHours,
    clock::Clock,
    crypto::{Keyring, MasterKey, Place},
    db::{Db, DbOptions, Observer},
    domain::{agreement::content::AgreementContent, patient::IDENTITY_LOOKUP},
    library::Library,
    seed::{self, SeedPlan, Summary, people, population::canary},
    session::{Core, FixedContactPolicy, Settings},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JsonValue, PaginatorTrait, QueryFilter,
    QueryOrder, Statement,
};
use uuid::Uuid;

const PATIENTS: u32 = 12;

struct Seeded {
    core: Core,
    summary: Summary,
    manifest: Vec<JsonValue>,
    _database: TestDatabase,
}

fn now() -> DateTime<Utc> {
    "2027-03-01T09:41:00Z".parse().unwrap()
}

async fn core_of(database: &TestDatabase, now: DateTime<Utc>) -> Core {
    core_observed(database, now, None).await
}

async fn core_observed(database: &TestDatabase, now: DateTime<Utc>, observer: Option<Observer>) -> Core {
    let options = DbOptions {
        url: database.url.clone(),
        max_connections: 4,
        timeout: Duration::from_mins(1),
        observer,
        read_only: false,
    };
    let db = Db::connect(&options).await.unwrap();
    let clock = Clock::manual(now);
    let master = MasterKey { id: "test".to_owned(), key: [7; 32] };
    let keys = Keyring::load(&db, &clock, &[master]).await.unwrap();
    let settings = Settings {
        channels: vec![entity::contact_way::Channel::Mail, entity::contact_way::Channel::Sms],
        sms_reports: false,
        region: "99".to_owned(),
        fixed_contacts: FixedContactPolicy::Single,
        doctor_titles: vec!["läkare".to_owned()],
        reminders_enabled: true,
        links: patientkontrakt::session::Links::default(),
        hours: SendingHours::default(),
        contact_review_days: 365,
        schedule_horizon_days: 90,
        handover_lead_days: 14,
        after_hours_phone: "1177".to_owned(),
        ages: patientkontrakt::domain::representative::rules::Ages::default(),
        contact_request_days: 5,
        daily_call_until: chrono::NaiveTime::from_hms_opt(20, 0, 0).unwrap(),
        missed_call_due: chrono::TimeDelta::hours(2),
        discharge_gap_due: chrono::TimeDelta::hours(4),
        agreement_request_days: 14,
        patient_groups: Vec::new(),
        plan: patientkontrakt::session::PlanRules::default(),
        booking: patientkontrakt::session::BookingRules::default(),
        slot_hold: chrono::TimeDelta::minutes(5),
        outcome_missing_days: 3,
    };
    let log = AccessLog::start(db.clone(), clock.clone(), keys.clone());
    let library = Arc::new(Library::load(None).unwrap());
    let texts = Arc::new(
        patientkontrakt::reminder::render::Renderer::new(&"vard@exempel.se".parse().unwrap()).unwrap(),
    );
    Core {
        db,
        clock,
        keys,
        log,
        settings: Arc::new(settings),
        library,
        texts,
        watch: patientkontrakt::reminder::hold::Watch::default(),
        wishes: patientkontrakt::domain::time_wish::sweep::Turn::default(),
    }
}

async fn seeded(seed: u64, now: DateTime<Utc>) -> Seeded {
    let database = fresh_database().await;
    let core = core_of(&database, now).await;
    let issue = |identity: &Identity| match identity {
        Identity::Patient { number } => format!("for {number}"),
        Identity::Staff { person, .. } => format!("for {person}"),
    };
    let mut manifest = Vec::new();
    let plan = SeedPlan { patients: PATIENTS, seed };
    let summary = seed::run(&core, plan, Some(&issue), Some(&mut manifest)).await.unwrap();
    let manifest = String::from_utf8(manifest).unwrap();
    let manifest = manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Seeded { core, summary, manifest, _database: database }
}

/// Every sealed text, by its place.
async fn texts(core: &Core) -> BTreeMap<(&'static str, Uuid), String> {
    let db = core.db.reader();
    let mut sealed: Vec<(&'static str, Uuid, Sealed)> = Vec::new();
    macro_rules! collect {
        ($($table:ident . $column:ident),+ $(,)?) => {$(
            for row in $table::Entity::find().all(db).await.unwrap() {
                let text: Option<Sealed> = row.$column.into();
                let place = concat!(stringify!($table), ".", stringify!($column));
                sealed.extend(text.map(|text| (place, row.id.0, text)));
            }
        )+};
    }
    collect!(
        patient.access_needs,
        patient_identity.number,
        contact_way.address,
        agreement_version.content,
        goal_revision.text,
        plan_item_revision.title,
        plan_item_revision.description,
        plan_item_revision.trigger,
        plan_item_revision.result_how,
        plan_item.status_reason,
        plan_item.work_note,
        care_contact.phone,
        care_contact.how_to_reach,
        care_contact.end_reason,
        thread.subject,
        thread_message.body,
    );
    let open = |(place, row, text): (&'static str, Uuid, Sealed)| {
        let text = core.keys.open(Place::new(place, row), &text).unwrap();
        ((place, row), text)
    };
    sealed.into_iter().map(open).collect()
}

/// Every row of every table as JSON, without what sealing makes anew each time.
async fn plain_rows(core: &Core) -> Vec<String> {
    let backend = core.db.backend();
    let mut all = Vec::new();
    for table in TABLES {
        let sql = format!("SELECT * FROM \"{table}\"");
        let rows = JsonValue::find_by_statement(Statement::from_string(backend, sql))
            .all(core.db.reader())
            .await
            .unwrap();
        let mut rows: Vec<String> = rows
            .into_iter()
            .map(|mut row| {
                let columns = row.as_object_mut().unwrap();
                columns.retain(|name, _| !SEALED.contains(&name.as_str()));
                format!("{table} {row}")
            })
            .collect();
        rows.sort();
        assert!(!rows.is_empty(), "nothing in {table}");
        all.extend(rows);
    }
    all
}

const TABLES: &[&str] = &[
    "care_provider",
    "care_unit",
    "staff_member",
    "assignment",
    "appointment_type",
    "patient",
    "patient_identity",
    "contact_way",
    "reminder_preference",
    "agreement",
    "agreement_version",
    "goal",
    "goal_revision",
    "version_goal",
    "plan_item",
    "plan_item_revision",
    "version_item",
    "care_contact",
    "slot",
    "slot_staff",
    "appointment",
    "occupancy",
    "seat_claim",
    "thread",
    "thread_message",
    "care_relation",
];

/// Sealed columns, and keyed hashes: each database has keys of its own.
const SEALED: &[&str] = &[
    "access_needs",
    "number",
    "lookup",
    "address",
    "content",
    "text",
    "title",
    "description",
    "trigger",
    "result_how",
    "status_reason",
    "work_note",
    "phone",
    "how_to_reach",
    "end_reason",
    "subject",
    "body",
];

#[tokio::test]
async fn the_same_plan_on_the_same_day_gives_the_same_people_and_ids() {
    let (one, two) = (seeded(7, now()).await, seeded(7, now() + chrono::TimeDelta::hours(5)).await);
    assert_eq!(one.summary, two.summary);
    assert_eq!(one.manifest, two.manifest);
    assert_eq!(plain_rows(&one.core).await, plain_rows(&two.core).await);
    assert_eq!(texts(&one.core).await, texts(&two.core).await);

    let other = seeded(8, now()).await;
    assert_ne!(one.manifest, other.manifest);
    let numbers = |texts: BTreeMap<(&'static str, Uuid), String>| {
        texts
            .into_iter()
            .filter(|((place, _), _)| *place == "patient_identity.number")
            .map(|(_, n)| n)
            .collect()
    };
    let (ours, theirs): (Vec<_>, Vec<_>) =
        (numbers(texts(&one.core).await), numbers(texts(&other.core).await));
    assert_ne!(ours, theirs);
}

#[tokio::test]
async fn every_patient_has_the_same_amount_of_everything() {
    let Seeded { core, summary, manifest, _database } = seeded(1, now()).await;
    let db = core.db.reader();
    let n = u64::from(PATIENTS);
    macro_rules! count {
        ($table:ident $(, $column:ident = $value:expr)*) => {
            $table::Entity::find()$(.filter($table::Column::$column.eq($value)))*.count(db).await.unwrap()
        };
    }
    assert_eq!((summary.patients, summary.units, summary.staff), (PATIENTS as usize, 1, 15));
    assert_eq!(count!(patient), n);
    assert_eq!(count!(care_unit), 1);
    assert_eq!(count!(staff_member), 15);
    assert_eq!(count!(agreement, Status = agreement::Status::Active), n);
    assert_eq!(count!(agreement, Status = agreement::Status::Ended), n / 4);
    assert_eq!(count!(goal), 3 * n);
    assert_eq!(count!(plan_item), 8 * n);
    let done = plan_item::Status::Done;
    assert_eq!(count!(plan_item, Status = done), 8 * n / 3);
    assert_eq!(count!(appointment, Status = appointment::Status::Attended), 2 * n);
    assert_eq!(count!(appointment, Status = appointment::Status::Booked), 2 * n);
    assert_eq!(count!(slot, OpenSeats = 1), 4 * n);
    assert_eq!(count!(thread), 2 * n);
    assert_eq!(count!(thread_message), 10 * n);
    let active = |role| (role, care_contact::Status::Active);
    let (role, status) = active(care_contact::Role::FastVardkontakt);
    assert_eq!(count!(care_contact, Role = role, Status = status, IsLead = true), n);
    assert_eq!(count!(care_contact, Role = care_contact::Role::FastLakarkontakt), n / 2);
    assert_eq!(count!(care_contact, Status = care_contact::Status::Ended), n / 3);
    assert!(count!(reminder_preference, OptedIn = true) > n / 2);
    assert!(count!(occupancy) > 8 * n);
    // One for each agreement, contact, time and thread.
    assert_eq!(count!(care_relation), n + n / 4 + n + n / 2 + n / 3 + 4 * n + 2 * n);

    let kinds = |kind: &str| manifest.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((kinds("patient"), kinds("staff")), (PATIENTS as usize, summary.staff));
    for line in manifest.iter().filter(|line| line["kind"] == "patient") {
        let begins = |field: &str, prefix: &str| line[field].as_str().unwrap().starts_with(prefix);
        assert!(begins("patientId", "pat_") && begins("careUnitId", "unt_"), "{line}");
        assert!(begins("agreementId", "agr_") && begins("threadId", "thr_"), "{line}");
        assert!(begins("token", "for "), "{line}");
    }
}

#[tokio::test]
async fn every_patient_is_found_by_the_number_that_the_token_names() {
    let Seeded { core, manifest, _database, .. } = seeded(1, now()).await;
    for line in manifest.iter().filter(|line| line["kind"] == "patient") {
        let number = line["token"].as_str().unwrap().trim_start_matches("for ");
        let found = patient_identity::Entity::find()
            .filter(patient_identity::Column::Lookup.is_in(core.keys.lookup_hashes(IDENTITY_LOOKUP, number)))
            .one(core.db.reader())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(line["patientId"], format!("pat_{}", found.patient_id.0.simple()));
    }
}

#[tokio::test]
async fn every_text_names_its_owner_and_none_is_readable_in_the_database() {
    let Seeded { core, _database, .. } = seeded(1, now()).await;
    let texts = texts(&core).await;
    assert!(texts.len() > 300);
    for ((place, _), text) in &texts {
        match *place {
            "patient_identity.number" | "care_contact.phone" => {}
            "contact_way.address" => {
                assert!(text.starts_with('p') || text.starts_with("+46701740"), "{text}");
            }
            "agreement_version.content" => {
                let content: AgreementContent = serde_json::from_str(text).unwrap();
                let fields = [
                    Some(content.title),
                    content.story,
                    content.what_matters,
                    content.shared_goal,
                    content.own_responsibility,
                    content.self_care,
                    content.when_to_seek_help,
                    content.how_results_come,
                ];
                assert!(fields.into_iter().all(|f| f.is_some_and(|f| f.contains("kanariefågel-"))), "{text}");
            }
            place => assert!(text.contains("kanariefågel-"), "{place}: {text}"),
        }
    }
    let first = canary(1, "mål1");
    assert_eq!(texts.values().filter(|text| text.contains(&first)).count(), 1);

    // What the database itself holds, sealed columns included, as bytes and as text.
    let backend = core.db.backend();
    for table in TABLES {
        let sql = format!("SELECT * FROM \"{table}\"");
        let rows = core.db.reader().query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        assert!(!rows.is_empty());
        for row in rows {
            for column in row.column_names() {
                let text = row.try_get::<Option<String>>("", &column).ok().flatten().unwrap_or_default();
                let bytes = row.try_get::<Option<Vec<u8>>>("", &column).ok().flatten().unwrap_or_default();
                let bytes = String::from_utf8_lossy(&bytes).into_owned();
                for found in [text, bytes] {
                    assert!(!found.contains("kanarief"), "{table}.{column}: {found}");
                    assert!(!found.contains("@patient.") && !found.contains("+4670174"), "{table}.{column}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_active_version_is_covered_by_its_digest() {
    let Seeded { core, _database, .. } = seeded(1, now()).await;
    let versions = agreement_version::Entity::find()
        .order_by_asc(agreement_version::Column::Id)
        .all(core.db.reader())
        .await
        .unwrap();
    for version in versions {
        assert_eq!(version.hash.unwrap().len(), 32);
        assert!(version.patient_assent_at.is_some() && version.care_assent_at.is_some());
    }
}

#[tokio::test]
async fn a_database_is_seeded_once_and_with_no_more_people_than_there_are_numbers() {
    let Seeded { core, _database, .. } = seeded(1, now()).await;
    let again = seed::run(&core, SeedPlan { patients: 1, seed: 2 }, None, None).await;
    assert!(again.unwrap_err().to_string().contains("seeded already"));
    let many = SeedPlan { patients: people::MOST + 1, seed: 2 };
    assert!(seed::run(&core, many, None, None).await.is_err());
    assert_eq!(patient::Entity::find().count(core.db.reader()).await.unwrap(), u64::from(PATIENTS));
}

/// The manifest holds tokens: only its owner reads it, and a seeding that is refused leaves the one that is there.
#[tokio::test]
async fn a_seeding_that_is_refused_leaves_the_manifest_as_it_was() {
    let (database, folder) = (fresh_database().await, tempfile::tempdir().unwrap());
    let manifest = folder.path().join("manifest.jsonl");
    let seed = async || {
        let arguments = ["seed", "--patients", "2", "--manifest", manifest.to_str().unwrap()];
        let mut command = process::command(&arguments);
        command
            .env("PK_MODE", "demo")
            .env("PK_DATABASE__URL", &database.url)
            .env("PK_DATA_DIR", folder.path());
        process::run(&mut command).await
    };
    let first = seed().await;
    assert!(first.status.success(), "{first:?}");
    let lines = std::fs::read_to_string(&manifest).unwrap();
    assert_eq!(lines.lines().filter(|line| line.contains("\"patient\"")).count(), 2);
    let mode = std::fs::metadata(&manifest).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = seed().await;
    assert!(!again.status.success() && again.err.contains("seeded already"), "{again:?}");
    assert_eq!(std::fs::read_to_string(&manifest).unwrap(), lines);
    assert_eq!(
        std::fs::read_dir(folder.path())
            .unwrap()
            .filter(|f| f.as_ref().unwrap().file_name().to_string_lossy().starts_with(".tmp"))
            .count(),
        0
    );
}
