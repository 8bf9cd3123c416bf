//! The history of what is seeded: the entries and events that the use cases would have left.

use chrono::{DateTime, Utc};
use entity::{AgreementId, access_event::ActorKind, change_entry, domain_event};
use serde_json::Value;
use uuid::Uuid;

use super::writer::{Whose, Writer};
use crate::error::Fault;

/// One change of one thing, as it was told when it happened.
#[derive(Clone, Debug)]
pub struct Told {
    pub agreement: AgreementId,
    pub whose: Whose,
    pub at: DateTime<Utc>,
    pub by: (ActorKind, Uuid),
    /// The mutation.
    pub action: &'static str,
    /// What kind of thing, and which one.
    pub subject: (&'static str, Uuid),
    pub before: Option<Value>,
    pub after: Option<Value>,
    /// The event that the act emitted, if one.
    pub event: Option<&'static str>,
}

impl Writer {
    /// Adds an entry to the history, where this writer tells of what it writes.
    pub fn tell(&mut self, told: Told) -> Result<(), Fault> {
        if !self.tells {
            return Ok(());
        }
        let id: Uuid = self.ids.next();
        let (before, after) = (
            self.seal_opt("change_entry.before", id, told.before.map(|v| v.to_string()).as_deref())?,
            self.seal_opt("change_entry.after", id, told.after.map(|v| v.to_string()).as_deref())?,
        );
        let Whose { patient, unit, provider } = told.whose;
        self.batch.change_entry.push(change_entry::Model {
            id: id.into(),
            patient_id: patient,
            care_unit_id: unit,
            care_provider_id: provider,
            agreement_id: Some(told.agreement),
            subject_kind: told.subject.0.to_owned(),
            subject_id: told.subject.1,
            action: told.action.to_owned(),
            by_kind: told.by.0,
            by_id: told.by.1,
            acting_for: None,
            before,
            after,
            at: told.at,
        });
        if let Some(kind) = told.event {
            let id: Uuid = self.ids.next();
            self.batch.domain_event.push(domain_event::Model {
                id: id.into(),
                kind: kind.to_owned(),
                patient_id: patient,
                care_unit_id: unit,
                care_provider_id: provider,
                subject_id: told.subject.1,
                by_kind: told.by.0,
                at: told.at,
            });
        }
        Ok(())
    }
}
