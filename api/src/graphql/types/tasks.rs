//! Tasks of staff as the schema shows them.

use chrono::{DateTime, Utc};

use super::{
    booking::Permission,
    enums::CareContactRole,
    people::{CareUnitSummary, PatientSummary, StaffSummary},
};
use crate::graphql::{
    plain::{Restricted, plain_enum, plain_interface, plain_object},
    scalars::{GlobalId, PhoneNumber},
};

plain_enum! {
    /// What a task (uppgift) asks for.
    TaskKind = entity::task::Kind {
        /// The patient has asked for a contact, or needs one (utse en kontakt). Ends when one is appointed, or when
        /// the patient takes the request back.
        AppointContact,
        /// A contact ends or is away without a substitute (överlämning).
        Handover,
        /// An agreement in force has no next step (nästa steg saknas).
        OrphanedNextStep,
        /// A call in a daily follow-up did not reach the patient (missat samtal).
        MissedCall,
        /// The patient has asked for an agreement (önskan om patientkontrakt). Ends when one is proposed, or when the
        /// patient takes the request back.
        AgreementRequest,
        /// A message waits for an answer (obesvarat meddelande).
        UnansweredMessage,
        /// A proposal waits for care's answer (förslag att svara på): the patient's, or a colleague's who cannot give
        /// care's assent. Ends with the answer, or when it is taken back.
        AnswerProposal,
        /// The need for a contact is to be reconsidered (ompröva kontakten).
        ContactReview,
        /// The patient says that advice conflicts, or that it is too much (råden går inte ihop, klarar inte detta nu).
        /// Ends with an answer.
        ItemConcern,
        /// A call to make (ring upp). Ends in the call log.
        Call,
        /// A letter or print to send (skicka brev).
        Letter,
        /// The patient's side objects to an assent that others gave or recorded (invändning). Ends with an answer.
        Objection,
        /// Something about the agreement for the fast vårdkontakt to know (signal): somebody else has drawn it up, the
        /// patient has declined a proposal, or one has fallen.
        PlanSignal,
        /// Something is missing before the patient goes home (utskrivningskontroll).
        DischargeGap,
        /// The patient could not decide: ask again (fråga patienten igen).
        PatientDecision,
        /// The plan in force says a safety instruction that care has taken back (ny version av planen behövs). Ends when
        /// a version without it is in force.
        RevisePlan,
        /// Somebody is away, a booked time has fallen out of its schedule (tidbok), or care has moved or cancelled it: phone
        /// the patient about the time (ringa återbud). Ends when the time is moved or cancelled, when the schedule takes
        /// it back in, or when the patient has been phoned.
        CancellationCall,
        /// A patient's wish for a time has waited too long, or its offers go unanswered (önskemål om tid).
        TimeWish,
        /// The patient did not come (uteblivet besök): get in touch, find a new time. Ends by itself when one is booked
        /// for the same plan item.
        VisitMissed,
        /// Nobody has said whether the patient came (utfall saknas). Ends with the outcome.
        OutcomeMissing,
        /// A result was promised for a day that has passed (besked att lämna). Ends with `resultTold`, also after the
        /// agreement, or when the item is called off or gets another day.
        ResultOwed,
        /// The day has passed for what care was to do (vården är försenad). Ends when the item is done, called off or
        /// gets another day, or with the agreement.
        CareLate,
    }
}

plain_enum! {
    /// Whether a task (uppgift) is still to be done.
    TaskStatus = entity::task::Status {
        /// To be done (öppen).
        Open,
        /// Done (klar).
        Done,
        /// The patient took back what it was about (återtagen).
        Withdrawn,
        /// Something else took its place (ersatt).
        Superseded,
    }
}

plain_interface! {
    /// What a task is about.
    TaskSubject {
        /// Global id of the object itself; refetch it with `Query.node`.
        id: GlobalId,
        /// What to call it in a list.
        title: String,
    } of {
        Agreement(TaskAgreement),
        AgreementRequest(TaskAgreementRequest),
        AgreementVersion(TaskAgreementVersion),
        Appointment(TaskAppointment),
        Call(TaskCall),
        CareContact(TaskCareContact),
        PlanItem(TaskPlanItem),
        Thread(TaskThread),
    }
}

plain_object! {
    /// An agreement (patientkontrakt) that a task is about.
    TaskAgreement implements TaskSubject {
        /// Global id of the `Agreement`.
        id: GlobalId,
        /// Its title.
        title: String,
    }
}

plain_object! {
    /// A patient's request for an agreement (önskan om patientkontrakt) that a task is about.
    TaskAgreementRequest implements TaskSubject {
        /// Global id of the `AgreementRequest`.
        id: GlobalId,
        /// What to call it in a list.
        title: String,
    }
}

plain_object! {
    /// One version of an agreement, such as a proposal to answer (förslag), that a task is about.
    TaskAgreementVersion implements TaskSubject {
        /// Global id of the `AgreementVersion`.
        id: GlobalId,
        /// Its title.
        title: String,
        /// Its number within the agreement.
        number: i32,
    }
}

plain_object! {
    /// A booked time (bokad tid) that a task is about.
    TaskAppointment implements TaskSubject {
        /// Global id of the `Appointment`.
        id: GlobalId,
        /// What kind of appointment it is.
        title: String,
        /// Its start.
        starts_at: DateTime<Utc>,
    }
}

plain_object! {
    /// A call to make (samtal) that a task is about.
    TaskCall implements TaskSubject {
        /// Global id of the `CallLogEntry`.
        id: GlobalId,
        /// What it is about.
        title: String,
        /// The number to call.
        phone: Option<PhoneNumber>,
    }
}

plain_object! {
    /// A contact role that a task is about.
    TaskCareContact implements TaskSubject {
        /// Global id of the `CareContact`.
        id: GlobalId,
        /// The person's name.
        title: String,
        /// The role.
        role: CareContactRole,
    }
}

plain_object! {
    /// A plan item (insats) that a task is about.
    TaskPlanItem implements TaskSubject {
        /// Global id of the `PlanItem`.
        id: GlobalId,
        /// Its title.
        title: String,
    }
}

plain_object! {
    /// A thread of messages (meddelandetråd) that a task is about.
    TaskThread implements TaskSubject {
        /// Global id of the `Thread`.
        id: GlobalId,
        /// What it is about (ämne).
        title: String,
    }
}

plain_object! {
    /// The person who is to do a task (den som har uppgiften).
    TaskAssignee {
        /// Global id of the `Assignment`.
        id: GlobalId,
        /// Name and title.
        staff: StaffSummary,
    }
}

plain_object! {
    /// Something that staff must do for a patient (uppgift), and by when. It belongs to a unit; an assignee is a person
    /// there. It never vanishes: it ends with a person, a time and a way.
    Task implements Node {
        /// Global id.
        id: GlobalId,
        /// What it asks for.
        kind: TaskKind,
        /// Whether it is still to be done.
        status: TaskStatus,
        /// Whom it is about. FORBIDDEN for managers.
        patient: Restricted<PatientSummary>,
        /// What it is about; null when it is about the patient as a whole. FORBIDDEN for managers.
        subject: Restricted<TaskSubject>,
        /// The unit that must act.
        care_unit: CareUnitSummary,
        /// The person at the unit who has taken or been given it, if anybody.
        assignee: Option<TaskAssignee>,
        /// By when.
        due_at: DateTime<Utc>,
        /// Whether that time has passed and it is not done.
        is_overdue: bool,
        /// When it rose to the manager of the unit, if it has.
        risen_at: Option<DateTime<Utc>>,
        /// More about it, in words for colleagues. FORBIDDEN for managers.
        note: Restricted<String>,
        /// Since when there is something to do.
        created_at: DateTime<Utc>,
        /// When it ended, if it has.
        ended_at: Option<DateTime<Utc>>,
        /// How it ended, in words, where there are any. FORBIDDEN for managers.
        ending: Restricted<String>,
        /// Whether the caller can end it with words now; if not, what ends it.
        can_end: Permission,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}
