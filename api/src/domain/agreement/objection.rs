//! Objections (invändningar) to what others said or wrote down as the patient's side's yes: whose the one is that stands,
//! and what ends it. Each stays on record in the words of whoever made it, with its ending; the version shows whether one
//! stands now.

use entity::{
    AgreementVersionId, RepresentativeId,
    access_event::ActorKind,
    agreement_version::{self, Status},
    task::Kind,
    version_objection::{self, Ending},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;

use super::{
    consent::Giver,
    version::{Locked, event},
};
use crate::{
    db::Tx,
    domain::{
        act,
        history::{self, Change},
        task,
    },
    error::{Fault, Stop},
    session::Session,
};

/// Column that holds the words of whoever objected.
pub const WORDS: &str = "version_objection.words";

/// The name of it in the history.
const ACTION: &str = "agreementObjectionLapse";

/// Whose objection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objector {
    Patient,
    /// One of joint guardians, or another representative, to what somebody else said for the patient.
    Representative,
}

impl Objector {
    /// Of the objection to the version, if one stands.
    pub(super) fn of(version: &agreement_version::Model) -> Option<Self> {
        version.objected_at.map(|_| match version.objected_by {
            Some(_) => Self::Representative,
            None => Self::Patient,
        })
    }
}

/// How an assent of the giver's ends the objection to the version, if it does: the patient's own word settles every one,
/// whoever objected drops their own, and over a representative's the patient's word counts, also by word of mouth.
pub(super) fn settled_by(version: &agreement_version::Model, giver: &Giver<'_>) -> Option<Ending> {
    match (Objector::of(version)?, giver.kind) {
        (Objector::Patient, _) => giver.is_the_patient().then_some(Ending::Dropped),
        (Objector::Representative, ActorKind::Patient) => Some(Ending::Overruled),
        (Objector::Representative, kind) => {
            let own = kind == ActorKind::Representative
                && giver.oral.is_none()
                && version.objected_by == Some(RepresentativeId(giver.id));
            own.then_some(Ending::Dropped)
        }
    }
}

/// Whether a representative's objection to the version gives way to an assent of the giver's.
pub(super) fn outranked_by(version: &agreement_version::Model, giver: &Giver<'_>) -> bool {
    version.objected_by.is_some() && settled_by(version, giver).is_some()
}

/// Ends the objections to these versions that stand. What sums a version up is the caller's to clear.
pub(super) async fn end(
    tx: &Tx,
    session: &Session,
    versions: &[AgreementVersionId],
    ending: Ending,
) -> Result<(), Fault> {
    use version_objection::Column as O;
    if versions.is_empty() {
        return Ok(());
    }
    version_objection::Entity::update_many()
        .set(version_objection::ActiveModel {
            ended_at: Set(Some(session.now())),
            ending: Set(Some(ending)),
            ..Default::default()
        })
        .filter(O::VersionId.is_in(versions.iter().copied()))
        .filter(O::EndedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// An assent has settled the objection to the version: care has nothing to do about it any more.
pub(super) async fn settle(
    tx: &Tx,
    session: &Session,
    version: AgreementVersionId,
    ending: Ending,
) -> Result<(), Fault> {
    end(tx, session, &[version], ending).await?;
    let words = if ending == Ending::Overruled {
        ("Patienten har godkänt versionen.", "The patient has assented to it.")
    } else {
        ("Den som invände har godkänt versionen.", "Whoever objected has assented to it.")
    };
    let done = task::Ending::Done;
    task::end(tx, session, Kind::Objection, version.0, done, Some(words.into())).await?;
    Ok(())
}

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
        let superseded = task::Ending::Superseded;
        task::end(tx, session, Kind::Objection, version.id.0, superseded, Some(why.into())).await?;
    }
    let ids: Vec<_> = lapsed.iter().map(|version| version.id).collect();
    end(tx, session, &ids, Ending::Lapsed).await?;
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
