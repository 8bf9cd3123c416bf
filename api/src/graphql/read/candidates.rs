//! A unit's patients without an agreement: one statement, whatever its length.

use std::sync::LazyLock;

use entity::{PatientId, agreement_offer, patient};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{cols::Cols, rows::rows, unit::pattern};
use crate::{
    auth::{
        actor::StaffActor,
        policy::{Granted, Noun, Who, reach_sql},
    },
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{GlobalId, NodeKind},
        types::{
            beginning::{AgreementCandidate, OfferSummary, RequestSummary},
            people::PatientSummary,
        },
    },
    session::Session,
};

/// Where a page goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidatePlace {
    name: String,
    id: Uuid,
}

/// Which patients.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The beginning of the patient's family name.
    pub family_name: Option<String>,
    /// Only those who have asked for an agreement and wait.
    pub requested: bool,
}

/// Another provider's agreements, offers and requests neither count nor show.
static LIST: LazyLock<String> = LazyLock::new(|| {
    let reach = reach_sql(Who::Staff(entity::assignment::Role::Care), Noun::Patient, "p.id", None);
    let waiting = "x.patient_id = p.id AND x.status = 'OPEN' AND x.care_provider_id = $3";
    format!(
        "SELECT p.id, p.given_name, p.family_name, p.name_search, p.protected_identity, o.id, o.status, o.offered_at, \
         r.id, r.asked_at, r.due_at, ru.name \
         FROM (SELECT p.id, p.given_name, p.family_name, p.name_search, p.protected_identity FROM patient p \
           WHERE {reach} AND p.deceased_on IS NULL AND p.name_search LIKE $5 ESCAPE '!' \
           AND NOT EXISTS (SELECT 1 FROM agreement x WHERE x.patient_id = p.id AND x.status <> 'ENDED' \
             AND x.care_provider_id = $3) \
           AND ($6 = 0 OR EXISTS (SELECT 1 FROM agreement_request x WHERE {waiting})) \
           AND (p.name_search > $7 OR (p.name_search = $7 AND p.id > $8)) \
           ORDER BY p.name_search, p.id LIMIT $9) p \
         LEFT JOIN agreement_offer o ON o.id = (SELECT x.id FROM agreement_offer x WHERE x.patient_id = p.id \
           AND x.care_provider_id = $3 ORDER BY x.offered_at DESC, x.id DESC LIMIT 1) \
         LEFT JOIN agreement_request r ON r.id = (SELECT x.id FROM agreement_request x WHERE {waiting} LIMIT 1) \
         LEFT JOIN care_unit ru ON ru.id = r.care_unit_id ORDER BY p.name_search, p.id"
    )
});

/// A page of the patients of the unit that staff act under who have no agreement that has not ended, by name.
pub async fn of_unit(
    session: &Session,
    _unit: &Granted<StaffActor>,
    filter: &Filter,
    request: &PageRequest<CandidatePlace>,
) -> Result<Page<AgreementCandidate>, Fault> {
    let start = CandidatePlace { name: String::new(), id: Uuid::nil() };
    let after = request.after.as_ref().unwrap_or(&start);
    let own: [Value; 5] = [
        pattern(filter.family_name.as_deref()).into(),
        i32::from(filter.requested).into(),
        after.name.clone().into(),
        after.id.into(),
        i64::try_from(request.first + 1).unwrap_or(i64::MAX).into(),
    ];
    let found = rows(session, LIST.clone(), own).await?;
    let found = found.iter().map(|row| read(&mut Cols::new(row))).collect::<Result<Vec<_>, Fault>>()?;
    for (_, candidate) in found.iter().take(request.first) {
        session.trail.read(PatientId(candidate.patient.id.id));
    }
    Ok(Page::of_rows(found, request, |(place, _)| place.clone()).map(|(_, candidate)| candidate))
}

fn read(cols: &mut Cols<'_>) -> Result<(CandidatePlace, AgreementCandidate), Fault> {
    let id: Uuid = cols.take()?;
    let (given_name, family_name) = (cols.take()?, cols.take()?);
    let name = cols.take()?;
    let protected: patient::ProtectedIdentity = cols.text_enum()?;
    let last_offer = match cols.opt::<Uuid>()? {
        None => {
            cols.skip(2);
            None
        }
        Some(offer) => Some(OfferSummary {
            id: GlobalId::new(NodeKind::AgreementOffer, offer),
            status: cols.text_enum::<agreement_offer::Status>()?.into(),
            offered_at: cols.take()?,
        }),
    };
    let open_request = match cols.opt::<Uuid>()? {
        None => None,
        Some(request) => Some(RequestSummary {
            id: GlobalId::new(NodeKind::AgreementRequest, request),
            asked_at: cols.take()?,
            due_at: cols.take()?,
            unit_name: cols.take()?,
        }),
    };
    let patient = PatientSummary {
        id: GlobalId::new(NodeKind::Patient, id),
        given_name,
        family_name,
        protected_identity: protected.into(),
    };
    Ok((CandidatePlace { name, id }, AgreementCandidate { patient, last_offer, open_request }))
}
