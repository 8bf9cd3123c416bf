//! The access log (åtkomstlogg): who did what, when. Append-only, refused by the database otherwise.

use sea_orm::entity::prelude::*;

use crate::{AccessEventId, CareUnitId, PatientId, Sealed};

text_enum! {
    /// What kind of party acted.
    ActorKind {
        /// Nobody signed in.
        Anonymous = "ANONYMOUS",
        /// The patient.
        Patient = "PATIENT",
        /// A representative (ombud) of the patient.
        Representative = "REPRESENTATIVE",
        /// Staff under an assignment.
        Staff = "STAFF",
        /// The service itself: sweeps and reminders.
        System = "SYSTEM",
    }
}

text_enum! {
    /// What came of it.
    Outcome {
        /// The data was given out or changed.
        Allowed = "ALLOWED",
        /// The caller reached the data, but what they wanted to do was not done: it did not fit as things stood. The
        /// answer may show how things stand.
        Refused = "REFUSED",
        /// The caller does not reach the data, or may never do this.
        Denied = "DENIED",
    }
}

/// One operation on patient data, or one refusal. Patients are in [`crate::access_event_patient`].
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccessEventId,
    /// The process that wrote the row; `seq` rises within it.
    pub writer_id: Uuid,
    pub seq: i64,
    /// SHA-256 over this row's own content.
    pub hash: Vec<u8>,
    pub actor_kind: ActorKind,
    /// Patient, representative or assignment; none for an anonymous caller.
    pub actor_id: Option<Uuid>,
    /// The principal, when a representative acted.
    pub acting_for: Option<PatientId>,
    /// The unit that staff acted under.
    pub care_unit_id: Option<CareUnitId>,
    /// The GraphQL root fields, or the job, that touched the data.
    pub action: String,
    pub outcome: Outcome,
    /// The code of a refusal.
    pub reason: Option<String>,
    /// Why staff opened the record, in their words.
    pub words: Option<Sealed>,
    pub request_id: String,
    pub at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
