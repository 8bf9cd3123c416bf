//! The objections to an agreement's versions.

use entity::{Sealed, access_event::ActorKind, agreement_offer::Way, version_objection::Ending};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use super::cols::{Cols, staff_columns};
use crate::{
    auth::policy::{Noun, Who, reach_sql, reach_values},
    crypto::Place,
    domain::agreement::objection::WORDS,
    error::Fault,
    graphql::{
        scalars::{GlobalId, NodeKind},
        types::{agreement::AgreementVersion, objection::VersionObjection},
    },
    session::Session,
};

/// How many objections to one version are shown.
const LATEST: usize = 20;

/// Fills in the objections to these versions, which are all of one agreement, in one statement.
pub async fn fill(
    session: &Session,
    db: &impl ConnectionTrait,
    versions: &mut [&mut AgreementVersion],
) -> Result<(), Fault> {
    let Some(one) = versions.first().map(|version| version.id.id) else { return Ok(()) };
    let reach =
        reach_sql(Who::from(&session.actor), Noun::Agreement, "x.patient_id", Some("x.care_provider_id"));
    let sql = format!(
        "SELECT x.version_id, x.id, x.by_kind, x.by_id, rep.display_name, x.at, x.words, {recorder}, x.how, x.ended_at, \
         x.ending FROM (SELECT o.*, ROW_NUMBER() OVER (PARTITION BY o.version_id ORDER BY o.at DESC, o.id DESC) AS place \
           FROM version_objection o \
           WHERE o.agreement_id = (SELECT one.agreement_id FROM agreement_version one WHERE one.id = $5)) x \
         LEFT JOIN representative rep ON x.by_kind = 'REPRESENTATIVE' AND rep.id = x.by_id \
         LEFT JOIN assignment ra ON ra.id = x.recorded_by LEFT JOIN staff_member rs ON rs.id = ra.staff_member_id \
         WHERE x.place <= {LATEST} AND {reach} ORDER BY x.at DESC, x.id DESC",
        recorder = staff_columns("rs"),
    );
    let mut values = reach_values(&session.actor, session.now());
    values.push(Value::from(one));
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = db.query_all_raw(statement).await?;
    let found: Vec<_> =
        rows.iter().map(|row| objection(session, &mut Cols::new(row))).collect::<Result<_, _>>()?;
    for version in versions {
        let own = found.iter().filter(|(id, _)| *id == version.id.id);
        version.objections = own.map(|(_, one)| one.clone()).collect();
    }
    Ok(())
}

fn objection(session: &Session, cols: &mut Cols<'_>) -> Result<(Uuid, VersionObjection), Fault> {
    let version: Uuid = cols.take()?;
    let id: Uuid = cols.take()?;
    let by: ActorKind = cols.text_enum()?;
    let by_id: Uuid = cols.take()?;
    let name = cols.opt()?;
    let at = cols.take()?;
    let words = Sealed(cols.take()?);
    let recorded_by = cols.opt_staff()?;
    let how: Option<Way> = cols.opt_enum()?;
    let ended_at = cols.opt()?;
    let ending: Option<Ending> = cols.opt_enum()?;
    // The patient may object to what the reader did.
    let words = match session.actor.acting_for() {
        Some(_) => None,
        None => Some(session.core.keys.open(Place::new(WORDS, id), &words)?),
    };
    let objection = VersionObjection {
        by: by.into(),
        name,
        representative_id: (by == ActorKind::Representative)
            .then(|| GlobalId::new(NodeKind::Representative, by_id)),
        at,
        words,
        recorded_by,
        how: how.map(Into::into),
        ended_at,
        ending: ending.map(Into::into),
    };
    Ok((version, objection))
}
