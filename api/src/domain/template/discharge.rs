//! The discharge check (utskrivningskontroll): what is missing before the patient goes home.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use entity::{
    AgreementId, PlanItemId, agreement, agreement_version, appointment,
    plan_item::{self, Status},
    plan_item_revision::Owner,
    task::Kind,
    template_item::{self, Discharge},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;

use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        agreement::{canonical::Document, content::Light, rules, version::document},
        task::{self, Ending, Raise, words::Words},
    },
    error::{Fault, Problem, ProblemCode, Text},
    locale::Locale,
    session::Session,
};

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub code: Discharge,
    /// None when the plan has the item no longer.
    pub plan_item: Option<PlanItemId>,
}

/// What the check looks at.
#[derive(Debug)]
pub struct Facts<'a> {
    pub document: &'a Document,
    /// The items that are looked for, whether the plan still has them or not.
    pub items: &'a [(PlanItemId, Discharge)],
    pub statuses: &'a BTreeMap<PlanItemId, Status>,
    /// Items that a time has been booked for.
    pub booked: &'a BTreeSet<PlanItemId>,
    /// Whether the patient has a booked time ahead.
    pub has_time: bool,
    pub today: NaiveDate,
}

/// Everything that is missing, in the order in which a stay goes.
pub fn gaps(facts: &Facts<'_>) -> Vec<Gap> {
    let looked_for: BTreeSet<Discharge> = facts.items.iter().map(|(_, code)| *code).collect();
    let missing = |code: Discharge| -> Option<Gap> {
        let here = |id: &PlanItemId| facts.document.items.iter().any(|item| item.id == *id);
        let of_code = facts.items.iter().filter(|(_, other)| *other == code).map(|(id, _)| *id);
        let kept: Vec<PlanItemId> = of_code.filter(here).collect();
        let (Some(&first), false) = (kept.first(), kept.is_empty()) else {
            return Some(Gap { code, plan_item: None });
        };
        let open = kept.iter().copied().find(|id| !fulfilled(facts, code, *id));
        if !content_says(facts, code) {
            return Some(Gap { code, plan_item: open.or(Some(first)) });
        }
        open.map(|id| Gap { code, plan_item: Some(id) })
    };
    looked_for.into_iter().filter_map(missing).collect()
}

/// Whether the item has done what is looked for in it.
fn fulfilled(facts: &Facts<'_>, code: Discharge, id: PlanItemId) -> bool {
    let status = facts.statuses.get(&id).copied();
    let done = status == Some(Status::Done);
    match code {
        Discharge::FollowUpBooked => done || facts.booked.contains(&id),
        Discharge::AnswerPromised => {
            let item = facts.document.items.iter().find(|item| item.id == id);
            done || item.is_some_and(|item| item.result_how.is_some() && item.result_by.is_some())
        }
        // The patient may not want it; no medicine may be needed.
        Discharge::Relatives => done || status == Some(Status::Cancelled),
        Discharge::AsNeededMedicine => {
            done || status == Some(Status::Cancelled)
                || !facts.document.content.as_needed_medication.is_empty()
        }
        _ => done,
    }
}

/// Whether the texts of the plan say what the patient needs at home.
fn content_says(facts: &Facts<'_>, code: Discharge) -> bool {
    let content = &facts.document.content;
    let mut calling = content.warning_signs.iter().filter(|sign| sign.light != Light::Green);
    match code {
        Discharge::AnswerPromised => content.how_results_come.is_some(),
        Discharge::WarningSigns => calling.any(|sign| sign.action.is_some()),
        Discharge::WhomToCall => {
            let mut calling = calling.peekable();
            calling.peek().is_some()
                && calling.all(|s| s.phone.is_some() && s.weekdays.is_some() && s.weekends.is_some())
        }
        Discharge::NextStepOnDischarge => {
            let ahead = facts.document.items.iter().any(|item| {
                let open = !matches!(
                    facts.statuses.get(&item.id),
                    Some(Status::Done | Status::NotDone | Status::Cancelled)
                );
                let of_stay = facts.items.iter().any(|(id, code)| {
                    *id == item.id && !matches!(code, Discharge::FollowUpBooked | Discharge::AnswerPromised)
                });
                open && !of_stay
                    && item.owner == Owner::Care
                    && item.due_on.is_some_and(|due| due >= facts.today)
            });
            facts.has_time || ahead
        }
        _ => true,
    }
}

impl Gap {
    /// What is missing and what to do.
    pub fn text(&self) -> Text {
        let (sv, en) = match self.code {
            Discharge::HomePlan => (
                "Hemplanen är inte genomgången. Gå igenom hur patienten klarar sig hemma.",
                "The home plan has not been gone through. Go through how the patient manages at home.",
            ),
            Discharge::NextStepOnArrival => {
                ("Nästa steg är inte berättat vid ankomsten.", "The next step was not told on arrival.")
            }
            Discharge::NextStepOnDischarge => (
                "Patienten vet inte nästa steg. Berätta vad som händer nu, när och vem patienten vänder sig till.",
                "The patient does not know the next step. Tell what happens now, when, and whom the patient turns to.",
            ),
            Discharge::FollowUpBooked => (
                "Provtagning eller borttagning av stygn är inte bokad. Boka tiden innan patienten går hem.",
                "The follow-up test or removal of stitches is not booked. Book the time before the patient goes home.",
            ),
            Discharge::AnswerPromised => (
                "Det står inte hur och när svaret kommer. Skriv in det i planen.",
                "It is not said how and when the answer comes. Enter it in the plan.",
            ),
            Discharge::WarningSigns => (
                "Varningstecknen är inte genomgångna. Gå igenom vad patienten ska hålla utkik efter.",
                "The warning signs have not been gone through. Go through what the patient is to watch for.",
            ),
            Discharge::WhomToCall => (
                "Patienten vet inte vem hen ringer, vardag och helg. Gå igenom numren i planen.",
                "The patient does not know whom to call, weekdays and weekends. Go through the numbers in the plan.",
            ),
            Discharge::AsNeededMedicine => (
                "Läkemedel vid behov är inte genomgångna. Skriv in dem, eller markera att inga behövs.",
                "Medicines as needed have not been gone through. Enter them, or mark that none are needed.",
            ),
            Discharge::Relatives => (
                "Närstående är inte med. Fråga patienten, eller anteckna att patienten inte vill.",
                "Relatives do not take part. Ask the patient, or note that the patient does not want it.",
            ),
        };
        Text::new(sv, en)
    }
}

/// The check of an agreement that is in reach; none where no template asked for one.
pub async fn check(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
) -> Result<Option<Vec<Gap>>, Fault> {
    let items = template_item::Entity::find()
        .filter(template_item::Column::AgreementId.eq(agreement.id))
        .filter(template_item::Column::Discharge.is_not_null())
        .all(tx)
        .await?;
    let items: Vec<(PlanItemId, Discharge)> =
        items.iter().filter_map(|row| Some((row.plan_item_id, row.discharge?))).collect();
    if items.is_empty() {
        return Ok(None);
    }
    let version = agreement_version::Entity::find_by_id(agreement.current_version_id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("an agreement without its version"))?;
    let document = document(tx, &session.core.keys, &version).await?;
    let statuses = plan_item::Entity::find()
        .filter(plan_item::Column::AgreementId.eq(agreement.id))
        .all(tx)
        .await?
        .into_iter()
        .map(|item| (item.id, item.status))
        .collect();
    let times = appointment::Entity::find()
        .filter(appointment::Column::PatientId.eq(agreement.patient_id))
        .filter(appointment::Column::CareProviderId.eq(agreement.care_provider_id))
        .filter(
            appointment::Column::Status.is_in([appointment::Status::Booked, appointment::Status::Attended]),
        )
        .all(tx)
        .await?;
    let facts = Facts {
        document: &document,
        items: &items,
        statuses: &statuses,
        booked: &times.iter().filter_map(|time| time.plan_item_id).collect(),
        has_time: times.iter().any(|time| time.starts_at > session.now()),
        today: to_local(session.now()).date_naive(),
    };
    Ok(Some(gaps(&facts)))
}

/// Which agreement is checked.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    pub agreement: AgreementId,
}

const ACTION: &str = "dischargeCheckRun";

/// Checks, and sees to it that what is missing becomes a task of the unit; when nothing is, the task is done.
pub async fn run(session: &Session, key: &str, cmd: &Run) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        policy::check(actor, Noun::Template, Action::Set)?;
        let agreement =
            policy::reach::<agreement::Entity>(tx, actor, Action::Propose, cmd.agreement, "agreementId", now)
                .await?;
        rules::not_ended(agreement.status)?;
        let Some(gaps) = check(tx, session, &agreement).await? else {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Planen har ingen utskrivningskontroll. Lägg in en mall som har det.",
                "The plan has no discharge check. Put a template into it that has one.",
            )
            .into());
        };
        if gaps.is_empty() {
            let words = Some(Words::ours(
                "Inget saknas vid utskrivningskontrollen.",
                "Nothing is missing at the discharge check.",
            ));
            task::end(tx, session, Kind::DischargeGap, agreement.id.0, Ending::Done, words).await?;
        } else {
            let note = note(&gaps);
            let raise = Raise {
                kind: Kind::DischargeGap,
                owner: (&*agreement).into(),
                assignee: None,
                subject: agreement.id.0,
                due_at: now + session.core.settings.discharge_gap_due,
                note: Some(note.clone()),
            };
            if task::raise(tx, session, &raise).await?.is_none() {
                task::note_anew(tx, session, Kind::DischargeGap, agreement.id.0, &note).await?;
            }
        }
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0))
    })
    .await
}

/// What is missing, a line each.
fn note(gaps: &[Gap]) -> Words {
    let lines = |locale| {
        gaps.iter().map(|gap| gap.text().in_locale(locale).to_owned()).collect::<Vec<_>>().join("\n")
    };
    Words::ours(lines(Locale::Sv), lines(Locale::En))
}
