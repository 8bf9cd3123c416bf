//! Reminder preferences, read from flat rows.

use entity::{contact_way, reminder_preference};
use uuid::Uuid;

use super::cols::Cols;
use crate::{
    error::Fault,
    graphql::{
        scalars::{GlobalId, NodeKind},
        types::messages::ReminderPreference,
    },
};

/// The columns of a [`ReminderPreference`] for `rp`.
pub const COLUMN_LIST: &str =
    "rp.id, rp.kind, rp.channel, rp.opted_in, rp.detail, rp.text_shown, rp.decided_at, rp.row_version";

/// Reads [`COLUMN_LIST`] after a left join, as the last group of a row.
pub fn opt_preference(cols: &mut Cols<'_>) -> Result<Option<ReminderPreference>, Fault> {
    let Some(id) = cols.opt::<Uuid>()? else { return Ok(None) };
    let kind: reminder_preference::PreferenceKind = cols.text_enum()?;
    let channel: contact_way::Channel = cols.text_enum()?;
    let opted_in = cols.take()?;
    let detail: reminder_preference::Detail = cols.text_enum()?;
    Ok(Some(ReminderPreference {
        id: GlobalId::new(NodeKind::ReminderPreference, id),
        kind: kind.into(),
        channel: channel.into(),
        opted_in,
        detail: detail.into(),
        text_shown: cols.take()?,
        decided_at: cols.take()?,
        row_version: cols.take()?,
    }))
}
