//! Marking a thread as read up to a message.

use entity::{ThreadId, ThreadMessageId, thread, thread_message, thread_read};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;

use super::{emit, reach, seen};
use crate::{
    auth::policy::Action,
    db::Tx,
    domain::act::{self, Done, Receipt},
    error::{Fault, Problem},
    session::Session,
};

/// How far the caller has read.
#[derive(Clone, Debug, Serialize)]
pub struct MarkRead {
    pub thread: ThreadId,
    pub message: ThreadMessageId,
}

/// Marks the message and all before it as read by the caller. Marking less than before changes nothing.
pub async fn mark_read(session: &Session, key: &str, cmd: &MarkRead) -> Result<Receipt, Fault> {
    act::perform(session, "threadMarkRead", key, cmd, async |tx| {
        let of = reach(tx, session, Action::MarkRead, cmd.thread).await?;
        let message = thread_message::Entity::find_by_id(cmd.message)
            .filter(thread_message::Column::ThreadId.eq(of.id))
            .one(tx)
            .await?
            .ok_or_else(|| Problem::not_found("messageId"))?;
        let (_, reader_id) = act::by(session);
        let further = thread_read::Entity::find()
            .filter(thread_read::Column::ThreadId.eq(of.id))
            .filter(thread_read::Column::ReaderId.eq(reader_id))
            .filter(thread_read::Column::MessageId.gte(message.id))
            .one(tx)
            .await?;
        if further.is_none() {
            mark(tx, session, &of, message.id).await?;
            emit(tx, session, &of, "thread.read").await?;
            if session.actor.staff().is_none() {
                seen(tx, session, &of).await?;
            }
        }
        Ok(Done::on(of.patient_id).with("thread", of.id.0))
    })
    .await
}

/// Marks the message and all before it as read by the caller.
pub(super) async fn mark(
    tx: &Tx,
    session: &Session,
    of: &thread::Model,
    message: ThreadMessageId,
) -> Result<(), Fault> {
    let (reader_kind, reader_id) = act::by(session);
    let row = thread_read::ActiveModel {
        thread_id: Set(of.id),
        reader_id: Set(reader_id),
        patient_id: Set(of.patient_id),
        care_unit_id: Set(of.care_unit_id),
        care_provider_id: Set(of.care_provider_id),
        reader_kind: Set(reader_kind),
        message_id: Set(message),
        read_at: Set(session.now()),
    };
    // The same mark set twice at once is one mark.
    thread_read::Entity::insert(row).on_conflict_do_nothing().exec_without_returning(tx).await?;
    Ok(())
}
