//! Which reminders a unit sends.

use async_graphql::InputObject;

use chrono::{DateTime, Utc};
use entity::{notice::State, staff_notice::About};

use super::{
    booking::AppointmentType,
    enums::{Channel, ReminderDetail},
    people::PatientSummary,
};
use crate::{
    domain::{
        ladder::{First, Rule, Step},
        notice::by_staff::Act,
    },
    graphql::{
        plain::{plain_enum, plain_object},
        scalars::{GlobalId, LanguageTag},
    },
    reminder::render::Occasion,
};

plain_enum! {
    /// A rung of the ladder of reminders (steg i påminnelsetrappan): what it hangs on. It always leaves within the sending
    /// hours (sändningstider), earlier rather than later, and before the visit.
    ReminderRule = Rule {
        /// At booking, and when the time is moved (bekräftelse); in the morning when care books at night.
        Confirmation,
        /// Seven days before, at the same time of day (en vecka före).
        WeekBefore,
        /// 24 hours before the last moment to cancel, `cancelBy` (före sista avbokningstid): the main one.
        BeforeDeadline,
        /// At 18:00 the day before (kvällen före), unless the patient has confirmed.
        EveningBefore,
        /// The same day when the sending hours begin (samma dag), for phone and video only.
        SameDay,
    }
}

plain_enum! {
    /// The way that a reminder goes by when the patient has said yes to both (förstahandsval).
    ReminderWay = First {
        /// Mail (e-post), with a calendar file.
        Mail,
        /// SMS.
        Sms,
    }
}

plain_object! {
    /// A rung of a ladder (steg).
    ReminderRung {
        /// When.
        rule: ReminderRule,
        /// By which way first; by the other one where the patient has said yes to that alone.
        first: ReminderWay,
    }
}

plain_object! {
    /// Which reminders are sent of a unit's appointments (påminnelsetrappa).
    ReminderLadder {
        /// The kind of appointment; none for all kinds of the unit that have no ladder of their own.
        appointment_type: Option<AppointmentType>,
        /// The number of the unit's decision, for `expectedNumber`; 0 when there is none.
        number: i32,
        /// Whether the unit has chosen it (eget val); false where the default holds.
        is_own: bool,
        /// The rungs; none at all: nobody is reminded.
        rungs: Vec<ReminderRung>,
    }
}

plain_enum! {
    /// What a message is about (tillfälle).
    ReminderOccasion = Occasion {
        /// A time was booked (bekräftelse).
        Confirmation,
        /// Seven days before.
        WeekBefore,
        /// Before the last moment to cancel.
        BeforeDeadline,
        /// The evening before.
        EveningBefore,
        /// The same day, phone and video.
        SameDay,
        /// The time was moved (ombokad).
        Moved,
        /// The time was cancelled (avbokad).
        Cancelled,
        /// A message was written to the patient.
        Message,
        /// There is something new about the plan.
        Plan,
        /// A freed time is offered (erbjudande om återbudstid).
        Offer,
        /// A time that was offered is no longer to be had (återtagen återbudstid).
        OfferWithdrawn,
        /// A wish for a time has run out (önskemål som gått ut).
        WishExpired,
        /// There is something new for a member of staff (nytt för en medarbetare).
        Staff,
    }
}

plain_object! {
    /// One text exactly as it is sent (texten som skickas), of an example of a visit: to be shown before the choice.
    ReminderText {
        /// What it is about.
        occasion: ReminderOccasion,
        /// How much stands in it.
        detail: ReminderDetail,
        /// The language it is written in.
        language: LanguageTag,
        /// For `textVersion` of the choice.
        version: String,
        /// The subject of a mail (ämnesrad); none of an SMS.
        subject: Option<String>,
        /// The text.
        text: String,
    }
}

plain_object! {
    /// Where messages to the patient go by one channel (kontaktväg).
    ContactWay {
        /// The channel: MAIL or SMS.
        channel: Channel,
        /// The address with most of it hidden, such as `a***@exempel.se` or `+4670*****05` (maskerad): enough to know it
        /// again. For the patient alone where the identity is protected (skyddade personuppgifter).
        address: Option<String>,
        /// Whether the address works; false once a message has bounced for good: ask for another.
        reachable: bool,
    }
}

plain_object! {
    /// A language that messages can be written in (språk för meddelanden).
    MessageLanguage {
        /// For `patientLanguageSet`.
        language: LanguageTag,
        /// What it calls itself.
        name: String,
    }
}

plain_object! {
    /// A guardian's choice about reminders of a child's times (vårdnadshavares påminnelser).
    GuardianReminder {
        /// The guardian's name.
        name: String,
        /// The channel.
        channel: Channel,
        /// Yes or no.
        opted_in: bool,
        /// The guardian's own address with most of it hidden (maskerad); none for others.
        address: Option<String>,
        /// Whether the address works; false once a message has bounced for good: ask for another.
        reachable: bool,
        /// How much may stand in it.
        detail: ReminderDetail,
        /// The exact text the guardian decided on.
        text_shown: String,
        /// When it was decided.
        decided_at: DateTime<Utc>,
    }
}

plain_enum! {
    /// What a member of staff gets mail about (vad mejlen gäller).
    StaffNoticeAbout = About {
        /// Tasks that are the member's own (mina uppgifter).
        Own,
        /// Everything new at the unit: tasks, messages, bookings, proposals (allt nytt på enheten).
        Unit,
    }
}

plain_object! {
    /// A member of staff's choice about mail when there is something new (medarbetares aviseringar).
    StaffNotices {
        /// Yes or no.
        opted_in: bool,
        /// The member's address.
        mail: String,
        /// Whether the address works; false once a message has bounced for good: give another.
        reachable: bool,
        /// What it is about. Managers get mail of what has risen to them.
        about: StaffNoticeAbout,
        /// When it was decided.
        decided_at: DateTime<Utc>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_enum! {
    /// What became of a message that did not arrive.
    UndeliveredState = Undelivered {
        /// Given up.
        Failed,
        /// Its time passed before it could leave.
        Missed,
        /// Nobody knows whether it arrived.
        Unknown,
    }
}

plain_object! {
    /// A message that did not arrive (påminnelse som inte kom fram), and why.
    UndeliveredReminder implements Node {
        /// Global id.
        id: GlobalId,
        /// What became of it.
        state: UndeliveredState,
        /// Why, in plain words.
        reason: String,
        /// What it is about.
        occasion: ReminderOccasion,
        /// The channel.
        channel: Channel,
        /// When it should have left.
        due_at: DateTime<Utc>,
        /// When the visit starts; none when it is not about one.
        visit_starts_at: Option<DateTime<Utc>>,
        /// Whether it goes to a guardian (vårdnadshavare).
        to_guardian: bool,
        /// Whom it is about; none for managers, who see that it failed and not of whom, and of mail to staff.
        patient: Option<PatientSummary>,
    }
}

/// What staff do about a message that did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum ReminderAct {
    /// Send it once more the same way (försök igen), where the receiver has not said no to that meanwhile.
    Retry,
    /// Send it by the other channel (annan väg), where the receiver has said yes to that.
    OtherChannel,
    /// Somebody has phoned (ringt).
    Phoned,
}

impl From<ReminderAct> for Act {
    fn from(act: ReminderAct) -> Self {
        match act {
            ReminderAct::Retry => Self::Retry,
            ReminderAct::OtherChannel => Self::OtherWay,
            ReminderAct::Phoned => Self::Phoned,
        }
    }
}

/// Why a message did not arrive, of the three ways not to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    Failed,
    Missed,
    Unknown,
}

impl Undelivered {
    pub fn of(state: State) -> Option<Self> {
        match state {
            State::Failed => Some(Self::Failed),
            State::Missed => Some(Self::Missed),
            State::Unknown => Some(Self::Unknown),
            _ => None,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Missed => "MISSED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// A rung that the unit chooses (steg).
#[derive(Clone, Copy, Debug, InputObject)]
pub struct ReminderRungInput {
    /// When.
    pub rule: ReminderRule,
    /// By which way first.
    pub first: ReminderWay,
}

impl From<ReminderRungInput> for Step {
    fn from(rung: ReminderRungInput) -> Self {
        Self { rule: rung.rule.into(), first: rung.first.into() }
    }
}

impl From<&Step> for ReminderRung {
    fn from(step: &Step) -> Self {
        Self { rule: step.rule.into(), first: step.first.into() }
    }
}
