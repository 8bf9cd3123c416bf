//! A unit's list of agreements: one statement, whatever its length.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::{CareUnitId, PatientId, Sealed, agreement, patient, plan_item_revision};
use sea_orm::{ConnectionTrait, Statement, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{appointment, cols::Cols, plan::version_content, rows};
use crate::{
    auth::{
        actor::StaffActor,
        policy::{Granted, Noun, Who, reach_sql, reach_values, self_booking_sql},
    },
    crypto::Place,
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{Date, GlobalId, NodeKind},
        types::{
            agreement::{AgreementSummary, OpenItem},
            beginning::PatientGroup,
            booking::AppointmentType,
            people::PatientSummary,
        },
    },
    session::Session,
};

/// Where a page goes on: the sort key of its last row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPlace {
    at: DateTime<Utc>,
    name: String,
    id: Uuid,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Latest change first.
    #[default]
    UpdatedDesc,
    /// By the patient's family name, then given name.
    PatientName,
}

/// Which agreements.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<agreement::Status>,
    /// The beginning of the patient's family name.
    pub family_name: Option<String>,
    /// The code of a patient group.
    pub patient_group: Option<String>,
}

/// The statements of [`agreements`], by order, by whether a name is looked for, a page goes on, and a group is. What is
/// not asked for is not in the text: then the index on the unit's agreements gives the page in its order.
static LIST: LazyLock<[[String; 8]; 2]> = LazyLock::new(|| {
    [Sort::UpdatedDesc, Sort::PatientName]
        .map(|sort| std::array::from_fn(|place| list(sort, Asked::at(place))))
});

/// What a list is asked for beside its status.
#[derive(Clone, Copy)]
struct Asked {
    named: bool,
    further: bool,
    grouped: bool,
}

impl Asked {
    fn place(self) -> usize {
        usize::from(self.named) + 2 * usize::from(self.further) + 4 * usize::from(self.grouped)
    }

    fn at(place: usize) -> Self {
        Self { named: place & 1 != 0, further: place & 2 != 0, grouped: place & 4 != 0 }
    }
}

fn list(sort: Sort, Asked { named, further, grouped }: Asked) -> String {
    let reach = reach_sql(
        Who::Staff(entity::assignment::Role::Care),
        Noun::Agreement,
        "a.patient_id",
        Some("a.care_provider_id"),
    );
    let (order, after) = match sort {
        Sort::UpdatedDesc => {
            ("a.updated_at DESC, a.id", "(a.updated_at < $9 OR (a.updated_at = $9 AND a.id > $11))")
        }
        Sort::PatientName => {
            ("p.name_search, a.id", "(p.name_search > $10 OR (p.name_search = $10 AND a.id > $11))")
        }
    };
    let named = if named { "AND p.name_search LIKE $8 ESCAPE '!'" } else { "" };
    let after = if further { format!("AND {after}") } else { String::new() };
    let grouped = if grouped { "AND a.patient_group = $12" } else { "" };
    // The page is cut first: what is read about each of its rows is not read about the others. Their open items, and
    // only those, are numbered and counted in one pass, in a chain of joins without a way back: a planner that does not
    // know how long the page is cannot choose badly.
    format!(
        "SELECT a.id, a.status, a.updated_at, a.patient_group, v.id, v.content, a.patient_id, a.given_name, \
         a.family_name, a.name_search, a.protected_identity, a.revision_id, a.plan_item_id, a.title, a.owner, a.due_on, \
         a.open FROM (SELECT a.*, r.id AS revision_id, r.plan_item_id, r.title, r.owner, r.due_on, \
             COUNT(i.id) OVER (PARTITION BY a.id) AS open, ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY \
               CASE WHEN i.id IS NULL THEN 2 WHEN r.due_on IS NULL THEN 1 ELSE 0 END, r.due_on, i.id) AS nr \
           FROM (SELECT a.id, a.status, a.updated_at, a.patient_group, a.current_version_id, a.patient_id, p.given_name, \
               p.family_name, p.name_search, p.protected_identity FROM agreement a JOIN patient p ON p.id = a.patient_id \
               WHERE a.care_unit_id = $5 AND a.status = $6 AND {reach} {named} {after} {grouped} \
               ORDER BY {order} LIMIT $7) a \
           LEFT JOIN (plan_item i JOIN version_item m ON m.plan_item_id = i.id \
             JOIN plan_item_revision r ON r.id = m.plan_item_revision_id) ON i.agreement_id = a.id \
             AND i.status IN ('ACCEPTED', 'IN_PROGRESS') AND m.version_id = a.current_version_id) a \
         JOIN agreement_version v ON v.id = a.current_version_id WHERE a.nr = 1 ORDER BY {}",
        order.replace("p.name_search", "a.name_search")
    )
}

/// A page of the agreements of the unit that staff act under.
pub async fn agreements(
    session: &Session,
    unit: &Granted<StaffActor>,
    filter: &Filter,
    sort: Sort,
    request: &PageRequest<ListPlace>,
) -> Result<Page<AgreementSummary>, Fault> {
    let mut values = reach_values(&session.actor, session.now());
    let status = filter.status.unwrap_or(agreement::Status::Active);
    let limit = i64::try_from(request.first + 1).unwrap_or(i64::MAX);
    values.extend([Value::from(unit.care_unit.0), status.as_str().into(), limit.into()]);
    let asked = Asked {
        named: filter.family_name.is_some(),
        further: request.after.is_some(),
        grouped: filter.patient_group.is_some(),
    };
    if asked.named || asked.further || asked.grouped {
        values.push(pattern(filter.family_name.as_deref()).into());
    }
    if asked.further || asked.grouped {
        let start = ListPlace { at: DateTime::<Utc>::UNIX_EPOCH, name: String::new(), id: Uuid::nil() };
        let after = request.after.as_ref().unwrap_or(&start);
        values.extend([Value::from(after.at), after.name.clone().into(), after.id.into()]);
    }
    if asked.grouped {
        values.push(group(filter));
    }
    let sql = &LIST[usize::from(sort == Sort::PatientName)][asked.place()];
    let rows = rows::run(session, sql, values).await?;
    let rows: Vec<Row> =
        rows.iter().map(|row| read(session, &mut Cols::new(row))).collect::<Result<_, _>>()?;
    for row in rows.iter().take(request.first) {
        session.trail.read(PatientId(row.summary.patient.id.id));
    }
    Ok(Page::of_rows(rows, request, |row| row.place.clone()).map(|row| row.summary))
}

/// The active agreements of the unit, counted under the same rules.
pub async fn count(session: &Session, unit: &Granted<StaffActor>, filter: &Filter) -> Result<i32, Fault> {
    static COUNT: LazyLock<String> = LazyLock::new(|| {
        let reach = reach_sql(
            Who::Staff(entity::assignment::Role::Care),
            Noun::Agreement,
            "a.patient_id",
            Some("a.care_provider_id"),
        );
        format!(
            "SELECT count(*) FROM agreement a JOIN patient p ON p.id = a.patient_id \
             WHERE a.care_unit_id = $5 AND a.status = $6 AND {reach} AND p.name_search LIKE $7 ESCAPE '!' \
             AND ($8 = '' OR a.patient_group = $8)"
        )
    });
    let mut values = reach_values(&session.actor, session.now());
    let status = filter.status.unwrap_or(agreement::Status::Active);
    values.extend([
        Value::from(unit.care_unit.0),
        status.as_str().into(),
        pattern(filter.family_name.as_deref()).into(),
        group(filter),
    ]);
    session
        .core
        .db
        .read(async |db| -> Result<i32, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), COUNT.as_str(), values);
            let row =
                db.query_one_raw(statement).await?.ok_or_else(|| Fault::internal("a count without a row"))?;
            Ok(i32::try_from(Cols::new(&row).take::<i64>()?).unwrap_or(i32::MAX))
        })
        .await
}

/// The code of the group, or nothing for every group.
fn group(filter: &Filter) -> Value {
    filter.patient_group.clone().unwrap_or_default().into()
}

/// A LIKE pattern for the beginning of the search column, with `!` as escape.
pub(super) fn pattern(family_name: Option<&str>) -> String {
    let name = family_name.unwrap_or_default().to_lowercase();
    format!("{}%", name.replace('!', "!!").replace('%', "!%").replace('_', "!_"))
}

struct Row {
    summary: AgreementSummary,
    place: ListPlace,
}

fn read(session: &Session, cols: &mut Cols<'_>) -> Result<Row, Fault> {
    let keys = &session.core.keys;
    let id: Uuid = cols.take()?;
    let status: agreement::Status = cols.text_enum()?;
    let updated_at: DateTime<Utc> = cols.take()?;
    let patient_group: Option<String> = cols.opt()?;
    let version: Uuid = cols.take()?;
    let content = version_content(session, version, &Sealed(cols.take()?))?;
    let patient = cols.take::<Uuid>()?;
    let (given_name, family_name) = (cols.take()?, cols.take()?);
    let name: String = cols.take()?;
    let protected_identity: patient::ProtectedIdentity = cols.text_enum()?;
    let next_step = match cols.opt::<Uuid>()? {
        None => {
            cols.skip(4);
            None
        }
        Some(revision) => {
            let item: Uuid = cols.take()?;
            let title = keys.open(Place::new("plan_item_revision.title", revision), &Sealed(cols.take()?))?;
            let owner: plan_item_revision::Owner = cols.text_enum()?;
            Some(OpenItem {
                id: GlobalId::new(NodeKind::PlanItem, item),
                title,
                owner: owner.into(),
                due_on: cols.opt()?.map(Date),
            })
        }
    };
    let open_item_count = i32::try_from(cols.take::<i64>()?).unwrap_or(i32::MAX);
    let summary = AgreementSummary {
        id: GlobalId::new(NodeKind::Agreement, id),
        title: content.title,
        status: status.into(),
        patient: PatientSummary {
            id: GlobalId::new(NodeKind::Patient, patient),
            given_name,
            family_name,
            protected_identity: protected_identity.into(),
        },
        patient_group: patient_group.map(|code| PatientGroup::of(session, code)),
        next_step,
        open_item_count,
        updated_at,
    };
    Ok(Row { summary, place: ListPlace { at: updated_at, name, id } })
}

/// The kinds of appointment a unit offers to the caller.
pub async fn appointment_types(session: &Session, unit: CareUnitId) -> Result<Vec<AppointmentType>, Fault> {
    let mut values = vec![unit.0.into()];
    let open = if session.actor.staff().is_some() {
        "t.retired_at IS NULL".to_owned()
    } else {
        values.extend(super::node::open_values(session));
        self_booking_sql("t", "$2", "$3")
    };
    let sql = format!(
        "SELECT {} FROM appointment_type t WHERE t.care_unit_id = $1 AND {open} ORDER BY t.name, t.id LIMIT 100",
        appointment::type_columns("t")
    );
    session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            let rows = db.query_all_raw(statement).await?;
            rows.iter().map(|row| appointment::appointment_type(&mut Cols::new(row))).collect()
        })
        .await
}

/// The facts of a unit that anyone signed in may see.
pub async fn facts(session: &Session, id: CareUnitId) -> Result<Option<entity::care_unit::Model>, Fault> {
    use sea_orm::EntityTrait;
    session
        .core
        .db
        .read(async |db| -> Result<_, Fault> { Ok(entity::care_unit::Entity::find_by_id(id).one(db).await?) })
        .await
}
