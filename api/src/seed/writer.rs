//! From what is to be told to the rows that tell it, as the use cases would leave them: texts sealed, versions
//! hashed, people occupied, care relations opened.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use entity::{
    AgreementId, AppointmentId, AssignmentId, CareContactId, CareProviderId, CareRelationId, CareUnitId,
    ContactWayId, GoalId, GoalRevisionId, PatientId, PatientIdentityId, PlanItemId, PlanItemRevisionId,
    ReminderPreferenceId, ScheduleId, Sealed, SlotId, StaffMemberId,
    access_event::ActorKind,
    agreement,
    agreement_version::{self, Party},
    appointment, appointment_type, assignment, care_contact, care_relation, contact_way, goal, goal_revision,
    occupancy, patient, patient_identity, plan_item,
    plan_item_revision::{self, Category, Owner, Timing},
    reminder_preference, slot, thread, thread_message, version_goal, version_item,
};
use uuid::Uuid;

use super::{batch::Batch, ids::Ids, people::Person, places};
use crate::{
    calendar::{CancelRule, ClosingDays, OpenSpan, OpeningHours, ZONE, cancel_by, to_local},
    crypto::Place,
    db::Tx,
    domain::{
        agreement::{
            canonical::{self, Document, GoalWording, ItemWording},
            content::AgreementContent,
        },
        booking::{self, rules::cells},
        thread::{self as messages, rules::answer_by},
    },
    error::Fault,
    session::Core,
};

/// Data of ours, not another system's.
pub const OWN: &str = "OWN";

/// A unit with what is needed to refer to it.
#[derive(Clone, Debug)]
pub struct Unit {
    pub id: CareUnitId,
    pub provider: CareProviderId,
    pub phone: String,
    pub workers: Vec<Worker>,
    pub types: Vec<appointment_type::Model>,
    /// The unit's own schedule, of times that belong to nobody in particular.
    pub schedule: ScheduleId,
}

/// A staff member under one assignment, with a schedule.
#[derive(Clone, Debug)]
pub struct Worker {
    pub member: StaffMemberId,
    pub assignment: AssignmentId,
    pub name: String,
    pub title: String,
    pub role: assignment::Role,
    pub person_hsa_id: String,
    pub assignment_hsa_id: String,
    pub schedule: ScheduleId,
}

/// Whose rows are written, and which unit answers for them.
#[derive(Clone, Copy, Debug)]
pub struct Whose {
    pub patient: PatientId,
    pub unit: CareUnitId,
    pub provider: CareProviderId,
}

/// When an item is due.
#[derive(Clone, Debug)]
pub enum When {
    On(NaiveDate),
    Between(NaiveDate, NaiveDate),
    /// RRULE from a day on, followed up on another.
    Every(&'static str, NaiveDate, NaiveDate),
    /// What it waits for, and the latest follow-up.
    After(String, NaiveDate),
}

#[derive(Clone, Debug)]
pub struct GoalText {
    pub text: String,
    pub status: goal::Status,
    pub achievement: goal::Achievement,
    pub set_by: Party,
    pub target_on: Option<NaiveDate>,
}

#[derive(Clone, Debug)]
pub struct ItemText {
    pub category: Category,
    pub title: String,
    pub description: Option<String>,
    pub owner: Owner,
    pub when: When,
    /// The unit that answers for the item, when it is another than the agreement's.
    pub unit: Option<CareUnitId>,
    pub responsible: Option<AssignmentId>,
    /// Counted from 0.
    pub goal: Option<usize>,
    pub result_how: Option<String>,
    pub result_by: Option<NaiveDate>,
    pub status: plan_item::Status,
    pub status_reason: Option<String>,
    pub work_note: Option<String>,
}

/// How far an agreement has come.
#[derive(Clone, Copy, Debug)]
pub enum Stage {
    Draft,
    /// By care; waits for the patient.
    Proposed,
    Active,
    Ended(DateTime<Utc>, agreement::EndReason),
}

#[derive(Clone, Debug)]
pub struct AgreementText {
    pub stage: Stage,
    pub content: AgreementContent,
    pub goals: Vec<GoalText>,
    pub items: Vec<ItemText>,
    /// Of the role CARE: draws up the agreement and assents for care.
    pub author: AssignmentId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

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

/// Collects rows.
#[derive(Clone, Debug)]
pub struct Writer {
    pub core: Core,
    pub ids: Ids,
    pub batch: Batch,
    /// The day, in Sweden.
    pub today: NaiveDate,
    /// When the day began: all that is seeded is older than what happens later in the day.
    pub at: DateTime<Utc>,
}

impl Writer {
    pub fn new(core: &Core, name: &str) -> Self {
        let now = core.clock.now();
        Self {
            core: core.clone(),
            ids: Ids::new(now, name),
            batch: Batch::default(),
            today: to_local(now).date_naive(),
            at: now.date_naive().and_time(NaiveTime::MIN).and_utc(),
        }
    }

    /// Writes what has been collected, in one transaction.
    pub async fn flush(&mut self) -> Result<usize, Fault> {
        self.flush_and(async |_| Ok(())).await
    }

    /// Writes what has been collected and what `more` adds, in one transaction.
    pub async fn flush_and(
        &mut self,
        more: impl AsyncFnOnce(&Tx) -> Result<(), Fault>,
    ) -> Result<usize, Fault> {
        let mut batch = std::mem::take(&mut self.batch);
        let rows = batch.len();
        self.core
            .db
            .write(async |tx| -> Result<(), Fault> {
                batch.flush(tx).await?;
                more(tx).await
            })
            .await?;
        Ok(rows)
    }

    pub fn seal(&self, column: &'static str, row: impl Into<Uuid>, text: &str) -> Result<Sealed, Fault> {
        self.core.keys.seal(Place::new(column, row), text)
    }

    fn seal_opt(
        &self,
        column: &'static str,
        row: impl Into<Uuid>,
        text: Option<&str>,
    ) -> Result<Option<Sealed>, Fault> {
        self.core.keys.seal_opt(Place::new(column, row), text)
    }

    /// A patient listed at a unit, with the number; `protected` and `access_needs` as given.
    pub fn patient(
        &mut self,
        person: &Person,
        unit: &Unit,
        protected: patient::ProtectedIdentity,
        access_needs: Option<&str>,
    ) -> Result<Whose, Fault> {
        let id: PatientId = self.ids.next();
        let created_at = self.at - TimeDelta::days(700);
        let access_needs = self.seal_opt(places::ACCESS_NEEDS, id, access_needs)?;
        self.batch.patient.push(patient::Model {
            id,
            care_unit_id: unit.id,
            care_provider_id: unit.provider,
            given_name: person.given_name.to_owned(),
            family_name: person.family_name.to_owned(),
            name_search: format!("{} {}", person.family_name, person.given_name).to_lowercase(),
            birth_date: person.birth_date,
            language: "sv".to_owned(),
            protected_identity: protected,
            interpreter_language: None,
            access_needs,
            deceased_on: None,
            source: OWN.to_owned(),
            created_at,
            row_version: 1,
        });
        let identity: PatientIdentityId = self.ids.next();
        let number = self.seal(places::NUMBER, identity, &person.number)?;
        let kind = if person.coordination {
            patient_identity::Kind::Samordningsnummer
        } else {
            patient_identity::Kind::Personnummer
        };
        self.batch.patient_identity.push(patient_identity::Model {
            id: identity,
            patient_id: id,
            care_unit_id: unit.id,
            care_provider_id: unit.provider,
            kind,
            issuer: None,
            number,
            lookup: self.core.keys.lookup_hash(places::IDENTITY_LOOKUP, &person.number),
            is_current: true,
            created_at,
        });
        Ok(Whose { patient: id, unit: unit.id, provider: unit.provider })
    }

    pub fn contact_way(
        &mut self,
        whose: Whose,
        channel: contact_way::Channel,
        address: &str,
    ) -> Result<(), Fault> {
        let id: ContactWayId = self.ids.next();
        let sealed = self.seal(places::ADDRESS, id, address)?;
        self.batch.contact_way.push(contact_way::Model {
            id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            channel,
            address: sealed,
            lookup: self.core.keys.lookup_hash(places::ADDRESS, address),
            status: contact_way::Status::Good,
            created_at: self.at - TimeDelta::days(400),
            row_version: 1,
        });
        Ok(())
    }

    /// The patient has said yes, to the text that was shown.
    pub fn opt_in(
        &mut self,
        whose: Whose,
        kind: reminder_preference::PreferenceKind,
        channel: contact_way::Channel,
        detail: reminder_preference::Detail,
        text_shown: &str,
    ) {
        let id: ReminderPreferenceId = self.ids.next();
        self.batch.reminder_preference.push(reminder_preference::Model {
            id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            kind,
            channel,
            opted_in: true,
            detail,
            text_shown: text_shown.to_owned(),
            by_kind: ActorKind::Patient,
            by_id: whose.patient.0,
            decided_at: self.at - TimeDelta::days(300),
            row_version: 1,
        });
    }

    /// Opens the record to the unit, for the reason given.
    pub fn relation(
        &mut self,
        whose: Whose,
        source: care_relation::Source,
        subject: Option<Uuid>,
        valid_from: DateTime<Utc>,
        valid_until: Option<DateTime<Utc>>,
    ) {
        let id: CareRelationId = self.ids.next();
        self.batch.care_relation.push(care_relation::Model {
            id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            source,
            reason: None,
            declaration: None,
            declared_by: None,
            subject_id: subject,
            valid_from,
            valid_until,
            created_at: valid_from,
        });
    }

    /// An agreement with one version.
    pub fn agreement(&mut self, whose: Whose, text: AgreementText) -> Result<AgreementId, Fault> {
        let AgreementText { stage, content, goals, items, author, created_at, updated_at } = text;
        let id: AgreementId = self.ids.next();
        let version = self.ids.next();
        let mut document =
            Document { agreement: id, number: 1, base: None, content, goals: Vec::new(), items: Vec::new() };
        let at = Wording { agreement: id, version, whose, author, created_at };
        for (n, goal) in goals.into_iter().enumerate() {
            let priority = i32::try_from(n + 1).unwrap_or(i32::MAX);
            document.goals.push(self.goal(&at, goal, priority)?);
        }
        let goal_ids: Vec<GoalId> = document.goals.iter().map(|goal| goal.id).collect();
        for item in items {
            document.items.push(self.item(&at, item, &goal_ids)?);
        }
        let (status, version_status, ended) = match stage {
            Stage::Draft => (agreement::Status::Draft, agreement_version::Status::Draft, None),
            Stage::Proposed => (agreement::Status::Proposed, agreement_version::Status::Proposed, None),
            Stage::Active => (agreement::Status::Active, agreement_version::Status::Active, None),
            Stage::Ended(at, reason) => {
                (agreement::Status::Ended, agreement_version::Status::Ended, Some((at, reason)))
            }
        };
        let proposed = !matches!(stage, Stage::Draft);
        let agreed = !matches!(stage, Stage::Draft | Stage::Proposed);
        let json = serde_json::to_string(&document.content).map_err(Fault::internal)?;
        let sealed = self.seal(places::CONTENT, version, &json)?;
        self.batch.agreement.push(agreement::Model {
            id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            region: self.core.settings.region.clone(),
            status,
            current_version_id: version,
            end_reason: ended.map(|(_, reason)| reason),
            ended_at: ended.map(|(at, _)| at),
            created_at,
            updated_at,
            row_version: 1,
        });
        let assent_at = created_at + TimeDelta::days(2);
        self.batch.agreement_version.push(agreement_version::Model {
            id: version,
            agreement_id: id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            number: 1,
            base_version_id: None,
            status: version_status,
            content: sealed,
            hash: if proposed { Some(document.digest()?) } else { None },
            hash_format: canonical::FORMAT,
            proposed_by: proposed.then_some(Party::Care),
            proposed_at: proposed.then_some(created_at),
            patient_assent_at: agreed.then_some(assent_at),
            patient_assent_kind: agreed.then_some(ActorKind::Patient),
            patient_assent_id: agreed.then_some(whose.patient.0),
            care_assent_at: proposed.then_some(created_at),
            care_assent_id: proposed.then_some(author),
            created_at,
            row_version: 1,
        });
        let until = ended.map(|(at, _)| at);
        self.relation(whose, care_relation::Source::Agreement, Some(id.0), created_at, until);
        Ok(id)
    }

    fn goal(&mut self, at: &Wording, text: GoalText, priority: i32) -> Result<GoalWording, Fault> {
        let (id, revision): (GoalId, GoalRevisionId) = (self.ids.next(), self.ids.next());
        let whose = at.whose;
        let (by_kind, by_id) = at.by(text.set_by);
        self.batch.goal.push(goal::Model {
            id,
            agreement_id: at.agreement,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            status: text.status,
            achievement: text.achievement,
            set_by: text.set_by,
            created_at: at.created_at,
            row_version: 1,
        });
        let sealed = self.seal(places::GOAL, revision, &text.text)?;
        self.batch.goal_revision.push(goal_revision::Model {
            id: revision,
            goal_id: id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            text: sealed,
            priority,
            target_on: text.target_on,
            by_kind,
            by_id,
            created_at: at.created_at,
        });
        self.batch.version_goal.push(version_goal::Model {
            version_id: at.version,
            goal_id: id,
            goal_revision_id: revision,
        });
        Ok(GoalWording { id, text: text.text, priority, target_on: text.target_on })
    }

    fn item(&mut self, at: &Wording, text: ItemText, goals: &[GoalId]) -> Result<ItemWording, Fault> {
        let (id, revision): (PlanItemId, PlanItemRevisionId) = (self.ids.next(), self.ids.next());
        let whose = at.whose;
        let proposed_by = if text.owner == Owner::Patient { Party::Patient } else { Party::Care };
        let (by_kind, by_id) = at.by(proposed_by);
        let settled = !matches!(text.status, plan_item::Status::Proposed | plan_item::Status::Accepted);
        let (status_reason, work_note) = (
            self.seal_opt(places::STATUS_REASON, id, text.status_reason.as_deref())?,
            self.seal_opt(places::WORK_NOTE, id, text.work_note.as_deref())?,
        );
        self.batch.plan_item.push(plan_item::Model {
            id,
            agreement_id: at.agreement,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            status: text.status,
            proposed_by,
            status_reason,
            status_by_kind: settled.then_some(by_kind),
            status_at: settled.then_some(at.created_at + TimeDelta::days(3)),
            work_note,
            created_at: at.created_at,
            row_version: 1,
        });
        let (timing, starts_on, due_on, recurrence, trigger) = match text.when {
            When::On(day) => (Timing::Date, None, day, None, None),
            When::Between(from, until) => (Timing::Period, Some(from), until, None, None),
            When::Every(rule, from, until) => {
                (Timing::Recurrence, Some(from), until, Some(rule.to_owned()), None)
            }
            When::After(what, latest) => (Timing::Trigger, None, latest, None, Some(what)),
        };
        let wording = ItemWording {
            id,
            category: text.category,
            title: text.title,
            description: text.description,
            owner: text.owner,
            timing,
            due_on: Some(due_on),
            starts_on,
            recurrence,
            trigger,
            responsible_unit: text.unit.or(Some(whose.unit)),
            responsible_assignment: text.responsible,
            goal: text.goal.and_then(|n| goals.get(n).copied()),
            result_how: text.result_how,
            result_by: text.result_by,
        };
        let row = plan_item_revision::Model {
            id: revision,
            plan_item_id: id,
            patient_id: whose.patient,
            care_unit_id: whose.unit,
            care_provider_id: whose.provider,
            category: wording.category,
            title: self.seal(places::TITLE, revision, &wording.title)?,
            description: self.seal_opt(places::DESCRIPTION, revision, wording.description.as_deref())?,
            owner: wording.owner,
            timing,
            due_on: wording.due_on,
            starts_on,
            recurrence: wording.recurrence.clone(),
            trigger: self.seal_opt(places::TRIGGER, revision, wording.trigger.as_deref())?,
            responsible_unit_id: wording.responsible_unit,
            responsible_assignment_id: wording.responsible_assignment,
            goal_id: wording.goal,
            result_how: self.seal_opt(places::RESULT_HOW, revision, wording.result_how.as_deref())?,
            result_by: wording.result_by,
            by_kind,
            by_id,
            created_at: at.created_at,
        };
        self.batch.plan_item_revision.push(row);
        self.batch.version_item.push(version_item::Model {
            version_id: at.version,
            plan_item_id: id,
            plan_item_revision_id: revision,
        });
        Ok(wording)
    }

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
            status: if ended.is_some() { care_contact::Status::Ended } else { care_contact::Status::Active },
            valid_from: text.from,
            valid_until: None,
            review_on: ended.is_none().then(|| self.today + TimeDelta::days(180)),
            appointed_by: worker.assignment.0,
            on_request: text.on_request,
            ended_at: ended.as_ref().map(|(at, _)| *at),
            end_reason: self.seal_opt(places::END_REASON, id, ended.as_ref().map(|(_, why)| why.as_str()))?,
            consultation: ended.as_ref().map(|_| care_contact::Consultation::Consulted),
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
            schedule_id: worker.map_or(unit.schedule, |worker| worker.schedule),
            care_unit_id: unit.id,
            care_provider_id: unit.provider,
            appointment_type_id: kind.id,
            assignment_id: worker.map(|worker| worker.assignment),
            starts_at,
            ends_at,
            local_start: to_local(starts_at).format("%Y-%m-%dT%H:%M").to_string(),
            zone: ZONE.name().to_owned(),
            seats: 1,
            open_seats: i32::from(free),
            web_bookable: kind.web_bookable,
            source: OWN.to_owned(),
            created_at: self.at.min(starts_at - TimeDelta::days(60)),
        };
        if let Some(worker) = worker {
            self.occupy(worker.member.0, id.0, starts_at, ends_at);
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
            confirmed_at: None,
            cancelled_at: None,
            cancelled_by: None,
            source: OWN.to_owned(),
            created_at,
            row_version: 1,
        };
        self.occupy(whose.patient.0, id.0, slot.starts_at, slot.ends_at);
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
    pub fn thread(&mut self, whose: Whose, subject: &str, lines: &[Line]) -> Result<entity::ThreadId, Fault> {
        let id: entity::ThreadId = self.ids.next();
        let author = |staff: Option<AssignmentId>| match staff {
            Some(assignment) => (ActorKind::Staff, assignment.0),
            None => (ActorKind::Patient, whose.patient.0),
        };
        let (first, last) = match (lines.first(), lines.last()) {
            (Some((_, first, _)), Some((staff, last, _))) => (*first, (author(*staff).0, *last)),
            _ => return Err(Fault::internal("a thread needs a message")),
        };
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
            last_author: last.0,
            answer_by: if last.0 == ActorKind::Patient {
                answer_by(&opening_hours(), &ClosingDays::new(), last.1)
            } else {
                None
            },
            created_at: first,
        });
        for (staff, sent_at, body) in lines {
            let (author_kind, author_id) = author(*staff);
            let message = self.ids.next();
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

/// When seeded units are open: weekdays.
pub fn opening_hours() -> OpeningHours {
    OpenSpan::new("08:00", "16:30").map(OpeningHours::weekdays).unwrap_or_default()
}

/// What the wordings of one version have in common.
struct Wording {
    agreement: AgreementId,
    version: entity::AgreementVersionId,
    whose: Whose,
    author: AssignmentId,
    created_at: DateTime<Utc>,
}

impl Wording {
    fn by(&self, party: Party) -> (ActorKind, Uuid) {
        match party {
            Party::Patient => (ActorKind::Patient, self.whose.patient.0),
            Party::Care => (ActorKind::Staff, self.author.0),
        }
    }
}
