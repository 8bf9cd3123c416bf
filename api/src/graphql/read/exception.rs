//! The exceptions for guardians whose assent an agreement can do without, in one statement.

use entity::{AgreementId, PatientId, Sealed};
use uuid::Uuid;

use super::{
    cols::{Cols, staff_columns},
    rows::rows,
};
use crate::{
    auth::policy::{Noun, Who, reach_sql},
    crypto::Place,
    domain::agreement::guardians::{END_REASON, REASON},
    error::Fault,
    graphql::{
        scalars::{GlobalId, NodeKind},
        types::assent::GuardianException,
    },
    session::Session,
};

/// Those of an agreement within the caller's reach, ended ones too, the latest first.
pub async fn of_agreement(
    session: &Session,
    agreement: AgreementId,
) -> Result<Vec<GuardianException>, Fault> {
    let sql = format!(
        "SELECT x.patient_id, x.id, x.representative_id, rep.display_name, x.reason, {recorder}, x.at, x.ended_at, \
         {ender}, x.end_reason \
         FROM guardian_exception x JOIN representative rep ON rep.id = x.representative_id \
         JOIN assignment s ON s.id = x.recorded_by JOIN staff_member m ON m.id = s.staff_member_id \
         LEFT JOIN assignment es ON es.id = x.ended_by LEFT JOIN staff_member em ON em.id = es.staff_member_id \
         WHERE x.agreement_id = $5 AND {reach} ORDER BY x.at DESC, x.id DESC LIMIT 100",
        recorder = staff_columns("m"),
        ender = staff_columns("em"),
        reach =
            reach_sql(Who::from(&session.actor), Noun::Agreement, "x.patient_id", Some("x.care_provider_id")),
    );
    let found = rows(session, sql, [agreement.0.into()]).await?;
    found.iter().map(|row| exception(session, &mut Cols::new(row))).collect()
}

fn exception(session: &Session, cols: &mut Cols<'_>) -> Result<GuardianException, Fault> {
    session.trail.read(PatientId(cols.take()?));
    let id: Uuid = cols.take()?;
    let representative: Uuid = cols.take()?;
    let name = cols.take()?;
    // It may be about somebody's safety: neither guardian reads it, nor a child whose account they see.
    let why = |column, sealed: Option<Sealed>| match session.actor.staff() {
        Some(_) => session.core.keys.open_opt(Place::new(column, id), sealed.as_ref()),
        None => Ok(None),
    };
    let reason = why(REASON, cols.opt_sealed()?)?;
    Ok(GuardianException {
        representative_id: GlobalId::new(NodeKind::Representative, representative),
        name,
        reason,
        recorded_by: cols.opt_staff()?,
        at: cols.take()?,
        ended_at: cols.opt()?,
        ended_by: cols.opt_staff()?,
        end_reason: why(END_REASON, cols.opt_sealed()?)?,
    })
}
