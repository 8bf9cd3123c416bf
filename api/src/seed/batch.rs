//! Rows on their way into the database, many to a statement, in the order in which they refer to each other.

use entity::{
    agreement, agreement_version, appointment, appointment_type, assignment, care_contact, care_provider,
    care_relation, care_unit, change_entry, contact_way, domain_event, goal, goal_revision, occupancy,
    patient, patient_identity, plan_item, plan_item_revision, reminder_preference, representative, schedule,
    schedule_staff, seat_claim, slot, slot_staff, staff_member, thread, thread_message, thread_read,
    version_assent, version_goal, version_item,
};
use sea_orm::{ActiveModelTrait, DbErr, EntityTrait, IntoActiveModel, ModelTrait};

use crate::db::Tx;

/// Rows in one statement: with the widest table, half of the parameters that SQLite takes.
const ROWS: usize = 500;

macro_rules! batch {
    ($($table:ident),+ $(,)?) => {
        /// Rows of every table that is seeded.
        #[derive(Clone, Debug, Default)]
        pub struct Batch { $(pub $table: Vec<$table::Model>),+ }

        impl Batch {
            /// How many rows wait.
            pub fn len(&self) -> usize {
                [$(self.$table.len()),+].into_iter().sum()
            }

            /// Inserts what waits, and is empty again.
            pub async fn flush(&mut self, tx: &Tx) -> Result<(), DbErr> {
                $(insert(tx, std::mem::take(&mut self.$table)).await?;)+
                Ok(())
            }
        }
    };
}

batch! {
    care_provider, care_unit, staff_member, assignment, appointment_type, schedule, schedule_staff, patient, patient_identity,
    contact_way, reminder_preference, representative, agreement, agreement_version, version_assent, goal, goal_revision, version_goal, plan_item,
    plan_item_revision, version_item, care_contact, slot, slot_staff, appointment, occupancy, seat_claim, thread, thread_message, thread_read,
    care_relation, change_entry, domain_event,
}

async fn insert<M>(tx: &Tx, rows: Vec<M>) -> Result<(), DbErr>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel> + Send,
    <M::Entity as EntityTrait>::ActiveModel: ActiveModelTrait<Entity = M::Entity> + Send,
    M::Entity: EntityTrait<Model = M>,
{
    let mut rows = rows.into_iter().map(|row| row.into_active_model().reset_all()).peekable();
    while rows.peek().is_some() {
        let some: Vec<_> = rows.by_ref().take(ROWS).collect();
        M::Entity::insert_many(some).exec_without_returning(tx).await?;
    }
    Ok(())
}
