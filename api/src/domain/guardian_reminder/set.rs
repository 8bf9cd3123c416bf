//! A guardian says yes or no for one child and one channel; staff may record it on their behalf.

use entity::{
    GuardianReminderId, PatientId, RepresentativeId,
    contact_way::{Channel, Status},
    guardian_reminder, notice, patient,
    reminder_preference::{Detail, PreferenceKind},
    representative::{self, Kind},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::Expr,
};
use serde::Serialize;
use serde_json::json;

use super::ADDRESS;
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Noun},
    },
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        notice as outbox,
        patient::lock,
        reminder_preference::{
            rules as consent,
            texts::{self, Said},
        },
        representative::{assessed, owner, rules},
    },
    error::{Fault, Problem, ProblemCode, Stop},
    reminder::render::Tag,
    session::Session,
};

/// A guardian's choice.
#[derive(Clone, Debug, Serialize)]
pub struct SetGuardianReminder {
    /// The child; whom a guardian acts for when left out.
    pub patient: Option<PatientId>,
    /// Whose choice staff record; guardians leave it out.
    pub guardian: Option<RepresentativeId>,
    pub channel: Channel,
    pub opted_in: bool,
    /// Replaces the one that is known.
    pub address: Option<String>,
    pub detail: Detail,
    pub text_shown: String,
    pub text_version: Option<String>,
}

const ACTION: &str = "guardianReminderSet";

/// Stores the choice. The reminders of the child's times ahead follow in the same transaction.
pub async fn set(session: &Session, key: &str, cmd: &SetGuardianReminder) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        let noun = Noun::GuardianReminder;
        let child =
            policy::patient(tx, actor, noun, Action::Set, cmd.patient, "patientId", now).await?.into_row();
        if actor.staff().is_some_and(|staff| staff.care_provider != child.care_provider_id) {
            return Err(Problem::not_found("patientId").into());
        }
        let child = lock(tx, child.id).await?;
        let guardian = guardian(tx, session, &child, cmd.guardian).await?;
        let known = guardian_reminder::Entity::find()
            .filter(guardian_reminder::Column::RepresentativeId.eq(guardian))
            .filter(guardian_reminder::Column::Channel.eq(cmd.channel))
            .one(tx)
            .await?;
        let said = Said {
            kind: PreferenceKind::Appointment,
            channel: cmd.channel,
            detail: cmd.detail,
            opted_in: cmd.opted_in,
            text: &cmd.text_shown,
            version: cmd.text_version.as_deref(),
        };
        let unknown = texts::unknown(tx, session, &child, [(String::new(), said)]).await?;
        let address = checked(session, &child, cmd, known.as_ref(), unknown)?;
        // A no of somebody who never said yes changes nothing.
        if known.is_some() || cmd.opted_in {
            store(tx, session, &child, guardian, cmd, known, address).await?;
        }
        if cmd.opted_in {
            outbox::replan_patient(tx, session, child.id).await?;
        } else {
            outbox::refused(tx, session, child.id, of(guardian, cmd.channel)).await?;
        }
        Ok(Done::on(child.id).with("patient", child.id.0))
    })
    .await
}

/// The guardian: the caller, or whom staff name. Only somebody who sees the child's times is reminded of them.
async fn guardian(
    tx: &Tx,
    session: &Session,
    child: &patient::Model,
    named: Option<RepresentativeId>,
) -> Result<RepresentativeId, Stop> {
    let not_found = || Problem::not_found("representativeId");
    let own = if let Actor::Representative { id, .. } = session.actor { Some(id) } else { None };
    let id = own.or(named).ok_or_else(not_found)?;
    let row = representative::Entity::find_by_id(id)
        .filter(representative::Column::PatientId.eq(child.id))
        .one(tx)
        .await?
        .ok_or_else(not_found)?;
    // Another representative has no part in this at all.
    if own.is_some() && row.kind != Kind::Guardian {
        return Err(Problem::forbidden().into());
    }
    if named.is_some_and(|named| named != id) {
        return Err(not_found().into());
    }
    let decided = assessed(tx, child.id).await?;
    if rules::is_reminded(&row, child.into(), &decided, &session.core.settings.ages, session.now()) {
        return Ok(id);
    }
    Err(Problem::new(
        ProblemCode::WrongState,
        "Bara en vårdnadshavare som ser barnets tider kan få påminnelser om dem.",
        "Only a guardian who sees the child's times can be reminded of them.",
    )
    .at("representativeId")
    .into())
}

/// The address to keep, where one was given, if there are no `problems`.
fn checked(
    session: &Session,
    child: &patient::Model,
    cmd: &SetGuardianReminder,
    known: Option<&guardian_reminder::Model>,
    mut problems: Vec<Problem>,
) -> Result<Option<String>, Vec<Problem>> {
    let given = cmd.address.as_deref().map(|given| consent::address(cmd.channel, given, "address"));
    let address = match given {
        Some(Err(problem)) => {
            problems.push(problem);
            None
        }
        Some(Ok(address)) => Some(address),
        None => None,
    };
    match cmd.channel {
        Channel::Letter | Channel::Phone => problems.push(consent::no_such_way("channel")),
        Channel::Mail | Channel::Sms => {
            let good = known.is_some_and(|row| row.status == Status::Good);
            if cmd.opted_in && cmd.address.is_none() && !good {
                problems.push(Problem::input(
                    "address",
                    "Ange en e-postadress eller ett mobilnummer.",
                    "Give a mail address or a mobile number.",
                ));
            }
        }
    }
    let current = session.core.texts.version(&Tag::of(&child.language), &session.core.settings.links);
    let version = cmd.text_version.as_deref();
    consent::shown(cmd.opted_in, &cmd.text_shown, version, &current, "", &mut problems);
    if problems.is_empty() { Ok(address) } else { Err(problems) }
}

async fn store(
    tx: &Tx,
    session: &Session,
    child: &patient::Model,
    guardian: RepresentativeId,
    cmd: &SetGuardianReminder,
    known: Option<guardian_reminder::Model>,
    address: Option<String>,
) -> Result<(), Fault> {
    let keys = &session.core.keys;
    let is_new = known.is_none();
    let id = known.as_ref().map_or_else(|| GuardianReminderId(session.core.clock.uuid()), |row| row.id);
    let place = Place::new(ADDRESS, id.0);
    let told = |opted_in: bool, detail: Detail, text: &str, address: &str| {
        json!({ "representative": guardian, "channel": cmd.channel, "optedIn": opted_in, "detail": detail,
                "textShown": text, "address": address })
    };
    let kept = known.as_ref().map(|row| keys.open(place, &row.address)).transpose()?;
    let before = match (&known, &kept) {
        (Some(row), Some(kept)) => Some(told(row.opted_in, row.detail, &row.text_shown, kept)),
        _ => None,
    };
    let fresh = address.is_some();
    let address = address.or(kept).ok_or_else(|| Fault::internal("a guardian's yes without an address"))?;
    let text = cmd.text_shown.trim();
    let after = Some(told(cmd.opted_in, cmd.detail, text, &address));
    let (by_kind, by_id) = act::by(session);
    let status = match &known {
        Some(row) if !fresh => row.status,
        _ => Status::Good,
    };
    let row = guardian_reminder::ActiveModel {
        id: Set(id),
        patient_id: Set(child.id),
        care_unit_id: Set(child.care_unit_id),
        care_provider_id: Set(child.care_provider_id),
        representative_id: Set(guardian),
        channel: Set(cmd.channel),
        address: Set(keys.seal(place, &address)?),
        lookup: Set(keys.lookup_hash(ADDRESS, &address)),
        status: Set(status),
        opted_in: Set(cmd.opted_in),
        detail: Set(cmd.detail),
        text_shown: Set(text.to_owned()),
        text_version: Set(cmd.text_version.clone()),
        by_kind: Set(by_kind),
        by_id: Set(by_id),
        decided_at: Set(session.now()),
        row_version: Set(known.map_or(1, |row| row.row_version + 1)),
    };
    if is_new {
        guardian_reminder::Entity::insert(row).exec_without_returning(tx).await?;
    } else {
        row.update(tx).await?;
    }
    let change = Change { kind: "guardian_reminder", subject: id.0, before, after };
    if change.before != change.after {
        history::record(tx, session, owner(child), ACTION, [change]).await?;
    }
    Ok(())
}

/// What a guardian's no to this channel stops.
pub(crate) fn of(guardian: RepresentativeId, channel: Channel) -> Expr {
    use guardian_reminder::Column as C;
    let theirs = guardian_reminder::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::RepresentativeId.eq(guardian))
        .filter(C::Channel.eq(channel))
        .into_query();
    notice::Column::GuardianReminderId.in_subquery(theirs)
}
