//! Representatives (ombud) and young people: who reaches a patient's data beside, or before, the patient themself.

pub mod assess;
pub mod grant;
pub mod rules;

use entity::{PatientId, RepresentativeId, access_assessment, patient, representative};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    auth::policy::{Action, Noun, Rights},
    domain::history::Owner,
    error::Fault,
    session::Session,
};

/// Column that holds a representative's number.
pub const NUMBER: &str = "representative.number";
/// Column that holds an assessment's reason.
pub const REASON: &str = "access_assessment.reason";

/// Care's decisions about who reaches the data of `patient`, the oldest first.
pub async fn assessed(
    db: &impl ConnectionTrait,
    patient: PatientId,
) -> Result<Vec<access_assessment::Model>, Fault> {
    assessed_of(db, [patient]).await
}

/// The same of several patients, in one statement.
pub async fn assessed_of(
    db: &impl ConnectionTrait,
    patients: impl IntoIterator<Item = PatientId>,
) -> Result<Vec<access_assessment::Model>, Fault> {
    Ok(access_assessment::Entity::find()
        .filter(access_assessment::Column::PatientId.is_in(patients))
        .order_by_asc(access_assessment::Column::At)
        .order_by_asc(access_assessment::Column::Id)
        .all(db)
        .await?)
}

impl From<&patient::Model> for rules::Principal {
    fn from(row: &patient::Model) -> Self {
        Self {
            born: row.birth_date,
            dead: row.deceased_on.is_some(),
            protected: row.protected_identity != patient::ProtectedIdentity::None,
        }
    }
}

/// Everyone who represents `patient` now, with the rights they have.
pub async fn in_force(
    db: &impl ConnectionTrait,
    session: &Session,
    patient: PatientId,
) -> Result<Vec<(representative::Model, Rights)>, Fault> {
    let Some(whom) = patient::Entity::find_by_id(patient).one(db).await? else { return Ok(Vec::new()) };
    let named = representative::Entity::find()
        .filter(representative::Column::PatientId.eq(patient))
        .order_by_asc(representative::Column::Id)
        .all(db)
        .await?;
    let assessed = if named.is_empty() { Vec::new() } else { assessed(db, patient).await? };
    let (ages, now) = (&session.core.settings.ages, session.now());
    let holds = |row: representative::Model| {
        rules::in_force(&row, (&whom).into(), &assessed, ages, now).map(|rights| (row, rights))
    };
    Ok(named.into_iter().filter_map(holds).collect())
}

/// The guardians (vårdnadshavare) in force.
pub async fn guardians(
    db: &impl ConnectionTrait,
    session: &Session,
    patient: PatientId,
) -> Result<Vec<RepresentativeId>, Fault> {
    let all = in_force(db, session, patient).await?;
    let guardians = all.into_iter().filter(|(row, _)| row.kind == representative::Kind::Guardian);
    Ok(guardians.map(|(row, _)| row.id).collect())
}

/// Whether this representative may assent for the patient now.
pub async fn may_assent(
    db: &impl ConnectionTrait,
    session: &Session,
    patient: PatientId,
    id: RepresentativeId,
) -> Result<bool, Fault> {
    let all = in_force(db, session, patient).await?;
    Ok(all.iter().any(|(row, rights)| row.id == id && rights.cover(Noun::Agreement, Action::Assent)))
}

/// Whether the patient may assent themself: not before the age at which the plan is their own, unless care has
/// assessed that they may.
pub async fn patient_may_assent(
    db: &impl ConnectionTrait,
    session: &Session,
    id: PatientId,
) -> Result<bool, Fault> {
    let whom = principal(db, id).await?;
    let assessed = assessed(db, id).await?;
    let own = rules::own_rights(whom.birth_date, &assessed, &session.core.settings.ages, session.now());
    Ok(own.is_none_or(|rights| rights.cover(Noun::Agreement, Action::Assent)))
}

/// The patient of a row.
async fn principal(db: &impl ConnectionTrait, id: PatientId) -> Result<patient::Model, Fault> {
    let row = patient::Entity::find_by_id(id).one(db).await?;
    row.ok_or_else(|| Fault::internal("a representative without their patient"))
}

pub(crate) fn owner(whom: &patient::Model) -> Owner {
    Owner {
        patient: whom.id,
        care_unit: whom.care_unit_id,
        care_provider: whom.care_provider_id,
        agreement: None,
    }
}
