//! What stands in the database and keeps messages from being made, or from leaving: for operators.

use chrono::{DateTime, Utc};
use entity::{
    care_provider, care_unit,
    contact_way::Channel,
    guardian_reminder,
    reminder_preference::{self, PreferenceKind},
    staff_notice,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

use super::render::{RenderError, Renderer, Sender, samples};
use crate::{db::Db, error::Fault, session::Links};

/// The units whose names or numbers no message can be made with, and why: one line each. Every message is made, in every
/// language that is sent.
pub async fn unfit(
    db: &Db,
    texts: &Renderer,
    links: &Links,
    now: DateTime<Utc>,
) -> Result<Vec<String>, Fault> {
    let (units, providers) = db
        .read(async |db| -> Result<_, Fault> {
            let units = care_unit::Entity::find().order_by_asc(care_unit::Column::Id).all(db).await?;
            Ok((units, care_provider::Entity::find().all(db).await?))
        })
        .await?;
    let mut told = Vec::new();
    for unit in units {
        let Some(provider) = providers.iter().find(|provider| provider.id == unit.care_provider_id) else {
            continue;
        };
        let of = format!("{} at {}", provider.name, unit.name);
        let from = Sender {
            unit_name: unit.name,
            unit_address: unit.address,
            unit_phone: unit.phone,
            provider_name: provider.name.clone(),
            sensitive: unit.sensitive,
        };
        let hindrance = texts.languages().find_map(|(tag, _)| {
            let kinds = [PreferenceKind::Appointment, PreferenceKind::Message, PreferenceKind::Plan];
            kinds.into_iter().find_map(|kind| match samples(texts, tag, kind, &from, links, now) {
                Err(error) => Some(format!("no message can be made: {error}")),
                Ok(made) => made.into_iter().find_map(|sample| {
                    let error = sample.rendered.by(Channel::Sms).err()?;
                    Some(match error {
                        RenderError::TooLong => {
                            "an SMS has no letter of the name, or no room for it; mail leaves all the same"
                                .to_owned()
                        }
                        error => error.to_string(),
                    })
                }),
            })
        });
        told.extend(hindrance.map(|why| format!("{of}: {why}")));
    }
    Ok(told)
}

/// How many have said yes to a way that is not configured here, by that way: they are told by the other, or not at all.
pub async fn astray(db: &Db, configured: &[Channel]) -> Result<Vec<(Channel, u64)>, Fault> {
    let missing = [Channel::Mail, Channel::Sms].into_iter().filter(|channel| !configured.contains(channel));
    let mut counted = Vec::new();
    for channel in missing {
        let yeses = db
            .read(async |db| -> Result<_, Fault> {
                let own = reminder_preference::Entity::find()
                    .filter(reminder_preference::Column::OptedIn.eq(true))
                    .filter(reminder_preference::Column::Channel.eq(channel))
                    .count(db)
                    .await?;
                let guardians = guardian_reminder::Entity::find()
                    .filter(guardian_reminder::Column::OptedIn.eq(true))
                    .filter(guardian_reminder::Column::Channel.eq(channel))
                    .count(db)
                    .await?;
                let staff = if channel == Channel::Mail {
                    let chosen = staff_notice::Entity::find().filter(staff_notice::Column::OptedIn.eq(true));
                    chosen.count(db).await?
                } else {
                    0
                };
                Ok(own + guardians + staff)
            })
            .await?;
        if yeses > 0 {
            counted.push((channel, yeses));
        }
    }
    Ok(counted)
}
