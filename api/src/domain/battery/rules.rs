//! What answers to a battery must hold: pure, all problems at once.

use std::collections::BTreeMap;

use entity::{access_event::ActorKind, battery_answer::Choice, battery_answer_set::Channel};
use serde::Serialize;

use crate::{
    domain::text,
    error::{Problem, ProblemCode},
    library::{AnswerKind, Battery, OnYes, Question},
};

/// An answer as it was given.
#[derive(Clone, Debug, Serialize)]
pub struct Given {
    /// The question's name within the battery.
    pub question: String,
    pub choice: Option<Choice>,
    pub text: Option<String>,
    pub comment: Option<String>,
}

/// An answer that fits its question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub question: String,
    pub choice: Option<Choice>,
    pub text: Option<String>,
    pub comment: Option<String>,
}

/// Checks the answers, all or some of the battery's questions, and puts them in the battery's order. A field is
/// named `answers.<place in the list, from 0>.<part>`, as the caller wrote it.
pub fn check(battery: &Battery, given: &[Given]) -> Result<Vec<Checked>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut checked: BTreeMap<usize, Checked> = BTreeMap::new();
    if given.is_empty() {
        problems.push(Problem::input("answers", "Svara på minst en fråga.", "Answer at least one question."));
    }
    for (n, given) in given.iter().enumerate() {
        let place = battery.questions.iter().position(|question| question.key == given.question);
        let Some((place, question)) = place.and_then(|at| Some((at, battery.questions.get(at)?))) else {
            problems.push(Problem::input(
                &format!("answers.{n}.question"),
                "Frågan finns inte bland de här frågorna.",
                "There is no such question in this battery.",
            ));
            continue;
        };
        let answer = answer(question, n, given, &mut problems);
        if checked.insert(place, answer).is_some() {
            problems.push(Problem::input(
                &format!("answers.{n}.question"),
                "Frågan har fått två svar. Ge ett.",
                "The question was answered twice. Answer it once.",
            ));
        }
    }
    if problems.is_empty() { Ok(checked.into_values().collect()) } else { Err(problems) }
}

fn answer(question: &Question, n: usize, given: &Given, problems: &mut Vec<Problem>) -> Checked {
    let field = |part: &str| format!("answers.{n}.{part}");
    let checked = Checked {
        question: question.key.clone(),
        choice: given.choice,
        text: text::optional(&field("text"), given.text.as_deref(), text::TEXT, problems),
        comment: text::optional(&field("comment"), given.comment.as_deref(), text::TEXT, problems),
    };
    let mut wrong = |part, sv: &str, en: &str| problems.push(Problem::input(&field(part), sv, en));
    if question.answer == AnswerKind::Text {
        if given.choice.is_some() {
            wrong("choice", "Svara på frågan med egna ord.", "Answer the question in your own words.");
        } else if given.text.as_deref().is_none_or(|text| text.trim().is_empty()) {
            wrong(
                "text",
                "Skriv ett svar, eller hoppa över frågan.",
                "Write an answer, or skip the question.",
            );
        }
    } else {
        if given.text.is_some() {
            wrong(
                "text",
                "Svara på frågan genom att välja. Egna ord kan skrivas som kommentar.",
                "Answer the question by choosing. Your own words can be a comment.",
            );
        }
        match (given.choice, question.answer) {
            (None, _) => wrong(
                "choice",
                "Välj ett svar, eller hoppa över frågan.",
                "Choose an answer, or skip the question.",
            ),
            (Some(Choice::Partly), AnswerKind::YesNo) => {
                wrong("choice", "Svara ja eller nej.", "Answer yes or no.");
            }
            _ => {}
        }
    }
    if given.comment.is_some() && !question.comment {
        wrong("comment", "Frågan har ingen plats för kommentar.", "The question has no room for a comment.");
    }
    checked
}

/// The way the answers came. The patient's own come from their own phone or computer; staff say how they got them.
pub fn channel(by: ActorKind, given: Option<Channel>) -> Result<Channel, Problem> {
    match (by, given) {
        (ActorKind::Staff, Some(channel)) if channel != Channel::Web => Ok(channel),
        (ActorKind::Staff, _) => Err(Problem::input(
            "channel",
            "Ange hur du fick svaren: på telefon, på plats eller på papper.",
            "Say how you got the answers: by phone, on site or on paper.",
        )),
        (_, None | Some(Channel::Web)) => Ok(Channel::Web),
        (_, Some(_)) => Err(Problem::input(
            "channel",
            "Det anges bara av personal som skriver ned svaren.",
            "Only staff who write the answers down say this.",
        )),
    }
}

/// Whether the answers ask for somebody to coordinate the care.
pub fn asks_for_contact(battery: &Battery, answers: &[Checked]) -> bool {
    answers.iter().any(|answer| {
        answer.choice == Some(Choice::Yes)
            && battery.question(&answer.question).is_some_and(|q| q.on_yes == Some(OnYes::AppointContact))
    })
}

/// The questions have changed since they were shown.
pub fn outdated() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Frågorna har ändrats. Läs in dem på nytt och svara igen.",
        "The questions have changed. Read them anew and answer again.",
    )
    .at("version")
}

/// Each set of answers is put right once: the next time, it is the correction that is put right.
pub fn corrected_already() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "De här svaren är redan rättade. Rätta de senaste svaren i stället.",
        "These answers have been corrected already. Correct the latest ones instead.",
    )
    .at("correctsId")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::library::Library;

    fn battery(key: &str) -> Battery {
        Library::load(None).unwrap().battery(key).unwrap().clone()
    }

    fn given(question: &str, choice: Option<Choice>, text: Option<&str>, comment: Option<&str>) -> Given {
        Given {
            question: question.to_owned(),
            choice,
            text: text.map(str::to_owned),
            comment: comment.map(str::to_owned),
        }
    }

    #[test]
    fn answers_come_in_the_order_of_the_questions_and_some_may_be_left_out() {
        let answers = [
            given("nasta-steg", Some(Choice::No), None, Some(" Vet ej \n")),
            given("viktigt", None, Some("Att orka gå ut"), None),
        ];
        let checked = check(&battery("eight-questions"), &answers).unwrap();
        assert_eq!(
            checked.iter().map(|c| c.question.as_str()).collect::<Vec<_>>(),
            ["viktigt", "nasta-steg"]
        );
        assert_eq!(checked[1].comment.as_deref(), Some("Vet ej"));
    }

    #[test]
    fn every_answer_that_does_not_fit_its_question_is_told_of_at_once() {
        let answers = [
            given("viktigt", Some(Choice::Yes), None, None),
            given("gemensamt-mal", None, Some("  "), None),
            given("eget-ansvar", None, Some("Medicinen"), Some("och mer")),
            given("fast-vardkontakt", None, Some("Ja"), None),
            given("nasta-steg", Some(Choice::Partly), None, None),
            given("overblick", Some(Choice::Yes), None, Some(&"å".repeat(4_001))),
            given("overblick", Some(Choice::No), None, None),
            given("unknown", Some(Choice::Yes), None, None),
        ];
        let problems = check(&battery("eight-questions"), &answers).unwrap_err();
        let fields: Vec<_> = problems.iter().filter_map(|p| p.field.as_deref()).collect();
        assert_eq!(
            fields,
            [
                "answers.0.choice",
                "answers.1.text",
                "answers.2.comment",
                "answers.3.text",
                "answers.3.choice",
                "answers.4.choice",
                "answers.5.comment",
                "answers.6.question",
                "answers.7.question",
            ]
        );
        assert_eq!(check(&battery("pulse"), &[]).unwrap_err()[0].field.as_deref(), Some("answers"));
    }

    #[test]
    fn only_a_yes_to_the_eighth_question_asks_for_a_contact() {
        let eight = battery("eight-questions");
        let asks = |question: &str, choice| {
            let answers = check(&eight, &[given(question, Some(choice), None, None)]).unwrap();
            asks_for_contact(&eight, &answers)
        };
        assert!(asks("hjalp-att-samordna", Choice::Yes));
        assert!(!asks("hjalp-att-samordna", Choice::No));
        assert!(!asks("fast-vardkontakt", Choice::Yes));
    }

    #[test]
    fn staff_say_how_the_answers_came_and_patients_need_not() {
        assert_eq!(channel(ActorKind::Patient, None), Ok(Channel::Web));
        assert_eq!(channel(ActorKind::Staff, Some(Channel::Phone)), Ok(Channel::Phone));
        assert!(channel(ActorKind::Staff, None).is_err());
        assert!(channel(ActorKind::Staff, Some(Channel::Web)).is_err());
        assert!(channel(ActorKind::Patient, Some(Channel::Paper)).is_err());
    }
}
