//! Whom an access concerned.

use sea_orm::entity::prelude::*;

use crate::{AccessEventId, PatientId};

/// One patient in one [`crate::access_event`].
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_event_patient")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: AccessEventId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: PatientId,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
