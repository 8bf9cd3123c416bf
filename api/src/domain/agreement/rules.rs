//! The life of an agreement, as pure rules: who may assent to what, and what is missing before it can be proposed.

use chrono::NaiveDate;
use entity::{
    AgreementVersionId, PlanItemId, agreement,
    agreement_version::{Party, Status},
    plan_item_revision::Timing,
};

use super::canonical::ItemWording;
use crate::error::{Problem, ProblemCode};

/// How many goals a version holds at most.
pub const MAX_GOALS: usize = 50;
/// How many plan items a version holds at most.
pub const MAX_ITEMS: usize = 300;
/// How many proposals on the version in force wait for an answer at most.
pub const MAX_PROPOSALS: u64 = 20;

/// What decides whether a version can be assented to.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub agreement: agreement::Status,
    /// The version in force now.
    pub in_force: Option<AgreementVersionId>,
    pub status: Status,
    /// What the version changes.
    pub base: Option<AgreementVersionId>,
    pub digest: Option<&'a [u8]>,
    pub patient_assented: bool,
    pub care_assented: bool,
}

/// What an assent brings about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assented {
    /// The other side's assent is still missing.
    Waits,
    /// Both sides have assented: the version comes into force.
    Activates,
}

/// Whether `side` can assent to `digest` now. None as digest: to what the version holds.
pub fn assent(facts: &Facts<'_>, side: Party, digest: Option<&[u8]>) -> Result<Assented, Problem> {
    not_ended(facts.agreement)?;
    if facts.status == Status::Draft {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Planen är ett utkast. Den måste föreslås innan någon kan godkänna den.",
            "The plan is a draft. It has to be proposed before anyone can assent to it.",
        ));
    }
    if digest.is_some() && digest != facts.digest {
        return Err(Problem::new(
            ProblemCode::Conflict,
            "Det du läste är inte det som står i planen nu. Läs planen igen innan du godkänner den.",
            "What you read is not what the plan says now. Read the plan again before you assent to it.",
        )
        .at("digest"));
    }
    if facts.status == Status::Withdrawn {
        return Err(base_moved());
    }
    let (own, other) = match side {
        Party::Patient => (facts.patient_assented, facts.care_assented),
        Party::Care => (facts.care_assented, facts.patient_assented),
    };
    if own {
        return Err(already(side, other));
    }
    if facts.status != Status::Proposed {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Den här versionen av planen väntar inte på något svar.",
            "This version of the plan does not wait for an answer.",
        ));
    }
    if facts.base != facts.in_force {
        return Err(base_moved());
    }
    Ok(if other { Assented::Activates } else { Assented::Waits })
}

/// The proposal changes what is no longer in force.
pub fn base_moved() -> Problem {
    Problem::new(
        ProblemCode::BaseMoved,
        "Planen har ändrats sedan förslaget skrevs. Läs planen som den är nu och lämna ett nytt förslag.",
        "The plan has changed since this was proposed. Read the plan as it is now and propose again.",
    )
}

/// Refuses one more proposal when as many wait for an answer as can be kept in view.
pub fn few_proposals(open: u64) -> Result<(), Problem> {
    if open < MAX_PROPOSALS {
        return Ok(());
    }
    Err(Problem::new(
        ProblemCode::Conflict,
        format!("{MAX_PROPOSALS} förslag väntar redan på svar. Svara på dem innan du lämnar ett nytt."),
        format!(
            "{MAX_PROPOSALS} proposals already wait for an answer. Have them answered before you add another."
        ),
    ))
}

fn already(side: Party, other: bool) -> Problem {
    let (sv, en) = match (side, other) {
        (_, true) => ("Båda har redan godkänt det här.", "Both sides have already assented to this."),
        (Party::Patient, false) => (
            "Du har redan godkänt det här. Nu väntar det på svar från vården.",
            "You have already assented to this. It waits for an answer from care.",
        ),
        (Party::Care, false) => (
            "Vården har redan godkänt det här. Nu väntar det på svar från patienten.",
            "Care has already assented to this. It waits for an answer from the patient.",
        ),
    };
    Problem::new(ProblemCode::WrongState, sv, en)
}

/// An ended agreement takes no more changes.
pub fn not_ended(status: agreement::Status) -> Result<(), Problem> {
    if status == agreement::Status::Ended {
        return Err(Problem::new(
            ProblemCode::Conflict,
            "Patientkontraktet är avslutat och kan inte ändras.",
            "The agreement has ended and cannot be changed.",
        ));
    }
    Ok(())
}

/// Where a new goal or item goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addition {
    /// Into the draft.
    ToDraft,
    /// Into a proposed successor of the version in force.
    AsProposal,
}

/// Where an addition goes, as the agreement stands.
pub fn addition(status: agreement::Status) -> Result<Addition, Problem> {
    match status {
        agreement::Status::Draft => Ok(Addition::ToDraft),
        agreement::Status::Active => Ok(Addition::AsProposal),
        agreement::Status::Proposed => Err(Problem::new(
            ProblemCode::WrongState,
            "Planen väntar på svar. Den kan ändras när båda har godkänt den.",
            "The plan waits for an answer. It can be changed when both sides have assented to it.",
        )),
        agreement::Status::Ended => not_ended(status).map(|()| Addition::ToDraft),
    }
}

/// Something that must be there before a version can be proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// A version without a heading.
    Title,
    /// An item without any time.
    Time(PlanItemId),
    /// A period without its first or last day.
    Period(PlanItemId),
    /// A recurrence without its rule.
    Recurrence(PlanItemId),
    /// A trigger without its text.
    Trigger(PlanItemId),
    /// A trigger without a latest follow-up date.
    LatestFollowUp(PlanItemId),
    /// Nobody to turn to.
    Contact,
}

/// Everything that is missing, not only the first thing. Whether there is someone to turn to is the caller's to
/// find out: an active contact, or a responsible unit with a phone.
pub fn gaps(title: &str, items: &[ItemWording], someone_to_turn_to: bool) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if title.trim().is_empty() {
        gaps.push(Gap::Title);
    }
    gaps.extend(items.iter().flat_map(item_gaps));
    if !someone_to_turn_to {
        gaps.push(Gap::Contact);
    }
    gaps
}

fn item_gaps(item: &ItemWording) -> Vec<Gap> {
    let missing = |date: Option<NaiveDate>| date.is_none();
    let blank = |text: &Option<String>| text.as_deref().is_none_or(|t| t.trim().is_empty());
    let mut gaps = Vec::new();
    match item.timing {
        Timing::Date if missing(item.due_on) => gaps.push(Gap::Time(item.id)),
        Timing::Period if missing(item.due_on) || missing(item.starts_on) => gaps.push(Gap::Period(item.id)),
        Timing::Recurrence if blank(&item.recurrence) || missing(item.starts_on) => {
            gaps.push(Gap::Recurrence(item.id));
        }
        Timing::Trigger => {
            if blank(&item.trigger) {
                gaps.push(Gap::Trigger(item.id));
            }
            if missing(item.due_on) {
                gaps.push(Gap::LatestFollowUp(item.id));
            }
        }
        Timing::Date | Timing::Period | Timing::Recurrence => {}
    }
    gaps
}

impl Gap {
    /// The gap as a refusal. The field of an item's gap is `planItems.<id>.<part>`.
    pub fn problem(self) -> Problem {
        let (field, sv, en) = match self {
            Self::Title => ("title".to_owned(), "Planen saknar rubrik.", "The plan has no heading."),
            Self::Time(item) => (
                of(item, "timing"),
                "En insats saknar tid: ange datum, period, återkommande tid, eller vad den väntar på.",
                "A plan item has no time: give a date, a period, a recurrence, or what it waits for.",
            ),
            Self::Period(item) => (
                of(item, "timing.period"),
                "En insats med period saknar första eller sista dag.",
                "A plan item within a period has no first or no last day.",
            ),
            Self::Recurrence(item) => (
                of(item, "timing.recurrence"),
                "En återkommande insats saknar regel eller första dag.",
                "A recurring plan item has no rule or no first day.",
            ),
            Self::Trigger(item) => (
                of(item, "timing.trigger.text"),
                "En insats säger inte vad den väntar på.",
                "A plan item does not say what it waits for.",
            ),
            Self::LatestFollowUp(item) => (
                of(item, "timing.trigger.latestFollowUpOn"),
                "En insats som väntar på något saknar senaste dag för uppföljning.",
                "A plan item that waits for something has no latest follow-up date.",
            ),
            Self::Contact => (
                "contacts".to_owned(),
                "Det saknas någon att vända sig till: utse en kontakt, eller ange en ansvarig mottagning med telefon.",
                "There is nobody to turn to: appoint a contact, or name a responsible unit with a phone number.",
            ),
        };
        Problem::new(ProblemCode::Incomplete, sv, en).at(&field)
    }
}

fn of(item: PlanItemId, part: &str) -> String {
    format!("planItems.{}.{part}", item.0)
}

/// Refuses with the complete list of gaps, if there are any.
pub fn complete(gaps: &[Gap]) -> Result<(), Vec<Problem>> {
    if gaps.is_empty() { Ok(()) } else { Err(gaps.iter().map(|gap| gap.problem()).collect()) }
}

/// Refuses what would not fit.
pub fn fits(goals: usize, items: usize) -> Result<(), Problem> {
    if goals > MAX_GOALS {
        return Err(Problem::new(
            ProblemCode::Conflict,
            format!("Planen har redan {MAX_GOALS} mål, som är det högsta antalet."),
            format!("The plan has {MAX_GOALS} goals already, which is the highest number."),
        ));
    }
    if items > MAX_ITEMS {
        return Err(Problem::new(
            ProblemCode::Conflict,
            format!("Planen har redan {MAX_ITEMS} insatser, som är det högsta antalet."),
            format!("The plan has {MAX_ITEMS} items already, which is the highest number."),
        ));
    }
    Ok(())
}
