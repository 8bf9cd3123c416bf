//! The assents of an agreement's versions, and why one holds without the patient's decision.

use entity::{
    Sealed,
    access_event::ActorKind,
    agreement_version::Party,
    version_assent::{Given, Setting},
};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use uuid::Uuid;

use super::cols::{Cols, staff_columns};
use crate::{
    auth::policy::{Noun, Who, reach_sql, reach_values},
    crypto::Place,
    domain::agreement::{
        consent::{INTERPRETER, PRESENT},
        undecided::{KNOWN_WILL, REASON},
    },
    error::Fault,
    graphql::{
        scalars::{Date, GlobalId, NodeKind},
        types::{
            agreement::AgreementVersion,
            assent::{PatientUndecided, VersionAssent},
            enums::VersionStatus,
            people::StaffSummary,
        },
    },
    session::Session,
};

/// Fills in the assents of these versions, which are all of one agreement: one statement, and another one where a version holds
/// without the patient's decision.
pub async fn fill(
    session: &Session,
    db: &impl ConnectionTrait,
    versions: &mut [&mut AgreementVersion],
) -> Result<(), Fault> {
    let Some(one) = versions.first().map(|version| version.id.id) else { return Ok(()) };
    let undecided = versions.iter().any(|v| v.status == VersionStatus::PatientUndecided);
    let assents = assents(session, db, one).await?;
    let reasons = if undecided { reasons(session, db, one).await? } else { Vec::new() };
    for version in versions {
        let of = |id: &Uuid| *id == version.id.id;
        version.assents = assents.iter().filter(|(id, _)| of(id)).map(|(_, one)| one.clone()).collect();
        // The latest stands first.
        version.undecided = reasons
            .iter()
            .find(|(id, _)| of(id) && version.status == VersionStatus::PatientUndecided)
            .map(|(_, one)| one.clone());
    }
    Ok(())
}

async fn rows(
    session: &Session,
    db: &impl ConnectionTrait,
    sql: String,
    version: Uuid,
) -> Result<Vec<QueryResult>, Fault> {
    let mut values = reach_values(&session.actor, session.now());
    values.push(Value::from(version));
    Ok(db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?)
}

async fn assents(
    session: &Session,
    db: &impl ConnectionTrait,
    version: Uuid,
) -> Result<Vec<(Uuid, VersionAssent)>, Fault> {
    let reach =
        reach_sql(Who::from(&session.actor), Noun::Agreement, "x.patient_id", Some("x.care_provider_id"));
    let sql = format!(
        "SELECT x.version_id, x.id, x.side, x.by_kind, x.by_id, x.at, x.digest, x.given, x.setting, x.interpreter, \
         x.present, x.recorded_by, rep.display_name, {by}, {recorder}, v.care_assent_id = x.recorded_by \
         FROM version_assent x JOIN agreement_version v ON v.id = x.version_id \
         LEFT JOIN representative rep ON x.by_kind = 'REPRESENTATIVE' AND rep.id = x.by_id \
         LEFT JOIN assignment ba ON x.by_kind = 'STAFF' AND ba.id = x.by_id \
         LEFT JOIN staff_member bs ON bs.id = ba.staff_member_id \
         LEFT JOIN assignment ra ON ra.id = x.recorded_by LEFT JOIN staff_member rs ON rs.id = ra.staff_member_id \
         WHERE x.agreement_id = (SELECT one.agreement_id FROM agreement_version one WHERE one.id = $5) AND {reach} ORDER BY x.at, x.id",
        by = staff_columns("bs"),
        recorder = staff_columns("rs"),
    );
    let rows = rows(session, db, sql, version).await?;
    rows.iter().map(|row| assent(session, &mut Cols::new(row))).collect()
}

fn assent(session: &Session, cols: &mut Cols<'_>) -> Result<(Uuid, VersionAssent), Fault> {
    let version: Uuid = cols.take()?;
    let id: Uuid = cols.take()?;
    let open =
        |column, sealed: Option<Sealed>| session.core.keys.open_opt(Place::new(column, id), sealed.as_ref());
    let side: Party = cols.text_enum()?;
    let by: ActorKind = cols.text_enum()?;
    let by_id: Uuid = cols.take()?;
    let at = cols.take()?;
    let digest: Vec<u8> = cols.take()?;
    let given: Given = cols.text_enum()?;
    let setting: Option<Setting> = cols.opt_enum()?;
    let interpreter = open(INTERPRETER, cols.opt_sealed()?)?;
    let present = open(PRESENT, cols.opt_sealed()?)?;
    let recorded: Option<Uuid> = cols.opt()?;
    let representative: Option<String> = cols.opt()?;
    let staff = cols.opt_staff()?;
    let recorder = cols.opt_staff()?;
    let same: Option<bool> = cols.opt()?;
    Ok((
        version,
        VersionAssent {
            side: side.into(),
            by: by.into(),
            name: representative.or_else(|| staff.map(|staff| staff.name)),
            representative_id: (by == ActorKind::Representative)
                .then(|| GlobalId::new(NodeKind::Representative, by_id)),
            at,
            digest: hex::encode(digest),
            given: given.into(),
            is_oral: given == Given::Oral,
            setting: setting.map(Into::into),
            interpreter,
            present,
            recorded_by: recorded.and(recorder),
            recorded_by_care_assenter: same.unwrap_or_default(),
        },
    ))
}

async fn reasons(
    session: &Session,
    db: &impl ConnectionTrait,
    version: Uuid,
) -> Result<Vec<(Uuid, PatientUndecided)>, Fault> {
    let reach =
        reach_sql(Who::from(&session.actor), Noun::Agreement, "x.patient_id", Some("x.care_provider_id"));
    let sql = format!(
        "SELECT x.version_id, x.id, x.reason, x.known_will, x.ask_again_on, x.at, {} FROM patient_undecided x \
         JOIN assignment a ON a.id = x.recorded_by JOIN staff_member s ON s.id = a.staff_member_id \
         WHERE x.agreement_id = (SELECT one.agreement_id FROM agreement_version one WHERE one.id = $5) AND {reach} ORDER BY x.at DESC, x.id DESC",
        staff_columns("s"),
    );
    let rows = rows(session, db, sql, version).await?;
    rows.iter()
        .map(|row| {
            let mut cols = Cols::new(row);
            let version: Uuid = cols.take()?;
            let id: Uuid = cols.take()?;
            let keys = &session.core.keys;
            Ok((
                version,
                PatientUndecided {
                    reason: keys.open(Place::new(REASON, id), &Sealed(cols.take()?))?,
                    known_will: keys.open(Place::new(KNOWN_WILL, id), &Sealed(cols.take()?))?,
                    ask_again_on: Date(cols.take()?),
                    at: cols.take()?,
                    recorded_by: StaffSummary { name: cols.take()?, title: cols.take()? },
                },
            ))
        })
        .collect()
}
