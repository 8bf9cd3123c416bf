//! The lists of values in the schema and the enums in the code are the same.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait as _, DbBackend, Iterable as _};

use super::{assert_refused, populated};

/// Every list of values in the schema, as `(table, column, values)`.
fn value_lists() -> BTreeSet<(String, String, Vec<String>)> {
    let mut lists = BTreeSet::new();
    for statement in migration::statements(DbBackend::Postgres) {
        let Some(table) = statement.strip_prefix("CREATE TABLE \"").and_then(|s| s.split('"').next()) else {
            continue;
        };
        for line in statement.lines() {
            let Some((name, values)) = line.split_once(" IN (") else { continue };
            let column = name.rsplit('"').nth(1).unwrap();
            let values = values.trim_end_matches([')', ',']).split(", ");
            let values = values.map(|v| v.trim_matches('\'').to_owned()).collect();
            lists.insert((table.to_owned(), column.to_owned(), values));
        }
    }
    lists
}

#[test]
fn every_value_of_every_enum_is_allowed_by_its_column_and_no_other() {
    macro_rules! expected {
        ($($table:ident.$column:ident: $of:ident::$kind:ident),+ $(,)?) => {
            BTreeSet::from([$((
                stringify!($table).to_owned(),
                stringify!($column).to_owned(),
                entity::$of::$kind::iter().map(|v| v.as_str().to_owned()).collect::<Vec<_>>(),
            )),+])
        };
    }
    let expected = expected! {
        access_assessment.decision: access_assessment::Decision,
        access_event.actor_kind: access_event::ActorKind,
        access_event.outcome: access_event::Outcome,
        agreement.end_reason: agreement::EndReason,
        agreement.ended_by_kind: access_event::ActorKind,
        agreement.status: agreement::Status,
        agreement_offer.answered_by_kind: access_event::ActorKind,
        agreement_offer.answered_how: agreement_offer::Way,
        agreement_offer.offered_how: agreement_offer::Way,
        agreement_offer.status: agreement_offer::Status,
        agreement_request.asked_by_kind: access_event::ActorKind,
        agreement_request.asked_how: agreement_offer::Way,
        agreement_request.ended_by_kind: access_event::ActorKind,
        agreement_request.ended_how: agreement_offer::Way,
        agreement_request.status: agreement_request::Status,
        agreement_version.patient_assent_given: version_assent::Given,
        agreement_version.patient_assent_kind: access_event::ActorKind,
        agreement_version.proposed_by: agreement_version::Party,
        agreement_version.status: agreement_version::Status,
        agreement_version.withdrawal: agreement_version::Withdrawal,
        appointment.booked_by: access_event::ActorKind,
        appointment.booking_channel: appointment::BookingChannel,
        appointment.cancelled_by: access_event::ActorKind,
        appointment.conditions_accepted_by: access_event::ActorKind,
        appointment.confirmed_by: access_event::ActorKind,
        appointment.mode: appointment_type::Mode,
        appointment.origin: appointment::Origin,
        appointment.status: appointment::Status,
        appointment_type.mode: appointment_type::Mode,
        appointment_type.web_booking: appointment_type::WebBooking,
        assignment.role: assignment::Role,
        battery_answer.choice: battery_answer::Choice,
        battery_answer_set.by_kind: access_event::ActorKind,
        battery_answer_set.channel: battery_answer_set::Channel,
        calendar_feed.detail: reminder_preference::Detail,
        care_contact.consultation: care_contact::Consultation,
        care_contact.role: care_contact::Role,
        care_contact.status: care_contact::Status,
        care_contact.told_ground: care_contact::ToldGround,
        care_contact.treating_kind: care_contact::TreatingKind,
        contact_offer.answered_how: agreement_offer::Way,
        contact_offer.role: care_contact::Role,
        contact_offer.status: contact_offer::Status,
        contact_offer.treating_kind: care_contact::TreatingKind,
        contact_request.ended_how: agreement_offer::Way,
        contact_request.role: care_contact::Role,
        contact_request.status: contact_request::Status,
        contact_request.treating_kind: care_contact::TreatingKind,
        care_provider.kind: care_provider::Kind,
        care_relation.declaration: care_relation::Declaration,
        care_relation.source: care_relation::Source,
        care_unit.kind: care_unit::Kind,
        change_entry.by_kind: access_event::ActorKind,
        contact_offer.answered_by_kind: access_event::ActorKind,
        contact_request.asked_by_kind: access_event::ActorKind,
        register_event.change: register_event::Change,
        register_event.code: register_event::Code,
        contact_way.channel: contact_way::Channel,
        contact_way.status: contact_way::Status,
        data_key.purpose: data_key::Purpose,
        domain_event.by_kind: access_event::ActorKind,
        goal.achievement: goal::Achievement,
        goal.achievement_by_kind: access_event::ActorKind,
        goal.set_by: agreement_version::Party,
        goal.status: goal::Status,
        goal.status_by_kind: access_event::ActorKind,
        goal_revision.by_kind: access_event::ActorKind,
        guarantee_pause.by_kind: access_event::ActorKind,
        guarantee_pause.kind: guarantee_pause::Kind,
        sending_hold.cause: sending_hold::Cause,
        sending_hold.what: sending_hold::What,
        item_concern.by_kind: access_event::ActorKind,
        item_concern.ended_by_kind: access_event::ActorKind,
        item_concern.kind: item_concern::Kind,
        item_concern.status: item_concern::Status,
        notice.channel: contact_way::Channel,
        notice.handled_as: notice::Handling,
        notice.kind: notice::Kind,
        notice.state: notice::State,
        patient.protected_identity: patient::ProtectedIdentity,
        patient_identity.kind: patient_identity::Kind,
        plan_item.guarantee_kind: plan_item::GuaranteeKind,
        phone_call.direction: phone_call::Direction,
        phone_call.status: phone_call::Status,
        plan_item.proposed_by: agreement_version::Party,
        plan_item.referral_state: plan_item::ReferralState,
        plan_item.status: plan_item::Status,
        plan_item.status_by_kind: access_event::ActorKind,
        plan_item_mark.by_kind: access_event::ActorKind,
        plan_item_mark.outcome: plan_item_mark::Outcome,
        guardian_reminder.by_kind: access_event::ActorKind,
        guardian_reminder.channel: contact_way::Channel,
        guardian_reminder.detail: reminder_preference::Detail,
        guardian_reminder.status: contact_way::Status,
        plan_item_revision.by_kind: access_event::ActorKind,
        plan_item_revision.category: plan_item_revision::Category,
        plan_item_revision.owner: plan_item_revision::Owner,
        plan_item_revision.timing: plan_item_revision::Timing,
        plan_link.added_by_kind: access_event::ActorKind,
        plan_link.kind: plan_link::Kind,
        plan_link.removed_by_kind: access_event::ActorKind,
        progress_note.by_kind: access_event::ActorKind,
        reminder_preference.by_kind: access_event::ActorKind,
        reminder_preference.channel: contact_way::Channel,
        seat_claim.by_kind: access_event::ActorKind,
        slot.withdrawal: slot::Withdrawal,
        appointment.booked_by: access_event::ActorKind,
        appointment.confirmed_by: access_event::ActorKind,
        reminder_preference.detail: reminder_preference::Detail,
        reminder_preference.kind: reminder_preference::PreferenceKind,
        representative.kind: representative::Kind,
        safety_instruction.kind: safety_instruction::Kind,
        safety_instruction.status: safety_instruction::Status,
        seat_claim.by_kind: access_event::ActorKind,
        staff_notice.about: staff_notice::About,
        staff_notice.status: contact_way::Status,
        task.created_by_kind: access_event::ActorKind,
        task.ended_by_kind: access_event::ActorKind,
        task.kind: task::Kind,
        task.status: task::Status,
        template_item.discharge: template_item::Discharge,
        template_use.by_kind: access_event::ActorKind,
        thread.kind: thread::Kind,
        thread.last_author: access_event::ActorKind,
        thread.status: thread::Status,
        thread.to_role: care_contact::Role,
        thread.to_treating_kind: care_contact::TreatingKind,
        thread_message.author_kind: access_event::ActorKind,
        thread_read.reader_kind: access_event::ActorKind,
        time_offer.answered_by_kind: access_event::ActorKind,
        time_offer.status: time_offer::Status,
        time_wish.channel: appointment::BookingChannel,
        time_wish.created_by_kind: access_event::ActorKind,
        time_wish.ended_by_kind: access_event::ActorKind,
        time_wish.status: time_wish::Status,
        version_assent.by_kind: access_event::ActorKind,
        version_assent.given: version_assent::Given,
        version_assent.setting: version_assent::Setting,
        version_assent.side: agreement_version::Party,
        version_objection.by_kind: access_event::ActorKind,
        version_objection.ending: version_objection::Ending,
        version_objection.how: agreement_offer::Way,
    };
    assert_eq!(value_lists(), expected);
}

#[tokio::test]
async fn a_value_outside_its_list_is_refused() {
    let (_database, db, _world) = populated().await;
    let guarded = [
        "goal_revision",
        "plan_item_revision",
        "progress_note",
        "thread_message",
        "battery_answer",
        "battery_answer_set",
        "template_item",
        "template_use",
        "change_entry",
        "domain_event",
        "access_event",
        "access_assessment",
        "version_assent",
        "version_objection",
        "patient_undecided",
        "guardian_exception",
        "agreement_offer",
        "agreement_request",
        "plan_link",
        "safety_instruction",
        "contact_request_pass",
        "contact_function_rule",
        "reminder_ladder",
        "sending_hold",
    ];
    // What a task is cannot be changed at all: that is refused before its value is looked at.
    let fixed = [("task", "kind"), ("task", "created_by_kind")];
    for (table, column, _) in value_lists() {
        if fixed.contains(&(table.as_str(), column.as_str())) {
            continue;
        }
        if !guarded.contains(&table.as_str()) {
            let update = format!("UPDATE {table} SET {column} = 'ELSE'");
            // A rule that ties columns together may be the first to refuse.
            assert_refused(db.execute_unprepared(&update).await, &format!("ck_{table}_"));
        }
    }
}
