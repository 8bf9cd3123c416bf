//! What must be there before a version can be proposed. The answer is always the complete list.

use chrono::NaiveDate;
use entity::{
    PlanItemId,
    plan_item_revision::{Owner, Timing},
};

use super::{
    canonical::{Document, ItemWording},
    content::{AgreementContent, Light},
};
use crate::error::{Problem, ProblemCode};

/// Something that is missing. Entries of lists are named by position, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// A version without a heading.
    Title,
    /// Neither a goal nor an item.
    Empty,
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
    /// A relative owns it, and is not named.
    Relative(PlanItemId),
    /// A warning sign that does not say what to do.
    SignAction(usize),
    /// A yellow or red sign without a number to call.
    SignPhone(usize),
    /// A medicine that does not say which medication list it is from.
    MedicineSource(usize),
    /// A medicine that does not say from when that list is.
    MedicineSourceDate(usize),
    /// A measurement without any limit.
    MeasurementLimit(usize),
    /// A measurement that does not say who reads it.
    MeasurementReader(usize),
    /// A measurement that does not say when it is read.
    MeasurementReadWhen(usize),
    /// A measurement that does not say what to do outside the limits.
    MeasurementOutside(usize),
    /// Nobody to turn to.
    Contact,
}

/// Everything that is missing, not only the first thing. Whether there is someone to turn to is the caller's to
/// find out: an active contact, or a responsible unit with a phone.
pub fn gaps(document: &Document, someone_to_turn_to: bool) -> Vec<Gap> {
    let mut gaps = Vec::new();
    if document.content.title.trim().is_empty() {
        gaps.push(Gap::Title);
    }
    if document.goals.is_empty() && document.items.is_empty() {
        gaps.push(Gap::Empty);
    }
    gaps.extend(document.items.iter().flat_map(of_item));
    gaps.extend(of_content(&document.content));
    if !someone_to_turn_to {
        gaps.push(Gap::Contact);
    }
    gaps
}

/// What is missing where an existing plan may be the agreement (fulfilledBy): that plan has a heading and says what is to
/// happen; only what an agreement needs beside it is asked for.
pub fn beside(existing: bool, mut gaps: Vec<Gap>) -> Vec<Gap> {
    if existing {
        gaps.retain(|gap| !matches!(gap, Gap::Title | Gap::Empty));
    }
    gaps
}

/// What is missing from one item.
pub fn of_item(item: &ItemWording) -> Vec<Gap> {
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
    if item.owner == Owner::Relative && blank(&item.relative_name) {
        gaps.push(Gap::Relative(item.id));
    }
    gaps
}

fn of_content(content: &AgreementContent) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for (n, sign) in content.warning_signs.iter().enumerate() {
        if sign.action.is_none() {
            gaps.push(Gap::SignAction(n));
        }
        if sign.phone.is_none() && sign.light != Light::Green {
            gaps.push(Gap::SignPhone(n));
        }
    }
    for (n, medicine) in content.as_needed_medication.iter().enumerate() {
        if medicine.source.is_none() {
            gaps.push(Gap::MedicineSource(n));
        }
        if medicine.source_on.is_none() {
            gaps.push(Gap::MedicineSourceDate(n));
        }
    }
    for (n, measurement) in content.own_measurements.iter().enumerate() {
        if measurement.lower.is_none() && measurement.upper.is_none() {
            gaps.push(Gap::MeasurementLimit(n));
        }
        if measurement.read_by.is_none() {
            gaps.push(Gap::MeasurementReader(n));
        }
        if measurement.read_when.is_none() {
            gaps.push(Gap::MeasurementReadWhen(n));
        }
        if measurement.outside.is_none() {
            gaps.push(Gap::MeasurementOutside(n));
        }
    }
    gaps
}

impl Gap {
    /// The gap as a refusal. The field of an item's gap is `planItems.<id>.<part>`, that of a list's entry
    /// `<list>.<n>.<part>`.
    pub fn problem(self) -> Problem {
        let (sv, en) = self.text();
        Problem::new(ProblemCode::Incomplete, sv, en).at(&self.field())
    }

    /// Where it is.
    pub fn field(self) -> String {
        let item = |id: PlanItemId, part: &str| format!("planItems.{}.{part}", id.0);
        match self {
            Self::Title => "title".to_owned(),
            Self::Empty => "planItems".to_owned(),
            Self::Time(id) => item(id, "timing"),
            Self::Period(id) => item(id, "timing.period"),
            Self::Recurrence(id) => item(id, "timing.recurrence"),
            Self::Trigger(id) => item(id, "timing.trigger.text"),
            Self::LatestFollowUp(id) => item(id, "timing.trigger.latestFollowUpOn"),
            Self::Relative(id) => item(id, "relativeName"),
            Self::SignAction(n) => format!("warningSigns.{n}.action"),
            Self::SignPhone(n) => format!("warningSigns.{n}.phone"),
            Self::MedicineSource(n) => format!("asNeededMedication.{n}.source"),
            Self::MedicineSourceDate(n) => format!("asNeededMedication.{n}.sourceOn"),
            Self::MeasurementLimit(n) => format!("ownMeasurements.{n}.upper"),
            Self::MeasurementReader(n) => format!("ownMeasurements.{n}.readBy"),
            Self::MeasurementReadWhen(n) => format!("ownMeasurements.{n}.readWhen"),
            Self::MeasurementOutside(n) => format!("ownMeasurements.{n}.outside"),
            Self::Contact => "contacts".to_owned(),
        }
    }

    const fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Title => ("Planen saknar rubrik.", "The plan has no heading."),
            Self::Empty => (
                "Planen är tom: lägg till minst ett mål eller en insats.",
                "The plan is empty: add at least one goal or plan item.",
            ),
            Self::Time(_) => (
                "En insats saknar tid: ange datum, period, återkommande tid, eller vad den väntar på.",
                "A plan item has no time: give a date, a period, a recurrence, or what it waits for.",
            ),
            Self::Period(_) => (
                "En insats med period saknar första eller sista dag.",
                "A plan item within a period has no first or no last day.",
            ),
            Self::Recurrence(_) => (
                "En återkommande insats saknar regel eller första dag.",
                "A recurring plan item has no rule or no first day.",
            ),
            Self::Trigger(_) => {
                ("En insats säger inte vad den väntar på.", "A plan item does not say what it waits for.")
            }
            Self::LatestFollowUp(_) => (
                "En insats som väntar på något saknar senaste dag för uppföljning.",
                "A plan item that waits for something has no latest follow-up date.",
            ),
            Self::Relative(_) => (
                "En insats görs av en närstående som inte är namngiven.",
                "A plan item is done by a relative who is not named.",
            ),
            Self::SignAction(_) => {
                ("Ett varningstecken säger inte vad man ska göra.", "A warning sign does not say what to do.")
            }
            Self::SignPhone(_) => (
                "Ett gult eller rött varningstecken saknar telefonnummer.",
                "A yellow or red warning sign has no phone number.",
            ),
            Self::MedicineSource(_) => (
                "Ett läkemedel vid behov säger inte vilken läkemedelslista det kommer från.",
                "An as-needed medicine does not say which medication list it is from.",
            ),
            Self::MedicineSourceDate(_) => (
                "Ett läkemedel vid behov saknar läkemedelslistans datum.",
                "An as-needed medicine lacks the date of the medication list.",
            ),
            Self::MeasurementLimit(_) => (
                "En egen mätning saknar gränser: ange en undre eller en övre gräns.",
                "A measurement has no limits: give a lower or an upper one.",
            ),
            Self::MeasurementReader(_) => (
                "En egen mätning säger inte vem som läser värdena.",
                "A measurement does not say who reads the values.",
            ),
            Self::MeasurementReadWhen(_) => (
                "En egen mätning säger inte när värdena läses.",
                "A measurement does not say when the values are read.",
            ),
            Self::MeasurementOutside(_) => (
                "En egen mätning säger inte vad man ska göra utanför gränserna.",
                "A measurement does not say what to do outside the limits.",
            ),
            Self::Contact => (
                "Det saknas någon att vända sig till: utse en kontakt, eller ange en ansvarig mottagning med telefon.",
                "There is nobody to turn to: appoint a contact, or name a responsible unit with a phone number.",
            ),
        }
    }
}

/// Refuses with the complete list of gaps, if there are any.
pub fn complete(gaps: &[Gap]) -> Result<(), Vec<Problem>> {
    if gaps.is_empty() { Ok(()) } else { Err(gaps.iter().map(|gap| gap.problem()).collect()) }
}
