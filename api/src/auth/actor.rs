//! Who acts: the result of a verified token, resolved to our own ids.

use entity::{
    AssignmentId, CareProviderId, CareUnitId, LookupHash, PatientId, RepresentativeId, StaffMemberId,
};
use entity::{access_event::ActorKind, agreement_version::Party, assignment::Role};
use uuid::Uuid;

use super::policy::Rights;

/// The acting party of one request. Staff act under exactly one assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody signed in: sees only what is public.
    Anonymous,
    Patient {
        id: PatientId,
    },
    /// A signed-in person who is no patient here and has not said whom they act for: may only ask for whom they can.
    Person {
        /// The hashes under which rows may name the person.
        lookups: Vec<LookupHash>,
    },
    /// Acts for `principal` within `rights`, which were in force when the request came and are never kept longer.
    Representative {
        id: RepresentativeId,
        principal: PatientId,
        rights: Rights,
    },
    Staff(StaffActor),
    /// The service itself.
    System,
    /// A patient who is too young to do everything themself.
    YoungPatient {
        id: PatientId,
        rights: Rights,
    },
}

/// A staff member under one assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffActor {
    pub staff_member: StaffMemberId,
    pub assignment: AssignmentId,
    pub care_unit: CareUnitId,
    pub care_provider: CareProviderId,
    pub role: Role,
    pub display_name: String,
    pub title: String,
}

impl Actor {
    pub fn kind(&self) -> ActorKind {
        match self {
            Self::Anonymous => ActorKind::Anonymous,
            Self::Patient { .. } | Self::YoungPatient { .. } => ActorKind::Patient,
            Self::Person { .. } | Self::Representative { .. } => ActorKind::Representative,
            Self::Staff(_) => ActorKind::Staff,
            Self::System => ActorKind::System,
        }
    }

    /// The id written beside what the actor did; nil where there is none.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Anonymous | Self::Person { .. } | Self::System => Uuid::nil(),
            Self::Patient { id } | Self::YoungPatient { id, .. } => id.0,
            Self::Representative { id, .. } => id.0,
            Self::Staff(staff) => staff.assignment.0,
        }
    }

    /// The patient whose own side the actor is on: themself, or the one they act for.
    pub fn patient(&self) -> Option<PatientId> {
        match self {
            Self::Patient { id } | Self::YoungPatient { id, .. } => Some(*id),
            Self::Representative { principal, .. } => Some(*principal),
            Self::Anonymous | Self::Person { .. } | Self::Staff(_) | Self::System => None,
        }
    }

    /// The principal, when the actor is a representative.
    pub fn acting_for(&self) -> Option<PatientId> {
        match self {
            Self::Representative { principal, .. } => Some(*principal),
            _ => None,
        }
    }

    pub fn staff(&self) -> Option<&StaffActor> {
        match self {
            Self::Staff(staff) => Some(staff),
            _ => None,
        }
    }

    /// The side of the agreement the actor is on.
    pub fn party(&self) -> Option<Party> {
        match self {
            Self::Patient { .. } | Self::YoungPatient { .. } | Self::Representative { .. } => {
                Some(Party::Patient)
            }
            Self::Staff(_) => Some(Party::Care),
            Self::Anonymous | Self::Person { .. } | Self::System => None,
        }
    }
}
