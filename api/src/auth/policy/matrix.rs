//! The matrix: which kind of actor may ever do what to which kind of thing. Deny by default.

use entity::assignment::Role;

use super::scope::{Area, Rights};
use crate::auth::actor::Actor;

/// An enum that knows all its values.
macro_rules! listed {
    ($(#[$doc:meta])* $name:ident { $($value:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($value),+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &[Self] = &[$(Self::$value),+];
        }
    };
}

listed! {
    /// The things that rules are about.
    Noun {
        AccessLog,
        Agreement,
        AgreementOffer,
        AgreementRequest,
        Appointment,
        AppointmentType,
        Assignment,
        BatteryAnswer,
        CalendarFeed,
        CallLog,
        CareContact,
        CareGuarantee,
        CareRelation,
        CareUnit,
        Concern,
        ContactAbsence,
        ContactFunctions,
        ContactOffer,
        ContactRequest,
        Goal,
        GuardianReminder,
        Patient,
        PatientNeeds,
        PlanItem,
        PlanLink,
        QuestionBattery,
        ProgressNote,
        Reminder,
        ReminderLadder,
        ReminderPreference,
        Representative,
        SafetyInstruction,
        Schedule,
        Slot,
        StaffNotice,
        Task,
        Template,
        Thread,
        TimeWish,
        WorkNote,
    }
}

listed! {
    /// What can be done to them.
    Action {
        Accept,
        Answer,
        Appoint,
        Assent,
        Assess,
        Assign,
        Book,
        Cancel,
        Choose,
        Complete,
        Confirm,
        Create,
        End,
        Grant,
        Handover,
        List,
        MarkRead,
        Note,
        Pass,
        Object,
        Propose,
        Publish,
        Read,
        RecordAssent,
        Register,
        Review,
        Revoke,
        Send,
        Set,
        Withdraw,
    }
}

/// The kinds of actor, as the matrix knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Anonymous,
    Patient,
    /// A signed-in person who is no patient and acts for nobody yet.
    Person,
    Representative(Rights),
    Staff(Role),
    System,
    /// A patient who does not yet do everything themself.
    YoungPatient(Rights),
}

impl From<&Actor> for Who {
    fn from(actor: &Actor) -> Self {
        match actor {
            Actor::Anonymous => Self::Anonymous,
            Actor::Patient { .. } => Self::Patient,
            Actor::Person { .. } => Self::Person,
            Actor::Representative { rights, .. } => Self::Representative(*rights),
            Actor::Staff(staff) => Self::Staff(staff.role),
            Actor::System => Self::System,
            Actor::YoungPatient { rights, .. } => Self::YoungPatient(*rights),
        }
    }
}

/// The matrix: role × noun × action.
#[expect(clippy::match_same_arms, reason = "each rule stands where it is looked for, with its reason")]
pub fn allows(who: Who, noun: Noun, action: Action) -> bool {
    use Action as A;
    use Noun as N;
    match (who, noun, action) {
        // Whom one may act for, any person may ask.
        (Who::Person | Who::YoungPatient(_), N::Representative, A::List) => return true,
        (
            Who::Representative(_) | Who::YoungPatient(_),
            N::CareUnit | N::QuestionBattery | N::Slot | N::Template,
            A::Read,
        ) => {
            return true;
        }
        (Who::Representative(rights) | Who::YoungPatient(rights), N::Patient, A::Read) => {
            return !rights.is_empty();
        }
        // Who books their own times is reminded of them.
        (Who::YoungPatient(rights), N::CalendarFeed | N::ReminderPreference, A::Read | A::Set) => {
            return rights.level(Area::Booking).is_some();
        }
        // Of a child's times its guardians are reminded: who sees the times may say so. That it is a guardian, the row says.
        (Who::Representative(rights), N::GuardianReminder, A::Read | A::Set) => {
            return rights.level(Area::Booking).is_some();
        }
        // Within their rights what the patient may do, and nothing beyond.
        (Who::Representative(rights) | Who::YoungPatient(rights), ..) => {
            return rights.cover(noun, action) && allows(Who::Patient, noun, action);
        }
        _ => {}
    }
    let patient = who == Who::Patient;
    // "Any care role": may do the work of care.
    let care = matches!(who, Who::Staff(Role::Care | Role::Coordinator));
    let manager = who == Who::Staff(Role::UnitManager);
    let signed_in = !matches!(who, Who::Anonymous | Who::Person | Who::System);
    match (noun, action) {
        (N::CareUnit | N::QuestionBattery | N::Slot | N::Template, A::Read) => signed_in,
        (N::Assignment, A::Read) => matches!(who, Who::Staff(_)),
        (
            N::Patient | N::Agreement | N::Goal | N::PlanItem | N::CareContact | N::SafetyInstruction,
            A::Read,
        )
        | (N::Appointment, A::Read | A::Book | A::Cancel | A::Confirm)
        | (N::TimeWish, A::Read | A::Create | A::Set | A::Answer | A::Withdraw)
        | (N::Thread, A::Read | A::Create | A::Send | A::MarkRead)
        | (
            N::BatteryAnswer | N::AgreementRequest | N::ContactRequest | N::ProgressNote,
            A::Read | A::Create,
        )
        | (N::PatientNeeds | N::ReminderPreference, A::Read | A::Set)
        | (N::Agreement, A::End | A::Propose)
        | (N::AgreementOffer, A::Read | A::Answer)
        | (N::ContactOffer, A::Read | A::Accept)
        // Care cannot close what the patient asks for: staff say how the patient told them.
        | (N::AgreementRequest | N::ContactRequest, A::Withdraw)
        | (N::PlanLink, A::Read | A::Create | A::End)
        | (N::Goal, A::Create | A::Set)
        | (N::Concern, A::Read | A::Create | A::Cancel)
        | (N::PlanItem, A::Propose | A::Accept | A::Complete) => patient || care,
        // Only the patient's side can take back what others said for it; who writes down a yes writes down this too.
        // A no is the answer of those who could say yes.
        (N::Agreement, A::Object | A::Answer) => patient || who == Who::Staff(Role::Care),
        // What patients say by word of mouth, or cannot say, is written down by the role CARE.
        (N::Agreement, A::RecordAssent) => who == Who::Staff(Role::Care),
        // The assent of care is given by the role CARE alone.
        (N::Agreement, A::Assent) => patient || who == Who::Staff(Role::Care),
        (N::Representative, A::Read) => patient || care,
        (N::Representative, A::Assess) => who == Who::Staff(Role::Care),
        // So are safety instructions.
        (N::SafetyInstruction, A::Create | A::Withdraw) => who == Who::Staff(Role::Care),
        // Care cannot choose for the patient. Nobody but the patient names who acts for them: it cannot be passed on.
        (N::AccessLog | N::CalendarFeed, A::Read)
        | (N::CalendarFeed, A::Set)
        | (N::Representative, A::Grant | A::List | A::Revoke)
        | (N::Agreement, A::Choose) => patient,
        (N::ContactAbsence, A::Read) => patient || care || manager,
        (N::ContactAbsence, A::Register | A::Cancel) => care || manager,
        // What is decided for the whole unit, its manager decides.
        (N::ContactFunctions | N::ReminderLadder, A::Set) => manager,
        (N::Agreement | N::AgreementOffer | N::ContactOffer, A::Create)
        | (N::AgreementRequest | N::ContactRequest, A::Pass)
        | (N::CareContact, A::Appoint | A::End | A::Handover | A::Register | A::Review)
        | (N::CareRelation | N::Patient, A::Register)
        | (N::Appointment, A::Complete)
        | (N::CareUnit, A::List)
        | (N::Concern | N::Thread, A::End)
        | (N::Agreement | N::PlanItem | N::CareGuarantee, A::Set)
        | (N::GuardianReminder | N::Reminder, A::Read | A::Set)
        | (N::CallLog, A::Read | A::Create | A::Complete)
        | (N::Template, A::Create | A::Set) => care,
        (N::Task, A::Accept | A::End | A::Note | A::Pass) | (N::WorkNote, A::Read | A::Set) => care,
        // Managers see what has risen to them, without whom it is about, and say who takes it.
        (N::Task, A::Read | A::List | A::Assign)
        | (N::Slot, A::Publish)
        | (N::Reminder, A::List)
        // Each for themself, in the assignment they act under.
        | (N::StaffNotice, A::Read | A::Set)
        | (N::Schedule, A::Read | A::Publish | A::Set)
        | (N::AppointmentType, A::Create | A::Set) => care || manager,
        _ => false,
    }
}
