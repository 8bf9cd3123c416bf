//! A patient who could not decide does now, and says no (avböja): what held without their decision ends, and the agreement
//! with it. It is their own word alone, said here or to staff who write down how.

use entity::{
    agreement::EndReason,
    agreement_offer::Way,
    agreement_version::{self, Status},
    task::Kind,
    version_objection,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::{
    end::{self, Finish},
    objection,
    version::Locked,
};
use crate::{
    db::Tx,
    domain::{
        history::{self, Change},
        task::{self, Ending, words::Words},
    },
    error::{Problem, Stop},
    session::Session,
};

/// Ends both. The no is kept with the version that it was about, and with the agreement why it ended.
pub(super) async fn end(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    version: &agreement_version::Model,
    (words, said): (&str, Option<Way>),
    action: &'static str,
) -> Result<(), Stop> {
    let changed = agreement_version::Entity::update_many()
        .set(agreement_version::ActiveModel {
            status: Set(Status::Ended),
            objected_at: Set(None),
            objected_by: Set(None),
            row_version: Set(version.row_version + 1),
            ..Default::default()
        })
        .filter(agreement_version::Column::Id.eq(version.id))
        .filter(agreement_version::Column::RowVersion.eq(version.row_version))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    objection::end(tx, session, &[version.id], version_objection::Ending::Superseded).await?;
    let mut after = json!({ "number": version.number, "status": Status::Ended, "words": words });
    if let Some(said) = said {
        after["how"] = json!(said);
    }
    let change = Change {
        kind: "agreement_version",
        subject: version.id.0,
        before: Some(json!({ "number": version.number, "status": version.status })),
        after: Some(after),
    };
    history::record(tx, session, (&**agreement).into(), action, [change]).await?;
    let decided = Words::ours("Patienten har sagt nej till planen.", "The patient has said no to the plan.");
    task::end(tx, session, Kind::PatientDecision, agreement.id.0, Ending::Done, Some(decided)).await?;
    let how = Finish { reason: EndReason::PatientDeclined, words: Some(words), action };
    end::leave(tx, session, agreement, &how).await
}
