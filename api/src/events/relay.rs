//! From instance to instance, over PostgreSQL.

use std::{sync::PoisonError, time::Duration};

use sea_orm::{
    ConnectionTrait, Statement,
    sqlx::{self, postgres::PgListener},
};
use tokio_util::sync::CancellationToken;

use super::{BATCH, Events, Happened};
use crate::{db::Db, error::Fault, telemetry};

const CHANNEL: &str = "patientkontrakt_events";
/// Events of one notice: PostgreSQL takes less than 8000 bytes.
const TOGETHER: usize = 24;
/// Events that come this close after each other share a notice.
const GATHERING: Duration = Duration::from_millis(10);
/// The longest that connecting may take, and the pause before it is tried again.
const CONNECT: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(1);

impl Events {
    /// Tells the other instances what has been committed here, until `stop`.
    pub(super) async fn relay(&self, db: &Db, stop: &CancellationToken) {
        loop {
            let goes_on = stop.run_until_cancelled(self.0.waiting.notified()).await.is_some()
                && stop.run_until_cancelled(tokio::time::sleep(GATHERING)).await.is_some();
            let batch = std::mem::take(&mut *self.0.outgoing.lock().unwrap_or_else(PoisonError::into_inner));
            for some in batch.chunks(TOGETHER) {
                if let Err(fault) = notify(db, some).await {
                    // The others find it in the table.
                    telemetry::note_failure("notifying of events", &fault);
                    break;
                }
            }
            if !goes_on {
                return;
            }
        }
    }

    /// Hears what the other instances tell, until `stop`. `look` reads the table, for what was told while nobody
    /// listened.
    pub(super) async fn hear<F: Future<Output = usize>>(
        &self,
        url: &str,
        stop: &CancellationToken,
        look: &impl Fn() -> F,
    ) {
        let mut before = false;
        loop {
            let connecting = tokio::time::timeout(CONNECT, connect(url));
            match stop.run_until_cancelled(connecting).await {
                None => return,
                Some(Ok(Ok(listener))) => {
                    if before {
                        tracing::info!("listening for events of other instances again");
                        self.read_again();
                    }
                    before = true;
                    look().await;
                    if stop.run_until_cancelled(self.hear_on(listener)).await.is_none() {
                        return;
                    }
                    tracing::warn!("the connection that listens for events broke; connecting anew");
                }
                Some(Ok(Err(error))) => {
                    telemetry::note_failure(
                        "listening for events",
                        &Fault::from(sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into()))),
                    );
                }
                Some(Err(_)) => {
                    let late = Fault::Unavailable("the database did not answer in time".to_owned());
                    telemetry::note_failure("listening for events", &late);
                }
            }
            if stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
                return;
            }
        }
    }

    /// Hears until the connection breaks, or is found to be deaf.
    async fn hear_on(&self, mut listener: PgListener) {
        loop {
            let heard = tokio::select! {
                () = self.0.deaf.notified() => return,
                heard = listener.try_recv() => heard,
            };
            let Ok(Some(notice)) = heard else { return };
            match serde_json::from_str::<Vec<Happened>>(notice.payload()) {
                Ok(events) => {
                    for happened in events.into_iter().take(BATCH) {
                        self.pass_on(happened);
                    }
                }
                // An instance of another version.
                Err(_) => self.read_again(),
            }
        }
    }
}

async fn connect(url: &str) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect(url).await?;
    // A lost connection is for `hear`, which reads the table after it.
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

async fn notify(db: &Db, events: &[Happened]) -> Result<(), Fault> {
    let payload = serde_json::to_string(events).map_err(Fault::internal)?;
    db.read(async |db| -> Result<(), Fault> {
        let values = [CHANNEL.into(), payload.into()];
        let statement =
            Statement::from_sql_and_values(db.get_database_backend(), "SELECT pg_notify($1, $2)", values);
        db.query_one_raw(statement).await?;
        Ok(())
    })
    .await
}
