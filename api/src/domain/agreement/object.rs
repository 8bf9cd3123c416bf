//! Objecting (invända) to what was recorded as one's assent: an oral one, or a representative's. The patient does it, or
//! staff write down what the patient has said to them; that is shown as such.
//!
//! The version stays in force, visibly objected to, until care and patient act: agree on another version, end the
//! agreement, or whoever objected assents to this one themself. A representative's objection to what another one has
//! said, as one of joint guardians, ends too when the patient assents, when care records that it needs no yes of theirs,
//! or when they may assent no longer. Meanwhile it is a task for the agreement's unit.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AgreementId, AgreementVersionId, AssignmentId, RepresentativeId, VersionObjectionId,
    access_event::ActorKind,
    agreement,
    agreement_offer::Way,
    agreement_version::{self, Party},
    task::Kind,
    version_assent::{self, Given},
    version_objection::{self, Ending},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::ExprTrait};
use serde::Serialize;
use serde_json::json;

use super::{
    objection, rules, standing,
    version::{Locked, event},
};
use crate::{
    auth::policy::Action,
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        offer::answer::said_how,
        representative,
        task::{self, Raise, words::Words},
        text,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Which version, and why, in the patient's words.
#[derive(Clone, Debug, Serialize)]
pub struct Object {
    pub agreement: AgreementId,
    pub version: AgreementVersionId,
    pub words: String,
    /// How the patient said it to staff; patients leave it out.
    pub how: Option<Way>,
}

const ACTION: &str = "agreementObject";

/// Care answers an objection within this time.
const ANSWER_WITHIN: TimeDelta = TimeDelta::days(3);

/// Records the objection to what others have said or written down for the patient.
pub async fn object(session: &Session, key: &str, cmd: &Object) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let mut agreement = Locked::reach(tx, session, Action::Object, cmd.agreement).await?;
        let version = agreement.version(tx, cmd.version, "versionId").await?;
        rules::not_ended(agreement.status)?;
        let recorder = session.actor.staff().map(|staff| staff.assignment);
        let mut problems = Vec::new();
        let how = said_how(session, cmd.how, &mut problems);
        let words = text::required("words", &cmd.words, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        // The objection is the patient's own: of a child who does not decide yet, the guardians do.
        if recorder.is_some()
            && !representative::patient_may_assent(tx, session, agreement.patient_id).await?
        {
            return Err(rules::too_young().into());
        }
        let objector =
            (session.actor.kind() == ActorKind::Representative).then(|| RepresentativeId(session.actor.id()));
        // The patient's own takes the place of a representative's, which is theirs no longer to drop.
        let takes_over = objector.is_none() && version.objected_by.is_some();
        if version.objected_at.is_some() && !takes_over {
            return Err(already_objected().into());
        }
        let by_others = version_assent::Column::ByKind.eq(ActorKind::Representative);
        let oral = version_assent::Column::Given.eq(Given::Oral);
        // What the patient has said is nobody else's to object to.
        let others = match objector {
            Some(own) => by_others.and(version_assent::Column::ById.ne(own).or(oral)),
            None => by_others.or(oral),
        };
        if let Some(own) = objector
            && standing::excepted(tx, agreement.id).await?.contains(&own)
        {
            return Err(rules::excepted_guardian().into());
        }
        let for_the_patient = version_assent::Entity::find()
            .filter(version_assent::Column::VersionId.eq(version.id))
            .filter(version_assent::Column::Side.eq(Party::Patient))
            .filter(others)
            .one(tx)
            .await?;
        let answers = version.status.in_force() || version.status == agreement_version::Status::Proposed;
        let own = version.patient_assent_kind == Some(ActorKind::Patient)
            && version.patient_assent_given == Some(Given::Direct);
        if for_the_patient.is_none() || own || !answers {
            return Err(nothing_said_for_the_patient(recorder.is_some()).into());
        }
        if takes_over {
            objection::end(tx, session, &[version.id], Ending::Overruled).await?;
        }
        let recorded = recorder.map(|by| (by, how));
        let said = Said { at: now, objector, words: &words, recorded };
        write(tx, session, &agreement, version.id, &said).await?;
        let changed = agreement_version::Entity::update_many()
            .set(agreement_version::ActiveModel {
                objected_at: Set(Some(now)),
                objected_by: Set(objector),
                row_version: Set(version.row_version + 1),
                ..Default::default()
            })
            .filter(agreement_version::Column::Id.eq(version.id))
            .filter(agreement_version::Column::RowVersion.eq(version.row_version))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let (status, current) = (agreement.status, agreement.current_version_id);
        agreement.touch(tx, session, status, current).await?;
        let raise = Raise {
            kind: Kind::Objection,
            owner: (&*agreement).into(),
            assignee: None,
            subject: version.id.0,
            due_at: now + ANSWER_WITHIN,
            note: Some(Words::own(&words)),
        };
        if takes_over {
            task::note_anew(tx, session, Kind::Objection, version.id.0, &Words::own(&words)).await?;
        }
        task::raise(tx, session, &raise).await?;
        let mut after = json!({ "objection": words });
        if let Some((_, how)) = recorded {
            after["how"] = json!(how);
        }
        let change = Change {
            kind: "agreement_version",
            subject: version.id.0,
            before: Some(json!({ "objection": null })),
            after: Some(after),
        };
        history::record(tx, session, (&*agreement).into(), ACTION, [change]).await?;
        act::emit(tx, session, [event(&agreement, "agreement.objected", version.id.0)]).await?;
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", version.id.0))
    })
    .await
}

/// What was said, and by whom.
struct Said<'a> {
    at: DateTime<Utc>,
    /// None: the patient.
    objector: Option<RepresentativeId>,
    words: &'a str,
    /// Of what the patient said to staff: who wrote it down, and how it was said.
    recorded: Option<(AssignmentId, Way)>,
}

/// Writes the objection itself.
async fn write(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
    said: &Said<'_>,
) -> Result<(), Stop> {
    let id = VersionObjectionId(session.core.clock.uuid());
    let (by_kind, by_id) = match said.objector {
        Some(representative) => (ActorKind::Representative, representative.0),
        None => (ActorKind::Patient, agreement.patient_id.0),
    };
    let row = version_objection::ActiveModel {
        id: Set(id),
        agreement_id: Set(agreement.id),
        version_id: Set(version),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        by_kind: Set(by_kind),
        by_id: Set(by_id),
        at: Set(said.at),
        words: Set(session.core.keys.seal(Place::new(objection::WORDS, id.0), said.words)?),
        recorded_by: Set(said.recorded.map(|(by, _)| by)),
        how: Set(said.recorded.map(|(_, how)| how)),
        ended_at: Set(None),
        ending: Set(None),
    };
    version_objection::Entity::insert(row)
        .exec_without_returning(tx)
        .await
        .map_err(|e| act::on_unique(e, already_objected))?;
    Ok(())
}

fn already_objected() -> Problem {
    wrong_state(
        "Det finns redan en invändning mot den här versionen, och vården har fått den.",
        "There is an objection to this version already, and care has been told.",
    )
}

fn nothing_said_for_the_patient(by_staff: bool) -> Problem {
    if by_staff {
        return wrong_state(
            "Ingen annan har godkänt den här versionen för patienten. Föreslå en ändring i stället.",
            "Nobody else has assented to this version for the patient. Propose a change instead.",
        );
    }
    wrong_state(
        "Ingen annan har godkänt den här versionen för dig. Föreslå en ändring i stället.",
        "Nobody else has assented to this version for you. Propose a change instead.",
    )
}

fn wrong_state(sv: &str, en: &str) -> Problem {
    Problem::new(ProblemCode::WrongState, sv, en)
}
