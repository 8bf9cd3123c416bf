//! Question batteries and the answers to them.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{enums::ActorKind, people::CareUnitSummary};
use crate::{
    graphql::{
        plain::{At, Plain, plain_enum, plain_object},
        scalars::GlobalId,
    },
    library,
    session::Session,
};

/// How a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(remote = "library::AnswerKind")]
pub enum BatteryAnswerKind {
    /// In words (fritext): `text`.
    Text,
    /// Yes or no (ja, nej): `choice`.
    YesNo,
    /// Yes, partly or no (ja, delvis, nej): `choice`.
    YesPartlyNo,
}

impl Plain for BatteryAnswerKind {
    fn write(&self, _: &At<'_>) -> async_graphql::Value {
        let name = match self {
            Self::Text => "TEXT",
            Self::YesNo => "YES_NO",
            Self::YesPartlyNo => "YES_PARTLY_NO",
        };
        async_graphql::Value::Enum(async_graphql::Name::new(name))
    }
}

plain_enum! {
    /// What was chosen.
    BatteryChoice = entity::battery_answer::Choice {
        /// Yes (ja).
        Yes,
        /// Partly (delvis).
        Partly,
        /// No (nej).
        No,
    }
}

plain_enum! {
    /// The way answers came.
    AnswerChannel = entity::battery_answer_set::Channel {
        /// From the patient's own phone or computer.
        Web,
        /// By phone (telefon), written down by staff.
        Phone,
        /// At the unit (på plats), written down by staff.
        OnSite,
        /// On paper (papper), entered by staff.
        Paper,
    }
}

plain_object! {
    /// What a question measures (indikator).
    BatteryIndicator {
        /// Its name.
        name: String,
        /// How many per cent of the answers are meant to be positive (målvärde).
        target_percent: i32,
    }
}

plain_object! {
    /// A question (fråga).
    BatteryQuestion {
        /// Its name within the battery, for `batteryAnswer`.
        key: String,
        /// Where it stands in the battery: 1, 2, 3 …
        number: i32,
        /// The question, in the language of `Accept-Language`.
        text: String,
        /// How it is answered.
        answer_kind: BatteryAnswerKind,
        /// Whether a comment may be added to a choice.
        takes_comment: bool,
        /// Whether a yes asks for a fast vårdkontakt to be appointed.
        yes_asks_for_contact: bool,
        /// What it measures, if anything.
        indicator: Option<BatteryIndicator>,
    }
}

plain_object! {
    /// A question battery (frågebatteri): a questionnaire in one of its versions.
    QuestionBattery {
        /// Its name, such as `five-questions`; the same in all versions.
        key: String,
        /// The version: a changed text has a new one.
        version: i32,
        /// Its heading, in the language of `Accept-Language`.
        title: String,
        /// What the answers are for.
        purpose: String,
        /// Where the questions come from, where that must be known.
        source: Option<String>,
        /// Whether it ships with the service; otherwise the region added it.
        is_shipped: bool,
        /// The questions, in order.
        questions: Vec<Arc<BatteryQuestion>>,
    }
}

plain_object! {
    /// The answer to one question.
    BatteryAnswer {
        /// The question, as it was asked.
        question: Arc<BatteryQuestion>,
        /// What was chosen, where there is a choice.
        choice: Option<BatteryChoice>,
        /// The answer in words, where there is none.
        text: Option<String>,
        /// A comment to the choice.
        comment: Option<String>,
    }
}

plain_object! {
    /// Answers to a question battery (svar), as they were given on one occasion. They never change: a correction
    /// (rättelse) is a new set of answers.
    BatteryAnswerSet implements Node {
        /// Global id.
        id: GlobalId,
        /// The questions, as they were asked.
        battery: Arc<QuestionBattery>,
        /// The answers, in order of the questions; those that were left out are not here.
        answers: Vec<BatteryAnswer>,
        /// When the questions were answered; of a correction, when they first were.
        answered_at: DateTime<Utc>,
        /// When this was written.
        recorded_at: DateTime<Utc>,
        /// The way the answers came.
        channel: AnswerChannel,
        /// Who entered them: the patient, a representative (ombud), or staff on the patient's behalf.
        by: ActorKind,
        /// The unit that the answers belong to.
        care_unit: CareUnitSummary,
        /// The version of the agreement that held, or was being drawn up.
        agreement_version_id: Option<GlobalId>,
        /// The answers that these put right.
        corrects_id: Option<GlobalId>,
        /// The answers that put these right, if any do.
        corrected_by_id: Option<GlobalId>,
    }
}

impl QuestionBattery {
    /// As the session's reader sees it.
    pub fn of(battery: &library::Battery, session: &Session) -> Self {
        let say = |text: &crate::error::Text| text.in_locale(session.locale).to_owned();
        let question = |(n, question): (usize, &library::Question)| {
            Arc::new(BatteryQuestion {
                key: question.key.clone(),
                number: i32::try_from(n + 1).unwrap_or(i32::MAX),
                text: say(&question.text),
                answer_kind: question.answer.into(),
                takes_comment: question.comment,
                yes_asks_for_contact: question.on_yes == Some(library::OnYes::AppointContact),
                indicator: question.indicator.as_ref().map(|indicator| BatteryIndicator {
                    name: say(&indicator.name),
                    target_percent: indicator.target_percent,
                }),
            })
        };
        Self {
            key: battery.key.clone(),
            version: battery.version,
            title: say(&battery.title),
            purpose: say(&battery.purpose),
            source: battery.source.as_ref().map(say),
            is_shipped: session.core.library.is_shipped(battery),
            questions: battery.questions.iter().enumerate().map(question).collect(),
        }
    }
}
