//! Units with their staff, appointment types and schedules.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use entity::{
    AppointmentTypeId, AssignmentId, CareProviderId, CareUnitId, StaffMemberId,
    appointment_type::{self, Mode},
    assignment::{self, Role},
    care_provider, care_unit, staff_member,
};

use super::writer::{OWN, Unit, Worker, Writer, opening_hours};
use crate::{
    calendar::{ClosingDays, add_working_days, subtract_working_days, to_instant},
    error::Fault,
};

/// What a unit offers: name, way, minutes, working days of the cancellation rule, preparation.
pub struct TypeText {
    pub name: &'static str,
    pub mode: Mode,
    pub minutes: i32,
    pub web: appointment_type::WebBooking,
    pub cancel_days: i32,
    pub preparation: Option<&'static str>,
}

/// A unit to write.
pub struct UnitText {
    pub provider: CareProviderId,
    pub hsa_id: String,
    pub name: String,
    pub kind: care_unit::Kind,
    pub phone: String,
    pub address: Option<String>,
    pub after_hours: (&'static str, String),
    pub sensitive: bool,
}

/// A staff member to write.
pub struct WorkerText {
    pub name: String,
    pub title: &'static str,
    pub role: Role,
    pub person_hsa_id: String,
    pub assignment_hsa_id: String,
}

impl Writer {
    pub fn provider(&mut self, hsa_id: &str, name: &str, kind: care_provider::Kind) -> CareProviderId {
        let id: CareProviderId = self.ids.next();
        self.batch.care_provider.push(care_provider::Model {
            id,
            hsa_id: Some(hsa_id.to_lowercase()),
            name: name.to_owned(),
            kind,
            region: self.core.settings.region.clone(),
            source: OWN.to_owned(),
        });
        id
    }

    pub fn unit(
        &mut self,
        text: UnitText,
        types: &[TypeText],
        workers: Vec<WorkerText>,
    ) -> Result<Unit, Fault> {
        let id: CareUnitId = self.ids.next();
        let provider = text.provider;
        self.batch.care_unit.push(care_unit::Model {
            id,
            care_provider_id: provider,
            hsa_id: Some(text.hsa_id.to_lowercase()),
            name: text.name,
            kind: text.kind,
            phone: text.phone.clone(),
            address: text.address,
            opening_hours: serde_json::to_string(&opening_hours()).map_err(Fault::internal)?,
            closing_days: "[]".to_owned(),
            after_hours_name: Some(text.after_hours.0.to_owned()),
            after_hours_phone: Some(text.after_hours.1),
            sensitive: text.sensitive,
            source: OWN.to_owned(),
        });
        let types = types.iter().map(|text| self.appointment_type(id, provider, text)).collect();
        let workers = workers.into_iter().map(|text| self.worker(id, provider, text)).collect();
        Ok(Unit { id, provider, phone: text.phone, workers, types })
    }

    fn appointment_type(
        &mut self,
        care_unit_id: CareUnitId,
        care_provider_id: CareProviderId,
        text: &TypeText,
    ) -> appointment_type::Model {
        let id: AppointmentTypeId = self.ids.next();
        let row = appointment_type::Model {
            id,
            care_unit_id,
            care_provider_id,
            name: text.name.to_owned(),
            mode: text.mode,
            length_minutes: text.minutes,
            seats: 1,
            web_booking: text.web,
            conditions: None,
            preparation: text.preparation.map(str::to_owned),
            cancel_working_days: text.cancel_days,
            staff_needed: 0,
            retired_at: None,
            created_at: self.at - TimeDelta::days(800),
            row_version: 1,
        };
        self.batch.appointment_type.push(row.clone());
        row
    }

    fn worker(&mut self, unit: CareUnitId, provider: CareProviderId, text: WorkerText) -> Worker {
        let (member, assignment): (StaffMemberId, AssignmentId) = (self.ids.next(), self.ids.next());
        self.batch.staff_member.push(staff_member::Model {
            id: member,
            issuer: "seed".to_owned(),
            subject: text.person_hsa_id.clone(),
            hsa_id: Some(text.person_hsa_id.to_lowercase()),
            display_name: text.name.clone(),
            title: text.title.to_owned(),
            source: OWN.to_owned(),
        });
        self.batch.assignment.push(assignment::Model {
            id: assignment,
            staff_member_id: member,
            care_unit_id: unit,
            care_provider_id: provider,
            hsa_id: text.assignment_hsa_id.to_lowercase(),
            role: text.role,
            valid_from: self.at - TimeDelta::days(900),
            valid_until: None,
            source: OWN.to_owned(),
        });
        Worker {
            member,
            assignment,
            name: text.name,
            title: text.title.to_owned(),
            role: text.role,
            person_hsa_id: text.person_hsa_id,
            assignment_hsa_id: text.assignment_hsa_id,
        }
    }
}

/// The working days around a day, so that times are found without counting every time anew.
pub struct WorkingDays {
    ahead: Vec<NaiveDate>,
    behind: Vec<NaiveDate>,
}

impl WorkingDays {
    /// So many working days ahead of and behind `today`, the nearest first.
    pub fn around(today: NaiveDate, count: usize) -> Self {
        let none = ClosingDays::new();
        let next = |day: &NaiveDate| Some(add_working_days(*day, 1, &none));
        let before = |day: &NaiveDate| Some(subtract_working_days(*day, 1, &none));
        Self {
            ahead: std::iter::successors(next(&today), next).take(count).collect(),
            behind: std::iter::successors(before(&today), before).take(count).collect(),
        }
    }

    /// The `n`th working day after today, from 0, at a time of the wall clock.
    pub fn ahead(&self, n: usize, time: NaiveTime) -> DateTime<Utc> {
        Self::at(&self.ahead, n, 1, time)
    }

    /// The `n`th working day before today, from 0.
    pub fn behind(&self, n: usize, time: NaiveTime) -> DateTime<Utc> {
        Self::at(&self.behind, n, -1, time)
    }

    /// Beyond what was counted, days follow each other whatever they are.
    fn at(days: &[NaiveDate], n: usize, step: i64, time: NaiveTime) -> DateTime<Utc> {
        let day = days.get(n).copied().unwrap_or_else(|| {
            let last = days.last().copied().unwrap_or_default();
            let beyond = Days::new((n.saturating_sub(days.len()) + 1) as u64);
            if step > 0 { last + beyond } else { last - beyond }
        });
        to_instant(day.and_time(time))
    }
}

/// A time of the day, in half hours from eight in the morning.
pub fn half_hour(n: usize) -> NaiveTime {
    NaiveTime::MIN + TimeDelta::hours(8) + TimeDelta::minutes(30 * i64::try_from(n % 16).unwrap_or(0))
}
