//! The change history: every change of patient data is attributable — who, when, from what to what.
//!
//! Entries are written in the transaction of the change and are never altered.

use entity::{
    AgreementId, CareProviderId, CareUnitId, ChangeEntryId, PatientId, agreement, care_contact, change_entry,
};
use sea_orm::ActiveValue::Set;
use serde_json::Value;
use uuid::Uuid;

use super::act::by;
use crate::{
    crypto::Place,
    db::{Tx, insert_all},
    error::Fault,
    session::Session,
};

/// Whose record an entry belongs to, and who answers for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub patient: PatientId,
    pub care_unit: CareUnitId,
    pub care_provider: CareProviderId,
    pub agreement: Option<AgreementId>,
}

impl From<&agreement::Model> for Owner {
    fn from(row: &agreement::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: Some(row.id),
        }
    }
}

impl From<&care_contact::Model> for Owner {
    fn from(row: &care_contact::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: None,
        }
    }
}

/// One change of one thing.
#[derive(Clone, Debug)]
pub struct Change {
    /// The noun: `agreement`, `goal`, `plan_item`, `care_contact` …
    pub kind: &'static str,
    pub subject: Uuid,
    /// The fields that changed, as they were; none when the thing is new.
    pub before: Option<Value>,
    /// The same fields, as they became.
    pub after: Option<Value>,
}

/// Writes what `action` (the mutation's name) changed.
pub async fn record(
    tx: &Tx,
    session: &Session,
    owner: Owner,
    action: &'static str,
    changes: impl IntoIterator<Item = Change>,
) -> Result<(), Fault> {
    let changes = changes.into_iter().map(|change| (owner, change)).collect();
    record_each(tx, session, action, changes).await
}

/// Writes what `action` changed in several records.
pub async fn record_each(
    tx: &Tx,
    session: &Session,
    action: &'static str,
    changes: Vec<(Owner, Change)>,
) -> Result<(), Fault> {
    let keys = &session.core.keys;
    let (by_kind, by_id) = by(session);
    let mut rows = Vec::new();
    for (owner, change) in changes {
        let id = ChangeEntryId(session.core.clock.uuid());
        let seal = |column, value: Option<Value>| {
            keys.seal_opt(Place::new(column, id.0), value.map(|v| v.to_string()).as_deref())
        };
        rows.push(change_entry::ActiveModel {
            id: Set(id),
            patient_id: Set(owner.patient),
            care_unit_id: Set(owner.care_unit),
            care_provider_id: Set(owner.care_provider),
            agreement_id: Set(owner.agreement),
            subject_kind: Set(change.kind.to_owned()),
            subject_id: Set(change.subject),
            action: Set(action.to_owned()),
            by_kind: Set(by_kind),
            by_id: Set(by_id),
            acting_for: Set(session.actor.acting_for()),
            before: Set(seal("change_entry.before", change.before)?),
            after: Set(seal("change_entry.after", change.after)?),
            at: Set(session.now()),
        });
    }
    insert_all::<change_entry::Entity>(tx, rows, None).await?;
    Ok(())
}
