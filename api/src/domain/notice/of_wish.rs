//! What a patient who waits for a time is told: of the offer, of its end where that is not theirs, and of the wish's end.

use chrono::{DateTime, Utc};
use entity::{
    TimeOfferId, TimeWishId,
    notice::{self, Kind, State},
    patient,
    reminder_preference::PreferenceKind,
    time_offer, time_wish,
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{NEWS_USEFUL, Planned, ways, withdraw_where, write};
use crate::{db::Tx, domain::history::Owner, error::Fault, session::Session};

/// The rule of the notice that something is offered.
const OFFER: &str = "OFFER";
/// That it is no longer to be had.
pub(crate) const OFFER_WITHDRAWN: &str = "OFFER_WITHDRAWN";
/// That the wish has run out.
pub(crate) const WISH_EXPIRED: &str = "WISH_EXPIRED";

/// Plans the notice that a freed time is offered: it helps as long as the offer stands. False when the patient has said
/// yes to no way of being told.
pub async fn plan_offer(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    offer: &time_offer::Model,
) -> Result<bool, Fault> {
    plan_of_wish(tx, session, whom, offer.into(), (OFFER, offer.id.0, offer.answer_by)).await
}

/// Plans the notice that what was offered is no longer to be had. Whom nobody has told of the offer hears nothing of its
/// end either. False when the patient has been told, and has said yes to no way any more.
pub async fn plan_offer_withdrawn(
    tx: &Tx,
    session: &Session,
    offer: &time_offer::Model,
) -> Result<bool, Fault> {
    use notice::Column as C;
    let now = session.now();
    let left = C::State.is_in([State::Sent, State::Delivered, State::Unknown]).or(C::LeasedUntil.gt(now));
    let told = notice::Entity::find().filter(of_offer(offer.id)).filter(left).one(tx).await?;
    if told.is_none() {
        return Ok(true);
    }
    let whom = patient::Entity::find_by_id(offer.patient_id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("an offer without its patient"))?;
    let about = (OFFER_WITHDRAWN, offer.id.0, now + NEWS_USEFUL);
    Ok(plan_of_wish(tx, session, &whom, offer.into(), about).await? || whom.deceased_on.is_some())
}

/// Plans the notice that a wish has run out, and no time came of it. False when the patient has said yes to no way of
/// being told.
pub async fn plan_wish_expired(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    wish: &time_wish::Model,
) -> Result<bool, Fault> {
    let about = (WISH_EXPIRED, wish.id.0, session.now() + NEWS_USEFUL);
    plan_of_wish(tx, session, whom, wish.into(), about).await
}

async fn plan_of_wish(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    owner: Owner,
    (rule, about, useless_at): (&'static str, Uuid, DateTime<Utc>),
) -> Result<bool, Fault> {
    let ways = ways::of(tx, session, whom, PreferenceKind::Appointment).await?;
    let notices = ways.iter().map(|way| Planned {
        patient: whom.id,
        care_unit: owner.care_unit,
        care_provider: owner.care_provider,
        kind: Kind::Offer,
        rule: rule.to_owned(),
        way: *way,
        appointment: None,
        thread: None,
        agreement: None,
        due_at: session.core.settings.hours.next_open(session.now()),
        useless_at,
        about: about.simple().to_string(),
    });
    write(tx, session, notices.collect()).await?;
    Ok(!ways.is_empty())
}

/// The notices that an offer was made.
fn of_offer(offer: TimeOfferId) -> Expr {
    use notice::Column as C;
    let about = C::DedupeKey.starts_with(offer.0.simple().to_string());
    C::Kind.eq(Kind::Offer).and(C::Rule.eq(OFFER)).and(about)
}

/// The offer that a notice tells of: its key begins with it.
pub(crate) fn offer_of(row: &notice::Model) -> Option<TimeOfferId> {
    if row.kind != Kind::Offer || row.rule != OFFER {
        return None;
    }
    subject(row).map(TimeOfferId)
}

/// The offer that a notice says is no longer to be had.
pub(super) fn withdrawn_offer_of(row: &notice::Model) -> Option<TimeOfferId> {
    if row.kind != Kind::Offer || row.rule != OFFER_WITHDRAWN {
        return None;
    }
    subject(row).map(TimeOfferId)
}

/// The wish that a notice says has run out.
pub(super) fn expired_wish_of(row: &notice::Model) -> Option<TimeWishId> {
    if row.kind != Kind::Offer || row.rule != WISH_EXPIRED {
        return None;
    }
    subject(row).map(TimeWishId)
}

fn subject(row: &notice::Model) -> Option<Uuid> {
    Uuid::try_parse(row.dedupe_key.split(':').next()?).ok()
}

/// Takes back what has not left yet about an offer.
pub async fn withdraw_offer(tx: &Tx, offer: TimeOfferId, reason: &str) -> Result<(), Fault> {
    withdraw_where(tx, of_offer(offer), reason).await
}
