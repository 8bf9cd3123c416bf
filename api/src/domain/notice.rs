//! Planning and withdrawing notices: the outbox is written in the transaction of what it tells about.
//!
//! A notice holds no content, only whom, about what, by which channel and when. Its key - appointment, schedule
//! version, rule, recipient, channel - is unique, so the same reminder is never planned twice; one that was
//! withdrawn because the patient said no comes back under its old key when the patient says yes again.

mod by_hand;
pub mod by_link;
pub mod by_staff;
pub(crate) mod channels;
pub(crate) mod comes_of_age;
mod hours;
pub mod known;
mod ladders;
pub mod link;
pub mod news;
pub mod of_wish;
mod other_way;
pub mod unasked;
mod ways;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AgreementId, AgreementVersionId, AppointmentId, AssignmentId, CareProviderId, CareUnitId, NoticeId,
    PatientId, StaffNoticeId, ThreadId, ThreadMessageId,
    access_event::ActorKind,
    appointment,
    contact_way::Channel,
    notice::{self, Kind, State},
    patient,
    reminder_preference::PreferenceKind,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{CaseStatement, Expr, ExprTrait, OnConflict},
};

pub(crate) use self::{
    hours::{FOR_THE_OTHER_WAY, leaves_at},
    other_way::{arrived_after_all, fall_back, found_refused, leads_on, refused},
};
pub use self::{
    ladders::{Since, in_force as ladder_in_force, plan_reminders, replan_all, replan_patient},
    news::{Heard, News, plan_news, plan_notice},
    ways::{Recipient, Way, may_leave},
};
use super::ladder::told_at;
use crate::{db::Tx, error::Fault, session::Session};

/// Begins the reason of a notice that may have been accepted already. It stays through everything that is decided
/// about the notice meanwhile: only what becomes of the attempt takes it away.
pub(crate) const DOUBTFUL: &str = "UNKNOWN";

/// Why a notice does not leave to which its receiver has said no.
pub(crate) const OPTED_OUT: &str = "OPTED_OUT";
/// Why one to somebody does not leave who is told of the child's times no more.
pub(crate) const NOT_GUARDIAN: &str = "NOT_GUARDIAN";
/// Why one to a child does not leave who does not see their times.
pub(crate) const CHILD: &str = "CHILD";
/// Why one does not leave that the patient has not asked for in person.
pub(crate) const PROTECTED_IDENTITY: &str = "PROTECTED_IDENTITY";
/// Why one does not leave that others have chosen for a child who is old enough to choose now.
pub(crate) const OWN_WORD: &str = "OWN_WORD";

/// Whether a notice was held back because its receiver may not be told, or not that way: what it tells is as true as
/// before, and somebody must still learn of it.
pub(crate) fn is_still_to_be_told(reason: &str) -> bool {
    matches!(reason, OPTED_OUT | NOT_GUARDIAN | CHILD | PROTECTED_IDENTITY | OWN_WORD)
}

/// A notice of a message or of a change in the plan helps nobody after this long.
const NEWS_USEFUL: TimeDelta = TimeDelta::days(7);

/// What is new for staff has been seen by then, or there is a later notice.
const STAFF_NEWS_USEFUL: TimeDelta = TimeDelta::hours(12);

/// Plans the notice that an appointment was cancelled.
///
/// The patient's own act is confirmed at once; another's is told within the sending hours, unless the patient would be on
/// the way by then, to the time that the patient knows.
pub async fn plan_cancellation(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    booked: &appointment::Model,
) -> Result<(), Fault> {
    let (now, known) = (session.now(), known::known_start(booked));
    let due_at = if by_patient(session) { now } else { told_at(session.core.settings.hours, now, known) };
    let ways = ways::of(tx, session, whom, PreferenceKind::Appointment).await?;
    let notices = ways.iter().map(|way| Planned {
        useless_at: known,
        ..Planned::about(booked, Kind::Cancellation, "CANCELLATION", *way, due_at)
    });
    write(tx, session, notices.collect()).await
}

/// Whether the act that is going on is the patient's own, or done for the patient: then its answer wakes nobody.
fn by_patient(session: &Session) -> bool {
    matches!(session.actor.kind(), ActorKind::Patient | ActorKind::Representative)
}

/// A message that a patient is told of.
#[derive(Clone, Copy, Debug)]
pub struct NewMessage {
    pub thread: ThreadId,
    pub message: ThreadMessageId,
    pub care_unit: CareUnitId,
    pub care_provider: CareProviderId,
}

/// Plans the notice that care has written. False when the patient has said yes to no way of being told.
pub async fn plan_message(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    about: NewMessage,
) -> Result<bool, Fault> {
    let now = session.now();
    let ways = ways::of(tx, session, whom, PreferenceKind::Message).await?;
    let notices = ways.iter().map(|way| Planned {
        patient: whom.id,
        care_unit: about.care_unit,
        care_provider: about.care_provider,
        kind: Kind::Message,
        rule: "MESSAGE".to_owned(),
        way: *way,
        appointment: None,
        thread: Some(about.thread),
        agreement: None,
        due_at: session.core.settings.hours.next_open(now),
        useless_at: now + NEWS_USEFUL,
        about: format!("{}:{}", about.thread.0.simple(), about.message.0.simple()),
    });
    write(tx, session, notices.collect()).await?;
    Ok(!ways.is_empty())
}

/// Whether a message tells of what becomes of the patient's times.
pub async fn tells_of_times(tx: &Tx, session: &Session, whom: &patient::Model) -> Result<bool, Fault> {
    Ok(!ways::of(tx, session, whom, PreferenceKind::Appointment).await?.is_empty())
}

/// Something new for a member of staff, gathered over a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StaffNews {
    pub to: (AssignmentId, StaffNoticeId),
    pub care_unit: CareUnitId,
    pub care_provider: CareProviderId,
    /// Whom the first of it is about.
    pub first_about: PatientId,
    /// When the while ended: a member gets one notice for it.
    pub until: DateTime<Utc>,
}

impl StaffNews {
    /// What tells its notice from every other.
    pub(crate) fn key(&self) -> String {
        self.planned(self.until).key()
    }

    fn planned(&self, due_at: DateTime<Utc>) -> Planned {
        let (assignment, choice) = self.to;
        Planned {
            patient: self.first_about,
            care_unit: self.care_unit,
            care_provider: self.care_provider,
            kind: Kind::Staff,
            rule: "STAFF".to_owned(),
            way: Way { channel: Channel::Mail, recipient: Recipient::Staff(assignment, choice) },
            appointment: None,
            thread: None,
            agreement: None,
            due_at,
            useless_at: due_at + STAFF_NEWS_USEFUL,
            about: self.until.timestamp().to_string(),
        }
    }
}

/// Plans the notices of what is new for staff, within the sending hours.
pub(crate) async fn plan_staff_news(tx: &Tx, session: &Session, news: &[StaffNews]) -> Result<(), Fault> {
    let settings = &session.core.settings;
    if !settings.channels.contains(&Channel::Mail) {
        return Ok(());
    }
    let due_at = settings.hours.next_open(session.now());
    write(tx, session, news.iter().map(|new| new.planned(due_at)).collect()).await
}

/// A notice about to be written.
#[derive(Clone, Debug)]
struct Planned {
    patient: PatientId,
    care_unit: CareUnitId,
    care_provider: CareProviderId,
    kind: Kind,
    rule: String,
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
            rule: rule.to_owned(),
            way,
            appointment: Some((booked.id, booked.schedule_version)),
            thread: None,
            agreement: None,
            due_at,
            useless_at: booked.starts_at,
            about: format!("{}:{}", booked.id.0.simple(), booked.schedule_version),
        }
    }

    /// The same message by another way: its key differs in the channel alone.
    fn instead_of(row: &notice::Model, way: Way, due_at: DateTime<Utc>, useless_at: DateTime<Utc>) -> Self {
        let about = row.dedupe_key.rsplitn(4, ':').nth(3).unwrap_or_default().to_owned();
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            kind: row.kind,
            rule: row.rule.clone(),
            way,
            appointment: row.appointment_id.zip(row.schedule_version),
            thread: row.thread_id,
            agreement: row.agreement_id,
            due_at,
            useless_at,
            about,
        }
    }

    /// Unique per appointment, schedule version, rule, recipient and channel.
    fn key(&self) -> String {
        let channel = self.way.channel;
        let recipient = self.way.recipient.id(self.patient);
        format!("{}:{}:{}:{}", self.about, self.rule, recipient.simple(), channel.as_str())
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
    let rows =
        planned.into_iter().map(|p| {
            let id = NoticeId(session.core.clock.uuid());
            notice::ActiveModel {
                id: Set(id),
                patient_id: Set(p.patient),
                care_unit_id: Set(p.care_unit),
                care_provider_id: Set(p.care_provider),
                kind: Set(p.kind),
                rule: Set(p.rule.clone()),
                channel: Set(p.way.channel),
                contact_way_id: Set(p.way.recipient.contact_way()),
                guardian_reminder_id: Set(p.way.recipient.guardian_reminder()),
                staff_notice_id: Set(p.way.recipient.staff_notice()),
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
                claimed_at: Set(None),
                dedupe_key: Set(p.key()),
                // Staff say no where they are signed in.
                link_hash: Set(
                    (p.kind != Kind::Staff).then(|| link::hash(&link::secret(&session.core.keys, id)))
                ),
                provider_ref: Set(None),
                sent_at: Set(None),
                report_by: Set(None),
                ended_at: Set(None),
                created_at: Set(now),
                handled_as: Set(None),
                handled_by: Set(None),
                handled_at: Set(None),
            }
        });
    notice::Entity::insert_many(rows)
        .on_conflict(
            OnConflict::column(C::DedupeKey)
                .values([
                    excluded(C::DueAt),
                    excluded(C::UselessAt),
                    excluded(C::ContactWayId),
                    excluded(C::GuardianReminderId),
                    (C::Reason, unless_doubtful(Expr::value(Option::<String>::None))),
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
pub async fn withdraw(
    tx: &Tx,
    session: &Session,
    booked: &appointment::Model,
    reason: &str,
) -> Result<(), Fault> {
    withdraw_where(tx, notice::Column::AppointmentId.eq(booked.id), reason).await?;
    by_hand::withdraw(tx, session, booked).await
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

/// This reason, where the notice cannot have been accepted by an attempt of which nobody has told yet.
fn unless_doubtful(reason: Expr) -> Expr {
    let stored = || Expr::col((notice::Entity, notice::Column::Reason));
    CaseStatement::new().case(stored().like(format!("{DOUBTFUL}%")), stored()).finally(reason).into()
}

/// Takes back what has not left yet of those that fulfil `condition`.
pub(super) async fn withdraw_where(tx: &Tx, condition: Expr, reason: &str) -> Result<(), Fault> {
    use notice::Column as C;
    notice::Entity::update_many()
        .col_expr(C::State, Expr::value(State::Withdrawn))
        .col_expr(C::Reason, unless_doubtful(Expr::value(reason)))
        .filter(condition)
        .filter(C::State.is_in([State::Planned, State::Claimed]))
        .exec(tx)
        .await?;
    Ok(())
}
