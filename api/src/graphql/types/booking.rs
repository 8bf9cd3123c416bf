//! Times: free ones and booked ones.

use chrono::{DateTime, Utc};

use super::{
    enums::{
        ActorKind, AppointmentMode, AppointmentOrigin, AppointmentStatus, BookingChannel, SlotTier,
        WebBooking,
    },
    people::{CareUnitSummary, StaffSummary},
};
use crate::{
    error::Problem,
    graphql::{
        plain::plain_object,
        scalars::{GlobalId, LanguageTag},
        user_error::UserErrorCode,
    },
    locale::Locale,
};

plain_object! {
    /// A kind of appointment a unit offers (besökstyp).
    AppointmentType implements Node {
        /// Global id.
        id: GlobalId,
        /// Its name.
        name: String,
        /// How patient and care meet.
        mode: AppointmentMode,
        /// Length in minutes.
        length_minutes: i32,
        /// Seats of a time, where its publisher says nothing else; more than one for group visits.
        seats: i32,
        /// Who may book it themselves (webbtidbokning).
        web_booking: WebBooking,
        /// What the patient is to read and confirm before booking (villkor).
        conditions: Option<String>,
        /// How to prepare.
        preparation: Option<String>,
        /// Whole working days before the visit during which it can no longer be cancelled by the patient (avbokningsregel).
        cancel_working_days: i32,
        /// How many named staff a time takes at least.
        staff_needed: i32,
        /// Since when it is no longer offered, if so.
        retired_at: Option<DateTime<Utc>>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// A time that can be booked (ledig tid).
    Slot implements Node {
        /// Global id.
        id: GlobalId,
        /// Start.
        starts_at: DateTime<Utc>,
        /// End.
        ends_at: DateTime<Utc>,
        /// Seats that can be booked: neither booked, held nor kept for an offer. More than one at group visits.
        open_seats: i32,
        /// Seats in all.
        seats: i32,
        /// What kind of appointment it is for.
        appointment_type: AppointmentType,
        /// Whom the patient meets, when it is a named person.
        staff: Option<StaffSummary>,
        /// Where.
        care_unit: CareUnitSummary,
        /// Whose time it is to the patient it was searched for; none where no patient is known.
        tier: Option<SlotTier>,
        /// Until when it is held (hållen) for the patient it was searched for. A held seat is in no other patient's
        /// search; its `openSeats` are those beside it.
        held_until: Option<DateTime<Utc>>,
        /// Who holds it for that patient. The hold itself stands in `Patient.slotHolds`.
        held_by: Option<ActorKind>,
    }
}

plain_object! {
    /// A booked time (bokad tid).
    Appointment implements Node {
        /// Global id.
        id: GlobalId,
        /// Where it stands.
        status: AppointmentStatus,
        /// How it came about.
        origin: AppointmentOrigin,
        /// The way it was booked.
        booking_channel: BookingChannel,
        /// How patient and care meet.
        mode: AppointmentMode,
        /// Start.
        starts_at: DateTime<Utc>,
        /// End.
        ends_at: DateTime<Utc>,
        /// What kind of appointment it is.
        appointment_type: AppointmentType,
        /// Whom the patient meets, when it is a named person.
        staff: Option<StaffSummary>,
        /// Where.
        care_unit: CareUnitSummary,
        /// The last instant at which the patient may cancel or rebook. When care has moved the time unasked, at least 24 hours
        /// after that, or until it begins.
        cancel_by: DateTime<Utc>,
        /// Whether the caller may cancel it now, and if not, why.
        can_cancel: Permission,
        /// Whether the caller may rebook it now, and if not, why.
        can_rebook: Permission,
        /// Whether the caller may confirm it now, and if not, why.
        can_confirm: Permission,
        /// Whether the caller may record or correct its outcome now, and if not, why.
        can_record_outcome: Permission,
        /// When it was confirmed (bekräftad) that the patient is coming, if it has been since it was last moved.
        confirmed_at: Option<DateTime<Utc>>,
        /// Who confirmed it: staff when the patient said so by phone, a representative (ombud) as such.
        confirmed_by: Option<ActorKind>,
        /// Who booked it: staff on the patient's behalf, a representative (ombud) as such. Everything that was done
        /// with it stands in `Patient.appointmentHistory`.
        booked_by: ActorKind,
        /// When it was cancelled (avbokad), if it was.
        cancelled_at: Option<DateTime<Utc>>,
        /// Who cancelled it: staff, also for a patient who asked them to, a representative (ombud) as such.
        cancelled_by: Option<ActorKind>,
        /// When its outcome (utfall) was recorded.
        outcome_at: Option<DateTime<Utc>>,
        /// The conditions (villkor) that were accepted for it, if it had any: as they read then, whatever the kind of
        /// appointment says today.
        accepted_conditions: Option<AcceptedConditions>,
        /// The plan item (insats) that the time is for, if any: as it is worded in the plan in force, and as far as the
        /// caller may see the plan.
        plan_item: Option<PlanItemSummary>,
        /// The language to interpret (tolkspråk), where an interpreter is needed; `swl` is Swedish sign language.
        interpreter_language: Option<LanguageTag>,
        /// What else the patient needs to take part (tillgänglighetsbehov), such as a hearing loop.
        access_needs: Option<String>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// A plan item (insats) in short.
    PlanItemSummary {
        /// Global id of the `PlanItem`.
        id: GlobalId,
        /// Its title.
        title: String,
    }
}

plain_object! {
    /// Conditions (villkor) that somebody has read and accepted.
    AcceptedConditions {
        /// Their text, word by word.
        text: String,
        /// The `rowVersion` of the kind of appointment (besökstyp) that said so.
        type_row_version: i32,
        /// When they were accepted.
        accepted_at: DateTime<Utc>,
        /// Who accepted them: the patient, a representative (ombud) as such, or staff who read them to the patient. Their
        /// name stands in `Patient.appointmentHistory`.
        accepted_by: ActorKind,
    }
}

plain_object! {
    /// Whether something can be done now: no buttons that fail.
    Permission {
        /// Whether it can.
        allowed: bool,
        /// Why not, for programs: the code that the act would be refused with.
        code: Option<UserErrorCode>,
        /// Why not, and what to do instead, in plain words.
        reason: Option<String>,
    }
}

impl Permission {
    /// What a rule says.
    pub fn of(rule: Result<(), Problem>, locale: Locale) -> Self {
        let refusal = rule.err();
        Self {
            allowed: refusal.is_none(),
            code: refusal.as_ref().map(|problem| problem.code.into()),
            reason: refusal.map(|problem| problem.text.in_locale(locale).to_owned()),
        }
    }
}

plain_object! {
    /// A time that is held (hållen tid) while the patient decides: nobody else gets its seat meanwhile. Booking it uses
    /// the hold.
    SlotHold implements Node {
        /// Global id.
        id: GlobalId,
        /// The time.
        slot: Slot,
        /// Until when it is held.
        held_until: DateTime<Utc>,
        /// Who holds it: the patient, a representative (ombud), or staff on the phone.
        held_by: ActorKind,
    }
}
