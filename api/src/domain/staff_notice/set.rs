//! A member of staff says yes or no to mail, in one assignment.

use entity::{
    AssignmentId, StaffNoticeId,
    contact_way::{Channel, Status},
    notice,
    staff_notice::{self, About},
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;

use super::ADDRESS;
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        notice as outbox,
        reminder_preference::rules::address,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// A choice.
#[derive(Clone, Debug, Serialize)]
pub struct SetStaffNotices {
    /// The one the caller acts under.
    pub assignment: AssignmentId,
    pub opted_in: bool,
    /// Replaces the address that is known.
    pub mail: Option<String>,
    pub about: About,
    /// The row version that the caller has read; 0 when there was no choice.
    pub expected_row_version: i32,
}

const ACTION: &str = "staffNoticesSet";

/// Stores the choice. After a no nothing more leaves.
pub async fn set(session: &Session, key: &str, cmd: &SetStaffNotices) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let staff = policy::as_staff(&session.actor, Noun::StaffNotice, Action::Set)?;
        if staff.assignment != cmd.assignment {
            return Err(Problem::not_found("assignmentId").into());
        }
        let known = staff_notice::Entity::find()
            .filter(staff_notice::Column::AssignmentId.eq(cmd.assignment))
            .one(tx)
            .await?;
        if known.as_ref().map_or(0, |row| row.row_version) != cmd.expected_row_version {
            return Err(Problem::stale().at("expectedRowVersion").into());
        }
        let address = checked(session, cmd, known.as_ref())?;
        // A no of somebody who never said yes changes nothing.
        if let Some(address) = address {
            let id = known.as_ref().map_or_else(|| StaffNoticeId(session.core.clock.uuid()), |row| row.id);
            let status = match &known {
                Some(row) if cmd.mail.is_none() => row.status,
                _ => Status::Good,
            };
            let row = staff_notice::ActiveModel {
                id: Set(id),
                care_unit_id: Set(staff.care_unit),
                care_provider_id: Set(staff.care_provider),
                assignment_id: Set(staff.assignment),
                address: Set(session.core.keys.seal(Place::new(ADDRESS, id.0), &address)?),
                status: Set(status),
                opted_in: Set(cmd.opted_in),
                about: Set(cmd.about),
                decided_at: Set(session.now()),
                row_version: Set(cmd.expected_row_version.saturating_add(1)),
            };
            if known.is_some() {
                row.update(tx).await?;
            } else {
                staff_notice::Entity::insert(row)
                    .exec_without_returning(tx)
                    .await
                    .map_err(|e| act::on_unique(e, || Problem::stale().at("expectedRowVersion")))?;
            }
            if !cmd.opted_in {
                outbox::withdraw_where(tx, notice::Column::StaffNoticeId.eq(id), outbox::OPTED_OUT).await?;
            }
        }
        Ok(Done::impersonal().with("assignment", staff.assignment.0))
    })
    .await
}

/// The address to keep; none where there is none to say no to.
fn checked(
    session: &Session,
    cmd: &SetStaffNotices,
    known: Option<&staff_notice::Model>,
) -> Result<Option<String>, Stop> {
    if let Some(given) = &cmd.mail {
        return Ok(Some(address(Channel::Mail, given, "mail")?));
    }
    match known {
        Some(row) if !cmd.opted_in || row.status == Status::Good => {
            Ok(Some(session.core.keys.open(Place::new(ADDRESS, row.id.0), &row.address)?))
        }
        None if !cmd.opted_in => Ok(None),
        _ => Err(Problem::input(
            "mail",
            "Ange en e-postadress för att få mejl.",
            "Give a mail address to get mail.",
        )
        .into()),
    }
}
