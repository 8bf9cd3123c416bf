//! Wishes for a time, and the answers to offers of freed ones.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{AppointmentId, TimeOfferId, TimeWishId};
use uuid::Uuid;

use super::payload::{Answer as Outcome, payload};
use crate::{
    domain::time_wish::{
        answer::{Accept, Answer, accept, decline},
        change::{Change, change},
        leave::{Content, Leave, leave},
        rules::ANY_DAY,
        withdraw::{Withdraw, withdraw},
    },
    graphql::{
        read::{node, time_wish},
        scalars::{Date, GlobalId, NodeKind},
        types::{
            booking::Appointment,
            enums::{AppointmentMode, BookingChannel, Weekday},
            time_wish::TimeWish,
        },
        user_error::session,
    },
};

/// A part of the day.
#[derive(InputObject)]
pub struct DaySpanInput {
    /// From, such as `08:00`.
    from: String,
    /// Until, such as `12:00`; `24:00` is the end of the day.
    until: String,
}

/// Which times a patient wishes for.
#[derive(InputObject)]
pub struct TimeWishContentInput {
    /// Whom the patient wants to meet: an assignment at the unit. Anybody when left out.
    assignment_id: Option<ID>,
    /// On which days of the week; any day when left out.
    weekdays: Option<Vec<Weekday>>,
    /// Within which parts of the day the time begins, ten at most; at any hour when left out.
    #[graphql(default)]
    times: Vec<DaySpanInput>,
    /// In which ways; in any when left out.
    #[graphql(default)]
    modes: Vec<AppointmentMode>,
    /// From which day; today when left out.
    from: Option<Date>,
    /// Until which day; at most a year ahead. After it the wish ends.
    until: Date,
    /// The shortest notice that the patient can come on, in minutes.
    #[graphql(default = 0)]
    notice_minutes: i32,
    /// Whether the patient may be phoned about it.
    #[graphql(default = false)]
    by_phone: bool,
}

impl From<TimeWishContentInput> for Content {
    fn from(input: TimeWishContentInput) -> Self {
        let days = |days: Vec<Weekday>| days.into_iter().fold(0, |bits, day| bits | day.bit());
        Self {
            person: input.assignment_id.as_ref().map(|id| row(id, NodeKind::Assignment)),
            weekdays: input.weekdays.map_or(ANY_DAY, days),
            spans: input.times.into_iter().map(|span| (span.from, span.until)).collect(),
            modes: input.modes.into_iter().map(Into::into).collect(),
            from: input.from.map(|day| day.0),
            until: input.until.0,
            notice_minutes: input.notice_minutes,
            by_phone: input.by_phone,
        }
    }
}

/// A wish for a time (önskemål om tid).
#[derive(InputObject)]
pub struct TimeWishLeaveInput {
    /// For what kind of appointment (besökstyp); it decides the unit. One open wish of each kind.
    appointment_type_id: ID,
    /// For staff: whose wish it is. Patients leave it out.
    patient_id: Option<ID>,
    /// For staff: how the patient reached them, PHONE or `ON_SITE`. Patients leave it out.
    booking_channel: Option<BookingChannel>,
    /// Which times.
    content: TimeWishContentInput,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// A wish for a time, as it is to be.
#[derive(InputObject)]
pub struct TimeWishChangeInput {
    /// The wish.
    wish_id: ID,
    /// Which times, all of it anew.
    content: TimeWishContentInput,
    /// Its `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// A wish for a time to take back.
#[derive(InputObject)]
pub struct TimeWishWithdrawInput {
    /// The wish.
    wish_id: ID,
    /// Its `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// An offer of a freed time to say yes to.
#[derive(InputObject)]
pub struct TimeOfferAcceptInput {
    /// The offer.
    offer_id: ID,
    /// For staff: how the patient said so, PHONE or `ON_SITE`. Patients leave it out.
    booking_channel: Option<BookingChannel>,
    /// That the patient has read and accepts the type's `conditions` (villkor), where it has any.
    #[graphql(default = false)]
    conditions_accepted: bool,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// An offer of a freed time to say no to.
#[derive(InputObject)]
pub struct TimeOfferDeclineInput {
    /// The offer.
    offer_id: ID,
    /// For staff: how the patient said so, PHONE or `ON_SITE`. Patients leave it out.
    booking_channel: Option<BookingChannel>,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

payload! {
    /// Answer to `timeWishLeave`.
    TimeWishLeavePayload of TimeWishId {
        /// The wish, with its place in the queue.
        wish: TimeWish = time_wish::wish
    }
}

payload! {
    /// Answer to `timeWishChange`.
    TimeWishChangePayload of TimeWishId {
        /// The wish as it is now, also when it was refused.
        wish: TimeWish = time_wish::wish
    }
}

payload! {
    /// Answer to `timeWishWithdraw`.
    TimeWishWithdrawPayload of TimeWishId {
        /// The wish as it is now, also when it was refused.
        wish: TimeWish = time_wish::wish
    }
}

payload! {
    /// Answer to `timeOfferAccept`.
    TimeOfferAcceptPayload of AppointmentId {
        /// The booked time.
        appointment: Appointment = node::appointment
    }
}

payload! {
    /// Answer to `timeOfferDecline`.
    TimeOfferDeclinePayload of TimeWishId {
        /// The wish, which keeps its place in the queue.
        wish: TimeWish = time_wish::wish
    }
}

/// An id of another kind, or of no form, is the id of nothing.
fn row<T: From<Uuid>>(id: &ID, kind: NodeKind) -> T {
    GlobalId::row(id, kind).unwrap_or_else(|| T::from(Uuid::nil()))
}

/// Wishes for a time, and offers of freed ones.
#[derive(Default)]
pub struct TimeWishMutation;

/// Wishes for a time, and offers of freed ones.
#[Object(serial)]
impl TimeWishMutation {
    /// Leaves a wish for a time (lämnar önskemål om tid) when nothing that is free fits: freed times that do are offered
    /// in turn. By patients, or by staff on a patient's behalf.
    async fn time_wish_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is wished for.")] input: TimeWishLeaveInput,
    ) -> Result<TimeWishLeavePayload> {
        let session = session(ctx);
        let cmd = Leave {
            appointment_type: row(&input.appointment_type_id, NodeKind::AppointmentType),
            patient: input.patient_id.as_ref().map(|id| row(id, NodeKind::Patient)),
            channel: input.booking_channel.map(Into::into),
            content: input.content.into(),
        };
        let outcome = leave(session, &input.idempotency_key, &cmd).await;
        Ok(TimeWishLeavePayload(Outcome::new(session, outcome, "wish", None)?))
    }

    /// Changes a wish for a time (ändrar önskemål om tid); the patient keeps the place in the queue. An offer that is out
    /// stands, also when it no longer fits the wish: it is answered, or runs out at its `answerBy`.
    async fn time_wish_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is wished for now.")] input: TimeWishChangeInput,
    ) -> Result<TimeWishChangePayload> {
        let session = session(ctx);
        let wish: TimeWishId = row(&input.wish_id, NodeKind::TimeWish);
        let cmd =
            Change { wish, content: input.content.into(), expected_row_version: input.expected_row_version };
        let outcome = change(session, &input.idempotency_key, &cmd).await;
        Ok(TimeWishChangePayload(Outcome::new(session, outcome, "wish", Some(wish))?))
    }

    /// Takes a wish for a time back (tar tillbaka önskemål om tid), with the offer that is out.
    async fn time_wish_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which wish.")] input: TimeWishWithdrawInput,
    ) -> Result<TimeWishWithdrawPayload> {
        let session = session(ctx);
        let wish: TimeWishId = row(&input.wish_id, NodeKind::TimeWish);
        let cmd = Withdraw { wish, expected_row_version: input.expected_row_version };
        let outcome = withdraw(session, &input.idempotency_key, &cmd).await;
        Ok(TimeWishWithdrawPayload(Outcome::new(session, outcome, "wish", Some(wish))?))
    }

    /// Says yes to an offered time (tackar ja till återbudstid): it is booked, and the wish is fulfilled. `TOO_LATE` when
    /// the time to answer has passed.
    async fn time_offer_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which offer.")] input: TimeOfferAcceptInput,
    ) -> Result<TimeOfferAcceptPayload> {
        let session = session(ctx);
        let answer = answer(&input.offer_id, input.booking_channel);
        let cmd = Accept { answer, conditions_accepted: input.conditions_accepted };
        let outcome = accept(session, &input.idempotency_key, &cmd).await;
        Ok(TimeOfferAcceptPayload(Outcome::new(session, outcome, "appointment", None)?))
    }

    /// Says no to an offered time (tackar nej till återbudstid): it goes to the next in turn, and the patient keeps the
    /// place in the queue.
    async fn time_offer_decline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which offer.")] input: TimeOfferDeclineInput,
    ) -> Result<TimeOfferDeclinePayload> {
        let session = session(ctx);
        let cmd = answer(&input.offer_id, input.booking_channel);
        let outcome = decline(session, &input.idempotency_key, &cmd).await;
        Ok(TimeOfferDeclinePayload(Outcome::new(session, outcome, "wish", None)?))
    }
}

fn answer(offer: &ID, channel: Option<BookingChannel>) -> Answer {
    Answer { offer: row::<TimeOfferId>(offer, NodeKind::TimeOffer), channel: channel.map(Into::into) }
}
