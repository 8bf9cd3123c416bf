//! Planning and withdrawing notices: the outbox is written in the transaction of what it tells about.
//!
//! A notice holds no content, only whom, about what, by which channel and when. Its key - appointment, schedule
//! version, rule, recipient, channel - is unique, so the same reminder is never planned twice; one that was
//! withdrawn because the patient said no comes back under its old key when the patient says yes again.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AgreementId, AgreementVersionId, AppointmentId, CareProviderId, CareUnitId, ContactWayId, NoticeId,
    PatientId, ThreadId, ThreadMessageId,
    access_event::ActorKind,
    agreement, appointment,
    contact_way::{self, Channel},
    notice::{self, Kind, State},
    patient::{self, ProtectedIdentity},
    reminder_preference::{self, PreferenceKind},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{CaseStatement, Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

use super::{
    history::Owner,
    ladder::{Booking, Rule, ladder},
};
use crate::{db::Tx, error::Fault, session::Session};

/// A notice of a message or of a change in the plan helps nobody after this long.
const NEWS_USEFUL: TimeDelta = TimeDelta::days(7);

/// Where one channel goes, for one kind of notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    pub channel: Channel,
    pub contact_way: ContactWayId,
}

/// The ways the patient has said yes to for this kind, and can be reached by.
///
/// A protected identity lets nothing out but what the patient has asked for in person; a deceased patient gets
/// nothing.
pub async fn ways(tx: &Tx, whom: &patient::Model, kind: PreferenceKind) -> Result<Vec<Way>, Fault> {
    if whom.deceased_on.is_some() {
        return Ok(Vec::new());
    }
    let mut wanted = reminder_preference::Entity::find()
        .filter(reminder_preference::Column::PatientId.eq(whom.id))
        .filter(reminder_preference::Column::Kind.eq(kind))
        .filter(reminder_preference::Column::OptedIn.eq(true))
        .all(tx)
        .await?;
    wanted.retain(|choice| may_leave(whom.protected_identity, choice.by_kind));
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let addresses = contact_way::Entity::find()
        .filter(contact_way::Column::PatientId.eq(whom.id))
        .filter(contact_way::Column::Status.eq(contact_way::Status::Good))
        .order_by_desc(contact_way::Column::Id)
        .all(tx)
        .await?;
    Ok(wanted
        .iter()
        .filter(|choice| matches!(choice.channel, Channel::Mail | Channel::Sms))
        .filter_map(|choice| {
            let address = addresses.iter().find(|address| address.channel == choice.channel)?;
            Some(Way { channel: choice.channel, contact_way: address.id })
        })
        .collect())
}

/// Whether a choice holds under a protected identity: only if the patient made it in person.
pub fn may_leave(protected: ProtectedIdentity, chosen_by: ActorKind) -> bool {
    protected == ProtectedIdentity::None || chosen_by == ActorKind::Patient
}

/// Plans the ladder of an appointment: each rung by the first of its ways that the patient has said yes to.
/// `booked_at` is when it was booked or moved: rungs before it are left out.
pub async fn plan_reminders(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    booked: &appointment::Model,
    booked_at: DateTime<Utc>,
) -> Result<(), Fault> {
    let ways = ways(tx, whom, PreferenceKind::Appointment).await?;
    write(tx, session, reminders(session, booked, &ways, booked_at)).await
}

/// An appointment whose ladder is planned anew from a moment on, by the choices as they are then.
pub(super) struct Ahead<'a> {
    booked: &'a appointment::Model,
    ways: &'a [Way],
    from: DateTime<Utc>,
}

/// The ladder from `now` on, without the confirmation, which belongs to the booking.
pub(super) fn later_reminders<'a>(
    booked: &'a appointment::Model,
    ways: &'a [Way],
    now: DateTime<Utc>,
) -> impl Iterator<Item = Ahead<'a>> {
    std::iter::once(Ahead { booked, ways, from: now })
}

/// Plans ladders anew. A rung that now goes another way is taken back where it was to go before, so that the patient
/// is reminded once.
pub(super) async fn plan(tx: &Tx, session: &Session, ahead: Vec<Ahead<'_>>) -> Result<(), Fault> {
    let mut planned: Vec<Planned> =
        ahead.iter().flat_map(|ahead| reminders(session, ahead.booked, ahead.ways, ahead.from)).collect();
    planned.retain(|notice| notice.rule != Rule::Confirmation.as_str());
    let other = |way: Channel| if way == Channel::Mail { Channel::Sms } else { Channel::Mail };
    let elsewhere: Vec<String> =
        planned.iter().map(|notice| notice.key_by(other(notice.way.channel))).collect();
    if !elsewhere.is_empty() {
        withdraw_where(tx, notice::Column::DedupeKey.is_in(elsewhere), "OTHER_CHANNEL").await?;
    }
    write(tx, session, planned).await
}

/// The notices of the ladder, whatever is stored already.
fn reminders(
    session: &Session,
    booked: &appointment::Model,
    ways: &[Way],
    booked_at: DateTime<Utc>,
) -> Vec<Planned> {
    let hang_on =
        Booking { starts_at: booked.starts_at, booked_at, cancel_by: booked.cancel_by, mode: booked.mode };
    let rungs = ladder(&hang_on, session.core.settings.hours).into_iter();
    rungs
        .filter_map(|rung| {
            let chosen = |channel| ways.iter().find(|way| way.channel == channel);
            let way = rung.channels.iter().copied().find_map(chosen)?;
            let useless_at = match rung.rule {
                // After the last moment to cancel it helps nobody any more; the later rungs remind.
                Rule::BeforeDeadline => booked.cancel_by,
                _ => booked.starts_at,
            };
            let planned = Planned::about(booked, Kind::Reminder, rung.rule.as_str(), *way, rung.due_at);
            Some(Planned { useless_at, ..planned })
        })
        .collect()
}

/// Plans the notice that an appointment was cancelled.
///
/// The patient's own act is confirmed at once; another's is told within the sending hours, unless the visit would
/// begin before they do.
pub async fn plan_cancellation(tx: &Tx, session: &Session, booked: &appointment::Model) -> Result<(), Fault> {
    let whom = patient::Entity::find_by_id(booked.patient_id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("an appointment without its patient"))?;
    let now = session.now();
    let later = session.core.settings.hours.next_open(now);
    let own = session.actor.kind() == ActorKind::Patient;
    let due_at = if own || later >= booked.starts_at { now } else { later };
    let ways = ways(tx, &whom, PreferenceKind::Appointment).await?;
    let notices =
        ways.iter().map(|way| Planned::about(booked, Kind::Cancellation, "CANCELLATION", *way, due_at));
    write(tx, session, notices.collect()).await
}

/// A message that a patient is told of.
#[derive(Clone, Copy, Debug)]
pub struct NewMessage {
    pub thread: ThreadId,
    pub message: ThreadMessageId,
    pub care_unit: CareUnitId,
    pub care_provider: CareProviderId,
}

/// Plans the notice that care has written.
pub async fn plan_message(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    about: NewMessage,
) -> Result<(), Fault> {
    let now = session.now();
    let ways = ways(tx, whom, PreferenceKind::Message).await?;
    let notices = ways.iter().map(|way| Planned {
        patient: whom.id,
        care_unit: about.care_unit,
        care_provider: about.care_provider,
        kind: Kind::Message,
        rule: "MESSAGE",
        way: *way,
        appointment: None,
        thread: Some(about.thread),
        agreement: None,
        due_at: session.core.settings.hours.next_open(now),
        useless_at: now + NEWS_USEFUL,
        about: format!("{}:{}", about.thread.0.simple(), about.message.0.simple()),
    });
    write(tx, session, notices.collect()).await
}

/// Plans the notice that care has proposed a version of the plan, or brought one into force.
pub async fn plan_notice(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
    rule: &'static str,
) -> Result<bool, Fault> {
    let about = about_version(agreement.id, version);
    plan_news(tx, session, agreement.into(), &about, rule).await
}

/// Plans the notice that there is something new about the plan. `about` names what, for a notice is planned once.
/// False when the patient has said yes to no way of being told.
pub async fn plan_news(
    tx: &Tx,
    session: &Session,
    owner: Owner,
    about: &str,
    rule: &'static str,
) -> Result<bool, Fault> {
    let whom = patient::Entity::find_by_id(owner.patient)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a plan without its patient"))?;
    let now = session.now();
    let ways = ways(tx, &whom, PreferenceKind::Plan).await?;
    let notices = ways.iter().map(|way| Planned {
        patient: whom.id,
        care_unit: owner.care_unit,
        care_provider: owner.care_provider,
        kind: Kind::Plan,
        rule,
        way: *way,
        appointment: None,
        thread: None,
        agreement: owner.agreement,
        due_at: session.core.settings.hours.next_open(now),
        useless_at: now + NEWS_USEFUL,
        about: about.to_owned(),
    });
    write(tx, session, notices.collect()).await?;
    Ok(!ways.is_empty())
}

/// Plans the notice that something about the patient's contacts has changed, or waits for an answer: a change of the
/// plan, to the reader. `about` is the unit, its care provider, and what it is about.
pub async fn plan_contact_news(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    about: (CareUnitId, CareProviderId, Uuid),
) -> Result<(), Fault> {
    let (care_unit, care_provider, subject) = about;
    let now = session.now();
    let ways = ways(tx, whom, PreferenceKind::Plan).await?;
    let notices = ways.iter().map(|way| Planned {
        patient: whom.id,
        care_unit,
        care_provider,
        kind: Kind::Plan,
        rule: "CONTACT",
        way: *way,
        appointment: None,
        thread: None,
        agreement: None,
        due_at: session.core.settings.hours.next_open(now),
        useless_at: now + NEWS_USEFUL,
        about: format!("{}:{}", subject.simple(), now.timestamp_micros()),
    });
    write(tx, session, notices.collect()).await
}

/// A notice about to be written.
#[derive(Clone, Debug)]
struct Planned {
    patient: PatientId,
    care_unit: CareUnitId,
    care_provider: CareProviderId,
    kind: Kind,
    rule: &'static str,
    way: Way,
    appointment: Option<(AppointmentId, i32)>,
    thread: Option<ThreadId>,
    agreement: Option<AgreementId>,
    due_at: DateTime<Utc>,
    useless_at: DateTime<Utc>,
    /// The first part of the key: what it is about, in which version.
    about: String,
}

impl Planned {
    fn about(
        booked: &appointment::Model,
        kind: Kind,
        rule: &'static str,
        way: Way,
        due_at: DateTime<Utc>,
    ) -> Self {
        Self {
            patient: booked.patient_id,
            care_unit: booked.care_unit_id,
            care_provider: booked.care_provider_id,
            kind,
            rule,
            way,
            appointment: Some((booked.id, booked.schedule_version)),
            thread: None,
            agreement: None,
            due_at,
            useless_at: booked.starts_at,
            about: format!("{}:{}", booked.id.0.simple(), booked.schedule_version),
        }
    }

    /// Unique per appointment, schedule version, rule, recipient and channel.
    fn key(&self) -> String {
        self.key_by(self.way.channel)
    }

    /// The key that it would have on this channel.
    fn key_by(&self, channel: Channel) -> String {
        format!("{}:{}:{}:{}", self.about, self.rule, self.patient.0.simple(), channel.as_str())
    }
}

/// Writes notices. One that stands already is left alone, unless it was withdrawn: then it is planned again. A
/// worker that still holds its lease keeps it, and tells what became of its attempt.
async fn write(tx: &Tx, session: &Session, planned: Vec<Planned>) -> Result<(), Fault> {
    use notice::Column as C;
    if planned.is_empty() {
        return Ok(());
    }
    let now = session.now();
    let leased = Expr::col((notice::Entity, C::LeasedUntil)).gt(now);
    let again =
        CaseStatement::new().case(leased, Expr::value(State::Claimed)).finally(Expr::value(State::Planned));
    let excluded = |column| (column, Expr::col(("excluded", column)));
    let rows = planned.into_iter().map(|p| notice::ActiveModel {
        id: Set(NoticeId(session.core.clock.uuid())),
        patient_id: Set(p.patient),
        care_unit_id: Set(p.care_unit),
        care_provider_id: Set(p.care_provider),
        kind: Set(p.kind),
        rule: Set(p.rule.to_owned()),
        channel: Set(p.way.channel),
        contact_way_id: Set(Some(p.way.contact_way)),
        appointment_id: Set(p.appointment.map(|(id, _)| id)),
        schedule_version: Set(p.appointment.map(|(_, version)| version)),
        thread_id: Set(p.thread),
        agreement_id: Set(p.agreement),
        due_at: Set(p.due_at),
        useless_at: Set(p.useless_at),
        state: Set(State::Planned),
        reason: Set(None),
        attempts: Set(0),
        leased_until: Set(None),
        lease_token: Set(None),
        dedupe_key: Set(p.key()),
        provider_ref: Set(None),
        sent_at: Set(None),
        created_at: Set(now),
    });
    notice::Entity::insert_many(rows)
        .on_conflict(
            OnConflict::column(C::DedupeKey)
                .values([
                    excluded(C::DueAt),
                    excluded(C::UselessAt),
                    excluded(C::ContactWayId),
                    excluded(C::Reason),
                    (C::State, again.into()),
                ])
                .action_and_where(Expr::col((notice::Entity, C::State)).eq(Expr::value(State::Withdrawn)))
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Takes back what has not left yet of an appointment. A worker that is sending one just now keeps its lease token,
/// so that the record can still say that it left.
pub async fn withdraw(tx: &Tx, appointment: AppointmentId, reason: &str) -> Result<(), Fault> {
    withdraw_where(tx, notice::Column::AppointmentId.eq(appointment), reason).await
}

/// Takes back what has not left yet about one version of a plan.
pub async fn withdraw_plan(
    tx: &Tx,
    agreement: AgreementId,
    version: AgreementVersionId,
    reason: &str,
) -> Result<(), Fault> {
    let about = notice::Column::DedupeKey.starts_with(about_version(agreement, version));
    withdraw_where(tx, notice::Column::AgreementId.eq(agreement).and(about), reason).await
}

/// The first part of the key of what concerns one version.
fn about_version(agreement: AgreementId, version: AgreementVersionId) -> String {
    format!("{}:{}", agreement.0.simple(), version.0.simple())
}

/// Takes back what has not left yet of those that fulfil `condition`.
pub(super) async fn withdraw_where(tx: &Tx, condition: Expr, reason: &str) -> Result<(), Fault> {
    use notice::Column as C;
    notice::Entity::update_many()
        .col_expr(C::State, Expr::value(State::Withdrawn))
        .col_expr(C::Reason, Expr::value(reason))
        .filter(condition)
        .filter(C::State.is_in([State::Planned, State::Claimed]))
        .exec(tx)
        .await?;
    Ok(())
}
