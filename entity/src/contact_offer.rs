//! Offers of a contact, and what the patient said to them.

use sea_orm::entity::prelude::*;

use crate::{
    CareProviderId, CareUnitId, ContactOfferId, PatientId, Sealed,
    access_event::ActorKind,
    agreement_offer::Way,
    care_contact::{Role, TreatingKind},
};

text_enum! {
    /// What the patient said.
    Status {
        /// Nothing yet.
        Open = "OPEN",
        /// Yes (tackade ja).
        Accepted = "ACCEPTED",
        /// No (tackade nej).
        Declined = "DECLINED",
        /// Somebody has been given the role (ersatt): it waits no longer.
        Superseded = "SUPERSEDED",
        /// The patient died (avliden): it waits no longer.
        Deceased = "DECEASED",
    }
}

/// An offer. Its answer is recorded with who, when and by which way, and stands as it was given.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_offer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ContactOfferId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub role: Role,
    /// Of a `BEHANDLANDE_ROLL`.
    pub treating_kind: Option<TreatingKind>,
    /// More about the offer, such as who it would be.
    pub words: Option<Sealed>,
    pub status: Status,
    /// The assignment that offered.
    pub offered_by: Uuid,
    pub offered_at: DateTimeUtc,
    pub answered_at: Option<DateTimeUtc>,
    /// Who answered, or recorded the answer.
    pub answered_by_kind: Option<ActorKind>,
    pub answered_by_id: Option<Uuid>,
    pub answered_how: Option<Way>,
    pub answer_words: Option<Sealed>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
