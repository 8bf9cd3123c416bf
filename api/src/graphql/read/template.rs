//! What templates have put into plans, and what a discharge check finds.

use async_graphql::Result;
use entity::{
    AgreementId, PlanItemId, TemplateUseId, agreement, agreement_version, template_item, template_use,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    auth::policy::{self, Action},
    domain::{
        agreement::version::{document, open_gaps},
        template::{apply, discharge as rules},
    },
    error::{Fault, Problem, Stop},
    graphql::{
        scalars::{Date, GlobalId, NodeKind},
        types::template::{AppliedTemplate, DischargeCheck, DischargeGap, TemplateOpenPoint},
    },
    session::Session,
};

/// The discharge check of an agreement; none when it has none, or is out of reach.
pub async fn discharge(session: &Session, id: AgreementId) -> Result<Option<DischargeCheck>, Fault> {
    let found = session
        .core
        .db
        .snapshot(async |tx| -> Result<_, Stop> {
            let (actor, now) = (&session.actor, session.now());
            let row = policy::reach::<agreement::Entity>(tx, actor, Action::Read, id, "id", now).await?;
            session.trail.read(row.patient_id);
            Ok(rules::check(tx, session, &row).await?)
        })
        .await;
    let gaps = match found {
        Ok(gaps) => gaps,
        Err(Stop::Refused(_)) => None,
        Err(Stop::Fault(fault)) => return Err(fault),
    };
    let gap = |gap: rules::Gap| DischargeGap {
        code: gap.code.into(),
        message: gap.text().in_locale(session.locale).to_owned(),
        plan_item_id: gap.plan_item.map(|id| GlobalId::new(NodeKind::PlanItem, id)),
    };
    Ok(gaps.map(|gaps| DischargeCheck {
        is_complete: gaps.is_empty(),
        gaps: gaps.into_iter().map(gap).collect(),
    }))
}

/// What a template put into a draft, as the draft is now. The caller has just put it there, or did before.
pub async fn applied(session: &Session, id: TemplateUseId) -> Result<Option<AppliedTemplate>, Fault> {
    let found = session
        .core
        .db
        .snapshot(async |tx| -> Result<_, Stop> {
            let gone = || Stop::from(Problem::not_found("id"));
            let used = template_use::Entity::find_by_id(id).one(tx).await?.ok_or_else(gone)?;
            let (actor, now) = (&session.actor, session.now());
            let agreement =
                policy::reach::<agreement::Entity>(tx, actor, Action::Read, used.agreement_id, "id", now)
                    .await?;
            session.trail.read(agreement.patient_id);
            let rows = template_item::Entity::find()
                .filter(template_item::Column::UseId.eq(id))
                .order_by_asc(template_item::Column::PlanItemId)
                .all(tx)
                .await?;
            // The draft, or what became of it.
            let version = agreement_version::Entity::find()
                .filter(agreement_version::Column::AgreementId.eq(agreement.id))
                .order_by_desc(agreement_version::Column::Number)
                .one(tx)
                .await?
                .ok_or_else(gone)?;
            let document = document(tx, &session.core.keys, &version).await?;
            let kept: Vec<&template_item::Model> = rows
                .iter()
                .filter(|row| document.items.iter().any(|item| item.id == row.plan_item_id))
                .collect();
            let ids: Vec<PlanItemId> = kept.iter().map(|row| row.plan_item_id).collect();
            let open = open_gaps(tx, &agreement, &document, now).await?;
            let items = |ids: Vec<PlanItemId>| {
                ids.into_iter().map(|id| GlobalId::new(NodeKind::PlanItem, id)).collect()
            };
            let left_out = session
                .core
                .library
                .template(&used.template)
                .map(|template| template.items.iter().map(|item| item.key.clone()).collect::<Vec<_>>())
                .unwrap_or_default()
                .into_iter()
                .filter(|key| !kept.iter().any(|row| row.item == *key))
                .collect();
            Ok(AppliedTemplate {
                key: used.template,
                version: used.version,
                anchor_on: Date(used.anchor_on),
                without_responsible_ids: items(apply::without_responsible(&document, &ids)),
                plan_item_ids: items(ids),
                left_out,
                open: open.iter().map(|gap| point(session, &gap.problem(&document))).collect(),
            })
        })
        .await;
    match found {
        Ok(applied) => Ok(Some(applied)),
        Err(Stop::Refused(_)) => Ok(None),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

/// `planItems.<row id>.dueOn` is about an item; anything else about the whole.
fn point(session: &Session, problem: &Problem) -> TemplateOpenPoint {
    let field = problem.field.clone().unwrap_or_default();
    let item = field
        .strip_prefix("planItems.")
        .and_then(|rest| rest.split_once('.'))
        .and_then(|(id, part)| Some((uuid::Uuid::try_parse(id).ok()?, part.to_owned())));
    let (plan_item_id, field) = match item {
        Some((id, part)) => (Some(GlobalId::new(NodeKind::PlanItem, id)), part),
        None => (None, field),
    };
    TemplateOpenPoint { plan_item_id, field, message: problem.text.in_locale(session.locale).to_owned() }
}
