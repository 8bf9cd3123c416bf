//! The life of an agreement, as pure rules: who may assent to what, take back what, and answer what.

use entity::{
    AgreementVersionId, agreement,
    agreement_version::{Party, Status, Withdrawal},
};

use super::objection::Objector;
use crate::error::{Problem, ProblemCode};

/// How many goals a version holds at most.
pub const MAX_GOALS: usize = 50;
/// How many plan items a version holds at most.
pub const MAX_ITEMS: usize = 300;
/// How many proposals on the version in force wait for an answer at most.
pub const MAX_PROPOSALS: u64 = 20;

/// What decides whether a version can be assented to.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub agreement: agreement::Status,
    /// The version in force now.
    pub in_force: Option<AgreementVersionId>,
    pub status: Status,
    /// Why it was withdrawn, if it was.
    pub withdrawal: Option<Withdrawal>,
    /// What the version changes.
    pub base: Option<AgreementVersionId>,
    pub digest: Option<&'a [u8]>,
    pub patient_assented: bool,
    pub care_assented: bool,
    /// Who objects to what others said or wrote down as the patient's side's yes: it counts for nothing until they have
    /// settled it.
    pub objection: Option<Objector>,
    /// The giver has the last word about what others said or wrote down for the patient: the patient themself, or the
    /// representative whose objection it is.
    pub has_last_word: bool,
}

/// What an assent brings about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assented {
    /// The other side's assent is still missing.
    Waits,
    /// Both sides have assented: the version comes into force.
    Activates,
    /// Both sides have assented, and another agreement is in force: it waits until the patient chooses.
    AwaitsChoice,
    /// What others said for the patient is now the patient's own word. Nothing else changes.
    Confirms,
}

/// Whether `side` can assent to `digest` now. None as digest: to what the version holds.
pub fn assent(facts: &Facts<'_>, side: Party, digest: Option<&[u8]>) -> Result<Assented, Problem> {
    not_ended(facts.agreement)?;
    if facts.status == Status::Draft {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Planen är ett utkast. Den måste föreslås innan någon kan godkänna den.",
            "The plan is a draft. It has to be proposed before anyone can assent to it.",
        ));
    }
    if digest.is_some() && digest != facts.digest {
        return Err(Problem::new(
            ProblemCode::Conflict,
            "Det du läste är inte det som står i planen nu. Läs planen igen innan du godkänner den.",
            "What you read is not what the plan says now. Read the plan again before you assent to it.",
        )
        .at("digest"));
    }
    if facts.status == Status::Withdrawn {
        return Err(withdrawn(facts.withdrawal));
    }
    if let (Some(objector), Party::Patient, false) = (facts.objection, side, facts.has_last_word) {
        return Err(match objector {
            Objector::Patient => the_patient_decides(),
            Objector::Representative => the_objector_decides(),
        });
    }
    let (own, other) = match side {
        Party::Patient => (facts.patient_assented, facts.care_assented),
        Party::Care => (facts.care_assented, facts.patient_assented && facts.objection.is_none()),
    };
    // Both sides had assented, and another agreement stood in the way: it is tried anew.
    if own && other && facts.status == Status::Proposed {
        return if facts.base == facts.in_force { Ok(Assented::Activates) } else { Err(base_moved()) };
    }
    if own && facts.has_last_word && (facts.status == Status::Proposed || facts.status.in_force()) {
        return Ok(Assented::Confirms);
    }
    if own {
        return Err(already(side, other));
    }
    // In force without the patient's decision: now it comes.
    if facts.status == Status::PatientUndecided {
        return Ok(Assented::Activates);
    }
    if facts.status != Status::Proposed {
        return Err(no_answer_wanted());
    }
    if facts.base != facts.in_force {
        return Err(base_moved());
    }
    Ok(if other { Assented::Activates } else { Assented::Waits })
}

/// The proposal changes what is no longer in force.
pub fn base_moved() -> Problem {
    Problem::new(
        ProblemCode::BaseMoved,
        "Planen har ändrats sedan förslaget skrevs. Läs planen som den är nu och lämna ett nytt förslag.",
        "The plan has changed since this was proposed. Read the plan as it is now and propose again.",
    )
}

/// What holds without the patient's decision says something of safety that holds no longer.
pub fn instruction_gone() -> Problem {
    Problem::new(
        ProblemCode::BaseMoved,
        "Vården har tagit tillbaka en säkerhetsanvisning som står i planen. Vänta på vårdens nya förslag, eller lämna ett \
         eget.",
        "Care has taken back a safety instruction that the plan says. Wait for care's new proposal, or make one yourself.",
    )
}

fn withdrawn(how: Option<Withdrawal>) -> Problem {
    match how {
        Some(Withdrawal::TakenBack) => Problem::new(
            ProblemCode::WrongState,
            "Förslaget har tagits tillbaka.",
            "The proposal has been taken back.",
        ),
        Some(Withdrawal::Declined) => {
            Problem::new(ProblemCode::WrongState, "Förslaget har avböjts.", "The proposal has been declined.")
        }
        Some(Withdrawal::Countered) => Problem::new(
            ProblemCode::WrongState,
            "Förslaget har besvarats med ett motförslag. Läs motförslaget.",
            "The proposal has been answered with a counter-proposal. Read that one.",
        ),
        Some(Withdrawal::BaseMoved | Withdrawal::AgreementEnded) | None => base_moved(),
    }
}

/// Refuses one more proposal when as many wait for an answer as can be kept in view.
pub fn few_proposals(open: u64) -> Result<(), Problem> {
    if open < MAX_PROPOSALS {
        return Ok(());
    }
    Err(Problem::new(
        ProblemCode::Conflict,
        format!("{MAX_PROPOSALS} förslag väntar redan på svar. Svara på dem innan du lämnar ett nytt."),
        format!(
            "{MAX_PROPOSALS} proposals already wait for an answer. Have them answered before you add another."
        ),
    ))
}

/// A side assents once.
pub fn already(side: Party, other: bool) -> Problem {
    let (sv, en) = match (side, other) {
        (_, true) => ("Båda har redan godkänt det här.", "Both sides have already assented to this."),
        (Party::Patient, false) => (
            "Du har redan godkänt det här. Nu väntar det på svar från vården.",
            "You have already assented to this. It waits for an answer from care.",
        ),
        (Party::Care, false) => (
            "Vården har redan godkänt det här. Nu väntar det på svar från patienten.",
            "Care has already assented to this. It waits for an answer from the patient.",
        ),
    };
    Problem::new(ProblemCode::WrongState, sv, en)
}

/// A guardian assents once, and the other one has not yet.
pub fn awaits_guardian(care_assented: bool) -> Problem {
    let (sv, en) = if care_assented {
        (
            "Det här godkännandet finns redan. Nu väntar det på den andra vårdnadshavaren.",
            "This assent is there already. The other guardian has not answered yet.",
        )
    } else {
        (
            "Det här godkännandet finns redan. Nu väntar det på den andra vårdnadshavaren och på vården.",
            "This assent is there already. Neither the other guardian nor care has answered yet.",
        )
    };
    Problem::new(ProblemCode::WrongState, sv, en)
}

/// What the record that the patient cannot decide brings about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// The version comes into force without the patient's decision.
    ComesIntoForce,
    /// It already is: there is a new day to ask again.
    Renewed,
}

/// Whether a version can be in force without the patient's decision: one that care has assented to and the patient has
/// not.
pub fn undecided(
    agreement: agreement::Status,
    in_force: Option<AgreementVersionId>,
    status: Status,
    base: Option<AgreementVersionId>,
    care_assented: bool,
    patient_assented: bool,
) -> Result<Undecided, Problem> {
    not_ended(agreement)?;
    let refuse = |sv: &str, en: &str| Err(Problem::new(ProblemCode::WrongState, sv, en));
    match status {
        Status::PatientUndecided => Ok(Undecided::Renewed),
        // What both have assented to holds until both have assented to what follows it.
        Status::Proposed if agreement == agreement::Status::Active => refuse(
            "Patienten har godkänt planen som gäller, och den gäller tills patienten godkänner en ny. Kan patienten inte \
             längre ta ställning: avsluta patientkontraktet och gör ett nytt.",
            "The patient has assented to the plan in force, and it holds until they assent to a new one. If they can no \
             longer decide, end the agreement and draw up a new one.",
        ),
        Status::Proposed if patient_assented => refuse(
            "Patienten har redan godkänt den här versionen.",
            "The patient has already assented to this version.",
        ),
        Status::Proposed if !care_assented => refuse(
            "Vården har inte godkänt versionen än. Det behövs först.",
            "Care has not assented to the version yet. That is needed first.",
        ),
        Status::Proposed if base != in_force => Err(base_moved()),
        Status::Proposed => Ok(Undecided::ComesIntoForce),
        _ => refuse(
            "Den här versionen väntar inte på patientens svar.",
            "This version does not wait for the patient's answer.",
        ),
    }
}

/// What holds without the patient's decision, or what the patient objects to, waits for the patient, and for nobody in
/// their place.
pub fn the_patient_decides() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Här väntar planen på att patienten själv tar ställning. Ingen annan kan godkänna den i patientens ställe.",
        "The plan waits for the patient's own decision. Nobody else can assent to it in the patient's place.",
    )
}

/// What a representative objects to waits for them, or for care's decision that it needs no yes of theirs.
fn the_objector_decides() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Ett annat ombud, eller den andra vårdnadshavaren, har invänt. Planen väntar på att den som har invänt godkänner den själv i \
         tjänsten, eller på att vården och ni kommer överens om en ny version.",
        "Another representative or guardian has objected. The plan waits until whoever objected assents to it in the \
         service, or until you and care agree on another version.",
    )
}

/// A guardian whose yes care has recorded that it can do without has no say in what the other one assents to.
pub fn excepted_guardian() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Vården har antecknat att planen kan gälla utan ditt godkännande. Skriv till mottagningen eller ring dit om du \
         inte håller med.",
        "Care has recorded that the plan can be in force without your assent. Write to the unit or phone them if you \
         do not agree.",
    )
}

/// A child's yes is not the patient's side's: guardians assent, or care assesses that the child may.
pub fn too_young() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Patienten är för ung för att själv godkänna planen. Vårdnadshavarna godkänner den, eller så bedömer vården att \
         patienten får göra det själv.",
        "The patient is too young to assent to the plan. The guardians assent to it, or care assesses that the patient \
         may.",
    )
}

/// An exception needs somebody else who assents.
pub fn only_guardian() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Barnet har bara en vårdnadshavare med tillgång. Undantaget gäller när det finns två.",
        "The child has one guardian with access only. The exception is for when there are two.",
    )
    .at("representativeId")
}

/// One of them has to say yes: a plan for a child is agreed with somebody.
pub fn last_guardian() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Undantag finns redan för barnets andra vårdnadshavare. Någon av dem måste godkänna planen.",
        "There are exceptions for the child's other guardians already. One of them has to assent to the plan.",
    )
    .at("representativeId")
}

/// One exception per guardian and agreement.
pub fn excepted_already() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Undantaget för den här vårdnadshavaren finns redan.",
        "The exception for this guardian is already on record.",
    )
    .at("representativeId")
}

/// An ended agreement takes no more changes.
pub fn not_ended(status: agreement::Status) -> Result<(), Problem> {
    if status == agreement::Status::Ended {
        return Err(Problem::new(
            ProblemCode::Conflict,
            "Patientkontraktet är avslutat och kan inte ändras.",
            "The agreement has ended and cannot be changed.",
        ));
    }
    Ok(())
}

/// Where an edit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into the open draft.
    Draft,
    /// Into a proposed successor of the version in force.
    Proposal,
}

/// Where an edit goes, as the agreement stands.
pub fn place(status: agreement::Status, draft: bool) -> Result<Place, Problem> {
    not_ended(status)?;
    match (status, draft) {
        (_, true) => Ok(Place::Draft),
        (status, false) if status.in_force() => Ok(Place::Proposal),
        _ => Err(Problem::new(
            ProblemCode::WrongState,
            "Planen väntar på svar. Svara med ett motförslag om du vill ändra den, eller ta tillbaka ditt förslag.",
            "The plan waits for an answer. Answer with a counter-proposal to change it, or take your proposal back.",
        )),
    }
}

/// Whether a draft of the next version can be begun.
pub fn revise(status: agreement::Status, draft: bool) -> Result<(), Problem> {
    not_ended(status)?;
    if draft {
        return Err(one_draft());
    }
    if !status.in_force() {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Planen gäller inte än. Ändra utkastet, eller svara på förslaget med ett motförslag.",
            "The plan is not in force yet. Change the draft, or answer the proposal with a counter-proposal.",
        ));
    }
    Ok(())
}

/// There is one draft at a time, which both sides write in.
pub fn one_draft() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Det finns redan ett utkast. Skriv vidare i det, eller ta bort det först.",
        "There is a draft already. Go on in that one, or take it back first.",
    )
}

/// Whether `side` may answer a proposal with one of its own. Who proposed takes back instead.
pub fn counter(
    status: agreement::Status,
    draft: bool,
    version: Status,
    proposed_by: Option<Party>,
    side: Party,
) -> Result<(), Problem> {
    not_ended(status)?;
    if version != Status::Proposed {
        return Err(no_answer_wanted());
    }
    if proposed_by == Some(side) {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Det är ert eget förslag. Ta tillbaka det om det ska ändras.",
            "This is your own side's proposal. Take it back to change it.",
        ));
    }
    if draft { Err(one_draft()) } else { Ok(()) }
}

/// Whether `side` may take a version back: any draft, and its own side's proposal.
pub fn withdraw(
    status: agreement::Status,
    version: Status,
    proposed_by: Option<Party>,
    side: Party,
) -> Result<(), Problem> {
    not_ended(status)?;
    match version {
        Status::Draft => Ok(()),
        Status::Proposed if proposed_by == Some(side) => Ok(()),
        Status::Proposed => Err(Problem::new(
            ProblemCode::WrongState,
            "Förslaget är den andra partens. Svara på det i stället: godkänn det, avböj det eller lämna ett motförslag.",
            "The proposal is the other side's. Answer it instead: assent to it, decline it or make a counter-proposal.",
        )),
        Status::Active
        | Status::PatientUndecided
        | Status::Superseded
        | Status::Withdrawn
        | Status::Ended => Err(no_answer_wanted()),
    }
}

/// Nobody is to answer it.
pub(super) fn no_answer_wanted() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Den här versionen av planen väntar inte på något svar.",
        "This version of the plan does not wait for an answer.",
    )
}

/// Refuses what would not fit.
pub fn fits(goals: usize, items: usize) -> Result<(), Problem> {
    if goals > MAX_GOALS {
        return Err(Problem::new(
            ProblemCode::Conflict,
            format!("Planen har redan {MAX_GOALS} mål, som är det högsta antalet."),
            format!("The plan has {MAX_GOALS} goals already, which is the highest number."),
        ));
    }
    if items > MAX_ITEMS {
        return Err(Problem::new(
            ProblemCode::Conflict,
            format!("Planen har redan {MAX_ITEMS} insatser, som är det högsta antalet."),
            format!("The plan has {MAX_ITEMS} items already, which is the highest number."),
        ));
    }
    Ok(())
}
