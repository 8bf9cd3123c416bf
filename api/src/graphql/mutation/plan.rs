//! Goals and plan items.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result};
use entity::{AgreementId, AssignmentId, CareContactId, CareUnitId, GoalId, PlanItemId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::{
        goal::add::{Add, add},
        plan_item::{
            accept::{Accept, accept},
            propose::{Propose, propose},
            rules::{Wanted, When},
        },
    },
    graphql::{
        read::node,
        scalars::{Date, GlobalId, NodeKind},
        types::{
            agreement::{Goal, PlanItem},
            enums::{PlanItemCategory, PlanItemOwner},
        },
        user_error::session,
    },
};

/// A new goal (mål).
#[derive(InputObject)]
pub struct GoalAddInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The goal, as the patient puts it; at most 4 000 characters.
    text: String,
    /// 1 first, 99 last; after all others when left out.
    priority: Option<i32>,
    /// By when.
    target_on: Option<Date>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A new plan item (insats, aktivitet).
#[derive(InputObject)]
pub struct PlanItemProposeInput {
    /// The agreement's global id.
    agreement_id: ID,
    #[graphql(flatten)]
    wording: PlanItemWordingInput,
    /// Work note (arbetsanteckning), staff only: not shown to the patient here, but part of the record, which the
    /// patient can request.
    work_note: Option<String>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// What a plan item says.
#[derive(InputObject)]
pub struct PlanItemWordingInput {
    /// What, in plain words; at most 200 characters.
    title: String,
    /// More about it; at most 4 000 characters.
    description: Option<String>,
    /// What kind of item.
    category: PlanItemCategory,
    /// Who does it.
    owner: PlanItemOwner,
    /// The relative (närstående) who does it, by name; at most 200 characters. It may be left out while the agreement
    /// is a draft.
    relative_name: Option<String>,
    /// When it happens. It may be left out while the agreement is a draft.
    timing: Option<PlanItemTimingInput>,
    /// The unit that answers for it: its global id. Of the care provider that has the agreement.
    responsible_unit_id: Option<ID>,
    /// The person who answers for it: the assignment's global id.
    responsible_assignment_id: Option<ID>,
    /// The contact (kontakt) of the patient's who answers for it: the contact's global id.
    responsible_contact_id: Option<ID>,
    /// The goal it serves: its global id. Of the same agreement.
    goal_id: Option<ID>,
    /// How the result is told; at most 4 000 characters.
    result_how: Option<String>,
    /// By when the result is told.
    result_by: Option<Date>,
}

impl From<PlanItemWordingInput> for Wanted {
    fn from(input: PlanItemWordingInput) -> Self {
        let row = |id: &ID, kind| GlobalId::row::<Uuid>(id, kind).unwrap_or(Uuid::nil());
        Self {
            title: input.title,
            description: input.description,
            category: input.category.into(),
            owner: input.owner.into(),
            relative_name: input.relative_name,
            when: input.timing.map(When::from),
            responsible_unit: input.responsible_unit_id.map(|id| CareUnitId(row(&id, NodeKind::CareUnit))),
            responsible_assignment: input
                .responsible_assignment_id
                .map(|id| AssignmentId(row(&id, NodeKind::Assignment))),
            responsible_contact: input
                .responsible_contact_id
                .map(|id| CareContactId(row(&id, NodeKind::CareContact))),
            goal: input.goal_id.map(|id| GoalId(row(&id, NodeKind::Goal))),
            result_how: input.result_how,
            result_by: input.result_by.map(|day| day.0),
        }
    }
}

/// When a plan item happens: one of these.
#[derive(OneofObject)]
pub enum PlanItemTimingInput {
    /// On a day.
    Date(Date),
    /// Within a period.
    Period(PlanItemPeriodInput),
    /// Again and again.
    Recurrence(PlanItemRecurrenceInput),
    /// When something has happened, such as "när provsvaret kommit" or "vid behov".
    Trigger(PlanItemTriggerInput),
}

/// Within a period.
#[derive(InputObject)]
pub struct PlanItemPeriodInput {
    /// The first day.
    from: Date,
    /// The last day.
    until: Date,
}

/// Again and again.
#[derive(InputObject)]
pub struct PlanItemRecurrenceInput {
    /// RFC 5545 recurrence rule with FREQ, INTERVAL, COUNT or UNTIL, BYDAY, BYMONTHDAY, such as
    /// `FREQ=WEEKLY;BYDAY=MO,TH` or `FREQ=MONTHLY;BYDAY=1MO`.
    rule: String,
    /// The first day: at most a year ago, unless the plan says so already.
    from: Date,
    /// The last day, if there is one: by 2199, as is an UNTIL.
    until: Option<Date>,
}

/// When something has happened.
#[derive(InputObject)]
pub struct PlanItemTriggerInput {
    /// What it waits for; at most 200 characters.
    text: String,
    /// When it is followed up at the latest. It may be left out while the agreement is a draft.
    latest_follow_up_on: Option<Date>,
}

/// A proposed plan item to be accepted (godkännas).
#[derive(InputObject)]
pub struct PlanItemAcceptInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `goalAdd`.
    GoalAddPayload of GoalId {
        /// The goal.
        goal: Arc<Goal> = node::goal
    }
}

payload! {
    /// Answer to `planItemPropose`.
    PlanItemProposePayload of PlanItemId {
        /// The plan item.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

payload! {
    /// Answer to `planItemAccept`.
    PlanItemAcceptPayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

fn agreement_id(id: &ID) -> AgreementId {
    GlobalId::row(id, NodeKind::Agreement).unwrap_or(AgreementId(Uuid::nil()))
}

pub(super) fn plan_item_id(id: &ID) -> PlanItemId {
    GlobalId::row(id, NodeKind::PlanItem).unwrap_or(PlanItemId(Uuid::nil()))
}

/// Goals and plan items.
#[derive(Default)]
pub struct PlanMutation;

/// Goals and plan items.
#[Object(serial)]
impl PlanMutation {
    /// Adds a goal (mål). In a draft it becomes part of it; on an agreement in force it is proposed on top of that,
    /// with the adder's assent, and waits for the other side's.
    async fn goal_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The goal.")] input: GoalAddInput,
    ) -> Result<GoalAddPayload> {
        let session = session(ctx);
        let cmd = Add {
            agreement: agreement_id(&input.agreement_id),
            text: input.text,
            priority: input.priority,
            target_on: input.target_on.map(|day| day.0),
        };
        let outcome = add(session, &input.idempotency_key, &cmd).await;
        Ok(GoalAddPayload(Answer::new(session, outcome, "goal", None)?))
    }

    /// Proposes a plan item (insats). In a draft it becomes part of it; on an agreement in force it is proposed on
    /// top of that, with the proposer's assent, and waits for the other side's. Several proposals may wait at once.
    async fn plan_item_propose(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The plan item.")] input: PlanItemProposeInput,
    ) -> Result<PlanItemProposePayload> {
        let session = session(ctx);
        let cmd = Propose {
            agreement: agreement_id(&input.agreement_id),
            wanted: input.wording.into(),
            work_note: input.work_note,
        };
        let outcome = propose(session, &input.idempotency_key, &cmd).await;
        Ok(PlanItemProposePayload(Answer::new(session, outcome, "planItem", None)?))
    }

    /// Accepts a proposed plan item (godkänner insatsen), for the side that did not propose it: assents to the plan with
    /// the item, which comes into force when both sides have. `BASE_MOVED` when the plan has changed since the proposal.
    /// Of a plan that holds without the patient's decision (`PATIENT_UNDECIDED`) care's yes waits for the patient, who is
    /// told, and who accepts no single item (`WRONG_STATE`) but assents to the whole plan with `agreementAssent`.
    async fn plan_item_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: PlanItemAcceptInput,
    ) -> Result<PlanItemAcceptPayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = Accept { plan_item, expected_row_version: input.expected_row_version };
        let outcome = accept(session, &input.idempotency_key, &cmd).await;
        Ok(PlanItemAcceptPayload(Answer::on_item(session, outcome, plan_item)?))
    }
}

impl From<PlanItemTimingInput> for When {
    fn from(timing: PlanItemTimingInput) -> Self {
        match timing {
            PlanItemTimingInput::Date(day) => Self::On(day.0),
            PlanItemTimingInput::Period(p) => Self::Within { from: p.from.0, until: p.until.0 },
            PlanItemTimingInput::Recurrence(r) => {
                Self::Again { rule: r.rule, from: r.from.0, until: r.until.map(|day| day.0) }
            }
            PlanItemTimingInput::Trigger(t) => {
                Self::After { what: t.text, latest_follow_up: t.latest_follow_up_on.map(|day| day.0) }
            }
        }
    }
}
