//! What a message is about, as it is told.

use super::{Kind, Rule};

macro_rules! told {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal of $kind:pat),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant),+ }

        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl From<Kind> for $name {
            fn from(kind: Kind) -> Self {
                match kind { $($kind => Self::$variant),+ }
            }
        }
    };
}

told! {
    /// [`Kind`] without parts.
    Occasion {
        Confirmation = "CONFIRMATION" of Kind::Reminder(Rule::Confirmation),
        WeekBefore = "WEEK_BEFORE" of Kind::Reminder(Rule::WeekBefore),
        BeforeDeadline = "BEFORE_DEADLINE" of Kind::Reminder(Rule::BeforeDeadline),
        EveningBefore = "EVENING_BEFORE" of Kind::Reminder(Rule::EveningBefore),
        SameDay = "SAME_DAY" of Kind::Reminder(Rule::SameDay),
        Moved = "MOVED" of Kind::Moved,
        Cancelled = "CANCELLED" of Kind::Cancelled,
        Message = "MESSAGE" of Kind::Message,
        Plan = "PLAN" of Kind::Plan,
        Offer = "OFFER" of Kind::Offer,
        OfferWithdrawn = "OFFER_WITHDRAWN" of Kind::OfferWithdrawn,
        WishExpired = "WISH_EXPIRED" of Kind::WishExpired,
        Staff = "STAFF" of Kind::Staff,
    }
}
