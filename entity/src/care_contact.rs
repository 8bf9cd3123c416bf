//! Care contacts: fast vårdkontakt and the other roles.

use sea_orm::entity::prelude::*;

use crate::{AssignmentId, CareContactId, CareProviderId, CareUnitId, PatientId, Sealed};

text_enum! {
    /// The roles a contact can have.
    Role {
        /// Fast vårdkontakt: coordinates all care.
        FastVardkontakt = "FAST_VARDKONTAKT",
        /// Fast läkarkontakt in primary care.
        FastLakarkontakt = "FAST_LAKARKONTAKT",
        /// Fast omsorgskontakt in municipal home care.
        FastOmsorgskontakt = "FAST_OMSORGSKONTAKT",
        /// Behandlande roll: treating role for one condition.
        BehandlandeRoll = "BEHANDLANDE_ROLL",
        /// Digital coach, patientstödjare or peer.
        Supporter = "SUPPORTER",
    }
}

text_enum! {
    /// What a treating role treats or does.
    TreatingKind {
        /// Asthma and COPD nurse (astma- och KOL-sjuksköterska).
        AsthmaCopdNurse = "ASTHMA_COPD_NURSE",
        /// Diabetes nurse (diabetessjuksköterska).
        DiabetesNurse = "DIABETES_NURSE",
        /// Heart-failure nurse (hjärtsviktssjuksköterska).
        HeartFailureNurse = "HEART_FAILURE_NURSE",
        /// Responsible nurse (omvårdnadsansvarig sjuksköterska).
        ResponsibleNurse = "RESPONSIBLE_NURSE",
        /// Occupational therapist (arbetsterapeut).
        OccupationalTherapist = "OCCUPATIONAL_THERAPIST",
        /// Physiotherapist (fysioterapeut).
        Physiotherapist = "PHYSIOTHERAPIST",
        /// Psychologist (psykolog).
        Psychologist = "PSYCHOLOGIST",
        /// Counsellor (kurator).
        Counsellor = "COUNSELLOR",
        /// Assistant nurse (undersköterska).
        AssistantNurse = "ASSISTANT_NURSE",
    }
}

text_enum! {
    /// Whether the contact holds.
    Status {
        /// Appointed, from a moment that lies ahead (planerad).
        Planned = "PLANNED",
        /// Appointed.
        Active = "ACTIVE",
        /// Ended, with reason.
        Ended = "ENDED",
    }
}

text_enum! {
    /// How the patient took part when a role ended.
    Consultation {
        /// The patient was consulted (i samråd).
        Consulted = "CONSULTED",
        /// The patient was told: the person leaves, or the patient could not be reached.
        Told = "TOLD",
    }
}

text_enum! {
    /// Why the patient was told, and not consulted.
    ToldGround {
        /// The person leaves (medarbetaren slutar).
        StaffLeaves = "STAFF_LEAVES",
        /// The patient could not be reached (patienten gick inte att nå).
        PatientUnreachable = "PATIENT_UNREACHABLE",
    }
}

/// One person in one role for one patient. The database refuses two ACTIVE lead fasta vårdkontakter in one
/// coordinating region or two fasta läkarkontakter, and any two that would hold such a role at the same moment, now
/// or as planned. A row counts from `valid_from` to `valid_until`, whether the sweep has moved its status or not.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "care_contact")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CareContactId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// The coordinating region's code.
    pub region: String,
    pub role: Role,
    /// Of a `BEHANDLANDE_ROLL`.
    pub treating_kind: Option<TreatingKind>,
    /// Main responsible (huvudansvarig) among several fasta vårdkontakter.
    pub is_lead: bool,
    /// The person, when it is staff here.
    pub assignment_id: Option<AssignmentId>,
    /// As shown to the patient.
    pub name: String,
    /// Title or function, as shown to the patient.
    pub function: String,
    /// E.164; the unit's number where there is none.
    pub phone: Option<Sealed>,
    pub how_to_reach: Option<Sealed>,
    /// When the person takes calls, as JSON in the form of opening hours; the unit's hours where there are none.
    pub reach_hours: Option<String>,
    pub status: Status,
    pub valid_from: DateTimeUtc,
    /// A planned end.
    pub valid_until: Option<DateTimeUtc>,
    /// When the need is reconsidered.
    pub review_on: Option<Date>,
    /// The assignment that appointed.
    pub appointed_by: Uuid,
    /// Appointed because the patient asked for it.
    pub on_request: bool,
    pub ended_at: Option<DateTimeUtc>,
    pub end_reason: Option<Sealed>,
    pub consultation: Option<Consultation>,
    pub told_ground: Option<ToldGround>,
    /// The contact whose role this one took over.
    pub follows_id: Option<CareContactId>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
