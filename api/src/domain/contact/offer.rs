//! Care offers a contact. What the patient says to it is recorded: a no too, with who, when and by which way.

use entity::{
    ContactOfferId, PatientId,
    care_contact::{self, Role, TreatingKind},
    care_provider,
    contact_offer::{self, Status},
    task as task_row,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::{Value, json};

use super::rules;
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Event, Receipt},
        history::{self, Change, Owner},
        notice::{News, news},
        patient::alive,
        task::{self, Ending, words::Words},
        text,
    },
    error::{Fault, Problem, ProblemCode},
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
        alive(&super::lock(tx, patient.id).await?)?;
        let wanted = (cmd.role, cmd.treating_kind);
        let at = (staff.care_unit, staff.care_provider);
        if super::is_held(tx, session, patient.id, at, wanted).await? {
            return Err(held().into());
        }
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
            .await
            .map_err(|e| act::on_unique(e, already_offered))?;
        let change = Change {
            kind: "contact_offer",
            subject: id.0,
            before: None,
            after: Some(json!({ "role": row.role, "treatingKind": row.treating_kind, "words": words })),
        };
        history::record(tx, session, owner(&row), ACTION, [change]).await?;
        act::emit(tx, session, [event(&row, "contact.offered")]).await?;
        news::tell_of_contact(tx, session, owner(&row), id.0, News::ContactOffered).await?;
        Ok(Done::on(patient.id).with("offer", id.0))
    })
    .await
}

/// Of the same provider: nothing here tells of another's.
fn already_offered() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Patienten har redan ett erbjudande om den kontakten som väntar på svar.",
        "The patient already has an offer of that contact that waits for an answer.",
    )
    .at("role")
}

/// Of the same provider, too; of the same unit, where several may have the role.
fn held() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Patienten har redan den kontakten hos er. Ska någon annan ta över: lämna över uppdraget eller utse den som tar vid.",
        "The patient already has that contact with you. If somebody else is to take over, hand the role over or appoint \
         whoever comes next.",
    )
    .at("role")
}

/// Somebody has been given the role: what this care provider has offered of it waits for no answer. Of a role that several
/// may have, what another unit has offered still does.
pub(super) async fn overtaken(
    tx: &Tx,
    session: &Session,
    by: &care_contact::Model,
    action: &'static str,
) -> Result<(), Fault> {
    use contact_offer::Column as C;
    let open = contact_offer::Entity::find()
        .filter(C::PatientId.eq(by.patient_id))
        .filter(C::CareProviderId.eq(by.care_provider_id))
        .filter(C::Role.eq(by.role))
        .filter(C::Status.eq(Status::Open));
    let mut open = match by.treating_kind {
        Some(kind) => open.filter(C::TreatingKind.eq(kind)),
        None => open.filter(C::TreatingKind.is_null()),
    };
    if !rules::is_for_one(by.role, session.core.settings.fixed_contacts) {
        open = open.filter(C::CareUnitId.eq(by.care_unit_id));
    }
    for row in open.all(tx).await? {
        let now = json!({ "status": Status::Superseded, "contact": by.id });
        fall(tx, session, &row, Status::Superseded, now, action).await?;
    }
    Ok(())
}

/// Ends an open offer that nobody answers any more, on record as `after`. The patient is held.
pub(super) async fn fall(
    tx: &Tx,
    session: &Session,
    row: &contact_offer::Model,
    to: Status,
    after: Value,
    action: &'static str,
) -> Result<(), Fault> {
    let (by_kind, by_id) = act::by(session);
    contact_offer::Entity::update_many()
        .set(contact_offer::ActiveModel {
            status: Set(to),
            answered_at: Set(Some(session.now())),
            answered_by_kind: Set(Some(by_kind)),
            answered_by_id: Set(Some(by_id)),
            row_version: Set(row.row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(contact_offer::Column::Id.eq(row.id))
        .filter(contact_offer::Column::Status.eq(Status::Open))
        .exec(tx)
        .await?;
    unsent(tx, session, row.id).await?;
    let change = Change {
        kind: "contact_offer",
        subject: row.id.0,
        before: Some(json!({ "status": row.status })),
        after: Some(after),
    };
    history::record(tx, session, owner(row), action, [change]).await?;
    act::emit(tx, session, [event(row, "contact.offer_ended")]).await
}

/// A letter about it that has not been sent is not sent any more.
pub(super) async fn unsent(tx: &Tx, session: &Session, offer: ContactOfferId) -> Result<(), Fault> {
    let words =
        Words::ours("Erbjudandet väntar inte på svar längre.", "The offer waits for an answer no more.");
    task::end(tx, session, task_row::Kind::Letter, offer.0, Ending::Superseded, Some(words)).await?;
    Ok(())
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
    }
}
