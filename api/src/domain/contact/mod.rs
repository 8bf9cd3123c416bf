//! Care contacts: fast vårdkontakt, fast läkarkontakt and the other roles, and the work around them.
//!
//! A role is held from one moment to another. Whether somebody holds it now is read from those moments
//! ([`holding`]); the status follows when something is done with the patient's contacts, or in the sweep
//! ([`lifetime`]). What would leave the patient without somebody is found before it happens ([`guard`]).

pub mod absence;
pub mod absence_cancel;
pub mod appoint;
pub mod death;
pub mod end;
pub mod functions;
pub mod guard;
pub mod handover;
pub mod lifetime;
pub mod message_hours;
pub mod offer;
pub mod offer_answer;
mod person;
pub mod register;
pub mod request;
mod request_answered;
pub mod request_pass;
pub mod request_withdraw;
pub mod review;
pub mod rules;
pub mod sweep;
pub mod whom;
pub mod words;

use chrono::{DateTime, Utc};
use entity::{CareProviderId, CareUnitId, PatientId, care_contact};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, sea_query::ExprTrait};

use super::patient::lock;
use crate::{db::Tx, error::Fault, session::Session};

/// [`holding`] in SQL, of the contact of this name at `$4`.
macro_rules! held {
    ($name:literal) => {
        concat!(
            $name,
            ".status <> 'ENDED' AND ",
            $name,
            ".valid_from <= $4 AND (",
            $name,
            ".valid_until IS NULL OR ",
            $name,
            ".valid_until > $4)"
        )
    };
}
pub(crate) use held;

/// Of those who hold a role, `x` in SQL: the main responsible (huvudansvarig), else whoever came last.
macro_rules! lead_first {
    () => {
        "ORDER BY x.is_lead DESC, x.valid_from DESC, x.id LIMIT 1"
    };
}
pub(crate) use lead_first;

/// Contacts whose role is held at `at`.
pub fn holding(at: DateTime<Utc>) -> Condition {
    use care_contact::Column as C;
    Condition::all()
        .add(C::Status.ne(care_contact::Status::Ended))
        .add(C::ValidFrom.lte(at))
        .add(C::ValidUntil.is_null().or(C::ValidUntil.gt(at)))
}

/// The fast vårdkontakt of a patient at a care provider: the main responsible (huvudansvarig) before others, the latest
/// before earlier ones. [`lead_first`] orders them alike.
pub(super) async fn fast_vardkontakt(
    tx: &Tx,
    session: &Session,
    patient: PatientId,
    provider: CareProviderId,
) -> Result<Option<care_contact::Model>, Fault> {
    use care_contact::Column as C;
    Ok(care_contact::Entity::find()
        .filter(C::PatientId.eq(patient))
        .filter(C::CareProviderId.eq(provider))
        .filter(C::Role.eq(care_contact::Role::FastVardkontakt))
        .filter(holding(session.now()))
        .order_by_desc(C::IsLead)
        .order_by_desc(C::ValidFrom)
        .order_by_asc(C::Id)
        .one(tx)
        .await?)
}

/// Whether the patient has the role already, where `unit` would give it: of what one alone may have, from anybody at the
/// care provider; of what several may have, from the same unit.
async fn is_held(
    tx: &Tx,
    session: &Session,
    patient: PatientId,
    (unit, provider): (CareUnitId, CareProviderId),
    (role, kind): (care_contact::Role, Option<care_contact::TreatingKind>),
) -> Result<bool, Fault> {
    use care_contact::Column as C;
    let mut held = care_contact::Entity::find()
        .filter(C::PatientId.eq(patient))
        .filter(C::CareProviderId.eq(provider))
        .filter(C::Role.eq(role))
        .filter(match kind {
            Some(kind) => C::TreatingKind.eq(kind),
            None => C::TreatingKind.is_null(),
        })
        .filter(holding(session.now()));
    if !rules::is_for_one(role, session.core.settings.fixed_contacts) {
        held = held.filter(C::CareUnitId.eq(unit));
    }
    Ok(held.one(tx).await?.is_some())
}
