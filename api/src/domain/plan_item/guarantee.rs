//! The care guarantee clock (vårdgaranti, 0-3-90-90): how many days care has, and how many are left.
//!
//! It counts calendar days, and runs for what the guarantee promises alone, never for follow-ups. Days on which the
//! patient chose to wait, or had to for medical reasons, do not count, where the region counts so.

use chrono::NaiveDate;
use entity::{
    AgreementVersionId, GuaranteePauseId, PlanItemId,
    guarantee_pause::{self, Kind as PauseKind},
    plan_item::{self, GuaranteeKind, Status},
    plan_item_revision::{self, Category, Owner},
    version_item,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait, Query},
};
use serde::Serialize;
use serde_json::json;

use super::{
    live::{Live, Told, row_about},
    rules,
};
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    db::Tx,
    domain::{
        act::{self, Receipt},
        history::Change,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// The region's guarantee: days for each promise, and which waiting does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarantee {
    pub first_contact_days: u16,
    pub assessment_days: u16,
    pub first_specialist_visit_days: u16,
    pub decided_treatment_days: u16,
    pub patient_chosen_excluded: bool,
    pub medical_excluded: bool,
}

impl Default for Guarantee {
    /// 0-3-90-90, without the waiting that the patient chose or needed.
    fn default() -> Self {
        Self {
            first_contact_days: 0,
            assessment_days: 3,
            first_specialist_visit_days: 90,
            decided_treatment_days: 90,
            patient_chosen_excluded: true,
            medical_excluded: true,
        }
    }
}

impl Guarantee {
    /// Calendar days from the start, by the promise.
    pub const fn days(&self, kind: GuaranteeKind) -> u16 {
        match kind {
            GuaranteeKind::FirstContact => self.first_contact_days,
            GuaranteeKind::Assessment => self.assessment_days,
            GuaranteeKind::FirstSpecialistVisit => self.first_specialist_visit_days,
            GuaranteeKind::DecidedTreatment => self.decided_treatment_days,
        }
    }

    const fn excludes(&self, kind: PauseKind) -> bool {
        match kind {
            PauseKind::PatientChosen => self.patient_chosen_excluded,
            PauseKind::Medical => self.medical_excluded,
        }
    }
}

/// Days that do not count, both ends included; until further notice without an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    pub kind: PauseKind,
    pub from: NaiveDate,
    pub until: Option<NaiveDate>,
}

/// What the clock says on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// The last day on which the promise is kept; none while it is paused until further notice.
    pub last_day: Option<NaiveDate>,
    /// Days that count until then; 0 on the last day and after.
    pub days_left: Option<i32>,
    /// Whether it was kept; none while that is open.
    pub kept: Option<bool>,
    /// Whether today does not count.
    pub paused: bool,
}

/// Pauses are bounded by this many days, so that no clock runs for ever.
const HORIZON: u32 = 20_000;

/// Reads the clock on `today`. `done_on`: the day on which it was done.
pub fn clock(
    guarantee: &Guarantee,
    kind: GuaranteeKind,
    from: NaiveDate,
    pauses: &[Pause],
    done_on: Option<NaiveDate>,
    today: NaiveDate,
) -> Clock {
    let counts = |day: NaiveDate| {
        !pauses.iter().any(|pause| {
            guarantee.excludes(pause.kind)
                && pause.from <= day
                && pause.until.is_none_or(|until| day <= until)
        })
    };
    let last_day = last_day(from, guarantee.days(kind), &counts, pauses);
    let days_left = last_day.map(|last| {
        let mut left = 0;
        let mut day = today;
        while day < last {
            let Some(next) = day.succ_opt() else { break };
            day = next;
            left += i32::from(counts(day));
        }
        left
    });
    let kept = match (done_on, last_day) {
        (Some(done), Some(last)) => Some(done <= last),
        // Done while nothing counted.
        (Some(_), None) => Some(true),
        (None, Some(last)) if today > last => Some(false),
        (None, _) => None,
    };
    Clock { last_day, days_left: days_left.filter(|_| done_on.is_none()), kept, paused: !counts(today) }
}

fn last_day(
    from: NaiveDate,
    days: u16,
    counts: &impl Fn(NaiveDate) -> bool,
    pauses: &[Pause],
) -> Option<NaiveDate> {
    let endless = |day: NaiveDate| pauses.iter().any(|p| p.until.is_none() && p.from <= day);
    let (mut day, mut left) = (from, i32::from(days));
    for _ in 0..HORIZON {
        // The day of the start is day 0; a promise of 0 days is kept on it, or on the first day that counts.
        if left <= 0 && counts(day) {
            return Some(day);
        }
        if endless(day) && !counts(day) {
            return None;
        }
        day = day.succ_opt()?;
        left -= i32::from(counts(day));
    }
    None
}

/// The clock of an item begins to run.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    pub plan_item: PlanItemId,
    pub kind: GuaranteeKind,
    pub from: NaiveDate,
    pub expected_row_version: i32,
}

const START: &str = "careGuaranteeStart";

/// Starts the clock, or corrects from when and for what it runs. By care, for what care does.
pub async fn start(session: &Session, key: &str, cmd: &Start) -> Result<Receipt, Fault> {
    act::perform(session, START, key, cmd, async |tx| {
        policy::check(&session.actor, Noun::CareGuarantee, Action::Set)?;
        let live = Live::take(tx, session, Action::Read, cmd.plan_item).await?;
        let wording = live.not_called_off()?;
        may_run(wording.owner, wording.category)?;
        let today = to_local(session.now()).date_naive();
        if cmd.from > today {
            return Err(Problem::input(
                "from",
                "Vårdgarantin räknas från en dag som har varit. Välj i dag eller en tidigare dag.",
                "The guarantee counts from a day that has come. Choose today or an earlier day.",
            )
            .into());
        }
        let row = plan_item::ActiveModel {
            guarantee_kind: Set(Some(cmd.kind)),
            guarantee_from: Set(Some(cmd.from)),
            ..Default::default()
        };
        let before = live
            .item
            .guarantee_kind
            .map(|kind| json!({ "careGuarantee": kind, "careGuaranteeFrom": live.item.guarantee_from }));
        let told = Told {
            action: START,
            event: "plan_item.guarantee_started",
            before,
            after: json!({ "careGuarantee": cmd.kind, "careGuaranteeFrom": cmd.from }),
        };
        live.write(tx, session, cmd.expected_row_version, row, told).await
    })
    .await
}

/// The guarantee is care's promise, and never for a follow-up.
pub fn may_run(owner: Owner, category: Category) -> Result<(), Problem> {
    if owner == Owner::Care && category != Category::FollowUp {
        return Ok(());
    }
    Err(Problem::new(
        ProblemCode::WrongState,
        "Vårdgarantin gäller det som vården gör: första kontakt, bedömning, första besök och beslutad behandling. \
         Den gäller inte uppföljningar.",
        "The care guarantee is for what care does: first contact, assessment, first visit and decided treatment. \
         It is not for follow-ups.",
    ))
}

/// Ends the clocks of what a version that has come into force says that care does no longer, or only follows up: the
/// promise is over, and so is its waiting.
pub async fn end_by_version(
    tx: &Tx,
    session: &Session,
    version: AgreementVersionId,
) -> Result<Vec<Change>, Fault> {
    use plan_item_revision::Column as R;
    let worded = Query::select()
        .column(version_item::Column::PlanItemRevisionId)
        .from(version_item::Entity)
        .and_where(version_item::Column::VersionId.eq(version))
        .to_owned();
    let not_promised = Query::select()
        .column(R::PlanItemId)
        .from(plan_item_revision::Entity)
        .and_where(R::Id.in_subquery(worded))
        .and_where(R::Owner.ne(Owner::Care).or(R::Category.eq(Category::FollowUp)))
        .to_owned();
    let items = plan_item::Entity::find()
        .filter(plan_item::Column::GuaranteeKind.is_not_null())
        .filter(plan_item::Column::Id.in_subquery(not_promised))
        .all(tx)
        .await?;
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<PlanItemId> = items.iter().map(|item| item.id).collect();
    plan_item::Entity::update_many()
        .set(plan_item::ActiveModel {
            guarantee_kind: Set(None),
            guarantee_from: Set(None),
            ..Default::default()
        })
        .col_expr(plan_item::Column::RowVersion, Expr::col(plan_item::Column::RowVersion).add(1))
        .filter(plan_item::Column::Id.is_in(ids.iter().copied()))
        .exec(tx)
        .await?;
    let today = to_local(session.now()).date_naive();
    let open = guarantee_pause::Entity::find()
        .filter(guarantee_pause::Column::PlanItemId.is_in(ids))
        .filter(guarantee_pause::Column::UntilDay.is_null())
        .all(tx)
        .await?;
    for pause in open {
        guarantee_pause::Entity::update_many()
            .set(guarantee_pause::ActiveModel {
                until_day: Set(Some(Ord::max(today, pause.from_day))),
                ..Default::default()
            })
            .filter(guarantee_pause::Column::Id.eq(pause.id))
            .exec(tx)
            .await?;
    }
    let ended = |item: plan_item::Model| Change {
        kind: "plan_item",
        subject: item.id.0,
        before: Some(
            json!({ "careGuarantee": item.guarantee_kind, "careGuaranteeFrom": item.guarantee_from }),
        ),
        after: Some(json!({ "careGuarantee": null, "careGuaranteeFrom": null })),
    };
    Ok(items.into_iter().map(ended).collect())
}

/// Days of an item that do not count.
#[derive(Clone, Debug, Serialize)]
pub struct PauseClock {
    pub plan_item: PlanItemId,
    pub kind: PauseKind,
    pub from: NaiveDate,
    /// None: until further notice.
    pub until: Option<NaiveDate>,
    pub expected_row_version: i32,
}

const PAUSE: &str = "careGuaranteePause";

/// Pauses the clock.
pub async fn pause(session: &Session, key: &str, cmd: &PauseClock) -> Result<Receipt, Fault> {
    act::perform(session, PAUSE, key, cmd, async |tx| {
        policy::check(&session.actor, Noun::CareGuarantee, Action::Set)?;
        let live = Live::take(tx, session, Action::Read, cmd.plan_item).await?;
        let wording = live.agreed()?;
        may_run(wording.owner, wording.category)?;
        let begun = live.item.guarantee_from.ok_or_else(not_running)?;
        if rules::is_closed(live.item.status) {
            return Err(closed().into());
        }
        let mut problems = Vec::new();
        if cmd.from < begun {
            problems.push(Problem::input(
                "from",
                "Pausen kan inte börja före den dag som vårdgarantin räknas från.",
                "The pause cannot begin before the day from which the guarantee counts.",
            ));
        }
        if cmd.until.is_some_and(|until| until < cmd.from) {
            problems.push(Problem::input(
                "until",
                "Sista dagen kan inte ligga före den första.",
                "The last day cannot be before the first.",
            ));
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        live.set(tx, cmd.expected_row_version, plan_item::ActiveModel::default()).await?;
        if let Some(other) = overlapping(tx, cmd).await? {
            return Err(if other.until_day.is_none() { already_paused() } else { overlap() }.into());
        }
        let id = GuaranteePauseId(session.core.clock.uuid());
        guarantee_pause::Entity::insert(guarantee_pause::ActiveModel {
            id: Set(id),
            kind: Set(cmd.kind),
            from_day: Set(cmd.from),
            until_day: Set(cmd.until),
            created_at: Set(session.now()),
            ..row_about!(guarantee_pause, live, session)
        })
        .exec_without_returning(tx)
        .await
        .map_err(|e| act::on_unique(e, already_paused))?;
        let after = json!({ "pause": cmd.kind, "from": cmd.from, "until": cmd.until });
        let change = Change { kind: "plan_item", subject: live.item.id.0, before: None, after: Some(after) };
        live.tell(tx, session, PAUSE, "plan_item.guarantee_paused", change).await?;
        Ok(live.done())
    })
    .await
}

/// A pause for the same reason that shares a day with the new one.
async fn overlapping(tx: &Tx, new: &PauseClock) -> Result<Option<guarantee_pause::Model>, Fault> {
    use guarantee_pause::Column as C;
    let mut same = guarantee_pause::Entity::find()
        .filter(C::PlanItemId.eq(new.plan_item))
        .filter(C::Kind.eq(new.kind))
        .filter(C::UntilDay.is_null().or(C::UntilDay.gte(new.from)));
    if let Some(until) = new.until {
        same = same.filter(C::FromDay.lte(until));
    }
    Ok(same.order_by_desc(C::FromDay).one(tx).await?)
}

/// The end of a pause that was until further notice.
#[derive(Clone, Debug, Serialize)]
pub struct Resume {
    pub plan_item: PlanItemId,
    pub kind: PauseKind,
    /// The last day that does not count.
    pub until: NaiveDate,
    pub expected_row_version: i32,
}

const RESUME: &str = "careGuaranteeResume";

/// Ends a pause: the days count again.
pub async fn resume(session: &Session, key: &str, cmd: &Resume) -> Result<Receipt, Fault> {
    act::perform(session, RESUME, key, cmd, async |tx| {
        policy::check(&session.actor, Noun::CareGuarantee, Action::Set)?;
        let live = Live::take(tx, session, Action::Read, cmd.plan_item).await?;
        live.agreed()?;
        let open = guarantee_pause::Entity::find()
            .filter(guarantee_pause::Column::PlanItemId.eq(live.item.id))
            .filter(guarantee_pause::Column::Kind.eq(cmd.kind))
            .filter(guarantee_pause::Column::UntilDay.is_null())
            .one(tx)
            .await?
            .ok_or_else(not_running)?;
        if cmd.until < open.from_day {
            return Err(Problem::input(
                "until",
                "Sista dagen kan inte ligga före den första.",
                "The last day cannot be before the first.",
            )
            .into());
        }
        live.set(tx, cmd.expected_row_version, plan_item::ActiveModel::default()).await?;
        guarantee_pause::Entity::update_many()
            .set(guarantee_pause::ActiveModel { until_day: Set(Some(cmd.until)), ..Default::default() })
            .filter(guarantee_pause::Column::Id.eq(open.id))
            .exec(tx)
            .await?;
        let change = Change {
            kind: "plan_item",
            subject: live.item.id.0,
            before: Some(json!({ "pause": cmd.kind, "from": open.from_day, "until": null })),
            after: Some(json!({ "pause": cmd.kind, "from": open.from_day, "until": cmd.until })),
        };
        live.tell(tx, session, RESUME, "plan_item.guarantee_resumed", change).await?;
        Ok(live.done())
    })
    .await
}

fn not_running() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Vårdgarantin räknas inte för den här insatsen, eller är inte pausad på det sättet.",
        "The care guarantee does not run for this item, or is not paused in that way.",
    )
}

fn closed() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Insatsen är redan avslutad: vårdgarantin räknas inte längre.",
        "The item is already closed: the care guarantee counts no longer.",
    )
}

fn overlap() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Vårdgarantin är redan pausad av samma skäl någon av de dagarna.",
        "The care guarantee is already paused for the same reason on one of those days.",
    )
}

fn already_paused() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Vårdgarantin är redan pausad tills vidare av samma skäl.",
        "The care guarantee is already paused until further notice for the same reason.",
    )
}

/// The day on which an item was done, as far as the clock is concerned.
pub fn done_on(status: Status, status_at: Option<chrono::DateTime<chrono::Utc>>) -> Option<NaiveDate> {
    status_at.filter(|_| status == Status::Done).map(|at| to_local(at).date_naive())
}

#[cfg(test)]
#[path = "guarantee_tests.rs"]
mod tests;
