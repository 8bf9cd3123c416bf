//! What time alone brings about, or many acts in the same way: offers that nobody answered or that nobody can take any
//! more, wishes whose range has passed or that have waited too long, and free times that somebody waits for. Every step is
//! idempotent, bounded, and safe on several instances.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    SlotId, TimeOfferId, TimeWishId,
    appointment_type::{self, Mode},
    patient as patient_row,
    task::Kind,
    time_offer, time_wish,
};
use sea_orm::{
    ActiveEnum, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Statement,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{
    end, offer,
    rules::{Time, Wanted},
};
use crate::{
    calendar::to_local,
    db::Tx,
    domain::{
        booking::seat,
        notice::of_wish::plan_wish_expired,
        patient,
        task::{self, Raise, letter, words::Words},
    },
    error::Fault,
    session::Session,
};

/// Rows looked at in one step of one sweep; the next sweep goes on.
const BATCH: u64 = 200;
/// Free times, each with a wish, that are compared at once; and how often in one sweep.
const PAIRS: usize = 2_000;
const PAGES: usize = 5;
/// How long staff have for a wish that has waited too long.
const DUE: TimeDelta = TimeDelta::days(1);
/// Offers that go unanswered before staff are told, where the patient may be phoned: at once.
const SILENT: i32 = 2;

/// Runs every step. Gives how many tasks were raised.
pub async fn run(session: &Session) -> Result<usize, Fault> {
    let mut raised = silent(session).await?;
    vain(session).await?;
    past(session).await?;
    raised += by_phone(session).await?;
    raised += waited(session).await?;
    free(session).await?;
    Ok(raised)
}

/// Offers whose time to answer is over go to the next in turn.
async fn silent(session: &Session) -> Result<usize, Fault> {
    use time_offer::Column as C;
    let over = time_offer::Entity::find()
        .filter(C::Status.eq(time_offer::Status::Open))
        .filter(C::AnswerBy.lte(session.now()))
        .order_by_asc(C::AnswerBy)
        .order_by_asc(C::Id)
        .limit(BATCH);
    let over = session.core.db.read(async |db| -> Result<_, Fault> { Ok(over.all(db).await?) }).await?;
    let mut raised = 0;
    for row in over {
        let id = row.id;
        raised += session
            .core
            .db
            .write(async |tx| -> Result<usize, Fault> { unanswered(tx, session, id).await })
            .await?;
    }
    Ok(raised)
}

/// Offers that cannot be taken: of a kind that is not booked on the web any more, or over a time that the patient has got
/// meanwhile.
const VAIN: &str = "SELECT o.id FROM time_offer o JOIN slot s ON s.id = o.slot_id \
     JOIN appointment_type t ON t.id = s.appointment_type_id WHERE o.status = 'OPEN' \
     AND (t.retired_at IS NOT NULL OR t.web_booking = 'NOBODY' OR EXISTS (SELECT 1 FROM appointment b \
       WHERE b.patient_id = o.patient_id AND b.status = 'BOOKED' AND b.starts_at < s.ends_at AND b.ends_at > s.starts_at)) \
     ORDER BY o.id LIMIT";

/// Offers that cannot be taken are taken back, and their seats go to the next.
async fn vain(session: &Session) -> Result<(), Fault> {
    let found = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let statement = Statement::from_string(db.get_database_backend(), format!("{VAIN} {BATCH}"));
            Ok(db.query_all_raw(statement).await?)
        })
        .await?;
    for row in found {
        let id: Uuid = row.try_get_by_index(0)?;
        session
            .core
            .db
            .write(async |tx| -> Result<(), Fault> {
                let Some(offered) = offer::open(tx, id).await? else { return Ok(()) };
                patient::lock(tx, offered.patient_id).await?;
                seat::lock(tx, [offered.slot_id]).await?;
                offer::withdraw(tx, session, &offered).await?;
                offer::offer_open(tx, session, offered.slot_id).await?;
                Ok(())
            })
            .await?;
    }
    Ok(())
}

async fn unanswered(tx: &Tx, session: &Session, id: TimeOfferId) -> Result<usize, Fault> {
    let Some(row) = offer::open(tx, id.0).await? else { return Ok(0) };
    patient::lock(tx, row.patient_id).await?;
    seat::lock(tx, [row.slot_id]).await?;
    if !offer::end(tx, session, &row, time_offer::Status::Unanswered, "timeOfferExpire").await? {
        return Ok(0);
    }
    time_wish::Entity::update_many()
        .col_expr(time_wish::Column::Unanswered, Expr::col(time_wish::Column::Unanswered).add(1))
        .filter(time_wish::Column::Id.eq(row.wish_id))
        .filter(time_wish::Column::Status.eq(time_wish::Status::Open))
        .exec(tx)
        .await?;
    offer::release(tx, &row).await?;
    offer::offer_open(tx, session, row.slot_id).await?;
    // Nobody is passed over silently.
    let Some(wish) = time_wish::Entity::find_by_id(row.wish_id).one(tx).await? else { return Ok(0) };
    if wish.status != time_wish::Status::Open {
        return Ok(0);
    }
    let note = Words::ours(
        "Patienten svarar inte på erbjudanden om återbudstid. Ring och hör efter.",
        "The patient does not answer offers of freed times. Call and ask.",
    );
    let due = wish.by_phone || wish.unanswered >= SILENT;
    if due && raise(tx, session, &wish, session.now() + DUE, note.clone()).await? {
        return Ok(1);
    }
    // One that was to be phoned about while the offer stood.
    task::note_anew(tx, session, Kind::TimeWish, wish.id.0, &note).await?;
    Ok(0)
}

async fn raise(
    tx: &Tx,
    session: &Session,
    wish: &time_wish::Model,
    due_at: DateTime<Utc>,
    note: Words,
) -> Result<bool, Fault> {
    let (kind, subject) = (Kind::TimeWish, wish.id.0);
    let raise = Raise { kind, owner: wish.into(), assignee: None, subject, due_at, note: Some(note) };
    Ok(task::raise(tx, session, &raise).await?.is_some())
}

/// [`raise`], of a wish that nothing was told of yet.
async fn raise_once(
    tx: &Tx,
    session: &Session,
    wish: &time_wish::Model,
    due_at: DateTime<Utc>,
    note: Words,
) -> Result<bool, Fault> {
    use time_wish::Column as C;
    let marked = time_wish::Entity::update_many()
        .col_expr(C::RaisedAt, Expr::value(session.now()))
        .filter(C::Id.eq(wish.id))
        .filter(C::Status.eq(time_wish::Status::Open))
        .filter(C::RaisedAt.is_null())
        .exec(tx)
        .await?;
    Ok(marked.rows_affected == 1 && raise(tx, session, wish, due_at, note).await?)
}

/// Free times of kinds that nobody books on the web, each with who waits for it, the first in turn first: `$1` is now. One
/// is called at a time: whoever is next, when that task has ended and a time is still free.
const BY_PHONE: &str = "SELECT w.id, w.appointment_type_id, s.starts_at, apt.mode FROM appointment_type apt \
     JOIN time_wish w ON w.appointment_type_id = apt.id AND w.status = 'OPEN' AND w.raised_at IS NULL \
     JOIN slot s ON s.appointment_type_id = apt.id AND s.open_seats > 0 AND s.withdrawn_at IS NULL AND s.starts_at > $1 \
     JOIN patient p ON p.id = w.patient_id AND p.deceased_on IS NULL \
     WHERE apt.web_booking = 'NOBODY' AND apt.retired_at IS NULL \
     AND substr(s.local_start, 1, 10) >= CAST(w.from_on AS text) AND substr(s.local_start, 1, 10) <= CAST(w.until_on AS text) \
     AND NOT EXISTS (SELECT 1 FROM time_wish x JOIN task k ON k.kind = 'TIME_WISH' AND k.subject_id = x.id \
       AND k.status = 'OPEN' WHERE x.appointment_type_id = apt.id)";

/// What is never offered on the web is offered by phone: a task for staff. Gives how many were raised.
async fn by_phone(session: &Session) -> Result<usize, Fault> {
    let rows = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let (whom, fits, turn) = (offer::WITH_WHOM, offer::NOT_FOR, offer::TURN);
            let sql =
                format!("{BY_PHONE} AND {whom} AND {fits} ORDER BY {turn}, s.starts_at, s.id LIMIT {PAIRS}");
            let statement =
                Statement::from_sql_and_values(db.get_database_backend(), sql, [session.now().into()]);
            Ok(db.query_all_raw(statement).await?)
        })
        .await?;
    let mut pairs = Vec::with_capacity(rows.len());
    for row in rows {
        let mode = Mode::try_from_value(&row.try_get_by_index::<String>(3)?)?;
        let time = Time { starts_at: row.try_get_by_index(2)?, mode };
        pairs.push((TimeWishId(row.try_get_by_index(0)?), row.try_get_by_index::<Uuid>(1)?, time));
    }
    let wishes = wishes(session, pairs.iter().map(|(wish, _, _)| *wish).collect()).await?;
    let (mut called, mut raised) = (HashSet::new(), 0);
    for (id, kind, time) in pairs {
        let Some((wish, wanted)) = wishes.get(&id) else { continue };
        if !wanted.fits(&time, session.now()) || !called.insert(kind) {
            continue;
        }
        let due_at = Ord::min(session.now() + DUE, time.starts_at);
        let new = session
            .core
            .db
            .write(async |tx| -> Result<bool, Fault> {
                let note = Words::ours(
                    "En tid som patienten önskar är ledig, och sådana tider bokas inte på webben. Ring och \
                     erbjud den.",
                    "A time that the patient wishes for is free, and such times are not booked on the web. Call and \
                     offer it.",
                );
                raise_once(tx, session, wish, due_at, note).await
            })
            .await?;
        raised += usize::from(new);
    }
    Ok(raised)
}

/// Wishes whose last day has passed, or that nothing can come of: the unit has retired what they are for.
async fn past(session: &Session) -> Result<(), Fault> {
    use time_wish::Column as C;
    let today = to_local(session.now()).date_naive();
    let retired = appointment_type::Entity::find()
        .select_only()
        .column(appointment_type::Column::Id)
        .filter(appointment_type::Column::RetiredAt.is_not_null())
        .into_query();
    let over = time_wish::Entity::find()
        .filter(C::Status.eq(time_wish::Status::Open))
        .filter(C::UntilOn.lt(today).or(C::AppointmentTypeId.in_subquery(retired)))
        .order_by_asc(C::UntilOn)
        .limit(BATCH);
    let over = session.core.db.read(async |db| -> Result<_, Fault> { Ok(over.all(db).await?) }).await?;
    for wish in over {
        session
            .core
            .db
            .write(async |tx| -> Result<(), Fault> {
                let whom = patient::lock(tx, wish.patient_id).await?;
                let to = time_wish::Status::Expired;
                if end(tx, session, &wish, to, None, wish.row_version, "timeWishExpire").await? {
                    offer::withdraw_of(tx, session, wish.id).await?;
                    tell_expired(tx, session, &whom, &wish).await?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(())
}

/// The patient learns that nothing came of it: by a message, or by a letter.
async fn tell_expired(
    tx: &Tx,
    session: &Session,
    whom: &patient_row::Model,
    wish: &time_wish::Model,
) -> Result<(), Fault> {
    if plan_wish_expired(tx, session, whom, wish).await? {
        return Ok(());
    }
    write(tx, session, wish).await
}

/// The message that would have told that a wish has run out reaches nobody any more.
pub(crate) async fn unheard(tx: &Tx, session: &Session, id: TimeWishId) -> Result<(), Fault> {
    let wish = time_wish::Entity::find_by_id(id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a notice without its wish"))?;
    write(tx, session, &wish).await
}

async fn write(tx: &Tx, session: &Session, wish: &time_wish::Model) -> Result<(), Fault> {
    let note = Words::ours(
        "Önskemålet om tid har gått ut utan att någon tid blev bokad. Skriv till patienten och berätta det.",
        "The wish for a time has run out, and no time was booked. Write to the patient and say so.",
    );
    letter::write(tx, session, wish.into(), wish.id.0, note).await
}

/// What was offered before its kind was taken off the web is no offer any more.
const NOTHING_OFFERED: &str = "(NOT EXISTS (SELECT 1 FROM time_offer o WHERE o.wish_id = time_wish.id AND o.status <> 'WITHDRAWN') \
     OR EXISTS (SELECT 1 FROM appointment_type t WHERE t.id = time_wish.appointment_type_id AND t.web_booking = 'NOBODY'))";

/// Wishes for which nothing was offered within the promise, or only what the unit took back, become a task of their unit, once.
async fn waited(session: &Session) -> Result<usize, Fault> {
    use time_wish::Column as C;
    let late = time_wish::Entity::find()
        .filter(C::Status.eq(time_wish::Status::Open))
        .filter(C::AnswerBy.lte(session.now()))
        .filter(C::RaisedAt.is_null())
        .filter(Expr::cust(NOTHING_OFFERED))
        .order_by_asc(C::AnswerBy)
        .order_by_asc(C::Id)
        .limit(BATCH);
    let late = session.core.db.read(async |db| -> Result<_, Fault> { Ok(late.all(db).await?) }).await?;
    let mut raised = 0;
    for wish in late {
        let new = session
            .core
            .db
            .write(async |tx| -> Result<bool, Fault> {
                let note = (
                    "Patienten väntar på en tid, och ingen har kunnat erbjudas i tid.",
                    "The patient waits for a time, and none could be offered in time.",
                );
                raise_once(tx, session, &wish, session.now() + DUE, note.into()).await
            })
            .await?;
        raised += usize::from(new);
    }
    Ok(raised)
}

/// Behind which pair of a free time and a wish this instance's next sweep begins. However many there are that do not fit,
/// each has its turn.
#[derive(Clone, Debug, Default)]
pub struct Turn(Arc<Mutex<Option<Pair>>>);

/// When the time begins, the time, and the wish.
type Pair = (DateTime<Utc>, SlotId, TimeWishId);

impl Turn {
    fn place(&self) -> Option<Pair> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go_on_behind(&self, place: Option<Pair>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }
}

/// Free times that somebody may wait for, each with the wishes, behind a pair ([`pairs`]): `$1` is now.
const FREE: &str = "SELECT s.id, s.starts_at, apt.mode, w.id FROM time_wish w \
     JOIN slot s ON s.appointment_type_id = w.appointment_type_id AND s.open_seats > 0 AND s.withdrawn_at IS NULL \
       AND s.web_bookable AND s.starts_at > $1 \
     JOIN appointment_type apt ON apt.id = s.appointment_type_id AND apt.retired_at IS NULL \
       AND apt.web_booking <> 'NOBODY' \
     WHERE w.status = 'OPEN' \
     AND substr(s.local_start, 1, 10) >= CAST(w.from_on AS text) AND substr(s.local_start, 1, 10) <= CAST(w.until_on AS text) \
     AND (s.starts_at, s.id, w.id) > ($2, $3, $4)";

/// Free times that were published, or became free in another way, go to those who wait.
async fn free(session: &Session) -> Result<(), Fault> {
    let turn = &session.core.wishes;
    for _ in 0..PAGES {
        let pairs = pairs(session, turn.place()).await?;
        let last = pairs.last().filter(|_| pairs.len() == PAIRS);
        turn.go_on_behind(last.map(|(time, slot, wish)| (time.starts_at, *slot, *wish)));
        offer_what_fits(session, &pairs).await?;
        if pairs.len() < PAIRS {
            break;
        }
    }
    Ok(())
}

async fn pairs(session: &Session, behind: Option<Pair>) -> Result<Vec<(Time, SlotId, TimeWishId)>, Fault> {
    let now = session.now();
    let (starts_at, slot, wish) = behind.unwrap_or((now, SlotId(Uuid::nil()), TimeWishId(Uuid::nil())));
    let values = [now.into(), starts_at.into(), slot.0.into(), wish.0.into()];
    let rows = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let waits = [offer::WITH_WHOM, offer::NOT_FOR].join(" AND ");
            let sql = format!("{FREE} AND {waits} ORDER BY s.starts_at, s.id, w.id LIMIT {PAIRS}");
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            Ok(db.query_all_raw(statement).await?)
        })
        .await?;
    rows.iter()
        .map(|row| {
            let mode = Mode::try_from_value(&row.try_get_by_index::<String>(2)?)?;
            let time = Time { starts_at: row.try_get_by_index(1)?, mode };
            Ok((time, SlotId(row.try_get_by_index(0)?), TimeWishId(row.try_get_by_index(3)?)))
        })
        .collect()
}

/// Wishes by id, each with what is wished for.
async fn wishes(
    session: &Session,
    mut ids: Vec<TimeWishId>,
) -> Result<HashMap<TimeWishId, (time_wish::Model, Wanted)>, Fault> {
    ids.sort_unstable();
    ids.dedup();
    let mut found = HashMap::new();
    for ids in ids.chunks(500) {
        let of = time_wish::Entity::find().filter(time_wish::Column::Id.is_in(ids.iter().copied()));
        let rows = session.core.db.read(async |db| -> Result<_, Fault> { Ok(of.all(db).await?) }).await?;
        for row in rows {
            let wanted = Wanted::of(&row)?;
            found.insert(row.id, (row, wanted));
        }
    }
    Ok(found)
}

async fn offer_what_fits(session: &Session, pairs: &[(Time, SlotId, TimeWishId)]) -> Result<(), Fault> {
    let wishes = wishes(session, pairs.iter().map(|(_, _, wish)| *wish).collect()).await?;
    let fits = |time: &Time, wish| wishes.get(wish).is_some_and(|(_, of)| of.fits(time, session.now()));
    for of_slot in pairs.chunk_by(|(_, one, _), (_, next, _)| one == next) {
        if let Some((_, slot, _)) = of_slot.iter().find(|(time, _, wish)| fits(time, wish)) {
            session
                .core
                .db
                .write(async |tx| -> Result<usize, Fault> { offer::offer_open(tx, session, *slot).await })
                .await?;
        }
    }
    Ok(())
}
