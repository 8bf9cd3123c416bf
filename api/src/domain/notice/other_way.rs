//! What one channel refuses may go by the other, if the one it goes to has said yes to that: by itself when it is given
//! up, and when staff choose so.

use chrono::{DateTime, Utc};
use entity::{
    PatientId,
    contact_way::Channel,
    guardian_reminder,
    notice::{self, Handling, Kind, State},
    patient,
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{
    DOUBTFUL, OPTED_OUT, Planned, Way,
    by_link::preference,
    hours::again_at,
    replan_patient, unasked,
    ways::{self, Recipient},
    withdraw_where, write,
};
use crate::{db::Tx, domain::ladder::Rule, error::Fault, session::Session};

/// What came of planning a notice by the other channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherWay {
    Planned,
    /// The one it goes to has not said yes to the other channel, or it leads nowhere.
    NotAgreed,
    /// It has been tried by the other channel already.
    Tried,
    /// It would help nobody by the time that it may leave.
    TooLate,
}

/// Plans a notice by the other channel.
pub(super) async fn plan(
    tx: &Tx,
    session: &Session,
    row: &notice::Model,
    useless_at: DateTime<Utc>,
) -> Result<OtherWay, Fault> {
    match prepare(tx, session, row, useless_at).await? {
        Ok(planned) => {
            write(tx, session, vec![planned]).await?;
            Ok(OtherWay::Planned)
        }
        Err(why_not) => Ok(why_not),
    }
}

/// Whether what this channel gives up would go by the other one now.
pub(crate) async fn leads_on(tx: &Tx, session: &Session, row: &notice::Model) -> Result<bool, Fault> {
    Ok(prepare(tx, session, row, row.useless_at).await?.is_ok())
}

/// The notice by the other channel, or why there is none.
async fn prepare(
    tx: &Tx,
    session: &Session,
    row: &notice::Model,
    useless_at: DateTime<Utc>,
) -> Result<Result<Planned, OtherWay>, Fault> {
    let Some(way) = find(tx, session, row, other(row.channel)).await? else {
        return Ok(Err(OtherWay::NotAgreed));
    };
    let Some(due_at) = leaves_again(session, row, useless_at) else {
        return Ok(Err(OtherWay::TooLate));
    };
    let planned = Planned::instead_of(row, way, due_at, useless_at);
    let tried = notice::Entity::find()
        .filter(notice::Column::DedupeKey.eq(planned.key()))
        .filter(notice::Column::State.ne(State::Withdrawn))
        .one(tx)
        .await?;
    Ok(if tried.is_some() { Err(OtherWay::Tried) } else { Ok(planned) })
}

/// When it leaves by another way; none when that helps nobody. What has not been tried yet keeps its moment.
fn leaves_again(session: &Session, row: &notice::Model, useless_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = if row.claimed_at.is_some() { session.now() } else { Ord::max(session.now(), row.due_at) };
    again_at(row, at, useless_at, session.core.settings.hours)
}

/// Whom a notice is about.
pub(super) async fn whose(tx: &Tx, row: &notice::Model) -> Result<patient::Model, Fault> {
    patient::Entity::find_by_id(row.patient_id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a notice without its patient"))
}

/// Where a channel leads, to the same one.
pub(super) async fn find(
    tx: &Tx,
    session: &Session,
    row: &notice::Model,
    channel: Channel,
) -> Result<Option<Way>, Fault> {
    let Some(kind) = preference(row.kind) else { return Ok(None) };
    let whom = whose(tx, row).await?;
    let ways = ways::of(tx, session, &whom, kind).await?;
    let guardian = match row.guardian_reminder_id {
        Some(id) => {
            guardian_reminder::Entity::find_by_id(id).one(tx).await?.map(|row| row.representative_id.0)
        }
        None => None,
    };
    let recipient = guardian.unwrap_or(row.patient_id.0);
    Ok(ways.into_iter().find(|way| way.channel == channel && way.recipient.id(row.patient_id) == recipient))
}

/// Lets a notice that was given up go by the other channel, unless it has gone, or goes, by that already. Then it is taken
/// care of, and staff see it only if that fails as well; when there is no other way, or it is too late, it is theirs.
pub(crate) async fn fall_back(tx: &Tx, session: &Session, failed: &notice::Model) -> Result<(), Fault> {
    use notice::Column as C;
    let now = session.now();
    let planned = plan(tx, session, failed, failed.useless_at).await? == OtherWay::Planned;
    if !planned && !taken_over(tx, failed).await? {
        return Ok(());
    }
    let settled = notice::Entity::update_many()
        .col_expr(C::HandledAs, Expr::value(Handling::OtherWay))
        .col_expr(C::HandledAt, Expr::value(now))
        .filter(C::Id.eq(failed.id))
        .filter(C::State.eq(State::Failed))
        .exec(tx)
        .await?;
    if settled.rows_affected == 1 { Ok(()) } else { Err(Fault::internal("a notice that was given up twice")) }
}

/// Whether the same message has left by the other channel, or is about to: what is urgent goes by both from the start.
async fn taken_over(tx: &Tx, failed: &notice::Model) -> Result<bool, Fault> {
    use notice::Column as C;
    let Some(same) = by_the_other(failed) else { return Ok(false) };
    let has_it = C::State.is_in([State::Planned, State::Claimed, State::Sent, State::Delivered]);
    Ok(notice::Entity::find().filter(C::DedupeKey.eq(same)).filter(has_it).one(tx).await?.is_some())
}

/// Somebody says no to a way, by which all that is `stopped` would have gone: it is taken back, and what is ahead is planned
/// anew by the ways that are left. What a worker has just now, or may have sent, is not touched: whether it left is not
/// known yet, and before it leaves the no is seen.
pub(crate) async fn refused(tx: &Tx, session: &Session, whom: PatientId, stopped: Expr) -> Result<(), Fault> {
    taken_back(tx, session, whom, stopped, OPTED_OUT).await
}

/// The same for whatever `reason` nothing more goes by a way.
pub(super) async fn taken_back(
    tx: &Tx,
    session: &Session,
    whom: PatientId,
    stopped: Expr,
    reason: &str,
) -> Result<(), Fault> {
    use notice::Column as C;
    let may_have_left = C::Reason.like(format!("{DOUBTFUL}%"));
    let stopped = stopped.and(C::State.eq(State::Planned)).and(C::Reason.is_null().or(may_have_left.not()));
    let rows = notice::Entity::find().filter(stopped.clone()).all(tx).await?;
    withdraw_where(tx, stopped, reason).await?;
    replan_patient(tx, session, whom).await?;
    left_to_staff(tx, &rows).await?;
    let now = session.now();
    let planned_anew =
        |row: &notice::Model| is_of_the_ladder(row) && row.due_at > now && row.claimed_at.is_none();
    for row in rows.iter().filter(|row| !planned_anew(row)) {
        by_another_way(tx, session, row).await?;
    }
    Ok(())
}

/// A rung that reminds, which is planned anew whenever what it follows from changes.
fn is_of_the_ladder(row: &notice::Model) -> bool {
    row.kind == Kind::Reminder && row.rule != Rule::Confirmation.as_str()
}

/// A notice that a worker found refused before it left, or whose receiver may be told no more.
pub(crate) async fn found_refused(tx: &Tx, session: &Session, row: &notice::Model) -> Result<(), Fault> {
    left_to_staff(tx, std::slice::from_ref(row)).await?;
    by_another_way(tx, session, row).await
}

/// What no plan brings again - it was due already, has been tried, or tells of an act - goes by the other way itself, or
/// to whoever is told by now in the receiver's place. What the patient must learn of is told by hand where there is none.
async fn by_another_way(tx: &Tx, session: &Session, row: &notice::Model) -> Result<(), Fault> {
    let mut found = plan(tx, session, row, row.useless_at).await?;
    if found == OtherWay::NotAgreed {
        found = to_others(tx, session, row).await?;
    }
    match found {
        OtherWay::Planned | OtherWay::Tried => Ok(()),
        OtherWay::NotAgreed => unasked::still_unknown(tx, session, row, true).await,
        OtherWay::TooLate => unasked::still_unknown(tx, session, row, false).await,
    }
}

/// Plans a notice to those who are told now and have had none of it: on a birthday a child's times come to be told to the
/// child, and a guardian may have said yes since. To them the ladder is planned anew.
async fn to_others(tx: &Tx, session: &Session, row: &notice::Model) -> Result<OtherWay, Fault> {
    use notice::Column as C;
    let same = row.dedupe_key.rsplitn(3, ':').nth(2);
    let (Some(kind), Some(same), false) = (preference(row.kind), same, is_of_the_ladder(row)) else {
        return Ok(OtherWay::NotAgreed);
    };
    let ways = ways::of(tx, session, &whose(tx, row).await?, kind).await?;
    let had = notice::Entity::find()
        .filter(C::PatientId.eq(row.patient_id))
        .filter(C::DedupeKey.starts_with(same))
        .filter(C::State.ne(State::Withdrawn).or(C::Id.eq(row.id)))
        .all(tx)
        .await?;
    let has_had = |who: Recipient| {
        let theirs = format!("{same}:{}:", who.id(row.patient_id).simple());
        had.iter().any(|one| one.dedupe_key.starts_with(&theirs))
    };
    let new: Vec<Way> = ways.into_iter().filter(|way| !has_had(way.recipient)).collect();
    if new.is_empty() {
        return Ok(OtherWay::NotAgreed);
    }
    let Some(due_at) = leaves_again(session, row, row.useless_at) else { return Ok(OtherWay::TooLate) };
    let to = |way| Planned::instead_of(row, way, due_at, row.useless_at);
    write(tx, session, new.into_iter().map(to).collect()).await?;
    Ok(OtherWay::Planned)
}

/// What had been given up in favour of one of these is staff's to see to: it does not go this way either.
async fn left_to_staff(tx: &Tx, stopped: &[notice::Model]) -> Result<(), Fault> {
    let given_up: Vec<String> = stopped.iter().filter_map(by_the_other).collect();
    if given_up.is_empty() {
        return Ok(());
    }
    not_taken_care_of(tx, notice::Column::DedupeKey.is_in(given_up)).await
}

/// The key of the same message by the other channel.
fn by_the_other(row: &notice::Model) -> Option<String> {
    let (same, _) = row.dedupe_key.rsplit_once(':')?;
    Some(format!("{same}:{}", other(row.channel).as_str()))
}

const fn other(channel: Channel) -> Channel {
    match channel {
        Channel::Mail => Channel::Sms,
        _ => Channel::Mail,
    }
}

/// Of these, what the other way has taken over is taken care of no more.
async fn not_taken_care_of(tx: &Tx, which: Expr) -> Result<(), Fault> {
    use notice::Column as C;
    notice::Entity::update_many()
        .col_expr(C::HandledAs, Expr::value(Option::<Handling>::None))
        .col_expr(C::HandledBy, Expr::value(Option::<Uuid>::None))
        .col_expr(C::HandledAt, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(which)
        .filter(C::HandledAs.eq(Handling::OtherWay))
        .exec(tx)
        .await?;
    Ok(())
}

/// A message that had been given up has arrived after all: by the other way it goes no more, and nobody has had to see
/// to it.
pub(crate) async fn arrived_after_all(tx: &Tx, arrived: &notice::Model) -> Result<(), Fault> {
    use notice::Column as C;
    if let Some(same) = by_the_other(arrived) {
        withdraw_where(tx, C::DedupeKey.eq(same), "ARRIVED").await?;
    }
    not_taken_care_of(tx, C::Id.eq(arrived.id)).await
}
