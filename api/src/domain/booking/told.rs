//! What an act on a booked time tells others: the history - who, when, from what to what - and those who listen.

use entity::appointment::{self, BookingChannel};
use serde_json::{Value, json};

use crate::{
    db::Tx,
    domain::{
        act::{Event, emit},
        history::{self, Change, Owner},
        news,
    },
    error::Fault,
    fault,
    session::Session,
};

/// The act and what is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// The mutation's name.
    pub act: &'static str,
    /// Such as `appointment.booked`.
    pub event: &'static str,
    /// How the patient reached who acted, where it was said.
    pub channel: Option<BookingChannel>,
}

/// Writes the change in the transaction that makes it.
pub async fn tell(
    tx: &Tx,
    session: &Session,
    told: Told,
    before: Option<&appointment::Model>,
    after: &appointment::Model,
) -> Result<(), Fault> {
    let owner = Owner {
        patient: after.patient_id,
        care_unit: after.care_unit_id,
        care_provider: after.care_provider_id,
        agreement: None,
    };
    let mut became = facts(after);
    if let Value::Object(fields) = &mut became {
        if let Some(channel) = told.channel {
            fields.insert("bookingChannel".to_owned(), json!(channel));
        }
        // Told once: when they are accepted, not with every act after that.
        let accepted = after.conditions.as_ref().filter(|_| {
            before.is_none_or(|before| before.conditions_accepted_at != after.conditions_accepted_at)
        });
        if let Some(conditions) = accepted {
            fields.insert("conditions".to_owned(), json!(conditions));
        }
    }
    let change =
        Change { kind: "appointment", subject: after.id.0, before: before.map(facts), after: Some(became) };
    history::record(tx, session, owner, told.act, [change]).await?;
    let event = |kind| Event {
        kind,
        patient: after.patient_id,
        care_unit: after.care_unit_id,
        care_provider: after.care_provider_id,
        subject: after.id.0,
    };
    let elsewhere = session.actor.staff().is_some_and(|staff| staff.care_unit != after.care_unit_id);
    let also = if elsewhere { news::by_other_unit(told.event) } else { None };
    fault::point("written").await;
    emit(tx, session, std::iter::once(told.event).chain(also).map(event)).await?;
    fault::point("told").await;
    Ok(())
}

fn facts(of: &appointment::Model) -> Value {
    json!({
        "status": of.status, "startsAt": of.starts_at, "careUnit": of.care_unit_id, "assignee": of.assignment_id,
        "confirmedAt": of.confirmed_at,
    })
}
