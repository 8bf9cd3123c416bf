//! A version of an agreement, read.

use chrono::{DateTime, Utc};
use entity::{Sealed, access_event::ActorKind, agreement_version, version_assent};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::{
    super::{
        cols::Cols,
        version::{self, VersionsWanted},
    },
    VERSION_COLUMNS,
};
use crate::{
    auth::policy::Granted,
    crypto::Place,
    domain::agreement::content::AgreementContent,
    error::Fault,
    graphql::{
        scalars::{GlobalId, NodeKind},
        types::{
            agreement::{AgreementVersion, Assent},
            content::warning_signs,
        },
    },
    session::Session,
};

impl AgreementVersion {
    /// Stands in until the version's own row is read.
    pub(super) fn absent() -> Self {
        Self {
            id: GlobalId::new(NodeKind::AgreementVersion, Uuid::nil()),
            number: 0,
            status: agreement_version::Status::Draft.into(),
            title: String::new(),
            story: None,
            what_matters: None,
            shared_goal: None,
            own_responsibility: None,
            self_care: None,
            when_to_seek_help: None,
            how_results_come: None,
            ambition: None,
            resources: None,
            wishes: None,
            warning_signs: Vec::new(),
            as_needed_medication: Vec::new(),
            own_measurements: Vec::new(),
            safety: Vec::new(),
            base_number: None,
            answers_number: None,
            withdrawal: None,
            goals: Vec::new(),
            plan_items: Vec::new(),
            changes: Vec::new(),
            digest: None,
            proposed_by: None,
            proposed_at: None,
            patient_assent: None,
            care_assent: None,
            awaits_choice: false,
            assents: Vec::new(),
            objections: Vec::new(),
            objected_at: None,
            objected_by_representative_id: None,
            undecided: None,
        }
    }
}

/// Reads [`VERSION_COLUMNS`].
pub fn opt_version(session: &Session, cols: &mut Cols<'_>) -> Result<Option<AgreementVersion>, Fault> {
    let Some(id) = cols.opt::<Uuid>()? else {
        cols.skip(15);
        return Ok(None);
    };
    let number = cols.take()?;
    let status: agreement_version::Status = cols.text_enum()?;
    let content = Sealed(cols.take()?);
    let (base_number, answers_number) = (cols.opt()?, cols.opt()?);
    let withdrawal: Option<agreement_version::Withdrawal> = cols.opt_enum()?;
    let hash: Option<Vec<u8>> = cols.opt()?;
    let proposed_by: Option<agreement_version::Party> = cols.opt_enum()?;
    let proposed_at = cols.opt()?;
    let patient_assent_at: Option<DateTime<Utc>> = cols.opt()?;
    let patient_assent_kind: Option<ActorKind> = cols.opt_enum()?;
    let patient_assent_given: Option<version_assent::Given> = cols.opt_enum()?;
    let care_assent_at: Option<DateTime<Utc>> = cols.opt()?;
    let objected_at = cols.opt()?;
    let objected_by: Option<Uuid> = cols.opt()?;
    let content = version_content(session, id, &content)?;
    Ok(Some(AgreementVersion {
        id: GlobalId::new(NodeKind::AgreementVersion, id),
        number,
        status: status.into(),
        title: content.title,
        story: content.story,
        what_matters: content.what_matters,
        shared_goal: content.shared_goal,
        own_responsibility: content.own_responsibility,
        self_care: content.self_care,
        when_to_seek_help: content.when_to_seek_help,
        how_results_come: content.how_results_come,
        ambition: content.ambition,
        resources: content.resources,
        wishes: content.wishes,
        warning_signs: warning_signs(content.warning_signs),
        as_needed_medication: content.as_needed_medication.into_iter().map(Into::into).collect(),
        own_measurements: content.own_measurements.into_iter().map(Into::into).collect(),
        safety: content.safety.into_iter().map(Into::into).collect(),
        base_number,
        answers_number,
        withdrawal: withdrawal.map(Into::into),
        goals: Vec::new(),
        plan_items: Vec::new(),
        changes: Vec::new(),
        digest: hash.map(hex::encode),
        proposed_by: proposed_by.map(Into::into),
        proposed_at,
        patient_assent: patient_assent_at.zip(patient_assent_kind).map(|(at, by)| Assent {
            at,
            by: by.into(),
            is_oral: patient_assent_given == Some(version_assent::Given::Oral),
        }),
        awaits_choice: status == agreement_version::Status::Proposed
            && patient_assent_at.is_some()
            && care_assent_at.is_some(),
        care_assent: care_assent_at.map(|at| Assent { at, by: ActorKind::Staff.into(), is_oral: false }),
        assents: Vec::new(),
        objections: Vec::new(),
        objected_at,
        objected_by_representative_id: objected_by.map(|id| GlobalId::new(NodeKind::Representative, id)),
        undecided: None,
    }))
}

/// The texts of a version, opened.
pub fn version_content(session: &Session, id: Uuid, content: &Sealed) -> Result<AgreementContent, Fault> {
    let content = session.core.keys.open(Place::new("agreement_version.content", id), content)?;
    serde_json::from_str(&content)
        .map_err(|_| Fault::internal("an agreement version's content is not readable"))
}

/// One version by id.
pub async fn version(
    session: &Session,
    row: &Granted<agreement_version::Model>,
    wanted: VersionsWanted,
) -> Result<Option<AgreementVersion>, Fault> {
    let sql = format!("SELECT {VERSION_COLUMNS} FROM agreement_version v WHERE v.id = $1");
    session
        .core
        .db
        .snapshot(async |tx| -> Result<_, Fault> {
            let statement =
                Statement::from_sql_and_values(tx.get_database_backend(), sql.as_str(), [row.id.0.into()]);
            let found = tx.query_one_raw(statement).await?;
            let mut found =
                found.map(|row| opt_version(session, &mut Cols::new(&row))).transpose()?.flatten();
            version::fill(session, tx, found.iter_mut().collect(), wanted).await?;
            Ok(found)
        })
        .await
}
