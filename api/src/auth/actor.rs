//! Who acts: the result of a verified token, resolved to our own ids.

use entity::{AssignmentId, CareProviderId, CareUnitId, PatientId, RepresentativeId, StaffMemberId};
use entity::{access_event::ActorKind, agreement_version::Party, assignment::Role};
use uuid::Uuid;

/// The acting party of one request. Staff act under exactly one assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody signed in: sees only what is public.
    Anonymous,
    Patient {
        id: PatientId,
    },
    /// Acts for `principal`. Until the rules for representatives are in force, every rule refuses it.
    Representative {
        id: RepresentativeId,
        principal: PatientId,
    },
    Staff(StaffActor),
    /// The service itself.
    System,
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
            Self::Patient { .. } => ActorKind::Patient,
            Self::Representative { .. } => ActorKind::Representative,
            Self::Staff(_) => ActorKind::Staff,
            Self::System => ActorKind::System,
        }
    }

    /// The id written beside what the actor did; nil where there is none.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Anonymous | Self::System => Uuid::nil(),
            Self::Patient { id } => id.0,
            Self::Representative { id, .. } => id.0,
            Self::Staff(staff) => staff.assignment.0,
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
            Self::Patient { .. } | Self::Representative { .. } => Some(Party::Patient),
            Self::Staff(_) => Some(Party::Care),
            Self::Anonymous | Self::System => None,
        }
    }
}
