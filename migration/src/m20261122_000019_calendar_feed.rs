//! The patients' personal calendar feeds.

use crate::schema::Schema;

pub fn up(schema: &mut Schema) {
    schema.table("calendar_feed", |t| {
        t.id()
            .about_patient()
            // The hash of the secret in the feed's address; none once it is revoked.
            .opt_bytes("secret_hash")
            .one_of("detail", &["TIME_ONLY", "UNIT_NAME", "UNIT_AND_ADDRESS"])
            .instant("created_at")
            .int("row_version")
            .unique(&["patient_id"])
            .unique(&["secret_hash"])
    });
    schema.keep("calendar_feed");
}
