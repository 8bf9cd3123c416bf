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
pub mod request_pass;
pub mod request_withdraw;
pub mod review;
pub mod rules;
pub mod sweep;
pub mod whom;
pub mod words;

use chrono::{DateTime, Utc};
use entity::care_contact;
use sea_orm::{ColumnTrait, Condition, sea_query::ExprTrait};

use super::patient::lock;

/// Contacts whose role is held at `at`.
pub fn holding(at: DateTime<Utc>) -> Condition {
    use care_contact::Column as C;
    Condition::all()
        .add(C::Status.ne(care_contact::Status::Ended))
        .add(C::ValidFrom.lte(at))
        .add(C::ValidUntil.is_null().or(C::ValidUntil.gt(at)))
}
