//! Versions side by side: what each says, and what the people and units in it are called.

use std::collections::BTreeMap;

use entity::{AgreementVersionId, agreement_version, goal_revision, plan_item_revision};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryResult, Statement,
    sea_query::{ExprTrait, Query},
};
use uuid::Uuid;

use super::{
    canonical::Document,
    difference::Names,
    version::{content, goal_wording, item_wording},
};
use crate::{crypto::Keyring, error::Fault};

/// Versions as documents. Goals are in order of priority, items by date.
#[derive(Debug, Default)]
pub struct Loaded {
    pub documents: BTreeMap<AgreementVersionId, Document>,
    pub names: Names,
}

impl Loaded {
    /// What `version` changes, if it changes another one that is loaded too.
    pub fn base_of(&self, version: &Document) -> Option<&Document> {
        version.base.and_then(|base| self.documents.get(&base))
    }
}

const GOALS: &str = "SELECT m.version_id, r.* FROM version_goal m JOIN goal_revision r ON r.id = m.goal_revision_id \
     WHERE m.version_id IN ({}) ORDER BY r.priority, r.goal_id";

const ITEMS: &str = "SELECT m.version_id, r.*, u.name AS unit_name, s.display_name AS staff_name, c.name AS contact_name \
     FROM version_item m JOIN plan_item_revision r ON r.id = m.plan_item_revision_id \
     LEFT JOIN care_unit u ON u.id = r.responsible_unit_id \
     LEFT JOIN assignment a ON a.id = r.responsible_assignment_id \
     LEFT JOIN staff_member s ON s.id = a.staff_member_id \
     LEFT JOIN care_contact c ON c.id = r.responsible_contact_id \
     WHERE m.version_id IN ({}) \
     ORDER BY CASE WHEN r.due_on IS NULL THEN 1 ELSE 0 END, r.due_on, r.plan_item_id";

/// Reads versions that the caller has been let in to, and with `bases` what they change: three statements, however
/// many they are.
pub async fn load(
    db: &impl ConnectionTrait,
    keys: &Keyring,
    ids: &[AgreementVersionId],
    bases: bool,
) -> Result<Loaded, Fault> {
    let mut loaded = Loaded::default();
    if ids.is_empty() {
        return Ok(loaded);
    }
    let mut wanted = agreement_version::Column::Id.is_in(ids.iter().copied());
    if bases {
        let base = Query::select()
            .column(agreement_version::Column::BaseVersionId)
            .from(agreement_version::Entity)
            .and_where(agreement_version::Column::Id.is_in(ids.iter().copied()))
            .and_where(agreement_version::Column::BaseVersionId.is_not_null())
            .to_owned();
        wanted = wanted.or(agreement_version::Column::Id.in_subquery(base));
    }
    for row in agreement_version::Entity::find().filter(wanted).all(db).await? {
        let document = Document {
            format: row.hash_format,
            agreement: row.agreement_id,
            number: row.number,
            base: row.base_version_id,
            content: content(keys, &row)?,
            goals: Vec::new(),
            items: Vec::new(),
        };
        loaded.documents.insert(row.id, document);
    }
    let ids: Vec<AgreementVersionId> = loaded.documents.keys().copied().collect();
    for row in rows(db, GOALS, &ids).await? {
        let goal = goal_revision::Model::from_query_result(&row, "")?;
        if let Some(document) = loaded.documents.get_mut(&version_of(&row)?) {
            document.goals.push(goal_wording(keys, &goal)?);
        }
    }
    for row in rows(db, ITEMS, &ids).await? {
        let item = plan_item_revision::Model::from_query_result(&row, "")?;
        let name = |column: &str| row.try_get::<Option<String>>("", column);
        if let Some((id, name)) = item.responsible_unit_id.zip(name("unit_name")?) {
            loaded.names.units.insert(id, name);
        }
        if let Some((id, name)) = item.responsible_assignment_id.zip(name("staff_name")?) {
            loaded.names.people.insert(id, name);
        }
        if let Some((id, name)) = item.responsible_contact_id.zip(name("contact_name")?) {
            loaded.names.contacts.insert(id, name);
        }
        if let Some(document) = loaded.documents.get_mut(&version_of(&row)?) {
            document.items.push(item_wording(keys, &item)?);
        }
    }
    Ok(loaded)
}

fn version_of(row: &QueryResult) -> Result<AgreementVersionId, Fault> {
    Ok(AgreementVersionId(row.try_get::<Uuid>("", "version_id")?))
}

async fn rows(
    db: &impl ConnectionTrait,
    text: &str,
    ids: &[AgreementVersionId],
) -> Result<Vec<QueryResult>, Fault> {
    let places = (1..=ids.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
    let values = ids.iter().map(|id| id.0.into());
    let statement =
        Statement::from_sql_and_values(db.get_database_backend(), text.replace("{}", &places), values);
    Ok(db.query_all_raw(statement).await?)
}
