//! The rules of contact roles: who can hold which, and how many.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::care_contact::{self, Role, TreatingKind};

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
}

/// Every problem of the request in itself.
pub fn check(
    asked: &Asked,
    policy: FixedContactPolicy,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    match (asked.role, asked.treating_kind) {
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
    if asked.review_on.is_some_and(|day| day < today) {
        problems.push(Problem::input(
            "reviewOn",
            "Välj en dag som inte har passerat.",
            "Choose a day that has not passed.",
        ));
    }
    problems
}

/// Whether the new contact leads, given those who hold the same role now (all of them, also out of the caller's
/// sight). The database refuses a second lead or fast läkarkontakt whatever this says.
pub fn lead<'a>(
    asked: &Asked,
    policy: FixedContactPolicy,
    holders: &'a [care_contact::Model],
) -> Result<bool, Taken<'a>> {
    let leader = holders.iter().find(|c| c.is_lead);
    match asked.role {
        Role::FastLakarkontakt => holders.first().map_or(Ok(false), |holder| Err(Taken(holder))),
        Role::FastVardkontakt => match (policy, asked.is_lead, leader) {
            (FixedContactPolicy::Single, _, _) => {
                holders.first().map_or(Ok(true), |holder| Err(Taken(holder)))
            }
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
                format!("Patienten har redan en {}. Avsluta det uppdraget först.", role.0),
                format!("The patient already has a {}. End that role first.", role.1),
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
mod tests {
    #![allow(clippy::unwrap_used)]

    use entity::{CareContactId, CareProviderId, CareUnitId, PatientId};
    use uuid::Uuid;

    use super::*;

    const NOW: &str = "2026-12-01T09:00:00Z";

    fn now() -> DateTime<Utc> {
        NOW.parse().unwrap()
    }

    fn asked(role: Role, is_lead: Option<bool>) -> Asked {
        let treating_kind = (role == Role::BehandlandeRoll).then_some(TreatingKind::DiabetesNurse);
        Asked { role, treating_kind, is_lead, valid_from: None, valid_until: None, review_on: None }
    }

    fn holder(role: Role, is_lead: bool) -> care_contact::Model {
        care_contact::Model {
            id: CareContactId(Uuid::nil()),
            patient_id: PatientId(Uuid::nil()),
            care_unit_id: CareUnitId(Uuid::nil()),
            care_provider_id: CareProviderId(Uuid::nil()),
            region: "01".into(),
            role,
            treating_kind: None,
            is_lead,
            assignment_id: None,
            name: "Anna Andersson".into(),
            function: "distriktssköterska".into(),
            phone: None,
            how_to_reach: None,
            status: care_contact::Status::Active,
            valid_from: now(),
            valid_until: None,
            review_on: None,
            appointed_by: Uuid::nil(),
            on_request: false,
            ended_at: None,
            end_reason: None,
            consultation: None,
            row_version: 1,
        }
    }

    fn fields(asked: &Asked, policy: FixedContactPolicy) -> Vec<String> {
        check(asked, policy, now(), now().date_naive()).into_iter().filter_map(|p| p.field).collect()
    }

    #[test]
    fn where_one_is_allowed_the_first_leads_and_a_second_is_refused() {
        let one = FixedContactPolicy::Single;
        assert!(lead(&asked(Role::FastVardkontakt, None), one, &[]).unwrap());
        let held = [holder(Role::FastVardkontakt, true)];
        let refusal = lead(&asked(Role::FastVardkontakt, None), one, &held).unwrap_err();
        assert!(refusal.problem(true).text.sv.contains("redan en fast vårdkontakt med huvudansvar"));
        assert_eq!(refusal.problem(false), taken());
        for stored in [refusal.problem(true), refusal.problem(false)] {
            let stored = serde_json::to_string(&stored).unwrap();
            assert!(!stored.contains("Anna") && !stored.contains("distriktssköterska"), "{stored}");
        }
    }

    #[test]
    fn where_several_are_allowed_one_leads() {
        let several = FixedContactPolicy::SeveralWithLead;
        let held = [holder(Role::FastVardkontakt, true)];
        assert!(lead(&asked(Role::FastVardkontakt, None), several, &[]).unwrap());
        assert!(!lead(&asked(Role::FastVardkontakt, None), several, &held).unwrap());
        assert!(!lead(&asked(Role::FastVardkontakt, Some(false)), several, &held).unwrap());
        assert!(lead(&asked(Role::FastVardkontakt, Some(true)), several, &held).is_err());
    }

    #[test]
    fn one_fast_lakarkontakt_and_any_number_of_treating_roles() {
        let several = FixedContactPolicy::SeveralWithLead;
        let doctor = [holder(Role::FastLakarkontakt, false)];
        assert!(lead(&asked(Role::FastLakarkontakt, None), several, &doctor).is_err());
        let treating = [holder(Role::BehandlandeRoll, false)];
        assert!(!lead(&asked(Role::BehandlandeRoll, None), several, &treating).unwrap());
    }

    #[test]
    fn all_problems_of_a_request_are_told_at_once() {
        let bad = Asked {
            treating_kind: Some(TreatingKind::Psychologist),
            valid_from: Some(now() - TimeDelta::days(2)),
            valid_until: Some(now() - TimeDelta::days(3)),
            review_on: NaiveDate::from_ymd_opt(2026, 11, 1),
            ..asked(Role::FastLakarkontakt, Some(true))
        };
        assert_eq!(
            fields(&bad, FixedContactPolicy::Single),
            ["treatingKind", "isLead", "validFrom", "validUntil", "reviewOn"]
        );
        assert_eq!(
            fields(&asked(Role::FastVardkontakt, Some(false)), FixedContactPolicy::Single),
            ["isLead"]
        );
        assert!(
            fields(&asked(Role::FastVardkontakt, Some(false)), FixedContactPolicy::SeveralWithLead)
                .is_empty()
        );
    }
}
