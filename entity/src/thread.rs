//! Message threads (meddelandetrådar).

use sea_orm::entity::prelude::*;

use crate::{
    CareProviderId, CareUnitId, PatientId, Sealed, ThreadId, ThreadMessageId,
    access_event::ActorKind,
    care_contact::{Role, TreatingKind},
};

text_enum! {
    /// Who talk.
    Kind {
        /// Patient and care.
        PatientCare = "PATIENT_CARE",
        /// Providers of care about a patient.
        CareCare = "CARE_CARE",
    }
}

text_enum! {
    /// Whether it goes on.
    Status {
        /// Open.
        Open = "OPEN",
        /// Closed.
        Closed = "CLOSED",
    }
}

/// One conversation about one patient, with a unit, not only with a person.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "thread")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ThreadId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub kind: Kind,
    pub subject: Sealed,
    pub status: Status,
    pub last_message_at: DateTimeUtc,
    /// Ids of the messages rise in the order in which they come, whoever's clock made them: pages and read marks go by
    /// them.
    pub last_message_id: ThreadMessageId,
    pub last_author: ActorKind,
    /// When care has promised an answer.
    pub answer_by: Option<DateTimeUtc>,
    /// The role that was written to, whoever holds it at the time; none when that was the whole unit.
    pub to_role: Option<Role>,
    /// Of a treating role.
    pub to_treating_kind: Option<TreatingKind>,
    /// The unit where it goes to that role; with another one it goes to the whole unit.
    pub role_unit_id: Option<CareUnitId>,
    /// The unit that wrote first, where units talk.
    pub from_unit_id: Option<CareUnitId>,
    /// The patient began it with a link in a reminder, without being in the service: nobody knows that they look there
    /// for the answer.
    pub begun_by_link: bool,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
