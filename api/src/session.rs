//! What one request carries: the service's parts, who asks, in which language, and what it has touched.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use entity::{access_event::Outcome, contact_way::Channel};

use crate::{
    access::{AccessLog, Record, Trail},
    auth::actor::Actor,
    calendar::SendingHours,
    clock::Clock,
    crypto::Keyring,
    db::Db,
    domain::{
        agreement::patient_group::PatientGroup, plan_item::guarantee::Guarantee, representative::rules::Ages,
        time_wish::sweep::Turn,
    },
    error::Fault,
    library::Library,
    locale::Locale,
    reminder::{hold::Watch, render::Renderer},
};

/// The region's choices that domain rules depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The coordinating region's code.
    pub region: String,
    pub fixed_contacts: FixedContactPolicy,
    /// The words, in lower case, by which a title is a doctor's.
    pub doctor_titles: Vec<String>,
    pub reminders_enabled: bool,
    pub links: Links,
    /// When patients are written to; notices are planned and sent within them.
    pub hours: SendingHours,
    /// Days until the need for a contact is reconsidered, where nobody chose a day.
    pub contact_review_days: u32,
    /// Days before a contact's end or absence at which a missing successor or substitute becomes a task.
    pub handover_lead_days: u32,
    /// Where "ring 1177" points: the number that always answers.
    pub after_hours_phone: String,
    /// The channels by which messages leave; a yes to another leads nowhere until it is configured.
    pub channels: Vec<Channel>,
    /// Whether the SMS gateway reports what became of each message.
    pub sms_reports: bool,
    /// When access passes from guardians to the young person.
    pub ages: Ages,
    /// When the day's call of a daily follow-up has been made, local wall clock; after it, it is missed.
    pub daily_call_until: NaiveTime,
    /// How soon somebody sees to it that a patient who was not called is reached.
    pub missed_call_due: TimeDelta,
    /// How soon what is missing before a patient goes home is put right.
    pub discharge_gap_due: TimeDelta,
    /// Days ahead for which schedules have become slots.
    pub schedule_horizon_days: u32,
    /// Working days within which care must appoint a contact that a patient has asked for.
    pub contact_request_days: u32,
    /// Days within which care must have begun the agreement that a patient has asked for.
    pub agreement_request_days: i64,
    /// The groups that an agreement can be counted under.
    pub patient_groups: Vec<PatientGroup>,
    pub plan: PlanRules,
    pub booking: BookingRules,
    /// How long a time is held for somebody who decides.
    pub slot_hold: TimeDelta,
    /// Days after a visit at which a missing outcome becomes a task.
    pub outcome_missing_days: i64,
}

/// What the region has decided about plans: days that something may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanRules {
    /// Working days until care has answered a concern about an item.
    pub concern_answer_working_days: u32,
    /// Working days until somebody has given an agreement a next step again.
    pub orphan_working_days: u32,
    /// Days past its date for which an item still counts as the next step.
    pub late_step_days: u16,
    pub guarantee: Guarantee,
}

impl Default for PlanRules {
    fn default() -> Self {
        Self {
            concern_answer_working_days: 2,
            orphan_working_days: 2,
            late_step_days: 14,
            guarantee: Guarantee::default(),
        }
    }
}

/// What the region has decided about booked times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookingRules {
    /// Between visits at different places.
    pub travel_minutes: u32,
    /// Between visits at the same unit, and around a call.
    pub same_unit_gap_minutes: u32,
    /// Days ahead within which times of somebody who is away are moved to others.
    pub rebook_within_days: u32,
    /// Minutes within the sending hours to answer the offer of a freed time.
    pub offer_minutes: u32,
    /// Minutes before a time begins at which it is no longer offered.
    pub offer_latest_minutes: u32,
    /// Working days within which a wish for a time is answered.
    pub wish_answer_working_days: u32,
}

impl Default for BookingRules {
    fn default() -> Self {
        Self {
            travel_minutes: 30,
            same_unit_gap_minutes: 0,
            rebook_within_days: 30,
            offer_minutes: 120,
            offer_latest_minutes: 120,
            wish_answer_working_days: 5,
        }
    }
}

/// Links in messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Where patients reach this service, without a slash at the end; without it messages carry no links.
    pub base: Option<String>,
    /// Whether a message has a link to confirm, cancel or ask for another time: the region's decision.
    pub act: bool,
}

/// How many fasta vårdkontakter a patient may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedContactPolicy {
    /// Exactly one.
    Single,
    /// Several, one of them main responsible (huvudansvarig).
    SeveralWithLead,
}

/// The parts that every request uses. Clones share them.
#[derive(Clone, Debug)]
pub struct Core {
    pub db: Db,
    pub clock: Clock,
    pub keys: Keyring,
    pub log: AccessLog,
    pub settings: Arc<Settings>,
    pub library: Arc<Library>,
    pub texts: Arc<Renderer>,
    pub watch: Watch,
    /// How far this instance has come with those who wait for a time.
    pub wishes: Turn,
}

/// One request of one actor.
#[derive(Debug)]
pub struct Session {
    pub core: Core,
    pub actor: Actor,
    pub locale: Locale,
    pub request_id: String,
    pub trail: Trail,
}

impl Session {
    pub fn new(core: Core, actor: Actor, locale: Locale, request_id: String) -> Self {
        Self { core, actor, locale, request_id, trail: Trail::default() }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.core.clock.now()
    }

    /// An access-log record of this request.
    pub fn record(&self, action: &str, outcome: Outcome, reason: Option<&str>) -> Record {
        Record {
            actor: self.actor.clone(),
            action: action.to_owned(),
            outcome,
            reason: reason.map(str::to_owned),
            words: None,
            request_id: self.request_id.clone(),
            patients: BTreeSet::new(),
        }
    }

    /// Commits what the operation has touched to the access log. The answer leaves only if this succeeds.
    pub async fn commit_trail(&self, action: &str) -> Result<(), Fault> {
        let touched = self.trail.take();
        if !touched.read.is_empty() {
            let mut record = self.record(action, Outcome::Allowed, None);
            record.patients = touched.read;
            record.words = touched.reason;
            self.core.log.commit(record).await?;
        }
        for (refusal, patients) in touched.refused {
            let mut record = self.record(refusal.action, refusal.outcome(), Some(refusal.code));
            record.patients = patients;
            self.core.log.commit(record).await?;
        }
        for (code, patient) in touched.denied {
            let mut record = self.record(action, Outcome::Denied, Some(code));
            record.patients.extend(patient);
            self.core.log.commit(record).await?;
        }
        Ok(())
    }
}
