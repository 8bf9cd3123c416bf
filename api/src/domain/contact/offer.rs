//! Care offers a contact. What the patient says to it is recorded: a no too, with who, when and by which way.

use entity::{
    ContactOfferId, PatientId,
    care_contact::{Role, TreatingKind},
    care_provider,
    contact_offer::{self, Status},
};
use sea_orm::EntityTrait;
use serde::Serialize;
use serde_json::json;

use super::rules;
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Event, Receipt},
        history::{self, Change, Owner},
        notice,
        patient::alive,
        text,
    },
    error::Fault,
    session::Session,
};

/// Where the texts are sealed.
pub const WORDS: &str = "contact_offer.words";
pub const ANSWER: &str = "contact_offer.answer_words";

/// What is offered to whom.
#[derive(Clone, Debug, Serialize)]
pub struct Offer {
    pub patient: PatientId,
    pub role: Role,
    pub treating_kind: Option<TreatingKind>,
    /// More about it, such as who it would be.
    pub words: Option<String>,
}

const ACTION: &str = "contactOffer";

/// Offers.
pub async fn offer(session: &Session, key: &str, cmd: &Offer) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (now, actor) = (session.now(), &session.actor);
        let (staff, patient) =
            policy::patient_of_care(tx, actor, Noun::ContactOffer, Action::Create, cmd.patient, now).await?;
        let mut problems = Vec::new();
        rules::kind(cmd.role, cmd.treating_kind, &mut problems);
        let words = text::optional("words", cmd.words.as_deref(), text::TEXT, &mut problems);
        if cmd.role == Role::FastOmsorgskontakt && !is_municipal(tx, staff.care_provider).await? {
            problems.push(rules::municipal("role"));
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        alive(&patient)?;
        let id = ContactOfferId(session.core.clock.uuid());
        let row = contact_offer::Model {
            id,
            patient_id: patient.id,
            care_unit_id: staff.care_unit,
            care_provider_id: staff.care_provider,
            role: cmd.role,
            treating_kind: cmd.treating_kind,
            words: session.core.keys.seal_opt(Place::new(WORDS, id.0), words.as_deref())?,
            status: Status::Open,
            offered_by: staff.assignment.0,
            offered_at: now,
            answered_at: None,
            answered_by_kind: None,
            answered_by_id: None,
            answered_how: None,
            answer_words: None,
            row_version: 1,
        };
        contact_offer::Entity::insert(contact_offer::ActiveModel::from(row.clone()))
            .exec_without_returning(tx)
            .await?;
        let change = Change {
            kind: "contact_offer",
            subject: id.0,
            before: None,
            after: Some(json!({ "role": row.role, "treatingKind": row.treating_kind, "words": words })),
        };
        history::record(tx, session, owner(&row), ACTION, [change]).await?;
        act::emit(tx, session, [event(&row, "contact.offered")]).await?;
        let about = (row.care_unit_id, row.care_provider_id, id.0);
        notice::plan_contact_news(tx, session, &patient, about).await?;
        Ok(Done::on(patient.id).with("offer", id.0))
    })
    .await
}

async fn is_municipal(tx: &Tx, provider: entity::CareProviderId) -> Result<bool, Fault> {
    let provider = care_provider::Entity::find_by_id(provider).one(tx).await?;
    Ok(provider.is_some_and(|row| row.kind == care_provider::Kind::Municipality))
}

pub(super) fn owner(row: &contact_offer::Model) -> Owner {
    Owner {
        patient: row.patient_id,
        care_unit: row.care_unit_id,
        care_provider: row.care_provider_id,
        agreement: None,
    }
}

pub(super) fn event(row: &contact_offer::Model, kind: &'static str) -> Event {
    Event {
        kind,
        patient: row.patient_id,
        care_unit: row.care_unit_id,
        care_provider: row.care_provider_id,
        subject: row.id.0,
        for_register: false,
    }
}
