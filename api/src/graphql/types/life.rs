//! What happens to goals and items after they are agreed: outside the version, no new assent.

use chrono::{DateTime, Utc};

use super::{
    agreement::FollowThrough,
    enums::{
        ActorKind, CareGuaranteeKind, CareGuaranteePauseKind, PlanItemConcernKind, PlanItemConcernStatus,
        ReferralState,
    },
};
use crate::graphql::{
    plain::plain_object,
    scalars::{Date, GlobalId},
};

plain_object! {
    /// A progress note (anteckning om hur det går) by patient or care. Never altered: a correction is a note of its
    /// own, and the original stays.
    ProgressNote implements Node {
        /// Global id.
        id: GlobalId,
        /// What it says.
        text: String,
        /// The goal or plan item it is about: its global id.
        about: GlobalId,
        /// Who wrote it: a representative (ombud) is always shown as such.
        by: ActorKind,
        /// The name, of staff.
        author_name: Option<String>,
        /// When it was written.
        created_at: DateTime<Utc>,
        /// The note that this one corrects: its global id.
        corrects: Option<GlobalId>,
        /// Whether a later note corrects this one.
        is_corrected: bool,
    }
}

plain_object! {
    /// A concern of the patient about an item ("råden går inte ihop", "jag klarar inte detta nu"). It is a task of care
    /// until care has answered or the patient takes it back.
    PlanItemConcern implements Node {
        /// Global id.
        id: GlobalId,
        /// What the patient says.
        kind: PlanItemConcernKind,
        /// In the patient's words.
        words: Option<String>,
        /// Whether care owes an answer.
        status: PlanItemConcernStatus,
        /// Who said it; staff who took it down for the patient are shown as such.
        by: ActorKind,
        /// When it was said.
        raised_at: DateTime<Utc>,
        /// Care's answer.
        answer: Option<String>,
        /// When it was answered or taken back.
        ended_at: Option<DateTime<Utc>>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// One occurrence of a recurring item, and how it stands.
    PlanItemOccurrence {
        /// The day.
        on: Date,
        /// How it stands (avstämning).
        follow_through: FollowThrough,
        /// Why it did not happen, for those who want to say.
        reason: Option<String>,
        /// Who marked it, if anyone has.
        by: Option<ActorKind>,
    }
}

plain_object! {
    /// How far a referral (remiss) has come.
    Referral {
        /// How far.
        state: ReferralState,
        /// Since when.
        since: Date,
    }
}

plain_object! {
    /// A result that the patient has been told, as promised.
    ResultTold {
        /// When.
        on: Date,
        /// How.
        how: String,
    }
}

plain_object! {
    /// The yes of a relative (närstående) who owns an item, recorded by care. The relative needs no login.
    RelativeConsent {
        /// Who said yes, and how.
        words: Option<String>,
        /// When it was recorded.
        recorded_at: DateTime<Utc>,
        /// Who recorded it.
        recorded_by: Option<String>,
        /// Whether it is to the wording as it is now; an earlier yes says nothing of a changed item.
        is_current: bool,
    }
}

plain_object! {
    /// The care guarantee clock (vårdgaranti): calendar days, with the region's number of days.
    CareGuarantee {
        /// What is promised.
        kind: CareGuaranteeKind,
        /// The day from which the days count.
        from: Date,
        /// How many days the promise has.
        days: i32,
        /// The last day on which it is kept. None while it is paused until further notice.
        last_day: Option<Date>,
        /// Days that count until then; 0 on the last day and after. None when it is done, or paused until further
        /// notice.
        days_left: Option<i32>,
        /// Whether it was kept; none while that is open.
        kept: Option<bool>,
        /// Whether today does not count.
        is_paused: bool,
        /// The days that do not count. At most 50.
        pauses: Vec<CareGuaranteePause>,
    }
}

plain_object! {
    /// Days that the care guarantee does not count, both ends included.
    CareGuaranteePause {
        /// Why.
        kind: CareGuaranteePauseKind,
        /// The first day.
        from: Date,
        /// The last day; none until further notice.
        until: Option<Date>,
    }
}
