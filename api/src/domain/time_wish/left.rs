//! Times that a patient has moved away from because they asked: for what they wish for then, they are not offered these.

use entity::{appointment, left_slot};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

use crate::{db::Tx, error::Fault, session::Session};

/// Remembers the slot of a time that is moved, as it was. The patient is locked.
pub(crate) async fn remember(tx: &Tx, session: &Session, old: &appointment::Model) -> Result<(), Fault> {
    use left_slot::Column as C;
    let row = left_slot::ActiveModel {
        slot_id: Set(old.slot_id),
        patient_id: Set(old.patient_id),
        care_unit_id: Set(old.care_unit_id),
        care_provider_id: Set(old.care_provider_id),
        left_at: Set(session.now()),
    };
    let again = OnConflict::columns([C::SlotId, C::PatientId]).update_column(C::LeftAt).to_owned();
    left_slot::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}
