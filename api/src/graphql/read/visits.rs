//! The visits of a day at a unit, each with what is missing: one statement, however many come.

use std::sync::LazyLock;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use entity::{PatientId, agreement, assignment::Role, patient};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    appointment,
    cols::Cols,
    missing::{DrawnUp, NOT_HERE_CONTACT, NOT_HERE_DOCTOR, Reader, lacks},
    plan::version_content,
    rows,
    steps::{MissingCode, PartKind},
};
use crate::{
    auth::{
        actor::StaffActor,
        policy::{Granted, Noun, Who, reach_sql, reach_values},
    },
    calendar::{to_instant, to_local},
    domain::{agreement::content::AgreementContent, contact::held},
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{GlobalId, LanguageTag, NodeKind},
        types::{
            people::PatientSummary,
            visits::{Visit, VisitGap, VisitGapKind},
        },
    },
    locale::Locale,
    session::Session,
};

/// Where a page goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitPlace {
    at: DateTime<Utc>,
    id: Uuid,
}

/// Answers to questions count for this long.
const ANSWERS_COUNT_FOR: TimeDelta = TimeDelta::days(90);

/// Other providers' rows neither count nor show.
static LIST: LazyLock<String> = LazyLock::new(|| {
    let reach =
        reach_sql(Who::Staff(Role::Care), Noun::Appointment, "ap.patient_id", Some("ap.care_provider_id"));
    let yes = |condition: &str| format!("CASE WHEN EXISTS (SELECT 1 FROM {condition}) THEN 1 ELSE 0 END");
    let items = "version_item w JOIN plan_item i ON i.id = w.plan_item_id \
         JOIN plan_item_revision r ON r.id = w.plan_item_revision_id WHERE w.version_id = a.current_version_id";
    let open = format!("{items} AND i.status IN ('ACCEPTED', 'IN_PROGRESS')");
    let contact = |role: &str| {
        format!(
            "care_contact c WHERE c.patient_id = ap.patient_id AND c.care_provider_id = $3 AND c.role = '{role}' \
             AND {}",
            held!("c")
        )
    };
    format!(
        "SELECT {}, p.id, p.given_name, p.family_name, p.protected_identity, p.interpreter_language, \
         a.status, v.id, v.content, {}, {}, {}, {}, {}, {}, {}, {}, {} \
         FROM (SELECT ap.* FROM appointment ap WHERE ap.care_unit_id = $5 AND ap.status = 'BOOKED' \
           AND ap.starts_at >= $6 AND ap.starts_at < $7 AND {reach} \
           AND (ap.starts_at > $8 OR (ap.starts_at = $8 AND ap.id > $9)) \
           ORDER BY ap.starts_at, ap.id LIMIT $10) ap {} \
         JOIN patient p ON p.id = ap.patient_id \
         LEFT JOIN agreement a ON a.id = (SELECT x.id FROM agreement x WHERE x.patient_id = ap.patient_id \
           AND x.care_provider_id = $3 AND x.status <> 'ENDED' \
           ORDER BY CASE x.status WHEN 'ACTIVE' THEN 0 WHEN 'PATIENT_UNDECIDED' THEN 0 ELSE 1 END, x.id DESC LIMIT 1) \
         LEFT JOIN agreement_version v ON v.id = a.current_version_id \
         ORDER BY ap.starts_at, ap.id",
        appointment::columns(),
        yes("version_goal g WHERE g.version_id = a.current_version_id"),
        yes(items),
        yes("plan_link f WHERE f.agreement_id = a.id AND f.fulfils AND f.removed_at IS NULL"),
        // A recurrence without a last day always has a day ahead.
        yes(&format!("{open} AND r.due_on IS NULL AND r.timing <> 'RECURRENCE'")),
        yes(&format!("{open} AND (r.due_on > $11 OR (r.due_on IS NULL AND r.timing = 'RECURRENCE'))")),
        yes(&format!("{} AND c.is_lead", contact("FAST_VARDKONTAKT"))),
        yes(&contact("FAST_LAKARKONTAKT")),
        yes(
            "appointment n WHERE n.patient_id = ap.patient_id AND n.care_provider_id = $3 AND n.status = 'BOOKED' \
             AND n.starts_at > ap.starts_at"
        ),
        yes("battery_answer_set s WHERE s.patient_id = ap.patient_id AND s.care_provider_id = $3 \
             AND s.answered_at > $12"),
        appointment::JOINS,
    )
});

/// A page of the booked visits at the unit on `day`, in order of time.
pub async fn of_day(
    session: &Session,
    unit: &Granted<StaffActor>,
    day: NaiveDate,
    request: &PageRequest<VisitPlace>,
) -> Result<Page<Visit>, Fault> {
    let midnight = |day: NaiveDate| to_instant(day.and_time(NaiveTime::MIN));
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    let start = VisitPlace { at: DateTime::<Utc>::UNIX_EPOCH, id: Uuid::nil() };
    let after = request.after.as_ref().unwrap_or(&start);
    let mut values = reach_values(&session.actor, session.now());
    values.extend([
        Value::from(unit.care_unit.0),
        midnight(day).into(),
        midnight(next).into(),
        after.at.into(),
        after.id.into(),
        i64::try_from(request.first + 1).unwrap_or(i64::MAX).into(),
        day.into(),
        (session.now() - ANSWERS_COUNT_FOR).into(),
    ]);
    let rows = rows::run(session, LIST.as_str(), values).await?;
    let visits: Vec<Visit> =
        rows.iter().map(|row| read(session, &mut Cols::new(row))).collect::<Result<_, _>>()?;
    for visit in visits.iter().take(request.first) {
        session.trail.read(PatientId(visit.patient.id.id));
    }
    let place = |visit: &Visit| VisitPlace { at: visit.appointment.starts_at, id: visit.appointment.id.id };
    Ok(Page::of_rows(visits, request, place))
}

/// What is known of a patient who comes.
#[derive(Debug, Default)]
struct Facts {
    drawn: DrawnUp,
    without_time: bool,
    step_after: bool,
    contact: bool,
    doctor: bool,
    time_after: bool,
    answers: bool,
    interpreter: bool,
}

fn read(session: &Session, cols: &mut Cols<'_>) -> Result<Visit, Fault> {
    let appointment = appointment::opt_appointment(cols, session)?
        .ok_or_else(|| Fault::internal("a visit without its time"))?;
    let patient = PatientSummary {
        id: GlobalId::new(NodeKind::Patient, cols.take::<Uuid>()?),
        given_name: cols.take()?,
        family_name: cols.take()?,
        protected_identity: cols.text_enum::<patient::ProtectedIdentity>()?.into(),
    };
    let interpreter: Option<String> = cols.opt()?;
    let agreement: Option<agreement::Status> = cols.opt_enum()?;
    let version: Option<Uuid> = cols.opt()?;
    let content = cols.opt_sealed()?;
    let content =
        version.zip(content).map(|(id, sealed)| version_content(session, id, &sealed)).transpose()?;
    let mut yes = || -> Result<bool, Fault> { Ok(cols.take::<i32>()? == 1) };
    let help = |c: &AgreementContent| c.when_to_seek_help.is_some() || !c.warning_signs.is_empty();
    let facts = Facts {
        drawn: DrawnUp {
            status: agreement,
            what_matters: content.as_ref().is_some_and(|c| c.what_matters.is_some()),
            help: content.as_ref().is_some_and(help),
            goals: yes()?,
            items: yes()?,
            is_fulfilled: yes()?,
        },
        without_time: yes()?,
        step_after: yes()?,
        contact: yes()?,
        doctor: yes()?,
        time_after: yes()?,
        answers: yes()?,
        interpreter: interpreter.is_some(),
    };
    Ok(Visit {
        appointment,
        patient,
        interpreter_language: interpreter.map(LanguageTag),
        gaps: gaps(&facts, session.locale),
    })
}

/// What is missing, by part.
fn gaps(facts: &Facts, locale: Locale) -> Vec<VisitGap> {
    use PartKind as P;
    use VisitGapKind as K;
    let drawn = lacks(&facts.drawn, Reader::Staff).into_iter().map(|(code, said)| {
        let (kind, part) = match code {
            MissingCode::Agreement => (K::NoAgreement, P::Agreement),
            MissingCode::WhatMatters => (K::NoWhatMatters, P::Agreement),
            MissingCode::Goals => (K::NoGoals, P::Agreement),
            MissingCode::WhenToSeekHelp => (K::NoWhenToSeekHelp, P::Agreement),
            MissingCode::PlanItems => (K::EmptyPlan, P::CoherentPlan),
            _ => (K::AgreementNotInForce, P::Agreement),
        };
        (true, kind, Some(part), said)
    });
    let of_the_visit = [
        (!facts.contact, K::NoFixedContact, Some(P::FixedContact), NOT_HERE_CONTACT),
        (!facts.doctor, K::NoFixedDoctor, Some(P::FixedContact), NOT_HERE_DOCTOR),
        (
            !facts.time_after,
            K::NoTimeAfterVisit,
            Some(P::AgreedTime),
            [
                "Ingen tid är bokad hos er efter besöket; fråga patienten.",
                "No time is booked at your care provider after the visit; ask the patient.",
            ],
        ),
        (
            facts.without_time,
            K::ItemWithoutTime,
            Some(P::CoherentPlan),
            ["En insats i planen har ingen tid.", "An item of the plan has no time."],
        ),
        (
            !facts.step_after && !facts.time_after,
            K::NoNextStepAfterVisit,
            Some(P::CoherentPlan),
            [
                "Inget nästa steg hos er efter besöket; fråga patienten.",
                "No next step at your care provider after the visit; ask the patient.",
            ],
        ),
        (
            !facts.answers,
            K::QuestionsUnanswered,
            None,
            [
                "Inga svar hos er på frågorna inför besöket.",
                "No answers at your care provider to the questions before the visit.",
            ],
        ),
        (facts.interpreter, K::InterpreterNeeded, None, ["Tolk behövs.", "An interpreter is needed."]),
    ];
    let mut found: Vec<_> = drawn.chain(of_the_visit).filter(|(missing, ..)| *missing).collect();
    // By part: the agreement, the contacts, the time, the plan, the rest.
    found.sort_by_key(|(_, _, part, _)| part.map_or(4, |part| part as u8));
    found
        .into_iter()
        .map(|(_, kind, part, [sv, en])| VisitGap { kind, part, message: locale.pick(sv, en).to_owned() })
        .collect()
}

/// Today, where the units are.
pub fn today(session: &Session) -> NaiveDate {
    to_local(session.now()).date_naive()
}
