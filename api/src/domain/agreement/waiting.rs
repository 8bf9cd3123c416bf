//! What waits for nobody any more.
//!
//! A version may wait although everybody has said yes: for a guardian who has lost their access since, or for the
//! patient to choose between two agreements, of which the other has ended since. No act of anybody's would bring it
//! into force, so the service does, in its sweep. It acts in its own name: what stood in the way may be another care
//! provider's, of which nothing is told here.

use entity::{
    AgreementId, RepresentativeId, agreement_version,
    agreement_version::{Party, Status},
    version_assent,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement, sea_query::ExprTrait,
};
use uuid::Uuid;

use super::{
    consent::{self, Giver, Yes},
    rules::Assented,
    version::{Locked, document},
};
use crate::{
    db::Tx,
    domain::representative,
    error::{Fault, Stop},
    session::Session,
};

/// The name of what the service does by itself, in the history.
const ACTION: &str = "agreementSweep";

/// Agreements looked at in one sweep at most; the next one goes on.
const BATCH: usize = 100;

/// Agreements of the living with a proposal on what is in force that the patient's side has said yes to: not all of
/// that side, or all of both and no other agreement is in force.
const WAITING: &str = "SELECT DISTINCT a.id FROM agreement_version v JOIN agreement a ON a.id = v.agreement_id \
     JOIN patient p ON p.id = a.patient_id WHERE v.status = 'PROPOSED' AND v.objected_at IS NULL AND p.deceased_on IS NULL \
     AND (v.base_version_id = a.current_version_id OR v.base_version_id IS NULL) AND a.id > $1 \
     AND EXISTS (SELECT 1 FROM version_assent s WHERE s.version_id = v.id AND s.side = 'PATIENT') \
     AND (v.patient_assent_at IS NULL OR (v.care_assent_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM agreement o \
       WHERE o.patient_id = a.patient_id AND o.region = a.region AND o.id <> a.id \
       AND o.status IN ('ACTIVE', 'PATIENT_UNDECIDED')))) \
     ORDER BY a.id LIMIT 100";

/// Looks at what waits. Gives how many agreements it found.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    let db = &session.core.db;
    let mut after = Uuid::nil();
    let mut count = 0;
    loop {
        let found = db
            .read(async |db| -> Result<Vec<Uuid>, Fault> {
                let statement =
                    Statement::from_sql_and_values(db.get_database_backend(), WAITING, [after.into()]);
                let rows = db.query_all_raw(statement).await?;
                rows.iter().map(|row| row.try_get_by_index(0).map_err(Fault::from)).collect()
            })
            .await?;
        let Some(last) = found.last() else { break };
        after = *last;
        for id in &found {
            // Each by itself: what one refuses stands in nobody else's way.
            match db.write(async |tx| settle(tx, session, AgreementId(*id)).await).await {
                Ok(()) => count += 1,
                Err(Stop::Refused(_)) => {}
                Err(Stop::Fault(fault)) => return Err(fault),
            }
        }
        if found.len() < BATCH {
            break;
        }
    }
    Ok(count)
}

async fn settle(tx: &Tx, session: &Session, id: AgreementId) -> Result<(), Stop> {
    let mut agreement = Locked::row(tx, id).await?;
    let guardians = representative::guardians(tx, session, agreement.patient_id).await?;
    if !guardians.is_empty() {
        complete(tx, session, &mut agreement, &guardians, ACTION).await?;
    }
    choice_is_made(tx, session, &mut agreement).await
}

/// Looks again at every version that waits: is the patient's side whole now?
pub(super) async fn complete(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    guardians: &[RepresentativeId],
    action: &'static str,
) -> Result<(), Stop> {
    let waiting = proposals(tx, agreement, agreement_version::Column::PatientAssentAt.is_null()).await?;
    for version in waiting {
        let Some(digest) = version.hash.clone() else { continue };
        let given = version_assent::Entity::find()
            .filter(version_assent::Column::VersionId.eq(version.id))
            .filter(version_assent::Column::Side.eq(Party::Patient))
            .filter(version_assent::Column::ById.is_in(guardians.iter().map(|id| id.0)))
            .filter(version_assent::Column::Digest.eq(digest.clone()))
            .order_by_desc(version_assent::Column::At)
            .one(tx)
            .await?;
        // None of those who may has said yes: that nobody is missing is no assent.
        let Some(given) = given else { continue };
        let missing =
            consent::missing_guardians(tx, agreement, version.id, &digest, guardians.to_vec()).await?;
        // The version in force may have changed while this one waited.
        if !missing.is_empty() || version.base_version_id != agreement.in_force() {
            continue;
        }
        let effect = match version.care_assent_at {
            None => Assented::Waits,
            Some(_) if agreement.another_in_force(tx).await? => Assented::AwaitsChoice,
            Some(_) => Assented::Activates,
        };
        let giver = Giver::of_row(&given);
        let yes = Yes { effect, giver: Some(&giver), whole: true };
        consent::settle(tx, session, agreement, &version, &yes, action).await?;
    }
    Ok(())
}

/// Both sides have said yes, and the other agreement has ended: this is the one.
async fn choice_is_made(tx: &Tx, session: &Session, agreement: &mut Locked) -> Result<(), Stop> {
    use agreement_version::Column as V;
    let agreed = V::PatientAssentAt.is_not_null().and(V::CareAssentAt.is_not_null());
    for version in proposals(tx, agreement, agreed).await? {
        if version.base_version_id != agreement.in_force() || agreement.another_in_force(tx).await? {
            continue;
        }
        let stored = document(tx, &session.core.keys, &version).await?.digest()?;
        if version.hash.as_deref() != Some(stored.as_slice()) {
            return Err(Fault::internal("a proposed version does not match its digest").into());
        }
        let yes = Yes { effect: Assented::Activates, giver: None, whole: false };
        consent::settle(tx, session, agreement, &version, &yes, ACTION).await?;
    }
    Ok(())
}

async fn proposals(
    tx: &Tx,
    agreement: &Locked,
    such: sea_orm::sea_query::SimpleExpr,
) -> Result<Vec<agreement_version::Model>, Fault> {
    use agreement_version::Column as V;
    Ok(agreement_version::Entity::find()
        .filter(V::AgreementId.eq(agreement.id))
        .filter(V::Status.eq(Status::Proposed))
        // What the patient objects to waits for the patient.
        .filter(V::ObjectedAt.is_null())
        .filter(such)
        .order_by_asc(V::Number)
        .all(tx)
        .await?)
}
