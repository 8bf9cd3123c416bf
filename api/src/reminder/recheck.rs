//! The last look before a message leaves: what was true when it was planned may be so no longer.
//!
//! One statement reads everything that decides, under the lease; the decision itself is pure.

mod now;
mod staff;
mod still;

use chrono::{DateTime, Utc};
use entity::{
    RepresentativeId, Sealed, appointment,
    contact_way::{self, Channel},
    notice::{self, Kind, State},
    patient::ProtectedIdentity,
    reminder_preference::Detail,
    representative, time_offer,
};
use sea_orm::EntityTrait;
use uuid::Uuid;

use self::now::{Now, look};
pub use self::still::{begin, still};
use super::{
    Rule,
    channel::{FailureCode, Recipient},
    render::{self, Facts, Tag, Visit},
};
use crate::{
    auth::policy::{Action, Noun},
    calendar::SendingHours,
    crypto::Place,
    domain::{
        guardian_reminder,
        notice::{CHILD, NOT_GUARDIAN, OPTED_OUT, OWN_WORD, PROTECTED_IDENTITY, leaves_at, link, may_leave},
        reminder_preference::{rules::waits_for_own_word, set::ADDRESS},
        representative::{assessed, rules},
    },
    error::Fault,
    session::Core,
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
#[derive(Debug, PartialEq, Eq)]
pub struct Ready {
    pub facts: Facts,
    pub to: Recipient,
}

/// Looks again. None when the lease is lost, or the notice was taken back meanwhile.
pub async fn recheck(core: &Core, notice: &notice::Model) -> Result<Option<Verdict>, Fault> {
    judge(core, notice, notice.lease_token, core.clock.now()).await
}

/// What would become of a notice at `at`, whoever holds it; nothing is claimed.
pub async fn foresee(
    core: &Core,
    notice: &notice::Model,
    at: DateTime<Utc>,
) -> Result<Option<Verdict>, Fault> {
    judge(core, notice, None, at).await
}

async fn judge(
    core: &Core,
    notice: &notice::Model,
    lease: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<Option<Verdict>, Fault> {
    if notice.staff_notice_id.is_some() {
        return staff::judge(core, notice, lease, at).await;
    }
    let Some(row) = look(core, notice, lease).await? else { return Ok(None) };
    if let Some(verdict) = objection(notice, &row, at, core.settings.hours) {
        return Ok(Some(verdict));
    }
    if let Some(reason) = recipient_objection(core, notice, &row, at).await? {
        return Ok(Some(Verdict::Hold { state: State::Suppressed, reason }));
    }
    Ok(Some(match recipient(core, notice, &row) {
        Err(why) => failed(why),
        Ok(to) => match facts(core, notice, row) {
            None => Verdict::Hold { state: State::Failed, reason: "BAD_MESSAGE" },
            Some(facts) => Verdict::Send(Box::new(Ready { facts, to })),
        },
    }))
}

/// What a notice may say now, whether or not it may leave; none when its kind is not known.
pub async fn facts_now(core: &Core, notice: &notice::Model) -> Result<Option<Facts>, Fault> {
    Ok(look(core, notice, None).await?.and_then(|row| facts(core, notice, row)))
}

/// Why the one it would go to must not get it any more: of a child's times the guardians are reminded, as long as they
/// see them, and from then on the young person, by what they have chosen themself.
async fn recipient_objection(
    core: &Core,
    notice: &notice::Model,
    row: &Now,
    at: DateTime<Utc>,
) -> Result<Option<&'static str>, Fault> {
    let ages = &core.settings.ages;
    let chosen = row.by_kind.zip(row.decided_at).filter(|_| row.guardian.is_none());
    if chosen.is_some_and(|(by, decided_at)| waits_for_own_word(row.birth_date, by, decided_at, ages, at)) {
        return Ok(Some(OWN_WORD));
    }
    let of_visit = matches!(notice.kind, Kind::Reminder | Kind::Cancellation | Kind::Offer);
    if row.guardian.is_none() && !(of_visit && rules::own_rights(row.birth_date, &[], ages, at).is_some()) {
        return Ok(None);
    }
    let (patient, guardian) = (notice.patient_id, row.guardian);
    let (decided, named) = core
        .db
        .read(async |db| -> Result<_, Fault> {
            let named = match guardian {
                Some(id) => representative::Entity::find_by_id(RepresentativeId(id)).one(db).await?,
                None => None,
            };
            Ok((assessed(db, patient).await?, named))
        })
        .await?;
    let own = rules::own_rights(row.birth_date, &decided, ages, at);
    let reaches = own.is_none_or(|rights| rights.cover(Noun::Appointment, Action::Book));
    let child = rules::Principal {
        born: row.birth_date,
        dead: row.deceased_on.is_some(),
        protected: row.protected_identity != ProtectedIdentity::None,
    };
    Ok(match (guardian, named) {
        (Some(_), Some(named)) if !rules::is_reminded(&named, child, &decided, ages, at) => {
            Some(NOT_GUARDIAN)
        }
        (Some(_), None) => Some(NOT_GUARDIAN),
        (None, _) if !reaches => Some(CHILD),
        _ => None,
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
        Kind::Offer => {
            let offered = render::Kind::of(notice.kind, &notice.rule) == Some(render::Kind::Offer);
            if offered && row.offer != Some(time_offer::Status::Open) {
                return hold(State::Withdrawn, "ANSWERED");
            }
        }
        Kind::Message | Kind::Plan | Kind::Staff => {}
    }
    if row.opted_in != Some(true) {
        return hold(State::Suppressed, OPTED_OUT);
    }
    // A guardian is let in by care's assessment alone, which is looked at below.
    if row.guardian.is_none() && !row.by_kind.is_some_and(|by| may_leave(row.protected_identity, by)) {
        return hold(State::Suppressed, PROTECTED_IDENTITY);
    }
    if Rule::from_text(&notice.rule).is_some_and(Rule::unless_confirmed) && row.confirmed_at.is_some() {
        return hold(State::Suppressed, "CONFIRMED");
    }
    if at >= notice.useless_at {
        return hold(State::Missed, "TOO_LATE");
    }
    match leaves_at(notice, at, hours) {
        None => hold(State::Missed, "SENDING_HOURS"),
        Some(later) => (later > at).then_some(Verdict::Later(later)),
    }
}

/// Given up, for a reason that staff see.
const fn failed(why: FailureCode) -> Verdict {
    Verdict::Hold { state: State::Failed, reason: why.as_str() }
}

/// An address as it is stored. One that does not open is this one message's misfortune and never opens later: it is given
/// up like one that leads nowhere.
fn opened(core: &Core, notice: &notice::Model, place: Place, sealed: Vec<u8>) -> Result<String, FailureCode> {
    core.keys.open(place, &Sealed(sealed)).map_err(|error| {
        tracing::error!(notice = %notice.id.0, %error, "the address of a notice does not open");
        FailureCode::UnreadableAddress
    })
}

/// The address as it is now, or why it cannot be used.
fn recipient(core: &Core, notice: &notice::Model, row: &Now) -> Result<Recipient, FailureCode> {
    let (Some(way), Some(address), Some(contact_way::Status::Good)) =
        (row.way_id, &row.address, row.way_status)
    else {
        return Err(FailureCode::BadAddress);
    };
    let column = if row.guardian.is_some() { guardian_reminder::ADDRESS } else { ADDRESS };
    let address = opened(core, notice, Place::new(column, way), address.clone())?;
    match notice.channel {
        Channel::Mail => address.parse().ok().map(Recipient::Mail),
        Channel::Sms => address.parse().ok().map(Recipient::Sms),
        Channel::Letter | Channel::Phone => None,
    }
    .ok_or(FailureCode::BadAddress)
}

/// What the message may draw on.
fn facts(core: &Core, notice: &notice::Model, row: Now) -> Option<Facts> {
    let facts = told(notice, row)?;
    let hash = notice.link_hash.as_deref();
    let secret = hash.and_then(|hash| link::known_secret(&core.keys, notice.id, hash));
    Some(match secret {
        Some(secret) => facts.linked(&core.settings.links, &secret),
        None => facts,
    })
}

/// The same without links.
fn told(notice: &notice::Model, row: Now) -> Option<Facts> {
    let kind = match notice.kind {
        Kind::Reminder => match Rule::from_text(&notice.rule)? {
            // After a move, the message that confirms is the one that tells the new time.
            Rule::Confirmation if row.schedule_version > Some(1) => render::Kind::Moved,
            rule => render::Kind::Reminder(rule),
        },
        Kind::Cancellation => render::Kind::Cancelled,
        Kind::Message => render::Kind::Message,
        Kind::Plan => render::Kind::Plan,
        Kind::Offer => render::Kind::of(notice.kind, &notice.rule)?,
        Kind::Staff => render::Kind::Staff,
    };
    let visit = match (notice.appointment_id, row.starts_at, row.ends_at, row.cancel_by) {
        (Some(id), Some(starts_at), Some(ends_at), Some(cancel_by)) => {
            // What is cancelled is told of by the start that the patient knows.
            let known = row.known_starts_at.filter(|_| kind == render::Kind::Cancelled).unwrap_or(starts_at);
            let version = u32::try_from(row.schedule_version.unwrap_or_default()).ok()?;
            Some(Visit {
                appointment_id: id.0,
                sequence: version + u32::from(kind == render::Kind::Cancelled),
                starts_at: known,
                ends_at: known + (ends_at - starts_at),
                cancel_by,
                changed_at: notice.created_at,
            })
        }
        _ => None,
    };
    Some(Facts {
        language: Tag::of(&row.language),
        until: (kind == render::Kind::Offer).then_some(notice.useless_at),
        kind,
        visit,
        sender_name: render::sender_name(&row.provider_name),
        unit_name: row.unit_name,
        unit_address: row.unit_address,
        unit_phone: row.unit_phone,
        detail: row.detail.unwrap_or(Detail::TimeOnly),
        sensitive: row.sensitive,
        unsubscribe_url: None,
        action_url: None,
    })
}

#[cfg(test)]
#[path = "recheck_tests.rs"]
mod tests;
