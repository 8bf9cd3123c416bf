//! What a ladder must hold: pure, all problems at once.

use crate::{domain::ladder::Step, error::Problem};

/// Checks the chosen rungs. None at all is a choice too: then nobody is reminded.
pub fn check(steps: &[Step]) -> Result<(), Vec<Problem>> {
    let twice =
        |n: &usize| steps.iter().take(*n).any(|other| steps.get(*n).is_some_and(|s| s.rule == other.rule));
    let problems: Vec<Problem> = (0..steps.len())
        .filter(twice)
        .map(|n| {
            Problem::input(
                &format!("ladder.rungs.{n}.rule"),
                "Samma påminnelse står två gånger.",
                "The same reminder is there twice.",
            )
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ladder::{DEFAULT, First, Rule};

    #[test]
    fn a_rung_stands_once_and_none_is_a_choice() {
        assert!(check(&DEFAULT).is_ok() && check(&[]).is_ok());
        let evening = |first| Step { rule: Rule::EveningBefore, first };
        let problems = check(&[evening(First::Mail), evening(First::Sms)]).err().unwrap_or_default();
        assert_eq!(problems[0].field.as_deref(), Some("ladder.rungs.1.rule"));
    }
}
