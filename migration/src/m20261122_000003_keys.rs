//! Keys: those that seal text, and those by which a repeated request is known.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    schema.table("data_key", |t| {
        t.int("id")
            .primary_key(&["id"])
            .one_of("purpose", &["SEAL", "LOOKUP"])
            .text("master_key_id")
            .bytes("wrapped")
            .instant("created_at")
    });
    // Without its key nothing that was sealed with it can ever be read again.
    schema.keep("data_key");

    schema.table("idempotency_key", |t| {
        t.bytes("scope")
            .primary_key(&["scope"])
            .bytes("input_hash")
            .opt_bytes("result")
            .instant("created_at")
            .index(&["created_at"])
    });
}
