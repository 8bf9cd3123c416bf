//! Objections (invändningar) of representatives that count no longer. The objection stays on record with the assents that
//! it was to; the version is shown as objected to no more.

use entity::{
    RepresentativeId,
    agreement_version::{self, Status},
    task::Kind,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;

use super::version::{Locked, event};
use crate::{
    db::Tx,
    domain::{
        act,
        history::{self, Change},
        task::{self, Ending},
    },
    error::Stop,
    session::Session,
};

/// The name of it in the history.
const ACTION: &str = "agreementObjectionLapse";

/// Drops the objections of those representatives who have no say any more, to what waits or is in force; `why` ends
/// care's task about each.
pub(super) async fn lapse(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    has_no_say: impl Fn(RepresentativeId) -> bool,
    why: (&'static str, &'static str),
) -> Result<(), Stop> {
    use agreement_version::Column as V;
    let mut lapsed = agreement_version::Entity::find()
        .filter(V::AgreementId.eq(agreement.id))
        .filter(V::ObjectedBy.is_not_null())
        .filter(V::Status.is_in([Status::Proposed, Status::Active, Status::PatientUndecided]))
        .order_by_asc(V::Number)
        .all(tx)
        .await?;
    lapsed.retain(|version| version.objected_by.is_some_and(&has_no_say));
    if lapsed.is_empty() {
        return Ok(());
    }
    for version in &lapsed {
        agreement_version::Entity::update_many()
            .set(agreement_version::ActiveModel {
                objected_at: Set(None),
                objected_by: Set(None),
                row_version: Set(version.row_version + 1),
                ..Default::default()
            })
            .filter(V::Id.eq(version.id))
            .exec(tx)
            .await?;
        task::end(tx, session, Kind::Objection, version.id.0, Ending::Superseded, Some(why.into())).await?;
    }
    let changes = lapsed.iter().map(|version| Change {
        kind: "agreement_version",
        subject: version.id.0,
        before: Some(json!({ "objection": true })),
        after: Some(json!({ "objection": false })),
    });
    history::record(tx, session, (&**agreement).into(), ACTION, changes).await?;
    let (status, current) = (agreement.status, agreement.current_version_id);
    agreement.touch(tx, session, status, current).await?;
    let events = lapsed.iter().map(|version| event(agreement, "agreement.objection_lapsed", version.id.0));
    Ok(act::emit(tx, session, events.collect::<Vec<_>>()).await?)
}
