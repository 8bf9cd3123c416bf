//! What versions say in full, and what differs between them: loaded when it is asked for, for all versions of an
//! answer at once, in three statements however many they are.

use std::{borrow::Cow, collections::BTreeSet};

use async_graphql::Lookahead;
use entity::{AgreementId, AgreementVersionId, SafetyInstructionId, agreement_version};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement};

use super::{
    assent,
    cols::Cols,
    objection,
    plan::{VERSION_COLUMNS, opt_version},
};
use crate::{
    auth::policy::{Noun, Who, reach_sql, reach_values},
    domain::{
        agreement::{
            compare::{self, Loaded},
            difference::between,
        },
        safety,
    },
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        types::{
            agreement::{Agreement, AgreementVersion},
            enums::VersionStatus,
            versions::{AgreementChange, wordings},
        },
    },
    session::Session,
};

/// What is asked for of the versions in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionsWanted {
    /// Goals and plan items as they are worded.
    pub wordings: bool,
    /// What each says of safety.
    pub safety: bool,
    /// What each changes.
    pub changes: bool,
    /// Who said yes to each, and how.
    pub assents: bool,
    /// Who objected to what was said for the patient.
    pub objections: bool,
}

impl VersionsWanted {
    /// What a selection on one version asks for.
    pub fn of_version(look: &Lookahead<'_>) -> Self {
        Self {
            wordings: look.field("goals").exists() || look.field("planItems").exists(),
            safety: look.field("safety").exists(),
            changes: look.field("changes").exists(),
            assents: look.field("assents").exists() || look.field("undecided").exists(),
            objections: look.field("objections").exists(),
        }
    }

    /// What a selection on an agreement asks for of the versions that come with it.
    pub fn of_agreement(look: &Lookahead<'_>) -> Self {
        ["currentVersion", "draft", "proposals"]
            .into_iter()
            .map(|name| Self::of_version(&look.field(name)))
            .fold(Self::default(), Self::or)
    }

    /// What a selection on a page of versions asks for.
    pub fn of_page(look: &Lookahead<'_>) -> Self {
        Self::of_version(&look.field("nodes")).or(Self::of_version(&look.field("edges").field("node")))
    }

    fn or(self, other: Self) -> Self {
        Self {
            wordings: self.wordings || other.wordings,
            safety: self.safety || other.safety,
            changes: self.changes || other.changes,
            assents: self.assents || other.assents,
            objections: self.objections || other.objections,
        }
    }
}

/// Fills in what is wanted of the versions that came with an agreement.
pub async fn fill_agreement(
    session: &Session,
    db: &impl ConnectionTrait,
    agreement: &mut Agreement,
    wanted: VersionsWanted,
) -> Result<(), Fault> {
    let own = std::iter::once(&mut agreement.current_version).chain(agreement.draft.as_mut());
    fill(session, db, own.chain(agreement.proposals.iter_mut()).collect(), wanted).await
}

/// Fills in what is wanted of versions that the caller has been let in to.
pub async fn fill(
    session: &Session,
    db: &impl ConnectionTrait,
    mut versions: Vec<&mut AgreementVersion>,
    wanted: VersionsWanted,
) -> Result<(), Fault> {
    if wanted.assents {
        assent::fill(session, db, &mut versions).await?;
    }
    if wanted.objections {
        objection::fill(session, db, &mut versions).await?;
    }
    let gone = if wanted.safety || wanted.changes {
        drop_taken_back(db, &mut versions).await?
    } else {
        BTreeSet::new()
    };
    if !wanted.wordings && !wanted.changes {
        return Ok(());
    }
    let ids: Vec<_> = versions.iter().map(|version| AgreementVersionId(version.id.id)).collect();
    let loaded = compare::load(db, &session.core.keys, &ids, wanted.changes).await?;
    for version in versions {
        let Some(document) = loaded.documents.get(&AgreementVersionId(version.id.id)) else { continue };
        (version.goals, version.plan_items) = wordings(document, &loaded.names);
        if let Some(base) = loaded.base_of(document) {
            let mut document = Cow::Borrowed(document);
            if !gone.is_empty() && stands(version) {
                document.to_mut().content.safety.retain(|said| !gone.contains(&said.id));
            }
            version.changes = between(base, &document, &loaded.names)
                .into_iter()
                .map(|difference| AgreementChange::of(difference, session.locale))
                .collect();
        }
    }
    Ok(())
}

/// Whether it is in force, waits for an answer, or is being written: what it says is read as what holds, or is to.
fn stands(version: &AgreementVersion) -> bool {
    use VersionStatus as S;
    matches!(version.status, S::Draft | S::Proposed | S::Active | S::PatientUndecided)
}

/// What care has taken back is shown in no version that stands; what holds no longer says what it said. Gives what was.
async fn drop_taken_back(
    db: &impl ConnectionTrait,
    versions: &mut [&mut AgreementVersion],
) -> Result<BTreeSet<SafetyInstructionId>, Fault> {
    let standing = || versions.iter().filter(|version| stands(version)).flat_map(|version| &version.safety);
    let gone = safety::withdrawn(db, standing().map(|said| said.instruction_id.id.into())).await?;
    for version in versions.iter_mut().filter(|version| !gone.is_empty() && stands(version)) {
        version.safety.retain(|said| !gone.contains(&said.instruction_id.id.into()));
    }
    Ok(gone)
}

/// The versions of an agreement, the newest first, superseded and withdrawn ones too.
pub async fn of_agreement(
    session: &Session,
    agreement: AgreementId,
    request: &PageRequest<i32>,
    wanted: VersionsWanted,
) -> Result<Page<AgreementVersion>, Fault> {
    let reach =
        reach_sql(Who::from(&session.actor), Noun::Agreement, "v.patient_id", Some("v.care_provider_id"));
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM agreement_version v WHERE v.agreement_id = $5 AND {reach} AND v.number < $6 \
         ORDER BY v.number DESC LIMIT $7"
    );
    let limit = i64::try_from(request.first).unwrap_or(100).saturating_add(1);
    let mut values = reach_values(&session.actor, session.now());
    values.extend([agreement.0.into(), request.after.unwrap_or(i32::MAX).into(), limit.into()]);
    session
        .core
        .db
        .snapshot(async |tx| -> Result<_, Fault> {
            let statement =
                Statement::from_sql_and_values(tx.get_database_backend(), sql.as_str(), values.clone());
            let mut found = Vec::new();
            for row in tx.query_all_raw(statement).await? {
                found.extend(opt_version(session, &mut Cols::new(&row))?);
            }
            let shown = found.iter_mut().take(request.first).collect();
            fill(session, tx, shown, wanted).await?;
            Ok(Page::of_rows(found, request, |version| version.number))
        })
        .await
}

/// What differs between two versions of one agreement, the second against the first. None when the agreement has no
/// such versions.
pub async fn difference(
    session: &Session,
    agreement: AgreementId,
    from: AgreementVersionId,
    to: AgreementVersionId,
) -> Result<Option<Vec<AgreementChange>>, Fault> {
    let loaded: Loaded = session
        .core
        .db
        .snapshot(async |tx| -> Result<_, Fault> {
            let own = agreement_version::Entity::find()
                .filter(agreement_version::Column::AgreementId.eq(agreement))
                .filter(agreement_version::Column::Id.is_in([from, to]))
                .all(tx)
                .await?;
            let ids: Vec<_> = own.iter().map(|version| version.id).collect();
            compare::load(tx, &session.core.keys, &ids, false).await
        })
        .await?;
    let (Some(old), Some(new)) = (loaded.documents.get(&from), loaded.documents.get(&to)) else {
        return Ok(None);
    };
    let found = between(old, new, &loaded.names);
    Ok(Some(found.into_iter().map(|one| AgreementChange::of(one, session.locale)).collect()))
}
