//! Accepting a proposed plan item: the other side's assent to the version that the proposal made.

use entity::{
    PlanItemId,
    access_event::ActorKind,
    agreement,
    agreement_version::{self, Party, Status},
    plan_item, version_item,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Query};
use serde::Serialize;

use crate::{
    auth::policy::{self, Action, Noun},
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        agreement::{
            consent,
            edit::adds_only,
            rules::{base_moved, not_ended, the_patient_decides},
            version::{Locked, document, event},
        },
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Which item, as the caller read it.
#[derive(Clone, Debug, Serialize)]
pub struct Accept {
    pub plan_item: PlanItemId,
    pub expected_row_version: i32,
}

const ACTION: &str = "planItemAccept";

/// Accepts the item. Refused for the side that proposed it, and when the plan has changed since.
pub async fn accept(session: &Session, key: &str, cmd: &Accept) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let granted = policy::reach::<plan_item::Entity>(
            tx,
            &session.actor,
            Action::Accept,
            cmd.plan_item,
            "planItemId",
            session.now(),
        )
        .await?;
        // Accepting is assenting: of staff, only the role that gives care's assent may.
        policy::check(&session.actor, Noun::Agreement, Action::Assent)?;
        let mut agreement = Locked::of_item(tx, &granted).await?;
        // Read again behind the lock: somebody may just have answered.
        let item = plan_item::Entity::find_by_id(granted.id)
            .one(tx)
            .await?
            .ok_or_else(|| Fault::internal("a granted plan item vanished"))?;
        not_ended(agreement.status)?;
        if item.status == plan_item::Status::Cancelled && fell(tx, &item).await? {
            return Err(base_moved().into());
        }
        if item.row_version != cmd.expected_row_version {
            return Err(Problem::stale().into());
        }
        if item.status != plan_item::Status::Proposed {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Insatsen väntar inte på något svar.",
                "The item does not wait for an answer.",
            )
            .into());
        }
        if !agreement.status.in_force() {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Planen gäller inte än. Godkänn hela planen i stället för en insats i taget.",
                "The plan is not in force yet. Assent to the whole plan instead of one item at a time.",
            )
            .into());
        }
        if agreement.status == agreement::Status::PatientUndecided
            && session.actor.party() == Some(Party::Patient)
        {
            return Err(whole_plan_first(session).into());
        }
        let versions = Query::select()
            .column(version_item::Column::VersionId)
            .from(version_item::Entity)
            .and_where(version_item::Column::PlanItemId.eq(item.id))
            .to_owned();
        let proposals = agreement_version::Entity::find()
            .filter(agreement_version::Column::Id.in_subquery(versions))
            .filter(agreement_version::Column::AgreementId.eq(agreement.id))
            .filter(agreement_version::Column::Status.eq(Status::Proposed))
            .order_by_desc(agreement_version::Column::Number)
            .all(tx)
            .await?;
        let proposal = alone(tx, session, &agreement, item.id, proposals).await?;
        consent::assent(tx, session, &mut agreement, &proposal, None, ACTION).await?;
        act::emit(tx, session, [event(&agreement, "plan_item.accepted", item.id.0)]).await?;
        Ok(Done::on(agreement.patient_id)
            .with("planItem", item.id.0)
            .with("agreement", agreement.id.0)
            .with("version", proposal.id.0))
    })
    .await
}

/// A yes to one item is no decision about a plan that holds without the patient's.
fn whole_plan_first(session: &Session) -> Problem {
    if session.actor.kind() != ActorKind::Patient {
        return the_patient_decides();
    }
    Problem::new(
        ProblemCode::WrongState,
        "Du har inte tagit ställning till planen än. Läs och godkänn hela planen i stället för en insats i taget.",
        "You have not decided about the plan yet. Read and assent to the whole plan instead of one item at a time.",
    )
}

/// The proposal that adds this item and changes nothing else: a yes to one item is never a yes to what the caller has
/// not named.
async fn alone(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    item: PlanItemId,
    proposals: Vec<agreement_version::Model>,
) -> Result<agreement_version::Model, Stop> {
    let keys = &session.core.keys;
    let base = document(tx, keys, &agreement.current(tx).await?).await?;
    let (sv, en) = if proposals.is_empty() {
        ("Förslaget har tagits tillbaka.", "The proposal has been taken back.")
    } else {
        (
            "Förslaget ändrar mer än den här insatsen. Läs och godkänn hela förslaget.",
            "The proposal changes more than this item. Read and assent to the whole proposal.",
        )
    };
    for proposal in proposals {
        if adds_only(&base, &document(tx, keys, &proposal).await?, item) {
            return Ok(proposal);
        }
    }
    Err(Problem::new(ProblemCode::WrongState, sv, en).into())
}

/// Whether only withdrawn proposals ever held the item.
async fn fell(tx: &Tx, item: &plan_item::Model) -> Result<bool, Fault> {
    let versions = Query::select()
        .column(version_item::Column::VersionId)
        .from(version_item::Entity)
        .and_where(version_item::Column::PlanItemId.eq(item.id))
        .to_owned();
    let other = agreement_version::Entity::find()
        .filter(agreement_version::Column::Id.in_subquery(versions))
        .filter(agreement_version::Column::Status.ne(Status::Withdrawn))
        .one(tx)
        .await?;
    Ok(other.is_none())
}
