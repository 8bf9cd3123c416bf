//! Changing what an agreement says: in the open draft, or in a proposed successor of the version in force.
//!
//! Nothing that has been proposed is ever edited. Every act that changes the text of a plan, however small or large,
//! is a list of [`Edit`]s that comes through here.

use entity::{
    AgreementVersionId, GoalId, PlanItemId, agreement,
    agreement_version::{self, Status},
    goal, plan_item,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::Value;
use uuid::Uuid;

use super::{
    canonical::{self, Document},
    consent::by_proposer,
    edit::{self, Edit},
    gaps, members, proposal,
    rules::{self, Place},
    version::{self, Locked, Stored, event, open_gaps},
    wording,
};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto,
    db::Tx,
    domain::{
        act::{self, Done},
        history::{self, Change},
        safety,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// The version that an edit goes into or builds on, read under the lock.
#[derive(Debug)]
pub struct Target {
    pub place: Place,
    version: agreement_version::Model,
    stored: Stored,
}

impl Target {
    /// The open draft, or else the version in force.
    pub async fn of(tx: &Tx, session: &Session, agreement: &Locked) -> Result<Self, Stop> {
        let draft = agreement.draft(tx).await?;
        let place = rules::place(agreement.status, draft.is_some())?;
        let version = match draft {
            Some(draft) => draft,
            None => agreement.current(tx).await?,
        };
        let stored = version::stored(tx, &session.core.keys, &version).await?;
        Ok(Self { place, version, stored })
    }

    /// What it says now.
    pub fn document(&self) -> &Document {
        &self.stored.document
    }
}

/// The agreement of a goal whose wording the caller may change, held and as they read it, and where a change goes.
pub async fn of_goal(
    tx: &Tx,
    session: &Session,
    id: GoalId,
    expected_row_version: i32,
) -> Result<(Locked, Target), Stop> {
    let (actor, now) = (&session.actor, session.now());
    policy::check(actor, Noun::Agreement, Action::Propose)?;
    let granted = policy::reach::<goal::Entity>(tx, actor, Action::Create, id, "goalId", now).await?;
    read_at(tx, session, Locked::of_goal(tx, &granted).await?, expected_row_version).await
}

/// Likewise of a plan item.
pub async fn of_item(
    tx: &Tx,
    session: &Session,
    id: PlanItemId,
    expected_row_version: i32,
) -> Result<(Locked, Target), Stop> {
    let (actor, now) = (&session.actor, session.now());
    policy::check(actor, Noun::Agreement, Action::Propose)?;
    let granted =
        policy::reach::<plan_item::Entity>(tx, actor, Action::Propose, id, "planItemId", now).await?;
    read_at(tx, session, Locked::of_item(tx, &granted).await?, expected_row_version).await
}

async fn read_at(
    tx: &Tx,
    session: &Session,
    agreement: Locked,
    expected_row_version: i32,
) -> Result<(Locked, Target), Stop> {
    agreement.expect_row_version(Some(expected_row_version))?;
    let target = Target::of(tx, session, &agreement).await?;
    Ok((agreement, target))
}

/// What an edit brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The draft, or the new proposal.
    pub version: AgreementVersionId,
    pub place: Place,
}

impl Changed {
    /// The result of the act that changed one `noun`.
    pub fn done(self, agreement: &Locked, noun: &'static str, id: Uuid) -> Done {
        Done::on(agreement.patient_id)
            .with(noun, id)
            .with("agreement", agreement.id.0)
            .with("version", self.version.0)
    }
}

/// Tells that `draft` was opened, and ends the act that opened it.
pub(super) async fn opened(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    draft: AgreementVersionId,
    after: Value,
    (action, kind): (&'static str, &'static str),
) -> Result<Done, Stop> {
    let (status, current) = (agreement.status, agreement.current_version_id);
    agreement.touch(tx, session, status, current).await?;
    let change = Change { kind: "agreement_version", subject: draft.0, before: None, after: Some(after) };
    history::record(tx, session, (&**agreement).into(), action, [change]).await?;
    act::emit(tx, session, [event(agreement, kind, draft.0)]).await?;
    Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", draft.0))
}

/// Applies the edits and writes what differs, with its history under `action`. A proposal is the actor's assent to
/// exactly that; the version it builds on stays in force.
pub async fn change(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    target: Target,
    edits: &[Edit],
    action: &'static str,
) -> Result<Changed, Stop> {
    let Target { place, version, stored } = target;
    let mut next = edit::apply(&stored.document, edits)?;
    next.format = stored.document.format;
    if next == stored.document {
        return Err(Problem::new(
            ProblemCode::BadUserInput,
            "Inget är ändrat: det står redan så i planen.",
            "Nothing is changed: the plan says so already.",
        )
        .into());
    }
    next.format = canonical::FORMAT;
    let id = match place {
        Place::Draft => {
            wording::begin(tx, session, agreement, edits).await?;
            rewrite(tx, session, agreement, &version, &stored, &next).await?;
            let (status, current) = (agreement.status, agreement.current_version_id);
            agreement.touch(tx, session, status, current).await?;
            version.id
        }
        Place::Proposal => {
            next.number = agreement.next_number(tx).await?;
            next.base = Some(version.id);
            open_proposals(tx, agreement, version.id).await?;
            let (base, said) = (&stored.document.content.safety, &next.content.safety);
            next.content.safety = safety::to_be_agreed(tx, session, agreement.id, base, said).await?;
            gaps::complete(&next, &open_gaps(tx, agreement, &next, session.now()).await?)?;
            wording::begin(tx, session, agreement, edits).await?;
            let id = AgreementVersionId(session.core.clock.uuid());
            let mut row = row(session, agreement, id, &next)?;
            row.status = Set(Status::Proposed);
            let digest = next.digest()?;
            row.hash = Set(Some(digest.clone()));
            row.proposed_by = Set(session.actor.party());
            row.proposed_at = Set(Some(session.now()));
            agreement_version::Entity::insert(row).exec_without_returning(tx).await?;
            by_proposer(tx, session, agreement, id, &digest).await?;
            wording::write(tx, session, agreement, id, &stored, &next).await?;
            let (status, current) = (agreement.status, agreement.current_version_id);
            agreement.touch(tx, session, status, current).await?;
            proposal::told(tx, session, agreement, id).await?;
            act::emit(tx, session, [event(agreement, "agreement.proposed", id.0)]).await?;
            id
        }
    };
    let changes = edit::history(&stored.document, &next, edits, id.0);
    history::record(tx, session, (&**agreement).into(), action, changes).await?;
    if place == Place::Draft {
        let dropped = members::dropped_from_draft(tx, session, agreement, &stored.document, &next).await?;
        history::record(tx, session, (&**agreement).into(), action, dropped).await?;
    }
    Ok(Changed { version: id, place })
}

/// Writes into a draft.
pub(super) async fn rewrite(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    draft: &agreement_version::Model,
    was: &Stored,
    next: &Document,
) -> Result<(), Stop> {
    wording::write(tx, session, agreement, draft.id, was, next).await?;
    let changed = agreement_version::Entity::update_many()
        .set(agreement_version::ActiveModel {
            content: Set(seal_content(session, draft.id, next)?),
            base_version_id: Set(next.base),
            hash_format: Set(canonical::FORMAT),
            row_version: Set(draft.row_version + 1),
            ..Default::default()
        })
        .filter(agreement_version::Column::Id.eq(draft.id))
        .filter(agreement_version::Column::RowVersion.eq(draft.row_version))
        .filter(agreement_version::Column::Status.eq(Status::Draft))
        .exec(tx)
        .await?;
    if changed.rows_affected == 1 { Ok(()) } else { Err(Problem::stale().into()) }
}

/// Opens a draft that says what `from` says.
pub(super) async fn open_draft(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    from: &agreement_version::Model,
    base: Option<AgreementVersionId>,
    answers: Option<AgreementVersionId>,
) -> Result<AgreementVersionId, Stop> {
    let stored = version::stored(tx, &session.core.keys, from).await?;
    let mut next = stored.document.clone();
    next.format = canonical::FORMAT;
    next.number = agreement.next_number(tx).await?;
    next.base = base;
    let id = AgreementVersionId(session.core.clock.uuid());
    let mut row = row(session, agreement, id, &next)?;
    row.answers_version_id = Set(answers);
    agreement_version::Entity::insert(row)
        .exec_without_returning(tx)
        .await
        .map_err(|e| act::on_unique(e, rules::one_draft))?;
    wording::write(tx, session, agreement, id, &stored, &next).await?;
    Ok(id)
}

/// The row of a new draft.
fn row(
    session: &Session,
    agreement: &Locked,
    id: AgreementVersionId,
    document: &Document,
) -> Result<agreement_version::ActiveModel, Fault> {
    Ok(agreement_version::ActiveModel {
        id: Set(id),
        agreement_id: Set(agreement.id),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        number: Set(document.number),
        base_version_id: Set(document.base),
        status: Set(Status::Draft),
        content: Set(seal_content(session, id, document)?),
        hash_format: Set(canonical::FORMAT),
        created_at: Set(session.now()),
        row_version: Set(1),
        ..Default::default()
    })
}

pub(super) fn seal_content(
    session: &Session,
    id: AgreementVersionId,
    document: &Document,
) -> Result<entity::Sealed, Fault> {
    let content = serde_json::to_string(&document.content).map_err(Fault::internal)?;
    session.core.keys.seal(crypto::Place::new("agreement_version.content", id.0), &content)
}

/// Refuses one more proposal on `base` when as many wait as can be kept in view.
pub(super) async fn open_proposals(
    tx: &Tx,
    agreement: &Locked,
    base: AgreementVersionId,
) -> Result<(), Stop> {
    let open = agreement_version::Entity::find()
        .filter(agreement_version::Column::AgreementId.eq(agreement.id))
        .filter(agreement_version::Column::BaseVersionId.eq(base))
        .filter(agreement_version::Column::Status.eq(Status::Proposed))
        .count(tx)
        .await?;
    Ok(rules::few_proposals(open)?)
}
