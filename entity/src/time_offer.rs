//! Offers of freed times (återbudstider) to those who wait for one.

use sea_orm::entity::prelude::*;

use crate::{
    CareProviderId, CareUnitId, PatientId, SlotId, TimeOfferId, TimeWishId, access_event::ActorKind,
};

text_enum! {
    /// What became of the offer.
    Status {
        /// Waits for an answer; the seat is kept for the patient.
        Open = "OPEN",
        /// Accepted: the time is booked.
        Accepted = "ACCEPTED",
        /// Declined (nej tack).
        Declined = "DECLINED",
        /// Nobody answered in time (obesvarad).
        Unanswered = "UNANSWERED",
        /// Taken back: the time or the wish is no more.
        Withdrawn = "WITHDRAWN",
    }
}

/// One offer. The database lets a seat and a wish have one OPEN at most, and offers a slot to a wish once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "time_offer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TimeOfferId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub wish_id: TimeWishId,
    pub slot_id: SlotId,
    /// The seat that is kept meanwhile.
    pub seat_no: i32,
    pub status: Status,
    pub offered_at: DateTimeUtc,
    pub answer_by: DateTimeUtc,
    pub answered_at: Option<DateTimeUtc>,
    pub answered_by_kind: Option<ActorKind>,
    pub answered_by_id: Option<Uuid>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
