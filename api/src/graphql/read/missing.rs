//! What each of the four parts lacks: the one place that decides it, and says it.

use entity::{agreement, agreement_version::Party};

use super::{
    plan::PatientPlan,
    steps::{AgreementPart, MissingCode, MissingPart, PartKind, Today, is_open, next_steps, step_day},
};
use crate::{graphql::types::enums::CareContactRole, locale::Locale, session::Session};

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

/// Who reads what is missing. Staff see what their own care provider has: what is not there may well be elsewhere, and
/// only the patient can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    Patient,
    Representative,
    Staff,
}

impl Reader {
    pub fn of(session: &Session) -> Self {
        match session.actor.party() {
            Some(Party::Patient) if session.actor.acting_for().is_none() => Self::Patient,
            Some(Party::Patient) => Self::Representative,
            Some(Party::Care) | None => Self::Staff,
        }
    }

    const fn pick(self, whole: Said, staff: Said) -> Said {
        if matches!(self, Self::Staff) { staff } else { whole }
    }
}

pub const NOT_HERE_CONTACT: Said = [
    "Ingen fast vårdkontakt hos er; fråga patienten.",
    "No fixed contact (fast vårdkontakt) at your care provider; ask the patient.",
];
pub const NOT_HERE_DOCTOR: Said = [
    "Ingen fast läkarkontakt hos er; fråga patienten.",
    "No fixed doctor (fast läkarkontakt) at your care provider; ask the patient.",
];

/// What an agreement lacks: the one place that decides it, and says it.
pub fn lacks(drawn: &DrawnUp, reader: Reader) -> Vec<(MissingCode, Said)> {
    use MissingCode as M;
    let own = reader == Reader::Patient;
    let Some(status) = drawn.status else {
        let said = reader.pick(
            ["Det finns inget patientkontrakt.", "There is no agreement."],
            [
                "Inget patientkontrakt hos er; fråga patienten.",
                "No agreement at your care provider; ask the patient.",
            ],
        );
        return vec![(M::Agreement, said)];
    };
    let undecided = status == agreement::Status::PatientUndecided;
    let elsewhere = drawn.is_fulfilled;
    let all: [(bool, MissingCode, Said); 6] = [
        (
            undecided,
            M::Assent,
            if own {
                ["Du har inte kunnat ta ställning än.", "You have not been able to decide yet."]
            } else {
                ["Patienten har inte kunnat ta ställning än.", "The patient has not been able to decide yet."]
            },
        ),
        (!status.in_force(), M::Assent, ["Alla har inte sagt ja än.", "Not everyone has said yes yet."]),
        (
            !drawn.what_matters,
            M::WhatMatters,
            if own {
                ["Vad som är viktigt för dig saknas.", "What matters to you is missing."]
            } else {
                ["Vad som är viktigt för patienten saknas.", "What matters to the patient is missing."]
            },
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
pub fn parts(plan: &PatientPlan, today: Today, reader: Reader, locale: Locale) -> Vec<AgreementPart> {
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
    let not_here = |code, field: &str, whole, staff| {
        let [sv, en] = reader.pick(whole, staff);
        say(code, field, sv, en)
    };
    let lacks = lacks(&drawn, reader).into_iter().map(|(code, [sv, en])| say(code, place(code), sv, en));
    let (mut coherent, agreement): (Vec<_>, Vec<_>) = lacks.partition(|missing| missing.code == M::PlanItems);
    match &plan.agreement {
        None => {
            coherent.push(not_here(
                M::PlanItems,
                "agreement",
                ["Det finns ingen plan.", "There is no plan."],
                ["Ingen plan hos er; fråga patienten.", "No plan at your care provider; ask the patient."],
            ));
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
            coherent.extend(a.plan_items.iter().filter(|i| i.result_is_overdue).map(|item| {
                say(
                    M::ResultOwed,
                    &format!("agreement.planItems.{}.resultTold", item.id),
                    &format!("”{}”: beskedet som vården har lovat har inte kommit.", item.title),
                    &format!("\"{}\": the result that care promised has not come.", item.title),
                )
            }));
            let steps = next_steps(plan, today, locale);
            if steps.patient.is_none() && steps.care.is_none() {
                coherent.push(not_here(
                    M::NextStep,
                    "nextSteps",
                    ["Nästa steg saknas.", "There is no next step."],
                    [
                        "Inget nästa steg hos er; fråga patienten.",
                        "No next step at your care provider; ask the patient.",
                    ],
                ));
            }
        }
    }
    let mut contact = Vec::new();
    if plan.lead.is_none() {
        contact.push(not_here(
            M::FixedContact,
            "fixedCareContact",
            ["Fast vårdkontakt saknas.", "There is no fixed contact (fast vårdkontakt)."],
            NOT_HERE_CONTACT,
        ));
    }
    if !plan.contacts.iter().any(|r| r.contact.role == CareContactRole::FastLakarkontakt) {
        contact.push(not_here(
            M::FixedDoctor,
            "contacts",
            ["Fast läkarkontakt saknas.", "There is no fixed doctor (fast läkarkontakt)."],
            NOT_HERE_DOCTOR,
        ));
    }
    let mut time = Vec::new();
    if plan.next_appointment.is_none() {
        time.push(not_here(
            M::BookedTime,
            "nextAppointment",
            ["Ingen tid är bokad.", "No time is booked."],
            [
                "Ingen tid är bokad hos er; fråga patienten.",
                "No time is booked at your care provider; ask the patient.",
            ],
        ));
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
