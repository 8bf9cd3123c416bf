//! Offers of an agreement (erbjudanden): care asks, the patient answers, both are on record.

pub mod answer;
pub mod make;

use entity::{
    agreement,
    agreement_offer::{self, Status},
    patient,
    task::{self, Kind},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use uuid::Uuid;

use super::{
    act::{self, Event},
    history::{self, Change, Owner},
    request,
    task::{Ending, Raise, end, raise, words::Words},
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

/// The yes has led to what it was about, or the patient has left that since.
fn already_proposed() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Svaret går inte att ta tillbaka längre: ett patientkontrakt har redan föreslagits eller avslutats. Svara på \
         förslaget i stället.",
        "The answer can be taken back no longer: an agreement has already been proposed or ended. Answer the proposal \
         instead.",
    )
}

/// What the agreement's care provider has offered the patient.
async fn offered(
    tx: &Tx,
    of: &agreement::Model,
    status: Status,
) -> Result<Vec<agreement_offer::Model>, Fault> {
    let offers = agreement_offer::Entity::find()
        .filter(agreement_offer::Column::PatientId.eq(of.patient_id))
        .filter(agreement_offer::Column::Region.eq(of.region.as_str()))
        .filter(agreement_offer::Column::CareProviderId.eq(of.care_provider_id))
        .filter(agreement_offer::Column::Status.eq(status));
    Ok(offers.all(tx).await?)
}

/// An agreement has been begun: what this care provider had offered and waits for no more has been overtaken.
pub async fn superseded(tx: &Tx, session: &Session, by: &agreement::Model) -> Result<(), Fault> {
    for offer in offered(tx, by, Status::Open).await? {
        fall(tx, session, &offer, Status::Superseded, "agreementCreate").await?;
    }
    Ok(())
}

/// An agreement has been proposed: what the patient said yes to has been done.
pub async fn fulfilled(tx: &Tx, session: &Session, by: &agreement::Model) -> Result<(), Fault> {
    for offer in offered(tx, by, Status::Accepted).await? {
        let words = Words::ours("Patientkontraktet är föreslaget.", "The agreement has been proposed.");
        end(tx, session, Kind::AgreementRequest, offer.id.0, Ending::Done, Some(words)).await?;
    }
    Ok(())
}

/// The patient no longer wants what they had said yes to and is being drawn up.
pub async fn taken_back(tx: &Tx, session: &Session, left: &agreement::Model) -> Result<(), Fault> {
    for offer in offered(tx, left, Status::Accepted).await? {
        end(tx, session, Kind::AgreementRequest, offer.id.0, Ending::Withdrawn, None).await?;
    }
    Ok(())
}

/// The proposal has come to nothing before it was agreed on: what the patient said yes to is still to be done, by the time
/// it was. `why` is what the task says.
pub async fn unfulfilled(
    tx: &Tx,
    session: &Session,
    by: &agreement::Model,
    why: (&str, &str),
) -> Result<(), Fault> {
    if request::answered_otherwise(tx, by).await? {
        return Ok(());
    }
    let accepted = offered(tx, by, Status::Accepted).await?;
    let begun = task::Entity::find()
        .filter(task::Column::Kind.eq(Kind::AgreementRequest))
        .filter(task::Column::SubjectId.is_in(accepted.iter().map(|offer| offer.id.0)))
        .filter(task::Column::Status.eq(task::Status::Done))
        .filter(task::Column::EndedAt.gte(by.created_at))
        .order_by_desc(task::Column::EndedAt)
        .one(tx)
        .await?;
    if let Some(done) = begun {
        let again = Raise {
            kind: Kind::AgreementRequest,
            owner: Owner::from(&done),
            assignee: None,
            subject: done.subject_id,
            due_at: done.due_at,
            note: Some(why.into()),
        };
        raise(tx, session, &again).await?;
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
        fall(tx, session, &offer, Status::Deceased, action).await?;
    }
    Ok(())
}

/// Ends an open offer that nobody answers any more.
async fn fall(
    tx: &Tx,
    session: &Session,
    offer: &agreement_offer::Model,
    to: Status,
    action: &'static str,
) -> Result<(), Fault> {
    settle(tx, session, offer, agreement_offer::ActiveModel { status: Set(to), ..Default::default() })
        .await?;
    let change = Change {
        kind: "agreement_offer",
        subject: offer.id.0,
        before: Some(json!({ "status": Status::Open })),
        after: Some(json!({ "status": to })),
    };
    history::record(tx, session, offer.into(), action, [change]).await?;
    act::emit(tx, session, [event("agreement.offer_ended", offer)]).await
}

/// Settles an offer as it was read, by whoever acts; false when it was settled or changed meanwhile.
async fn settle(
    tx: &Tx,
    session: &Session,
    offer: &agreement_offer::Model,
    with: agreement_offer::ActiveModel,
) -> Result<bool, Fault> {
    let words =
        Words::ours("Erbjudandet väntar inte på svar längre.", "The offer waits for an answer no more.");
    end(tx, session, Kind::Letter, offer.id.0, Ending::Superseded, Some(words)).await?;
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
        .filter(agreement_offer::Column::Status.eq(offer.status))
        .exec(tx)
        .await?;
    Ok(changed.rows_affected == 1)
}
