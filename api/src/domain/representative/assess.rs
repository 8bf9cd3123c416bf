//! Care's documented assessments (bedömningar): a guardian let in longer, or in spite of protected identity; a
//! representative stopped; a young person let in earlier.

use chrono::{DateTime, Utc};
use entity::{
    AccessAssessmentId, PatientId, RepresentativeId,
    access_assessment::{self, Decision},
    patient,
    patient::ProtectedIdentity,
    representative::{self, Kind},
};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde::Serialize;
use serde_json::json;

use super::{
    REASON,
    grant::event,
    owner,
    rules::{self, attains},
};
use crate::{
    auth::policy::{self, Action, Noun, Rights},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Event, Receipt},
        history::{self, Change},
        notice,
        patient::{alive, lock},
        text,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Age at which nobody has guardians any more.
const OF_AGE: u32 = 18;

/// What was decided, and about whom.
#[derive(Clone, Debug, Serialize)]
pub enum About {
    /// `EXTEND`, `READMIT` or `STOP`.
    Representative { id: RepresentativeId, decision: Decision, until: Option<DateTime<Utc>> },
    /// `OPEN_EARLY`: areas and levels, as they are stored.
    YoungPerson { patient: PatientId, areas: String, may_assent: bool, until: Option<DateTime<Utc>> },
}

/// A decision with its reason.
#[derive(Clone, Debug, Serialize)]
pub struct Assess {
    pub about: About,
    pub reason: String,
}

const ACTION: &str = "representativeAssess";

/// Records the assessment; it holds from the next request on.
pub async fn assess(session: &Session, key: &str, cmd: &Assess) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        let noun = Noun::Representative;
        let mut problems = Vec::new();
        let (whom, row, decided) = match &cmd.about {
            About::Representative { id, decision, until } => {
                let row = policy::reach::<representative::Entity>(
                    tx,
                    actor,
                    Action::Assess,
                    *id,
                    "representativeId",
                    now,
                )
                .await?;
                let whom = super::principal(tx, row.patient_id).await?;
                about_representative(&whom, &row, *decision, *until, now)?;
                let decided = Decided { decision: *decision, rights: None, may_assent: false, until: *until };
                (whom, Some(row.id), decided)
            }
            About::YoungPerson { patient, areas, may_assent, until } => {
                let whom = policy::patient(tx, actor, noun, Action::Assess, Some(*patient), "patientId", now)
                    .await?;
                let rights = Rights::parse(areas).assenting(*may_assent);
                about_young(session, &whom, rights, *until, &mut problems)?;
                let decided = Decided {
                    decision: Decision::OpenEarly,
                    rights: Some(rights),
                    may_assent: *may_assent,
                    until: *until,
                };
                (whom.into_row(), None, decided)
            }
        };
        let whom = lock(tx, whom.id).await?;
        alive(&whom)?;
        let reason = text::required("reason", &cmd.reason, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let id = keep(tx, session, &whom, row, &decided, &reason).await?;
        let after = json!({ "decision": decided.decision, "representative": row, "until": decided.until,
                            "rights": decided.rights.map(Rights::areas), "reason": reason });
        let change = Change { kind: "access_assessment", subject: id.0, before: None, after: Some(after) };
        history::record(tx, session, owner(&whom), ACTION, [change]).await?;
        notice::replan_patient(tx, session, whom.id).await?;
        let done = Done::on(whom.id).with("patient", whom.id.0);
        let Some(row) = row else {
            let event = Event {
                kind: "representative.assessed",
                patient: whom.id,
                care_unit: whom.care_unit_id,
                care_provider: whom.care_provider_id,
                subject: whom.id.0,
            };
            act::emit(tx, session, [event]).await?;
            return Ok(done);
        };
        act::emit(tx, session, [event("representative.assessed", &whom, row)]).await?;
        Ok(done.with("representative", row.0))
    })
    .await
}

struct Decided {
    decision: Decision,
    rights: Option<Rights>,
    may_assent: bool,
    until: Option<DateTime<Utc>>,
}

async fn keep(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    representative: Option<RepresentativeId>,
    decided: &Decided,
    reason: &str,
) -> Result<AccessAssessmentId, Stop> {
    let staff = session.actor.staff().ok_or_else(Problem::forbidden)?;
    let id = AccessAssessmentId(session.core.clock.uuid());
    let row = access_assessment::ActiveModel {
        id: Set(id),
        patient_id: Set(whom.id),
        care_unit_id: Set(staff.care_unit),
        care_provider_id: Set(staff.care_provider),
        representative_id: Set(representative),
        decision: Set(decided.decision),
        rights: Set(decided.rights.map(Rights::areas)),
        may_assent: Set(decided.may_assent),
        until: Set(decided.until),
        reason: Set(session.core.keys.seal(Place::new(REASON, id.0), reason)?),
        assessed_by: Set(staff.assignment),
        at: Set(session.now()),
    };
    access_assessment::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(id)
}

fn about_representative(
    whom: &patient::Model,
    row: &representative::Model,
    decision: Decision,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let guardian = row.kind == Kind::Guardian;
    let of_age = attains(whom.birth_date, OF_AGE);
    match decision {
        Decision::Extend | Decision::Readmit if !guardian => Err(Problem::new(
            ProblemCode::WrongState,
            "Det här gäller bara vårdnadshavare.",
            "This is for guardians only.",
        )
        .at("decision")),
        Decision::Extend if until.is_none_or(|until| until <= now || until > of_age) => Err(Problem::input(
            "until",
            "Ange till vilken dag, senast barnets 18-årsdag.",
            "Say until when, the child's 18th birthday at the latest.",
        )),
        Decision::Readmit if whom.protected_identity == ProtectedIdentity::None => Err(Problem::new(
            ProblemCode::WrongState,
            "Patienten har inte skyddade personuppgifter.",
            "The patient's identity is not protected.",
        )
        .at("decision")),
        Decision::OpenEarly => Err(Problem::input(
            "decision",
            "Det här gäller den unge själv. Ange patienten i stället för ombudet.",
            "This is about the young person. Name the patient instead of the representative.",
        )),
        Decision::Extend => Ok(()),
        Decision::Readmit | Decision::Stop if until.is_none() => Ok(()),
        Decision::Readmit | Decision::Stop => Err(Problem::input(
            "until",
            "Beslutet gäller tills ett nytt fattas. Utelämna dagen.",
            "The decision holds until another one. Leave this out.",
        )),
    }
}

fn about_young(
    session: &Session,
    whom: &patient::Model,
    rights: Rights,
    until: Option<DateTime<Utc>>,
    problems: &mut Vec<Problem>,
) -> Result<(), Problem> {
    let now = session.now();
    if rules::own_rights(whom.birth_date, &[], &session.core.settings.ages, now).is_none() {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Patienten kommer redan åt allt själv.",
            "The patient already reaches everything themself.",
        )
        .at("patientId"));
    }
    if rights.is_empty() {
        problems.push(Problem::input(
            "rights",
            "Ange minst ett område som den unge får nå.",
            "Give at least one area that the young person may reach.",
        ));
    }
    if until.is_some_and(|until| until <= now || until > attains(whom.birth_date, OF_AGE)) {
        problems.push(Problem::input(
            "until",
            "Ange en dag framåt i tiden, senast 18-årsdagen.",
            "Give a time ahead, the 18th birthday at the latest.",
        ));
    }
    Ok(())
}
