//! Question batteries (frågebatterier): answers before a meeting, from the phone or taken by staff.
//!
//! What was answered stays as it was, questions and all: a correction is a new set of answers.

pub mod answer;
pub mod rules;

use entity::question_battery;
use sea_orm::EntityTrait;

use crate::{db::Db, error::Fault};

/// Every version that has been answered.
pub async fn answered(db: &Db) -> Result<Vec<question_battery::Model>, Fault> {
    db.read(async |db| Ok(question_battery::Entity::find().all(db).await?)).await
}
