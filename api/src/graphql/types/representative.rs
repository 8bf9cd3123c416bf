//! Representatives (ombud), and whom one may act for.

use async_graphql::InputObject;
use chrono::{DateTime, Utc};

use super::people::PatientSummary;
use crate::{
    auth::policy::{Area, Level, Rights},
    graphql::{
        plain::{At, Plain, plain_enum, plain_object},
        scalars::GlobalId,
    },
};

plain_enum! {
    /// On what ground somebody represents a patient (företräder).
    RepresentativeKind = entity::representative::Kind {
        /// Guardian (vårdnadshavare): until the child's 13th birthday.
        Guardian,
        /// God man, within the förordnande.
        GodMan,
        /// Relative (närstående) by the patient's own grant (fullmakt).
        Relative,
    }
}

/// An area of what concerns a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(remote = "Area")]
pub enum RepresentativeArea {
    /// Agreement, goals, items, next step (överenskommelsen).
    Agreement,
    /// Booked times (tider).
    Booking,
    /// Threads of messages (meddelanden).
    Messages,
    /// Care contacts and whom to turn to (kontakter).
    Contacts,
}

/// How much may be done in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(remote = "Level")]
pub enum RepresentativeLevel {
    /// See (läsa).
    Read,
    /// See and do what the patient could do there (göra ärenden).
    Act,
}

impl Plain for RepresentativeArea {
    fn write(&self, _: &At<'_>) -> async_graphql::Value {
        async_graphql::Value::Enum(async_graphql::Name::new(match self {
            Self::Agreement => "AGREEMENT",
            Self::Booking => "BOOKING",
            Self::Messages => "MESSAGES",
            Self::Contacts => "CONTACTS",
        }))
    }
}

impl Plain for RepresentativeLevel {
    fn write(&self, _: &At<'_>) -> async_graphql::Value {
        async_graphql::Value::Enum(async_graphql::Name::new(match self {
            Self::Read => "READ",
            Self::Act => "ACT",
        }))
    }
}

plain_object! {
    /// A right of a representative (behörighet): how much, in which area.
    RepresentativeRight {
        /// Where.
        area: RepresentativeArea,
        /// How much.
        level: RepresentativeLevel,
    }
}

/// A right to give: how much, in which area.
#[derive(InputObject)]
pub struct RepresentativeRightInput {
    /// Where; each area once.
    area: RepresentativeArea,
    /// How much.
    level: RepresentativeLevel,
}

/// The rights as they are stored; of an area named twice the last one counts.
pub fn stored(rights: &[RepresentativeRightInput]) -> String {
    let all = rights.iter().fold(Rights::default(), |all, r| all.with(r.area.into(), r.level.into()));
    all.areas()
}

/// Rights as the schema shows them.
pub fn shown(rights: Rights) -> Vec<RepresentativeRight> {
    Area::ALL
        .into_iter()
        .filter_map(|area| Some(RepresentativeRight { area: area.into(), level: rights.level(area)?.into() }))
        .collect()
}

plain_object! {
    /// Somebody who may act for the patient (ombud).
    Representative implements Node {
        /// Global id.
        id: GlobalId,
        /// On what ground.
        kind: RepresentativeKind,
        /// The name shown wherever they act.
        name: String,
        /// What they may see and do.
        rights: Vec<RepresentativeRight>,
        /// Whether they may assent (godkänna) for the patient.
        may_assent: bool,
        /// Whether it holds now: also age, assessments and protected identity (skyddade personuppgifter) decide.
        is_in_force: bool,
        /// From when.
        valid_from: DateTime<Utc>,
        /// Until when, if that is set.
        valid_until: Option<DateTime<Utc>>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// Somebody whom the signed-in person may act for now: send the patient's id in the header
    /// `Patientkontrakt-Acting-For`.
    Representation {
        /// Whom.
        patient: PatientSummary,
        /// On what ground.
        kind: RepresentativeKind,
        /// What may be seen and done.
        rights: Vec<RepresentativeRight>,
        /// Whether assenting (godkänna) is among it.
        may_assent: bool,
        /// Until when, if that is set.
        valid_until: Option<DateTime<Utc>>,
    }
}
