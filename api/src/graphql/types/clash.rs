//! Times that cannot both be kept, and times that could be taken together, as the schema shows them.

use async_graphql::Enum;
use chrono::{DateTime, Utc};

use super::booking::{Appointment, Slot};
use crate::{
    domain::booking::clash::Kind,
    graphql::{
        plain::{At, Plain, plain_enum, plain_object},
        scalars::{Date, GlobalId},
        types::people::{CareUnitSummary, PatientSummary},
    },
};

plain_enum! {
    /// Why two booked times cannot both be kept.
    AppointmentClashKind = Kind {
        /// They overlap (krockar).
        Overlap,
        /// There is too little time between them (för tätt).
        TooTight,
    }
}

plain_object! {
    /// Two booked times that cannot both be kept (krock).
    AppointmentClash {
        /// Why.
        kind: AppointmentClashKind,
        /// The one that begins first.
        first: Appointment,
        /// The other.
        second: Appointment,
        /// Minutes between them; 0 where they overlap.
        minutes_between: i32,
        /// Minutes that the patient is reckoned to need between them.
        minutes_needed: i32,
        /// What is wrong and what to do, in plain words.
        message: String,
    }
}

/// What is suggested to be taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum BundlingKind {
    /// Two visits to one place within a week: the same day for both (samma dag).
    SameDay,
    /// Samples that several clinics have asked for: one sampling for all (en provtagning).
    OneSampling,
}

impl Plain for BundlingKind {
    fn write(&self, _: &At<'_>) -> async_graphql::Value {
        async_graphql::Value::Enum(async_graphql::Name::new(match self {
            Self::SameDay => "SAME_DAY",
            Self::OneSampling => "ONE_SAMPLING",
        }))
    }
}

plain_object! {
    /// A sample (prov) that a clinic has asked for.
    BundledItem {
        /// Global id of the `PlanItem`.
        id: GlobalId,
        /// What, in plain words.
        title: String,
        /// By when.
        due_on: Date,
        /// Who asks for it.
        care_unit: CareUnitSummary,
    }
}

plain_object! {
    /// A suggestion to take things together (samordna): one journey instead of two.
    BundlingSuggestion {
        /// What is suggested.
        kind: BundlingKind,
        /// The suggestion in plain words.
        message: String,
        /// Of `SAME_DAY`: the booked time that stays.
        keep: Option<Appointment>,
        /// Of `SAME_DAY`: the booked time that could move to that day, with `appointmentRebook`.
        moves: Option<Appointment>,
        /// Of `SAME_DAY`: free times on that day that fit, the nearest to the one that stays first. At most three.
        slots: Vec<Slot>,
        /// Of `ONE_SAMPLING`: what the clinics have asked for, what is due first before the rest.
        items: Vec<BundledItem>,
    }
}

plain_object! {
    /// A booked time that has changed, and whose it is.
    AppointmentChange {
        /// The booked time as it is now.
        appointment: Appointment,
        /// Whose it is.
        patient: PatientSummary,
    }
}

plain_object! {
    /// A booked time of somebody who is away (berörd tid), and what could take its place.
    TouchedTime {
        /// Start.
        starts_at: DateTime<Utc>,
        /// End.
        ends_at: DateTime<Utc>,
        /// The booked time; null for managers, who do not see patients.
        appointment: Option<Appointment>,
        /// Who comes; null for managers, who do not see patients.
        patient: Option<PatientSummary>,
        /// Free times of the same kind at the unit, the best first: of whoever steps in, then of the patient's own
        /// contacts, then of others, the nearest first. The first ones of all times can be taken together. None: the
        /// patient must be phoned (ringa återbud). At most three.
        proposals: Vec<Slot>,
    }
}
