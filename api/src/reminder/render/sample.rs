//! The exact texts, shown before somebody says yes to them.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use entity::reminder_preference::PreferenceKind;
use uuid::Uuid;

use super::{Detail, Facts, Kind, RenderError, Rendered, Renderer, Tag, Visit};
use crate::{
    calendar::{to_instant, to_local},
    domain::notice::link,
    session::Links,
};

/// One message as it would be, of a visit in two weeks.
#[derive(Clone, Debug)]
pub struct Sample {
    pub kind: Kind,
    pub detail: Detail,
    pub rendered: Rendered,
}

/// What the texts draw on beside the example of a visit.
#[derive(Clone, Debug)]
pub struct Sender {
    pub unit_name: String,
    pub unit_address: Option<String>,
    pub unit_phone: String,
    pub provider_name: String,
    pub sensitive: bool,
}

/// Every message of a kind at every detail level, in the language that the reader is written to in.
pub fn samples(
    renderer: &Renderer,
    language: &Tag,
    kind: PreferenceKind,
    from: &Sender,
    links: &Links,
    now: DateTime<Utc>,
) -> Result<Vec<Sample>, RenderError> {
    let start = to_local(now).date_naive() + Days::new(14);
    let starts_at = to_instant(start.and_time(NaiveTime::MIN + TimeDelta::hours(10)));
    let mut samples = Vec::new();
    for about in Kind::ALL {
        let of = match about {
            // Nobody says yes to it for a patient.
            Kind::Staff => continue,
            Kind::Message => PreferenceKind::Message,
            Kind::Plan => PreferenceKind::Plan,
            _ => PreferenceKind::Appointment,
        };
        if of != kind {
            continue;
        }
        // What is not about a visit says the same at every level.
        let details: &[Detail] = if about.has_visit() {
            &[Detail::TimeOnly, Detail::UnitName, Detail::UnitAndAddress]
        } else {
            &[Detail::TimeOnly]
        };
        for &detail in details {
            let facts = Facts {
                language: language.clone(),
                kind: about,
                visit: Some(Visit {
                    appointment_id: Uuid::nil(),
                    sequence: 1,
                    starts_at,
                    ends_at: starts_at + TimeDelta::minutes(30),
                    cancel_by: starts_at - TimeDelta::days(1),
                    changed_at: now,
                }),
                until: Some(starts_at),
                unit_name: from.unit_name.clone(),
                unit_address: from.unit_address.clone(),
                unit_phone: from.unit_phone.clone(),
                sender_name: sender_name(&from.provider_name),
                detail,
                sensitive: from.sensitive,
                unsubscribe_url: None,
                action_url: None,
            };
            let rendered = renderer.render(&facts.linked(links, link::HIDDEN))?;
            samples.push(Sample { kind: about, detail, rendered });
        }
    }
    Ok(samples)
}

/// So much is shown of a sender.
pub(super) const SENDER_LENGTH: usize = 30;

/// What is shown of a sender.
pub fn sender_name(provider: &str) -> String {
    provider.chars().take(SENDER_LENGTH).collect()
}
