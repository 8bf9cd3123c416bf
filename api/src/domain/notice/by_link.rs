//! What whoever holds a message can do by the links in it: say no to more, and, where the region has decided so, confirm,
//! cancel or ask for another time.
//!
//! The secret stands for the one the message was sent to, with the rights they have now; every act runs through the same
//! use case as in the app.

use entity::{
    PatientId, appointment, care_unit,
    contact_way::Channel,
    guardian_reminder,
    notice::{self, Kind},
    patient,
    reminder_preference::{self, PreferenceKind},
    representative,
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;

use super::link;
use crate::{
    auth::actor::Actor,
    domain::{
        act::{self, Done, Receipt},
        guardian_reminder::set as guardian,
        history::{self, Change, Owner},
        patient::lock,
        representative::{assessed, rules},
    },
    error::Fault,
    session::{Core, Session},
};

/// What a secret leads to.
#[derive(Clone, Debug)]
pub struct Found {
    pub notice: notice::Model,
    /// The one it was sent to; none when they represent the child no more.
    pub actor: Option<Actor>,
    /// The visit it is about, as it is now.
    pub visit: Option<Visit>,
}

/// A visit and where to call about it.
#[derive(Clone, Debug)]
pub struct Visit {
    pub booked: appointment::Model,
    pub unit: care_unit::Model,
}

impl Found {
    /// Whether there still is something to do about the visit that the message told of.
    pub fn is_open(&self, now: chrono::DateTime<chrono::Utc>) -> bool {
        self.visit.as_ref().is_some_and(|visit| {
            visit.booked.status == appointment::Status::Booked
                && Some(visit.booked.schedule_version) == self.notice.schedule_version
                && now < visit.booked.starts_at
        })
    }
}

/// The message with this secret; none when there is none.
pub async fn find(core: &Core, secret: &str) -> Result<Option<Found>, Fault> {
    if secret.len() != link::LENGTH {
        return Ok(None);
    }
    let hash = link::hash(secret);
    let (ages, now) = (core.settings.ages, core.clock.now());
    core.db
        .read(async |db| -> Result<_, Fault> {
            let of = notice::Column::LinkHash.eq(hash.clone());
            let Some(notice) = notice::Entity::find().filter(of).one(db).await? else { return Ok(None) };
            let Some(whom) = patient::Entity::find_by_id(notice.patient_id).one(db).await? else {
                return Ok(None);
            };
            let visit = match notice.appointment_id {
                Some(id) => appointment::Entity::find_by_id(id)
                    .find_also_related(care_unit::Entity)
                    .one(db)
                    .await?
                    .and_then(|(booked, unit)| Some(Visit { booked, unit: unit? })),
                None => None,
            };
            let decided = assessed(db, whom.id).await?;
            let actor = match notice.guardian_reminder_id {
                None => Some(match rules::own_rights(whom.birth_date, &decided, &ages, now) {
                    Some(rights) => Actor::YoungPatient { id: whom.id, rights },
                    None => Actor::Patient { id: whom.id },
                }),
                Some(id) => guardian_reminder::Entity::find_by_id(id)
                    .find_also_related(representative::Entity)
                    .one(db)
                    .await?
                    .and_then(|(_, guardian)| guardian)
                    .and_then(|guardian| {
                        let rights = rules::in_force(&guardian, (&whom).into(), &decided, &ages, now)?;
                        Some(Actor::Representative { id: guardian.id, principal: whom.id, rights })
                    }),
            };
            let living = whom.deceased_on.is_none();
            Ok(living.then_some(Found { notice, actor, visit }))
        })
        .await
}

/// The name of the act in the access log and the history.
pub const UNSUBSCRIBE: &str = "reminderUnsubscribe";

/// Says no to more messages of this kind by this channel. Saying it again changes nothing, and needs no right but the
/// message itself.
pub async fn unsubscribe(session: &Session, notice: &notice::Model) -> Result<Receipt, Fault> {
    let key = session.core.clock.uuid().to_string();
    act::perform(session, UNSUBSCRIBE, &key, &json!({ "notice": notice.id }), async |tx| {
        lock(tx, notice.patient_id).await?;
        let owner = Owner {
            patient: notice.patient_id,
            care_unit: notice.care_unit_id,
            care_provider: notice.care_provider_id,
            agreement: None,
        };
        let channel = notice.channel;
        let told = |yes: bool| Some(json!({ "channel": channel, "optedIn": yes }));
        let change = |kind, subject| Change { kind, subject, before: told(true), after: told(false) };
        let now = session.now();
        let (by_kind, by_id) = act::by(session);
        let (stopped, changed) = if let Some(id) = notice.guardian_reminder_id {
            use guardian_reminder::Column as C;
            let row = guardian_reminder::Entity::find_by_id(id).one(tx).await?;
            let row = row.ok_or_else(|| Fault::internal("a notice to nobody"))?;
            let changed = guardian_reminder::Entity::update_many()
                .col_expr(C::OptedIn, Expr::value(false))
                .col_expr(C::ByKind, Expr::value(by_kind))
                .col_expr(C::ById, Expr::value(by_id))
                .col_expr(C::DecidedAt, Expr::value(now))
                .col_expr(C::RowVersion, Expr::col(C::RowVersion).add(1))
                .filter(C::Id.eq(id))
                .filter(C::OptedIn.eq(true))
                .exec(tx)
                .await?
                .rows_affected;
            let changed = (changed > 0).then(|| change("guardian_reminder", id.0));
            (guardian::of(row.representative_id, channel), changed)
        } else {
            use reminder_preference::Column as C;
            let kind =
                preference(notice.kind).ok_or_else(|| Fault::internal("a link in a notice to staff"))?;
            let of = C::PatientId.eq(notice.patient_id).and(C::Kind.eq(kind)).and(C::Channel.eq(channel));
            let row = reminder_preference::Entity::find().filter(of.clone()).one(tx).await?;
            let changed = reminder_preference::Entity::update_many()
                .col_expr(C::OptedIn, Expr::value(false))
                .col_expr(C::ByKind, Expr::value(by_kind))
                .col_expr(C::ById, Expr::value(by_id))
                .col_expr(C::DecidedAt, Expr::value(now))
                .filter(of)
                .filter(C::OptedIn.eq(true))
                .exec(tx)
                .await?
                .rows_affected;
            let changed = row.filter(|_| changed > 0).map(|row| change("reminder_preference", row.id.0));
            (of_choice(notice.patient_id, kind, channel), changed)
        };
        history::record(tx, session, owner, UNSUBSCRIBE, changed).await?;
        super::refused(tx, session, notice.patient_id, stopped).await?;
        Ok(Done::on(notice.patient_id))
    })
    .await
}

/// The choice of the patient that a notice was sent by; none of one to staff.
pub const fn preference(kind: Kind) -> Option<PreferenceKind> {
    match kind {
        Kind::Reminder | Kind::Cancellation | Kind::Offer => Some(PreferenceKind::Appointment),
        Kind::Message => Some(PreferenceKind::Message),
        Kind::Plan => Some(PreferenceKind::Plan),
        Kind::Staff => None,
    }
}

/// What a patient's no to messages of this kind by this channel stops.
pub(crate) fn of_choice(whom: PatientId, kind: PreferenceKind, channel: Channel) -> Expr {
    use notice::Column as C;
    let kinds: &[Kind] = match kind {
        PreferenceKind::Appointment => &[Kind::Reminder, Kind::Cancellation, Kind::Offer],
        PreferenceKind::Message => &[Kind::Message],
        PreferenceKind::Plan => &[Kind::Plan],
    };
    C::PatientId
        .eq(whom)
        .and(C::GuardianReminderId.is_null())
        .and(C::Channel.eq(channel))
        .and(C::Kind.is_in(kinds.iter().copied()))
}
