//! Ending a contact role: with a reason, and with what the patient had to say about it; now, or as planned.
//!
//! What the patient had asked for waits again when the role has soon ended (`request_answered::left`). A patient who was
//! consulted has agreed that the role ends. One who was told, and not consulted, has not: where nobody else has the role
//! the need is still there, and the unit gets a handover task as for any gap ([`guard`]) unless a request waits.

use chrono::{DateTime, Utc};
use entity::{
    CareContactId,
    care_contact::{self, Consultation, Status, ToldGround},
    care_relation, contact_absence, register_event, task,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, EntityTrait, QueryFilter,
};
use serde::Serialize;
use serde_json::json;

use super::{guard, lifetime, register, request_answered, rules};
use crate::{
    auth::policy::{self, Action},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        notice::{News, news},
        relation,
        task::{self as tasks, Ending, words::Words},
        text,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Which role ends, and why.
#[derive(Clone, Debug, Serialize)]
pub struct End {
    pub contact: CareContactId,
    pub reason: String,
    pub consultation: Consultation,
    /// Why the patient was told, when they were not consulted.
    pub told_ground: Option<ToldGround>,
    /// When it ends; now when left out.
    pub ends_at: Option<DateTime<Utc>>,
    pub expected_row_version: i32,
}

const ACTION: &str = "contactEnd";

/// Ends the role, and the care relation that came with it.
pub async fn end(session: &Session, key: &str, cmd: &End) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let contact = policy::reach::<care_contact::Entity>(
            tx,
            &session.actor,
            Action::End,
            cmd.contact,
            "contactId",
            now,
        )
        .await?;
        let mut problems = Vec::new();
        let reason = text::required("reason", &cmd.reason, text::TEXT, &mut problems);
        rules::consulted(cmd.consultation, cmd.told_ground, &mut problems);
        let at = rules::ending_at(&contact, cmd.ends_at, now).map_err(|problem| problems.push(problem));
        let (Ok(at), true) = (at, problems.is_empty()) else { return Err(problems.into()) };
        lifetime::settle(tx, session, contact.patient_id).await?;
        let closing = Closing {
            reason: &reason,
            consultation: cmd.consultation,
            ground: cmd.told_ground,
            at,
            expected_row_version: cmd.expected_row_version,
        };
        let is_over = close(tx, session, &contact, &closing, ACTION).await?;
        settle(tx, session, &contact, (&closing, is_over), ACTION).await?;
        tell_patient(tx, session, &contact).await?;
        Ok(Done::on(contact.patient_id).with("contact", contact.id.0))
    })
    .await
}

/// How a role ends.
pub(super) struct Closing<'a> {
    pub reason: &'a str,
    pub consultation: Consultation,
    pub ground: Option<ToldGround>,
    /// Now, or ahead.
    pub at: DateTime<Utc>,
    pub expected_row_version: i32,
}

/// Ends a contact with everything that goes with it, or plans its end. Gives whether it is over now.
pub(super) async fn close(
    tx: &Tx,
    session: &Session,
    contact: &care_contact::Model,
    closing: &Closing<'_>,
    action: &'static str,
) -> Result<bool, Stop> {
    let now = session.now();
    if contact.status == Status::Ended || contact.valid_until.is_some_and(|until| until <= now) {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Uppdraget är redan avslutat.",
            "The role has already ended.",
        )
        .into());
    }
    let at_once = closing.at <= now;
    let place = Place::new("care_contact.end_reason", contact.id.0);
    let ended = care_contact::Model {
        status: if at_once { Status::Ended } else { contact.status },
        ended_at: at_once.then_some(now),
        valid_until: if at_once { contact.valid_until } else { Some(closing.at) },
        ..contact.clone()
    };
    let changed = care_contact::Entity::update_many()
        .set(care_contact::ActiveModel {
            // A plan leaves it as it is: the role may have begun since it was read.
            status: if at_once { Set(ended.status) } else { NotSet },
            ended_at: Set(ended.ended_at),
            valid_until: Set(ended.valid_until),
            end_reason: Set(Some(session.core.keys.seal(place, closing.reason)?)),
            consultation: Set(Some(closing.consultation)),
            told_ground: Set(closing.ground),
            row_version: Set(closing.expected_row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(care_contact::Column::Id.eq(contact.id))
        .filter(care_contact::Column::RowVersion.eq(closing.expected_row_version))
        .filter(care_contact::Column::Status.ne(Status::Ended))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    let source = care_relation::Source::Contact;
    if at_once {
        relation::end(tx, contact.patient_id, source, contact.id.0, now).await?;
        end_substitutes(tx, contact, now).await?;
        let words = Some(Words::ours("Uppdraget är avslutat.", "The role has ended."));
        tasks::end(tx, session, task::Kind::ContactReview, contact.id.0, Ending::Superseded, words).await?;
    } else {
        relation::move_end(tx, contact.patient_id, source, contact.id.0, Some(closing.at)).await?;
    }
    let change = Change {
        kind: "care_contact",
        subject: contact.id.0,
        before: Some(json!({ "status": contact.status, "validUntil": contact.valid_until })),
        after: Some(json!({
            "status": ended.status,
            "validUntil": ended.valid_until,
            "reason": closing.reason,
            "consultation": closing.consultation,
            "toldGround": closing.ground,
        })),
    };
    history::record(tx, session, contact.into(), action, [change]).await?;
    if at_once {
        register::tell(tx, session, &ended, register_event::Change::Ended).await?;
    } else {
        act::emit(tx, session, [register::event(contact, "contact.end_planned")]).await?;
    }
    Ok(at_once)
}

/// What an end that nobody follows leaves to be done: a request that waits again, or a handover task. What is planned
/// leaves it when it comes.
pub(super) async fn settle(
    tx: &Tx,
    session: &Session,
    contact: &care_contact::Model,
    (closing, is_over): (&Closing<'_>, bool),
    action: &'static str,
) -> Result<(), Fault> {
    if is_over && contact.valid_from > session.now() {
        request_answered::unfulfilled(tx, session, contact, action).await?;
    }
    if is_over {
        let how = (closing.at, closing.consultation);
        request_answered::left(tx, session, contact, how, action).await?;
    }
    let told = is_over && closing.consultation == Consultation::Told;
    let ended = told.then_some(contact.id);
    guard::settle_with(tx, session, &[contact.patient_id], ended.as_slice()).await?;
    Ok(())
}

/// Whoever steps in reaches the patient no longer than the contact's role lasts. The substitute of somebody with
/// another role for the same patient goes on.
async fn end_substitutes(tx: &Tx, contact: &care_contact::Model, now: DateTime<Utc>) -> Result<(), Fault> {
    use contact_absence::Column as A;
    let mut of = Condition::any().add(A::ContactId.eq(contact.id));
    if let Some(person) = contact.assignment_id {
        let elsewhere = care_contact::Entity::find()
            .filter(care_contact::Column::PatientId.eq(contact.patient_id))
            .filter(care_contact::Column::AssignmentId.eq(person))
            .filter(care_contact::Column::Id.ne(contact.id))
            .filter(care_contact::Column::Status.ne(Status::Ended))
            .one(tx)
            .await?;
        if elsewhere.is_none() {
            of = of.add(A::AssignmentId.eq(person));
        }
    }
    let absences = contact_absence::Entity::find()
        .filter(of)
        .filter(A::UntilAt.gt(now))
        .filter(A::SubstituteId.is_not_null())
        .all(tx)
        .await?;
    for absence in absences {
        relation::end(tx, contact.patient_id, care_relation::Source::Contact, absence.id.0, now).await?;
    }
    Ok(())
}

/// Tells the patient that something about their contacts has changed.
pub(super) async fn tell_patient(
    tx: &Tx,
    session: &Session,
    contact: &care_contact::Model,
) -> Result<(), Stop> {
    Ok(news::tell_of_contact(tx, session, contact.into(), contact.id.0, News::Contact).await?)
}
