//! What operators have stopped, and what workers show of themselves.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    // A row is a channel that nothing leaves by, at any instance, until it is resumed.
    schema.table("channel_pause", |t| {
        t.text("channel")
            .instant("paused_at")
            .primary_key(&["channel"])
            .check("channel", "channel = 'MAIL' OR channel = 'SMS'")
    });
    schema.table("worker_beat", |t| t.id().instant("started_at").instant("beat_at").text("trouble"));
}
