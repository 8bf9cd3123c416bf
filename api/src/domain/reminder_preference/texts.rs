//! The service's own texts: what is shown before a yes, and whether what was said yes to is one of them.

use chrono::TimeDelta;
use entity::{
    care_provider, care_unit,
    contact_way::Channel,
    patient,
    reminder_preference::{Detail, PreferenceKind},
};
use sea_orm::{ConnectionTrait, EntityTrait};

use crate::{
    error::{Fault, Problem},
    reminder::render::{Sample, Sender, Tag, samples},
    session::Session,
};

/// What a yes or a no was said to.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub kind: PreferenceKind,
    pub channel: Channel,
    pub detail: Detail,
    pub opted_in: bool,
    pub text: &'a str,
    /// None where it was no text of the service's own: said aloud, or on paper.
    pub version: Option<&'a str>,
}

/// What the texts to this patient draw on: the unit where the patient is listed.
pub async fn sender(db: &impl ConnectionTrait, whom: &patient::Model) -> Result<Sender, Fault> {
    let gone = || Fault::internal("a patient without a unit");
    let unit = care_unit::Entity::find_by_id(whom.care_unit_id).one(db).await?.ok_or_else(gone)?;
    let provider =
        care_provider::Entity::find_by_id(whom.care_provider_id).one(db).await?.ok_or_else(gone)?;
    Ok(Sender {
        unit_name: unit.name,
        unit_address: unit.address,
        unit_phone: unit.phone,
        provider_name: provider.name,
        sensitive: unit.sensitive,
    })
}

/// What a channel carries of a message; none of one that it cannot carry.
pub fn shown_by(channel: Channel, sample: &Sample) -> Option<&str> {
    if channel == Channel::Mail { Some(&sample.rendered.text) } else { sample.rendered.sms.as_deref() }
}

/// A problem for each yes to a text that is said to be the service's own, of the version of now, and is none of those
/// that it shows of this kind, by this channel and at this level.
pub async fn unknown(
    db: &impl ConnectionTrait,
    session: &Session,
    whom: &patient::Model,
    said: impl IntoIterator<Item = (String, Said<'_>)>,
) -> Result<Vec<Problem>, Fault> {
    let (texts, links) = (&session.core.texts, &session.core.settings.links);
    let language = Tag::of(&whom.language);
    let current = texts.version(&language, links);
    let named: Vec<_> = said
        .into_iter()
        .filter(|(_, said)| said.opted_in && said.version == Some(current.as_str()))
        .collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let from = sender(db, whom).await?;
    let mut problems = Vec::new();
    for (field, said) in named {
        let mut known = false;
        // The example of a visit moves with the day: what was shown before midnight may be answered after it.
        for shown_at in [session.now(), session.now() - TimeDelta::days(1)] {
            let shown =
                samples(texts, &language, said.kind, &from, links, shown_at).map_err(Fault::internal)?;
            let is_it = |sample: &Sample| {
                let level = !sample.kind.has_visit() || sample.detail == said.detail;
                level && shown_by(said.channel, sample).is_some_and(|text| text.trim() == said.text.trim())
            };
            known = known || shown.iter().any(is_it);
        }
        if !known || matches!(said.channel, Channel::Letter | Channel::Phone) {
            problems.push(Problem::input(
                &format!("{field}textShown"),
                "Det är inte någon av tjänstens egna texter. Läs reminderTexts igen och visa en av dem.",
                "This is none of the service's own texts. Read reminderTexts again and show one of them.",
            ));
        }
    }
    Ok(problems)
}
