//! What care has proposed and the patient's side has not answered: somebody asks.
//!
//! A message or a letter tells of the proposal once. Who has not answered in time may not have read it: that is a task for
//! the fast vårdkontakt, or the agreement's unit, once for each proposal. It ends when the patient answers.

use chrono::TimeDelta;
use entity::{
    AgreementVersionId, agreement,
    agreement_version::{self, Party, Status},
    patient,
    task::{self, Kind},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use uuid::Uuid;

use super::signal;
use crate::{error::Fault, session::Session};

/// How long a proposal of care's may wait for the patient's side before somebody asks.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::days(14);
/// Proposals looked at in one transaction.
const BATCH: u64 = 50;

const ASK: (&str, &str) = (
    "Patientens sida har inte svarat på vårdens förslag. Ring, eller påminn på annat sätt: säger patienten ja eller nej \
     till dig, anteckna det, eller ta tillbaka förslaget om det inte behövs längre.",
    "The patient's side has not answered care's proposal. Phone, or remind them in another way: if the patient tells you yes \
     or no, write it down, or take the proposal back if it is needed no more.",
);

/// Raises what has waited too long. Gives how many it found.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    use agreement_version::Column as V;
    let alive = patient::Entity::find()
        .select_only()
        .column(patient::Column::Id)
        .filter(patient::Column::DeceasedOn.is_null())
        .into_query();
    let asked = task::Entity::find()
        .select_only()
        .column(task::Column::SubjectId)
        .filter(task::Column::Kind.eq(Kind::PlanSignal))
        .into_query();
    let (mut after, mut raised) = (AgreementVersionId(Uuid::nil()), 0);
    loop {
        let waiting = agreement_version::Entity::find()
            .filter(V::Status.eq(Status::Proposed))
            .filter(V::ProposedBy.eq(Party::Care))
            .filter(V::ProposedAt.lte(session.now() - ANSWERED_WITHIN))
            .filter(V::CareAssentAt.is_not_null())
            .filter(V::PatientAssentAt.is_null())
            .filter(V::ObjectedAt.is_null())
            .filter(V::PatientId.in_subquery(alive.clone()))
            .filter(V::Id.not_in_subquery(asked.clone()))
            .filter(V::Id.gt(after))
            .order_by_asc(V::Id)
            .limit(BATCH);
        let (last, count) = session
            .core
            .db
            .write(async |tx| -> Result<(Option<AgreementVersionId>, usize), Fault> {
                let waiting = waiting.all(tx).await?;
                for version in &waiting {
                    let of = agreement::Entity::find_by_id(version.agreement_id)
                        .one(tx)
                        .await?
                        .ok_or_else(|| Fault::internal("a version without its agreement"))?;
                    signal::about(tx, session, &of, version.id, ASK.into()).await?;
                }
                Ok((waiting.last().map(|version| version.id), waiting.len()))
            })
            .await?;
        raised += count;
        let Some(last) = last else { return Ok(raised) };
        after = last;
    }
}
