//! What the population register (befolkningsregistret) is told of contacts: the outbox of the integration.

use sea_orm::entity::prelude::*;

use crate::{CareContactId, CareProviderId, CareUnitId, PatientId, RegisterEventId};

text_enum! {
    /// What happened to the role.
    Change {
        /// Somebody was appointed.
        Appointed = "APPOINTED",
        /// It ended.
        Ended = "ENDED",
    }
}

text_enum! {
    /// The codes of `kv_typ_av_fast_kontakt`, OID 1.2.752.129.5.1.69.
    Code {
        /// Fast vårdkontakt.
        FastVardkontakt = "1",
        /// Fast läkarkontakt i primärvård.
        FastLakarkontakt = "2",
        /// Fast omsorgskontakt.
        FastOmsorgskontakt = "3",
        /// Fast vårdkontakt med övergripande samordningsansvar.
        SamordnandeVardkontakt = "4",
    }
}

/// One appointment or ending, written in its transaction. Only the delivery is noted later, once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "register_event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RegisterEventId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub contact_id: CareContactId,
    pub change: Change,
    /// None for roles that the code list does not know.
    pub code: Option<Code>,
    pub valid_from: DateTimeUtc,
    /// The end, when it has come or is planned.
    pub valid_until: Option<DateTimeUtc>,
    pub at: DateTimeUtc,
    /// When the integration has said that the register has it.
    pub delivered_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
