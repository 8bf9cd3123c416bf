//! Putting a template into a draft.

use chrono::{NaiveDate, TimeDelta};
use entity::{
    AgreementId, PlanItemId, TemplateUseId, care_unit, patient, plan_item_revision::Owner, template_item,
    template_use,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait,
};
use serde::Serialize;
use serde_json::json;

use super::words::{self, Context};
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    db::Tx,
    domain::{
        act::{self, Done, Receipt, by},
        agreement::{
            canonical::{Document, ItemWording},
            change::{self, Target},
            edit::Edit,
            rules::Place,
            version::{Locked, event},
        },
        history::{self, Change},
    },
    error::{Fault, Problem, ProblemCode, Stop},
    library::Template,
    locale::Locale,
    session::Session,
};

/// Which template into which agreement, counted from which day.
#[derive(Clone, Debug, Serialize)]
pub struct Apply {
    pub agreement: AgreementId,
    pub template: String,
    pub anchor_on: NaiveDate,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementApplyTemplate";
/// How far back and ahead an anchor date may lie, in days.
const BACK: i64 = 30;
const AHEAD: i64 = 730;

/// Puts the items into the draft, and the texts where the draft has none, in the patient's language.
pub async fn apply(session: &Session, key: &str, cmd: &Apply) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        policy::check(actor, Noun::Template, Action::Create)?;
        let mut agreement = Locked::reach(tx, session, Action::Propose, cmd.agreement).await?;
        let template = session.core.library.template(&cmd.template);
        let today = to_local(now).date_naive();
        let mut problems = Vec::new();
        problems.extend(anchored(cmd.anchor_on, today).err());
        problems.extend(template.is_none().then(unknown));
        let (Some(template), true) = (template, problems.is_empty()) else { return Err(problems.into()) };
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        let target = Target::of(tx, session, &agreement).await?;
        if target.place != Place::Draft {
            return Err(no_draft().into());
        }
        once(tx, &agreement, cmd, target.document()).await?;
        let (items, edits) = edits(tx, session, &agreement, template, cmd, target.document()).await?;
        if items.is_empty() {
            return Err(passed().into());
        }
        let changed = change::change(tx, session, &mut agreement, target, &edits, ACTION).await?;
        let id = note(tx, session, &agreement, template, cmd, &items).await?;
        act::emit(tx, session, [event(&agreement, "agreement.edited", changed.version.0)]).await?;
        Ok(Done::on(agreement.patient_id)
            .with("agreement", agreement.id.0)
            .with("version", changed.version.0)
            .with("templateUse", id.0))
    })
    .await
}

fn anchored(anchor: NaiveDate, today: NaiveDate) -> Result<(), Problem> {
    let (first, last) = (today - TimeDelta::days(BACK), today + TimeDelta::days(AHEAD));
    if (first..=last).contains(&anchor) {
        return Ok(());
    }
    Err(Problem::input(
        "anchorDate",
        format!("Välj en dag mellan {first} och {last}."),
        format!("Choose a day from {first} to {last}."),
    ))
}

fn unknown() -> Problem {
    Problem::input("template", "Det finns ingen sådan mall.", "There is no such template.")
}

fn no_draft() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Det finns inget utkast att lägga mallen i. Öppna ett utkast först.",
        "There is no draft to put the template into. Open a draft first.",
    )
}

fn passed() -> Problem {
    Problem::input(
        "anchorDate",
        "Allt i mallen hör till tid som har passerat. Välj en senare dag.",
        "Everything in the template belongs to time that has passed. Choose a later day.",
    )
}

/// Refuses what is in the draft already.
async fn once(tx: &Tx, agreement: &Locked, cmd: &Apply, draft: &Document) -> Result<(), Stop> {
    let uses = template_use::Entity::find()
        .select_only()
        .column(template_use::Column::Id)
        .filter(template_use::Column::AgreementId.eq(agreement.id))
        .filter(template_use::Column::Template.eq(cmd.template.as_str()))
        .filter(template_use::Column::AnchorOn.eq(cmd.anchor_on))
        .into_query();
    let there = template_item::Entity::find()
        .filter(template_item::Column::UseId.in_subquery(uses))
        .filter(template_item::Column::PlanItemId.is_in(draft.items.iter().map(|item| item.id)))
        .count(tx)
        .await?;
    if there == 0 {
        return Ok(());
    }
    Err(Problem::new(
        ProblemCode::Conflict,
        "Mallen ligger redan i planen med samma dag.",
        "The template is in the plan already, with the same day.",
    )
    .at("template")
    .into())
}

/// The items with their names in the template, and everything that is put in.
async fn edits(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    template: &Template,
    cmd: &Apply,
    draft: &Document,
) -> Result<(Vec<(PlanItemId, usize)>, Vec<Edit>), Stop> {
    let gone = || Fault::internal("an agreement without its patient or unit");
    let patient = patient::Entity::find_by_id(agreement.patient_id).one(tx).await?.ok_or_else(gone)?;
    let unit = care_unit::Entity::find_by_id(agreement.care_unit_id).one(tx).await?.ok_or_else(gone)?;
    let with = Context {
        locale: Locale::from_tag(&patient.language),
        anchor: cmd.anchor_on,
        today: to_local(session.now()).date_naive(),
        unit: unit.id,
        phone: &unit.phone,
    };
    let (mut items, mut edits) = (Vec::new(), Vec::new());
    for (n, item) in template.items.iter().enumerate() {
        let id = PlanItemId(session.core.clock.uuid());
        if let Some(wording) = words::item(id, item, &with) {
            items.push((id, n));
            edits.push(Edit::AddItem { wording: Box::new(wording), work_note: None });
        }
    }
    let sections = words::sections(template, &draft.content, &with);
    if !sections.is_empty() {
        edits.push(Edit::SetSections(sections));
    }
    Ok((items, edits))
}

/// Notes which items came from where.
async fn note(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    template: &Template,
    cmd: &Apply,
    items: &[(PlanItemId, usize)],
) -> Result<TemplateUseId, Stop> {
    let id = TemplateUseId(session.core.clock.uuid());
    let (by_kind, by_id) = by(session);
    let row = template_use::ActiveModel {
        id: Set(id),
        agreement_id: Set(agreement.id),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        template: Set(template.key.clone()),
        version: Set(template.version),
        anchor_on: Set(cmd.anchor_on),
        by_kind: Set(by_kind),
        by_id: Set(by_id),
        created_at: Set(session.now()),
    };
    template_use::Entity::insert(row).exec_without_returning(tx).await?;
    let rows = items.iter().filter_map(|(plan_item, n)| {
        let item = template.items.get(*n)?;
        Some(template_item::ActiveModel {
            plan_item_id: Set(*plan_item),
            use_id: Set(id),
            agreement_id: Set(agreement.id),
            patient_id: Set(agreement.patient_id),
            care_unit_id: Set(agreement.care_unit_id),
            care_provider_id: Set(agreement.care_provider_id),
            item: Set(item.key.clone()),
            discharge: Set(item.discharge),
            daily_call: Set(item.daily_call),
        })
    });
    template_item::Entity::insert_many(rows).exec_without_returning(tx).await?;
    let change = Change {
        kind: "template_use",
        subject: id.0,
        before: None,
        after: Some(
            json!({ "template": template.key, "version": template.version, "anchorOn": cmd.anchor_on }),
        ),
    };
    history::record(tx, session, (&**agreement).into(), ACTION, [change]).await?;
    Ok(id)
}

/// Which of the items that were added care does, and names nobody for. They can be proposed like that: the patient is
/// told to call the fast vårdkontakt, or the unit.
pub fn without_responsible(document: &Document, added: &[PlanItemId]) -> Vec<PlanItemId> {
    let nobody = |item: &&ItemWording| {
        item.owner == Owner::Care
            && item.responsible_unit.is_none()
            && item.responsible_assignment.is_none()
            && item.responsible_contact.is_none()
    };
    let ours = document.items.iter().filter(|item| added.contains(&item.id));
    ours.filter(nobody).map(|item| item.id).collect()
}
