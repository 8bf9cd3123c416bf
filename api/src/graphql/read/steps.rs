//! What follows from a loaded plan: the next steps and the timeline.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use uuid::Uuid;

use super::{
    appointment,
    plan::{Aside, PatientPlan},
};
use crate::{
    calendar::{to_instant, to_local},
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        plain::{At, Plain, plain_object},
        scalars::{Date, PhoneNumber},
        types::{
            agreement::{NextStep, NextSteps, PlanItem},
            booking::Appointment,
            enums::{
                AgreementStatus, AppointmentMode, AppointmentStatus, PlanItemOwner, PlanItemStatus,
                PlanItemTiming,
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
    /// The result of a plan item that was promised for a day that has passed (besked).
    ResultOwed,
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
            Self::ResultOwed => "RESULT_OWED",
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
pub(super) fn is_open(item: &PlanItem) -> bool {
    matches!(item.status, PlanItemStatus::Accepted | PlanItemStatus::InProgress)
}

/// The day on which an item is a step: of a recurrence the next one, else the last day that was agreed.
pub(super) fn step_day(item: &PlanItem) -> Option<Date> {
    item.next_occurrence_on.or(item.due_on)
}

/// Whether an item counts as the next step: open, agreed by everyone in it, with a day that is not long past. A
/// recurrence whose last day is marked has none. The sweep goes by the same: [`crate::domain::next_step`].
fn is_step(plan: &PatientPlan, item: &PlanItem, ahead: NaiveDate) -> bool {
    is_open(item)
        && !item.needs_relative_consent
        && aside(plan, item).is_none_or(|aside| aside.is_open)
        && step_day(item).is_some_and(|day| day.0 >= ahead)
}

fn aside<'a>(plan: &'a PatientPlan, item: &PlanItem) -> Option<&'a Aside> {
    plan.asides.get(&item.id.id)
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
            .filter(|i| (i.owner == PlanItemOwner::Care) == by_care && is_step(plan, i, today.ahead))
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
            .or_else(|| aside(plan, item)?.contact.as_ref().map(|contact| contact.name.clone()))
            .or_else(|| item.responsible_unit.as_ref().map(|u| u.name.clone())),
        preparation: item.description.clone(),
        call_name,
        call_phone,
        plan_item: Some(Arc::clone(item)),
        appointment: None,
    }
}

fn whom_to_call(plan: &PatientPlan, item: &PlanItem) -> (String, PhoneNumber) {
    if let Some(contact) = aside(plan, item).and_then(|aside| aside.contact.as_ref()) {
        return (contact.name.clone(), contact.phone.clone());
    }
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

/// A page of items and booked times in one order of time; what has no day comes last.
pub async fn timeline(
    session: &Session,
    plan: &PatientPlan,
    request: &PageRequest<Option<Uuid>>,
) -> Result<Page<TimelineEntry>, Fault> {
    if !plan.has_more_appointments {
        let booked = plan.appointments.iter().filter(|time| time.status != AppointmentStatus::Cancelled);
        let mut entries: Vec<_> = item_entries(plan).chain(booked.cloned().map(time_entry)).collect();
        entries.sort_by_key(place_in_time);
        return Ok(Page::of_all(entries, request, entry_id));
    }
    let patient = plan.id.0;
    let mut entries: Vec<_> = item_entries(plan).collect();
    let after = match request.after.flatten() {
        None => None,
        Some(id) => match entries.iter().find(|entry| entry_id(entry) == Some(id)) {
            Some(item) => Some(place_in_time(item)),
            None => match appointment::one_of_patient(session, patient, id).await? {
                Some(time) => Some(place_in_time(&time_entry(Arc::new(time)))),
                None => return Ok(Page::of_rows(Vec::new(), request, entry_id)),
            },
        },
    };
    // An item stands before the times of its day; after one without a day there are no times.
    let beyond = after.map(|(_, on, starts_at, id)| {
        let midnight = on.map(|day| to_instant(day.0.and_time(NaiveTime::MIN)));
        starts_at.zip(id).or_else(|| midnight.map(|at| (at, Uuid::nil())))
    });
    if beyond != Some(None) {
        let most = request.first as u64 + 1;
        let times = appointment::following(session, patient, beyond.flatten(), most).await?;
        entries.extend(times.into_iter().map(|time| time_entry(Arc::new(time))));
    }
    entries.sort_by_key(place_in_time);
    entries.retain(|entry| after.is_none_or(|after| place_in_time(entry) > after));
    Ok(Page::of_rows(entries, request, entry_id))
}

fn item_entries(plan: &PatientPlan) -> impl Iterator<Item = TimelineEntry> {
    let items = plan.agreement.iter().flat_map(|a| &a.plan_items);
    items.filter(|i| i.status != PlanItemStatus::Cancelled).map(|item| TimelineEntry {
        on: step_day(item).or(item.due_on),
        starts_at: None,
        title: item.title.clone(),
        unit_name: item.responsible_unit.as_ref().map(|u| u.name.clone()),
        plan_item: Some(Arc::clone(item)),
        appointment: None,
    })
}

fn time_entry(time: Arc<Appointment>) -> TimelineEntry {
    TimelineEntry {
        on: Some(Date(to_local(time.starts_at).date_naive())),
        starts_at: Some(time.starts_at),
        title: time.appointment_type.name.clone(),
        unit_name: Some(time.care_unit.name.clone()),
        plan_item: None,
        appointment: Some(time),
    }
}

/// Where an entry stands; no two stand at the same place.
fn place_in_time(entry: &TimelineEntry) -> (bool, Option<Date>, Option<DateTime<Utc>>, Option<Uuid>) {
    (entry.on.is_none(), entry.on, entry.starts_at, entry_id(entry))
}

/// What tells one entry of a timeline from another.
fn entry_id(entry: &TimelineEntry) -> Option<Uuid> {
    entry.plan_item.as_ref().map(|i| i.id.id).or_else(|| entry.appointment.as_ref().map(|a| a.id.id))
}
