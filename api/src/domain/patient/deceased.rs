//! Recording a death: it stops what would be sent, frees booked times, and ends the agreement, all at once.
//!
//! Representatives lose their reach by the same row, at their next request; sweeps raise nothing more.

use chrono::NaiveDate;
use entity::{
    PatientId,
    agreement::{self, EndReason},
    notice, patient, task,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use serde::Serialize;
use serde_json::json;

use super::lock;
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    db::Tx,
    domain::{
        act::{self, Done, Event, Receipt},
        agreement::end::{self, Finish},
        booking::cancel,
        contact::death,
        history::{self, Change, Owner},
        notice as notices, offer,
        reason::DIED,
        request,
        task::{Ending, close},
        time_wish,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Who died, and when.
#[derive(Clone, Debug, Serialize)]
pub struct Deceased {
    pub patient: PatientId,
    pub died_on: NaiveDate,
}

pub(super) const ACTION: &str = "patientDeceasedRecord";

/// Records the death. What it ends it ends with every care provider: nothing may reach the dead by anybody's mistake.
pub async fn record(session: &Session, key: &str, cmd: &Deceased) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let staff = policy::as_staff(&session.actor, Noun::Patient, Action::Register)?;
        let granted = policy::patient(
            tx,
            &session.actor,
            Noun::Patient,
            Action::Register,
            Some(cmd.patient),
            "patientId",
            now,
        )
        .await?;
        let whom = lock(tx, granted.id).await?;
        if whom.deceased_on.is_some() {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Dödsfallet är redan registrerat.",
                "The death has already been recorded.",
            )
            .into());
        }
        if cmd.died_on > to_local(now).date_naive() || cmd.died_on < whom.birth_date {
            return Err(Problem::input(
                "diedOn",
                "Dagen ligger i framtiden, eller före patientens födelse.",
                "The day lies in the future, or before the patient's birth.",
            )
            .into());
        }
        let changed = patient::Entity::update_many()
            .set(patient::ActiveModel {
                deceased_on: Set(Some(cmd.died_on)),
                row_version: Set(whom.row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(patient::Column::Id.eq(whom.id))
            .filter(patient::Column::RowVersion.eq(whom.row_version))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        time_wish::withdraw::after_death(tx, session, whom.id, ACTION).await?;
        cancel::free_all(tx, session, whom.id).await?;
        end_agreements(tx, session, whom.id).await?;
        offer::after_death(tx, session, &whom, ACTION).await?;
        request::after_death(tx, session, &whom, ACTION).await?;
        death::after_death(tx, session, &whom, ACTION).await?;
        end_tasks(tx, session, whom.id).await?;
        // Last: what the acts above would have told.
        // A notice to staff tells of more than one patient.
        let of_staff = notice::Column::StaffNoticeId.is_null();
        let unsent = Expr::col(notice::Column::PatientId).eq(whom.id).and(of_staff);
        notices::withdraw_where(tx, unsent, "DECEASED").await?;

        let owner = Owner {
            patient: whom.id,
            care_unit: staff.care_unit,
            care_provider: staff.care_provider,
            agreement: None,
        };
        let change = Change {
            kind: "patient",
            subject: whom.id.0,
            before: Some(json!({ "deceasedOn": null })),
            after: Some(json!({ "deceasedOn": cmd.died_on })),
        };
        history::record(tx, session, owner, ACTION, [change]).await?;
        let event = Event {
            kind: "patient.deceased",
            patient: whom.id,
            care_unit: staff.care_unit,
            care_provider: staff.care_provider,
            subject: whom.id.0,
        };
        act::emit(tx, session, [event]).await?;
        Ok(Done::on(whom.id).with("patient", whom.id.0))
    })
    .await
}

async fn end_agreements(tx: &Tx, session: &Session, whom: PatientId) -> Result<(), Stop> {
    let open = agreement::Entity::find()
        .filter(agreement::Column::PatientId.eq(whom))
        .filter(agreement::Column::Status.ne(agreement::Status::Ended))
        .order_by_asc(agreement::Column::Id)
        .all(tx)
        .await?;
    for agreement in open {
        // Read again under the lock: somebody may have changed it meanwhile.
        let row = end::lock(tx, agreement.id).await?;
        if row.status != agreement::Status::Ended {
            let how = Finish { reason: EndReason::Deceased, words: None, action: ACTION };
            end::finish(tx, session, &row, &how).await?;
        }
    }
    Ok(())
}

async fn end_tasks(tx: &Tx, session: &Session, whom: PatientId) -> Result<(), Fault> {
    let open = task::Entity::find()
        .filter(task::Column::PatientId.eq(whom))
        .filter(task::Column::Status.eq(task::Status::Open));
    for task in open.all(tx).await? {
        close(tx, session, &task, Ending::Superseded, Some(DIED.into())).await?;
    }
    Ok(())
}
