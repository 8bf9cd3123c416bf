//! The channels that are configured are remembered in the database: when the service starts with others, what is ahead is
//! planned anew by them, a batch at a time.

use chrono::TimeDelta;
use entity::{
    PatientId, appointment, channel_set,
    contact_way::Channel,
    guardian_reminder,
    notice::{self, Kind, State},
    patient, reminder_preference,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::other_way::taken_back;
use crate::{
    domain::{ladder::Rule, patient::lock},
    error::Fault,
    session::Session,
};

/// Patients of one statement.
const BATCH: usize = 100;
/// Statements of one sweep at most: the next one goes on.
const ROUNDS: usize = 50;
/// How long a set stands at least: while instances are started anew one after another, those before must not plan all of it
/// back.
const STANDS: TimeDelta = TimeDelta::minutes(10);

/// Why a notice is taken back that was to go by a channel which is not configured any more.
const NO_CHANNEL: &str = "NO_CHANNEL";

/// Goes on planning anew by the channels of now, if they are others than before. Gives for how many patients.
pub(crate) async fn sweep(session: &Session) -> Result<usize, Fault> {
    let mut anew = 0;
    for _ in 0..ROUNDS {
        let Some(from) = unfinished(session).await? else { break };
        let some = next(session, from).await?;
        for &id in &some {
            one_anew(session, id).await?;
        }
        anew += some.len();
        let to = some.last().filter(|_| some.len() == BATCH).map(|last| last.0);
        if !come_to(session, from, to).await? {
            break;
        }
    }
    Ok(anew)
}

/// The channels of now, as they are stored.
fn of_now(session: &Session) -> String {
    let configured = &session.core.settings.channels;
    let known = [Channel::Mail, Channel::Sms].into_iter().filter(|channel| configured.contains(channel));
    known.map(Channel::as_str).collect::<Vec<_>>().join(",")
}

/// The patient up to whom all has been planned anew; none when nothing is left to do. Whichever instance comes first takes
/// the new set for all.
async fn unfinished(session: &Session) -> Result<Option<Uuid>, Fault> {
    use channel_set::Column as C;
    let (now, set) = (session.now(), of_now(session));
    let stored = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            Ok(channel_set::Entity::find_by_id(Uuid::nil()).one(db).await?)
        })
        .await?;
    let before = match stored {
        Some(row) if row.channels == set => return Ok(row.planned_to),
        Some(row) if now - row.taken_at < STANDS => return Ok(None),
        Some(row) => row.channels,
        None => {
            let first = channel_set::ActiveModel {
                id: Set(Uuid::nil()),
                channels: Set(set),
                taken_at: Set(now),
                planned_to: Set(None),
            };
            let db = &session.core.db;
            db.write(async |tx| -> Result<(), Fault> {
                channel_set::Entity::insert(first)
                    .on_conflict_do_nothing()
                    .exec_without_returning(tx)
                    .await?;
                Ok(())
            })
            .await?;
            return Ok(None);
        }
    };
    let taken = session
        .core
        .db
        .write(async |tx| -> Result<_, Fault> {
            let taken = channel_set::Entity::update_many()
                .col_expr(C::Channels, Expr::value(set))
                .col_expr(C::TakenAt, Expr::value(now))
                .col_expr(C::PlannedTo, Expr::value(Some(Uuid::nil())))
                .filter(C::Id.eq(Uuid::nil()))
                .filter(C::Channels.eq(before))
                .exec(tx)
                .await?;
            Ok(taken.rows_affected == 1)
        })
        .await?;
    Ok(taken.then_some(Uuid::nil()))
}

/// Patients who have said yes to a message and have a time ahead, or to whom something waits to leave by a channel that is
/// not there.
async fn next(session: &Session, from: Uuid) -> Result<Vec<PatientId>, Fault> {
    use appointment::Column as A;
    use guardian_reminder::Column as G;
    use notice::Column as N;
    use reminder_preference::Column as R;
    let booked = appointment::Entity::find()
        .select_only()
        .column(A::PatientId)
        .filter(A::Status.eq(appointment::Status::Booked))
        .filter(A::StartsAt.gt(session.now()))
        .into_query();
    let own = reminder_preference::Entity::find()
        .select_only()
        .column(R::PatientId)
        .filter(R::OptedIn.eq(true))
        .filter(R::Channel.is_in([Channel::Mail, Channel::Sms]))
        .into_query();
    let guardians = guardian_reminder::Entity::find()
        .select_only()
        .column(G::PatientId)
        .filter(G::OptedIn.eq(true))
        .into_query();
    let astray =
        notice::Entity::find().select_only().column(N::PatientId).filter(astray(session)).into_query();
    let id = patient::Column::Id;
    let told = Condition::any().add(id.in_subquery(own)).add(id.in_subquery(guardians));
    let with_a_time = Condition::all().add(id.in_subquery(booked)).add(told);
    let which = Condition::any().add(with_a_time).add(id.in_subquery(astray));
    session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let some = patient::Entity::find()
                .select_only()
                .column(id)
                .filter(id.gt(PatientId(from)))
                .filter(which)
                .order_by_asc(id)
                .limit(BATCH as u64)
                .into_tuple::<PatientId>();
            Ok(some.all(db).await?)
        })
        .await
}

/// What waits to leave to patients by a channel that is not there.
fn astray(session: &Session) -> Expr {
    use notice::Column as N;
    let configured = session.core.settings.channels.iter().copied();
    N::State.eq(State::Planned).and(N::StaffNoticeId.is_null()).and(N::Channel.is_not_in(configured))
}

/// What tells of an act goes by the way that is left, or is told by hand; what reminds of the times ahead follows.
async fn one_anew(session: &Session, id: PatientId) -> Result<(), Fault> {
    use notice::Column as N;
    let reminds = N::Kind.eq(Kind::Reminder).and(N::Rule.ne(Rule::Confirmation.as_str()));
    let stopped = N::PatientId.eq(id).and(astray(session)).and(reminds.not());
    session
        .core
        .db
        .write(async |tx| -> Result<(), Fault> {
            lock(tx, id).await?;
            taken_back(tx, session, id, stopped, NO_CHANNEL).await
        })
        .await
}

/// Notes how far it has come; false when another instance has, or has taken another set.
async fn come_to(session: &Session, from: Uuid, to: Option<Uuid>) -> Result<bool, Fault> {
    use channel_set::Column as C;
    let set = of_now(session);
    session
        .core
        .db
        .write(async |tx| -> Result<_, Fault> {
            let noted = channel_set::Entity::update_many()
                .col_expr(C::PlannedTo, Expr::value(to))
                .filter(C::Id.eq(Uuid::nil()))
                .filter(C::Channels.eq(set))
                .filter(C::PlannedTo.eq(from))
                .exec(tx)
                .await?;
            Ok(noted.rows_affected == 1)
        })
        .await
}
