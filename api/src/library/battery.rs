//! Question batteries (frågebatterier): versioned questionnaires, as files.
//!
//! A version that has been answered never changes: its text is kept with the answers, and a file that says something
//! else under the same number is refused at start.

use serde::{Deserialize, Serialize};

use super::reading::{Part, Reading};
use crate::error::Text;

/// The longest question.
const QUESTION: usize = 500;

/// One version of a battery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    /// Its name for programs, such as `five-questions`.
    pub key: String,
    /// 1, 2, 3 …; a changed text has a new one.
    pub version: i32,
    pub title: Text,
    /// What the answers are for.
    pub purpose: Text,
    /// Where the questions come from.
    pub source: Option<Text>,
    /// In the order in which they are asked.
    pub questions: Vec<Question>,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its name within the battery.
    pub key: String,
    pub text: Text,
    pub answer: AnswerKind,
    /// Whether a few words may be added to a choice.
    pub comment: bool,
    pub on_yes: Option<OnYes>,
    pub indicator: Option<Indicator>,
}

/// How a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnswerKind {
    Text,
    YesNo,
    YesPartlyNo,
}

/// What a yes sets going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnYes {
    /// A task to appoint a fast vårdkontakt.
    AppointContact,
}

/// What a question measures, and how many per cent of the answers are meant to be positive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    pub name: Text,
    pub target_percent: i32,
}

impl Battery {
    /// The text that is kept with the answers.
    pub fn definition(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// What [`Battery::definition`] wrote.
    pub fn from_definition(definition: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(definition)
    }

    pub fn question(&self, key: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.key == key)
    }
}

/// Reads a file. What is wrong is noted in `reading`.
pub(super) fn read(reading: &mut Reading<'_>, mut root: Part<'_>) -> Battery {
    let key = reading.key(&mut root, "key");
    let version = reading.whole(&mut root, "version", 1..=10_000);
    let title = reading.both(&mut root, "title", 200);
    let purpose = reading.both(&mut root, "purpose", 1_000);
    let source = reading.opt_both(&mut root, "source", 1_000);
    let mut places = Vec::new();
    let mut questions = Vec::new();
    for mut part in reading.parts(&mut root, "questions", 1) {
        let question = question(reading, &mut part);
        places.push((question.key.clone(), part.place("key")));
        questions.push(question);
    }
    reading.unique("question key", places.iter().map(|(key, at)| (key.as_str(), *at)));
    reading.done(&root);
    Battery { key, version, title, purpose, source, questions }
}

fn question(reading: &mut Reading<'_>, part: &mut Part<'_>) -> Question {
    let key = reading.key(part, "key");
    let text = reading.languages(part, QUESTION);
    let kinds = [
        ("yes_partly_no", AnswerKind::YesPartlyNo),
        ("yes_no", AnswerKind::YesNo),
        ("text", AnswerKind::Text),
    ];
    let answer = reading.word(part, "answer", &kinds).unwrap_or(AnswerKind::Text);
    let comment = reading.flag(part, "comment");
    let on_yes = reading.opt_word(part, "on_yes", &[("appoint_contact", OnYes::AppointContact)]);
    let indicator = reading.opt_part(part, "indicator").map(|mut inner| {
        let name = reading.both(&mut inner, "name", 100);
        let target_percent = reading.whole(&mut inner, "target_percent", 1..=100);
        reading.done(&inner);
        Indicator { name, target_percent }
    });
    if answer == AnswerKind::Text {
        for (key, given) in
            [("comment", comment), ("on_yes", on_yes.is_some()), ("indicator", indicator.is_some())]
        {
            if given {
                let at = part.place(key);
                reading.wrong(at, format!("a question answered in text takes no `{key}`: remove the line"));
            }
        }
    }
    reading.done(part);
    Question { key, text, answer, comment, on_yes, indicator }
}
