//! Whether an address works, as far as a message to it tells.

use entity::{change_entry, contact_way, guardian_reminder, notice, staff_notice};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use crate::{db::Tx, error::Fault, reminder::channel::FailureCode};

/// Whether this tells that the address will never take a message.
pub(super) const fn is_of_the_address(reason: FailureCode) -> bool {
    matches!(reason, FailureCode::BadAddress | FailureCode::Undelivered)
}

/// Whether another address has been given since the message was addressed: then what became of the message tells nothing
/// about the one that stands there now.
pub(in crate::reminder) async fn given_since(tx: &Tx, notice: &notice::Model) -> Result<bool, Fault> {
    use change_entry::Column as H;
    let addressed_at = notice.claimed_at.or(notice.sent_at).unwrap_or(notice.created_at);
    if let Some(id) = notice.staff_notice_id {
        let choice = staff_notice::Entity::find_by_id(id).one(tx).await?;
        return Ok(choice.is_some_and(|choice| choice.decided_at > addressed_at));
    }
    let (kind, way) = match (notice.guardian_reminder_id, notice.contact_way_id) {
        (Some(id), _) => ("guardian_reminder", id.0),
        (None, Some(id)) => ("contact_way", id.0),
        (None, None) => return Ok(false),
    };
    let given = change_entry::Entity::find()
        .filter(H::PatientId.eq(notice.patient_id))
        .filter(H::SubjectKind.eq(kind))
        .filter(H::SubjectId.eq(way))
        .filter(H::At.gt(addressed_at))
        .one(tx)
        .await?;
    Ok(given.is_some())
}

/// An address that will never take a message is not used again, and whoever gave it is asked for another; until it turns
/// out to work.
pub(in crate::reminder) async fn set_way(
    tx: &Tx,
    notice: &notice::Model,
    status: contact_way::Status,
) -> Result<(), Fault> {
    if let Some(id) = notice.guardian_reminder_id {
        use guardian_reminder::Column as G;
        guardian_reminder::Entity::update_many()
            .col_expr(G::Status, Expr::value(status))
            .col_expr(G::RowVersion, Expr::col(G::RowVersion).add(1))
            .filter(G::Id.eq(id))
            .exec(tx)
            .await?;
    }
    if let Some(id) = notice.staff_notice_id {
        use staff_notice::Column as S;
        staff_notice::Entity::update_many()
            .col_expr(S::Status, Expr::value(status))
            .col_expr(S::RowVersion, Expr::col(S::RowVersion).add(1))
            .filter(S::Id.eq(id))
            .exec(tx)
            .await?;
    }
    let Some(way) = notice.contact_way_id else { return Ok(()) };
    contact_way::Entity::update_many()
        .col_expr(contact_way::Column::Status, Expr::value(status))
        .col_expr(contact_way::Column::RowVersion, Expr::col(contact_way::Column::RowVersion).add(1))
        .filter(contact_way::Column::Id.eq(way))
        .exec(tx)
        .await?;
    Ok(())
}
