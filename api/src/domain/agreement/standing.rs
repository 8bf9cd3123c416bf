//! Whose yes counts now.
//!
//! An assent is an act on record, and stays as it was given. Whether somebody may assent is never stored, but worked
//! out anew: what comes into force needs a patient's side that is whole at that moment. So the yes of a representative
//! (ombud) who has been stopped, taken back or has run out since counts no longer towards it, nor does that of a young
//! person whom care had let in early for a time. A version that is in force already stays so: it was agreed by those
//! who could. Care's yes is the unit's, and outlives the assignment of whoever gave it.

use std::collections::BTreeSet;

use entity::{
    AgreementId, AgreementVersionId, RepresentativeId,
    access_event::ActorKind,
    agreement,
    agreement_version::{self, Party, Status},
    guardian_exception,
    representative::Kind,
    version_assent::{self, Given},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    auth::policy::{Action, Noun},
    db::Tx,
    domain::representative,
    error::Fault,
    session::Session,
};

/// The assent that the patient's side stands on now, if that side is whole: the patient's own before others', the
/// latest before earlier ones.
pub async fn of_patient(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
    digest: &[u8],
) -> Result<Option<version_assent::Model>, Fault> {
    use version_assent::Column as A;
    let mut given = version_assent::Entity::find()
        .filter(A::VersionId.eq(version))
        .filter(A::Side.eq(Party::Patient))
        .filter(A::Digest.eq(digest))
        .order_by_asc(A::At)
        .order_by_asc(A::Id)
        .all(tx)
        .await?;
    let patient = agreement.patient_id;
    let (own, mut others): (Vec<_>, Vec<_>) =
        given.drain(..).partition(|assent| assent.by_kind == ActorKind::Patient);
    if !own.is_empty() && representative::patient_may_assent(tx, session, patient).await? {
        let direct = own.iter().rfind(|assent| assent.given == Given::Direct);
        return Ok(direct.or(own.last()).cloned());
    }
    if others.is_empty() {
        return Ok(None);
    }
    let mut may_assent = BTreeSet::new();
    let mut guardians = BTreeSet::new();
    for (row, rights) in representative::in_force(tx, session, patient).await? {
        if rights.cover(Noun::Agreement, Action::Assent) {
            may_assent.insert(row.id);
        }
        if row.kind == Kind::Guardian {
            guardians.insert(row.id);
        }
    }
    others.retain(|assent| may_assent.contains(&RepresentativeId(assent.by_id)));
    let alone = |assent: &&version_assent::Model| !guardians.contains(&RepresentativeId(assent.by_id));
    if let Some(assent) = others.iter().rev().find(alone) {
        return Ok(Some(assent.clone()));
    }
    // That nobody is missing is no assent: one of those who may has said yes.
    let Some(latest) = others.last().cloned() else { return Ok(None) };
    for assent in &others {
        guardians.remove(&RepresentativeId(assent.by_id));
    }
    let excepted = excepted(tx, agreement.id).await?;
    Ok(guardians.is_subset(&excepted).then_some(latest))
}

/// The guardians whose yes care has recorded that the agreement can do without, and who have given none since.
pub async fn excepted(tx: &Tx, agreement: AgreementId) -> Result<BTreeSet<RepresentativeId>, Fault> {
    let rows = guardian_exception::Entity::find()
        .filter(guardian_exception::Column::AgreementId.eq(agreement))
        .filter(guardian_exception::Column::EndedAt.is_null())
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|exception| exception.representative_id).collect())
}

/// Whether the patient's side of a version has assented. What waits is looked at anew; what has been agreed stays.
pub async fn has_assented(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: &agreement_version::Model,
) -> Result<bool, Fault> {
    let summed_up = version.patient_assent_at.is_some();
    match (version.status, &version.hash) {
        (Status::Proposed, Some(digest)) if summed_up => {
            Ok(of_patient(tx, session, agreement, version.id, digest).await?.is_some())
        }
        _ => Ok(summed_up),
    }
}

/// Takes the patient's side out of what sums a version up: their yes stays on record, and counts no longer.
pub fn lapse(row: &mut agreement_version::ActiveModel) {
    use sea_orm::ActiveValue::Set;
    row.patient_assent_at = Set(None);
    row.patient_assent_kind = Set(None);
    row.patient_assent_id = Set(None);
    row.patient_assent_given = Set(None);
}
