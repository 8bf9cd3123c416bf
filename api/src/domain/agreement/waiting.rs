//! What waits for nobody any more.
//!
//! A version may wait although everybody has said yes: for a guardian who has lost their access since, or for the
//! patient to choose between two agreements, of which the other has ended since. No act of anybody's would bring it
//! into force, so the service does, in its sweep. It acts in its own name: what stood in the way may be another care
//! provider's, of which nothing is told here.
//!
//! And the other way round: whoever said yes for the patient may assent no longer. Then the version waits for the
//! patient's side again, and both sides see that. So it is with whoever objected.

use chrono::Months;
use entity::{AgreementId, agreement_version, agreement_version::Status};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement, Value,
    sea_query::ExprTrait,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    consent::{self, Giver, Yes},
    objection,
    rules::Assented,
    standing,
    version::{Locked, document, event},
};
use crate::{
    auth::policy::{Action, Noun, Rights},
    calendar::to_local,
    db::Tx,
    domain::{
        act,
        history::{self, Change},
        representative,
    },
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

/// Agreements with a proposal whose yes of the patient's side was given by somebody who may no longer: a representative
/// who ran out, was stopped, is suspended by protected identity or too old a child's guardian ($3 is the birthday of
/// those who attain the age today), or a young person who was let in until $2.
const LAPSED: &str = "SELECT DISTINCT v.agreement_id FROM agreement_version v JOIN patient p ON p.id = v.patient_id \
     LEFT JOIN representative r ON v.patient_assent_kind = 'REPRESENTATIVE' AND r.id = v.patient_assent_id \
     WHERE v.status = 'PROPOSED' AND p.deceased_on IS NULL AND v.agreement_id > $1 AND (r.valid_until <= $2 \
       OR (r.id IS NOT NULL AND p.protected_identity <> 'NONE') OR (r.kind = 'GUARDIAN' AND p.birth_date <= $3) \
       OR (r.id IS NOT NULL AND EXISTS (SELECT 1 FROM access_assessment s WHERE s.representative_id = r.id \
         AND s.decision = 'STOP')) \
       OR (v.patient_assent_kind = 'PATIENT' AND EXISTS (SELECT 1 FROM access_assessment s \
         WHERE s.patient_id = v.patient_id AND s.decision = 'OPEN_EARLY' AND s.until <= $2))) \
     ORDER BY v.agreement_id LIMIT 100";

/// Agreements of the living with an objection of a representative's that stands.
const OBJECTED: &str = "SELECT DISTINCT v.agreement_id FROM agreement_version v JOIN patient p ON p.id = v.patient_id \
     WHERE v.objected_by IS NOT NULL AND v.status IN ('PROPOSED', 'ACTIVE', 'PATIENT_UNDECIDED') \
     AND p.deceased_on IS NULL AND v.agreement_id > $1 ORDER BY v.agreement_id LIMIT 100";

/// What becomes of an objection of somebody who may assent no longer.
const NO_LONGER: (&str, &str) = (
    "Den som invände får inte längre godkänna planen.",
    "Whoever objected may assent to the plan no longer.",
);

/// What the sweep looks for.
#[derive(Clone, Copy)]
enum Look {
    Objected,
    Lapsed,
    Waiting,
}

impl Look {
    fn statement(self, session: &Session, after: Uuid) -> (&'static str, Vec<Value>) {
        match self {
            Self::Objected => (OBJECTED, vec![after.into()]),
            Self::Waiting => (WAITING, vec![after.into()]),
            Self::Lapsed => {
                let now = session.now();
                let age = Months::new(12 * session.core.settings.ages.guardian_until);
                (LAPSED, vec![after.into(), now.into(), (to_local(now).date_naive() - age).into()])
            }
        }
    }
}

/// Looks at what waits, and at what no longer counts. Gives how many agreements it found.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    let objected = each(session, Look::Objected).await?;
    Ok(objected + each(session, Look::Lapsed).await? + each(session, Look::Waiting).await?)
}

/// Every agreement that is found after the last one, a batch at a time.
async fn each(session: &Session, look: Look) -> Result<usize, Fault> {
    let db = &session.core.db;
    let mut after = Uuid::nil();
    let mut count = 0;
    let mut first_fault = None;
    loop {
        let (sql, values) = look.statement(session, after);
        let found = db
            .read(async |db| -> Result<Vec<Uuid>, Fault> {
                let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
                let rows = db.query_all_raw(statement).await?;
                rows.iter().map(|row| row.try_get_by_index(0).map_err(Fault::from)).collect()
            })
            .await?;
        let Some(last) = found.last() else { return first_fault.map_or(Ok(count), Err) };
        after = *last;
        for id in &found {
            // Each by itself: what is wrong with one stands in nobody else's way.
            let done = db
                .write(async |tx| -> Result<(), Stop> {
                    let mut agreement = Locked::row(tx, AgreementId(*id)).await?;
                    match look {
                        Look::Objected => objection_lapses(tx, session, &mut agreement).await,
                        Look::Lapsed => lapse(tx, session, &mut agreement).await,
                        Look::Waiting => settle(tx, session, &mut agreement, ACTION).await,
                    }
                })
                .await;
            match done {
                Ok(()) => count += 1,
                Err(Stop::Refused(_)) => {}
                Err(Stop::Fault(fault)) => {
                    tracing::error!(agreement = %id, error = %fault, "an agreement that waits could not be settled");
                    first_fault.get_or_insert(fault);
                }
            }
        }
        if found.len() < BATCH {
            return first_fault.map_or(Ok(count), Err);
        }
    }
}

/// Brings into force what waits for nobody any more.
pub(super) async fn settle(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    action: &'static str,
) -> Result<(), Stop> {
    complete(tx, session, agreement, action).await?;
    choice_is_made(tx, session, agreement, action).await
}

/// Does whoever objected still speak for the patient?
async fn objection_lapses(tx: &Tx, session: &Session, agreement: &mut Locked) -> Result<(), Stop> {
    let in_force = representative::in_force(tx, session, agreement.patient_id).await?;
    let may_assent = |id| {
        let covers = |rights: &Rights| rights.cover(Noun::Agreement, Action::Assent);
        in_force.iter().any(|(row, rights)| row.id == id && covers(rights))
    };
    objection::lapse(tx, session, agreement, |objector| !may_assent(objector), NO_LONGER).await
}

/// Looks again at every version that waits: is the patient's side whole now?
async fn complete(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    action: &'static str,
) -> Result<(), Stop> {
    let waiting = proposals(tx, agreement, agreement_version::Column::PatientAssentAt.is_null()).await?;
    for version in waiting {
        // The version in force may have changed while this one waited.
        if version.base_version_id != agreement.in_force() {
            continue;
        }
        let Some(digest) = version.hash.as_deref() else { continue };
        let Some(given) = standing::of_patient(tx, session, agreement, version.id, digest).await? else {
            continue;
        };
        let effect = match version.care_assent_at {
            None => Assented::Waits,
            Some(_) if agreement.another_in_force(tx).await? => Assented::AwaitsChoice,
            Some(_) => Assented::Activates,
        };
        let giver = Giver::of_row(&given);
        let yes = Yes { effect, giver: Some(&giver), whole: true, lapsed: false };
        consent::settle(tx, session, agreement, &version, &yes, action).await?;
    }
    Ok(())
}

/// Looks again at every version that the patient's side has said yes to: do those who did still speak for it?
pub(super) async fn lapse(tx: &Tx, session: &Session, agreement: &mut Locked) -> Result<(), Stop> {
    use agreement_version::Column as V;
    let mut lapsed = Vec::new();
    for version in proposals(tx, agreement, V::PatientAssentAt.is_not_null()).await? {
        let Some(digest) = version.hash.as_deref() else { continue };
        let stands = standing::of_patient(tx, session, agreement, version.id, digest).await?;
        let mut row = agreement_version::ActiveModel {
            row_version: sea_orm::ActiveValue::Set(version.row_version + 1),
            ..Default::default()
        };
        match &stands {
            Some(given) if Some(given.by_id) == version.patient_assent_id => continue,
            Some(given) => Giver::of_row(given).sum_up(given.at, &mut row),
            None => standing::lapse(&mut row),
        }
        agreement_version::Entity::update_many()
            .set(row)
            .filter(V::Id.eq(version.id))
            .filter(V::RowVersion.eq(version.row_version))
            .exec(tx)
            .await?;
        if stands.is_none() {
            lapsed.push(version);
        }
    }
    if lapsed.is_empty() {
        return Ok(());
    }
    let changes = lapsed.iter().map(|version| Change {
        kind: "agreement_version",
        subject: version.id.0,
        before: Some(json!({ "assent": "PATIENT" })),
        after: Some(json!({ "assent": null })),
    });
    history::record(tx, session, (&**agreement).into(), "agreementAssentLapse", changes).await?;
    let (status, current) = (agreement.status, agreement.current_version_id);
    agreement.touch(tx, session, status, current).await?;
    let events = lapsed.iter().map(|version| event(agreement, "agreement.assent_lapsed", version.id.0));
    act::emit(tx, session, events.collect::<Vec<_>>()).await?;
    Ok(())
}

/// Both sides have said yes, and the other agreement has ended: this is the one.
async fn choice_is_made(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    action: &'static str,
) -> Result<(), Stop> {
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
        if !standing::has_assented(tx, session, agreement, &version).await? {
            continue;
        }
        let yes = Yes { effect: Assented::Activates, giver: None, whole: false, lapsed: false };
        consent::settle(tx, session, agreement, &version, &yes, action).await?;
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
