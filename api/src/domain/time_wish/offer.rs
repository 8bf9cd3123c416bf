//! Offering a freed seat to whoever waits for it, and taking an offer back.

use entity::{
    PatientId, SlotId, TimeOfferId, TimeWishId,
    appointment_type::{self, Mode},
    patient, slot,
    task::Kind,
    time_offer, time_wish,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel as _, QueryFilter,
    QueryOrder, QuerySelect, Statement, TryInsertResult,
    sea_query::{LockBehavior, LockType, OnConflict},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    event,
    rules::{Time, Wanted as Wish, answer_by},
};
use crate::{
    db::Tx,
    domain::{
        act::{self, by},
        booking::seat::{self, Taken, Wanted},
        history::{self, Change},
        notice::of_wish,
        task::{self, Ending, Raise, words::Words},
    },
    error::Fault,
    session::Session,
};

/// Wishes looked at together.
const LOOKED_AT: usize = 500;
/// Seats of one slot offered at a time.
const SEATS: usize = 100;

/// What a wish `w` is not offered of a slot `s`: a time that the patient has a seat of, has said no to, or had and gave up or
/// moved away from while the wish stood, one over another of their booked or offered times, and any as long as another is
/// offered. What was offered and taken back, or what care moved them away from, may be offered again.
pub(super) const NOT_FOR: &str = "NOT EXISTS (SELECT 1 FROM time_offer o WHERE o.wish_id = w.id \
       AND (o.status = 'OPEN' OR (o.slot_id = s.id AND o.status <> 'WITHDRAWN'))) \
     AND NOT EXISTS (SELECT 1 FROM seat_claim c WHERE c.slot_id = s.id AND c.patient_id = w.patient_id) \
     AND NOT EXISTS (SELECT 1 FROM appointment b WHERE b.patient_id = w.patient_id AND ((b.status = 'BOOKED' \
       AND b.starts_at < s.ends_at AND b.ends_at > s.starts_at) \
       OR (b.slot_id = s.id AND b.status = 'CANCELLED' AND b.cancelled_at >= w.created_at))) \
     AND NOT EXISTS (SELECT 1 FROM left_slot l WHERE l.slot_id = s.id AND l.patient_id = w.patient_id \
       AND l.left_at >= w.created_at) \
     AND NOT EXISTS (SELECT 1 FROM time_offer o JOIN slot x ON x.id = o.slot_id WHERE o.patient_id = w.patient_id \
       AND o.status = 'OPEN' AND x.starts_at < s.ends_at AND x.ends_at > s.starts_at)";

/// That whoever a wish `w` asks for takes part in a slot `s`, alone or with others.
pub(super) const WITH_WHOM: &str = "(w.assignment_id IS NULL OR EXISTS (SELECT 1 FROM slot_staff m \
     WHERE m.slot_id = s.id AND m.assignment_id = w.assignment_id))";

/// Who waits for slot `$1`, if it has a seat that may be offered at `$2`.
const IN_TURN: &str = "FROM slot s JOIN time_wish w ON w.appointment_type_id = s.appointment_type_id \
     JOIN appointment_type t ON t.id = s.appointment_type_id AND t.retired_at IS NULL AND t.web_booking <> 'NOBODY' \
     JOIN patient p ON p.id = w.patient_id \
     WHERE s.id = $1 AND s.open_seats > 0 AND s.withdrawn_at IS NULL AND s.web_bookable AND s.starts_at > $2 \
     AND w.status = 'OPEN' AND p.deceased_on IS NULL \
     AND substr(s.local_start, 1, 10) >= CAST(w.from_on AS text) AND substr(s.local_start, 1, 10) <= CAST(w.until_on AS text)";
/// The patients of a fast läkarkontakt come first for that doctor's times.
pub(super) const TURN: &str = "CASE WHEN EXISTS (SELECT 1 FROM care_contact c WHERE c.patient_id = w.patient_id \
       AND c.role = 'FAST_LAKARKONTAKT' AND c.status = 'ACTIVE' AND c.assignment_id IN ( \
       SELECT d.assignment_id FROM slot_staff d WHERE d.slot_id = s.id)) THEN 0 ELSE 1 END, \
     w.created_at, w.id";

async fn in_turn(
    tx: &Tx,
    session: &Session,
    id: SlotId,
    behind: usize,
) -> Result<Vec<time_wish::Model>, Fault> {
    let sql = format!(
        "SELECT w.* {IN_TURN} AND {WITH_WHOM} AND {NOT_FOR} ORDER BY {TURN} LIMIT {LOOKED_AT} OFFSET {behind}"
    );
    let values = [id.0.into(), session.now().into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(time_wish::Model::find_by_statement(statement).all(tx).await?)
}

/// Offers the open seats of a slot to those who wait, one each; not of one that was taken back or that the unit keeps
/// to book. Gives how many offers were made.
pub async fn offer_open(tx: &Tx, session: &Session, id: SlotId) -> Result<usize, Fault> {
    offer_to_others(tx, session, id, None).await
}

/// [`offer_open`], past whoever has just been moved away from the time.
pub async fn offer_to_others(
    tx: &Tx,
    session: &Session,
    id: SlotId,
    than: Option<PatientId>,
) -> Result<usize, Fault> {
    let mut waiting = in_turn(tx, session, id, 0).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let Some(time) = slot::Entity::find_by_id(id).one(tx).await? else { return Ok(0) };
    let Some(kind) = appointment_type::Entity::find_by_id(time.appointment_type_id).one(tx).await? else {
        return Ok(0);
    };
    let (mut made, mut passed) = (0, 0);
    loop {
        let page = waiting.len();
        for wish in waiting {
            if than == Some(wish.patient_id) {
                passed += 1;
                continue;
            }
            match offer_to(tx, session, &time, kind.mode, &wish).await? {
                Offered::Made => made += 1,
                Offered::Passed => passed += 1,
                Offered::Full => return Ok(made),
            }
            if made == SEATS {
                return Ok(made);
            }
        }
        if page < LOOKED_AT {
            return Ok(made);
        }
        // Whoever was offered it is not in turn any more.
        waiting = in_turn(tx, session, id, passed).await?;
    }
}

/// What came of offering a time for a wish.
enum Offered {
    Made,
    /// It does not fit, or somebody else was faster.
    Passed,
    /// No seat is left.
    Full,
}

async fn offer_to(
    tx: &Tx,
    session: &Session,
    time: &slot::Model,
    mode: Mode,
    wish: &time_wish::Model,
) -> Result<Offered, Fault> {
    let now = session.now();
    let wanted = Wish::of(wish)?;
    if !wanted.fits(&Time { starts_at: time.starts_at, mode }, now) {
        return Ok(Offered::Passed);
    }
    let settings = &session.core.settings;
    let until = answer_by(time.starts_at, wanted.notice, now, settings.hours, &settings.booking);
    let Some(until) = until else { return Ok(Offered::Passed) };
    // Whoever ends the wish at this moment goes first; whoever comes after finds the offer and takes it back.
    let stands = time_wish::Entity::find_by_id(wish.id)
        .filter(time_wish::Column::Status.eq(time_wish::Status::Open))
        .lock_with_behavior(LockType::Share, LockBehavior::SkipLocked);
    if stands.one(tx).await?.is_none() {
        return Ok(Offered::Passed);
    }
    // A claim of its own, that no time ends but the offer's: the sweep does, and gives it to the next.
    let claim = session.core.clock.uuid();
    let wants = Wanted { id: claim, patient: wish.patient_id, time, until: None };
    let seat_no = match seat::take(tx, session, wants).await? {
        Taken::Seat(number) => number,
        // Taken since the wishes were read.
        Taken::Theirs(_) => return Ok(Offered::Passed),
        Taken::Full => return Ok(Offered::Full),
    };
    let offer = time_offer::Model {
        id: TimeOfferId(claim),
        patient_id: wish.patient_id,
        care_unit_id: wish.care_unit_id,
        care_provider_id: wish.care_provider_id,
        wish_id: wish.id,
        slot_id: time.id,
        seat_no,
        status: time_offer::Status::Open,
        offered_at: now,
        answer_by: until,
        answered_at: None,
        answered_by_kind: None,
        answered_by_id: None,
        row_version: 1,
    };
    // Somebody else may be offering this patient another time just now: whatever is unique, not the key alone.
    let inserted = time_offer::Entity::insert(offer.clone().into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(tx)
        .await?;
    if !matches!(inserted, TryInsertResult::Inserted(1)) {
        seat::release(tx, time.id, claim).await?;
        return Ok(Offered::Passed);
    }
    tell(tx, session, wish, &offer).await?;
    Ok(Offered::Made)
}

async fn tell(
    tx: &Tx,
    session: &Session,
    wish: &time_wish::Model,
    offer: &time_offer::Model,
) -> Result<(), Fault> {
    let whom = patient::Entity::find_by_id(wish.patient_id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a wish without its patient"))?;
    if !of_wish::plan_offer(tx, session, &whom, offer).await? {
        phone(tx, session, wish, offer, STANDS).await?;
    }
    let after = json!({ "status": offer.status, "answerBy": offer.answer_by });
    let change = Change { kind: "time_offer", subject: offer.id.0, before: None, after: Some(after) };
    history::record(tx, session, wish.into(), "timeOfferMake", [change]).await?;
    act::emit(tx, session, [event("time_wish.offered", wish)]).await
}

/// The message that would have told of an offer reaches nobody any more: somebody phones, while the offer stands.
pub(crate) async fn unheard(tx: &Tx, session: &Session, id: TimeOfferId) -> Result<(), Fault> {
    let Some(offer) = open(tx, id.0).await?.filter(|offer| offer.answer_by > session.now()) else {
        return Ok(());
    };
    let wish = wish_of(tx, &offer).await?;
    phone(tx, session, &wish, &offer, STANDS).await
}

/// The message that an offer is no longer to be had reaches nobody who has been told of the offer: somebody phones.
pub(crate) async fn gone_unheard(tx: &Tx, session: &Session, id: TimeOfferId) -> Result<(), Fault> {
    let offer = time_offer::Entity::find_by_id(id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a notice without its offer"))?;
    let wish = wish_of(tx, &offer).await?;
    phone(tx, session, &wish, &offer, GONE).await
}

async fn wish_of(tx: &Tx, offer: &time_offer::Model) -> Result<time_wish::Model, Fault> {
    time_wish::Entity::find_by_id(offer.wish_id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("an offer without its wish"))
}

/// What whoever phones is to say.
const STANDS: (&str, &str) = (
    "En tid erbjuds patienten, som inte får meddelanden. Ring och fråga medan erbjudandet gäller.",
    "A time is offered to the patient, who gets no messages. Call and ask while the offer stands.",
);
const GONE: (&str, &str) = (
    "En tid som patienten har erbjudits går inte längre att få, och patienten får inga meddelanden. Ring och \
     berätta det.",
    "A time that was offered to the patient is no longer to be had, and the patient gets no messages. Call and \
     say so.",
);

/// Whom no message reaches, somebody phones.
async fn phone(
    tx: &Tx,
    session: &Session,
    wish: &time_wish::Model,
    offer: &time_offer::Model,
    note: (&str, &str),
) -> Result<(), Fault> {
    let note: Words = note.into();
    let (kind, subject, due_at) = (Kind::TimeWish, wish.id.0, offer.answer_by);
    let call = Raise { kind, owner: wish.into(), assignee: None, subject, due_at, note: Some(note.clone()) };
    if task::raise(tx, session, &call).await?.is_none() {
        task::move_due(tx, session, kind, subject, due_at).await?;
        task::note_anew(tx, session, kind, subject, &note).await?;
    }
    Ok(())
}

/// The offer is no longer to be phoned about, unless the wish itself is.
async fn phoned(tx: &Tx, session: &Session, offer: &time_offer::Model, ending: Ending) -> Result<(), Fault> {
    let wish = time_wish::Entity::find_by_id(offer.wish_id).one(tx).await?;
    if wish.is_some_and(|wish| wish.raised_at.is_none() && wish.unanswered == 0) {
        task::end(tx, session, Kind::TimeWish, offer.wish_id.0, ending, None).await?;
    }
    Ok(())
}

/// The open offer that keeps a seat, by the seat's claim.
pub(crate) async fn open(tx: &Tx, claim: Uuid) -> Result<Option<time_offer::Model>, Fault> {
    Ok(time_offer::Entity::find_by_id(TimeOfferId(claim))
        .filter(time_offer::Column::Status.eq(time_offer::Status::Open))
        .one(tx)
        .await?)
}

/// Ends an open offer, with its notice. False when somebody else did. Its slot is locked: whoever takes a time back, with
/// all that is offered of it, has the slot before the offer too.
///
/// Accepting races with the end of its time: whoever changes the row first wins.
pub(super) async fn end(
    tx: &Tx,
    session: &Session,
    offer: &time_offer::Model,
    to: time_offer::Status,
    action: &'static str,
) -> Result<bool, Fault> {
    use time_offer::Column as C;
    let (by_kind, by_id) = by(session);
    let mut changed = time_offer::Entity::update_many()
        .set(time_offer::ActiveModel {
            status: Set(to),
            answered_at: Set(Some(session.now())),
            answered_by_kind: Set(Some(by_kind)),
            answered_by_id: Set(Some(by_id)),
            row_version: Set(offer.row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(C::Id.eq(offer.id))
        .filter(C::Status.eq(time_offer::Status::Open));
    if to == time_offer::Status::Accepted {
        changed = changed.filter(C::AnswerBy.gt(session.now()));
    }
    if changed.exec(tx).await?.rows_affected != 1 {
        return Ok(false);
    }
    of_wish::withdraw_offer(tx, offer.id, "ANSWERED").await?;
    match to {
        time_offer::Status::Declined => phoned(tx, session, offer, Ending::Done).await?,
        time_offer::Status::Withdrawn => phoned(tx, session, offer, Ending::Superseded).await?,
        // The wish ends with it; and silence is told of.
        time_offer::Status::Accepted | time_offer::Status::Unanswered | time_offer::Status::Open => {}
    }
    let change = Change {
        kind: "time_offer",
        subject: offer.id.0,
        before: Some(json!({ "status": offer.status })),
        after: Some(json!({ "status": to })),
    };
    history::record(tx, session, offer.into(), action, [change]).await?;
    Ok(true)
}

/// Gives the seat that was kept back.
pub(crate) async fn release(tx: &Tx, offer: &time_offer::Model) -> Result<(), Fault> {
    seat::release(tx, offer.slot_id, offer.id.0).await?;
    seat::vacate(tx, offer.id.0).await
}

/// The open offer of a wish.
pub(super) async fn open_of(tx: &Tx, wish: TimeWishId) -> Result<Option<time_offer::Model>, Fault> {
    Ok(time_offer::Entity::find()
        .filter(time_offer::Column::WishId.eq(wish))
        .filter(time_offer::Column::Status.eq(time_offer::Status::Open))
        .one(tx)
        .await?)
}

/// Takes back the offer of a wish that has ended, and offers its seat to the next. The patient is locked.
pub(super) async fn withdraw_of(tx: &Tx, session: &Session, wish: TimeWishId) -> Result<(), Fault> {
    let Some(offer) = open_of(tx, wish).await? else { return Ok(()) };
    seat::lock(tx, [offer.slot_id]).await?;
    if end(tx, session, &offer, time_offer::Status::Withdrawn, "timeOfferWithdraw").await? {
        release(tx, &offer).await?;
        offer_open(tx, session, offer.slot_id).await?;
    }
    Ok(())
}

/// Takes back the offers of times that nobody can have any more. Their slots are locked.
pub(crate) async fn withdraw_with(tx: &Tx, session: &Session, slots: &[SlotId]) -> Result<(), Fault> {
    let open = time_offer::Entity::find()
        .filter(time_offer::Column::Status.eq(time_offer::Status::Open))
        .filter(time_offer::Column::SlotId.is_in(slots.iter().copied()))
        .order_by_asc(time_offer::Column::Id)
        .all(tx)
        .await?;
    for offer in open {
        withdraw(tx, session, &offer).await?;
    }
    Ok(())
}

/// Takes an offer back, and tells whoever has been told of it. Its slot is locked.
pub(super) async fn withdraw(tx: &Tx, session: &Session, offer: &time_offer::Model) -> Result<(), Fault> {
    if end(tx, session, offer, time_offer::Status::Withdrawn, "timeOfferWithdraw").await? {
        release(tx, offer).await?;
        if !of_wish::plan_offer_withdrawn(tx, session, offer).await? {
            gone_unheard(tx, session, offer.id).await?;
        }
    }
    Ok(())
}
