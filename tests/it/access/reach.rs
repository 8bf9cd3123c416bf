//! The rule of who reaches a row has two forms: a condition with values, and the text of the flat statements. In random
//! worlds of care relations both select the rows that the rule, told here once more in plain code, says.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    CareRelationId, RepresentativeId, StaffMemberId, assignment::Role, care_relation, patient, thread,
};
use harness::{Staff, TestApp, TestPatient};
use patientkontrakt::{
    auth::{
        actor::{Actor, StaffActor},
        policy::{
            Area, Level, Noun, PatientData, Rights, Who, allows, reach_sql, reach_values, row_condition,
        },
    },
    graphql::scalars::NodeKind,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QuerySelect, Statement,
};
use serde_json::json;
use uuid::Uuid;

use crate::acts::{act, global};

/// Numbers that look random and are the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A row as the rule sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    id: Uuid,
    patient: Uuid,
    /// None for the patient row itself, which every provider shares.
    provider: Option<Uuid>,
}

fn staff(who: &Staff, role: Role) -> Actor {
    Actor::Staff(StaffActor {
        staff_member: StaffMemberId(Uuid::nil()),
        assignment: who.assignment,
        care_unit: who.unit,
        care_provider: who.provider,
        role,
        display_name: String::new(),
        title: String::new(),
    })
}

/// The rule, in plain code.
fn reaches(
    actor: &Actor,
    noun: Noun,
    row: Row,
    relations: &[care_relation::Model],
    now: DateTime<Utc>,
) -> bool {
    use patientkontrakt::auth::policy::Action;
    match actor {
        Actor::Patient { id } => row.patient == id.0,
        Actor::Representative { principal: id, .. } | Actor::YoungPatient { id, .. } => {
            row.patient == id.0 && allows(Who::from(actor), noun, Action::Read)
        }
        Actor::Staff(staff) => {
            row.provider.is_none_or(|provider| provider == staff.care_provider.0)
                && relations.iter().any(|relation| {
                    relation.patient_id.0 == row.patient
                        && relation.care_unit_id == staff.care_unit
                        && relation.valid_from <= now
                        && relation.valid_until.is_none_or(|until| until > now)
                })
        }
        Actor::Anonymous | Actor::Person { .. } | Actor::System => false,
    }
}

async fn by_condition<E>(app: &TestApp, actor: &Actor, id: E::Column, now: DateTime<Utc>) -> Vec<Uuid>
where
    E: PatientData,
    E::Model: FromQueryResult + Send + Sync,
{
    let query = E::find().select_only().column(id).filter(row_condition::<E>(actor, now));
    let mut found: Vec<Uuid> = query.into_tuple().all(app.core.db.reader()).await.unwrap();
    found.sort_unstable();
    found
}

async fn by_text(app: &TestApp, actor: &Actor, noun: Noun, table: &str, now: DateTime<Utc>) -> Vec<Uuid> {
    let (patient, provider) =
        if table == "patient" { ("t.id", None) } else { ("t.patient_id", Some("t.care_provider_id")) };
    let reach = reach_sql(Who::from(actor), noun, patient, provider);
    let db = app.core.db.reader();
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        format!("SELECT t.id FROM {table} t WHERE {reach}"),
        reach_values(actor, now),
    );
    let rows = db.query_all_raw(statement).await.unwrap();
    let mut found: Vec<Uuid> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    found.sort_unstable();
    found
}

#[tokio::test]
async fn both_forms_of_the_rule_select_the_rows_that_it_says_in_any_world_of_relations() {
    let app = TestApp::new().await;
    let world = &app.world;
    let people: [&TestPatient; 3] = [&world.p1, &world.p2, &world.p3];
    let units: [&Staff; 3] = [&world.s1, &world.s2, &world.s3];
    for (person, unit) in people.iter().flat_map(|person| units.iter().map(move |unit| (person, unit))) {
        let input =
            json!({ "careUnitId": global(NodeKind::CareUnit, unit.unit), "subject": "Hej", "body": "Hej" });
        act(&app, &person.identity, "threadStart", "thread { id }", input).await.ok();
    }
    let db = app.core.db.reader();
    let threads: Vec<Row> = thread::Entity::find()
        .all(db)
        .await
        .unwrap()
        .iter()
        .map(|t| Row { id: t.id.0, patient: t.patient_id.0, provider: Some(t.care_provider_id.0) })
        .collect();
    assert_eq!(threads.len(), 9);
    let patients: Vec<Row> =
        people.iter().map(|p| Row { id: p.id.0, patient: p.id.0, provider: None }).collect();
    care_relation::Entity::delete_many().exec(db).await.unwrap();

    let mut chance = Chance(20_270_201);
    let begun = app.core.clock.now();
    let areas = [Area::Agreement, Area::Booking, Area::Messages, Area::Contacts];
    let (mut seen, mut unseen) = (0, 0);
    for _ in 0..12 {
        care_relation::Entity::delete_many()
            .filter(care_relation::Column::Id.is_not_null())
            .exec(db)
            .await
            .unwrap();
        for _ in 0..chance.below(7) {
            let (person, unit) = (*chance.of(&people), *chance.of(&units));
            let from = begun + TimeDelta::minutes(i64::try_from(chance.below(5)).unwrap());
            let lasts = TimeDelta::minutes(1 + i64::try_from(chance.below(4)).unwrap());
            care_relation::Model {
                id: CareRelationId(app.core.clock.uuid()),
                patient_id: person.id,
                care_unit_id: unit.unit,
                care_provider_id: unit.provider,
                source: care_relation::Source::Listing,
                reason: None,
                declaration: None,
                declared_by: None,
                subject_id: None,
                valid_from: from,
                valid_until: (chance.below(3) > 0).then(|| from + lasts),
                created_at: begun,
            }
            .into_active_model()
            .insert(db)
            .await
            .unwrap();
        }
        let relations = care_relation::Entity::find().all(db).await.unwrap();
        let mut rights = Rights::default();
        for area in areas {
            rights = match chance.below(3) {
                0 => rights,
                1 => rights.with(area, Level::Read),
                _ => rights.with(area, Level::Act),
            };
        }
        let principal = chance.of(&people).id;
        let mut actors = vec![
            Actor::Anonymous,
            Actor::System,
            Actor::Person { lookups: Vec::new() },
            Actor::Representative { id: RepresentativeId(Uuid::nil()), principal, rights },
            Actor::YoungPatient { id: principal, rights },
        ];
        actors.extend(people.iter().map(|p| Actor::Patient { id: p.id }));
        for role in [Role::Care, Role::Coordinator, Role::UnitManager, Role::Analyst, Role::Admin] {
            actors.extend(units.iter().map(|unit| staff(unit, role)));
        }
        // Relations begin and end on whole minutes: so the moments themselves are tried too.
        let now = begun + TimeDelta::minutes(i64::try_from(chance.below(9)).unwrap());
        for actor in &actors {
            for (noun, table, rows) in
                [(Noun::Thread, "thread", &threads), (Noun::Patient, "patient", &patients)]
            {
                let mut said: Vec<Uuid> = rows
                    .iter()
                    .filter(|row| reaches(actor, noun, **row, &relations, now))
                    .map(|row| row.id)
                    .collect();
                said.sort_unstable();
                let condition = if noun == Noun::Thread {
                    by_condition::<thread::Entity>(&app, actor, thread::Column::Id, now).await
                } else {
                    by_condition::<patient::Entity>(&app, actor, patient::Column::Id, now).await
                };
                let text = by_text(&app, actor, noun, table, now).await;
                assert_eq!(condition, said, "{table} {actor:?} {now} {relations:?}");
                assert_eq!(text, said, "{table} {actor:?} {now} {relations:?}");
                if said.is_empty() {
                    unseen += 1;
                } else {
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 50 && unseen > 50, "worlds in which something is at stake: {seen} {unseen}");
}
