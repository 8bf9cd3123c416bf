//! Question batteries (frågebatterier) as they were answered: the exact text, kept beside the answers.

use sea_orm::entity::prelude::*;

use crate::QuestionBatteryId;

/// One version of one battery. Written with its first answer, never altered.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "question_battery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: QuestionBatteryId,
    /// Its name, such as `five-questions`.
    pub key: String,
    /// 1, 2, 3 …
    pub version: i32,
    /// Questions and texts, as JSON.
    pub definition: String,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
