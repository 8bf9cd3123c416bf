//! What the patient is told, by which ways, and in which words.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use entity::patient::ProtectedIdentity;

use super::in_scope;
use crate::{
    auth::policy::{self, Action, Noun},
    graphql::{
        read::{plan::PatientPlan, preference, reminder_texts},
        scalars::LanguageTag,
        types::{
            enums::{Channel, ReminderKind},
            messages::ReminderPreference,
            reminders::{ContactWay, GuardianReminder, MessageLanguage, ReminderText},
        },
        user_error::{fault, refused, session},
    },
};

/// Reminders and notices.
pub struct RemindersRoom(pub(super) Arc<PatientPlan>);

#[Object]
impl RemindersRoom {
    /// Where messages to the patient go (kontaktvägar): the address of each channel, masked. Where there is none, nothing is
    /// sent by it. `reminderPreferencesSet` replaces one.
    async fn contact_ways(&self, ctx: &Context<'_>) -> Result<Option<Vec<ContactWay>>> {
        in_scope(ctx, Noun::ReminderPreference)?;
        let session = session(ctx);
        let hidden = session.actor.staff().is_some() && self.0.protected_identity != ProtectedIdentity::None;
        let ways = preference::contact_ways(session, self.0.id, hidden).await;
        ways.map(Some).map_err(|e| fault(session, &e))
    }

    /// The languages that the patient can be written to in. FORBIDDEN for who may not choose.
    async fn message_languages(&self, ctx: &Context<'_>) -> Result<Option<Vec<MessageLanguage>>> {
        let session = session(ctx);
        if policy::check(&session.actor, Noun::ReminderPreference, Action::Set).is_err() {
            return Err(refused(session));
        }
        let languages = session.core.texts.languages().map(|(tag, language)| MessageLanguage {
            language: LanguageTag(tag.to_string()),
            name: language.name.clone(),
        });
        Ok(Some(languages.collect()))
    }

    /// The channels by which messages no longer reach the patient, although an address is known: ask for a new one.
    /// `reminderPreferencesSet` with the address makes it good again.
    async fn unreachable_by(&self, ctx: &Context<'_>) -> Result<Option<Vec<Channel>>> {
        in_scope(ctx, Noun::ReminderPreference)?;
        let session = session(ctx);
        let ways =
            preference::contact_ways(session, self.0.id, true).await.map_err(|e| fault(session, &e))?;
        Ok(Some(ways.into_iter().filter(|way| !way.reachable).map(|way| way.channel).collect()))
    }

    /// What the patient has said about reminders and notices. At most one for each kind and channel.
    async fn reminder_preferences(&self, ctx: &Context<'_>) -> Result<Option<&[ReminderPreference]>> {
        in_scope(ctx, Noun::ReminderPreference)?;
        Ok(Some(&self.0.preferences))
    }

    /// The messages exactly as they are sent by a channel (texterna som skickas), in the patient's language, at every
    /// level of detail: to be shown before a yes to `kind`. FORBIDDEN for who may not choose.
    async fn reminder_texts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the choice is about.")] kind: ReminderKind,
        #[graphql(desc = "MAIL or SMS; there are no texts of the others.")] channel: Channel,
    ) -> Result<Option<Vec<ReminderText>>> {
        let session = session(ctx);
        let may = |noun| policy::check(&session.actor, noun, Action::Set).is_ok();
        if !may(Noun::ReminderPreference) && !may(Noun::GuardianReminder) {
            return Err(refused(session));
        }
        if !matches!(channel, Channel::Mail | Channel::Sms) {
            return Ok(Some(Vec::new()));
        }
        let texts = reminder_texts::texts(session, self.0.id, kind.into(), channel.into()).await;
        texts.map(Some).map_err(|e| fault(session, &e))
    }

    /// Which guardians are reminded of a child's times (vårdnadshavares påminnelser): a guardian sees their own choices,
    /// care those of all. FORBIDDEN for others.
    async fn guardian_reminders(&self, ctx: &Context<'_>) -> Result<Option<Vec<GuardianReminder>>> {
        in_scope(ctx, Noun::GuardianReminder)?;
        let session = session(ctx);
        let chosen = reminder_texts::of_guardians(session, self.0.id).await;
        chosen.map(Some).map_err(|e| fault(session, &e))
    }
}
