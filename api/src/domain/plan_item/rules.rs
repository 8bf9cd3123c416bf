//! The rules of a plan item: what its wording must be, and who may say that it is done.

use chrono::{Months, NaiveDate};
use entity::{
    AssignmentId, CareContactId, CareUnitId, GoalId, PlanItemId,
    agreement_version::Party,
    plan_item::Status,
    plan_item_revision::{Category, Owner, Timing},
};
use serde::Serialize;

use super::recurrence;
use crate::{
    domain::{agreement::canonical::ItemWording, text},
    error::{Problem, ProblemCode},
};

/// When an item happens, as the proposer puts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum When {
    /// On a day.
    On(NaiveDate),
    /// Within a period, both days included.
    Within { from: NaiveDate, until: NaiveDate },
    /// Again and again from a day, by an RFC 5545 rule, to a last day where there is one.
    Again { rule: String, from: NaiveDate, until: Option<NaiveDate> },
    /// When something has happened; followed up on a day at the latest.
    After { what: String, latest_follow_up: Option<NaiveDate> },
}

/// What an item is to say, as the writer puts it.
#[derive(Clone, Debug, Serialize)]
pub struct Wanted {
    pub title: String,
    pub description: Option<String>,
    pub category: Category,
    pub owner: Owner,
    /// Of a relative who owns it.
    pub relative_name: Option<String>,
    /// May be left out while the plan is a draft.
    pub when: Option<When>,
    pub responsible_unit: Option<CareUnitId>,
    pub responsible_assignment: Option<AssignmentId>,
    pub responsible_contact: Option<CareContactId>,
    pub goal: Option<GoalId>,
    pub result_how: Option<String>,
    pub result_by: Option<NaiveDate>,
}

/// The wording, with every problem at once. Dates that stand already in `was` may have passed. Whom it names has not
/// been looked up.
pub fn check(
    id: PlanItemId,
    wanted: &Wanted,
    was: Option<&ItemWording>,
    today: NaiveDate,
    problems: &mut Vec<Problem>,
) -> ItemWording {
    let mut out = ItemWording {
        id,
        category: wanted.category,
        title: text::required("title", &wanted.title, text::TITLE, problems),
        description: text::optional("description", wanted.description.as_deref(), text::TEXT, problems),
        owner: wanted.owner,
        relative_name: text::optional("relativeName", wanted.relative_name.as_deref(), text::TITLE, problems),
        timing: Timing::Date,
        due_on: None,
        starts_on: None,
        recurrence: None,
        trigger: None,
        responsible_unit: wanted.responsible_unit,
        responsible_assignment: wanted.responsible_assignment,
        responsible_contact: wanted.responsible_contact,
        goal: wanted.goal,
        result_how: text::optional("resultHow", wanted.result_how.as_deref(), text::TEXT, problems),
        result_by: wanted.result_by,
    };
    if out.relative_name.is_some() && wanted.owner != Owner::Relative {
        problems.push(Problem::input(
            "relativeName",
            "Namnge en närstående bara när det är hen som gör det.",
            "Name a relative only when it is the relative who does it.",
        ));
    }
    time(wanted.when.as_ref(), was, today, &mut out, problems);
    if let Some(day) = wanted.result_by {
        ahead("resultBy", day, was.and_then(|was| was.result_by), today, problems);
    }
    out
}

/// Fills the columns of the way its time is told.
fn time(
    when: Option<&When>,
    was: Option<&ItemWording>,
    today: NaiveDate,
    out: &mut ItemWording,
    problems: &mut Vec<Problem>,
) {
    let due = was.and_then(|was| was.due_on);
    match when {
        None => {}
        Some(When::On(day)) => {
            out.due_on = Some(*day);
            ahead("timing.date", *day, due, today, problems);
        }
        Some(When::Within { from, until }) => {
            (out.timing, out.starts_on, out.due_on) = (Timing::Period, Some(*from), Some(*until));
            ahead("timing.period.until", *until, due, today, problems);
            in_order("timing.period.until", *from, *until, problems);
        }
        Some(When::Again { rule, from, until }) => {
            (out.timing, out.starts_on, out.due_on) = (Timing::Recurrence, Some(*from), *until);
            match recurrence::parse("timing.recurrence.rule", rule) {
                Ok(rule) => {
                    // The day on which it happens for the last time, whatever ends it: the next step goes by it.
                    out.due_on = recurrence::last(&rule, *from, *until).or(*until);
                    if was
                        .is_none_or(|was| was.recurrence.as_ref() != Some(&rule) || was.due_on != out.due_on)
                        && recurrence::next(&rule, *from, *until, (*from).max(today)).is_none()
                    {
                        problems.push(Problem::input(
                            "timing.recurrence.rule",
                            "Med den här regeln blir det aldrig av. Ändra regeln, eller den första eller sista dagen.",
                            "By this rule it never happens. Change the rule, or its first or last day.",
                        ));
                    }
                    out.recurrence = Some(rule);
                }
                Err(problem) => problems.push(problem),
            }
            begins("timing.recurrence.from", *from, was.and_then(|was| was.starts_on), today, problems);
            if let Some(until) = until {
                if recurrence::is_too_late(*until) {
                    problems.push(recurrence::too_late("timing.recurrence.until"));
                }
                ahead("timing.recurrence.until", *until, due, today, problems);
                in_order("timing.recurrence.until", *from, *until, problems);
            }
        }
        Some(When::After { what, latest_follow_up }) => {
            (out.timing, out.due_on) = (Timing::Trigger, *latest_follow_up);
            out.trigger = Some(text::required("timing.trigger.text", what, text::TITLE, problems));
            if let Some(day) = latest_follow_up {
                ahead("timing.trigger.latestFollowUpOn", *day, due, today, problems);
            }
        }
    }
}

fn ahead(field: &str, day: NaiveDate, was: Option<NaiveDate>, today: NaiveDate, problems: &mut Vec<Problem>) {
    if day < today && was != Some(day) {
        problems.push(Problem::input(
            field,
            "Välj en dag som inte har passerat.",
            "Choose a day that has not passed.",
        ));
    }
}

/// What goes on may have begun a while before it is agreed.
fn begins(
    field: &str,
    day: NaiveDate,
    was: Option<NaiveDate>,
    today: NaiveDate,
    problems: &mut Vec<Problem>,
) {
    if was != Some(day) && today.checked_sub_months(Months::new(12)).is_some_and(|earliest| day < earliest) {
        problems.push(Problem::input(
            field,
            "Välj en första dag som ligger högst ett år tillbaka.",
            "Choose a first day that is at most a year ago.",
        ));
    }
}

/// When something happened that is written down now: not ahead, and not so long ago that the year must be wrong. `was`:
/// what stands, which may stay.
pub fn happened(
    field: &str,
    day: NaiveDate,
    was: Option<NaiveDate>,
    today: NaiveDate,
    problems: &mut Vec<Problem>,
) {
    if day > today {
        problems.push(Problem::input(field, "Den dagen har inte kommit än.", "That day has not come yet."));
    } else if was != Some(day)
        && today.checked_sub_months(Months::new(12)).is_some_and(|earliest| day < earliest)
    {
        problems.push(Problem::input(
            field,
            "Välj en dag som ligger högst ett år tillbaka.",
            "Choose a day that is at most a year ago.",
        ));
    }
}

fn in_order(field: &str, from: NaiveDate, until: NaiveDate, problems: &mut Vec<Problem>) {
    if until < from {
        problems.push(Problem::input(
            field,
            "Sista dagen kan inte ligga före den första.",
            "The last day cannot be before the first.",
        ));
    }
}

/// What can be said of an item that both have agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Turn {
    /// Påbörjad.
    Start,
    /// Gjort.
    Done,
    /// Blev inte av.
    NotDone,
    /// Inställd.
    Cancel,
    /// What was said last was a mistake.
    Reopen,
}

impl Turn {
    /// The mutation and the event.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Start => ("planItemStart", "plan_item.started"),
            Self::Done => ("planItemComplete", "plan_item.done"),
            Self::NotDone => ("planItemNotDone", "plan_item.not_done"),
            Self::Cancel => ("planItemCancel", "plan_item.cancelled"),
            Self::Reopen => ("planItemReopen", "plan_item.reopened"),
        }
    }
}

/// Whether an item has come to its end: done, not done or called off.
pub const fn is_closed(status: Status) -> bool {
    matches!(status, Status::Done | Status::NotDone | Status::Cancelled)
}

/// Where the item stands after the turn, if `side` may say so of what `owner` does. Care may record it on the
/// patient's behalf. `started`: whether it was begun before it was closed.
pub fn turn(turn: Turn, status: Status, started: bool, owner: Owner, side: Party) -> Result<Status, Problem> {
    if side == Party::Patient && owner == Owner::Care {
        return Err(Problem::new(
            ProblemCode::Forbidden,
            "Det är vården som gör det här och som säger när det är gjort. Skriv till din kontakt om det inte stämmer.",
            "Care does this and says when it is done. Write to your contact if that is not right.",
        ));
    }
    match (turn, status) {
        (_, Status::Proposed) => Err(super::live::only_proposed()),
        (Turn::Start, Status::Accepted) => Ok(Status::InProgress),
        (Turn::Start, Status::InProgress) => Err(Problem::new(
            ProblemCode::WrongState,
            "Insatsen är redan påbörjad.",
            "The item has already been begun.",
        )),
        (Turn::Done, Status::Accepted | Status::InProgress) => Ok(Status::Done),
        (Turn::NotDone, Status::Accepted | Status::InProgress) => Ok(Status::NotDone),
        (Turn::Cancel, Status::Accepted | Status::InProgress) => Ok(Status::Cancelled),
        (Turn::Reopen, Status::Done | Status::NotDone | Status::Cancelled) => {
            Ok(if started { Status::InProgress } else { Status::Accepted })
        }
        (Turn::Reopen, Status::Accepted | Status::InProgress) => Err(Problem::new(
            ProblemCode::WrongState,
            "Insatsen är inte avslutad.",
            "The item is not closed.",
        )),
        (_, Status::Done | Status::NotDone | Status::Cancelled) => Err(Problem::new(
            ProblemCode::WrongState,
            "Insatsen är redan avslutad.",
            "The item is already closed.",
        )),
    }
}

/// Whether the turn needs a reason. Whoever calls something off says why, and care says why it did not do what it
/// promised; the patient may say why, and need not.
pub fn needs_reason(turn: Turn, owner: Owner, side: Party) -> bool {
    match turn {
        Turn::Cancel => true,
        Turn::NotDone => side == Party::Care && owner == Owner::Care,
        Turn::Start | Turn::Done | Turn::Reopen => false,
    }
}

/// Whether what became of an item enters any statistics: care's promises alone. What the patient or a relative does
/// is never counted: this is no contract, and blames nobody.
pub fn counts_in_statistics(owner: Owner) -> bool {
    owner == Owner::Care
}

/// [`counts_in_statistics`] as a condition on the alias of `plan_item_revision`.
pub fn counted_sql(revision: &str) -> String {
    format!("{revision}.owner = 'CARE'")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::*;

    fn day(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, 1, n).unwrap()
    }

    fn wanted(when: Option<When>) -> Wanted {
        Wanted {
            title: " Ta blodprov ".into(),
            description: None,
            category: Category::Examination,
            owner: Owner::Patient,
            relative_name: None,
            when,
            responsible_unit: None,
            responsible_assignment: None,
            responsible_contact: None,
            goal: None,
            result_how: None,
            result_by: None,
        }
    }

    fn checked(wanted: &Wanted, was: Option<&ItemWording>) -> Result<ItemWording, Vec<Problem>> {
        let mut problems = Vec::new();
        let out = check(PlanItemId(Uuid::nil()), wanted, was, day(5), &mut problems);
        if problems.is_empty() { Ok(out) } else { Err(problems) }
    }

    #[test]
    fn each_way_to_tell_the_time_fills_its_own_columns() {
        let on = checked(&wanted(Some(When::On(day(5)))), None).unwrap();
        assert_eq!((on.title.as_str(), on.timing, on.due_on), ("Ta blodprov", Timing::Date, Some(day(5))));
        let period = checked(&wanted(Some(When::Within { from: day(1), until: day(9) })), None).unwrap();
        assert_eq!(
            (period.timing, period.starts_on, period.due_on),
            (Timing::Period, Some(day(1)), Some(day(9)))
        );
        let again = When::Again { rule: "FREQ=DAILY".into(), from: day(5), until: None };
        let again = checked(&wanted(Some(again)), None).unwrap();
        assert_eq!((again.timing, again.recurrence.as_deref()), (Timing::Recurrence, Some("FREQ=DAILY")));
        let after = When::After { what: "när provsvaret kommit".into(), latest_follow_up: Some(day(20)) };
        let after = checked(&wanted(Some(after)), None).unwrap();
        assert_eq!((after.timing, after.due_on), (Timing::Trigger, Some(day(20))));
    }

    #[test]
    fn all_problems_of_an_item_are_told_at_once() {
        let wanted = Wanted {
            title: " ".into(),
            relative_name: Some("Anna".into()),
            result_by: Some(day(1)),
            ..wanted(Some(When::Within { from: day(8), until: day(2) }))
        };
        let problems = checked(&wanted, None).unwrap_err();
        let fields: Vec<_> = problems.iter().filter_map(|p| p.field.as_deref()).collect();
        assert_eq!(
            fields,
            ["title", "relativeName", "timing.period.until", "timing.period.until", "resultBy"]
        );
    }

    #[test]
    fn a_rule_by_which_it_never_happens_is_refused() {
        for (rule, until) in [
            ("FREQ=DAILY;UNTIL=20200101", None),
            ("FREQ=WEEKLY;BYDAY=MO", Some(day(6))),
            ("FREQ=MONTHLY;BYMONTHDAY=31", Some(day(9))),
        ] {
            // Tuesday the 5th is the first day.
            let never = wanted(Some(When::Again { rule: rule.into(), from: day(5), until }));
            let problems = checked(&never, None).unwrap_err();
            assert_eq!(problems.len(), 1, "{rule}");
            assert_eq!(problems[0].field.as_deref(), Some("timing.recurrence.rule"), "{rule}");
        }
    }

    /// Whatever a first or last day is, a rule is a plan of these years.
    #[test]
    fn a_recurrence_begins_a_year_ago_at_the_earliest_unless_it_stood_and_ends_in_this_age() {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        let again = |rule: &str, from: &str, until: Option<&str>| {
            wanted(Some(When::Again { rule: rule.into(), from: date(from), until: until.map(date) }))
        };
        let refused = |wanted: &Wanted| {
            let problems = checked(wanted, None).err().unwrap_or_default();
            problems.into_iter().filter_map(|p| p.field).collect::<Vec<_>>()
        };
        assert!(refused(&again("FREQ=DAILY", "2026-01-05", None)).is_empty());
        let old = again("FREQ=DAILY", "2026-01-04", None);
        assert_eq!(refused(&old), ["timing.recurrence.from"]);
        let mut was = checked(&again("FREQ=DAILY", "2026-01-05", None), None).unwrap();
        was.starts_on = Some(date("2026-01-04"));
        assert!(checked(&old, Some(&was)).is_ok());
        let late = refused(&again("FREQ=DAILY", "2027-01-05", Some("2200-01-01")));
        assert_eq!(late, ["timing.recurrence.until"]);
        assert_eq!(
            refused(&again("FREQ=DAILY;UNTIL=22000101", "2027-01-05", None)),
            ["timing.recurrence.rule"]
        );
        let never = again("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1", "2027-01-05", None);
        assert_eq!(refused(&never), ["timing.recurrence.rule"]);
    }

    #[test]
    fn a_day_that_stood_already_may_have_passed() {
        let past = wanted(Some(When::On(day(2))));
        assert!(checked(&past, None).is_err());
        let mut was = checked(&wanted(Some(When::On(day(8)))), None).unwrap();
        was.due_on = Some(day(2));
        assert!(checked(&past, Some(&was)).is_ok());
    }

    const STATES: [Status; 6] = [
        Status::Proposed,
        Status::Accepted,
        Status::InProgress,
        Status::Done,
        Status::NotDone,
        Status::Cancelled,
    ];

    #[test]
    fn the_side_that_does_it_says_where_it_stands_and_care_may_for_the_patient() {
        use Party::{Care, Patient};
        for said in [Turn::Done, Turn::NotDone, Turn::Cancel, Turn::Start] {
            for (owner, side) in
                [(Owner::Patient, Patient), (Owner::Relative, Patient), (Owner::Patient, Care)]
            {
                assert!(
                    turn(said, Status::Accepted, false, owner, side).is_ok(),
                    "{said:?} {owner:?} {side:?}"
                );
            }
            let refused = turn(said, Status::Accepted, false, Owner::Care, Patient).unwrap_err();
            assert_eq!(refused.code, ProblemCode::Forbidden);
        }
    }

    #[test]
    fn every_turn_from_every_state_is_allowed_or_refused_as_agreed() {
        let after = |said, from, started| turn(said, from, started, Owner::Care, Party::Care).ok();
        for from in STATES {
            let open = matches!(from, Status::Accepted | Status::InProgress);
            let closed = matches!(from, Status::Done | Status::NotDone | Status::Cancelled);
            let only = |to: Status, when: bool| when.then_some(to);
            assert_eq!(after(Turn::Start, from, false), only(Status::InProgress, from == Status::Accepted));
            assert_eq!(after(Turn::Done, from, false), only(Status::Done, open));
            assert_eq!(after(Turn::NotDone, from, false), only(Status::NotDone, open));
            assert_eq!(after(Turn::Cancel, from, false), only(Status::Cancelled, open));
            assert_eq!(after(Turn::Reopen, from, false), only(Status::Accepted, closed));
            assert_eq!(after(Turn::Reopen, from, true), only(Status::InProgress, closed));
        }
    }

    #[test]
    fn care_says_why_it_did_not_do_it_and_the_patient_need_not() {
        assert!(needs_reason(Turn::NotDone, Owner::Care, Party::Care));
        assert!(!needs_reason(Turn::NotDone, Owner::Patient, Party::Patient));
        assert!(!needs_reason(Turn::NotDone, Owner::Patient, Party::Care));
        assert!(needs_reason(Turn::Cancel, Owner::Patient, Party::Patient));
        assert!(!needs_reason(Turn::Reopen, Owner::Care, Party::Care));
    }

    /// "Patient-owned items never enter statistics - this is no contract and blames nobody."
    #[test]
    fn what_the_patient_or_a_relative_does_never_enters_statistics() {
        assert!(counts_in_statistics(Owner::Care));
        assert!(!counts_in_statistics(Owner::Patient));
        assert!(!counts_in_statistics(Owner::Relative));
        assert_eq!(counted_sql("r"), format!("r.owner = '{}'", Owner::Care.as_str()));
    }
}
