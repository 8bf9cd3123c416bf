//! Fictional people: a population for tests and measurements, and a few lives for the demo.
//!
//! [`run`] fills a database with as many patients as wanted; the same plan on the same day gives the same data on
//! either database. [`demo`] tells of some forty people in proper Swedish. Both write through the entities, as the
//! use cases would have left the rows; nobody in them exists ([`people`]).

mod batch;
mod care;
mod demo;
mod history;
mod ids;
mod manifest;
pub mod people;
mod places;
mod plan;
pub mod population;
mod units;
mod writer;

use std::io::Write;

use entity::care_unit;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

pub use demo::{DEMO_ASSIGNMENT_HSA_ID, DEMO_PATIENT_NUMBER, DEMO_STAFF_HSA_ID, demo};

use crate::{auth::token::Identity, error::Fault, session::Core};

/// Patients whose rows share one transaction.
const PATIENTS_AT_ONCE: usize = 20;

/// How much, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedPlan {
    /// At most [`people::MOST`].
    pub patients: u32,
    /// Another seed gives other people.
    pub seed: u64,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub patients: usize,
    pub units: usize,
    pub staff: usize,
    pub rows: usize,
}

/// Why a database is not seeded.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("at most {} patients can be seeded", people::MOST)]
    TooMany,
    #[error("the database has been seeded already; seed an empty one")]
    Seeded,
    #[error(
        "the demo's people were begun and never finished, because it was stopped meanwhile; start with an empty \
         database: name a new --data-dir or remove the old one"
    )]
    Unfinished,
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Writes the population of `plan` to an otherwise unseeded database. Whether it may is the caller's to decide: never
/// in production.
///
/// The manifest gets one line of JSON per person, patients and staff. Tokens are what `issue_token` makes of an
/// identity; without it they are null.
///
/// # Errors
/// Where it cannot be done, see [`SeedError`]; a [`Fault`] also when the manifest cannot be written.
pub async fn run(
    core: &Core,
    plan: SeedPlan,
    issue_token: Option<&dyn Fn(&Identity) -> String>,
    manifest: Option<&mut dyn Write>,
) -> Result<Summary, SeedError> {
    if plan.patients > people::MOST {
        return Err(SeedError::TooMany);
    }
    if unit_of(core, population::HSA_PREFIX).await?.is_some() {
        return Err(SeedError::Seeded);
    }
    let mut manifest = manifest::Manifest { to: manifest, issue_token };
    let mut writer = writer::Writer::new(core, &population::name(plan.seed));
    let days = units::WorkingDays::around(writer.today, 100);
    let mut summary = Summary { patients: plan.patients as usize, ..Summary::default() };

    let units = population::units(&mut writer, plan.patients)?;
    summary.units = units.len();
    summary.staff = units.iter().map(|unit| unit.workers.len()).sum();
    summary.rows += writer.flush().await?;
    for unit in &units {
        manifest.staff(unit)?;
    }
    let numbers: Vec<u32> = (0..plan.patients).collect();
    for some in numbers.chunks(PATIENTS_AT_ONCE) {
        let mut seeded = Vec::with_capacity(some.len());
        for &n in some {
            let (which, in_unit) = (n as usize % units.len(), n as usize / units.len());
            let unit = &units[which];
            seeded.push(population::patient(&mut writer, &days, unit, plan.seed, (n, in_unit))?);
        }
        summary.rows += writer.flush().await?;
        for patient in &seeded {
            manifest.patient(patient)?;
        }
    }
    manifest.end()?;
    Ok(summary)
}

/// A unit whose HSA-id begins like this, if there is one.
async fn unit_of(core: &Core, prefix: &str) -> Result<Option<care_unit::Model>, Fault> {
    core.db
        .read(async |db| -> Result<_, Fault> {
            let unit =
                care_unit::Entity::find().filter(care_unit::Column::HsaId.starts_with(prefix.to_lowercase()));
            Ok(unit.one(db).await?)
        })
        .await
}
