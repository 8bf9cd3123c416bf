//! What a patient needs to take part (behov vid besök): an interpreter (tolk), sign language (teckenspråk), access
//! (tillgänglighet). It is said once, by the patient's side or by staff on the phone, and follows every booking.

use entity::{PatientId, patient};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{alive, lock};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    domain::{
        act::{self, Done, Event, Receipt},
        history::{self, Change, Owner},
        text,
    },
    error::{Fault, Problem},
    session::Session,
};

/// Where the needs beside the interpreter are sealed.
pub const ACCESS_NEEDS: &str = "patient.access_needs";

const ACTION: &str = "patientNeedsSet";

/// Longest text about access.
const ACCESS_AT_MOST: usize = 500;

/// All that the patient needs: what is not said is not needed any more.
#[derive(Clone, Debug, Serialize)]
pub struct SetNeeds {
    pub patient: Option<PatientId>,
    /// BCP 47, such as `ar`; `swl` is Swedish sign language.
    pub interpreter_language: Option<String>,
    pub access_needs: Option<String>,
    pub expected_row_version: i32,
}

/// Stores what the patient needs, in place of what was known. The times that are booked show it at once.
pub async fn set(session: &Session, key: &str, cmd: &SetNeeds) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        let granted =
            policy::patient(tx, actor, Noun::PatientNeeds, Action::Set, cmd.patient, "patientId", now)
                .await?;
        let mut problems = Vec::new();
        let language = cmd
            .interpreter_language
            .as_deref()
            .and_then(|tag| language_tag(tag).map_err(|problem| problems.push(problem)).ok());
        let access =
            text::optional("accessNeeds", cmd.access_needs.as_deref(), ACCESS_AT_MOST, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let whom = lock(tx, granted.id).await?;
        alive(&whom).map_err(|died| died.at("patientId"))?;
        let keys = &session.core.keys;
        let place = Place::new(ACCESS_NEEDS, whom.id.0);
        let known = keys.open_opt(place, whom.access_needs.as_ref())?;
        let changed = patient::Entity::update_many()
            .set(patient::ActiveModel {
                interpreter_language: Set(language.clone()),
                access_needs: Set(keys.seal_opt(place, access.as_deref())?),
                row_version: Set(cmd.expected_row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(patient::Column::Id.eq(whom.id))
            .filter(patient::Column::RowVersion.eq(cmd.expected_row_version))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let (care_unit, care_provider) =
            actor.staff().map_or((whom.care_unit_id, whom.care_provider_id), |staff| {
                (staff.care_unit, staff.care_provider)
            });
        let owner = Owner { patient: whom.id, care_unit, care_provider, agreement: None };
        let change = Change {
            kind: "patient",
            subject: whom.id.0,
            before: Some(json!({ "interpreterLanguage": whom.interpreter_language, "accessNeeds": known })),
            after: Some(json!({ "interpreterLanguage": language, "accessNeeds": access })),
        };
        history::record(tx, session, owner, ACTION, [change]).await?;
        let event = Event {
            kind: "patient.needs_set",
            patient: whom.id,
            care_unit,
            care_provider,
            subject: whom.id.0,
        };
        act::emit(tx, session, [event]).await?;
        Ok(Done::on(whom.id).with("patient", whom.id.0))
    })
    .await
}

/// A language tag in its kept form: the language in lower case, and what narrows it down.
fn language_tag(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    let named = (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_alphabetic());
    let narrowed =
        parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if !named || !narrowed || text.len() > 35 {
        return Err(Problem::input(
            "interpreterLanguage",
            "Skriv språket som en kod, till exempel ar för arabiska eller swl för svenskt teckenspråk.",
            "Write the language as a code, such as ar for Arabic or swl for Swedish sign language.",
        ));
    }
    Ok(language.to_lowercase() + &text[language.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_tag_and_nothing_else() {
        for (said, kept) in
            [("ar", "ar"), (" SWL ", "swl"), ("Sr-Latn", "sr-Latn"), ("zh-Hant-TW", "zh-Hant-TW")]
        {
            assert_eq!(language_tag(said).ok().as_deref(), Some(kept));
        }
        for said in ["", "a", "arabiska", "ar_SY", "ar-", "a1", "ar-arabiskasom", "ä", "ar; DROP"] {
            assert!(language_tag(said).is_err(), "{said}");
        }
    }
}
