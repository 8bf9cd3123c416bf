//! What follows from a loaded plan: the next steps, what is missing, and the timeline.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use entity::agreement;

use super::plan::PatientPlan;
use crate::{
    calendar::to_local,
    graphql::{
        plain::{At, Plain, plain_object},
        scalars::{Date, PhoneNumber},
        types::{
            agreement::{NextStep, NextSteps, PlanItem},
            booking::Appointment,
            enums::{
                AgreementStatus, AppointmentMode, AppointmentStatus, CareContactRole, PlanItemOwner,
                PlanItemStatus, PlanItemTiming,
            },
        },
    },
    locale::Locale,
    session::Session,
};

/// The parts of a patientkontrakt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum PartKind {
    /// The agreement itself (överenskommelse).
    Agreement,
    /// A fixed contact (fast vårdkontakt).
    FixedContact,
    /// The next agreed time (överenskommen tid).
    AgreedTime,
    /// A coherent plan (sammanhållen planering).
    CoherentPlan,
}

impl Plain for PartKind {
    fn write(&self, _: &At<'_>) -> async_graphql::Value {
        async_graphql::Value::Enum(async_graphql::Name::new(match self {
            Self::Agreement => "AGREEMENT",
            Self::FixedContact => "FIXED_CONTACT",
            Self::AgreedTime => "AGREED_TIME",
            Self::CoherentPlan => "COHERENT_PLAN",
        }))
    }
}

plain_object! {
    /// One of the four parts of a patientkontrakt, and what it still lacks.
    AgreementPart {
        /// Which part.
        part: PartKind,
        /// Whether nothing is missing.
        complete: bool,
        /// What is missing.
        missing: Vec<MissingPart>,
    }
}

/// What a part can lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum MissingCode {
    /// There is no agreement (patientkontrakt).
    Agreement,
    /// Not both sides have assented (båda har inte sagt ja).
    Assent,
    /// What matters to the patient (vad är viktigt för mig).
    WhatMatters,
    /// Goals (mål).
    Goals,
    /// When and where to seek help (när och var jag söker hjälp).
    WhenToSeekHelp,
    /// A fast vårdkontakt.
    FixedContact,
    /// A fast läkarkontakt.
    FixedDoctor,
    /// A booked time (bokad tid).
    BookedTime,
    /// Plan items (insatser).
    PlanItems,
    /// The time of a plan item (tid för en insats).
    ItemTime,
    /// The yes of the relative who is to do a plan item (närståendes ja).
    RelativeConsent,
    /// The next step (nästa steg).
    NextStep,
}

impl Plain for MissingCode {
    fn write(&self, _: &At<'_>) -> async_graphql::Value {
        async_graphql::Value::Enum(async_graphql::Name::new(match self {
            Self::Agreement => "AGREEMENT",
            Self::Assent => "ASSENT",
            Self::WhatMatters => "WHAT_MATTERS",
            Self::Goals => "GOALS",
            Self::WhenToSeekHelp => "WHEN_TO_SEEK_HELP",
            Self::FixedContact => "FIXED_CONTACT",
            Self::FixedDoctor => "FIXED_DOCTOR",
            Self::BookedTime => "BOOKED_TIME",
            Self::PlanItems => "PLAN_ITEMS",
            Self::ItemTime => "ITEM_TIME",
            Self::RelativeConsent => "RELATIVE_CONSENT",
            Self::NextStep => "NEXT_STEP",
        }))
    }
}

plain_object! {
    /// Something that a part of a patientkontrakt still lacks.
    MissingPart {
        /// What, for programs.
        code: MissingCode,
        /// Where, as a path of fields from the patient: `agreement.goals`; a plan item by its id.
        field: String,
        /// What, for people, in the language of `Accept-Language` (sv, en).
        message: String,
    }
}

plain_object! {
    /// One entry of the patient's coherent plan: an item or a booked time, across all units.
    TimelineEntry {
        /// The day, where there is one.
        on: Option<Date>,
        /// The exact time, for a booked time.
        starts_at: Option<DateTime<Utc>>,
        /// What, in plain words.
        title: String,
        /// Which unit it is at.
        unit_name: Option<String>,
        /// The plan item, when it is one.
        plan_item: Option<Arc<PlanItem>>,
        /// The booked time, when it is one.
        appointment: Option<Arc<Appointment>>,
    }
}

/// Open: agreed and not finished.
fn is_open(item: &PlanItem) -> bool {
    matches!(item.status, PlanItemStatus::Accepted | PlanItemStatus::InProgress)
}

/// The day on which an item is a step: of a recurrence the next one, else the last day that was agreed.
fn step_day(item: &PlanItem) -> Option<Date> {
    match item.timing {
        PlanItemTiming::Recurrence => item.next_occurrence_on,
        PlanItemTiming::Date | PlanItemTiming::Period | PlanItemTiming::Trigger => item.due_on,
    }
}

/// Whether an item counts as the next step: open, agreed by everyone in it, with a day that is not long past.
fn is_step(item: &PlanItem, ahead: NaiveDate) -> bool {
    is_open(item) && !item.needs_relative_consent && step_day(item).is_some_and(|day| day.0 >= ahead)
}

/// What decides which steps there are, on a day.
#[derive(Clone, Copy, Debug)]
pub struct Today {
    pub day: NaiveDate,
    /// The first day that still counts as ahead: an item that is later than this is no next step any more.
    pub ahead: NaiveDate,
}

impl Today {
    pub fn of(session: &Session) -> Self {
        let day = to_local(session.now()).date_naive();
        let late = Days::new(u64::from(session.core.settings.plan.late_step_days));
        Self { day, ahead: day.checked_sub_days(late).unwrap_or(day) }
    }
}

/// The next step of each side. A booked time is the patient's next step, and care's where care has nothing sooner.
pub fn next_steps(plan: &PatientPlan, today: Today, locale: Locale) -> NextSteps {
    let agreement = plan.agreement.as_ref().filter(|a| a.status != AgreementStatus::Ended);
    let items = agreement.map_or(&[][..], |a| &a.plan_items);
    let earliest = |by_care: bool| {
        items
            .iter()
            .filter(|i| (i.owner == PlanItemOwner::Care) == by_care && is_step(i, today.ahead))
            .min_by_key(|i| (step_day(i), i.id.id))
    };
    let step = |item: Option<&Arc<PlanItem>>| match (item, &plan.next_appointment) {
        (Some(item), Some(time)) if step_day(item) < Some(Date(to_local(time.starts_at).date_naive())) => {
            Some(item_step(plan, item, today))
        }
        (_, Some(time)) => Some(appointment_step(time, locale)),
        (Some(item), None) => Some(item_step(plan, item, today)),
        (None, None) => None,
    };
    NextSteps { patient: step(earliest(false)), care: step(earliest(true)) }
}

fn item_step(plan: &PatientPlan, item: &Arc<PlanItem>, today: Today) -> NextStep {
    let (call_name, call_phone) = whom_to_call(plan, item);
    let on = step_day(item);
    NextStep {
        title: item.title.clone(),
        on,
        from: if item.timing == PlanItemTiming::Period { item.starts_on } else { None },
        starts_at: None,
        waits_for: item.trigger.clone(),
        is_late: on.is_some_and(|day| day.0 < today.day),
        owner: Some(item.owner),
        place: item.responsible_unit.as_ref().and_then(|u| u.address.clone()),
        with_whom: item
            .responsible_staff
            .as_ref()
            .map(|s| format!("{}, {}", s.name, s.title))
            .or_else(|| item.responsible_unit.as_ref().map(|u| u.name.clone())),
        preparation: item.description.clone(),
        call_name,
        call_phone,
        plan_item: Some(Arc::clone(item)),
        appointment: None,
    }
}

fn whom_to_call(plan: &PatientPlan, item: &PlanItem) -> (String, PhoneNumber) {
    if let Some(unit) = &item.responsible_unit {
        return (unit.name.clone(), unit.phone.clone());
    }
    match &plan.lead {
        Some(lead) => (lead.contact.name.clone(), lead.contact.phone.clone()),
        None => (plan.unit.summary.name.clone(), plan.unit.summary.phone.clone()),
    }
}

fn appointment_step(time: &Arc<Appointment>, locale: Locale) -> NextStep {
    let place = match time.mode {
        AppointmentMode::Visit => {
            time.care_unit.address.clone().or_else(|| Some(time.care_unit.name.clone()))
        }
        AppointmentMode::Video => Some(locale.pick("Video", "Video").to_owned()),
        AppointmentMode::Phone => Some(locale.pick("Vi ringer dig", "We call you").to_owned()),
        AppointmentMode::Home => Some(locale.pick("Hemma hos dig", "At your home").to_owned()),
    };
    NextStep {
        title: time.appointment_type.name.clone(),
        on: Some(Date(to_local(time.starts_at).date_naive())),
        from: None,
        starts_at: Some(time.starts_at),
        waits_for: None,
        is_late: false,
        owner: None,
        place,
        with_whom: time
            .staff
            .as_ref()
            .map(|s| format!("{}, {}", s.name, s.title))
            .or_else(|| Some(time.care_unit.name.clone())),
        preparation: time.appointment_type.preparation.clone(),
        call_name: time.care_unit.name.clone(),
        call_phone: time.care_unit.phone.clone(),
        plan_item: None,
        appointment: Some(Arc::clone(time)),
    }
}

/// What of an agreement decides what it lacks, from wherever it was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct DrawnUp {
    /// None when there is none.
    pub status: Option<agreement::Status>,
    pub what_matters: bool,
    /// When to seek help, or warning signs that say so.
    pub help: bool,
    pub goals: bool,
    pub items: bool,
    /// A linked existing plan is the agreement: it says what is to happen, and only the rest is asked for.
    pub is_fulfilled: bool,
}

/// In Swedish and English.
type Said = [&'static str; 2];

pub const NO_CONTACT: Said = ["Fast vårdkontakt saknas.", "There is no fixed contact (fast vårdkontakt)."];
pub const NO_DOCTOR: Said = ["Fast läkarkontakt saknas.", "There is no fixed doctor (fast läkarkontakt)."];

/// What an agreement lacks: the one place that decides it, and says it.
pub fn lacks(drawn: &DrawnUp) -> Vec<(MissingCode, Said)> {
    use MissingCode as M;
    let Some(status) = drawn.status else {
        return vec![(M::Agreement, ["Det finns inget patientkontrakt.", "There is no agreement."])];
    };
    let undecided = status == agreement::Status::PatientUndecided;
    let elsewhere = drawn.is_fulfilled;
    let all: [(bool, MissingCode, Said); 6] = [
        (
            undecided,
            M::Assent,
            ["Patienten har inte kunnat ta ställning än.", "The patient has not been able to decide yet."],
        ),
        (!status.in_force(), M::Assent, ["Alla har inte sagt ja än.", "Not everyone has said yes yet."]),
        (
            !drawn.what_matters,
            M::WhatMatters,
            ["Vad som är viktigt för patienten saknas.", "What matters to the patient is missing."],
        ),
        (!drawn.goals && !elsewhere, M::Goals, ["Mål saknas.", "There are no goals."]),
        (
            !drawn.help,
            M::WhenToSeekHelp,
            ["När och var man söker hjälp saknas.", "When and where to seek help is missing."],
        ),
        (
            !drawn.items && !elsewhere,
            M::PlanItems,
            ["Det finns inga insatser i planen.", "The plan has no items."],
        ),
    ];
    all.into_iter().filter(|(lacks, ..)| *lacks).map(|(_, code, said)| (code, said)).collect()
}

/// Where a lack is, as a path of fields from the patient.
fn place(code: MissingCode) -> &'static str {
    match code {
        MissingCode::Assent => "agreement.currentVersion",
        MissingCode::WhatMatters => "agreement.currentVersion.whatMatters",
        MissingCode::Goals => "agreement.goals",
        MissingCode::WhenToSeekHelp => "agreement.currentVersion.whenToSeekHelp",
        MissingCode::PlanItems => "agreement.planItems",
        _ => "agreement",
    }
}

/// The four parts, each with what is missing.
pub fn parts(plan: &PatientPlan, today: Today, locale: Locale) -> Vec<AgreementPart> {
    use MissingCode as M;
    let say = |code, field: &str, sv: &str, en: &str| MissingPart {
        code,
        field: field.to_owned(),
        message: locale.pick(sv, en).to_owned(),
    };
    let drawn = plan.agreement.as_ref().map_or_else(DrawnUp::default, |a| DrawnUp {
        status: Some(a.status.into()),
        what_matters: a.current_version.what_matters.is_some(),
        help: a.current_version.when_to_seek_help.is_some() || !a.current_version.warning_signs.is_empty(),
        goals: !a.goals.is_empty(),
        items: !a.plan_items.is_empty(),
        is_fulfilled: a.is_fulfilled,
    });
    let lacks = lacks(&drawn).into_iter().map(|(code, [sv, en])| say(code, place(code), sv, en));
    let (mut coherent, agreement): (Vec<_>, Vec<_>) = lacks.partition(|missing| missing.code == M::PlanItems);
    match &plan.agreement {
        None => {
            coherent.push(say(M::PlanItems, "agreement", "Det finns ingen plan.", "There is no plan."));
        }
        Some(a) => {
            coherent.extend(a.plan_items.iter().filter(|i| is_open(i) && step_day(i).is_none()).map(
                |item| {
                    say(
                        M::ItemTime,
                        &format!("agreement.planItems.{}.timing", item.id),
                        &format!("”{}” har ingen tid.", item.title),
                        &format!("\"{}\" has no time.", item.title),
                    )
                },
            ));
            coherent.extend(a.plan_items.iter().filter(|i| i.needs_relative_consent).map(|item| {
                say(
                    M::RelativeConsent,
                    &format!("agreement.planItems.{}.relativeConsent", item.id),
                    &format!("”{}”: den närstående har inte sagt ja än.", item.title),
                    &format!("\"{}\": the relative has not said yes yet.", item.title),
                )
            }));
            let steps = next_steps(plan, today, locale);
            if steps.patient.is_none() && steps.care.is_none() {
                coherent.push(say(M::NextStep, "nextSteps", "Nästa steg saknas.", "There is no next step."));
            }
        }
    }
    let mut contact = Vec::new();
    if plan.lead.is_none() {
        contact.push(say(M::FixedContact, "fixedCareContact", NO_CONTACT[0], NO_CONTACT[1]));
    }
    if !plan.contacts.iter().any(|r| r.contact.role == CareContactRole::FastLakarkontakt) {
        contact.push(say(M::FixedDoctor, "contacts", NO_DOCTOR[0], NO_DOCTOR[1]));
    }
    let mut time = Vec::new();
    if plan.next_appointment.is_none() {
        time.push(say(M::BookedTime, "nextAppointment", "Ingen tid är bokad.", "No time is booked."));
    }
    [
        (PartKind::Agreement, agreement),
        (PartKind::FixedContact, contact),
        (PartKind::AgreedTime, time),
        (PartKind::CoherentPlan, coherent),
    ]
    .into_iter()
    .map(|(part, missing)| AgreementPart { part, complete: missing.is_empty(), missing })
    .collect()
}

/// Items and booked times in one order of time; what has no day comes last.
pub fn timeline(plan: &PatientPlan) -> Vec<TimelineEntry> {
    let items = plan
        .agreement
        .iter()
        .flat_map(|a| &a.plan_items)
        .filter(|i| i.status != PlanItemStatus::Cancelled)
        .map(|item| TimelineEntry {
            on: step_day(item).or(item.due_on),
            starts_at: None,
            title: item.title.clone(),
            unit_name: item.responsible_unit.as_ref().map(|u| u.name.clone()),
            plan_item: Some(Arc::clone(item)),
            appointment: None,
        });
    let times = plan.appointments.iter().filter(|t| t.status != AppointmentStatus::Cancelled).map(|time| {
        TimelineEntry {
            on: Some(Date(to_local(time.starts_at).date_naive())),
            starts_at: Some(time.starts_at),
            title: time.appointment_type.name.clone(),
            unit_name: Some(time.care_unit.name.clone()),
            plan_item: None,
            appointment: Some(Arc::clone(time)),
        }
    });
    let mut entries: Vec<_> = items.chain(times).collect();
    entries.sort_by_key(|e| (e.on.is_none(), e.on, e.starts_at, entry_id(e)));
    entries
}

/// What tells one entry of a timeline from another.
pub fn entry_id(entry: &TimelineEntry) -> Option<uuid::Uuid> {
    entry.plan_item.as_ref().map(|i| i.id.id).or_else(|| entry.appointment.as_ref().map(|a| a.id.id))
}
