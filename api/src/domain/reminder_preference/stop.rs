//! STOPP by SMS: whoever holds a phone can end every SMS to it, without signing in.
//!
//! The number is looked for among all patients, because two may share a phone. Each one's choice is changed on record,
//! and what was planned by SMS goes by the other way that was said yes to, or not at all.

use entity::{
    LookupHash, PatientId,
    contact_way::{self, Channel},
    guardian_reminder, notice, patient,
    reminder_preference::{self, PreferenceKind},
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;

use super::set::{ADDRESS, preferences_set};
use crate::{
    auth::actor::Actor,
    db::Tx,
    domain::{
        act, guardian_reminder as guardians,
        history::{self, Change, Owner},
        notice as outbox,
        patient::lock_all,
        phone::PhoneNumber,
    },
    error::Fault,
    locale::Locale,
    session::{Core, Session},
};

/// What the history and the access log call it.
pub const ACTION: &str = "smsStop";

/// Whether a reply asks for an end: STOPP or STOP as its first word, in whatever case, also with spaces between.
pub fn asks_to_stop(text: &str) -> bool {
    let letters =
        |part: &str| part.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase();
    let stop = |word: &str| matches!(word, "STOP" | "STOPP");
    let first = text.split_whitespace().map(letters).find(|word| !word.is_empty()).unwrap_or_default();
    stop(&first) || stop(&letters(text))
}

/// Ends every SMS to this number. Says whether anybody's choice was changed by it.
pub async fn stop(core: &Core, number: &PhoneNumber, request_id: &str) -> Result<bool, Fault> {
    let session = Session::new(core.clone(), Actor::System, Locale::default(), request_id.to_owned());
    let lookups = core.keys.lookup_hashes(ADDRESS, number.as_str());
    let guardian_lookups = core.keys.lookup_hashes(guardians::ADDRESS, number.as_str());
    core.db
        .write(async |tx| -> Result<bool, Fault> {
            let whose = contact_way::Entity::find()
                .filter(contact_way::Column::Channel.eq(Channel::Sms))
                .filter(contact_way::Column::Lookup.is_in(lookups))
                .all(tx)
                .await?;
            let mut patients: Vec<_> = whose.iter().map(|way| way.patient_id).collect();
            patients.sort_unstable();
            patients.dedup();
            let guardians = guardians_with(tx, guardian_lookups).await?;
            let children = guardians.iter().map(|row| row.patient_id);
            lock_all(tx, &patients.iter().copied().chain(children).collect::<Vec<_>>()).await?;
            let mut record = session.record(ACTION, entity::access_event::Outcome::Allowed, None);
            for patient in patients {
                if let Some(whom) = patient::Entity::find_by_id(patient).one(tx).await?
                    && stop_for(tx, &session, &whom).await?
                {
                    record.patients.insert(patient);
                }
            }
            for patient in stop_guardians(tx, &session, guardians).await? {
                record.patients.insert(patient);
            }
            let changed = !record.patients.is_empty();
            if changed {
                core.log.within(tx, &record).await?;
            }
            Ok(changed)
        })
        .await
}

async fn stop_for(tx: &Tx, session: &Session, whom: &patient::Model) -> Result<bool, Fault> {
    use reminder_preference::Column as C;
    let yes = reminder_preference::Entity::find()
        .filter(C::PatientId.eq(whom.id))
        .filter(C::Channel.eq(Channel::Sms))
        .filter(C::OptedIn.eq(true))
        .all(tx)
        .await?;
    if yes.is_empty() {
        return Ok(false);
    }
    let (by_kind, by_id) = act::by(session);
    reminder_preference::Entity::update_many()
        .col_expr(C::OptedIn, Expr::value(false))
        .col_expr(C::ByKind, Expr::value(by_kind))
        .col_expr(C::ById, Expr::value(by_id))
        .col_expr(C::DecidedAt, Expr::value(session.now()))
        .filter(C::Id.is_in(yes.iter().map(|row| row.id)))
        .exec(tx)
        .await?;
    let told =
        |kind: PreferenceKind, opted_in: bool| json!({ "kind": kind, "channel": "SMS", "optedIn": opted_in });
    let changes = yes.iter().map(|row| Change {
        kind: "reminder_preference",
        subject: row.id.0,
        before: Some(told(row.kind, true)),
        after: Some(told(row.kind, false)),
    });
    let owner = Owner {
        patient: whom.id,
        care_unit: whom.care_unit_id,
        care_provider: whom.care_provider_id,
        agreement: None,
    };
    history::record(tx, session, owner, ACTION, changes).await?;
    let by_sms = notice::Column::PatientId.eq(whom.id).and(notice::Column::Channel.eq(Channel::Sms));
    let own = by_sms.and(notice::Column::GuardianReminderId.is_null());
    outbox::refused(tx, session, whom.id, own).await?;
    act::emit(tx, session, [preferences_set(whom)]).await?;
    Ok(true)
}

/// The guardians who are reminded of a child's times by this number.
async fn guardians_with(tx: &Tx, lookups: Vec<LookupHash>) -> Result<Vec<guardian_reminder::Model>, Fault> {
    use guardian_reminder::Column as C;
    Ok(guardian_reminder::Entity::find()
        .filter(C::Channel.eq(Channel::Sms))
        .filter(C::Lookup.is_in(lookups))
        .filter(C::OptedIn.eq(true))
        .order_by_asc(C::PatientId)
        .order_by_asc(C::Id)
        .all(tx)
        .await?)
}

/// The same for guardians; gives the children.
async fn stop_guardians(
    tx: &Tx,
    session: &Session,
    yes: Vec<guardian_reminder::Model>,
) -> Result<Vec<PatientId>, Fault> {
    use guardian_reminder::Column as C;
    let (by_kind, by_id) = act::by(session);
    let mut children = Vec::new();
    for row in yes {
        let changed = guardian_reminder::Entity::update_many()
            .col_expr(C::OptedIn, Expr::value(false))
            .col_expr(C::ByKind, Expr::value(by_kind))
            .col_expr(C::ById, Expr::value(by_id))
            .col_expr(C::DecidedAt, Expr::value(session.now()))
            .col_expr(C::RowVersion, Expr::col(C::RowVersion).add(1))
            .filter(C::Id.eq(row.id))
            .filter(C::OptedIn.eq(true))
            .exec(tx)
            .await?;
        if changed.rows_affected == 0 {
            continue;
        }
        let told = |opted_in: bool| Some(json!({ "channel": "SMS", "optedIn": opted_in }));
        let change =
            Change { kind: "guardian_reminder", subject: row.id.0, before: told(true), after: told(false) };
        let owner = Owner {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: None,
        };
        history::record(tx, session, owner, ACTION, [change]).await?;
        let stopped = guardians::set::of(row.representative_id, Channel::Sms);
        outbox::refused(tx, session, row.patient_id, stopped).await?;
        children.push(row.patient_id);
    }
    Ok(children)
}

#[cfg(test)]
mod tests {
    use super::asks_to_stop;

    #[test]
    fn a_stop_is_understood_however_it_is_written_and_nothing_else_is() {
        for text in [
            "STOPP",
            "stopp",
            " Stopp ",
            "STOP",
            "Stopp!",
            "s t o p p",
            "S T O P",
            "\"stopp\"",
            "Stopp tack",
            "STOPP\n",
        ] {
            assert!(asks_to_stop(text), "{text:?}");
        }
        for text in ["", "ja", "stoppa inte", "Jag kan inte stopp", "nonstop", "STOPPP", "!"] {
            assert!(!asks_to_stop(text), "{text:?}");
        }
    }
}
