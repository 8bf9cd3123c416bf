//! The language that the patient is written to in (språk): by reminders and notices, and by what templates put into the
//! plan. The patient's own word, or recorded by staff on their behalf.

use entity::{PatientId, patient};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde::Serialize;
use serde_json::json;

use super::{alive, lock};
use crate::{
    auth::policy::{self, Action, Noun},
    domain::{
        act::{self, Done, Event, Receipt},
        history::{self, Change, Owner},
    },
    error::{Fault, Problem},
    reminder::render::{Renderer, Tag},
    session::Session,
};

const ACTION: &str = "patientLanguageSet";

/// Whose language, and which.
#[derive(Clone, Debug, Serialize)]
pub struct SetLanguage {
    pub patient: Option<PatientId>,
    /// BCP 47; what is written to is the language, whatever the region.
    pub language: String,
}

/// Chooses among the languages that messages can be sent in. The last word holds: there is nothing to overwrite unseen.
pub async fn set(session: &Session, key: &str, cmd: &SetLanguage) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        let noun = Noun::ReminderPreference;
        let granted = policy::patient(tx, actor, noun, Action::Set, cmd.patient, "patientId", now).await?;
        // What goes out to the patient is set by their own provider's staff alone, like addresses and choices.
        if actor.staff().is_some_and(|staff| staff.care_provider != granted.care_provider_id) {
            return Err(Problem::not_found("patientId").into());
        }
        let wanted = Tag::of(&cmd.language);
        if !session.core.texts.languages().any(|(tag, _)| *tag == wanted) {
            return Err(not_written(&session.core.texts).into());
        }
        let whom = lock(tx, granted.id).await?;
        alive(&whom).map_err(|died| died.at("patientId"))?;
        let done = Done::on(whom.id).with("patient", whom.id.0);
        if whom.language == wanted.as_str() {
            return Ok(done);
        }
        patient::Entity::update_many()
            .col_expr(patient::Column::Language, Expr::value(wanted.as_str()))
            .filter(patient::Column::Id.eq(whom.id))
            .exec(tx)
            .await?;
        let owner = Owner {
            patient: whom.id,
            care_unit: whom.care_unit_id,
            care_provider: whom.care_provider_id,
            agreement: None,
        };
        let change = Change {
            kind: "patient",
            subject: whom.id.0,
            before: Some(json!({ "language": whom.language })),
            after: Some(json!({ "language": wanted.as_str() })),
        };
        history::record(tx, session, owner, ACTION, [change]).await?;
        let event = Event {
            kind: "patient.language_set",
            patient: whom.id,
            care_unit: whom.care_unit_id,
            care_provider: whom.care_provider_id,
            subject: whom.id.0,
        };
        act::emit(tx, session, [event]).await?;
        Ok(done)
    })
    .await
}

fn not_written(texts: &Renderer) -> Problem {
    let names: Vec<&str> = texts.languages().map(|(_, language)| language.name.as_str()).collect();
    let names = names.join(", ");
    Problem::input(
        "language",
        format!("Vi kan inte skriva på det språket. Välj ett av: {names}."),
        format!("We cannot write in that language. Choose one of: {names}."),
    )
}
