//! What a goal's wording may be.

use chrono::NaiveDate;

use crate::{domain::text, error::Problem};

/// The text, with every problem at once. `was` is the date that stands already: it may have passed.
pub fn check(
    text: &str,
    priority: Option<i32>,
    target_on: Option<NaiveDate>,
    was: Option<NaiveDate>,
    today: NaiveDate,
) -> Result<String, Vec<Problem>> {
    let mut problems = Vec::new();
    let text = text::required("text", text, text::TEXT, &mut problems);
    if priority.is_some_and(|p| !(1..=99).contains(&p)) {
        problems.push(Problem::input(
            "priority",
            "Ange ett tal mellan 1 och 99.",
            "Give a number from 1 to 99.",
        ));
    }
    if target_on != was && target_on.is_some_and(|day| day < today) {
        problems.push(Problem::input(
            "targetOn",
            "Välj en dag som inte har passerat.",
            "Choose a day that has not passed.",
        ));
    }
    if problems.is_empty() { Ok(text) } else { Err(problems) }
}
