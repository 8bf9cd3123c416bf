//! The last look at a notice to a member of staff: they still want it, still work there, and it is not too late.

use chrono::{DateTime, Utc};
use entity::{
    contact_way,
    notice::{self, State},
    reminder_preference::Detail,
};
use sea_orm::{FromQueryResult, Statement};
use uuid::Uuid;

use super::{Ready, Verdict, failed, opened};
use crate::{
    calendar::SendingHours,
    crypto::Place,
    domain::{
        notice::{OPTED_OUT, leaves_at},
        staff_notice::ADDRESS,
    },
    error::Fault,
    locale::Locale,
    reminder::{
        channel::{FailureCode, Recipient},
        render::{self, Facts},
    },
    session::Core,
};

#[derive(Clone, Debug, FromQueryResult)]
struct Now {
    choice: Uuid,
    opted_in: bool,
    address: Vec<u8>,
    status: contact_way::Status,
    valid_from: DateTime<Utc>,
    valid_until: Option<DateTime<Utc>>,
    unit_name: String,
    unit_phone: String,
    provider_name: String,
}

const SQL: &str = "SELECT s.id AS choice, s.opted_in, s.address, s.status, a.valid_from, a.valid_until, \
     u.name AS unit_name, u.phone AS unit_phone, v.name AS provider_name \
     FROM notice n JOIN staff_notice s ON s.id = n.staff_notice_id JOIN assignment a ON a.id = s.assignment_id \
     JOIN care_unit u ON u.id = n.care_unit_id JOIN care_provider v ON v.id = n.care_provider_id WHERE n.id = $1";

const UNDER_LEASE: &str = " AND n.lease_token = $2 AND n.state = 'CLAIMED'";

pub(super) async fn judge(
    core: &Core,
    notice: &notice::Model,
    lease: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<Option<Verdict>, Fault> {
    let sql = format!("{SQL}{}", if lease.is_some() { UNDER_LEASE } else { "" });
    let mut values = vec![notice.id.0.into()];
    values.extend(lease.map(Into::into));
    let row = core
        .db
        .read(async |db| -> Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            Ok(Now::find_by_statement(statement).one(db).await?)
        })
        .await?;
    let Some(row) = row else { return Ok(None) };
    if let Some(verdict) = objection(notice, &row, at, core.settings.hours) {
        return Ok(Some(verdict));
    }
    let to = if row.status == contact_way::Status::Good {
        let place = Place::new(ADDRESS, row.choice);
        opened(core, notice, place, row.address.clone())
            .and_then(|address| address.parse().map_err(|_| FailureCode::BadAddress))
    } else {
        Err(FailureCode::BadAddress)
    };
    Ok(Some(match to {
        Ok(to) => Verdict::Send(Box::new(Ready { facts: facts(row), to: Recipient::Mail(to) })),
        Err(why) => failed(why),
    }))
}

fn objection(notice: &notice::Model, row: &Now, at: DateTime<Utc>, hours: SendingHours) -> Option<Verdict> {
    let hold = |state, reason| Some(Verdict::Hold { state, reason });
    if !row.opted_in {
        return hold(State::Suppressed, OPTED_OUT);
    }
    if at < row.valid_from || row.valid_until.is_some_and(|until| until <= at) {
        return hold(State::Suppressed, "NOT_STAFF");
    }
    if at >= notice.useless_at {
        return hold(State::Missed, "TOO_LATE");
    }
    match leaves_at(notice, at, hours) {
        None => hold(State::Missed, "SENDING_HOURS"),
        Some(later) => (later > at).then_some(Verdict::Later(later)),
    }
}

/// Nothing of anybody: that there is something new, and whom to call.
fn facts(row: Now) -> Facts {
    Facts {
        language: Locale::Sv.into(),
        kind: render::Kind::Staff,
        visit: None,
        until: None,
        unit_name: row.unit_name,
        unit_address: None,
        unit_phone: row.unit_phone,
        sender_name: render::sender_name(&row.provider_name),
        detail: Detail::TimeOnly,
        sensitive: true,
        unsubscribe_url: None,
        action_url: None,
    }
}
