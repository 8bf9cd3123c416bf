//! What happens between patient and care: contacts, times, conversations.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AppointmentId, AssignmentId, CareContactId, SlotId, ThreadId, ThreadMessageId, access_event::ActorKind,
    appointment, appointment_type, care_contact, care_relation, occupancy, seat_claim, slot, slot_staff,
    thread, thread_message,
};
use uuid::Uuid;

use super::{
    places,
    writer::{OWN, Unit, Whose, Worker, Writer, opening_hours},
};
use crate::{
    calendar::{CancelRule, ClosingDays, ZONE, cancel_by, time_slice, to_local},
    domain::{
        booking::{self, rules::cells},
        thread::{self as messages, rules::answer_by},
    },
    error::Fault,
};

#[derive(Clone, Debug)]
pub struct ContactText {
    pub role: care_contact::Role,
    pub treating_kind: Option<care_contact::TreatingKind>,
    pub lead: bool,
    pub how_to_reach: Option<String>,
    pub from: DateTime<Utc>,
    pub ended: Option<(DateTime<Utc>, String)>,
    pub on_request: bool,
}

/// A message and who wrote it: the patient, or staff under an assignment.
pub type Line = (Option<AssignmentId>, DateTime<Utc>, String);

impl Writer {
    /// A contact who is staff at the unit.
    pub fn contact(
        &mut self,
        whose: Whose,
        worker: &Worker,
        phone: &str,
        text: ContactText,
    ) -> Result<(), Fault> {
        let id: CareContactId = self.ids.next();
        let ended = text.ended;
        let row = care_contact::Model {
            id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            region: self.core.settings.region.clone(),
            role: text.role,
            treating_kind: text.treating_kind,
            is_lead: text.lead,
            assignment_id: Some(worker.assignment),
            name: worker.name.clone(),
            function: worker.title.clone(),
            phone: Some(self.seal(places::PHONE, id, phone)?),
            how_to_reach: self.seal_opt(places::HOW_TO_REACH, id, text.how_to_reach.as_deref())?,
            reach_hours: None,
            status: if ended.is_some() { care_contact::Status::Ended } else { care_contact::Status::Active },
            valid_from: text.from,
            valid_until: None,
            review_on: ended.is_none().then(|| self.today + TimeDelta::days(180)),
            appointed_by: worker.assignment.0,
            on_request: text.on_request,
            ended_at: ended.as_ref().map(|(at, _)| *at),
            end_reason: self.seal_opt(places::END_REASON, id, ended.as_ref().map(|(_, why)| why.as_str()))?,
            consultation: ended.as_ref().map(|_| care_contact::Consultation::Consulted),
            told_ground: None,
            follows_id: None,
            row_version: 1,
        };
        self.batch.care_contact.push(row);
        let until = ended.map(|(at, _)| at);
        self.relation(whose, care_relation::Source::Contact, Some(id.0), text.from, until);
        Ok(())
    }

    /// A published time with one seat, free or taken. Staff are occupied by times that lie ahead.
    pub fn slot(
        &mut self,
        unit: &Unit,
        worker: Option<&Worker>,
        kind: &appointment_type::Model,
        starts_at: DateTime<Utc>,
        free: bool,
    ) -> slot::Model {
        let id: SlotId = self.ids.next();
        let ends_at = starts_at + TimeDelta::minutes(i64::from(kind.length_minutes));
        let row = slot::Model {
            id,
            schedule_id: None,
            care_unit_id: unit.id,
            care_provider_id: unit.provider,
            appointment_type_id: kind.id,
            assignment_id: worker.map(|worker| worker.assignment),
            starts_at,
            ends_at,
            local_start: to_local(starts_at).format("%Y-%m-%dT%H:%M").to_string(),
            zone: ZONE.name().to_owned(),
            time_slice: time_slice(starts_at),
            seats: 1,
            open_seats: i32::from(free),
            web_bookable: true,
            withdrawn_at: None,
            withdrawal: None,
            withdrawn_for: None,
            source: OWN.to_owned(),
            created_at: self.at.min(starts_at - TimeDelta::days(60)),
        };
        if let Some(worker) = worker {
            self.occupy(worker.member.0, id.0, starts_at, ends_at);
            let assignment_id = worker.assignment;
            self.batch.slot_staff.push(slot_staff::Model { slot_id: id, assignment_id, starts_at });
        }
        self.batch.slot.push(row.clone());
        row
    }

    /// A time booked for the patient at `created_at`; one that is past was attended.
    pub fn appointment(
        &mut self,
        whose: Whose,
        slot: &slot::Model,
        kind: &appointment_type::Model,
        origin: appointment::Origin,
        created_at: DateTime<Utc>,
    ) -> appointment::Model {
        let id: AppointmentId = self.ids.next();
        let past = slot.starts_at < self.at;
        let working_days = u32::try_from(kind.cancel_working_days).unwrap_or(0);
        let row = appointment::Model {
            id,
            patient_id: whose.patient,
            care_unit_id: slot.care_unit_id,
            care_provider_id: slot.care_provider_id,
            slot_id: slot.id,
            seat_no: 1,
            appointment_type_id: kind.id,
            assignment_id: slot.assignment_id,
            plan_item_id: None,
            status: if past { appointment::Status::Attended } else { appointment::Status::Booked },
            origin,
            booking_channel: match origin {
                appointment::Origin::Agreed => appointment::BookingChannel::OnSite,
                appointment::Origin::SelfBooked => appointment::BookingChannel::Web,
            },
            mode: kind.mode,
            starts_at: slot.starts_at,
            ends_at: slot.ends_at,
            cancel_by: cancel_by(slot.starts_at, CancelRule { working_days }, &ClosingDays::new()),
            schedule_version: 1,
            known_starts_at: None,
            confirmed_at: None,
            cancelled_at: None,
            cancelled_by: None,
            booked_by: match origin {
                appointment::Origin::Agreed => ActorKind::Staff,
                appointment::Origin::SelfBooked => ActorKind::Patient,
            },
            confirmed_by: None,
            outcome_at: past.then_some(slot.ends_at),
            item_closed_at: None,
            conditions: None,
            conditions_version: None,
            conditions_accepted_at: None,
            conditions_accepted_by: None,
            source: OWN.to_owned(),
            created_at,
            row_version: 1,
        };
        self.occupy(whose.patient.0, id.0, slot.starts_at, slot.ends_at);
        self.batch.seat_claim.push(seat_claim::Model {
            id: id.0,
            patient_id: whose.patient,
            care_unit_id: slot.care_unit_id,
            care_provider_id: slot.care_provider_id,
            slot_id: slot.id,
            seat_no: row.seat_no,
            starts_at: slot.starts_at,
            ends_at: slot.ends_at,
            held_until: None,
            by_kind: row.booked_by,
            by_id: whose.patient.0,
            created_at,
        });
        let until = slot.ends_at + booking::RELATION_AFTER;
        let whose = Whose { unit: slot.care_unit_id, provider: slot.care_provider_id, ..whose };
        self.relation(whose, care_relation::Source::Appointment, Some(id.0), created_at, Some(until));
        self.batch.appointment.push(row.clone());
        row
    }

    /// What is past binds nobody.
    fn occupy(&mut self, subject: Uuid, holder: Uuid, from: DateTime<Utc>, until: DateTime<Utc>) {
        if until <= self.at {
            return;
        }
        self.batch.occupancy.extend(cells(from, until).into_iter().map(|cell| occupancy::Model {
            subject_id: subject,
            cell_start: cell,
            holder_id: holder,
        }));
    }

    /// A conversation of at least one message, in the order of time.
    pub fn thread(&mut self, whose: Whose, subject: &str, lines: &[Line]) -> Result<ThreadId, Fault> {
        let id: ThreadId = self.ids.next();
        let author = |staff: Option<AssignmentId>| match staff {
            Some(assignment) => (ActorKind::Staff, assignment.0),
            None => (ActorKind::Patient, whose.patient.0),
        };
        let (first, last) = match (lines.first(), lines.last()) {
            (Some((_, first, _)), Some((staff, last, _))) => (*first, (author(*staff).0, *last)),
            _ => return Err(Fault::internal("a thread needs a message")),
        };
        let messages: Vec<ThreadMessageId> = lines.iter().map(|_| self.ids.next()).collect();
        let last_message_id = messages.iter().copied().max().unwrap_or(ThreadMessageId(id.0));
        let sealed = self.seal(places::SUBJECT, id, subject)?;
        self.batch.thread.push(thread::Model {
            id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            kind: thread::Kind::PatientCare,
            subject: sealed,
            status: thread::Status::Open,
            last_message_at: last.1,
            last_message_id,
            last_author: last.0,
            answer_by: (last.0 == ActorKind::Patient)
                .then(|| answer_by(&opening_hours(), &ClosingDays::new(), last.1)),
            to_role: None,
            to_treating_kind: None,
            role_unit_id: None,
            from_unit_id: None,
            begun_by_link: false,
            created_at: first,
        });
        for ((staff, sent_at, body), message) in lines.iter().zip(messages) {
            let (author_kind, author_id) = author(*staff);
            let body = self.seal(places::BODY, message, body)?;
            self.batch.thread_message.push(thread_message::Model {
                id: message,
                thread_id: id,
                patient_id: whose.patient,
                care_unit_id: whose.unit,
                care_provider_id: whose.provider,
                author_kind,
                author_id,
                body,
                sent_at: *sent_at,
            });
        }
        self.relation(
            whose,
            care_relation::Source::Thread,
            Some(id.0),
            first,
            Some(last.1 + messages::RELATION_AFTER),
        );
        Ok(id)
    }
}
