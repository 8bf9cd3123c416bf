//! Confirming a time (bekräfta): the patient says "I am coming", and is not reminded the evening before.

use entity::{
    AppointmentId,
    appointment::{self, BookingChannel},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;

use super::{
    away::{must_be_moved, settled},
    cancel::within,
    rules,
    told::{Told, tell},
};
use crate::{
    auth::policy::Action,
    domain::act::{self, Done, Receipt},
    error::{Fault, Problem},
    session::Session,
};

/// Which appointment, as the caller last read it.
#[derive(Clone, Debug, Serialize)]
pub struct Confirm {
    pub appointment: AppointmentId,
    /// How the patient said it to staff; patients leave it out.
    pub channel: Option<BookingChannel>,
    pub expected_row_version: i32,
}

/// Confirms, until the time begins: only the patient's side can say it, if need be through staff. Moving the time takes the
/// confirmation back.
pub async fn confirm(session: &Session, key: &str, cmd: &Confirm) -> Result<Receipt, Fault> {
    act::perform(session, "appointmentConfirm", key, cmd, async |tx| {
        let channel = rules::channel(&session.actor, cmd.channel)?;
        let booked =
            within(tx, session, Action::Confirm, cmd.appointment, rules::may_confirm).await?.into_row();
        if channel.is_none() {
            return Err(rules::say_how_the_patient_said_it().into());
        }
        let after = appointment::Model {
            confirmed_at: Some(session.now()),
            confirmed_by: Some(session.actor.kind()),
            row_version: cmd.expected_row_version.saturating_add(1),
            ..booked.clone()
        };
        let changed = appointment::Entity::update_many()
            .set(appointment::ActiveModel {
                confirmed_at: Set(after.confirmed_at),
                confirmed_by: Set(after.confirmed_by),
                row_version: Set(after.row_version),
                ..Default::default()
            })
            .filter(appointment::Column::Id.eq(booked.id))
            .filter(appointment::Column::RowVersion.eq(cmd.expected_row_version))
            .filter(appointment::Column::Status.eq(appointment::Status::Booked))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let told = Told { act: "appointmentConfirm", event: "appointment.confirmed", channel };
        // Whoever confirms the time that care has moved it to knows it: nobody needs to phone about that.
        if booked.known_starts_at.is_some() && !must_be_moved(tx, &booked).await? {
            settled(tx, session, booked.id).await?;
        }
        tell(tx, session, told, Some(&booked), &after).await?;
        Ok(Done::on(booked.patient_id).with("appointment", booked.id.0))
    })
    .await
}
