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
    /// The gap as a refusal that names what lacks something. The field of an item's gap is `planItems.<id>.<part>`,
    /// that of a list's entry `<list>.<n>.<part>`.
    pub fn problem(self, document: &Document) -> Problem {
        let (sv, en) = self.text();
        let (what_sv, what_en) = match self.named(document) {
            Some(name) => (format!("”{name}”"), format!("\"{name}\"")),
            None => (String::new(), String::new()),
        };
        Problem::new(ProblemCode::Incomplete, sv.replace("{}", &what_sv), en.replace("{}", &what_en))
            .at(&self.field())
    }

    /// What the item, sign, medicine or measurement is called.
    fn named(self, document: &Document) -> Option<&str> {
        let content = &document.content;
        match self {
            Self::Time(id)
            | Self::Period(id)
            | Self::Recurrence(id)
            | Self::Trigger(id)
            | Self::LatestFollowUp(id)
            | Self::Relative(id) => {
                document.items.iter().find(|item| item.id == id).map(|item| item.title.as_str())
            }
            Self::SignAction(n) | Self::SignPhone(n) => {
                content.warning_signs.get(n).map(|sign| sign.sign.as_str())
            }
            Self::MedicineSource(n) | Self::MedicineSourceDate(n) => {
                content.as_needed_medication.get(n).map(|medicine| medicine.name.as_str())
            }
            Self::MeasurementLimit(n)
            | Self::MeasurementReader(n)
            | Self::MeasurementReadWhen(n)
            | Self::MeasurementOutside(n) => {
                content.own_measurements.get(n).map(|measurement| measurement.what.as_str())
            }
            Self::Title | Self::Empty | Self::Contact => None,
        }
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
                "{} saknar tid: ange datum, period, återkommande tid, eller vad den väntar på.",
                "{} has no time: give a date, a period, a recurrence, or what it waits for.",
            ),
            Self::Period(_) => (
                "Perioden för {} saknar första eller sista dag.",
                "The period of {} has no first or no last day.",
            ),
            Self::Recurrence(_) => (
                "{} återkommer, men saknar regel eller första dag.",
                "{} recurs, but has no rule or no first day.",
            ),
            Self::Trigger(_) => ("{} säger inte vad den väntar på.", "{} does not say what it waits for."),
            Self::LatestFollowUp(_) => (
                "{} väntar på något, men saknar senaste dag för uppföljning.",
                "{} waits for something, but has no latest follow-up date.",
            ),
            Self::Relative(_) => (
                "{} görs av en närstående som inte är namngiven.",
                "{} is done by a relative who is not named.",
            ),
            Self::SignAction(_) => (
                "Varningstecknet {} säger inte vad man ska göra.",
                "The warning sign {} does not say what to do.",
            ),
            Self::SignPhone(_) => (
                "Varningstecknet {} är gult eller rött och saknar telefonnummer.",
                "The warning sign {} is yellow or red and has no phone number.",
            ),
            Self::MedicineSource(_) => (
                "Läkemedlet {} säger inte vilken läkemedelslista det kommer från.",
                "The medicine {} does not say which medication list it is from.",
            ),
            Self::MedicineSourceDate(_) => (
                "Läkemedlet {} saknar läkemedelslistans datum.",
                "The medicine {} lacks the date of the medication list.",
            ),
            Self::MeasurementLimit(_) => (
                "Mätningen {} saknar gränser: ange en undre eller en övre gräns.",
                "The measurement {} has no limits: give a lower or an upper one.",
            ),
            Self::MeasurementReader(_) => (
                "Mätningen {} säger inte vem som läser värdena.",
                "The measurement {} does not say who reads the values.",
            ),
            Self::MeasurementReadWhen(_) => (
                "Mätningen {} säger inte när värdena läses.",
                "The measurement {} does not say when the values are read.",
            ),
            Self::MeasurementOutside(_) => (
                "Mätningen {} säger inte vad man ska göra utanför gränserna.",
                "The measurement {} does not say what to do outside the limits.",
            ),
            Self::Contact => (
                "Det saknas någon att vända sig till: utse en kontakt, eller ange en ansvarig mottagning med telefon.",
                "There is nobody to turn to: appoint a contact, or name a responsible unit with a phone number.",
            ),
        }
    }
}

/// Refuses with the complete list of gaps, if there are any.
pub fn complete(document: &Document, gaps: &[Gap]) -> Result<(), Vec<Problem>> {
    if gaps.is_empty() { Ok(()) } else { Err(gaps.iter().map(|gap| gap.problem(document)).collect()) }
}
