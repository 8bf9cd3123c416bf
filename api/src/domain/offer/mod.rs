//! Offers of an agreement (erbjudanden): care asks, the patient answers, both are on record.

pub mod answer;
pub mod make;

use entity::{
    agreement,
    agreement_offer::{self, Status},
    patient,
    task::Kind,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use uuid::Uuid;

use super::{
    act::{self, Event},
    history::{self, Change, Owner},
    task::{Ending, end},
};
use crate::{
    db::Tx,
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

impl From<&agreement_offer::Model> for Owner {
    fn from(row: &agreement_offer::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: None,
        }
    }
}

/// Something happened to an offer.
fn event(kind: &'static str, offer: &agreement_offer::Model) -> Event {
    Event {
        kind,
        patient: offer.patient_id,
        care_unit: offer.care_unit_id,
        care_provider: offer.care_provider_id,
        subject: offer.id.0,
        for_register: false,
    }
}

/// What is answered stays answered.
fn already_answered() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Erbjudandet är redan besvarat eller har ersatts.",
        "The offer has already been answered, or something else took its place.",
    )
}

/// An agreement has been begun: what this care provider had offered and waits for no more has been overtaken, and
/// what the patient said yes to has been done.
pub async fn superseded(tx: &Tx, session: &Session, by: &agreement::Model) -> Result<(), Fault> {
    let offers = agreement_offer::Entity::find()
        .filter(agreement_offer::Column::PatientId.eq(by.patient_id))
        .filter(agreement_offer::Column::Region.eq(by.region.as_str()))
        .filter(agreement_offer::Column::CareProviderId.eq(by.care_provider_id))
        .filter(agreement_offer::Column::Status.is_in([Status::Open, Status::Accepted]))
        .all(tx)
        .await?;
    for offer in offers {
        if offer.status == Status::Open {
            supersede(tx, session, &offer, "agreementCreate").await?;
        }
        end(
            tx,
            session,
            Kind::AgreementRequest,
            offer.id.0,
            Ending::Done,
            Some("Patientkontraktet är påbörjat."),
        )
        .await?;
    }
    Ok(())
}

/// The patient has died: no offer waits any longer.
pub async fn after_death(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    action: &'static str,
) -> Result<(), Fault> {
    let open = agreement_offer::Entity::find()
        .filter(agreement_offer::Column::PatientId.eq(whom.id))
        .filter(agreement_offer::Column::Status.eq(Status::Open));
    for offer in open.all(tx).await? {
        supersede(tx, session, &offer, action).await?;
    }
    Ok(())
}

async fn supersede(
    tx: &Tx,
    session: &Session,
    offer: &agreement_offer::Model,
    action: &'static str,
) -> Result<(), Fault> {
    settle(
        tx,
        session,
        offer,
        agreement_offer::ActiveModel { status: Set(Status::Superseded), ..Default::default() },
    )
    .await?;
    let change = Change {
        kind: "agreement_offer",
        subject: offer.id.0,
        before: Some(json!({ "status": Status::Open })),
        after: Some(json!({ "status": Status::Superseded })),
    };
    history::record(tx, session, offer.into(), action, [change]).await?;
    act::emit(tx, session, [event("agreement.offer_superseded", offer)]).await
}

/// Settles an open offer, by whoever acts; false when it was settled or changed meanwhile.
async fn settle(
    tx: &Tx,
    session: &Session,
    offer: &agreement_offer::Model,
    with: agreement_offer::ActiveModel,
) -> Result<bool, Fault> {
    let (by_kind, by_id): (_, Uuid) = act::by(session);
    let changed = agreement_offer::Entity::update_many()
        .set(agreement_offer::ActiveModel {
            answered_at: Set(Some(session.now())),
            answered_by_kind: Set(Some(by_kind)),
            answered_by_id: Set(Some(by_id)),
            row_version: Set(offer.row_version.saturating_add(1)),
            ..with
        })
        .filter(agreement_offer::Column::Id.eq(offer.id))
        .filter(agreement_offer::Column::RowVersion.eq(offer.row_version))
        .filter(agreement_offer::Column::Status.eq(Status::Open))
        .exec(tx)
        .await?;
    Ok(changed.rows_affected == 1)
}
