//! The embedded templates, and the check they pass before they are used.

use chrono::{TimeDelta, TimeZone, Utc};
use minijinja::{Environment, UndefinedBehavior, Value};
use uuid::Uuid;

use super::{Detail, Facts, Kind, Renderer, Visit, is_one_segment, shown_phone};
use crate::locale::Locale;

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        &[$(
            (concat!("sv/", $name), include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/sv/", $name))),
            (concat!("en/", $name), include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/en/", $name))),
        )+]
    };
}

/// Name and text of every template.
const SOURCES: &[(&str, &str)] = embedded!(
    "confirmation.txt",
    "week_before.txt",
    "before_deadline.txt",
    "evening_before.txt",
    "same_day.txt",
    "cancelled.txt",
    "moved.txt",
    "message.txt",
    "plan.txt",
    "mail.txt",
    "mail.html",
);

/// A template that breaks a rule. Names the template, and no value.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("template {0} cannot be read: {1}")]
    Syntax(&'static str, #[source] minijinja::Error),
    #[error("template {0} cannot be filled in: {1}")]
    Fill(String, #[source] super::RenderError),
    #[error("template {0} breaks the rule: {1}")]
    Rule(String, &'static str),
}

/// Every template in every language.
#[derive(Debug)]
pub(super) struct Templates(Environment<'static>);

impl Templates {
    pub(super) fn load() -> Result<Self, TemplateError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in SOURCES {
            templates.add_template(name, source).map_err(|error| TemplateError::Syntax(name, error))?;
        }
        Ok(Self(templates))
    }

    /// One block of one kind's template.
    pub(super) fn block(
        &self,
        locale: Locale,
        kind: &str,
        block: &str,
        values: Value,
    ) -> Result<String, minijinja::Error> {
        let template = self.0.get_template(&format!("{}/{kind}.txt", locale.tag()))?;
        let mut captured = template.render_captured(values)?;
        captured.with_state_mut(|state| state.render_block(block))
    }

    pub(super) fn whole(
        &self,
        locale: Locale,
        name: &str,
        values: Value,
    ) -> Result<String, minijinja::Error> {
        self.0.get_template(&format!("{}/{name}", locale.tag()))?.render(values)
    }
}

/// Fills in every template with the longest values that can occur and looks at what comes out.
pub(super) fn check(renderer: &Renderer) -> Result<(), TemplateError> {
    // A Wednesday in September: the longest day and month in both languages.
    let starts_at = Utc.with_ymd_and_hms(2027, 9, 29, 8, 30, 0).single().unwrap_or_default();
    let facts = |locale, kind, detail| Facts {
        locale,
        kind,
        visit: Some(Visit {
            appointment_id: Uuid::nil(),
            sequence: 0,
            starts_at,
            ends_at: starts_at + TimeDelta::minutes(30),
            cancel_by: starts_at - TimeDelta::days(7) + TimeDelta::hours(13),
            changed_at: starts_at - TimeDelta::days(30),
        }),
        unit_name: "Enheten med det längsta namnet i regionen".to_owned(),
        unit_address: Some("Den allra längsta gatan 123 B, 123 45 Orten".to_owned()),
        unit_phone: "+46920123456".to_owned(),
        sender_name: "Region med det längsta namnet!".to_owned(),
        detail,
        sensitive: false,
        unsubscribe_url: Some("https://exempel.se/a/0123456789abcdef".to_owned()),
    };
    for locale in Locale::ALL {
        for kind in Kind::ALL {
            for detail in [Detail::TimeOnly, Detail::UnitName, Detail::UnitAndAddress] {
                let name = format!("{}/{}", locale.tag(), kind.name());
                let facts = facts(locale, kind, detail);
                let message =
                    renderer.render(&facts).map_err(|error| TemplateError::Fill(name.clone(), error))?;
                let broken = |rule| Err(TemplateError::Rule(name.clone(), rule));
                if !is_one_segment(&message.sms) {
                    return broken("an SMS is one segment of the GSM alphabet");
                }
                let phone = shown_phone(&facts.unit_phone);
                for text in [&message.sms, &message.text, &message.html] {
                    if !text.contains(&phone) {
                        return broken("a phone number stands in every message");
                    }
                    if !text.contains(&facts.sender_name) {
                        return broken("the sender stands in every message");
                    }
                }
                for text in [&message.subject, &message.sms, &message.text, &message.html] {
                    if !text.chars().all(is_plain) {
                        return broken("no dashes, curly quotes or emoji");
                    }
                }
                if message.subject.contains(['\n', '\r']) || message.sms.contains(['\n', '\r']) {
                    return broken("a subject and an SMS are one line");
                }
                let first =
                    if locale == Locale::Sv { "Onsdag 29 september" } else { "Wednesday 29 September" };
                if kind.has_visit()
                    && [&message.subject, &message.sms, &message.text].iter().any(|t| !t.starts_with(first))
                {
                    return broken("day, date and time come first");
                }
                if detail == Detail::TimeOnly
                    && [&message.sms, &message.text, &message.html]
                        .iter()
                        .any(|t| t.contains(&facts.unit_name))
                {
                    return broken("TIME_ONLY does not name the unit");
                }
            }
        }
    }
    Ok(())
}

/// ASCII and the letters of Swedish: what a mail shows everywhere and an SMS sends without a surcharge.
fn is_plain(c: char) -> bool {
    c.is_ascii() || "åäöÅÄÖéÉüÜ".contains(c)
}
