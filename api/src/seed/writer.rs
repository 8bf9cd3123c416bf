//! From what is to be told to the rows that tell it, as the use cases would leave them: texts sealed, versions
//! hashed, people occupied, care relations opened.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use entity::{
    AssignmentId, CareProviderId, CareRelationId, CareUnitId, ContactWayId, PatientId, PatientIdentityId,
    ReminderPreferenceId, Sealed, StaffMemberId, access_event::ActorKind, appointment_type, assignment,
    care_relation, contact_way, patient, patient_identity, reminder_preference,
};
use uuid::Uuid;

use super::{batch::Batch, ids::Ids, people::Person, places};
use crate::{
    calendar::{OpenSpan, OpeningHours, to_local},
    crypto::Place,
    db::Tx,
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
}

/// A staff member under one assignment.
#[derive(Clone, Debug)]
pub struct Worker {
    pub member: StaffMemberId,
    pub assignment: AssignmentId,
    pub name: String,
    pub title: String,
    pub role: assignment::Role,
    pub person_hsa_id: String,
    pub assignment_hsa_id: String,
}

/// Whose rows are written, and which unit answers for them.
#[derive(Clone, Copy, Debug)]
pub struct Whose {
    pub patient: PatientId,
    pub unit: CareUnitId,
    pub provider: CareProviderId,
}

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
    /// Whether what is written has a history too: the demo's has, a large population for measuring has none.
    pub tells: bool,
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
            tells: false,
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

    pub fn seal_opt(
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
            text_version: None,
            by_kind: ActorKind::Patient,
            by_id: whose.patient.0,
            decided_at: self.at - TimeDelta::days(300),
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
}

/// When seeded units are open: weekdays.
pub fn opening_hours() -> OpeningHours {
    OpenSpan::new("08:00", "16:30").map(OpeningHours::weekdays).unwrap_or_default()
}
