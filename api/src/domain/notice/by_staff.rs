//! What staff do about a message that did not arrive: try again, by the other channel, or phone.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    NoticeId, appointment,
    contact_way::{self, Channel},
    guardian_reminder,
    notice::{self, Handling, Kind, State},
    reminder_preference, staff_notice, time_offer,
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::Serialize;
use serde_json::json;

use super::{
    NEWS_USEFUL,
    by_link::preference,
    hours::again_at,
    ladders::helps_until,
    of_wish::offer_of,
    other_way::{self, OtherWay},
};
use crate::{
    auth::policy::{self, Action, Granted},
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change, Owner},
        patient::lock,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Act {
    /// Once more, the same way.
    Retry,
    /// By the other channel.
    OtherWay,
    /// Somebody has phoned.
    Phoned,
}

/// About which message.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Handle {
    pub notice: NoticeId,
    pub act: Act,
}

const ACTION: &str = "reminderHandle";

/// Does it, once: a message that another has taken care of is refused.
pub async fn handle(session: &Session, key: &str, cmd: &Handle) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (field, now) = ("reminderId", session.now());
        let row =
            policy::reach::<notice::Entity>(tx, &session.actor, Action::Set, cmd.notice, field, now).await?;
        if session.actor.staff().is_none_or(|staff| staff.care_unit != row.care_unit_id) {
            return Err(Problem::not_found(field).into());
        }
        lock(tx, row.patient_id).await?;
        if !is_undelivered(row.state) || row.handled_at.is_some() {
            return Err(over().into());
        }
        let until = useful_until(tx, &row).await?;
        if until.is_none_or(|until| until <= now) && cmd.act != Act::Phoned {
            return Err(too_late().into());
        }
        match cmd.act {
            Act::Retry => retry(tx, session, &row, until.unwrap_or(now)).await?,
            Act::OtherWay => {
                by_other_way(tx, session, &row, until.unwrap_or(now)).await?;
                settle(tx, session, &row, Handling::OtherWay).await?;
            }
            Act::Phoned => settle(tx, session, &row, Handling::Phoned).await?,
        }
        let owner = Owner {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: row.agreement_id,
        };
        let before = Some(json!({ "state": row.state }));
        let after = Some(json!({ "handledAs": cmd.act }));
        let change = Change { kind: "notice", subject: row.id.0, before, after };
        history::record(tx, session, owner, ACTION, [change]).await?;
        Ok(Done::on(row.patient_id).with("reminder", row.id.0))
    })
    .await
}

/// A day after a visit staff may still want to phone about what did not arrive, and what is about no visit is of interest a
/// week.
pub const OF_INTEREST: (TimeDelta, TimeDelta) = (TimeDelta::days(1), TimeDelta::days(7));

/// What staff have to do something about, as SQL about the notices `n` and their appointments `a`: `$visit` and `$other` are
/// the moments that [`OF_INTEREST`] leads back to. What told of a time that is no longer so, or of a visit that took place,
/// needs nobody.
pub fn undelivered_sql(visit: &str, other: &str) -> String {
    format!(
        "n.state IN ('FAILED', 'MISSED', 'UNKNOWN') AND n.handled_at IS NULL \
         AND ((a.id IS NULL AND n.created_at > {other}) OR (a.starts_at > {visit} \
         AND (n.kind NOT IN ('REMINDER', 'CANCELLATION') OR (n.schedule_version = a.schedule_version \
         AND ((n.kind = 'REMINDER' AND a.status IN ('BOOKED', 'MISSED')) \
           OR (n.kind = 'CANCELLATION' AND a.status = 'CANCELLED'))))))"
    )
}

/// Whether staff have something to do about it.
pub const fn is_undelivered(state: State) -> bool {
    matches!(state, State::Failed | State::Missed | State::Unknown)
}

fn over() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Meddelandet är redan omhändertaget.",
        "The message has been taken care of already.",
    )
    .at("reminderId")
}

fn too_late() -> Problem {
    Problem::new(
        ProblemCode::TooLate,
        "Det är för sent att skicka. Ring patienten om det behövs.",
        "It is too late to send. Phone the patient if needed.",
    )
    .at("reminderId")
}

/// Until when a message about this helps somebody; none when what it told of no longer is so.
async fn useful_until(tx: &Tx, row: &notice::Model) -> Result<Option<DateTime<Utc>>, Fault> {
    if let Some(id) = offer_of(row) {
        let offer = time_offer::Entity::find_by_id(id).one(tx).await?;
        return Ok(offer.filter(|offer| offer.status == time_offer::Status::Open).map(|o| o.answer_by));
    }
    let Some(id) = row.appointment_id else { return Ok(Some(row.created_at + NEWS_USEFUL)) };
    let visit = appointment::Entity::find_by_id(id).one(tx).await?;
    Ok(visit
        .filter(|visit| Some(visit.schedule_version) == row.schedule_version)
        .filter(|visit| (visit.status == appointment::Status::Booked) == (row.kind == Kind::Reminder))
        .map(|visit| helps_until(&row.rule, &visit)))
}

/// Sends it once more, under the same key: the receiver knows a second copy of a mail by its id.
async fn retry(
    tx: &Tx,
    session: &Session,
    row: &Granted<notice::Model>,
    until: DateTime<Utc>,
) -> Result<(), Stop> {
    use notice::Column as C;
    if let Some(refused) = refused(tx, session, row).await? {
        return Err(refused.at("reminderId").into());
    }
    let hours = session.core.settings.hours;
    let due_at = again_at(row, session.now(), until, hours).ok_or_else(too_late)?;
    let again = notice::Entity::update_many()
        .col_expr(C::State, Expr::value(State::Planned))
        .col_expr(C::Reason, Expr::value(Option::<String>::None))
        .col_expr(C::Attempts, Expr::value(0))
        .col_expr(C::DueAt, Expr::value(due_at))
        .col_expr(C::UselessAt, Expr::value(until))
        .filter(C::Id.eq(row.id))
        .filter(C::State.eq(row.state))
        .filter(C::HandledAt.is_null())
        .exec(tx)
        .await?;
    if again.rows_affected == 1 { Ok(()) } else { Err(over().into()) }
}

/// Why it would not reach the one it went to, the same way once more; none when it may.
async fn refused(tx: &Tx, session: &Session, row: &notice::Model) -> Result<Option<Problem>, Fault> {
    let Some((said_yes, status)) = choice(tx, row).await? else { return Ok(Some(no_longer_theirs())) };
    if !said_yes {
        return Ok(Some(said_no(row.channel)));
    }
    if status != Some(contact_way::Status::Good) {
        return Ok(Some(Problem::new(
            ProblemCode::WrongState,
            "Adressen fungerar inte. Be patienten om en ny, välj en annan väg eller ring.",
            "The address does not work. Ask the patient for another, choose another way or phone.",
        )));
    }
    let may_be_told =
        preference(row.kind).is_none() || other_way::find(tx, session, row, row.channel).await?.is_some();
    Ok((!may_be_told).then(no_longer_theirs))
}

/// What the one it went to has said of this channel, and whether the address works; none when they have said nothing.
async fn choice(tx: &Tx, row: &notice::Model) -> Result<Option<(bool, Option<contact_way::Status>)>, Fault> {
    use reminder_preference::Column as C;
    if let Some(id) = row.guardian_reminder_id {
        let found = guardian_reminder::Entity::find_by_id(id).one(tx).await?;
        return Ok(found.map(|row| (row.opted_in, Some(row.status))));
    }
    if let Some(id) = row.staff_notice_id {
        let found = staff_notice::Entity::find_by_id(id).one(tx).await?;
        return Ok(found.map(|row| (row.opted_in, Some(row.status))));
    }
    let Some((kind, way)) = preference(row.kind).zip(row.contact_way_id) else { return Ok(None) };
    let said = reminder_preference::Entity::find()
        .filter(C::PatientId.eq(row.patient_id).and(C::Kind.eq(kind)).and(C::Channel.eq(row.channel)))
        .one(tx)
        .await?;
    let Some(said) = said else { return Ok(None) };
    let address = contact_way::Entity::find_by_id(way).one(tx).await?;
    Ok(Some((said.opted_in, address.map(|address| address.status))))
}

fn said_no(channel: Channel) -> Problem {
    let (sv, en) = if channel == Channel::Sms { ("sms", "text messages") } else { ("e-post", "mail") };
    Problem::new(
        ProblemCode::WrongState,
        format!("Mottagaren har sagt nej till {sv}. Ring i stället."),
        format!("The receiver has said no to {en}. Phone instead."),
    )
}

fn no_longer_theirs() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Den som meddelandet gick till får det inte längre. Ring i stället.",
        "The one whom the message went to is not to have it any more. Phone instead.",
    )
}

/// Plans it by the other channel, where the one it goes to has said yes to that one.
async fn by_other_way(
    tx: &Tx,
    session: &Session,
    row: &notice::Model,
    until: DateTime<Utc>,
) -> Result<(), Stop> {
    let refused = match other_way::plan(tx, session, row, until).await? {
        OtherWay::Planned => return Ok(()),
        OtherWay::NotAgreed => Problem::new(
            ProblemCode::WrongState,
            "Mottagaren har inte sagt ja till den andra vägen. Ring i stället.",
            "The receiver has not said yes to the other way. Phone instead.",
        ),
        OtherWay::Tried => Problem::new(
            ProblemCode::Conflict,
            "Det har redan skickats den andra vägen.",
            "It has been sent by the other way already.",
        ),
        OtherWay::TooLate => return Err(too_late().into()),
    };
    Err(refused.at("reminderId").into())
}

async fn settle(tx: &Tx, session: &Session, row: &notice::Model, how: Handling) -> Result<(), Stop> {
    use notice::Column as C;
    let (_, by) = act::by(session);
    let settled = notice::Entity::update_many()
        .col_expr(C::HandledAs, Expr::value(how))
        .col_expr(C::HandledBy, Expr::value(by))
        .col_expr(C::HandledAt, Expr::value(session.now()))
        .filter(C::Id.eq(row.id))
        .filter(C::State.eq(row.state))
        .filter(C::HandledAt.is_null())
        .exec(tx)
        .await?;
    if settled.rows_affected == 1 { Ok(()) } else { Err(over().into()) }
}
