//! The head of a plan, read: the patient, the agreement that concerns them, its versions, what comes next.

use std::{collections::HashMap, sync::Arc};

use entity::{PatientId, access_event::ActorKind, agreement};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::{
    super::{
        appointment,
        cols::Cols,
        contact::{self, Hours, OwnUnit},
        preference,
    },
    PatientPlan, Wanted, opt_version,
};
use crate::{
    crypto::Place,
    error::Fault,
    graphql::{
        scalars::{GlobalId, NodeKind},
        types::{
            agreement::{Agreement, AgreementVersion},
            beginning::PatientGroup,
            enums::VersionStatus,
        },
    },
    session::Session,
};

pub(super) fn read_head(
    session: &Session,
    rows: &[QueryResult],
    wanted: Wanted,
) -> Result<Option<PatientPlan>, Fault> {
    let mut plan: Option<PatientPlan> = None;
    let mut current = Uuid::nil();
    for row in rows {
        let mut cols = Cols::new(row);
        let here = patient_part(session, &mut cols)?;
        let started = agreement_part(session, &mut cols)?;
        let version = opt_version(session, &mut cols)?;
        let preference =
            if wanted.preferences { preference::opt_preference(session, &mut cols)? } else { None };
        let plan = plan.get_or_insert(here);
        if let Some((mut agreement, current_version)) = started {
            current = current_version;
            if plan.agreement.is_none()
                && let Some(version) = &version
            {
                agreement.current_version = version.clone();
                plan.agreement = Some(agreement);
            }
        }
        if let (Some(agreement), Some(version)) = (&mut plan.agreement, version) {
            if version.status == VersionStatus::Draft {
                agreement.draft = Some(version.clone());
            }
            let listed = agreement.proposals.iter().any(|p| p.id == version.id);
            if version.id.id == current {
                agreement.current_version = version;
            } else if version.status == VersionStatus::Proposed && !listed {
                agreement.proposals.push(version);
            }
        }
        if let Some(preference) = preference
            && !plan.preferences.iter().any(|p| p.id == preference.id)
        {
            plan.preferences.push(preference);
        }
    }
    // A first version that waits for assent is a proposal too.
    if let Some(agreement) = plan.as_mut().and_then(|p| p.agreement.as_mut())
        && agreement.current_version.status == VersionStatus::Proposed
    {
        agreement.proposals.push(agreement.current_version.clone());
    }
    Ok(plan)
}

fn patient_part(session: &Session, cols: &mut Cols<'_>) -> Result<PatientPlan, Fault> {
    let id = PatientId(cols.take()?);
    let (given_name, family_name) = (cols.take()?, cols.take()?);
    let birth_date = cols.take()?;
    let language = cols.take()?;
    let protected_identity = cols.text_enum()?;
    let deceased_on = cols.opt()?;
    let number = cols.opt::<Uuid>()?.zip(cols.opt_sealed()?);
    let summary = cols.unit()?;
    let (opening, closing): (String, String) = (cols.take()?, cols.take()?);
    let unit = OwnUnit {
        summary,
        hours: Hours::parse(&opening, &closing),
        after_hours_name: cols.opt()?,
        after_hours_phone: cols.opt()?,
    };
    let lead = contact::opt_contact(cols, session)?;
    let next_appointment = appointment::opt_appointment(cols, session)?.map(Arc::new);
    Ok(PatientPlan {
        id,
        given_name,
        family_name,
        birth_date,
        language,
        protected_identity,
        deceased_on,
        number,
        unit,
        agreement: None,
        asides: HashMap::new(),
        lead,
        contacts: Vec::new(),
        contacts_ahead: Vec::new(),
        next_appointment,
        preferences: Vec::new(),
        appointments: Vec::new(),
        has_more_appointments: false,
    })
}

/// The agreement without its versions, and the id of the version a reader sees first.
fn agreement_part(session: &Session, cols: &mut Cols<'_>) -> Result<Option<(Agreement, Uuid)>, Fault> {
    let Some(id) = cols.opt::<Uuid>()? else {
        cols.skip(11 + 4);
        return Ok(None);
    };
    let status: agreement::Status = cols.text_enum()?;
    let current: Uuid = cols.take()?;
    let (created_at, updated_at) = (cols.take()?, cols.take()?);
    let group: Option<String> = cols.opt()?;
    let ended_at = cols.opt()?;
    let end_reason: Option<agreement::EndReason> = cols.opt_enum()?;
    let ended_by: Option<ActorKind> = cols.opt_enum()?;
    let end_words = cols.opt_sealed()?;
    let row_version = cols.take()?;
    let is_fulfilled = cols.take::<i32>()? == 1;
    let care_unit = cols.unit()?;
    let agreement = Agreement {
        id: GlobalId::new(NodeKind::Agreement, id),
        status: status.into(),
        care_unit,
        current_version: AgreementVersion::absent(),
        draft: None,
        proposals: Vec::new(),
        goals: Vec::new(),
        plan_items: Vec::new(),
        created_at,
        updated_at,
        patient_group: group.map(|code| PatientGroup::of(session, code)),
        ended_at,
        end_reason: end_reason.map(Into::into),
        ended_by: ended_by.map(Into::into),
        end_words: session.core.keys.open_opt(Place::new("agreement.end_words", id), end_words.as_ref())?,
        is_fulfilled,
        row_version,
    };
    Ok(Some((agreement, current)))
}
