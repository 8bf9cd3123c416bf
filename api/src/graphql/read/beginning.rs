//! Offers, requests, and the list of all a patient's agreements: one statement each.

use async_graphql::{Context, Result};
use entity::{
    AgreementOfferId, AgreementRequestId, PatientId, Sealed, access_event::ActorKind, agreement_offer,
};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::{
    cols::{Cols, staff_columns, unit_columns},
    plan::version_content,
    rows::rows,
};
use crate::{
    auth::policy::{self, Action, Noun, Who, reach_sql},
    crypto::Place,
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{GlobalId, NodeKind},
        types::beginning::{
            AgreementOffer, AgreementRequest, AgreementRequestPass, PatientAgreement, PatientGroup,
        },
        user_error::{fault, refused, session},
    },
    session::Session,
};

/// How many offers or requests are shown of one patient.
const MOST: u32 = 50;

fn offers_sql(session: &Session, condition: &str) -> String {
    format!(
        "SELECT o.patient_id, o.id, o.status, {unit}, {staff}, o.offered_how, o.offered_at, o.patient_group, o.answered_at, \
         o.answered_by_kind, o.answered_how, o.answer_words, o.row_version \
         FROM agreement_offer o JOIN care_unit ou ON ou.id = o.care_unit_id JOIN assignment oa ON oa.id = o.offered_by \
         JOIN staff_member os ON os.id = oa.staff_member_id WHERE {condition} = $5 AND {reach} \
         ORDER BY o.offered_at DESC, o.id DESC LIMIT {MOST}",
        unit = unit_columns("ou"),
        staff = staff_columns("os"),
        reach = reach_sql(
            Who::from(&session.actor),
            Noun::AgreementOffer,
            "o.patient_id",
            Some("o.care_provider_id")
        ),
    )
}

fn read_offer(session: &Session, cols: &mut Cols<'_>) -> Result<(PatientId, AgreementOffer), Fault> {
    let patient = PatientId(cols.take()?);
    let id: Uuid = cols.take()?;
    let status: agreement_offer::Status = cols.text_enum()?;
    let (care_unit, offered_by) = (cols.unit()?, cols.opt_staff()?);
    let offered_how: agreement_offer::Way = cols.text_enum()?;
    let offered_at = cols.take()?;
    let group: Option<String> = cols.opt()?;
    let answered_at = cols.opt()?;
    let answered_by: Option<ActorKind> = cols.opt_enum()?;
    let answered_how: Option<agreement_offer::Way> = cols.opt_enum()?;
    let words = cols.opt_sealed()?;
    let place = Place::new("agreement_offer.answer_words", id);
    Ok((
        patient,
        AgreementOffer {
            id: GlobalId::new(NodeKind::AgreementOffer, id),
            status: status.into(),
            care_unit,
            offered_by,
            offered_how: offered_how.into(),
            offered_at,
            patient_group: group.map(|code| PatientGroup::of(session, code)),
            answered_at,
            answered_by: answered_by.map(Into::into),
            answered_how: answered_how.map(Into::into),
            answer_words: session.core.keys.open_opt(place, words.as_ref())?,
            row_version: cols.take()?,
        },
    ))
}

/// The offers to a patient, the latest first. The caller has been found to reach the patient.
pub async fn offers_to(session: &Session, patient: PatientId) -> Result<Vec<AgreementOffer>, Fault> {
    let found = rows(session, offers_sql(session, "o.patient_id"), [patient.0.into()]).await?;
    found.iter().map(|row| Ok(read_offer(session, &mut Cols::new(row))?.1)).collect()
}

/// An offer by id.
pub async fn offer(ctx: &Context<'_>, id: AgreementOfferId) -> Result<Option<AgreementOffer>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::AgreementOffer, Action::Read).is_err() {
        return Err(refused(session));
    }
    let found = async {
        let found = rows(session, offers_sql(session, "o.id"), [id.0.into()]).await?;
        found.first().map(|row| read_offer(session, &mut Cols::new(row))).transpose()
    };
    shown(session, found.await)
}

/// Tells the access log of what is shown, or of what was out of reach.
pub(super) fn shown<T>(session: &Session, found: Result<Option<(PatientId, T)>, Fault>) -> Result<Option<T>> {
    let Some((patient, object)) = found.map_err(|e| fault(session, &e))? else {
        session.trail.denied("NOT_FOUND", None);
        return Ok(None);
    };
    session.trail.read(patient);
    Ok(Some(object))
}

fn requests_sql(session: &Session, condition: &str) -> String {
    format!(
        "SELECT r.patient_id, r.id, r.status, r.why, {unit}, r.asked_at, r.asked_by_kind, r.asked_how, r.due_at, r.ended_at, \
         r.ended_how, r.end_words, r.row_version, s.id, s.passed_at, sf.name, st.name, {staff}, s.reason \
         FROM (SELECT r.* FROM agreement_request r WHERE {condition} = $5 AND {reach} \
           ORDER BY r.asked_at DESC, r.id DESC LIMIT {MOST}) r JOIN care_unit ru ON ru.id = r.care_unit_id \
         LEFT JOIN agreement_request_pass s ON s.request_id = r.id LEFT JOIN care_unit sf ON sf.id = s.from_unit_id \
         LEFT JOIN care_unit st ON st.id = s.care_unit_id LEFT JOIN assignment sa ON sa.id = s.passed_by \
         LEFT JOIN staff_member ss ON ss.id = sa.staff_member_id ORDER BY r.asked_at DESC, r.id DESC, s.id",
        unit = unit_columns("ru"),
        staff = staff_columns("ss"),
        reach = reach_sql(
            Who::from(&session.actor),
            Noun::AgreementRequest,
            "r.patient_id",
            Some("r.care_provider_id")
        ),
    )
}

fn read_requests(
    session: &Session,
    rows: &[QueryResult],
) -> Result<Vec<(PatientId, AgreementRequest)>, Fault> {
    let keys = &session.core.keys;
    let mut requests: Vec<(PatientId, AgreementRequest)> = Vec::new();
    for row in rows {
        let mut cols = Cols::new(row);
        let patient = PatientId(cols.take()?);
        let id: Uuid = cols.take()?;
        let status: entity::agreement_request::Status = cols.text_enum()?;
        let why = cols.opt_sealed()?;
        let care_unit = cols.unit()?;
        let asked_at = cols.take()?;
        let asked_by: ActorKind = cols.text_enum()?;
        let asked_how: Option<agreement_offer::Way> = cols.opt_enum()?;
        let (due_at, ended_at) = (cols.take()?, cols.opt()?);
        let ended_how: Option<agreement_offer::Way> = cols.opt_enum()?;
        let end_words = cols.opt_sealed()?;
        let row_version = cols.take()?;
        if requests.last().is_none_or(|(_, last)| last.id.id != id) {
            let request = AgreementRequest {
                id: GlobalId::new(NodeKind::AgreementRequest, id),
                status: status.into(),
                why: keys.open_opt(Place::new("agreement_request.why", id), why.as_ref())?,
                care_unit,
                asked_at,
                asked_by: asked_by.into(),
                asked_how: asked_how.map(Into::into),
                due_at,
                passes: Vec::new(),
                ended_at,
                ended_how: ended_how.map(Into::into),
                end_words: keys
                    .open_opt(Place::new("agreement_request.end_words", id), end_words.as_ref())?,
                row_version,
            };
            requests.push((patient, request));
        }
        if let (Some(step), Some((_, request))) = (cols.opt::<Uuid>()?, requests.last_mut()) {
            request.passes.push(AgreementRequestPass {
                at: cols.take()?,
                from_unit_name: cols.take()?,
                to_unit_name: cols.take()?,
                by: cols.opt_staff()?,
                reason: keys
                    .open(Place::new("agreement_request_pass.reason", step), &Sealed(cols.take()?))?,
            });
        }
    }
    Ok(requests)
}

/// What a patient has asked for, the latest first. The caller has been found to reach the patient.
pub async fn requests_of(session: &Session, patient: PatientId) -> Result<Vec<AgreementRequest>, Fault> {
    let found = rows(session, requests_sql(session, "r.patient_id"), [patient.0.into()]).await?;
    Ok(read_requests(session, &found)?.into_iter().map(|(_, request)| request).collect())
}

/// A request by id.
pub async fn request(ctx: &Context<'_>, id: AgreementRequestId) -> Result<Option<AgreementRequest>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::AgreementRequest, Action::Read).is_err() {
        return Err(refused(session));
    }
    let found = async {
        let found = rows(session, requests_sql(session, "r.id"), [id.0.into()]).await?;
        Ok(read_requests(session, &found)?.into_iter().next())
    };
    shown(session, found.await)
}

/// All agreements of a patient that the caller reaches, the latest first. The caller has been found to reach the
/// patient.
pub async fn agreements_of(
    session: &Session,
    patient: PatientId,
    request: &PageRequest<Uuid>,
) -> Result<Page<PatientAgreement>, Fault> {
    // Ids rise with time; the largest one stands for the beginning.
    let after = request.after.unwrap_or(Uuid::max());
    let sql = format!(
        "SELECT a.id, a.status, v.id, v.content, {unit}, a.patient_group, a.created_at, a.ended_at, a.end_reason \
         FROM agreement a JOIN agreement_version v ON v.id = a.current_version_id JOIN care_unit au ON au.id = a.care_unit_id \
         WHERE a.patient_id = $5 AND a.id < $6 AND {reach} ORDER BY a.id DESC LIMIT {limit}",
        unit = unit_columns("au"),
        reach =
            reach_sql(Who::from(&session.actor), Noun::Agreement, "a.patient_id", Some("a.care_provider_id")),
        limit = request.first + 1,
    );
    let found = rows(session, sql, [patient.0.into(), after.into()]).await?;
    let agreements = found.iter().map(|row| read_agreement(session, &mut Cols::new(row)));
    let agreements = agreements.collect::<Result<Vec<_>, Fault>>()?;
    Ok(Page::of_rows(agreements, request, |agreement| agreement.id.id))
}

fn read_agreement(session: &Session, cols: &mut Cols<'_>) -> Result<PatientAgreement, Fault> {
    let id: Uuid = cols.take()?;
    let status: entity::agreement::Status = cols.text_enum()?;
    let version: Uuid = cols.take()?;
    let content = version_content(session, version, &Sealed(cols.take()?))?;
    let care_unit = cols.unit()?;
    let group: Option<String> = cols.opt()?;
    let (created_at, ended_at) = (cols.take()?, cols.opt()?);
    let end_reason: Option<entity::agreement::EndReason> = cols.opt_enum()?;
    Ok(PatientAgreement {
        id: GlobalId::new(NodeKind::Agreement, id),
        title: content.title,
        status: status.into(),
        care_unit,
        patient_group: group.map(|code| PatientGroup::of(session, code)),
        created_at,
        ended_at,
        end_reason: end_reason.map(Into::into),
    })
}
