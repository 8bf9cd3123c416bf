//! A patient's death ends every contact role, and what was asked for or offered.

use chrono::{DateTime, Utc};
use entity::{
    care_contact::{self, Status},
    care_relation, contact_offer, contact_request, patient, register_event,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;

use super::{offer, register, request};
use crate::{
    crypto::Place,
    db::Tx,
    domain::{
        act,
        booking::RELATION_AFTER,
        history::{self, Change},
        reason::DIED,
        relation,
    },
    error::Fault,
    session::Session,
};

/// Ends them with every care provider; the register is told of each.
pub async fn after_death(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    action: &'static str,
) -> Result<(), Fault> {
    let now = session.now();
    let held = care_contact::Entity::find()
        .filter(care_contact::Column::PatientId.eq(whom.id))
        .filter(care_contact::Column::Status.ne(Status::Ended))
        .order_by_asc(care_contact::Column::Id);
    for contact in held.all(tx).await? {
        end_role(tx, session, &contact, now, action).await?;
    }
    let asked = contact_request::Entity::find()
        .filter(contact_request::Column::PatientId.eq(whom.id))
        .filter(contact_request::Column::Status.eq(contact_request::Status::Open));
    for row in asked.all(tx).await? {
        let place = Place::new(request::ENDING, row.id.0);
        contact_request::Entity::update_many()
            .set(contact_request::ActiveModel {
                status: Set(contact_request::Status::Deceased),
                ended_at: Set(Some(now)),
                ending: Set(Some(session.core.keys.seal(place, DIED.0)?)),
                row_version: Set(row.row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(contact_request::Column::Id.eq(row.id))
            .filter(contact_request::Column::Status.eq(contact_request::Status::Open))
            .exec(tx)
            .await?;
        let to = contact_request::Status::Deceased;
        let change = fell("contact_request", row.id.0, json!(row.status), json!(to));
        history::record(tx, session, request::owner(&row), action, [change]).await?;
        act::emit(tx, session, [request::event(&row, "contact.request_ended")]).await?;
    }
    let offered = contact_offer::Entity::find()
        .filter(contact_offer::Column::PatientId.eq(whom.id))
        .filter(contact_offer::Column::Status.eq(contact_offer::Status::Open));
    for row in offered.all(tx).await? {
        let to = contact_offer::Status::Deceased;
        let died = json!({ "status": to, "reason": DIED.0 });
        offer::fall(tx, session, &row, to, died, action).await?;
    }
    Ok(())
}

async fn end_role(
    tx: &Tx,
    session: &Session,
    contact: &care_contact::Model,
    now: DateTime<Utc>,
    action: &'static str,
) -> Result<(), Fault> {
    let place = Place::new("care_contact.end_reason", contact.id.0);
    let ended = care_contact::Model { status: Status::Ended, ended_at: Some(now), ..contact.clone() };
    care_contact::Entity::update_many()
        .set(care_contact::ActiveModel {
            status: Set(ended.status),
            ended_at: Set(ended.ended_at),
            end_reason: Set(Some(session.core.keys.seal(place, DIED.0)?)),
            ..Default::default()
        })
        .col_expr(care_contact::Column::RowVersion, Expr::col(care_contact::Column::RowVersion).add(1))
        .filter(care_contact::Column::Id.eq(contact.id))
        .exec(tx)
        .await?;
    // For notes and what remains to be done, as after a visit.
    let source = care_relation::Source::Contact;
    relation::end(tx, contact.patient_id, source, contact.id.0, now + RELATION_AFTER).await?;
    let change = fell("care_contact", contact.id.0, json!(contact.status), json!(Status::Ended));
    history::record(tx, session, contact.into(), action, [change]).await?;
    register::tell(tx, session, &ended, register_event::Change::Ended).await
}

fn fell(kind: &'static str, subject: uuid::Uuid, from: serde_json::Value, to: serde_json::Value) -> Change {
    Change {
        kind,
        subject,
        before: Some(json!({ "status": from })),
        after: Some(json!({ "status": to, "reason": DIED.0 })),
    }
}
