//! Asking for an agreement: the patient, or staff who write down what the patient says.

use chrono::TimeDelta;
use entity::{
    AgreementRequestId, CareUnitId, PatientId,
    agreement_offer::Way,
    agreement_request::{self, Status},
    care_unit,
};
use sea_orm::EntityTrait;
use serde::Serialize;
use serde_json::json;

use super::{event, wait};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        agreement::create::no_other,
        history::{self, Change},
        offer::answer::said_how,
        patient::{alive, lock},
        task::words::Words,
        text,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// What the patient asks, and of which unit.
#[derive(Clone, Debug, Serialize)]
pub struct Ask {
    /// Whom staff write for; patients leave it out.
    pub patient: Option<PatientId>,
    /// The patient's own unit when left out; of staff, the unit they act under.
    pub unit: Option<CareUnitId>,
    pub why: Option<String>,
    /// How the patient reached staff; patients leave it out.
    pub how: Option<Way>,
}

const ACTION: &str = "agreementRequest";

/// Records the request, and puts it on the unit's list with a deadline.
pub async fn ask(session: &Session, key: &str, cmd: &Ask) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (now, keys) = (session.now(), &session.core.keys);
        let patient = policy::patient(
            tx,
            &session.actor,
            Noun::AgreementRequest,
            Action::Create,
            cmd.patient,
            "patientId",
            now,
        )
        .await?;
        let mut problems = Vec::new();
        let how = said_how(session, cmd.how, &mut problems);
        let why = text::optional("why", cmd.why.as_deref(), text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        alive(&lock(tx, patient.id).await?)?;
        let unit = unit(tx, session, cmd.unit, patient.care_unit_id).await?;
        no_other(tx, session, patient.id).await?;
        let id = AgreementRequestId(session.core.clock.uuid());
        let (asked_by_kind, asked_by_id) = act::by(session);
        let row = agreement_request::Model {
            id,
            patient_id: patient.id,
            care_unit_id: unit.id,
            care_provider_id: unit.care_provider_id,
            region: session.core.settings.region.clone(),
            why: keys.seal_opt(Place::new("agreement_request.why", id.0), why.as_deref())?,
            asked_by_kind,
            asked_by_id,
            asked_how: session.actor.staff().map(|_| how),
            asked_at: now,
            due_at: now + TimeDelta::days(session.core.settings.agreement_request_days),
            status: Status::Open,
            agreement_id: None,
            ended_at: None,
            ended_by_kind: None,
            ended_by_id: None,
            ended_how: None,
            end_words: None,
            row_version: 1,
        };
        agreement_request::Entity::insert(agreement_request::ActiveModel::from(row.clone()))
            .exec_without_returning(tx)
            .await
            .map_err(|e| act::on_unique(e, already_asked))?;
        wait(tx, session, &row, why.as_deref().map(Words::own)).await?;
        let change = Change {
            kind: "agreement_request",
            subject: id.0,
            before: None,
            after: Some(json!({ "status": row.status, "why": why, "unit": unit.id, "dueAt": row.due_at })),
        };
        history::record(tx, session, (&row).into(), ACTION, [change]).await?;
        act::emit(tx, session, [event("agreement.requested", &row)]).await?;
        Ok(Done::on(patient.id).with("request", id.0))
    })
    .await
}

/// The unit that is asked. Patients may ask any; staff write for a unit of their own care provider.
async fn unit(
    tx: &Tx,
    session: &Session,
    named: Option<CareUnitId>,
    own: CareUnitId,
) -> Result<care_unit::Model, Stop> {
    let staff = session.actor.staff();
    let id = named.unwrap_or(staff.map_or(own, |staff| staff.care_unit));
    care_unit::Entity::find_by_id(id)
        .one(tx)
        .await?
        .filter(|unit| staff.is_none_or(|staff| staff.care_provider == unit.care_provider_id))
        .ok_or_else(|| Problem::not_found("careUnitId").into())
}

fn already_asked() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Det finns redan en önskan om patientkontrakt som väntar.",
        "There already is a request for an agreement that waits.",
    )
}
