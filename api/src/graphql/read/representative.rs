//! Who represents a patient, and whom a person represents.

use std::collections::{BTreeSet, HashMap};

use async_graphql::{Context, Result};
use entity::{PatientId, RepresentativeId, access_assessment, patient, patient_identity, representative};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Noun, Rights},
    },
    crypto::Place,
    domain::{
        patient::IDENTITY_LOOKUP,
        representative::{assessed_of, in_force, rules},
    },
    error::{Fault, Stop},
    graphql::{
        scalars::{GlobalId, NodeKind},
        types::{
            people::PatientSummary,
            representative::{Representation, Representative, shown},
        },
        user_error::{fault, refused, session},
    },
    session::Session,
};

/// The most that is shown of either.
const MOST: u64 = 100;

fn written(row: &representative::Model, is_in_force: bool) -> Representative {
    Representative {
        id: GlobalId::new(NodeKind::Representative, row.id),
        kind: row.kind.into(),
        name: row.display_name.clone(),
        rights: shown(Rights::parse(&row.rights)),
        may_assent: row.may_assent,
        is_in_force,
        valid_from: row.valid_from,
        valid_until: row.valid_until,
        row_version: row.row_version,
    }
}

/// The representatives of a patient, those that have ended too, the latest first.
pub async fn of_patient(ctx: &Context<'_>, patient: PatientId) -> Result<Vec<Representative>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Representative, Action::Read).is_err() {
        return Err(refused(session));
    }
    let (rows, now) = session
        .core
        .db
        .read(async |db| -> std::result::Result<_, Fault> {
            let rows = representative::Entity::find()
                .filter(representative::Column::PatientId.eq(patient))
                .filter(policy::row_condition::<representative::Entity>(&session.actor, session.now()))
                .order_by_desc(representative::Column::Id)
                .limit(MOST)
                .all(db)
                .await?;
            Ok((rows, in_force(db, session, patient).await?))
        })
        .await
        .map_err(|e| fault(session, &e))?;
    Ok(rows.iter().map(|row| written(row, now.iter().any(|(one, _)| one.id == row.id))).collect())
}

/// A representative by id.
pub async fn representative(ctx: &Context<'_>, id: RepresentativeId) -> Result<Option<Representative>> {
    let session = session(ctx);
    let found = session
        .core
        .db
        .read(async |db| -> std::result::Result<_, Stop> {
            let actor = &session.actor;
            let row =
                policy::reach::<representative::Entity>(db, actor, Action::Read, id, "id", session.now())
                    .await?;
            let now = in_force(db, session, row.patient_id).await?;
            Ok((now.iter().any(|(one, _)| one.id == row.id), row))
        })
        .await;
    match found {
        Ok((is_in_force, row)) => {
            session.trail.read(row.patient_id);
            Ok(Some(written(&row, is_in_force)))
        }
        Err(Stop::Fault(e)) => Err(fault(session, &e)),
        Err(Stop::Refused(_)) => {
            session.trail.denied("NOT_FOUND", None);
            Ok(None)
        }
    }
}

/// Whom the signed-in person may act for now.
pub async fn representing(ctx: &Context<'_>, first: usize) -> Result<Vec<Representation>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Representative, Action::List).is_err() {
        return Err(refused(session));
    }
    let mut found = load(session).await.map_err(|e| fault(session, &e))?;
    found.truncate(first);
    for one in &found {
        session.trail.read(PatientId(one.patient.id.id));
    }
    Ok(found)
}

async fn load(session: &Session) -> std::result::Result<Vec<Representation>, Fault> {
    let keys = &session.core.keys;
    session
        .core
        .db
        .read(async |db| -> std::result::Result<_, Fault> {
            let lookups = match &session.actor {
                Actor::Person { lookups } => lookups.clone(),
                actor => {
                    let Some(own) = actor.patient() else { return Ok(Vec::new()) };
                    let numbers = patient_identity::Entity::find()
                        .filter(patient_identity::Column::PatientId.eq(own))
                        .all(db)
                        .await?;
                    let mut lookups = Vec::new();
                    for row in numbers {
                        let number =
                            keys.open(Place::new("patient_identity.number", row.id.0), &row.number)?;
                        lookups.extend(keys.lookup_hashes(IDENTITY_LOOKUP, &number));
                    }
                    lookups
                }
            };
            let rows = representative::Entity::find()
                .filter(representative::Column::Lookup.is_in(lookups))
                .order_by_asc(representative::Column::Id)
                .limit(MOST)
                .all(db)
                .await?;
            // Whoever represents many asks no more often than who represents one.
            let principals: BTreeSet<PatientId> = rows.iter().map(|row| row.patient_id).collect();
            let people: HashMap<PatientId, patient::Model> = patient::Entity::find()
                .filter(patient::Column::Id.is_in(principals.iter().copied()))
                .all(db)
                .await?
                .into_iter()
                .map(|whom| (whom.id, whom))
                .collect();
            let mut assessed: HashMap<PatientId, Vec<access_assessment::Model>> = HashMap::new();
            for one in assessed_of(db, principals).await? {
                assessed.entry(one.patient_id).or_default().push(one);
            }
            let mut found = Vec::new();
            for row in rows {
                let Some(whom) = people.get(&row.patient_id) else { continue };
                let assessed = assessed.get(&row.patient_id).map_or(&[][..], Vec::as_slice);
                let ages = &session.core.settings.ages;
                let Some(rights) = rules::in_force(&row, whom.into(), assessed, ages, session.now()) else {
                    continue;
                };
                found.push(Representation {
                    patient: PatientSummary {
                        id: GlobalId::new(NodeKind::Patient, whom.id),
                        given_name: whom.given_name.clone(),
                        family_name: whom.family_name.clone(),
                        protected_identity: whom.protected_identity.into(),
                    },
                    kind: row.kind.into(),
                    rights: shown(rights),
                    may_assent: rights.may_assent(),
                    valid_until: row.valid_until,
                });
            }
            Ok(found)
        })
        .await
}
