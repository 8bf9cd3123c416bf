//! The visits of a day, each with what is missing, as the schema shows them.

use super::{booking::Appointment, people::PatientSummary};
use crate::graphql::{
    plain::{At, Plain, plain_object},
    read::steps::PartKind,
    scalars::LanguageTag,
};

/// What is missing for a patient who is about to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum VisitGapKind {
    /// There is no agreement (inget patientkontrakt).
    NoAgreement,
    /// There is one, to which not everyone has said yes (gäller inte än).
    AgreementNotInForce,
    /// What matters to the patient is not in it (vad som är viktigt saknas).
    NoWhatMatters,
    /// It has no goals (mål saknas).
    NoGoals,
    /// When and where to seek help is not in it (när och var man söker hjälp saknas).
    NoWhenToSeekHelp,
    /// No main fast vårdkontakt is appointed.
    NoFixedContact,
    /// No fast läkarkontakt is appointed.
    NoFixedDoctor,
    /// No time is booked after this visit (ingen tid efter besöket).
    NoTimeAfterVisit,
    /// The plan has no items (planen är tom).
    EmptyPlan,
    /// An open item of the plan has no day (insats utan tid).
    ItemWithoutTime,
    /// Nothing is to happen after this visit: neither a booked time nor an item with a day (inget nästa steg).
    NoNextStepAfterVisit,
    /// No questions have been answered in the last ninety days (obesvarade frågor).
    QuestionsUnanswered,
    /// An interpreter is needed (tolk behövs).
    InterpreterNeeded,
}

impl Plain for VisitGapKind {
    fn write(&self, _: &At<'_>) -> async_graphql::Value {
        async_graphql::Value::Enum(async_graphql::Name::new(match self {
            Self::NoAgreement => "NO_AGREEMENT",
            Self::AgreementNotInForce => "AGREEMENT_NOT_IN_FORCE",
            Self::NoWhatMatters => "NO_WHAT_MATTERS",
            Self::NoGoals => "NO_GOALS",
            Self::NoWhenToSeekHelp => "NO_WHEN_TO_SEEK_HELP",
            Self::NoFixedContact => "NO_FIXED_CONTACT",
            Self::NoFixedDoctor => "NO_FIXED_DOCTOR",
            Self::NoTimeAfterVisit => "NO_TIME_AFTER_VISIT",
            Self::EmptyPlan => "EMPTY_PLAN",
            Self::ItemWithoutTime => "ITEM_WITHOUT_TIME",
            Self::NoNextStepAfterVisit => "NO_NEXT_STEP_AFTER_VISIT",
            Self::QuestionsUnanswered => "QUESTIONS_UNANSWERED",
            Self::InterpreterNeeded => "INTERPRETER_NEEDED",
        }))
    }
}

plain_object! {
    /// One thing that is missing before a visit.
    VisitGap {
        /// What, for programs.
        kind: VisitGapKind,
        /// Which of the four parts of the patientkontrakt it belongs to, if any.
        part: Option<PartKind>,
        /// What, in plain words.
        message: String,
    }
}

plain_object! {
    /// A booked visit at the unit (besök), with what is missing for the patient.
    Visit {
        /// The booked time.
        appointment: Appointment,
        /// Who comes.
        patient: PatientSummary,
        /// The language to interpret (tolkspråk), where an interpreter is needed.
        interpreter_language: Option<LanguageTag>,
        /// What is missing; empty when nothing is.
        gaps: Vec<VisitGap>,
    }
}
