//! Offering an agreement.

use entity::{
    AgreementOfferId, PatientId,
    agreement_offer::{self, Status, Way},
};
use sea_orm::EntityTrait;
use serde::Serialize;
use serde_json::json;

use super::event;
use crate::{
    auth::policy::{self, Action, Noun},
    domain::{
        act::{self, Done, Receipt},
        agreement::{create::no_other, patient_group::known},
        history::{self, Change},
        notice::{News, news},
        patient::{alive, lock},
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Who is offered one, and how it was said.
#[derive(Clone, Debug, Serialize)]
pub struct Offer {
    pub patient: PatientId,
    pub how: Way,
    /// A code of the region's patient groups.
    pub patient_group: Option<String>,
}

const ACTION: &str = "agreementOffer";

/// Records that care has offered an agreement.
pub async fn offer(session: &Session, key: &str, cmd: &Offer) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let (staff, patient) = policy::patient_of_care(
            tx,
            &session.actor,
            Noun::AgreementOffer,
            Action::Create,
            cmd.patient,
            now,
        )
        .await?;
        let mut problems = Vec::new();
        let group = known(session, "patientGroup", cmd.patient_group.as_deref(), &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        alive(&lock(tx, patient.id).await?)?;
        no_other(tx, session, patient.id).await?;
        let row = agreement_offer::Model {
            id: AgreementOfferId(session.core.clock.uuid()),
            patient_id: patient.id,
            care_unit_id: staff.care_unit,
            care_provider_id: staff.care_provider,
            region: session.core.settings.region.clone(),
            patient_group: group,
            offered_by: staff.assignment,
            offered_how: cmd.how,
            offered_at: now,
            status: Status::Open,
            answered_at: None,
            answered_by_kind: None,
            answered_by_id: None,
            answered_how: None,
            answer_words: None,
            row_version: 1,
        };
        agreement_offer::Entity::insert(agreement_offer::ActiveModel::from(row.clone()))
            .exec_without_returning(tx)
            .await
            .map_err(|e| act::on_unique(e, already_offered))?;
        let change = Change {
            kind: "agreement_offer",
            subject: row.id.0,
            before: None,
            after: Some(json!({
                "status": row.status, "how": row.offered_how, "patientGroup": row.patient_group,
            })),
        };
        history::record(tx, session, (&row).into(), ACTION, [change]).await?;
        act::emit(tx, session, [event("agreement.offered", &row)]).await?;
        let in_person = matches!(cmd.how, Way::OnSite | Way::Phone | Way::Video);
        let offered = if in_person { News::OfferedInPerson } else { News::Offered };
        news::tell_of(tx, session, (&row).into(), row.id.0, offered).await?;
        Ok(Done::on(patient.id).with("offer", row.id.0))
    })
    .await
}

/// Of the same provider: nothing here tells of another's.
fn already_offered() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Patienten har redan ett erbjudande som väntar på svar.",
        "The patient already has an offer that waits for an answer.",
    )
    .at("patientId")
}
