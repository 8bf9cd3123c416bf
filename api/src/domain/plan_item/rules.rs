//! The rules of a plan item: what its wording must be, and who may say that it is done.

use chrono::NaiveDate;
use entity::{
    AgreementId, AssignmentId, CareUnitId, GoalId,
    agreement_version::Party,
    plan_item::Status,
    plan_item_revision::{Category, Owner, Timing},
};
use serde::Serialize;

use super::recurrence;
use crate::{
    domain::text,
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

/// A new plan item, as the proposer puts it.
#[derive(Clone, Debug, Serialize)]
pub struct Propose {
    pub agreement: AgreementId,
    pub title: String,
    pub description: Option<String>,
    pub category: Category,
    pub owner: Owner,
    /// May be left out while the plan is a draft.
    pub when: Option<When>,
    pub responsible_unit: Option<CareUnitId>,
    pub responsible_assignment: Option<AssignmentId>,
    pub goal: Option<GoalId>,
    pub result_how: Option<String>,
    pub result_by: Option<NaiveDate>,
    /// Staff only.
    pub work_note: Option<String>,
}

/// What of a [`Propose`] can be used as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub title: String,
    pub description: Option<String>,
    pub timing: Timing,
    pub due_on: Option<NaiveDate>,
    pub starts_on: Option<NaiveDate>,
    pub recurrence: Option<String>,
    pub trigger: Option<String>,
    pub result_how: Option<String>,
    pub work_note: Option<String>,
}

/// Every problem at once.
pub fn check(cmd: &Propose, today: NaiveDate) -> Result<Checked, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut out = Checked {
        title: text::required("title", &cmd.title, text::TITLE, &mut problems),
        description: text::optional("description", cmd.description.as_deref(), text::TEXT, &mut problems),
        timing: Timing::Date,
        due_on: None,
        starts_on: None,
        recurrence: None,
        trigger: None,
        result_how: text::optional("resultHow", cmd.result_how.as_deref(), text::TEXT, &mut problems),
        work_note: text::optional("workNote", cmd.work_note.as_deref(), text::TEXT, &mut problems),
    };
    let ahead = |field: &str, day: NaiveDate, problems: &mut Vec<Problem>| {
        if day < today {
            problems.push(Problem::input(
                field,
                "Välj en dag som inte har passerat.",
                "Choose a day that has not passed.",
            ));
        }
    };
    let in_order = |field: &str, from: NaiveDate, until: NaiveDate, problems: &mut Vec<Problem>| {
        if until < from {
            problems.push(Problem::input(
                field,
                "Sista dagen kan inte ligga före den första.",
                "The last day cannot be before the first.",
            ));
        }
    };
    match &cmd.when {
        None => {}
        Some(When::On(day)) => {
            out.due_on = Some(*day);
            ahead("timing.date", *day, &mut problems);
        }
        Some(When::Within { from, until }) => {
            (out.timing, out.starts_on, out.due_on) = (Timing::Period, Some(*from), Some(*until));
            ahead("timing.period.until", *until, &mut problems);
            in_order("timing.period.until", *from, *until, &mut problems);
        }
        Some(When::Again { rule, from, until }) => {
            (out.timing, out.starts_on, out.due_on) = (Timing::Recurrence, Some(*from), *until);
            match recurrence::parse("timing.recurrence.rule", rule) {
                Ok(rule) => out.recurrence = Some(rule),
                Err(problem) => problems.push(problem),
            }
            if let Some(until) = until {
                ahead("timing.recurrence.until", *until, &mut problems);
                in_order("timing.recurrence.until", *from, *until, &mut problems);
            }
        }
        Some(When::After { what, latest_follow_up }) => {
            (out.timing, out.due_on) = (Timing::Trigger, *latest_follow_up);
            out.trigger = Some(text::required("timing.trigger.text", what, text::TITLE, &mut problems));
            if let Some(day) = latest_follow_up {
                ahead("timing.trigger.latestFollowUpOn", *day, &mut problems);
            }
        }
    }
    if let Some(day) = cmd.result_by {
        ahead("resultBy", day, &mut problems);
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Completion {
    /// Gjort.
    Done,
    /// Blev inte av.
    NotDone,
}

impl From<Completion> for Status {
    fn from(outcome: Completion) -> Self {
        match outcome {
            Completion::Done => Self::Done,
            Completion::NotDone => Self::NotDone,
        }
    }
}

/// Whether `side` may say what became of an item that `owner` does. Care may record it on the patient's behalf.
pub fn complete(status: Status, owner: Owner, side: Party) -> Result<(), Problem> {
    if side == Party::Patient && owner == Owner::Care {
        return Err(Problem::new(
            ProblemCode::Forbidden,
            "Det är vården som gör det här och som säger när det är gjort. Skriv till din kontakt om det inte stämmer.",
            "Care does this and says when it is done. Write to your contact if that is not right.",
        ));
    }
    match status {
        Status::Accepted | Status::InProgress => Ok(()),
        Status::Proposed => Err(Problem::new(
            ProblemCode::WrongState,
            "Insatsen är bara föreslagen. Den måste först godkännas.",
            "The item is only proposed. It has to be accepted first.",
        )),
        Status::Done | Status::NotDone | Status::Cancelled => Err(Problem::new(
            ProblemCode::WrongState,
            "Insatsen är redan avslutad.",
            "The item is already closed.",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::*;

    fn day(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, 1, n).unwrap()
    }

    fn proposal(when: Option<When>) -> Propose {
        Propose {
            agreement: AgreementId(Uuid::nil()),
            title: " Ta blodprov ".into(),
            description: None,
            category: Category::Examination,
            owner: Owner::Patient,
            when,
            responsible_unit: None,
            responsible_assignment: None,
            goal: None,
            result_how: None,
            result_by: None,
            work_note: None,
        }
    }

    #[test]
    fn each_way_to_tell_the_time_fills_its_own_columns() {
        let checked = check(&proposal(Some(When::On(day(5)))), day(5)).unwrap();
        assert_eq!(
            (checked.title.as_str(), checked.timing, checked.due_on),
            ("Ta blodprov", Timing::Date, Some(day(5)))
        );
        let period = When::Within { from: day(1), until: day(9) };
        let checked = check(&proposal(Some(period)), day(5)).unwrap();
        assert_eq!(
            (checked.timing, checked.starts_on, checked.due_on),
            (Timing::Period, Some(day(1)), Some(day(9)))
        );
        let again = When::Again { rule: "FREQ=DAILY".into(), from: day(5), until: None };
        let checked = check(&proposal(Some(again)), day(5)).unwrap();
        assert_eq!((checked.timing, checked.recurrence.as_deref()), (Timing::Recurrence, Some("FREQ=DAILY")));
        let after = When::After { what: "när provsvaret kommit".into(), latest_follow_up: Some(day(20)) };
        let checked = check(&proposal(Some(after)), day(5)).unwrap();
        assert_eq!((checked.timing, checked.due_on), (Timing::Trigger, Some(day(20))));
    }

    #[test]
    fn all_problems_of_a_proposal_are_told_at_once() {
        let cmd = Propose {
            title: " ".into(),
            result_by: Some(day(1)),
            ..proposal(Some(When::Within { from: day(8), until: day(2) }))
        };
        let problems = check(&cmd, day(5)).unwrap_err();
        let fields: Vec<_> = problems.iter().filter_map(|p| p.field.as_deref()).collect();
        assert_eq!(fields, ["title", "timing.period.until", "timing.period.until", "resultBy"]);
    }

    #[test]
    fn the_side_that_does_it_says_what_became_of_it_and_care_may_for_the_patient() {
        use Party::{Care, Patient};
        assert!(complete(Status::Accepted, Owner::Patient, Patient).is_ok());
        assert!(complete(Status::InProgress, Owner::Relative, Patient).is_ok());
        assert!(complete(Status::Accepted, Owner::Patient, Care).is_ok());
        assert!(complete(Status::Accepted, Owner::Care, Care).is_ok());
        assert_eq!(
            complete(Status::Accepted, Owner::Care, Patient).unwrap_err().code,
            ProblemCode::Forbidden
        );
        for status in [Status::Proposed, Status::Done, Status::NotDone, Status::Cancelled] {
            assert_eq!(complete(status, Owner::Patient, Patient).unwrap_err().code, ProblemCode::WrongState);
        }
    }
}
