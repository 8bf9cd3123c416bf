//! Ending an agreement. It is an agreement: each side may leave it. A representative ends it for the patient where they
//! could say no to it, and of joint guardians (vårdnadshavare) one alone does not end what is in force.
//!
//! What waits for an answer is withdrawn, what care had to do about it is taken off its list with a recorded end, and
//! unsent notices are taken back. What was agreed stays readable as it was.

use entity::{
    AgreementId,
    agreement::{self, EndReason},
    agreement_version::{self, Party, Withdrawal},
    care_relation, goal, notice, plan_item,
    task::{self, Kind},
    version_objection,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, LockType},
};
use serde::Serialize;
use serde_json::json;

use super::{ended, may_say_no::may_end, members, objection, rules, version::event};
use crate::{
    auth::policy::{self, Action},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        booking::RELATION_AFTER,
        history::{self, Change},
        notice::{self as notices, news},
        offer,
        plan_item::concern,
        reason::AGREEMENT_ENDED as FELL,
        request, safety,
        task::{Ending, close, letter},
        text,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Which agreement, and why.
#[derive(Clone, Debug, Serialize)]
pub struct End {
    pub agreement: AgreementId,
    pub reason: EndReason,
    pub words: Option<String>,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementEnd";

/// What care does for a patient who moves away.
const COPY: (&str, &str) = (
    "Patienten flyttar. Skicka en kopia av patientkontraktet till patienten, och lämna över till den nya vården om \
     patienten samtycker.",
    "The patient is moving. Send the patient a copy of the agreement, and hand over to the new care if the patient \
     consents.",
);

/// What was promised to the patient stands, agreement or not; so do letters, but those that ask for an answer to it.
const PROMISED: [Kind; 3] = [Kind::Call, Kind::MissedCall, Kind::ResultOwed];

/// Ends the agreement, by either side.
pub async fn end(session: &Session, key: &str, cmd: &End) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let granted = policy::reach::<agreement::Entity>(
            tx,
            &session.actor,
            Action::End,
            cmd.agreement,
            "agreementId",
            session.now(),
        )
        .await?;
        let words = checked(session, cmd)?;
        let row = lock(tx, granted.id).await?;
        rules::not_ended(row.status)?;
        if row.row_version != cmd.expected_row_version {
            return Err(Problem::stale().into());
        }
        may_end(tx, session, &row).await?;
        let (reason, words) = (cmd.reason, words.as_deref());
        let done = Done::on(row.patient_id).with("agreement", row.id.0);
        if row.status.in_force() && ended::wanted_by_one(tx, session, &row, reason, words).await? {
            return Ok(done);
        }
        let how = Finish { reason, words, action: ACTION };
        leave(tx, session, &row, &how).await?;
        if reason == EndReason::Moved && row.status != agreement::Status::Draft {
            letter::anew(tx, session, (&row).into(), row.id.0, COPY.into()).await?;
        }
        Ok(done)
    })
    .await
}

/// One side ends the agreement: the other is told of it. Care cannot close what the patient has asked for by beginning
/// an agreement and leaving it; a patient who leaves what was never in force has changed their mind. Of a patient who moves
/// away nothing waits again here: what comes next is for the new care.
pub(super) async fn leave(
    tx: &Tx,
    session: &Session,
    row: &agreement::Model,
    how: &Finish<'_>,
) -> Result<(), Stop> {
    finish(tx, session, row, how).await?;
    let never_agreed = !row.status.in_force();
    if session.actor.party() != Some(Party::Care) {
        if never_agreed {
            request::taken_back(tx, session, row, how.words).await?;
            offer::taken_back(tx, session, row).await?;
        }
        return Ok(ended::told(tx, session, row).await?);
    }
    if never_agreed && how.reason != EndReason::Moved {
        let declined = how.reason == EndReason::PatientDeclined;
        let why = if declined { request::DECLINED } else { request::ENDED };
        request::unfulfilled(tx, session, row, why, how.action).await?;
        if declined {
            offer::taken_back(tx, session, row).await?;
        } else {
            offer::unfulfilled(tx, session, row, why).await?;
        }
    }
    Ok(news::tell_of_end(tx, session, row).await?)
}

/// The words, with every problem at once.
fn checked(session: &Session, cmd: &End) -> Result<Option<String>, Vec<Problem>> {
    let mut problems = Vec::new();
    let by_care = session.actor.party() == Some(Party::Care);
    match cmd.reason {
        EndReason::Deceased => problems.push(Problem::input(
            "reason",
            "Registrera dödsfallet i stället: då avslutas patientkontraktet, tiderna frigörs och utskicken stoppas.",
            "Record the death instead: that ends the agreement, frees the booked times and stops what would be sent.",
        )),
        EndReason::Completed if !by_care => problems.push(Problem::input(
            "reason",
            "Du kan lämna patientkontraktet när du vill: ange att du inte vill ha det, eller att du flyttar.",
            "You may leave the agreement whenever you want: say that you do not want it, or that you are moving.",
        )),
        EndReason::NeverAgreed => problems.push(Problem::input(
            "reason",
            "Ta tillbaka utkastet i stället.",
            "Take the draft back instead.",
        )),
        EndReason::Completed | EndReason::PatientDeclined | EndReason::Moved => {}
    }
    // A patient need not give reasons.
    let words = if by_care {
        Some(text::required("words", cmd.words.as_deref().unwrap_or_default(), text::TEXT, &mut problems))
    } else {
        text::optional("words", cmd.words.as_deref(), text::TEXT, &mut problems)
    };
    if problems.is_empty() { Ok(words) } else { Err(problems) }
}

/// The agreement, held against other changes until the transaction ends.
pub(crate) async fn lock(tx: &Tx, id: AgreementId) -> Result<agreement::Model, Fault> {
    agreement::Entity::find_by_id(id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a granted agreement vanished"))
}

/// Why an agreement ends, and by which act.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish<'a> {
    pub reason: EndReason,
    pub words: Option<&'a str>,
    pub action: &'static str,
}

/// Ends a locked agreement that has not ended.
pub(crate) async fn finish(
    tx: &Tx,
    session: &Session,
    row: &agreement::Model,
    how: &Finish<'_>,
) -> Result<(), Stop> {
    let now = session.now();
    let (by_kind, by_id) = act::by(session);
    let words = session.core.keys.seal_opt(Place::new("agreement.end_words", row.id.0), how.words)?;
    let changed = agreement::Entity::update_many()
        .set(agreement::ActiveModel {
            status: Set(agreement::Status::Ended),
            end_reason: Set(Some(how.reason)),
            ended_at: Set(Some(now)),
            ended_by_kind: Set(Some(by_kind)),
            ended_by_id: Set(Some(by_id)),
            end_words: Set(words),
            updated_at: Set(now),
            row_version: Set(row.row_version + 1),
            ..Default::default()
        })
        .filter(agreement::Column::Id.eq(row.id))
        .filter(agreement::Column::RowVersion.eq(row.row_version))
        .filter(agreement::Column::Status.ne(agreement::Status::Ended))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    let mut changes = vec![Change {
        kind: "agreement",
        subject: row.id.0,
        before: Some(json!({ "status": row.status })),
        after: Some(json!({ "status": agreement::Status::Ended, "reason": how.reason, "words": how.words })),
    }];
    changes.extend(settle_versions(tx, session, row).await?);
    changes.extend(drop_proposals(tx, session, row).await?);
    changes.extend(concern::agreement_ended(tx, session, row.id).await?);
    changes.extend(safety::agreement_ended(tx, session, row.id).await?);
    end_tasks(tx, session, row, how.reason).await?;
    let unsent = notice::Column::AgreementId.eq(row.id).and(notice::Column::Kind.eq(notice::Kind::Plan));
    notices::withdraw_where(tx, unsent, "AGREEMENT_ENDED").await?;
    // For notes, results and answers, as after a visit.
    care_relation::Entity::update_many()
        .set(care_relation::ActiveModel {
            valid_until: Set(Some(now + RELATION_AFTER)),
            ..Default::default()
        })
        .filter(care_relation::Column::PatientId.eq(row.patient_id))
        .filter(care_relation::Column::Source.eq(care_relation::Source::Agreement))
        .filter(care_relation::Column::SubjectId.eq(row.id.0))
        .filter(care_relation::Column::ValidUntil.is_null())
        .exec(tx)
        .await?;
    history::record(tx, session, row.into(), how.action, changes).await?;
    act::emit(tx, session, [event(row, "agreement.ended", row.id.0)]).await?;
    Ok(())
}

/// What is in force, waits for an answer or is being drawn up.
pub(super) async fn open_versions(tx: &Tx, of: AgreementId) -> Result<Vec<agreement_version::Model>, Fault> {
    use agreement_version::{Column as C, Status as S};
    Ok(agreement_version::Entity::find()
        .filter(C::AgreementId.eq(of))
        .filter(C::Status.is_in([S::Draft, S::Proposed, S::Active, S::PatientUndecided]))
        .all(tx)
        .await?)
}

/// The version in force ends with the agreement; what was being drawn up or waited for an answer is withdrawn.
async fn settle_versions(tx: &Tx, session: &Session, row: &agreement::Model) -> Result<Vec<Change>, Fault> {
    use agreement_version::{Column as C, Status as S};
    let open = open_versions(tx, row.id).await?;
    let objected: Vec<_> = open.iter().filter(|v| v.objected_at.is_some()).map(|v| v.id).collect();
    objection::end(tx, session, &objected, version_objection::Ending::Superseded).await?;
    let mut changes = Vec::new();
    for version in open {
        let status = if version.status.in_force() { S::Ended } else { S::Withdrawn };
        let withdrawal = (status == S::Withdrawn).then_some(Withdrawal::AgreementEnded);
        agreement_version::Entity::update_many()
            .set(agreement_version::ActiveModel {
                status: Set(status),
                withdrawal: Set(withdrawal),
                objected_at: Set(None),
                objected_by: Set(None),
                ..Default::default()
            })
            .col_expr(C::RowVersion, Expr::col(C::RowVersion).add(1))
            .filter(C::Id.eq(version.id))
            .exec(tx)
            .await?;
        changes.push(Change {
            kind: "agreement_version",
            subject: version.id.0,
            before: Some(json!({ "number": version.number, "status": version.status })),
            after: Some(json!({ "number": version.number, "status": status })),
        });
    }
    Ok(changes)
}

/// Goals and items that were only proposed are called off.
async fn drop_proposals(tx: &Tx, session: &Session, row: &agreement::Model) -> Result<Vec<Change>, Fault> {
    let goals = goal::Entity::find()
        .filter(goal::Column::AgreementId.eq(row.id))
        .filter(goal::Column::Status.eq(goal::Status::Proposed))
        .all(tx)
        .await?;
    let items = plan_item::Entity::find()
        .filter(plan_item::Column::AgreementId.eq(row.id))
        .filter(plan_item::Column::Status.eq(plan_item::Status::Proposed))
        .all(tx)
        .await?;
    members::cancel(tx, session, goals, items, FELL.0).await
}

/// What care had to do about the agreement is taken off its list.
async fn end_tasks(
    tx: &Tx,
    session: &Session,
    row: &agreement::Model,
    reason: EndReason,
) -> Result<(), Fault> {
    let mut open = task::Entity::find()
        .filter(task::Column::AgreementId.eq(row.id))
        .filter(task::Column::Status.eq(task::Status::Open));
    if reason != EndReason::Deceased {
        open = open.filter(task::Column::Kind.is_not_in(PROMISED));
    }
    for task in open.all(tx).await? {
        if reason != EndReason::Deceased && task.kind == Kind::Letter && !news::only_asks(session, &task)? {
            continue;
        }
        close(tx, session, &task, Ending::Superseded, Some(FELL.into())).await?;
    }
    Ok(())
}
