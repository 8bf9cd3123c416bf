//! Who may say no (avböja) to what, as pure rules.

use entity::agreement_version::{Party, Status, Withdrawal};

use super::rules::no_answer_wanted;
use crate::error::{Problem, ProblemCode};

/// Whose no it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// Care's own.
    Care,
    /// The patient's side's, said in the service.
    PatientsSide,
    /// The patient's, which staff write down.
    WrittenDown,
}

/// What a no makes of a version. Each side says no to what the other proposes, and care only before its own yes. The
/// patient's word that staff write down may also be to what was proposed for the patient: then their side has taken it
/// back, as it does in the service.
pub(super) fn decline(
    version: Status,
    proposed_by: Option<Party>,
    care_assented: bool,
    voice: Voice,
) -> Result<Withdrawal, Problem> {
    if version != Status::Proposed {
        return Err(no_answer_wanted());
    }
    match (voice, proposed_by) {
        (Voice::WrittenDown, Some(Party::Patient)) => Ok(Withdrawal::TakenBack),
        (Voice::Care, Some(Party::Care)) | (Voice::PatientsSide, Some(Party::Patient)) => Err(Problem::new(
            ProblemCode::WrongState,
            "Förslaget kommer från din egen sida. Ta tillbaka det i stället.",
            "The proposal is your own side's. Take it back instead.",
        )),
        (Voice::Care, _) if care_assented => Err(care_has_assented()),
        _ => Ok(Withdrawal::Declined),
    }
}

/// A yes of care's is not undone by a no.
fn care_has_assented() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Vården har redan godkänt det här. Lämna ett motförslag om det behöver ändras, eller prata med patienten. Säger \
         patienten nej: ange hur det sades.",
        "Care has already assented to this. Make a counter-proposal if it has to be changed, or talk with the patient. If \
         the patient says no, give how it was said.",
    )
}

/// What the patient has said yes to, nobody says no to for them.
pub(super) fn the_patient_has_assented() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Patienten har själv godkänt det här, och bara patienten kan ändra på det. Prata med patienten, eller föreslå en \
         ändring.",
        "The patient has assented to this themself, and only the patient can change that. Talk with the patient, or \
         propose a change.",
    )
}

/// Care answers what the patient has against it, and nobody takes that answer away for them.
pub(super) fn the_patient_has_objected() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Patienten har själv invänt mot det här, och vården ska svara. Prata med patienten: bara patienten kan ändra på \
         det.",
        "The patient has objected to this themself, and care is to answer. Talk with the patient: only they can change \
         that.",
    )
}

/// What holds without the patient's decision waits for the patient's own yes or no.
pub(super) fn the_patient_says_no() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Här väntar planen på att patienten själv tar ställning. Ingen annan kan säga nej till den eller avsluta den i \
         patientens ställe.",
        "The plan waits for the patient's own decision. Nobody else can say no to it or end it in the patient's place.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_is_to_the_other_sides_proposal_and_cares_comes_before_its_yes() {
        let no = |voice, by, care_assented| decline(Status::Proposed, Some(by), care_assented, voice).ok();
        for (voice, to_care, to_patient, after_cares_yes) in [
            (Voice::Care, None, Some(Withdrawal::Declined), None),
            (Voice::PatientsSide, Some(Withdrawal::Declined), None, None),
            (
                Voice::WrittenDown,
                Some(Withdrawal::Declined),
                Some(Withdrawal::TakenBack),
                Some(Withdrawal::TakenBack),
            ),
        ] {
            assert_eq!(no(voice, Party::Care, true), to_care, "{voice:?}");
            assert_eq!(no(voice, Party::Patient, false), to_patient, "{voice:?}");
            assert_eq!(no(voice, Party::Patient, true), after_cares_yes, "{voice:?}");
            assert!(decline(Status::Active, Some(Party::Patient), false, voice).is_err(), "{voice:?}");
        }
    }
}
