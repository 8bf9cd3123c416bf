//! Assents: one side's yes to exactly one text. The second one brings the version into force.

use chrono::{DateTime, Utc};
use entity::{
    AgreementVersionId, agreement,
    agreement_version::{self, Party, Status},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;

use super::{
    members, proposal,
    rules::{self, Assented, Facts},
    version::{Locked, document, event, tell_patient},
};
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Noun},
    },
    db::Tx,
    domain::{
        act,
        history::{self, Change},
        task::Ending,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// One side's yes, by the one who gives it.
#[derive(Clone, Copy, Debug)]
pub struct Assent<'a> {
    actor: &'a Actor,
    side: Party,
    at: DateTime<Utc>,
}

impl<'a> Assent<'a> {
    /// The actor's assent, if the policy lets them give one.
    pub fn of(session: &'a Session) -> Result<Self, Problem> {
        policy::check(&session.actor, Noun::Agreement, Action::Assent)?;
        let side = session.actor.party().ok_or_else(Problem::forbidden)?;
        Ok(Self { actor: &session.actor, side, at: session.now() })
    }

    /// Proposing is the proposer's assent; of staff, only where the role may give care's assent.
    pub fn of_proposer(session: &'a Session) -> Option<Self> {
        Self::of(session).ok()
    }

    /// Sets the columns of the assenting side.
    pub fn write(&self, row: &mut agreement_version::ActiveModel) {
        if let Actor::Staff(staff) = self.actor {
            row.care_assent_at = Set(Some(self.at));
            row.care_assent_id = Set(Some(staff.assignment));
        } else {
            row.patient_assent_at = Set(Some(self.at));
            row.patient_assent_kind = Set(Some(self.actor.kind()));
            row.patient_assent_id = Set(Some(self.actor.id()));
        }
    }
}

/// Gives the actor's assent to a version, and brings it into force when both sides have given theirs.
///
/// `digest` is what the actor has read; None where the act itself names what it is about.
pub async fn assent(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    version: &agreement_version::Model,
    digest: Option<&[u8]>,
    action: &'static str,
) -> Result<Assented, Stop> {
    let assent = Assent::of(session)?;
    let facts = Facts {
        agreement: agreement.status,
        in_force: agreement.in_force(),
        status: version.status,
        withdrawal: version.withdrawal,
        base: version.base_version_id,
        digest: version.hash.as_deref(),
        patient_assented: version.patient_assent_at.is_some(),
        care_assented: version.care_assent_at.is_some(),
    };
    let effect = rules::assent(&facts, assent.side, digest)?;
    // What is assented to is what is stored, not what once was hashed.
    let stored = document(tx, &session.core.keys, version).await?.digest()?;
    if version.hash.as_deref() != Some(stored.as_slice()) {
        return Err(Fault::internal("a proposed version does not match its digest").into());
    }
    if effect == Assented::Activates {
        agreement_version::Entity::update_many()
            .set(agreement_version::ActiveModel { status: Set(Status::Superseded), ..Default::default() })
            .col_expr(
                agreement_version::Column::RowVersion,
                Expr::col(agreement_version::Column::RowVersion).add(1),
            )
            .filter(agreement_version::Column::AgreementId.eq(agreement.id))
            .filter(agreement_version::Column::Status.eq(Status::Active))
            .exec(tx)
            .await?;
    }
    let status = if effect == Assented::Activates { Status::Active } else { Status::Proposed };
    let mut row = agreement_version::ActiveModel {
        status: Set(status),
        row_version: Set(version.row_version + 1),
        ..Default::default()
    };
    assent.write(&mut row);
    let changed = agreement_version::Entity::update_many()
        .set(row)
        .filter(agreement_version::Column::Id.eq(version.id))
        .filter(agreement_version::Column::RowVersion.eq(version.row_version))
        .filter(agreement_version::Column::Status.eq(Status::Proposed))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    let superseded = agreement.in_force();
    let mut changes = Vec::new();
    if effect == Assented::Activates {
        agreement.touch(tx, session, agreement::Status::Active, version.id).await?;
        changes = members::agree(tx, session, version.id).await?;
        if let Some(base) = superseded {
            changes.extend(members::withdraw_siblings(tx, session, agreement, base).await?);
        }
    } else {
        let (status, current) = (agreement.status, agreement.current_version_id);
        agreement.touch(tx, session, status, current).await?;
    }
    if effect == Assented::Activates {
        proposal::settled(tx, session, version, Ending::Done, "Båda har godkänt förslaget.").await?;
    }
    changes.extend(told(tx, session, agreement, version, effect, superseded).await?);
    history::record(tx, session, (&**agreement).into(), action, changes).await?;
    Ok(effect)
}

/// Tells of the assent; gives what it changed in the versions.
async fn told(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    version: &agreement_version::Model,
    effect: Assented,
    superseded: Option<AgreementVersionId>,
) -> Result<Vec<Change>, Stop> {
    let activated = effect == Assented::Activates;
    let status = if activated { Status::Active } else { Status::Proposed };
    let mut changes = vec![Change {
        kind: "agreement_version",
        subject: version.id.0,
        before: Some(json!({ "status": version.status })),
        after: Some(json!({ "status": status, "assent": session.actor.party() })),
    }];
    if activated && let Some(old) = superseded {
        changes.push(Change {
            kind: "agreement_version",
            subject: old.0,
            before: Some(json!({ "status": Status::Active })),
            after: Some(json!({ "status": Status::Superseded })),
        });
    }
    let mut events = vec![event(agreement, "agreement.assented", version.id.0)];
    if activated {
        events.push(event(agreement, "agreement.activated", agreement.id.0));
        tell_patient(tx, session, agreement, version.id, "PLAN_ACTIVE").await?;
    }
    act::emit(tx, session, events).await?;
    Ok(changes)
}
