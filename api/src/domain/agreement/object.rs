//! Objecting (invända) to what was recorded as one's assent: an oral one, or a representative's.
//!
//! The version stays in force, visibly objected to, until care and patient act: agree on another version, end the
//! agreement, or the patient assents to this one themself. Meanwhile it is a task for the agreement's unit.

use chrono::TimeDelta;
use entity::{
    AgreementId, AgreementVersionId,
    access_event::ActorKind,
    agreement_version::{self, Party},
    task::Kind,
    version_assent::{self, Given},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{
    consent::OBJECTION,
    rules,
    version::{Locked, event},
};
use crate::{
    auth::policy::Action,
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        task::{self, Raise},
        text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which version, and why, in the patient's words.
#[derive(Clone, Debug, Serialize)]
pub struct Object {
    pub agreement: AgreementId,
    pub version: AgreementVersionId,
    pub words: String,
}

const ACTION: &str = "agreementObject";

/// Care answers an objection within this time.
const ANSWER_WITHIN: TimeDelta = TimeDelta::days(3);

/// Records the objection on every assent that others gave or wrote down for the patient.
pub async fn object(session: &Session, key: &str, cmd: &Object) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let mut agreement = Locked::reach(tx, session, Action::Object, cmd.agreement).await?;
        let version = agreement.version(tx, cmd.version, "versionId").await?;
        rules::not_ended(agreement.status)?;
        let mut problems = Vec::new();
        let words = text::required("words", &cmd.words, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if version.objected_at.is_some() {
            return Err(wrong_state(
                "Din invändning finns redan, och vården har fått den.",
                "You have already objected, and care has been told.",
            )
            .into());
        }
        let others = Condition::any()
            .add(version_assent::Column::Given.eq(Given::Oral))
            .add(version_assent::Column::ByKind.eq(ActorKind::Representative));
        let assents = version_assent::Entity::find()
            .filter(version_assent::Column::VersionId.eq(version.id))
            .filter(version_assent::Column::Side.eq(Party::Patient))
            .filter(version_assent::Column::ObjectedAt.is_null())
            .filter(others)
            .all(tx)
            .await?;
        let answers = version.status.in_force() || version.status == agreement_version::Status::Proposed;
        let own = version.patient_assent_kind == Some(ActorKind::Patient)
            && version.patient_assent_given == Some(Given::Direct);
        if assents.is_empty() || own || !answers {
            return Err(wrong_state(
                "Ingen annan har godkänt den här versionen för dig. Föreslå en ändring i stället.",
                "Nobody else has assented to this version for you. Propose a change instead.",
            )
            .into());
        }
        for assent in &assents {
            let sealed = session.core.keys.seal(Place::new(OBJECTION, assent.id.0), &words)?;
            version_assent::Entity::update_many()
                .set(version_assent::ActiveModel {
                    objected_at: Set(Some(now)),
                    objection: Set(Some(sealed)),
                    ..Default::default()
                })
                .filter(version_assent::Column::Id.eq(assent.id))
                .exec(tx)
                .await?;
        }
        let changed = agreement_version::Entity::update_many()
            .set(agreement_version::ActiveModel {
                objected_at: Set(Some(now)),
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
            note: Some(&words),
        };
        task::raise(tx, session, &raise).await?;
        let change = Change {
            kind: "agreement_version",
            subject: version.id.0,
            before: Some(json!({ "objection": null })),
            after: Some(json!({ "objection": words })),
        };
        history::record(tx, session, (&*agreement).into(), ACTION, [change]).await?;
        act::emit(tx, session, [event(&agreement, "agreement.objected", version.id.0)]).await?;
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", version.id.0))
    })
    .await
}

fn wrong_state(sv: &str, en: &str) -> Problem {
    Problem::new(ProblemCode::WrongState, sv, en)
}
