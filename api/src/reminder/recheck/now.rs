//! Everything that decides whether a notice may leave, read in one statement.

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    access_event::ActorKind, appointment, contact_way, notice, patient::ProtectedIdentity,
    reminder_preference::Detail, time_offer,
};
use sea_orm::{FromQueryResult, Statement};
use uuid::Uuid;

use crate::{domain::notice::of_wish::offer_of, error::Fault, session::Core};

/// What decides, as it stands now.
#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct Now {
    pub(super) status: Option<appointment::Status>,
    pub(super) schedule_version: Option<i32>,
    pub(super) starts_at: Option<DateTime<Utc>>,
    pub(super) known_starts_at: Option<DateTime<Utc>>,
    pub(super) ends_at: Option<DateTime<Utc>>,
    pub(super) cancel_by: Option<DateTime<Utc>>,
    pub(super) confirmed_at: Option<DateTime<Utc>>,
    pub(super) language: String,
    pub(super) protected_identity: ProtectedIdentity,
    pub(super) deceased_on: Option<NaiveDate>,
    pub(super) birth_date: NaiveDate,
    pub(super) opted_in: Option<bool>,
    pub(super) by_kind: Option<ActorKind>,
    pub(super) decided_at: Option<DateTime<Utc>>,
    pub(super) detail: Option<Detail>,
    pub(super) way_id: Option<Uuid>,
    pub(super) address: Option<Vec<u8>>,
    pub(super) way_status: Option<contact_way::Status>,
    pub(super) unit_name: String,
    pub(super) unit_address: Option<String>,
    pub(super) unit_phone: String,
    pub(super) sensitive: bool,
    pub(super) provider_name: String,
    pub(super) guardian: Option<Uuid>,
    pub(super) offer: Option<time_offer::Status>,
}

const SQL: &str = "SELECT a.status, a.schedule_version, a.starts_at, a.known_starts_at, a.ends_at, a.cancel_by, \
     a.confirmed_at, p.language, p.protected_identity, p.deceased_on, p.birth_date, COALESCE(g.opted_in, r.opted_in) AS opted_in, \
     COALESCE(g.by_kind, r.by_kind) AS by_kind, r.decided_at, COALESCE(g.detail, r.detail) AS detail, \
     COALESCE(g.id, w.id) AS way_id, COALESCE(g.address, w.address) AS address, \
     COALESCE(g.status, w.status) AS way_status, g.representative_id AS guardian, u.name AS unit_name, \
     u.address AS unit_address, u.phone AS unit_phone, u.sensitive, v.name AS provider_name, o.status AS offer \
     FROM notice n JOIN patient p ON p.id = n.patient_id JOIN care_unit u ON u.id = n.care_unit_id \
     JOIN care_provider v ON v.id = n.care_provider_id LEFT JOIN appointment a ON a.id = n.appointment_id \
     LEFT JOIN time_offer o ON o.id = $2 LEFT JOIN contact_way w ON w.id = n.contact_way_id \
     LEFT JOIN guardian_reminder g ON g.id = n.guardian_reminder_id \
     LEFT JOIN reminder_preference r ON r.patient_id = n.patient_id AND r.channel = n.channel \
       AND r.kind = CASE WHEN n.kind IN ('MESSAGE', 'PLAN') THEN n.kind ELSE 'APPOINTMENT' END \
     WHERE n.id = $1";

const UNDER_LEASE: &str = " AND n.lease_token = $3 AND n.state = 'CLAIMED'";

/// Reads it; under the lease, none when that is lost or the notice was taken back.
pub(super) async fn look(
    core: &Core,
    notice: &notice::Model,
    lease: Option<Uuid>,
) -> Result<Option<Now>, Fault> {
    let sql = format!("{SQL}{}", if lease.is_some() { UNDER_LEASE } else { "" });
    let offer = offer_of(notice).map(|offer| offer.0);
    let mut values = vec![notice.id.0.into(), offer.into()];
    values.extend(lease.map(Into::into));
    core.db
        .read(async |db| -> Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            Ok(Now::find_by_statement(statement).one(db).await?)
        })
        .await
}
