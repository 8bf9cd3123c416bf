//! The answer to one question of a battery.

use sea_orm::entity::prelude::*;

use crate::{BatteryAnswerId, BatteryAnswerSetId, CareProviderId, CareUnitId, PatientId, Sealed};

text_enum! {
    /// What was chosen, where there is a choice.
    Choice {
        /// Yes (ja).
        Yes = "YES",
        /// Partly (delvis).
        Partly = "PARTLY",
        /// No (nej).
        No = "NO",
    }
}

/// One answer: a choice, perhaps with a comment, or a text. Never altered.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "battery_answer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BatteryAnswerId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub answer_set_id: BatteryAnswerSetId,
    /// The question's name within its battery; each is answered once in a set.
    pub question: String,
    pub choice: Option<Choice>,
    pub text: Option<Sealed>,
    pub comment: Option<Sealed>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
