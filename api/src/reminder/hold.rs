//! Holding the sending of everything, and letting it go again.
//!
//! A database that was restored from a backup does not know what has left since: its reminders look as if they were still
//! to be sent. Nothing within it can tell. So each instance remembers outside the database, in a small file, how far the
//! sending had come: a mark in the database rises whenever messages are about to leave, and a database whose mark is lower
//! than what an instance remembers has gone back. Then the sending is held, in the database, for every instance, until
//! somebody in operations has looked at the plan and releases it. Where no file is kept, or it was lost with the machine,
//! `patientkontrakt reminders hold` before the restored database is served does the same.
//!
//! What was due before the release may have left before the restore. It is not sent again: it becomes UNKNOWN, and staff
//! see it among what did not arrive.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use entity::{
    NoticeId, SendingHoldId,
    notice::{self, State},
    sending_hold::{self, Cause, What},
    sending_mark,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, Statement,
    sea_query::{CaseStatement, Expr, ExprTrait, LockBehavior, LockType},
};
use uuid::Uuid;

use crate::{
    domain::notice::by_staff::{OF_INTEREST, undelivered_sql},
    error::Fault,
    session::Core,
    telemetry,
};

/// What an instance remembers outside the database. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    file: Option<PathBuf>,
    seen: Mutex<Option<Seen>>,
    /// One at a time writes the file.
    writing: Mutex<()>,
}

/// How far the sending of a database had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    database: Uuid,
    mark: i64,
}

impl Watch {
    /// Reads what was remembered. Without a file only this process remembers, as long as it lives.
    pub fn new(file: Option<PathBuf>) -> Self {
        let seen = file.as_deref().and_then(read);
        Self(Arc::new(Inner { file, seen: Mutex::new(seen), writing: Mutex::new(()) }))
    }

    fn seen(&self) -> Option<Seen> {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers, on the disk before anything leaves.
    async fn remember(&self, now: Seen) -> Result<(), Fault> {
        if self.knows(now) {
            return Ok(());
        }
        let watch = self.clone();
        tokio::task::spawn_blocking(move || watch.keep(now))
            .await
            .map_err(Fault::internal)?
            .map_err(Fault::internal)
    }

    fn knows(&self, now: Seen) -> bool {
        self.seen().is_some_and(|seen| seen.database == now.database && seen.mark >= now.mark)
    }

    fn keep(&self, now: Seen) -> std::io::Result<()> {
        let _alone = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.knows(now) {
            return Ok(());
        }
        if let Some(file) = &self.0.file {
            write(file, now)?;
        }
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }
}

fn read(file: &Path) -> Option<Seen> {
    let text = std::fs::read_to_string(file).ok()?;
    let (database, mark) = text.trim().split_once(' ')?;
    Some(Seen { database: Uuid::try_parse(database).ok()?, mark: mark.parse().ok()? })
}

fn write(file: &Path, seen: Seen) -> std::io::Result<()> {
    let fresh = file.with_extension(format!("{}.new", std::process::id()));
    let mut out = std::fs::File::create(&fresh)?;
    writeln!(out, "{} {}", seen.database, seen.mark)?;
    out.sync_all()?;
    std::fs::rename(&fresh, file)
}

/// A hold in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub cause: Cause,
    pub since: DateTime<Utc>,
}

/// The hold in force, if there is one.
pub async fn held(db: &impl ConnectionTrait) -> Result<Option<Held>, Fault> {
    let latest = sending_hold::Entity::find()
        .order_by_desc(sending_hold::Column::At)
        .order_by_desc(sending_hold::Column::Id)
        .one(db)
        .await?;
    Ok(latest.filter(|row| row.what == What::Hold).map(|row| Held { cause: row.cause, since: row.at }))
}

/// Whether anything may leave. Holds the sending when the database has gone back.
pub async fn may_send(core: &Core) -> Result<bool, Fault> {
    let (held, mark) = core
        .db
        .read(async |db| -> Result<_, Fault> {
            Ok((held(db).await?, sending_mark::Entity::find_by_id(Uuid::nil()).one(db).await?))
        })
        .await?;
    if held.is_some() {
        return Ok(false);
    }
    let Some(row) = mark else { return Ok(true) };
    let now = Seen { database: row.database_id, mark: row.mark };
    if core.watch.seen().is_some_and(|seen| seen.database == now.database && seen.mark > now.mark) {
        tracing::error!("the database is older than what has been sent: nothing leaves until it is released");
        metrics::counter!("patientkontrakt_sending_holds_total").increment(1);
        hold(core, Cause::DatabaseWentBack).await?;
        return Ok(false);
    }
    core.watch.remember(now).await?;
    Ok(true)
}

/// Moves the mark: messages are about to leave.
pub async fn advance(core: &Core) -> Result<(), Fault> {
    use sending_mark::Column as C;
    let now = core.clock.now();
    let micros = now.timestamp_micros();
    let row = core
        .db
        .write(async |tx| -> Result<_, Fault> {
            let first = sending_mark::ActiveModel {
                id: Set(Uuid::nil()),
                database_id: Set(core.clock.uuid()),
                mark: Set(0),
                at: Set(now),
            };
            sending_mark::Entity::insert(first).on_conflict_do_nothing().exec_without_returning(tx).await?;
            let higher = CaseStatement::new()
                .case(Expr::col(C::Mark).lt(micros), Expr::value(micros))
                .finally(Expr::col(C::Mark).add(1));
            let moved = sending_mark::Entity::update_many()
                .col_expr(C::Mark, higher.into())
                .col_expr(C::At, Expr::value(now))
                .filter(C::Id.eq(Uuid::nil()))
                .exec_with_returning(tx)
                .await?;
            Ok(moved.into_iter().next())
        })
        .await?;
    match row {
        Some(row) => core.watch.remember(Seen { database: row.database_id, mark: row.mark }).await,
        None => Err(Fault::internal("no mark of the sending")),
    }
}

/// Holds the sending.
pub async fn hold(core: &Core, cause: Cause) -> Result<(), Fault> {
    core.db.write(async |tx| note(core, tx, What::Hold, cause).await).await
}

async fn note(core: &Core, tx: &crate::db::Tx, what: What, cause: Cause) -> Result<(), Fault> {
    let row = sending_hold::ActiveModel {
        id: Set(SendingHoldId(core.clock.uuid())),
        what: Set(what),
        cause: Set(cause),
        at: Set(core.clock.now()),
    };
    sending_hold::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Whether the sending is held just now.
pub async fn is_held(core: &Core) -> Result<bool, Fault> {
    Ok(core.db.read(async |db| held(db).await).await?.is_some())
}

/// Lets the sending go on; none when it was not held. What was due by now is not sent (its number is given), unless
/// `send_due`: then it is known that nothing has left that the database does not know of.
///
/// Nothing leaves before the end, so what is broken off can be done again.
pub async fn release(core: &Core, send_due: bool) -> Result<Option<u64>, Fault> {
    if !is_held(core).await? {
        return Ok(None);
    }
    let doubtful = if send_due { 0 } else { doubt(core).await? };
    let released = core
        .db
        .write(async |tx| -> Result<_, Fault> {
            if held(tx).await?.is_none() {
                return Ok(false);
            }
            note(core, tx, What::Release, Cause::Operator).await?;
            Ok(true)
        })
        .await?;
    if !released {
        return Ok(None);
    }
    // Higher than any instance remembers: they remembered what time it was.
    advance(core).await?;
    Ok(Some(doubtful))
}

/// How many notices are marked in one transaction.
const BATCH: u64 = 500;

/// Marks what was due by now as unknown: in batches, first those that no act is in the middle of, and then one by one,
/// so that nothing is waited for while anything is held.
async fn doubt(core: &Core) -> Result<u64, Fault> {
    let now = core.clock.now();
    let mut all = 0;
    loop {
        let marked = core
            .db
            .write(async |tx| -> Result<u64, Fault> {
                let free = due_by(now).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
                let free: Vec<NoticeId> = free.into_tuple().all(tx).await?;
                if free.is_empty() { Ok(0) } else { mark(tx, free, now).await }
            })
            .await?;
        if marked == 0 {
            break;
        }
        all += marked;
    }
    loop {
        let rest: Vec<NoticeId> = core
            .db
            .read(async |db| -> Result<_, Fault> { Ok(due_by(now).into_tuple().all(db).await?) })
            .await?;
        if rest.is_empty() {
            return Ok(all);
        }
        for one in rest {
            all += core.db.write(async |tx| mark(tx, vec![one], now).await).await?;
        }
    }
}

/// The next ids of what was due by `at`.
fn due_by(at: DateTime<Utc>) -> Select<notice::Entity> {
    use notice::Column as C;
    let due = notice::Entity::find().filter(C::State.is_in(WAITING)).filter(C::DueAt.lte(at));
    due.select_only().column(C::Id).order_by_asc(C::Id).limit(BATCH)
}

async fn mark(tx: &crate::db::Tx, some: Vec<NoticeId>, now: DateTime<Utc>) -> Result<u64, Fault> {
    use notice::Column as C;
    let marked = notice::Entity::update_many()
        .col_expr(C::State, Expr::value(State::Unknown))
        .col_expr(C::Reason, Expr::value("RESTORED"))
        .col_expr(C::EndedAt, Expr::value(now))
        .filter(C::Id.is_in(some))
        .filter(C::State.is_in(WAITING))
        .exec(tx)
        .await?;
    Ok(marked.rows_affected)
}

/// What has not come to an end.
const WAITING: [State; 2] = [State::Planned, State::Claimed];

/// What somebody in operations should look at, in words; none when all is well.
pub async fn alerts(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<String>, Fault> {
    use notice::Column as C;
    use sea_orm::PaginatorTrait as _;
    let mut alerts = Vec::new();
    if let Some(held) = held(db).await? {
        let why = match held.cause {
            Cause::Operator => "by an operator",
            Cause::DatabaseWentBack => "because the database is older than what has been sent",
        };
        let since = held.since.format("%Y-%m-%d %H:%M UTC");
        alerts.push(format!(
            "the sending is held {why} since {since}: look at `reminders plan`, then `reminders release`"
        ));
    }
    let late = notice::Entity::find()
        .filter(C::State.is_in(WAITING))
        .filter(C::DueAt.lt(now - LATE))
        .count(db)
        .await?;
    if late > 0 {
        alerts
            .push(format!("{late} message(s) should have left more than {} minutes ago", LATE.num_minutes()));
    }
    let lost = undelivered(db, now).await?;
    if lost > 0 {
        alerts.push(format!("{lost} message(s) did not arrive, and nobody has taken care of them"));
    }
    Ok(alerts)
}

/// How many stand on the units' lists of what did not arrive.
async fn undelivered(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<i64, Fault> {
    let sql = format!(
        "SELECT COUNT(*) FROM notice n LEFT JOIN appointment a ON a.id = n.appointment_id WHERE {}",
        undelivered_sql("$1", "$2")
    );
    let since = [now - OF_INTEREST.0, now - OF_INTEREST.1].map(Into::into);
    let counted = Statement::from_sql_and_values(db.get_database_backend(), sql, since);
    let row = db.query_one_raw(counted).await?.ok_or_else(|| Fault::internal("a count of nothing"))?;
    Ok(row.try_get_by_index(0)?)
}

const LATE: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// [`alerts`] for a probe: short of time, and told to operations when it fails.
pub async fn alert(core: &Core) -> Result<(), String> {
    let now = core.clock.now();
    let found = core.db.read(async |db| alerts(db, now).await).await.map_err(|fault| {
        telemetry::note_failure("looking at the state of the sending", &fault);
        "the state of the sending cannot be read".to_owned()
    })?;
    if found.is_empty() { Ok(()) } else { Err(found.join("; ")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn what_is_remembered_outlives_the_process_and_never_falls() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mark");
        let (database, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let watch = Watch::new(Some(file.clone()));
        assert_eq!(watch.seen(), None);
        watch.remember(Seen { database, mark: 5 }).await.unwrap();
        watch.remember(Seen { database, mark: 3 }).await.unwrap();
        assert_eq!(Watch::new(Some(file.clone())).seen(), Some(Seen { database, mark: 5 }));
        watch.remember(Seen { database: other, mark: 1 }).await.unwrap();
        assert_eq!(Watch::new(Some(file.clone())).seen(), Some(Seen { database: other, mark: 1 }));
        std::fs::write(&file, "nonsense").unwrap();
        assert_eq!(Watch::new(Some(file)).seen(), None);
    }
}
