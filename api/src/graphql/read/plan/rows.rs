//! The goals and items of an agreement, read.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::NaiveDate;
use entity::{Sealed, access_event::ActorKind, agreement_version, goal, plan_item, plan_item_revision};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::{
    super::{
        cols::Cols,
        life::{self, Found},
        recurring::{Recurring, follow_through},
    },
    Aside, Call,
};
use crate::{
    auth::policy::{Action, Noun, Who, allows},
    calendar::to_local,
    crypto::Place,
    domain::reason::told,
    error::Fault,
    graphql::{
        plain::Restricted,
        scalars::{Date, GlobalId, NodeKind, PhoneNumber},
        types::agreement::{Goal, PlanItem},
    },
    session::Session,
};

pub(super) fn read_goals(
    session: &Session,
    rows: &[QueryResult],
    found: &mut Found,
) -> Result<Vec<Arc<Goal>>, Fault> {
    let mut goals: Vec<Arc<Goal>> = Vec::with_capacity(rows.len());
    let mut seen = HashSet::with_capacity(rows.len());
    for row in rows {
        let mut cols = Cols::new(row);
        let id: Uuid = cols.take()?;
        if !seen.insert(id) {
            continue;
        }
        let status: goal::Status = cols.text_enum()?;
        let achievement: goal::Achievement = cols.text_enum()?;
        let set_by: agreement_version::Party = cols.text_enum()?;
        let row_version = cols.take()?;
        let revision: Uuid = cols.take()?;
        let text =
            session.core.keys.open(Place::new("goal_revision.text", revision), &Sealed(cols.take()?))?;
        goals.push(Arc::new(Goal {
            id: GlobalId::new(NodeKind::Goal, id),
            text,
            priority: cols.take()?,
            status: status.into(),
            achievement: achievement.into(),
            set_by: set_by.into(),
            target_on: cols.opt()?.map(Date),
            status_reason: session
                .core
                .keys
                .open_opt(Place::new("goal.status_reason", id), cols.opt_sealed()?.as_ref())?,
            status_by: cols.opt_enum::<ActorKind>()?.map(Into::into),
            status_at: cols.opt()?,
            achievement_by: cols.opt_enum::<ActorKind>()?.map(Into::into),
            achievement_at: cols.opt()?,
            worded_by: cols.text_enum::<ActorKind>()?.into(),
            latest_notes: found.notes.remove(&id).unwrap_or_default(),
            row_version,
        }));
    }
    Ok(goals)
}

/// Items, and beside each what the steps go by.
pub(super) type Items = (Vec<Arc<PlanItem>>, HashMap<Uuid, Aside>);

pub(super) fn read_items(
    session: &Session,
    rows: &[QueryResult],
    goals: &[Arc<Goal>],
    with_life: bool,
    found: &mut Found,
) -> Result<Items, Fault> {
    let goals: HashMap<Uuid, &Arc<Goal>> = goals.iter().map(|goal| (goal.id.id, goal)).collect();
    let keys = &session.core.keys;
    let sees_notes = allows(Who::from(&session.actor), Noun::WorkNote, Action::Read);
    let today = to_local(session.now()).date_naive();
    let mut items: Vec<Arc<PlanItem>> = Vec::with_capacity(rows.len());
    let mut asides = HashMap::with_capacity(rows.len());
    let mut seen = HashSet::with_capacity(rows.len());
    for row in rows {
        let mut cols = Cols::new(row);
        let id: Uuid = cols.take()?;
        if !seen.insert(id) {
            continue;
        }
        let status: plan_item::Status = cols.text_enum()?;
        let proposed_by: agreement_version::Party = cols.text_enum()?;
        let status_reason = cols.opt_sealed()?;
        let work_note = cols.opt_sealed()?;
        let row_version = cols.take()?;
        let revision: Uuid = cols.take()?;
        let open = |column, sealed: Option<&Sealed>| keys.open_opt(Place::new(column, revision), sealed);
        let category: plan_item_revision::Category = cols.text_enum()?;
        let title = keys.open(Place::new("plan_item_revision.title", revision), &Sealed(cols.take()?))?;
        let description = open("plan_item_revision.description", cols.opt_sealed()?.as_ref())?;
        let owner: plan_item_revision::Owner = cols.text_enum()?;
        let relative_name = open("plan_item_revision.relative_name", cols.opt_sealed()?.as_ref())?;
        let timing: plan_item_revision::Timing = cols.text_enum()?;
        let due_on: Option<NaiveDate> = cols.opt()?;
        let (starts_on, recurrence): (Option<NaiveDate>, Option<String>) = (cols.opt()?, cols.opt()?);
        let trigger = open("plan_item_revision.trigger", cols.opt_sealed()?.as_ref())?;
        let goal = cols.opt::<Uuid>()?.and_then(|id| goals.get(&id).map(|goal| Arc::clone(goal)));
        let result_how = open("plan_item_revision.result_how", cols.opt_sealed()?.as_ref())?;
        let result_by = cols.opt()?;
        let worded_by: ActorKind = cols.text_enum()?;
        let (responsible_unit, responsible_staff) = (cols.opt_unit()?, cols.opt_staff()?);
        let responsible_contact_name = cols.opt()?;
        let contact = opt_call(session, &mut cols)?;
        let columns =
            if with_life { life::Columns::read(session, &mut cols, id)? } else { life::Columns::default() };
        let marks = columns.marks;
        let recurring = recurrence
            .as_deref()
            .zip(starts_on)
            .filter(|_| with_life)
            .map(|(rule, first)| Recurring { rule, first, last: due_on, marks, today });
        let agreed = life::Agreed { item: id, revision, status, owner, category, recurring, result_by };
        let live = if with_life {
            life::live(session, agreed, &columns, found, today)
        } else {
            life::Live::default()
        };
        let owes_result = live.result_is_overdue && owner == plan_item_revision::Owner::Care;
        let is_open = recurring.is_none_or(|recurring| recurring.is_open());
        asides.insert(id, Aside { is_open, contact });
        items.push(Arc::new(PlanItem {
            id: GlobalId::new(NodeKind::PlanItem, id),
            title,
            description,
            category: category.into(),
            status: status.into(),
            status_reason: keys
                .open_opt(Place::new("plan_item.status_reason", id), status_reason.as_ref())?
                .map(|reason| told(reason, session.locale)),
            follow_through: follow_through(status, due_on, recurring, owes_result, today),
            owner: owner.into(),
            relative_name,
            responsible_unit,
            responsible_staff,
            responsible_contact_name,
            timing: timing.into(),
            due_on: due_on.map(Date),
            starts_on: starts_on.map(Date),
            recurrence,
            trigger,
            goal,
            result_how,
            result_by: result_by.map(Date),
            proposed_by: proposed_by.into(),
            worded_by: worded_by.into(),
            work_note: if sees_notes {
                Restricted::Shown(keys.open_opt(Place::new("plan_item.work_note", id), work_note.as_ref())?)
            } else {
                Restricted::Hidden
            },
            status_by: columns.status_by.map(Into::into),
            status_at: columns.status_at,
            referral: columns.referral,
            result_told: columns.result_told,
            result_is_overdue: live.result_is_overdue,
            relative_consent: live.relative_consent,
            needs_relative_consent: live.needs_relative_consent,
            care_guarantee: live.care_guarantee,
            next_occurrence_on: live.next_occurrence_on,
            occurrences: live.occurrences,
            concerns: found.concerns.remove(&id).unwrap_or_default(),
            latest_notes: found.notes.remove(&id).unwrap_or_default(),
            row_version,
        }));
    }
    Ok((items, asides))
}

/// Whom to call about an item whose responsible contact holds the role now: the contact's own number, or their unit's.
fn opt_call(session: &Session, cols: &mut Cols<'_>) -> Result<Option<Call>, Fault> {
    let Some(id) = cols.opt::<Uuid>()? else {
        cols.skip(3);
        return Ok(None);
    };
    let name = cols.take()?;
    let own = cols.opt_sealed()?;
    let own = session.core.keys.open_opt(Place::new("care_contact.phone", id), own.as_ref())?;
    let of_unit: Option<String> = cols.opt()?;
    Ok(Some(Call { name, phone: PhoneNumber(own.or(of_unit).unwrap_or_default()) }))
}
