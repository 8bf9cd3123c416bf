//! What agreements in the demo are about: conditions with goals and items as they may well be written.

use chrono::{NaiveDate, TimeDelta};
use entity::{
    agreement_version::Party,
    goal::{Achievement, Status as GoalStatus},
    plan_item::Status,
    plan_item_revision::{Category, Owner},
};

use super::{
    super::{
        plan::{GoalText, ItemText, When},
        writer::{Unit, Writer},
    },
    conditions::THEMES,
};
use crate::{
    calendar::{ClosingDays, add_working_days, is_working_day},
    domain::agreement::content::AgreementContent,
};

/// One condition, told by the patient and by care.
pub struct Theme {
    pub title: &'static str,
    pub story: &'static str,
    pub matters: &'static str,
    pub shared_goal: &'static str,
    pub own: &'static str,
    pub seek_help: &'static str,
    pub results: &'static str,
    /// The first one is the patient's, the second care's.
    pub goals: [&'static str; 2],
    pub items: &'static [Item],
}

/// Days are counted from today.
pub struct Item(pub Category, pub &'static str, pub &'static str, pub Owner, pub Due, pub Status);

#[derive(Clone, Copy)]
pub enum Due {
    On(i64),
    Daily(i64),
    Weekly(i64),
    Within(i64, i64),
    After(&'static str, i64),
}

/// A condition that fits somebody born that year; the same `n` gives the same one.
pub fn fitting(year: i32, n: usize) -> &'static Theme {
    let choices: &[usize] = match year {
        ..1946 => &[6, 0, 3, 5],
        1946..1966 => &[1, 2, 3, 0, 7],
        _ => &[4, 7, 1],
    };
    &THEMES[choices[n % choices.len()]]
}

impl Theme {
    pub fn content(&self) -> AgreementContent {
        let some = |text: &str| Some(text.to_owned());
        AgreementContent {
            title: self.title.to_owned(),
            story: some(self.story),
            what_matters: some(self.matters),
            shared_goal: some(self.shared_goal),
            own_responsibility: some(self.own),
            self_care: some("Rörelse varje dag, regelbundna måltider och vila när kroppen säger ifrån."),
            when_to_seek_help: some(self.seek_help),
            how_results_come: some(self.results),
            ..AgreementContent::default()
        }
    }

    pub fn goals(&self, writer: &Writer) -> Vec<GoalText> {
        let goals = self.goals.iter().zip([Party::Patient, Party::Care]);
        goals
            .map(|(text, set_by)| GoalText {
                text: (*text).to_owned(),
                status: GoalStatus::Active,
                achievement: Achievement::InProgress,
                set_by,
                target_on: Some(writer.today + TimeDelta::days(120)),
            })
            .collect()
    }

    pub fn items(&self, writer: &Writer, unit: &Unit) -> Vec<ItemText> {
        self.items.iter().enumerate().map(|(n, item)| item.text(writer, unit, n)).collect()
    }
}

impl Item {
    /// The `n`th item of a plan, done by one of the unit's staff in turn.
    pub fn text(&self, writer: &Writer, unit: &Unit, n: usize) -> ItemText {
        let Self(category, title, description, owner, due, status) = self;
        let day = |days: i64| writer.today + TimeDelta::days(days);
        // Care does what it does on working days.
        let at_work = |day: NaiveDate| {
            let none = ClosingDays::new();
            if *owner == Owner::Care && !is_working_day(day, &none) {
                add_working_days(day, 1, &none)
            } else {
                day
            }
        };
        ItemText {
            category: *category,
            title: (*title).to_owned(),
            description: Some((*description).to_owned()),
            owner: *owner,
            relative_name: None,
            when: match *due {
                Due::On(days) => When::On(at_work(day(days))),
                Due::Daily(until) => When::Every("FREQ=DAILY", day(-30), day(until)),
                Due::Weekly(until) => When::Every("FREQ=WEEKLY", day(-30), day(until)),
                Due::Within(from, until) => When::Between(day(from), day(until)),
                Due::After(what, latest) => When::After(what.to_owned(), day(latest)),
            },
            unit: None,
            responsible: (*owner == Owner::Care).then(|| unit.workers[n % 3].assignment),
            goal: Some(n % 2),
            result_how: (*category == Category::Examination)
                .then(|| "Svaret kommer som meddelande, och vi ringer om något behöver ändras.".to_owned()),
            result_by: None,
            status: *status,
            status_reason: (*status == Status::NotDone)
                .then(|| "Det blev inte av på grund av förkylning. Ny tid bokas.".to_owned()),
            work_note: None,
        }
    }
}
