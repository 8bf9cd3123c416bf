//! The texts of reminders before the choice, and what guardians have chosen.

use chrono::{DateTime, Utc};
use entity::{
    PatientId, contact_way::Channel, guardian_reminder, patient, reminder_preference::PreferenceKind,
    representative,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    auth::actor::Actor,
    crypto::Place,
    domain::{
        guardian_reminder::ADDRESS,
        phone::masked,
        reminder_preference::texts::{sender, shown_by},
    },
    error::Fault,
    graphql::{
        scalars::LanguageTag,
        types::reminders::{GuardianReminder, ReminderText},
    },
    reminder::render::{Occasion, Tag, samples},
    session::Session,
};

/// Every text of a kind by a channel, in the patient's language, from the unit where the patient is listed.
pub async fn texts(
    session: &Session,
    whom: PatientId,
    kind: PreferenceKind,
    channel: Channel,
) -> Result<Vec<ReminderText>, Fault> {
    let (patient, from) = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let gone = || Fault::internal("the texts of nobody");
            let patient = patient::Entity::find_by_id(whom).one(db).await?.ok_or_else(gone)?;
            let from = sender(db, &patient).await?;
            Ok((patient, from))
        })
        .await?;
    let renderer = &session.core.texts;
    let wanted = Tag::of(&patient.language);
    let links = &session.core.settings.links;
    let told = samples(renderer, &wanted, kind, &from, links, session.now()).map_err(Fault::internal)?;
    let (language, version) = (renderer.language(&wanted).0.to_string(), renderer.version(&wanted, links));
    Ok(told
        .into_iter()
        .filter_map(|sample| {
            Some(ReminderText {
                occasion: Occasion::from(sample.kind).into(),
                detail: sample.detail.into(),
                language: LanguageTag(language.clone()),
                version: version.clone(),
                subject: (channel == Channel::Mail).then(|| sample.rendered.subject.clone()),
                text: shown_by(channel, &sample)?.to_owned(),
            })
        })
        .collect())
}

/// What guardians have chosen for a child: the caller their own, care all of them.
pub async fn of_guardians(session: &Session, child: PatientId) -> Result<Vec<GuardianReminder>, Fault> {
    let rows = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let mut chosen = guardian_reminder::Entity::find()
                .find_also_related(representative::Entity)
                .filter(guardian_reminder::Column::PatientId.eq(child))
                .order_by_asc(guardian_reminder::Column::Id);
            if let Actor::Representative { id, .. } = session.actor {
                chosen = chosen.filter(guardian_reminder::Column::RepresentativeId.eq(id));
            }
            if let Some(staff) = session.actor.staff() {
                chosen = chosen.filter(guardian_reminder::Column::CareProviderId.eq(staff.care_provider));
            }
            Ok(chosen.all(db).await?)
        })
        .await?;
    let own = session.actor.acting_for().is_some();
    rows.into_iter()
        .map(|(row, guardian)| {
            let decided_at: DateTime<Utc> = row.decided_at;
            let place = Place::new(ADDRESS, row.id.0);
            let address = own.then(|| session.core.keys.open(place, &row.address)).transpose()?;
            Ok(GuardianReminder {
                name: guardian.map(|guardian| guardian.display_name).unwrap_or_default(),
                channel: row.channel.into(),
                opted_in: row.opted_in,
                address: address.as_deref().map(masked),
                reachable: row.status == entity::contact_way::Status::Good,
                detail: row.detail.into(),
                text_shown: row.text_shown,
                decided_at,
            })
        })
        .collect()
}
