//! The work around contacts: requests, offers, absences, and roles that are over. Read on demand, a statement each.

use async_graphql::{Context, Result};
use entity::{
    CareUnitId, ContactAbsenceId, ContactOfferId, ContactRequestId, PatientId, Sealed,
    access_event::ActorKind,
    care_contact::{Consultation, Role, ToldGround, TreatingKind},
    contact_function_rule, contact_offer, contact_request,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Value};
use uuid::Uuid;

use super::{
    cols::{Cols, unit_columns},
    contact::{self, COVER_JOINS, opt_contact},
    rows::rows,
};
use crate::{
    auth::policy::{Action, Noun, Who, allows, reach_sql},
    crypto::Place,
    domain::{
        contact::{
            functions::{self, InForce},
            offer::{ANSWER, WORDS},
            request::{ENDING, PASS_REASON, WHY},
        },
        reason::told,
    },
    error::Fault,
    graphql::{
        scalars::{GlobalId, NodeKind},
        types::people::{
            CareContact, ContactAbsence, ContactOffer, ContactRequest, ContactRequestPass, PastContact,
        },
        user_error::{fault, refused, session},
    },
    session::Session,
};

type Read<T> = std::result::Result<T, Fault>;

/// The condition under which the caller reaches rows of `alias`, if their role may read them at all.
fn reach_if(session: &Session, noun: Noun, alias: &str) -> String {
    let who = Who::from(&session.actor);
    if !allows(who, noun, Action::Read) {
        return "1 = 0".to_owned();
    }
    reach_sql(who, noun, &format!("{alias}.patient_id"), Some(&format!("{alias}.care_provider_id")))
}

/// The requests of a patient.
pub async fn requests(session: &Session, patient: PatientId) -> Read<Vec<ContactRequest>> {
    let found = find_requests(session, "r.patient_id = $5", patient.0).await?;
    Ok(found.into_iter().map(|(_, request)| request).collect())
}

/// A request by id.
pub async fn request(ctx: &Context<'_>, id: ContactRequestId) -> Result<Option<ContactRequest>> {
    let session = session(ctx);
    let found = find_requests(session, "r.id = $5", id.0).await.map_err(|e| fault(session, &e))?;
    Ok(seen(session, found.into_iter().next()))
}

/// Tells the trail whose it is, or that nothing was found.
fn seen<T>(session: &Session, found: Option<(PatientId, T)>) -> Option<T> {
    let Some((patient, object)) = found else {
        session.trail.denied("NOT_FOUND", None);
        return None;
    };
    session.trail.read(patient);
    Some(object)
}

async fn find_requests(
    session: &Session,
    condition: &str,
    id: Uuid,
) -> Read<Vec<(PatientId, ContactRequest)>> {
    let reach = reach_if(session, Noun::ContactRequest, "r");
    let sql = format!(
        "SELECT r.id, r.patient_id, r.role, r.treating_kind, r.why, r.status, {}, r.due_at, t.raised_to_manager_at, \
         r.asked_by_kind, r.created_at, r.ended_at, r.ended_how, r.ending, r.row_version, {}, \
         s.id, fu.name, tu.name, s.reason, s.at \
         FROM contact_request r JOIN care_unit u ON u.id = r.care_unit_id \
         LEFT JOIN task t ON t.kind = 'APPOINT_CONTACT' AND t.subject_id = r.id AND t.status = 'OPEN' \
         LEFT JOIN care_contact c ON c.id = r.contact_id LEFT JOIN care_unit cu ON cu.id = c.care_unit_id \
         LEFT JOIN contact_request_pass s ON s.request_id = r.id \
         LEFT JOIN care_unit fu ON fu.id = s.care_unit_id LEFT JOIN care_unit tu ON tu.id = s.to_unit_id \
         WHERE {reach} AND {condition} \
         ORDER BY CASE r.status WHEN 'OPEN' THEN 0 ELSE 1 END, r.id DESC, s.id LIMIT 500",
        unit_columns("u"),
        contact::columns(),
    );
    let mut found: Vec<(PatientId, ContactRequest)> = Vec::new();
    for row in &rows(session, sql, [id.into()]).await? {
        let mut cols = Cols::new(row);
        let (patient, request) = read_request(session, &mut cols)?;
        if found.last().is_none_or(|(_, last)| last.id != request.id) {
            found.push((patient, request));
        }
        if let (Some(pass), Some(last)) = (opt_pass(session, &mut cols)?, found.last_mut()) {
            last.1.passes.push(pass);
        }
    }
    found.truncate(100);
    Ok(found)
}

fn read_request(session: &Session, cols: &mut Cols<'_>) -> Read<(PatientId, ContactRequest)> {
    let keys = &session.core.keys;
    let id: Uuid = cols.take()?;
    let patient = PatientId(cols.take()?);
    let role: Role = cols.text_enum()?;
    let treating_kind: Option<TreatingKind> = cols.opt_enum()?;
    let why = told(keys.open(Place::new(WHY, id), &Sealed(cols.take()?))?, session.locale);
    let status: contact_request::Status = cols.text_enum()?;
    let care_unit = cols.unit()?;
    let due_at = cols.take()?;
    let raised_to_manager_at = cols.opt()?;
    let asked_by: ActorKind = cols.text_enum()?;
    let asked_at = cols.take()?;
    let ended_at = cols.opt()?;
    let ended_how: Option<entity::agreement_offer::Way> = cols.opt_enum()?;
    let ending = cols.opt_sealed()?;
    let row_version = cols.take()?;
    let request = ContactRequest {
        id: GlobalId::new(NodeKind::ContactRequest, id),
        role: role.into(),
        treating_kind: treating_kind.map(Into::into),
        why,
        status: status.into(),
        care_unit,
        due_at,
        raised_to_manager_at,
        asked_by: asked_by.into(),
        asked_at,
        ended_at,
        ended_how: ended_how.map(Into::into),
        end_words: keys
            .open_opt(Place::new(ENDING, id), ending.as_ref())?
            .map(|words| told(words, session.locale)),
        contact: opt_contact(cols, session)?.map(|found| found.contact),
        passes: Vec::new(),
        row_version,
    };
    Ok((patient, request))
}

fn opt_pass(session: &Session, cols: &mut Cols<'_>) -> Read<Option<ContactRequestPass>> {
    let Some(id) = cols.opt::<Uuid>()? else { return Ok(None) };
    let (from_unit_name, to_unit_name) = (cols.take()?, cols.take()?);
    let reason = session.core.keys.open(Place::new(PASS_REASON, id), &Sealed(cols.take()?))?;
    Ok(Some(ContactRequestPass { from_unit_name, to_unit_name, reason, at: cols.take()? }))
}

/// The offers to a patient.
pub async fn offers(session: &Session, patient: PatientId) -> Read<Vec<ContactOffer>> {
    let found = find_offers(session, "o.patient_id = $5", patient.0).await?;
    Ok(found.into_iter().map(|(_, offer)| offer).collect())
}

/// An offer by id.
pub async fn offer(ctx: &Context<'_>, id: ContactOfferId) -> Result<Option<ContactOffer>> {
    let session = session(ctx);
    let found = find_offers(session, "o.id = $5", id.0).await.map_err(|e| fault(session, &e))?;
    Ok(seen(session, found.into_iter().next()))
}

async fn find_offers(session: &Session, condition: &str, id: Uuid) -> Read<Vec<(PatientId, ContactOffer)>> {
    let reach = reach_if(session, Noun::ContactOffer, "o");
    let sql = format!(
        "SELECT o.id, o.patient_id, o.role, o.treating_kind, o.words, {}, o.status, o.offered_at, o.answered_at, \
         o.answered_by_kind, o.answered_how, o.answer_words, o.row_version \
         FROM contact_offer o JOIN care_unit u ON u.id = o.care_unit_id \
         WHERE {reach} AND {condition} \
         ORDER BY CASE o.status WHEN 'OPEN' THEN 0 ELSE 1 END, o.id DESC LIMIT 100",
        unit_columns("u"),
    );
    let keys = &session.core.keys;
    let found = rows(session, sql, [id.into()]).await?;
    found
        .iter()
        .map(|row| {
            let mut cols = Cols::new(row);
            let id: Uuid = cols.take()?;
            let patient = PatientId(cols.take()?);
            let role: Role = cols.text_enum()?;
            let treating_kind: Option<TreatingKind> = cols.opt_enum()?;
            let words = keys.open_opt(Place::new(WORDS, id), cols.opt_sealed()?.as_ref())?;
            let care_unit = cols.unit()?;
            let status: contact_offer::Status = cols.text_enum()?;
            let (offered_at, answered_at) = (cols.take()?, cols.opt()?);
            let answered_by: Option<ActorKind> = cols.opt_enum()?;
            let how: Option<entity::agreement_offer::Way> = cols.opt_enum()?;
            let answer_words = keys.open_opt(Place::new(ANSWER, id), cols.opt_sealed()?.as_ref())?;
            let offer = ContactOffer {
                id: GlobalId::new(NodeKind::ContactOffer, id),
                role: role.into(),
                treating_kind: treating_kind.map(Into::into),
                words,
                care_unit,
                status: status.into(),
                offered_at,
                answered_at,
                answered_by: answered_by.map(Into::into),
                answered_how: how.map(Into::into),
                answer_words,
                row_version: cols.take()?,
            };
            Ok((patient, offer))
        })
        .collect()
}

/// An absence by id: staff see those of their own care provider's units, patients those of their own contacts.
pub async fn absence(ctx: &Context<'_>, id: ContactAbsenceId) -> Result<Option<ContactAbsence>> {
    let session = session(ctx);
    let reach = reach_if(session, Noun::CareContact, "c");
    let who = Who::from(&session.actor);
    if !allows(who, Noun::ContactAbsence, Action::Read) {
        return Err(refused(session));
    }
    // A person's absence tells nothing of patients.
    let colleague = if session.actor.staff().is_some() {
        "(ab.contact_id IS NULL AND ab.care_provider_id = $3)"
    } else {
        "1 = 0"
    };
    let sql = format!(
        "SELECT COALESCE(pm.display_name, pc.name), {} FROM contact_absence ab \
         LEFT JOIN assignment pa ON pa.id = ab.assignment_id LEFT JOIN staff_member pm ON pm.id = pa.staff_member_id \
         LEFT JOIN care_contact pc ON pc.id = ab.contact_id {COVER_JOINS} \
         WHERE ab.id = $5 AND ({colleague} OR EXISTS (SELECT 1 FROM care_contact c WHERE {reach} \
           AND c.status <> 'ENDED' AND (c.id = ab.contact_id OR c.assignment_id = ab.assignment_id)))",
        contact::absence_columns()
    );
    let found = rows(session, sql, [id.0.into()]).await.map_err(|e| fault(session, &e))?;
    if found.is_empty() {
        session.trail.denied("NOT_FOUND", None);
        return Ok(None);
    }
    read_absence(session, &found).map_err(|e| fault(session, &e))
}

/// One absence, from its rows.
fn read_absence(session: &Session, rows: &[sea_orm::QueryResult]) -> Read<Option<ContactAbsence>> {
    let (mut name, mut absences) = (String::new(), Vec::new());
    for row in rows {
        let mut cols = Cols::new(row);
        name = cols.take()?;
        contact::add_absence(&mut cols, &mut absences)?;
    }
    Ok(absences.first().map(|absence| absence.shown(&name, session.now(), session.locale)))
}

/// Roles that are over.
pub async fn past(session: &Session, patient: PatientId) -> Read<Vec<PastContact>> {
    let reach = reach_if(session, Noun::CareContact, "c");
    let sql = format!(
        "SELECT {}, COALESCE(c.ended_at, c.valid_until), c.end_reason, c.consultation, c.told_ground, n.name \
         FROM care_contact c JOIN care_unit cu ON cu.id = c.care_unit_id \
         LEFT JOIN care_contact n ON n.follows_id = c.id \
         WHERE {reach} AND c.patient_id = $5 AND (c.status = 'ENDED' OR c.valid_until <= $4) \
         ORDER BY COALESCE(c.ended_at, c.valid_until) DESC, c.id LIMIT 100",
        contact::columns()
    );
    let keys = &session.core.keys;
    let mut past = Vec::new();
    for row in &rows(session, sql, [patient.0.into()]).await? {
        let mut cols = Cols::new(row);
        let Some(found) = opt_contact(&mut cols, session)? else { continue };
        let ended_at = cols.take()?;
        let place = Place::new("care_contact.end_reason", found.contact.id.id);
        let reason =
            keys.open_opt(place, cols.opt_sealed()?.as_ref())?.map(|reason| told(reason, session.locale));
        let consultation: Option<Consultation> = cols.opt_enum()?;
        let told_ground: Option<ToldGround> = cols.opt_enum()?;
        past.push(PastContact {
            contact: found.contact,
            ended_at,
            reason,
            consultation: consultation.map(Into::into),
            told_ground: told_ground.map(Into::into),
            successor: cols.opt()?,
        });
    }
    Ok(past)
}

/// The contacts that a handover made, as far as the caller reaches them.
pub async fn taken_over(session: &Session, ids: &[entity::CareContactId]) -> Read<Vec<CareContact>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (5..5 + ids.len()).map(|n| format!("${n}")).collect();
    let condition = format!("c.id IN ({})", places.join(", "));
    let values: Vec<Value> = ids.iter().map(|id| id.0.into()).collect();
    let found = session.core.db.read(async |db| contact::find(session, db, &condition, values).await).await?;
    found.iter().filter_map(|found| found.patient).for_each(|patient| session.trail.read(patient));
    Ok(found.into_iter().map(|found| found.contact).collect())
}

/// The decision on who may be contacts at a unit.
pub async fn function_rule(session: &Session, unit: CareUnitId) -> Read<InForce> {
    let latest = session
        .core
        .db
        .read(async |db| -> Read<_> {
            Ok(contact_function_rule::Entity::find()
                .filter(contact_function_rule::Column::CareUnitId.eq(unit))
                .order_by_desc(contact_function_rule::Column::Number)
                .one(db)
                .await?)
        })
        .await?;
    Ok(latest.map(|row| functions::read(&row)).transpose()?.unwrap_or_default())
}
