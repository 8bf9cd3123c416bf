//! Care relations (vårdrelationer): why staff of a unit may reach a patient.
//!
//! A relation is opened by what creates it and ends by its own rule. Only this module writes the table, and the
//! one statement in which a message is sent.

pub mod register;

use chrono::{DateTime, Utc};
use entity::{
    AssignmentId, CareProviderId, CareRelationId, CareUnitId, PatientId,
    care_relation::{self, Declaration, Source},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::ExprTrait};
use uuid::Uuid;

use crate::{
    crypto::Place,
    db::{Tx, insert_all},
    error::Fault,
    session::Session,
};

/// A reason for a unit to reach a patient, and for how long.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    pub patient: PatientId,
    pub care_unit: CareUnitId,
    pub care_provider: CareProviderId,
    pub source: Source,
    /// What the relation follows, such as the appointment; none when staff declare it.
    pub subject: Option<Uuid>,
    pub from: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
    pub declared: Option<Declared<'a>>,
}

/// What staff declare.
#[derive(Clone, Copy, Debug)]
pub struct Declared<'a> {
    pub ground: Declaration,
    pub by: AssignmentId,
    pub reason: &'a str,
}

/// Opens a relation.
pub async fn open(tx: &Tx, session: &Session, opening: &Opening<'_>) -> Result<CareRelationId, Fault> {
    let (id, row) = written(session, opening)?;
    care_relation::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(id)
}

/// Opens several.
pub async fn open_all(tx: &Tx, session: &Session, openings: &[Opening<'_>]) -> Result<(), Fault> {
    let rows = openings.iter().map(|opening| Ok(written(session, opening)?.1));
    let rows = rows.collect::<Result<Vec<_>, Fault>>()?;
    insert_all::<care_relation::Entity>(tx, rows, None).await?;
    Ok(())
}

fn written(
    session: &Session,
    opening: &Opening<'_>,
) -> Result<(CareRelationId, care_relation::ActiveModel), Fault> {
    let id = CareRelationId(session.core.clock.uuid());
    let declared = opening.declared;
    let place = Place::new("care_relation.reason", id.0);
    let row = care_relation::ActiveModel {
        id: Set(id),
        patient_id: Set(opening.patient),
        care_unit_id: Set(opening.care_unit),
        care_provider_id: Set(opening.care_provider),
        source: Set(opening.source),
        reason: Set(session.core.keys.seal_opt(place, declared.map(|d| d.reason))?),
        declaration: Set(declared.map(|d| d.ground)),
        declared_by: Set(declared.map(|d| d.by)),
        subject_id: Set(opening.subject),
        valid_from: Set(opening.from),
        valid_until: Set(opening.until),
        created_at: Set(session.now()),
    };
    Ok((id, row))
}

/// Ends the relations of `patient` that follow `subject`, at `at`; one that ends earlier keeps its end.
pub async fn end(
    tx: &Tx,
    patient: PatientId,
    source: Source,
    subject: Uuid,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    end_all(tx, &[patient], source, &[subject], at).await
}

/// [`end`] of the relations of any of `patients` that follow any of `subjects`.
pub async fn end_all(
    tx: &Tx,
    patients: &[PatientId],
    source: Source,
    subjects: &[Uuid],
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    use care_relation::Column as C;
    care_relation::Entity::update_many()
        .set(care_relation::ActiveModel { valid_until: Set(Some(at)), ..Default::default() })
        .filter(C::PatientId.is_in(patients.iter().copied()))
        .filter(C::Source.eq(source))
        .filter(C::SubjectId.is_in(subjects.iter().copied()))
        .filter(C::ValidUntil.is_null().or(C::ValidUntil.gt(at)))
        .exec(tx)
        .await?;
    Ok(())
}

/// Sets the end of the relations of `patient` that follow `subject`, earlier or later than it was.
pub async fn move_end(
    tx: &Tx,
    patient: PatientId,
    source: Source,
    subject: Uuid,
    until: Option<DateTime<Utc>>,
) -> Result<(), Fault> {
    use care_relation::Column as C;
    care_relation::Entity::update_many()
        .set(care_relation::ActiveModel { valid_until: Set(until), ..Default::default() })
        .filter(C::PatientId.eq(patient))
        .filter(C::Source.eq(source))
        .filter(C::SubjectId.eq(subject))
        .exec(tx)
        .await?;
    Ok(())
}
