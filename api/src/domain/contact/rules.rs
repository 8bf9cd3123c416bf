//! The rules of contact roles: who can hold which, and how many.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{
    care_contact::{self, Consultation, Role, ToldGround, TreatingKind},
    care_provider,
};

use crate::{
    error::{Problem, ProblemCode},
    session::FixedContactPolicy,
};

/// What is asked for, apart from the person.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub role: Role,
    pub treating_kind: Option<TreatingKind>,
    /// Left out: lead if nobody is.
    pub is_lead: Option<bool>,
    pub valid_from: Option<DateTime<Utc>>,
    pub valid_until: Option<DateTime<Utc>>,
    pub review_on: Option<NaiveDate>,
    /// Of the care provider that appoints.
    pub provider: care_provider::Kind,
}

/// How far ahead a role, its end or its review can be planned.
pub const FURTHEST: TimeDelta = TimeDelta::days(3 * 366);

/// Every problem of the request in itself.
pub fn check(
    asked: &Asked,
    policy: FixedContactPolicy,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    kind(asked.role, asked.treating_kind, &mut problems);
    if asked.role == Role::FastOmsorgskontakt && asked.provider != care_provider::Kind::Municipality {
        problems.push(municipal("role"));
    }
    if asked.role != Role::FastVardkontakt && asked.is_lead == Some(true) {
        problems.push(Problem::input(
            "isLead",
            "Bara en fast vårdkontakt kan vara huvudansvarig.",
            "Only a fast vårdkontakt can be main responsible.",
        ));
    }
    if asked.role == Role::FastVardkontakt
        && policy == FixedContactPolicy::Single
        && asked.is_lead == Some(false)
    {
        problems.push(Problem::input(
            "isLead",
            "I den här regionen finns bara en fast vårdkontakt, som alltid är huvudansvarig.",
            "In this region there is only one fast vårdkontakt, who is always main responsible.",
        ));
    }
    let from = asked.valid_from.unwrap_or(now);
    if from < now - TimeDelta::days(1) {
        problems.push(Problem::input(
            "validFrom",
            "En kontakt kan inte utses bakåt i tiden.",
            "A contact cannot be appointed for the past.",
        ));
    }
    if asked.valid_until.is_some_and(|until| until <= from || until <= now) {
        problems.push(Problem::input(
            "validUntil",
            "Slutet måste ligga framåt i tiden och efter början.",
            "The end must lie ahead and after the start.",
        ));
    }
    let furthest = now + FURTHEST;
    for (field, at) in [("validFrom", asked.valid_from), ("validUntil", asked.valid_until)] {
        if at.is_some_and(|at| at > furthest) {
            problems.push(too_far(field));
        }
    }
    if let Some(day) = asked.review_on {
        problems.extend(review_day("reviewOn", day, today).err());
    }
    problems
}

/// A treating role says what it treats; no other role does.
pub fn kind(role: Role, kind: Option<TreatingKind>, problems: &mut Vec<Problem>) {
    match (role, kind) {
        (Role::BehandlandeRoll, None) => problems.push(Problem::input(
            "treatingKind",
            "Ange vilken behandlande roll det är.",
            "Say which treating role it is.",
        )),
        (Role::BehandlandeRoll, Some(_)) | (_, None) => {}
        (_, Some(_)) => problems.push(Problem::input(
            "treatingKind",
            "Bara en behandlande roll har en inriktning.",
            "Only a treating role has a kind.",
        )),
    }
}

/// Whether the need can be reconsidered on this day.
pub fn review_day(field: &str, day: NaiveDate, today: NaiveDate) -> Result<(), Problem> {
    if day < today {
        return Err(Problem::input(
            field,
            "Välj en dag som inte har passerat.",
            "Choose a day that has not passed.",
        ));
    }
    if day > today + FURTHEST { Err(too_far(field)) } else { Ok(()) }
}

fn too_far(field: &str) -> Problem {
    Problem::input(field, "Välj en tid inom tre år.", "Choose a time within three years.")
}

/// A fast omsorgskontakt belongs to municipal home care.
pub fn municipal(field: &str) -> Problem {
    Problem::input(
        field,
        "Fast omsorgskontakt finns bara i kommunens hemtjänst.",
        "A fast omsorgskontakt belongs to the home care of a municipality.",
    )
}

/// A fast läkarkontakt is a doctor, by `title`.
pub fn doctor(role: Role, title: &str, words: &[String], field: &str, problems: &mut Vec<Problem>) {
    if role == Role::FastLakarkontakt && !is_doctors(title, words) {
        problems.push(Problem::input(
            field,
            "Bara en läkare kan vara fast läkarkontakt. Välj någon vars titel är en läkares.",
            "Only a doctor can be a fast läkarkontakt. Choose somebody whose title is a doctor's.",
        ));
    }
}

/// Whether a title is a doctor's: one of its words ends in one of `words`, which are in lower case.
fn is_doctors(title: &str, words: &[String]) -> bool {
    let title = title.to_lowercase();
    let mut parts = title.split(|letter: char| !letter.is_alphabetic());
    parts.any(|part| words.iter().any(|word| part.ends_with(word.as_str())))
}

/// What the patient had to say about an ending, or why they could only be told.
pub fn consulted(consultation: Consultation, ground: Option<ToldGround>, problems: &mut Vec<Problem>) {
    let field = "toldGround";
    match (consultation, ground) {
        (Consultation::Told, None) => problems.push(Problem::input(
            field,
            "Samråd med patienten. Det räcker att informera bara om medarbetaren slutar eller patienten inte går att nå: ange vilket.",
            "Consult the patient. Telling is enough only when the person leaves or the patient cannot be reached: say which.",
        )),
        (Consultation::Consulted, Some(_)) => problems.push(Problem::input(
            field,
            "Ange bara varför patienten informerades när ni inte har samrått.",
            "Say why the patient was told only when they were not consulted.",
        )),
        (Consultation::Told, Some(_)) | (Consultation::Consulted, None) => {}
    }
}

/// When a role ends that is ended at `at`, or else now.
pub fn ending_at(
    contact: &care_contact::Model,
    at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Problem> {
    let Some(at) = at else { return Ok(now) };
    if at < now || at <= contact.valid_from {
        return Err(Problem::input(
            "endsAt",
            "Slutet måste ligga framåt i tiden och efter början.",
            "The end must lie ahead and after the start.",
        ));
    }
    if at > now + FURTHEST { Err(too_far("endsAt")) } else { Ok(at) }
}

/// Whether one alone may have the role, so that whoever is given it leaves nothing to offer.
pub const fn is_for_one(role: Role, policy: FixedContactPolicy) -> bool {
    match role {
        Role::FastLakarkontakt => true,
        Role::FastVardkontakt => matches!(policy, FixedContactPolicy::Single),
        Role::FastOmsorgskontakt | Role::BehandlandeRoll | Role::Supporter => false,
    }
}

/// Whether the new contact leads, given those who hold the same role or will (all of them, also out of the caller's
/// sight). The database refuses a second lead or fast läkarkontakt at the same moment whatever this says.
pub fn lead<'a>(
    asked: &Asked,
    policy: FixedContactPolicy,
    holders: &'a [care_contact::Model],
    now: DateTime<Utc>,
) -> Result<bool, Taken<'a>> {
    let from = asked.valid_from.unwrap_or(now);
    let overlaps = |c: &&care_contact::Model| {
        c.valid_until.is_none_or(|until| until > from)
            && asked.valid_until.is_none_or(|until| until > c.valid_from)
    };
    let holder = holders.iter().find(overlaps);
    let leader = holders.iter().filter(overlaps).find(|c| c.is_lead);
    match asked.role {
        Role::FastLakarkontakt => holder.map_or(Ok(false), |holder| Err(Taken(holder))),
        Role::FastVardkontakt => match (policy, asked.is_lead, leader) {
            (FixedContactPolicy::Single, _, _) => holder.map_or(Ok(true), |holder| Err(Taken(holder))),
            (FixedContactPolicy::SeveralWithLead, Some(true), Some(holder)) => Err(Taken(holder)),
            (FixedContactPolicy::SeveralWithLead, asked, leader) => Ok(asked.unwrap_or(leader.is_none())),
        },
        Role::FastOmsorgskontakt | Role::BehandlandeRoll | Role::Supporter => Ok(false),
    }
}

/// The role is held already, by this contact.
#[derive(Debug)]
pub struct Taken<'a>(pub &'a care_contact::Model);

impl Taken<'_> {
    /// The refusal. Says which role is held only to someone who can see the contact. Refusals are stored with their
    /// idempotency key: a name has no place in them.
    pub fn problem(&self, visible: bool) -> Problem {
        let role = match self.0.role {
            Role::FastLakarkontakt => ("fast läkarkontakt", "fast läkarkontakt"),
            _ => ("fast vårdkontakt med huvudansvar", "fast vårdkontakt with main responsibility"),
        };
        if visible {
            return Problem::new(
                ProblemCode::Conflict,
                format!(
                    "Patienten har redan en {}. Avsluta det uppdraget först, eller planera dess slut.",
                    role.0
                ),
                format!("The patient already has a {}. End that role first, or plan its end.", role.1),
            )
            .at("role");
        }
        taken()
    }
}

/// The refusal that does not tell whether the role is held.
pub fn taken() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Rollen kan inte ges just nu. Fråga patienten om någon redan har den.",
        "The role cannot be given now. Ask the patient whether somebody has it already.",
    )
    .at("role")
}

#[cfg(test)]
#[path = "rules_tests.rs"]
pub(super) mod tests;
