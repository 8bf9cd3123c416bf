//! Patients: who they are and how their numbers are written.

pub mod death_corrected;
pub mod deceased;
pub mod language;
pub mod needs;
pub mod personal_number;

use entity::{PatientId, patient};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::LockType};

use crate::{
    db::Tx,
    error::{Fault, Problem, ProblemCode},
    fault,
};

/// Under which a personal identity number is hashed for look-up, in its kept form.
pub const IDENTITY_LOOKUP: &str = "identity number";

/// Death ends what can be done for a patient.
pub fn alive(patient: &patient::Model) -> Result<(), Problem> {
    if patient.deceased_on.is_some() {
        return Err(Problem::new(
            ProblemCode::Conflict,
            "Patienten är avliden. Det här kan inte göras.",
            "The patient has died. This cannot be done.",
        ));
    }
    Ok(())
}

/// The patient as they are now, held until the transaction ends: two beginnings of one thing, or a beginning and a
/// death, happen one after the other. Rows that only refer to the patient may be written by others meanwhile.
pub async fn lock(tx: &Tx, id: PatientId) -> Result<patient::Model, Fault> {
    let locked = patient::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await?;
    fault::point("locked").await;
    locked.ok_or_else(|| Fault::internal("a granted patient vanished"))
}

/// [`lock`] of several, in the order of their ids, as everywhere.
pub async fn lock_all(tx: &Tx, ids: &[PatientId]) -> Result<(), Fault> {
    patient::Entity::find()
        .select_only()
        .column(patient::Column::Id)
        .filter(patient::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(patient::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple::<PatientId>()
        .all(tx)
        .await?;
    Ok(())
}
