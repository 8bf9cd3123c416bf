//! What lies over and under an agreement: safety instructions, and the plans it builds on.

use chrono::{DateTime, Utc};

use super::{
    enums::{ActorKind, ExistingPlanKind, SafetyInstructionKind, SafetyInstructionStatus},
    people::StaffSummary,
};
use crate::{
    domain::agreement::content::SafetyWording,
    graphql::{
        plain::plain_object,
        scalars::{Date, GlobalId, NodeKind, PhoneNumber},
    },
};

plain_object! {
    /// A safety instruction (säkerhetsanvisning) that care has laid over the agreement: it holds at once.
    SafetyInstruction implements Node {
        /// Global id.
        id: GlobalId,
        /// What it is about.
        kind: SafetyInstructionKind,
        /// The instruction.
        text: String,
        /// What to do.
        action: Option<String>,
        /// Whom to call.
        phone: Option<PhoneNumber>,
        /// Of a medicine: the medication list (läkemedelslista) that it is taken from.
        source: Option<String>,
        /// The date of that list.
        source_on: Option<Date>,
        /// Whether both sides have agreed on it.
        status: SafetyInstructionStatus,
        /// How it stands, in words for the patient, such as "ändrat av vården, ännu inte överenskommet".
        standing: String,
        /// Who added it.
        added_by: Option<StaffSummary>,
        /// The unit.
        unit_name: String,
        /// When.
        added_at: DateTime<Utc>,
        /// The number of the version by which it was agreed on.
        agreed_in_version: Option<i32>,
        /// Why it was taken back.
        withdraw_reason: Option<String>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// What a version says of one safety instruction (säkerhetsanvisning): covered by its digest.
    SafetyPoint {
        /// Global id of the `SafetyInstruction`.
        instruction_id: GlobalId,
        /// What it is about.
        kind: SafetyInstructionKind,
        /// The instruction.
        text: String,
        /// What to do.
        action: Option<String>,
        /// Whom to call.
        phone: Option<PhoneNumber>,
        /// Of a medicine: the medication list (läkemedelslista) that it is taken from.
        source: Option<String>,
        /// The date of that list.
        source_on: Option<Date>,
    }
}

impl From<SafetyWording> for SafetyPoint {
    fn from(said: SafetyWording) -> Self {
        Self {
            instruction_id: GlobalId::new(NodeKind::SafetyInstruction, said.id),
            kind: said.kind.into(),
            text: said.text,
            action: said.action,
            phone: said.phone.map(PhoneNumber),
            source: said.source,
            source_on: said.source_on.map(Date),
        }
    }
}

plain_object! {
    /// A link to an existing plan (befintlig plan). It is linked, never overwritten.
    PlanLink implements Node {
        /// Global id.
        id: GlobalId,
        /// What kind of plan.
        kind: ExistingPlanKind,
        /// What the plan is called.
        title: String,
        /// Who keeps it.
        holder: String,
        /// The system it stands in, and its reference there.
        reference: Option<String>,
        /// Where it can be read; always https.
        url: Option<String>,
        /// The plan's own date.
        dated_on: Option<Date>,
        /// Parties outside care, such as Försäkringskassan.
        parties: Vec<String>,
        /// Whether this plan is the agreement itself, and only what it lacks is added.
        fulfils: bool,
        /// Which kind of person added it.
        added_by: ActorKind,
        /// When it was added.
        added_at: DateTime<Utc>,
        /// When the link ended, if it has.
        removed_at: Option<DateTime<Utc>>,
        /// Why the link ended.
        remove_reason: Option<String>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}
