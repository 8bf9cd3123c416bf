//! What operators have stopped, which channels there are, and what workers show of themselves.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    // A row is a channel that nothing leaves by, at any instance, until it is resumed.
    schema.table("channel_pause", |t| {
        t.text("channel")
            .instant("paused_at")
            .primary_key(&["channel"])
            .check("channel", "channel = 'MAIL' OR channel = 'SMS'")
    });
    // One row: the channels that what is ahead has been planned by, and how far, when they are new.
    schema.table("channel_set", |t| t.id().text("channels").instant("taken_at").opt_uuid("planned_to"));
    schema.table("worker_beat", |t| t.id().instant("started_at").instant("beat_at").text("trouble"));
}
