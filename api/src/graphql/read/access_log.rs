//! What the access log tells a patient: which unit reached their data, and when.

use entity::{
    PatientId,
    access_event::{ActorKind, Outcome},
};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::cols::Cols;
use crate::{
    auth::policy,
    domain::reminder_preference::stop,
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        types::people::AccessLogEntry,
    },
    locale::Locale,
    reminder::worker::SENDING,
    session::Session,
};

/// A page of the accesses to the data of `patient`, the latest first. The caller has been found to be the patient.
pub async fn of_patient(
    session: &Session,
    patient: PatientId,
    request: &PageRequest<Uuid>,
) -> Result<Page<AccessLogEntry>, Fault> {
    // Event ids rise with time; the largest one stands for the beginning.
    let after = request.after.unwrap_or(Uuid::max());
    let sql = format!(
        "SELECT e.id, e.at, e.actor_kind, e.action, e.outcome, u.name FROM access_event_patient x \
         JOIN access_event e ON e.id = x.event_id LEFT JOIN care_unit u ON u.id = e.care_unit_id \
         WHERE x.patient_id = $1 AND x.event_id < $2 ORDER BY x.event_id DESC LIMIT {}",
        request.first + 1
    );
    let rows = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let values = [patient.0.into(), after.into()];
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            Ok(db.query_all_raw(statement).await?)
        })
        .await?;
    let entries: Vec<(Uuid, AccessLogEntry)> =
        rows.iter().map(|row| entry(&mut Cols::new(row), session.locale)).collect::<Result<_, _>>()?;
    Ok(Page::of_rows(entries, request, |(id, _)| *id).map(|(_, entry)| entry))
}

fn entry(cols: &mut Cols<'_>, locale: Locale) -> Result<(Uuid, AccessLogEntry), Fault> {
    let id = cols.take()?;
    let at = cols.take()?;
    let by: ActorKind = cols.text_enum()?;
    let action: String = cols.take()?;
    let outcome: Outcome = cols.text_enum()?;
    let unit_name: Option<String> = cols.opt()?;
    let message = message(by, unit_name.as_deref(), &action, outcome, locale);
    Ok((id, AccessLogEntry { at, by: by.into(), action, outcome: outcome.into(), message, unit_name }))
}

/// Whether the action is an act, and not a reading.
fn is_write(action: &str) -> bool {
    action.split(',').any(|name| {
        policy::SURFACE.iter().any(|(field, ..)| field.strip_prefix("Mutation.").is_some_and(|f| f == name))
    })
}

/// The entry as a sentence to the patient.
fn message(by: ActorKind, unit: Option<&str>, action: &str, outcome: Outcome, locale: Locale) -> String {
    let care = match (locale, unit) {
        (Locale::Sv, Some(unit)) => format!("Personal på {unit}"),
        (Locale::En, Some(unit)) => format!("Staff at {unit}"),
        (locale, None) => locale.pick("Vårdpersonal", "Care staff").to_owned(),
    };
    let who = match by {
        ActorKind::Staff => care.as_str(),
        ActorKind::Patient => locale.pick("Du", "You"),
        ActorKind::Representative => locale.pick("Ett ombud för dig", "A representative of yours"),
        ActorKind::System => locale.pick("Tjänsten själv", "The service itself"),
        ActorKind::Anonymous => locale.pick("Någon som inte var inloggad", "Somebody who was not signed in"),
    };
    if by == ActorKind::System && action == SENDING {
        return locale
            .pick(
                "Tjänsten själv läste hur du vill bli nådd, för att skicka ett meddelande till dig.",
                "The service itself read how you want to be reached, to send you a message.",
            )
            .to_owned();
    }
    if by == ActorKind::System && action == stop::ACTION {
        return locale
            .pick(
                "Tjänsten själv stängde av sms till dig, efter ett STOPP från ditt nummer.",
                "The service itself ended SMS to you, after a STOPP from your number.",
            )
            .to_owned();
    }
    let what = match (outcome, is_write(action)) {
        (Outcome::Allowed, true) => {
            locale.pick("ändrade något i dina uppgifter.", "changed something in your information.")
        }
        (Outcome::Allowed, false) => locale.pick("tog del av dina uppgifter.", "used your information."),
        (Outcome::Refused, _) => locale.pick(
            "försökte ändra något i dina uppgifter, men det gick inte. Inget ändrades.",
            "tried to change something in your information, but it could not be done. Nothing was changed.",
        ),
        (Outcome::Denied, _) => locale.pick(
            "försökte göra något med dina uppgifter som inte är tillåtet, och stoppades. Inget ändrades.",
            "tried to do something that is not allowed, and was stopped. Nothing was changed.",
        ),
    };
    format!("{who} {what}")
}
