//! Safety instructions and links to existing plans: one statement each.

use async_graphql::{Context, Result};
use entity::{
    AgreementId, PatientId, PlanLinkId, SafetyInstructionId, Sealed, access_event::ActorKind, plan_link,
    safety_instruction,
};
use uuid::Uuid;

use super::{
    beginning::shown,
    cols::{Cols, staff_columns},
    rows::rows,
};
use crate::{
    auth::policy::{self, Action, Noun, Who, reach_sql},
    crypto::Place,
    error::Fault,
    graphql::{
        scalars::{Date, GlobalId, NodeKind, PhoneNumber},
        types::overlay::{PlanLink, SafetyInstruction},
        user_error::{refused, session},
    },
    session::Session,
};

/// It ended with the agreement; what a later version left out had ended before.
const HELD_TO_THE_END: &str = "i.settled_at >= a.ended_at";

fn instructions_sql(session: &Session, condition: &str) -> String {
    format!(
        "SELECT i.patient_id, i.id, i.kind, i.text, i.action, i.phone, i.source, i.source_on, v.number, i.status, {staff}, \
         u.name, i.added_at, i.withdraw_reason, i.row_version, \
         CASE WHEN {HELD_TO_THE_END} THEN 1 ELSE 0 END \
         FROM safety_instruction i JOIN agreement a ON a.id = i.agreement_id JOIN assignment s ON s.id = i.added_by JOIN staff_member m ON m.id = s.staff_member_id \
         JOIN care_unit u ON u.id = i.care_unit_id LEFT JOIN agreement_version v ON v.id = i.agreed_version_id \
         WHERE {condition} AND {reach} ORDER BY i.added_at DESC, i.id DESC LIMIT 100",
        staff = staff_columns("m"),
        reach = reach_sql(
            Who::from(&session.actor),
            Noun::SafetyInstruction,
            "i.patient_id",
            Some("i.care_provider_id")
        ),
    )
}

fn read_instruction(session: &Session, cols: &mut Cols<'_>) -> Result<(PatientId, SafetyInstruction), Fault> {
    let keys = &session.core.keys;
    let patient = PatientId(cols.take()?);
    let id: Uuid = cols.take()?;
    let open = |column, sealed: Option<Sealed>| keys.open_opt(Place::new(column, id), sealed.as_ref());
    let kind: safety_instruction::Kind = cols.text_enum()?;
    let text = keys.open(Place::new("safety_instruction.text", id), &Sealed(cols.take()?))?;
    let action = open("safety_instruction.action", cols.opt_sealed()?)?;
    let phone: Option<String> = cols.opt()?;
    let source = open("safety_instruction.source", cols.opt_sealed()?)?;
    let source_on = cols.opt()?;
    let agreed_in_version: Option<i32> = cols.opt()?;
    let status: safety_instruction::Status = cols.text_enum()?;
    let (added_by, unit_name, added_at) = (cols.opt_staff()?, cols.take()?, cols.take()?);
    let withdraw_reason = open("safety_instruction.withdraw_reason", cols.opt_sealed()?)?;
    let row_version = cols.take()?;
    let held_to_the_end = cols.take::<i32>()? == 1;
    let standing = match status {
        safety_instruction::Status::Open => session
            .locale
            .pick("ändrat av vården, ännu inte överenskommet", "changed by care, not yet agreed"),
        safety_instruction::Status::Agreed => session.locale.pick("överenskommet", "agreed"),
        safety_instruction::Status::Withdrawn => {
            session.locale.pick("återtaget av vården, gäller inte", "taken back by care, does not hold")
        }
        safety_instruction::Status::Ended if agreed_in_version.is_some() => session.locale.pick(
            "utgått ur patientkontraktet i samråd, gäller inte",
            "left out of the agreement by both sides, does not hold",
        ),
        safety_instruction::Status::Ended if !held_to_the_end => session.locale.pick(
            "utelämnad i en senare version av planen, gäller inte",
            "left out of a later version of the plan, does not hold",
        ),
        safety_instruction::Status::Ended => session.locale.pick(
            "gällde till patientkontraktet avslutades, blev aldrig överenskommet",
            "held until the agreement ended, was never agreed",
        ),
    };
    Ok((
        patient,
        SafetyInstruction {
            id: GlobalId::new(NodeKind::SafetyInstruction, id),
            kind: kind.into(),
            text,
            action,
            phone: phone.map(PhoneNumber),
            source,
            source_on: source_on.map(Date),
            status: status.into(),
            standing: standing.to_owned(),
            added_by,
            unit_name,
            added_at,
            agreed_in_version,
            withdraw_reason,
            row_version,
        },
    ))
}

/// The instructions over an agreement that the caller reaches, the latest first; those taken back or left out by a later
/// version only when asked for.
pub async fn instructions(
    session: &Session,
    agreement: AgreementId,
    withdrawn: bool,
) -> Result<Vec<SafetyInstruction>, Fault> {
    let standing = if withdrawn {
        String::new()
    } else {
        format!(" AND i.status <> 'WITHDRAWN' AND (i.status <> 'ENDED' OR {HELD_TO_THE_END})")
    };
    let sql = instructions_sql(session, &format!("i.agreement_id = $5{standing}"));
    let found = rows(session, sql, [agreement.0.into()]).await?;
    found
        .iter()
        .map(|row| {
            let (patient, instruction) = read_instruction(session, &mut Cols::new(row))?;
            session.trail.read(patient);
            Ok(instruction)
        })
        .collect()
}

/// An instruction by id.
pub async fn instruction(ctx: &Context<'_>, id: SafetyInstructionId) -> Result<Option<SafetyInstruction>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::SafetyInstruction, Action::Read).is_err() {
        return Err(refused(session));
    }
    let found = async {
        let found = rows(session, instructions_sql(session, "i.id = $5"), [id.0.into()]).await?;
        found.first().map(|row| read_instruction(session, &mut Cols::new(row))).transpose()
    };
    shown(session, found.await)
}

fn links_sql(session: &Session, condition: &str) -> String {
    format!(
        "SELECT l.patient_id, l.id, l.kind, l.title, l.holder, l.reference, l.url, l.dated_on, l.parties, l.fulfils, \
         l.added_by_kind, l.added_at, l.removed_at, l.remove_reason, l.row_version FROM plan_link l \
         WHERE {condition} AND {reach} ORDER BY l.added_at, l.id LIMIT 100",
        reach =
            reach_sql(Who::from(&session.actor), Noun::PlanLink, "l.patient_id", Some("l.care_provider_id")),
    )
}

fn read_link(session: &Session, cols: &mut Cols<'_>) -> Result<(PatientId, PlanLink), Fault> {
    let keys = &session.core.keys;
    let patient = PatientId(cols.take()?);
    let id: Uuid = cols.take()?;
    let open = |column, sealed: Option<Sealed>| keys.open_opt(Place::new(column, id), sealed.as_ref());
    let kind: plan_link::Kind = cols.text_enum()?;
    let title = keys.open(Place::new("plan_link.title", id), &Sealed(cols.take()?))?;
    let holder = keys.open(Place::new("plan_link.holder", id), &Sealed(cols.take()?))?;
    let reference = open("plan_link.reference", cols.opt_sealed()?)?;
    let url = open("plan_link.url", cols.opt_sealed()?)?;
    let dated_on = cols.opt()?;
    let parties = open("plan_link.parties", cols.opt_sealed()?)?;
    let parties = parties.map(|json| serde_json::from_str(&json).map_err(Fault::internal)).transpose()?;
    let fulfils = cols.take()?;
    let added_by: ActorKind = cols.text_enum()?;
    Ok((
        patient,
        PlanLink {
            id: GlobalId::new(NodeKind::PlanLink, id),
            kind: kind.into(),
            title,
            holder,
            reference,
            url,
            dated_on: dated_on.map(Date),
            parties: parties.unwrap_or_default(),
            fulfils,
            added_by: added_by.into(),
            added_at: cols.take()?,
            removed_at: cols.opt()?,
            remove_reason: open("plan_link.remove_reason", cols.opt_sealed()?)?,
            row_version: cols.take()?,
        },
    ))
}

/// The plans that an agreement within the caller's reach is linked to, the oldest link first; ended links only when
/// asked for.
pub async fn links(session: &Session, agreement: AgreementId, removed: bool) -> Result<Vec<PlanLink>, Fault> {
    let standing = if removed { "" } else { " AND l.removed_at IS NULL" };
    let sql = links_sql(session, &format!("l.agreement_id = $5{standing}"));
    let found = rows(session, sql, [agreement.0.into()]).await?;
    found
        .iter()
        .map(|row| {
            let (patient, link) = read_link(session, &mut Cols::new(row))?;
            session.trail.read(patient);
            Ok(link)
        })
        .collect()
}

/// A link by id.
pub async fn link(ctx: &Context<'_>, id: PlanLinkId) -> Result<Option<PlanLink>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::PlanLink, Action::Read).is_err() {
        return Err(refused(session));
    }
    let found = async {
        let found = rows(session, links_sql(session, "l.id = $5"), [id.0.into()]).await?;
        found.first().map(|row| read_link(session, &mut Cols::new(row))).transpose()
    };
    shown(session, found.await)
}
