//! The last look before a message leaves: what was true when it was planned may be so no longer.
//!
//! One statement reads everything that decides, under the lease; the decision itself is pure.

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    Sealed,
    access_event::ActorKind,
    appointment,
    contact_way::{self, Channel},
    notice::{self, Kind, State},
    patient::ProtectedIdentity,
    reminder_preference::Detail,
};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use uuid::Uuid;

use super::{
    Rule,
    channel::Recipient,
    render::{self, Facts, Visit},
};
use crate::{
    calendar::SendingHours,
    crypto::Place,
    domain::{notice::may_leave, reminder_preference::set::ADDRESS},
    error::Fault,
    locale::Locale,
    session::Core,
    telemetry,
};

/// What is to be done with a claimed notice.
#[derive(Debug)]
pub enum Verdict {
    Send(Box<Ready>),
    /// Not to be sent, for good.
    Hold {
        state: State,
        reason: &'static str,
    },
    /// Not now.
    Later(DateTime<Utc>),
}

/// A notice that may leave, and where to.
#[derive(Debug)]
pub struct Ready {
    pub facts: Facts,
    pub to: Recipient,
}

/// What decides, as it stands now.
#[derive(Clone, Debug, FromQueryResult)]
struct Now {
    status: Option<appointment::Status>,
    schedule_version: Option<i32>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    cancel_by: Option<DateTime<Utc>>,
    confirmed_at: Option<DateTime<Utc>>,
    language: String,
    protected_identity: ProtectedIdentity,
    deceased_on: Option<NaiveDate>,
    opted_in: Option<bool>,
    by_kind: Option<ActorKind>,
    detail: Option<Detail>,
    way_id: Option<Uuid>,
    address: Option<Vec<u8>>,
    way_status: Option<contact_way::Status>,
    unit_name: String,
    unit_address: Option<String>,
    unit_phone: String,
    sensitive: bool,
    provider_name: String,
}

const SQL: &str = "SELECT a.status, a.schedule_version, a.starts_at, a.ends_at, a.cancel_by, a.confirmed_at, \
     p.language, p.protected_identity, p.deceased_on, r.opted_in, r.by_kind, r.detail, w.id AS way_id, w.address, \
     w.status AS way_status, u.name AS unit_name, u.address AS unit_address, u.phone AS unit_phone, u.sensitive, \
     v.name AS provider_name \
     FROM notice n JOIN patient p ON p.id = n.patient_id JOIN care_unit u ON u.id = n.care_unit_id \
     JOIN care_provider v ON v.id = n.care_provider_id LEFT JOIN appointment a ON a.id = n.appointment_id \
     LEFT JOIN contact_way w ON w.id = n.contact_way_id \
     LEFT JOIN reminder_preference r ON r.patient_id = n.patient_id AND r.channel = n.channel \
       AND r.kind = CASE WHEN n.kind IN ('MESSAGE', 'PLAN') THEN n.kind ELSE 'APPOINTMENT' END \
     WHERE n.id = $1 AND n.lease_token = $2 AND n.state = 'CLAIMED'";

/// Looks again. None when the lease is lost, or the notice was taken back meanwhile.
pub async fn recheck(core: &Core, notice: &notice::Model) -> Result<Option<Verdict>, Fault> {
    let values = [notice.id.0.into(), notice.lease_token.into()];
    let found = core
        .db
        .read(async |db| -> Result<Option<Now>, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), SQL, values);
            Ok(Now::find_by_statement(statement).one(db).await?)
        })
        .await?;
    let Some(row) = found else { return Ok(None) };
    let at = core.clock.now();
    if let Some(verdict) = objection(notice, &row, at, core.settings.hours) {
        return Ok(Some(verdict));
    }
    Ok(Some(match recipient(core, notice, &row)? {
        None => Verdict::Hold { state: State::Failed, reason: "BAD_ADDRESS" },
        Some(to) => match facts(notice, row) {
            None => Verdict::Hold { state: State::Failed, reason: "BAD_MESSAGE" },
            Some(facts) => Verdict::Send(Box::new(Ready { facts, to })),
        },
    }))
}

const STILL: &str = "SELECT 1 AS still FROM notice n LEFT JOIN appointment a ON a.id = n.appointment_id \
     WHERE n.id = $1 AND n.lease_token = $2 AND n.state = 'CLAIMED' AND n.leased_until > $3 AND n.useless_at > $3 \
     AND (n.kind <> 'REMINDER' OR (a.status = 'BOOKED' AND a.schedule_version = n.schedule_version))";

/// Whether a notice that was found fit to leave still is, asked when its content is about to be handed over: ours
/// to send, not taken back, and of a visit that stands as it was. When the database does not answer, it is not.
pub async fn still(core: &Core, notice: &notice::Model) -> bool {
    let values = [notice.id.0.into(), notice.lease_token.into(), core.clock.now().into()];
    let found = core
        .db
        .read(async |db| -> Result<bool, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), STILL, values);
            Ok(db.query_one_raw(statement).await?.is_some())
        })
        .await;
    found.unwrap_or_else(|fault| {
        telemetry::note_failure("looking at a notice before its content leaves", &fault);
        false
    })
}

/// Why the notice must not leave now, if there is anything.
fn objection(notice: &notice::Model, row: &Now, at: DateTime<Utc>, hours: SendingHours) -> Option<Verdict> {
    let hold = |state, reason| Some(Verdict::Hold { state, reason });
    if row.deceased_on.is_some() {
        return hold(State::Suppressed, "DECEASED");
    }
    match notice.kind {
        Kind::Reminder => {
            if row.status != Some(appointment::Status::Booked) {
                return hold(State::Withdrawn, "CANCELLED");
            }
            if row.schedule_version != notice.schedule_version {
                return hold(State::Withdrawn, "REBOOKED");
            }
        }
        Kind::Cancellation => {
            if row.status != Some(appointment::Status::Cancelled) {
                return hold(State::Withdrawn, "NOT_CANCELLED");
            }
        }
        Kind::Message | Kind::Plan => {}
    }
    if row.opted_in != Some(true) {
        return hold(State::Suppressed, "OPTED_OUT");
    }
    if !row.by_kind.is_some_and(|by| may_leave(row.protected_identity, by)) {
        return hold(State::Suppressed, "PROTECTED_IDENTITY");
    }
    if Rule::from_text(&notice.rule).is_some_and(Rule::unless_confirmed) && row.confirmed_at.is_some() {
        return hold(State::Suppressed, "CONFIRMED");
    }
    if at >= notice.useless_at {
        return hold(State::Missed, "TOO_LATE");
    }
    // What answers an act is told when it is done; everything else in daylight.
    let answers_an_act = notice.kind == Kind::Cancellation || notice.rule == Rule::Confirmation.as_str();
    if !answers_an_act && !hours.is_open(at) {
        let opens = hours.next_open(at);
        return if opens >= notice.useless_at {
            hold(State::Missed, "SENDING_HOURS")
        } else {
            Some(Verdict::Later(opens))
        };
    }
    None
}

/// The address as it is now; none when it cannot be used.
fn recipient(core: &Core, notice: &notice::Model, row: &Now) -> Result<Option<Recipient>, Fault> {
    let (Some(way), Some(address), Some(contact_way::Status::Good)) =
        (row.way_id, &row.address, row.way_status)
    else {
        return Ok(None);
    };
    let address = core.keys.open(Place::new(ADDRESS, way), &Sealed(address.clone()))?;
    Ok(match notice.channel {
        Channel::Mail => address.parse().ok().map(Recipient::Mail),
        Channel::Sms => address.parse().ok().map(Recipient::Sms),
        Channel::Letter | Channel::Phone => None,
    })
}

/// What the message may draw on.
fn facts(notice: &notice::Model, row: Now) -> Option<Facts> {
    let kind = match notice.kind {
        Kind::Reminder => match Rule::from_text(&notice.rule)? {
            // After a move, the message that confirms is the one that tells the new time.
            Rule::Confirmation if row.schedule_version > Some(1) => render::Kind::Moved,
            rule => render::Kind::Reminder(rule),
        },
        Kind::Cancellation => render::Kind::Cancelled,
        Kind::Message => render::Kind::Message,
        Kind::Plan => render::Kind::Plan,
    };
    let visit = match (notice.appointment_id, row.starts_at, row.ends_at, row.cancel_by) {
        (Some(id), Some(starts_at), Some(ends_at), Some(cancel_by)) => {
            let version = u32::try_from(row.schedule_version.unwrap_or_default()).ok()?;
            Some(Visit {
                appointment_id: id.0,
                sequence: version + u32::from(kind == render::Kind::Cancelled),
                starts_at,
                ends_at,
                cancel_by,
                changed_at: notice.created_at,
            })
        }
        _ => None,
    };
    Some(Facts {
        locale: Locale::from_tag(&row.language),
        kind,
        visit,
        // At most 30 characters are shown of a sender.
        sender_name: row.provider_name.chars().take(30).collect(),
        unit_name: row.unit_name,
        unit_address: row.unit_address,
        unit_phone: row.unit_phone,
        detail: row.detail.unwrap_or(Detail::TimeOnly),
        sensitive: row.sensitive,
        unsubscribe_url: None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use entity::{AppointmentId, CareProviderId, CareUnitId, NoticeId, PatientId};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn notice() -> notice::Model {
        notice::Model {
            id: NoticeId(Uuid::nil()),
            patient_id: PatientId(Uuid::nil()),
            care_unit_id: CareUnitId(Uuid::nil()),
            care_provider_id: CareProviderId(Uuid::nil()),
            kind: Kind::Reminder,
            rule: "EVENING_BEFORE".to_owned(),
            channel: Channel::Mail,
            contact_way_id: None,
            appointment_id: Some(AppointmentId(Uuid::nil())),
            schedule_version: Some(1),
            thread_id: None,
            agreement_id: None,
            due_at: at("2027-02-01T17:00:00Z"),
            useless_at: at("2027-02-02T08:00:00Z"),
            state: State::Claimed,
            reason: None,
            attempts: 1,
            leased_until: None,
            lease_token: None,
            dedupe_key: String::new(),
            provider_ref: None,
            sent_at: None,
            created_at: at("2027-01-01T08:00:00Z"),
        }
    }

    fn row() -> Now {
        Now {
            status: Some(appointment::Status::Booked),
            schedule_version: Some(1),
            starts_at: Some(at("2027-02-02T08:00:00Z")),
            ends_at: Some(at("2027-02-02T08:30:00Z")),
            cancel_by: Some(at("2027-01-31T23:00:00Z")),
            confirmed_at: None,
            language: "sv".to_owned(),
            protected_identity: ProtectedIdentity::None,
            deceased_on: None,
            opted_in: Some(true),
            by_kind: Some(ActorKind::Staff),
            detail: Some(Detail::TimeOnly),
            way_id: None,
            address: None,
            way_status: None,
            unit_name: "Vårdcentralen".to_owned(),
            unit_address: None,
            unit_phone: "+4686174000".to_owned(),
            sensitive: false,
            provider_name: "Region Exempel".to_owned(),
        }
    }

    fn held(notice: &notice::Model, row: &Now, now: &str) -> Option<(State, &'static str)> {
        match objection(notice, row, at(now), SendingHours::default()) {
            Some(Verdict::Hold { state, reason }) => Some((state, reason)),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_has_changed_since_planning_holds_the_notice_back() {
        let evening = "2027-02-01T17:00:00Z";
        assert_eq!(held(&notice(), &row(), evening), None);
        let cases = [
            (Now { status: Some(appointment::Status::Cancelled), ..row() }, State::Withdrawn, "CANCELLED"),
            (Now { schedule_version: Some(2), ..row() }, State::Withdrawn, "REBOOKED"),
            (Now { opted_in: Some(false), ..row() }, State::Suppressed, "OPTED_OUT"),
            (Now { opted_in: None, by_kind: None, ..row() }, State::Suppressed, "OPTED_OUT"),
            (Now { confirmed_at: Some(at(evening)), ..row() }, State::Suppressed, "CONFIRMED"),
            (
                Now { deceased_on: Some("2027-01-15".parse().unwrap()), ..row() },
                State::Suppressed,
                "DECEASED",
            ),
            (
                Now { protected_identity: ProtectedIdentity::Sekretessmarkering, ..row() },
                State::Suppressed,
                "PROTECTED_IDENTITY",
            ),
        ];
        for (row, state, reason) in cases {
            assert_eq!(held(&notice(), &row, evening), Some((state, reason)));
        }
    }

    #[test]
    fn a_protected_patient_who_asked_in_person_gets_the_notice() {
        let row = Now {
            protected_identity: ProtectedIdentity::SkyddadFolkbokforing,
            by_kind: Some(ActorKind::Patient),
            ..row()
        };
        assert_eq!(held(&notice(), &row, "2027-02-01T17:00:00Z"), None);
    }

    #[test]
    fn a_notice_waits_for_the_morning_unless_the_visit_comes_first() {
        let late = objection(&notice(), &row(), at("2027-02-01T19:30:00Z"), SendingHours::default());
        assert!(matches!(late, Some(Verdict::Later(opens)) if opens == at("2027-02-02T07:00:00Z")));
        let early = notice::Model { useless_at: at("2027-02-02T06:30:00Z"), ..notice() };
        assert_eq!(held(&early, &row(), "2027-02-01T19:30:00Z"), Some((State::Missed, "SENDING_HOURS")));
        assert_eq!(held(&notice(), &row(), "2027-02-02T08:00:00Z"), Some((State::Missed, "TOO_LATE")));
        let confirmation = notice::Model { rule: "CONFIRMATION".to_owned(), ..notice() };
        assert_eq!(held(&confirmation, &row(), "2027-02-01T19:30:00Z"), None);
    }

    #[test]
    fn a_moved_time_is_told_as_moved_and_a_cancelled_one_has_a_higher_sequence() {
        let confirmation = notice::Model { rule: "CONFIRMATION".to_owned(), ..notice() };
        let moved = facts(&confirmation, Now { schedule_version: Some(2), ..row() }).unwrap();
        assert_eq!((moved.kind, moved.visit.unwrap().sequence), (render::Kind::Moved, 2));
        let cancelled = facts(&notice::Model { kind: Kind::Cancellation, ..notice() }, row()).unwrap();
        assert_eq!((cancelled.kind, cancelled.visit.unwrap().sequence), (render::Kind::Cancelled, 2));
    }
}
