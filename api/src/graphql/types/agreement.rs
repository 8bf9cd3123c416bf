//! The agreement, its versions, goals and items.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    assent::{PatientUndecided, VersionAssent},
    beginning::PatientGroup,
    booking::Appointment,
    content::{AsNeededMedicine, OwnMeasurement, WarningSign},
    enums::{
        ActorKind, AgreementEndReason, AgreementStatus, GoalAchievement, GoalStatus, Party, PlanItemCategory,
        PlanItemOwner, PlanItemStatus, PlanItemTiming, VersionStatus, VersionWithdrawal,
    },
    life::{
        CareGuarantee, PlanItemConcern, PlanItemOccurrence, ProgressNote, Referral, RelativeConsent,
        ResultTold,
    },
    objection::VersionObjection,
    overlay::SafetyPoint,
    people::{CareUnitSummary, PatientSummary, StaffSummary},
    versions::{AgreementChange, VersionGoal, VersionPlanItem},
};
use crate::graphql::{
    plain::{Plain, Restricted, plain_object},
    scalars::{Date, GlobalId, PhoneNumber},
};

plain_object! {
    /// The agreement between a patient and care (patientkontrakt).
    Agreement implements Node + complex {
        /// Global id.
        id: GlobalId,
        /// Where it stands.
        status: AgreementStatus,
        /// The unit that drew it up.
        care_unit: CareUnitSummary,
        /// What is in force; before that, what is being drawn up.
        current_version: AgreementVersion,
        /// What is being written now, by both sides (utkast): the first version, the next one, or a counter-proposal.
        draft: Option<AgreementVersion>,
        /// Versions that wait for assent from the other side.
        proposals: Vec<AgreementVersion>,
        /// The goals (mål), by priority. At most 50.
        goals: Vec<Arc<Goal>>,
        /// The plan items (insatser), by date; those only proposed among them. At most 300.
        plan_items: Vec<Arc<PlanItem>>,
        /// When it was begun.
        created_at: DateTime<Utc>,
        /// When anything in it last changed.
        updated_at: DateTime<Utc>,
        /// The group that it is counted under (patientgrupp).
        patient_group: Option<PatientGroup>,
        /// When it ended, if it has.
        ended_at: Option<DateTime<Utc>>,
        /// Why it ended.
        end_reason: Option<AgreementEndReason>,
        /// Who ended it.
        ended_by: Option<ActorKind>,
        /// Why it ended, in words.
        end_words: Option<String>,
        /// Whether a linked existing plan is the agreement itself (`fulfilledBy`): then only what it lacks is asked for.
        is_fulfilled: bool,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// One version of an agreement. It comes into force when patient and care have assented to exactly this one.
    AgreementVersion implements Node {
        /// Global id.
        id: GlobalId,
        /// 1, 2, 3 …
        number: i32,
        /// Where it stands.
        status: VersionStatus,
        /// A heading in plain words.
        title: String,
        /// The patient's own story (patientberättelse).
        story: Option<String>,
        /// What matters to the patient (vad är viktigt för mig).
        what_matters: Option<String>,
        /// The shared goal (gemensamt mål).
        shared_goal: Option<String>,
        /// The level of ambition (ambitionsnivå): how much care, and how little.
        ambition: Option<String>,
        /// What the patient can take on (vad jag själv kan ansvara för).
        own_responsibility: Option<String>,
        /// What and whom the patient can build on (resurser).
        resources: Option<String>,
        /// The patient's wishes (önskemål).
        wishes: Option<String>,
        /// Self-care (egenvård).
        self_care: Option<String>,
        /// When and where to seek help (när och var jag söker hjälp).
        when_to_seek_help: Option<String>,
        /// How and when results reach the patient (hur provsvar når mig).
        how_results_come: Option<String>,
        /// Warning signs (varningstecken) across all conditions, red first. At most 30.
        warning_signs: Vec<WarningSign>,
        /// As-needed medication (läkemedel vid behov). At most 30.
        as_needed_medication: Vec<AsNeededMedicine>,
        /// Own measurements (egna mätningar) with agreed limits. At most 20.
        own_measurements: Vec<OwnMeasurement>,
        /// What care has laid over the agreement before and this version says too (säkerhetsanvisningar). What care has
        /// taken back is left out, unless the version itself holds no longer.
        safety: Vec<SafetyPoint>,
        /// The number of the version that this one changes; none for a first version.
        base_number: Option<i32>,
        /// The number of the proposal that this one answers (motförslag), if it answers one.
        answers_number: Option<i32>,
        /// Why it was withdrawn, if it was.
        withdrawal: Option<VersionWithdrawal>,
        /// The goals (mål) as this version words them, by priority. At most 50.
        goals: Vec<Arc<VersionGoal>>,
        /// The plan items (insatser) as this version words them, by date. At most 300.
        plan_items: Vec<VersionPlanItem>,
        /// What differs from the version that it changes (`baseNumber`), in words. Empty for a first version.
        changes: Vec<AgreementChange>,
        /// Fingerprint of the content: `assent` is given to exactly this text. None while it is a draft.
        digest: Option<String>,
        /// Who proposed it.
        proposed_by: Option<Party>,
        /// When it was proposed.
        proposed_at: Option<DateTime<Utc>>,
        /// The patient's assent (patientens godkännande av överenskommelsen).
        patient_assent: Option<Assent>,
        /// Care's assent.
        care_assent: Option<Assent>,
        /// Whether both sides have assented and it waits for the patient alone, who has another agreement in force
        /// (patientens val): `agreementChoose`. When nothing else is in force any more it comes into force by itself.
        awaits_choice: bool,
        /// Every yes to this version (godkännanden), with how it was given. Of joint guardians (vårdnadshavare) each has
        /// one.
        assents: Vec<VersionAssent>,
        /// The objections (invändningar) to what others said or wrote down as the patient's side's yes, those that stand
        /// no longer too, the latest first. At most 20.
        objections: Vec<VersionObjection>,
        /// When the patient's side objected (invändning) to what others said or wrote down as its yes, as long as it
        /// stands. The version stays in force until care and patient act.
        objected_at: Option<DateTime<Utc>>,
        /// The global id of the representative (ombud) whose objection it is: one of two guardians, for example. Theirs
        /// to drop, with `agreementAssent`. Null when the patient objected.
        objected_by_representative_id: Option<GlobalId>,
        /// Why it holds without the patient's decision (utan patientens ställningstagande), when it does.
        undecided: Option<PatientUndecided>,
    }
}

plain_object! {
    /// One side's yes to a version.
    Assent {
        /// When it was given.
        at: DateTime<Utc>,
        /// Who gave it: a representative (ombud) is always shown as such.
        by: ActorKind,
        /// Whether it was given by word of mouth (muntligt) and written down by care.
        is_oral: bool,
    }
}

plain_object! {
    /// A goal (mål), in the patient's words.
    Goal implements Node {
        /// Global id.
        id: GlobalId,
        /// The goal, as the patient puts it.
        text: String,
        /// 1 first.
        priority: i32,
        /// FHIR goal status.
        status: GoalStatus,
        /// FHIR achievement status.
        achievement: GoalAchievement,
        /// Which side set it.
        set_by: Party,
        /// Who put it in the words it has: a representative (ombud) is always shown as such.
        worded_by: ActorKind,
        /// By when.
        target_on: Option<Date>,
        /// Why it was paused or given up, where somebody has said.
        status_reason: Option<String>,
        /// Who last said where it stands; none while the assents alone have.
        status_by: Option<ActorKind>,
        /// When they said so.
        status_at: Option<DateTime<Utc>>,
        /// Who last said how near it is.
        achievement_by: Option<ActorKind>,
        /// When they said so.
        achievement_at: Option<DateTime<Utc>>,
        /// The newest progress notes, the latest first; at most 5. All of them: `Patient.progressNotes`.
        latest_notes: Vec<ProgressNote>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// A plan item (insats, aktivitet): what will happen, when, and who does it.
    PlanItem implements Node {
        /// Global id.
        id: GlobalId,
        /// What, in plain words.
        title: String,
        /// More about it.
        description: Option<String>,
        /// What kind of item.
        category: PlanItemCategory,
        /// Where it stands.
        status: PlanItemStatus,
        /// Why it did not happen or was called off.
        status_reason: Option<String>,
        /// How it stands against its date (avstämning). What care has done is `LATE` while a result is owed that was
        /// promised for a day that has passed (`resultIsOverdue`). A recurring item stands as its marks say: `LATE` while a day that
        /// has passed is unmarked, of the last 30 as long as it goes on and of all when it is over; when it is over and
        /// all are marked, `DONE`, or `NOT_DONE` where it never happened.
        follow_through: FollowThrough,
        /// Who does it.
        owner: PlanItemOwner,
        /// The relative who does it, when one does.
        relative_name: Option<String>,
        /// The unit that answers for it, when care does.
        responsible_unit: Option<CareUnitSummary>,
        /// The person who answers for it, when one is named.
        responsible_staff: Option<StaffSummary>,
        /// The contact (kontakt) of the patient's who answers for it, when one does: the contact's name.
        responsible_contact_name: Option<String>,
        /// How its time is told.
        timing: PlanItemTiming,
        /// The date, the last day of the period, or the latest follow-up.
        due_on: Option<Date>,
        /// The first day of a period or recurrence.
        starts_on: Option<Date>,
        /// RFC 5545 recurrence rule.
        recurrence: Option<String>,
        /// What it waits for, such as "när provsvaret kommit".
        trigger: Option<String>,
        /// The goal it serves.
        goal: Option<Arc<Goal>>,
        /// How the result is told.
        result_how: Option<String>,
        /// By when the result is told.
        result_by: Option<Date>,
        /// Which side proposed it.
        proposed_by: Party,
        /// Who put it in the words it has: a representative (ombud) is always shown as such.
        worded_by: ActorKind,
        /// Work note (arbetsanteckning): not shown to the patient here, but part of the record.
        work_note: Restricted<String>,
        /// Who last said where it stands, after it was agreed; a representative (ombud) is always shown as such.
        status_by: Option<ActorKind>,
        /// When they said so.
        status_at: Option<DateTime<Utc>>,
        /// Of a referral (remiss): how far it has come.
        referral: Option<Referral>,
        /// That the result was told, when it was.
        result_told: Option<ResultTold>,
        /// Whether the result was promised for a day that has passed, and has not been told. Nothing is owed of what has
        /// not been agreed, did not happen or was called off.
        result_is_overdue: bool,
        /// Of a relative's item: the relative's yes on record (närståendes ja).
        relative_consent: Option<RelativeConsent>,
        /// Whether the relative who is to do it has not yet said yes: until then nobody should count on it.
        needs_relative_consent: bool,
        /// The care guarantee clock (vårdgaranti), where it runs. It ends with a version in which the item is no longer
        /// care's, or is a follow-up; an item that is called off has none.
        care_guarantee: Option<CareGuarantee>,
        /// Of a recurring item that is not closed: the next day on which it happens, today included unless it is marked.
        next_occurrence_on: Option<Date>,
        /// Of a recurring item: the occurrences of the last 30 days and how they stand, the latest first.
        occurrences: Vec<PlanItemOccurrence>,
        /// What the patient has said of it ("råden går inte ihop", "jag klarar inte detta nu"), the latest first. At
        /// most 20.
        concerns: Vec<PlanItemConcern>,
        /// The newest progress notes, the latest first; at most 5. All of them: `Patient.progressNotes`.
        latest_notes: Vec<ProgressNote>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

/// How a dated item stands (avstämning). Told to both sides; blames nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum FollowThrough {
    /// Its date is ahead, or it has none.
    Ahead,
    /// Done (gjort).
    Done,
    /// Its date, or that of the result that care promised, has passed (försenat).
    Late,
    /// It did not happen (blev inte av).
    NotDone,
}

impl Plain for FollowThrough {
    fn write(&self, _: &crate::graphql::plain::At<'_>) -> async_graphql::Value {
        let name = match self {
            Self::Ahead => "AHEAD",
            Self::Done => "DONE",
            Self::Late => "LATE",
            Self::NotDone => "NOT_DONE",
        };
        async_graphql::Value::Enum(async_graphql::Name::new(name))
    }
}

plain_object! {
    /// The next step (nästa steg): one for the patient and one for care.
    NextSteps {
        /// The patient's.
        patient: Option<NextStep>,
        /// Care's.
        care: Option<NextStep>,
    }
}

plain_object! {
    /// What happens next: what, when, where, with whom, how to prepare, and whom to call about it.
    NextStep {
        /// What, in plain words.
        title: String,
        /// The day, where there is one: the date, the last day of a period, the next day of a recurrence (when none is
        /// left, its last one as long as it is unmarked), or the latest follow-up.
        on: Option<Date>,
        /// The first day, of a period.
        from: Option<Date>,
        /// The exact time, for a booked time.
        starts_at: Option<DateTime<Utc>>,
        /// What it waits for, such as "när provsvaret kommit"; `on` is then the latest follow-up.
        waits_for: Option<String>,
        /// Whether its day has passed (försenat).
        is_late: bool,
        /// Who does it; none for a booked time.
        owner: Option<PlanItemOwner>,
        /// Where or how: an address, video, phone.
        place: Option<String>,
        /// With whom: the person, the contact (kontakt) or the unit that answers for it.
        with_whom: Option<String>,
        /// How to prepare.
        preparation: Option<String>,
        /// Whom to call about it: the contact who answers for it, the unit, or the fast vårdkontakt.
        call_name: String,
        /// The number to call about it.
        call_phone: PhoneNumber,
        /// The plan item, when it is one.
        plan_item: Option<Arc<PlanItem>>,
        /// The booked time, when it is one.
        appointment: Option<Arc<Appointment>>,
    }
}

plain_object! {
    /// An agreement as a row of a unit's list.
    AgreementSummary {
        /// The agreement's global id.
        id: GlobalId,
        /// The heading of the version in force; of the newest where none is.
        title: String,
        /// Where it stands.
        status: AgreementStatus,
        /// Whose it is.
        patient: PatientSummary,
        /// The group that it is counted under (patientgrupp).
        patient_group: Option<PatientGroup>,
        /// The earliest open item, for an overview. What the patient reads as the next step, `Patient.nextSteps`, also
        /// counts booked times, the days of what recurs, and who has still to agree.
        next_step: Option<OpenItem>,
        /// How many items are open.
        open_item_count: i32,
        /// When anything in it last changed.
        updated_at: DateTime<Utc>,
    }
}

plain_object! {
    /// An open plan item as a row of a list shows it.
    OpenItem {
        /// The plan item's global id.
        id: GlobalId,
        /// What, in plain words.
        title: String,
        /// Who does it.
        owner: PlanItemOwner,
        /// By when.
        due_on: Option<Date>,
    }
}
