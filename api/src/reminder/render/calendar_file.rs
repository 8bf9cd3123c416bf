//! The calendar file (`.ics`) of a mail: the appointment with a neutral title.

use icalendar::{Calendar, Class, Component, Event, EventLike, EventStatus, Property};

use super::{Facts, Kind, Language, RenderError, Renderer, Visit};

/// An iCalendar object (RFC 5545) and its method, which the mail's content type repeats (RFC 6047).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarFile {
    pub body: String,
    /// `PUBLISH` or `CANCEL`.
    pub method: &'static str,
}

impl Renderer {
    /// PUBLISH rather than REQUEST: nobody reads answers to the sending address, so none are asked for.
    pub(super) fn calendar_file(
        &self,
        language: &Language,
        facts: &Facts,
        visit: &Visit,
        phone: &str,
        sender: &str,
        places: &[String],
    ) -> Result<CalendarFile, RenderError> {
        let cancelled = facts.kind == Kind::Cancelled;
        let method = if cancelled { "CANCEL" } else { "PUBLISH" };
        let mut event = Event::with_uid(&format!("{}@{}", visit.appointment_id, self.domain));
        event
            .timestamp(visit.changed_at)
            .sequence(visit.sequence)
            .starts(visit.starts_at)
            .ends(visit.ends_at)
            .summary(&language.booked_time)
            .description(&format!("{} {phone}", language.call))
            .class(Class::Private)
            .append_property(
                Property::new("ORGANIZER", format!("mailto:{}", self.organizer))
                    .add_parameter("CN", &sender.replace('"', "'"))
                    .done(),
            );
        event.status(if cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed });
        if !places.is_empty() {
            event.location(&places.join(", "));
        }
        let mut calendar = Calendar::empty();
        calendar
            .append_property(Property::new("VERSION", "2.0"))
            .append_property(Property::new("PRODID", "-//patientkontrakt//patientkontrakt//SV"))
            .append_property(Property::new("METHOD", method))
            .push(event.done());
        let body: String = (&calendar).try_into().map_err(|_: std::fmt::Error| RenderError::Template)?;
        Ok(CalendarFile { body, method })
    }
}
