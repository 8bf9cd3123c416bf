//! How a recurring item stands: what has been said of the days on which it happens.

use chrono::NaiveDate;
use entity::plan_item::Status;

use super::cols::Cols;
pub use crate::domain::plan_item::recurrence::shown_from;
use crate::{domain::plan_item::recurrence, error::Fault, graphql::types::agreement::FollowThrough};

/// The columns of [`Marks`] for `i` (`plan_item`) as worded by `r`. `$6` is the first of the days shown.
pub fn columns() -> String {
    let count = |more: &str| {
        format!(
            "(SELECT count(*) FROM plan_item_mark k WHERE k.plan_item_id = i.id AND k.on_day >= r.starts_on \
             AND (r.due_on IS NULL OR k.on_day <= r.due_on){more})"
        )
    };
    format!(
        "(SELECT max(k.on_day) FROM plan_item_mark k WHERE k.plan_item_id = i.id), {}, {}, {}",
        count(""),
        count(" AND k.outcome = 'DONE'"),
        count(" AND k.on_day >= $6")
    )
}

/// The marks of an item, counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    pub latest: Option<NaiveDate>,
    pub all: i64,
    pub done: i64,
    /// Of the days shown.
    pub shown: i64,
}

impl Marks {
    /// Reads [`columns`].
    pub fn read(cols: &mut Cols<'_>) -> Result<Self, Fault> {
        Ok(Self { latest: cols.opt()?, all: cols.take()?, done: cols.take()?, shown: cols.take()? })
    }
}

/// A recurring item on a day.
#[derive(Clone, Copy, Debug)]
pub struct Recurring<'a> {
    pub rule: &'a str,
    pub first: NaiveDate,
    pub last: Option<NaiveDate>,
    pub marks: Marks,
    pub today: NaiveDate,
}

impl Recurring<'_> {
    /// The next day on which it happens, today included unless it is marked.
    pub fn next(&self) -> Option<NaiveDate> {
        let marked = self.marks.latest.filter(|day| *day >= self.today);
        let from = marked.map_or(Some(self.today), |day| day.succ_opt())?;
        recurrence::next(self.rule, self.first, self.last, from)
    }

    /// Whether nothing has been said of the last day on which it happens: the step that remains, also when that day
    /// has passed. The sweep of the next steps says so too.
    pub fn is_open(&self) -> bool {
        self.last.is_none_or(|last| self.marks.latest.is_none_or(|marked| marked < last))
    }

    /// As long as it goes on, the days that are shown decide; when it is over, all of them.
    pub fn follow_through(&self) -> FollowThrough {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let Marks { latest, all, done, shown } = self.marks;
        if self.next().is_none() {
            let happened = recurrence::times(self.rule, self.first, self.last, self.today);
            return match () {
                () if all < count(happened) => FollowThrough::Late,
                () if all == 0 => FollowThrough::Ahead,
                () if done > 0 => FollowThrough::Done,
                () => FollowThrough::NotDone,
            };
        }
        let from = shown_from(self.today);
        let passed = self.today.pred_opt().map_or_else(Vec::new, |yesterday| {
            recurrence::days(self.rule, self.first, self.last, from, yesterday)
        });
        let of_today = i64::from(latest.is_some_and(|day| day >= self.today));
        if count(passed.len()) > shown - of_today { FollowThrough::Late } else { FollowThrough::Ahead }
    }
}

/// How an item stands against its date (avstämning). `recurring`: of one that recurs, as far as its marks were read.
/// `owes_result`: whether care does it, and has not told a result by the day that was promised.
pub fn follow_through(
    status: Status,
    due_on: Option<NaiveDate>,
    recurring: Option<Recurring<'_>>,
    owes_result: bool,
    today: NaiveDate,
) -> FollowThrough {
    match (status, recurring) {
        (Status::Done, _) if owes_result => FollowThrough::Late,
        (Status::Done, _) => FollowThrough::Done,
        (Status::NotDone | Status::Cancelled, _) => FollowThrough::NotDone,
        (Status::Accepted | Status::InProgress, Some(recurring)) => recurring.follow_through(),
        (Status::Accepted | Status::InProgress, None) if due_on.is_some_and(|due| due < today) => {
            FollowThrough::Late
        }
        (Status::Proposed, _) | (Status::Accepted | Status::InProgress, None) => FollowThrough::Ahead,
    }
}
