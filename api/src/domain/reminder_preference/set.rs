//! Saying yes or no to reminders and notices.

use entity::{
    ContactWayId, PatientId, ReminderPreferenceId,
    access_event::ActorKind,
    contact_way::{self, Channel},
    patient,
    reminder_preference::{self, Detail},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use serde::Serialize;
use serde_json::json;

use super::{
    rules::{self, Addresses, Choice},
    texts,
};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Event, Receipt, emit},
        history::{self, Change, Owner},
        notice as outbox,
        patient::lock,
        representative::rules::attains,
    },
    error::{Fault, Problem},
    reminder::render::Tag,
    session::Session,
};

/// Where an address is sealed, and the kind of its look-up hash.
pub const ADDRESS: &str = "contact_way.address";

const ACTION: &str = "reminderPreferencesSet";

/// Choices of a patient: the caller's own, or recorded by staff on the patient's behalf.
#[derive(Clone, Debug, Serialize)]
pub struct SetPreferences {
    pub patient: Option<PatientId>,
    pub choices: Vec<Choice>,
    pub addresses: Addresses,
}

/// Stores the choices and the addresses, and plans the reminders of the patient's times anew, all at once.
pub async fn set(session: &Session, key: &str, cmd: &SetPreferences) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let whom = policy::patient(
            tx,
            &session.actor,
            Noun::ReminderPreference,
            Action::Set,
            cmd.patient,
            "patientId",
            now,
        )
        .await?
        .into_row();
        // The addresses and choices belong to the patient's own provider. Another one's staff cannot see them, and
        // what nobody can see nobody may overwrite.
        if session.actor.staff().is_some_and(|staff| staff.care_provider != whom.care_provider_id) {
            return Err(Problem::not_found("patientId").into());
        }
        let whom = lock(tx, whom.id).await?;
        let known = contact_way::Entity::find()
            .filter(contact_way::Column::PatientId.eq(whom.id))
            .order_by_desc(contact_way::Column::Id)
            .all(tx)
            .await?;
        let mut reachable = Vec::new();
        for way in known.iter().filter(|way| way.status == contact_way::Status::Good) {
            if is_theirs(tx, session, &whom, way).await? {
                reachable.push(way.channel);
            }
        }
        let checked = {
            let current = session.core.texts.version(&Tag::of(&whom.language), &session.core.settings.links);
            rules::check(&cmd.choices, &cmd.addresses, &reachable, &current, session.actor.staff().is_some())
        };
        let said = cmd.choices.iter().enumerate().map(|(n, choice)| (format!("choices.{n}."), choice.said()));
        let unknown = texts::unknown(tx, session, &whom, said).await?;
        let checked = match checked {
            Ok(checked) if unknown.is_empty() => checked,
            checked => {
                return Err(checked
                    .err()
                    .unwrap_or_default()
                    .into_iter()
                    .chain(unknown)
                    .collect::<Vec<_>>()
                    .into());
            }
        };
        let mut changes = Vec::new();
        for (channel, address) in &checked.ways {
            let row = known.iter().find(|way| way.channel == *channel);
            changes.extend(store_address(tx, session, &whom, row, *channel, address).await?);
        }
        changes.extend(store_choices(tx, session, &whom, &cmd.choices).await?);
        let owner = Owner {
            patient: whom.id,
            care_unit: whom.care_unit_id,
            care_provider: whom.care_provider_id,
            agreement: None,
        };
        history::record(tx, session, owner, ACTION, changes).await?;
        let nos = cmd.choices.iter().filter(|choice| !choice.opted_in);
        let stopped =
            nos.map(|no| outbox::by_link::of_choice(whom.id, no.kind, no.channel)).reduce(ExprTrait::or);
        match stopped {
            Some(stopped) => outbox::refused(tx, session, whom.id, stopped).await?,
            None => outbox::replan_patient(tx, session, whom.id).await?,
        }
        emit(tx, session, [preferences_set(&whom)]).await?;
        Ok(Done::on(whom.id).with("patient", whom.id.0))
    })
    .await
}

/// The event that the patient's choices changed.
pub(super) fn preferences_set(whom: &patient::Model) -> Event {
    Event {
        kind: "reminder_preferences.set",
        patient: whom.id,
        care_unit: whom.care_unit_id,
        care_provider: whom.care_provider_id,
        subject: whom.id.0,
    }
}

/// Whether a yes may mean an address that is known: not one that others wrote down for the child, unless the young person,
/// let in early, has said yes to it.
async fn is_theirs(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    way: &contact_way::Model,
) -> Result<bool, Fault> {
    use reminder_preference::Column as C;
    let own = attains(whom.birth_date, session.core.settings.ages.own_booking);
    if session.now() < own || way.created_at >= own {
        return Ok(true);
    }
    let said_yes = reminder_preference::Entity::find()
        .filter(C::PatientId.eq(whom.id))
        .filter(C::Channel.eq(way.channel))
        .filter(C::OptedIn.eq(true))
        .filter(C::ByKind.eq(ActorKind::Patient));
    Ok(said_yes.one(tx).await?.is_some())
}

/// Replaces the address of a channel in its row: what is planned goes to the new one. Gives what changed.
async fn store_address(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    known: Option<&contact_way::Model>,
    channel: Channel,
    address: &str,
) -> Result<Option<Change>, Fault> {
    use contact_way::Column as C;
    let keys = &session.core.keys;
    let lookup = keys.lookup_hash(ADDRESS, address);
    let told = |address: &str, status| json!({ "channel": channel, "address": address, "status": status });
    let after = Some(told(address, contact_way::Status::Good));
    if let Some(row) = known {
        let before = Some(told(&keys.open(Place::new(ADDRESS, row.id.0), &row.address)?, row.status));
        contact_way::Entity::update_many()
            .col_expr(C::Address, Expr::value(keys.seal(Place::new(ADDRESS, row.id.0), address)?))
            .col_expr(C::Lookup, Expr::value(lookup))
            .col_expr(C::Status, Expr::value(contact_way::Status::Good))
            .col_expr(C::CreatedAt, Expr::value(session.now()))
            .col_expr(C::RowVersion, Expr::col(C::RowVersion).add(1))
            .filter(C::Id.eq(row.id))
            .exec(tx)
            .await?;
        let change = Change { kind: "contact_way", subject: row.id.0, before, after };
        return Ok((change.before != change.after).then_some(change));
    }
    let id = ContactWayId(session.core.clock.uuid());
    let row = contact_way::ActiveModel {
        id: Set(id),
        patient_id: Set(whom.id),
        care_unit_id: Set(whom.care_unit_id),
        care_provider_id: Set(whom.care_provider_id),
        channel: Set(channel),
        address: Set(keys.seal(Place::new(ADDRESS, id.0), address)?),
        lookup: Set(lookup),
        status: Set(contact_way::Status::Good),
        created_at: Set(session.now()),
        row_version: Set(1),
    };
    contact_way::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(Some(Change { kind: "contact_way", subject: id.0, before: None, after }))
}

/// Stores the choices. Gives those that say something else than before.
async fn store_choices(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    choices: &[Choice],
) -> Result<Vec<Change>, Fault> {
    use reminder_preference::Column as C;
    if choices.is_empty() {
        return Ok(Vec::new());
    }
    let known = reminder_preference::Entity::find().filter(C::PatientId.eq(whom.id)).all(tx).await?;
    let mut changes = Vec::new();
    let (by_kind, by_id) = act::by(session);
    let mut rows = Vec::with_capacity(choices.len());
    for choice in choices {
        let old = known.iter().find(|row| (row.kind, row.channel) == (choice.kind, choice.channel));
        let id = ReminderPreferenceId(session.core.clock.uuid());
        let text_shown = choice.text_shown.trim();
        let told = |opted_in: bool, detail: Detail, text_shown: &str| {
            json!({
                "kind": choice.kind,
                "channel": choice.channel,
                "optedIn": opted_in,
                "detail": detail,
                "textShown": text_shown,
            })
        };
        let before = old.map(|row| told(row.opted_in, row.detail, &row.text_shown));
        let after = Some(told(choice.opted_in, choice.detail, text_shown));
        if before != after {
            let subject = old.map_or(id, |row| row.id).0;
            changes.push(Change { kind: "reminder_preference", subject, before, after });
        }
        rows.push(reminder_preference::ActiveModel {
            id: Set(id),
            patient_id: Set(whom.id),
            care_unit_id: Set(whom.care_unit_id),
            care_provider_id: Set(whom.care_provider_id),
            kind: Set(choice.kind),
            channel: Set(choice.channel),
            opted_in: Set(choice.opted_in),
            detail: Set(choice.detail),
            text_shown: Set(text_shown.to_owned()),
            text_version: Set(choice.text_version.clone()),
            by_kind: Set(by_kind),
            by_id: Set(by_id),
            decided_at: Set(session.now()),
        });
    }
    let anew = OnConflict::columns([C::PatientId, C::Kind, C::Channel])
        .update_columns([
            C::OptedIn,
            C::Detail,
            C::TextShown,
            C::TextVersion,
            C::ByKind,
            C::ById,
            C::DecidedAt,
        ])
        .to_owned();
    reminder_preference::Entity::insert_many(rows).on_conflict(anew).exec_without_returning(tx).await?;
    Ok(changes)
}
