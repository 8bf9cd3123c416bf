//! Which tasks end with words, and which only by the act that they ask for: pure.

use entity::task::{Kind, Status};

use crate::error::{Problem, ProblemCode, Text};

/// What a patient has asked of care, or a call that has been promised, is not settled by ending a task: only by what
/// was asked for, or by the patient who takes it back. The act that ends such a task; none when words do.
pub fn ended_only_by(kind: Kind) -> Option<Text> {
    let (sv, en) = match kind {
        Kind::AppointContact => (
            "Uppgiften är klar när en kontakt har utsetts, eller när patienten tar tillbaka sin önskan: säger patienten \
             det till dig, anteckna hur. Du kan lämna den vidare till en annan enhet.",
            "The task ends when a contact is appointed, or when the patient takes the request back: if the patient tells \
             you so, write down how. You can pass it to another unit.",
        ),
        Kind::AgreementRequest => (
            "Uppgiften är klar när ett patientkontrakt har föreslagits, eller när patienten tar tillbaka sin önskan: \
             säger patienten det till dig, anteckna hur. Du kan lämna den vidare till en annan enhet.",
            "The task ends when an agreement is proposed, or when the patient takes the request back: if the patient \
             tells you so, write down how. You can pass it to another unit.",
        ),
        Kind::ItemConcern => (
            "Uppgiften är klar när patientens oro för insatsen har besvarats, eller när patienten tar tillbaka den.",
            "The task ends when the patient's concern about the item is answered, or when the patient takes it back.",
        ),
        Kind::Objection => (
            "Uppgiften är klar när patienten, eller den som har invänt, själv godkänner versionen, när en ny version \
             gäller, eller när förslaget tas tillbaka, avböjs eller får ett motförslag.",
            "The task ends when the patient, or whoever objected, assents to the version themself, when a new version is \
             in force, or when the proposal is taken back, declined or countered.",
        ),
        Kind::AnswerProposal => (
            "Uppgiften är klar när förslaget har godkänts, avböjts eller fått ett motförslag, eller när det tas tillbaka.",
            "The task ends when the proposal is accepted, declined or countered, or when it is taken back.",
        ),
        Kind::Call => (
            "Uppgiften är klar när samtalet är ringt: skriv in det i samtalslistan.",
            "The task ends when the call is made: write it down in the call log.",
        ),
        Kind::OrphanedNextStep => (
            "Uppgiften är klar när planen har ett nästa steg igen: lägg till eller öppna en insats, eller boka en tid.",
            "The task ends when the plan has a next step again: add or open an item, or book a time.",
        ),
        Kind::ContactReview => (
            "Uppgiften är klar när behovet har omprövats: kontakten behålls till en ny dag, eller uppdraget avslutas.",
            "The task ends when the need is reviewed: the contact is kept until another day, or the role is ended.",
        ),
        Kind::PatientDecision => (
            "Uppgiften är klar när patienten har tagit ställning, eller när ni har antecknat en ny dag att fråga.",
            "The task ends when the patient has decided, or when you have recorded another day to ask.",
        ),
        Kind::RevisePlan => (
            "Uppgiften är klar när en ny version gäller: föreslå en utan det som vården har tagit tillbaka.",
            "The task ends when a new version is in force: propose one without what care has taken back.",
        ),
        Kind::OutcomeMissing => (
            "Uppgiften är klar när det är noterat om patienten kom.",
            "The task ends when it is recorded whether the patient came.",
        ),
        Kind::ResultOwed => (
            "Uppgiften är klar när beskedet är lämnat: skriv in hur. Den försvinner också om insatsen ställs in eller \
             beskedet får en ny dag. Blev insatsen inte gjord innan planen avslutades, avsluta den med några ord.",
            "The task ends when the result is told: write down how. It goes too if the item is called off or the result \
             gets another day. If the item was not done before the plan ended, end it with a few words.",
        ),
        Kind::CareLate => (
            "Uppgiften är klar när insatsen är gjord, inställd eller har fått en ny dag.",
            "The task ends when the item is done, called off, or has another day.",
        ),
        Kind::Handover
        | Kind::VisitMissed
        | Kind::MissedCall
        | Kind::UnansweredMessage
        | Kind::Letter
        | Kind::PlanSignal
        | Kind::CancellationCall
        | Kind::TimeWish
        | Kind::DischargeGap => return None,
    };
    Some(Text::new(sv, en))
}

/// It has ended already.
pub fn over() -> Problem {
    Problem::new(ProblemCode::WrongState, "Uppgiften är redan avslutad.", "The task has already ended.")
        .at("taskId")
}

/// The gap is still ahead, and can be filled.
fn somebody_takes_over() -> Text {
    Text::new(
        "Uppgiften är klar när någon tar över eller ersätter kontakten, eller när uppdraget avslutas tillsammans med \
         patienten.",
        "The task ends when somebody takes over or steps in, or when the role is ended together with the patient.",
    )
}

/// Whether words end a task now. `stands`: of a handover, whether the contact's role has not ended yet (where it has run
/// out, only words can say what became of it); of a call, whether it stands in the call log; of a result, whether there is
/// one to tell, or a plan in which it can be called off.
pub fn may_end_with_words(kind: Kind, status: Status, stands: bool) -> Result<(), Problem> {
    if status != Status::Open {
        return Err(over());
    }
    let only = match kind {
        Kind::Handover if stands => Some(somebody_takes_over()),
        Kind::Call | Kind::ResultOwed if !stands => None,
        _ => ended_only_by(kind),
    };
    match only {
        None => Ok(()),
        Some(text) => Err(Problem { code: ProblemCode::WrongState, field: None, text }.at("taskId")),
    }
}
