//! The last question before the content leaves: is the notice still ours to send, to the same address, and what it tells
//! still so?

use entity::notice;
use sea_orm::{ConnectionTrait, Statement};

use super::{Ready, Verdict, recheck};
use crate::{
    domain::notice::DOUBTFUL, error::Fault, reminder::channel::FailureCode, session::Core, telemetry,
};

/// Marks that sending has begun: whoever finds the mark on a notice whose lease has ended knows that it may have been
/// accepted. What can be taken back in the meantime is asked once more.
const BEGIN: &str = "UPDATE notice SET reason = $4 WHERE id = $1 AND lease_token = $2 AND state = 'CLAIMED' \
     AND leased_until > $3 AND useless_at > $3 AND (kind <> 'REMINDER' OR EXISTS (SELECT 1 FROM appointment a \
     WHERE a.id = notice.appointment_id AND a.status = 'BOOKED' AND a.schedule_version = notice.schedule_version))";

/// Whether a notice that was found fit to leave still is, asked when its content is about to be handed over: everything
/// that decided is looked at anew, and comes to the same address and the same text. When the database does not answer, it
/// is not.
pub async fn still(core: &Core, notice: &notice::Model, ready: &Ready) -> bool {
    if notice.leased_until.is_none_or(|until| until <= core.clock.now()) {
        return false;
    }
    match recheck(core, notice).await {
        Ok(Some(Verdict::Send(now))) => *now == *ready,
        Ok(_) => false,
        Err(fault) => {
            telemetry::note_failure("looking at a notice before its content leaves", &fault);
            false
        }
    }
}

/// [`still`], for a channel by which a second copy reaches somebody twice.
pub async fn begin(core: &Core, notice: &notice::Model, ready: &Ready) -> bool {
    if !still(core, notice, ready).await {
        return false;
    }
    let mark = format!("{DOUBTFUL}:{}", FailureCode::Interrupted.as_str());
    let values = [notice.id.0.into(), notice.lease_token.into(), core.clock.now().into(), mark.into()];
    let begun = core
        .db
        .write(async |tx| -> Result<bool, Fault> {
            let statement = Statement::from_sql_and_values(tx.get_database_backend(), BEGIN, values);
            Ok(tx.execute_raw(statement).await?.rows_affected() == 1)
        })
        .await;
    begun.unwrap_or_else(|fault| {
        telemetry::note_failure("marking that the sending of a notice begins", &fault);
        false
    })
}
