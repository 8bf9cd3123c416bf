//! The surface: every root field of the API and the rule that guards it.

use super::matrix::{Action, Noun};

/// Which rule guards which root field. A test fails when a root field has no line here.
pub const SURFACE: &[(&str, Noun, Action)] = &[
    ("Query.careUnit", Noun::CareUnit, Action::Read),
    ("Query.freeSlots", Noun::Slot, Action::Read),
    ("Query.me", Noun::Patient, Action::Read),
    ("Query.myAssignment", Noun::Assignment, Action::Read),
    // Each type under its own Read rule.
    ("Query.node", Noun::Patient, Action::Read),
    ("Query.patient", Noun::Patient, Action::Read),
    ("Query.questionBatteries", Noun::QuestionBattery, Action::Read),
    ("Query.questionBattery", Noun::QuestionBattery, Action::Read),
    ("Mutation.agreementAssent", Noun::Agreement, Action::Assent),
    ("Mutation.agreementCreate", Noun::Agreement, Action::Create),
    ("Mutation.agreementPropose", Noun::Agreement, Action::Propose),
    ("Mutation.appointmentBook", Noun::Appointment, Action::Book),
    ("Mutation.appointmentCancel", Noun::Appointment, Action::Cancel),
    ("Mutation.appointmentRebook", Noun::Appointment, Action::Book),
    ("Mutation.batteryAnswer", Noun::BatteryAnswer, Action::Create),
    ("Mutation.careRelationRegister", Noun::CareRelation, Action::Register),
    ("Mutation.contactAppoint", Noun::CareContact, Action::Appoint),
    ("Mutation.contactEnd", Noun::CareContact, Action::End),
    ("Mutation.goalAdd", Noun::Goal, Action::Create),
    ("Mutation.messageSend", Noun::Thread, Action::Send),
    ("Mutation.planItemAccept", Noun::PlanItem, Action::Accept),
    ("Mutation.planItemComplete", Noun::PlanItem, Action::Complete),
    ("Mutation.planItemPropose", Noun::PlanItem, Action::Propose),
    ("Mutation.reminderPreferencesSet", Noun::ReminderPreference, Action::Set),
    ("Mutation.slotPublish", Noun::Slot, Action::Publish),
    ("Mutation.taskAssign", Noun::Task, Action::Assign),
    ("Mutation.taskEnd", Noun::Task, Action::End),
    ("Mutation.taskHandover", Noun::Task, Action::Assign),
    ("Mutation.taskNote", Noun::Task, Action::Note),
    ("Mutation.taskPass", Noun::Task, Action::Pass),
    ("Mutation.taskTake", Noun::Task, Action::Accept),
    ("Mutation.threadMarkRead", Noun::Thread, Action::MarkRead),
    ("Mutation.threadStart", Noun::Thread, Action::Create),
    ("Subscription.agreementChanged", Noun::Agreement, Action::Read),
    ("Subscription.taskRaised", Noun::Task, Action::List),
];
