//! Plan items that came from a template, and what is looked for in them.

use sea_orm::entity::prelude::*;

use crate::{AgreementId, CareProviderId, CareUnitId, PatientId, PlanItemId, TemplateUseId};

text_enum! {
    /// What a discharge check (utskrivningskontroll) looks for before the patient goes home.
    Discharge {
        /// The plan for coping at home (hemplan).
        HomePlan = "HOME_PLAN",
        /// The next step, told on arrival.
        NextStepOnArrival = "NEXT_STEP_ON_ARRIVAL",
        /// The next step, known on discharge.
        NextStepOnDischarge = "NEXT_STEP_ON_DISCHARGE",
        /// Follow-up test or removal of stitches, booked.
        FollowUpBooked = "FOLLOW_UP_BOOKED",
        /// How and by when the answer comes.
        AnswerPromised = "ANSWER_PROMISED",
        /// What to watch for.
        WarningSigns = "WARNING_SIGNS",
        /// Whom to call on weekdays and at weekends.
        WhomToCall = "WHOM_TO_CALL",
        /// Medicine as needed.
        AsNeededMedicine = "AS_NEEDED_MEDICINE",
        /// Relatives take part, if the patient wants.
        Relatives = "RELATIVES",
    }
}

/// One item. Never altered: what was agreed of it is in its revisions.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "template_item")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub plan_item_id: PlanItemId,
    pub use_id: TemplateUseId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// The item's name within the template.
    pub item: String,
    pub discharge: Option<Discharge>,
    /// A day without the call is a missed call.
    pub daily_call: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
