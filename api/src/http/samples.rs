//! Operations that are ready to run in the explorer: one tab each, with variables that fit the demo's data.

use chrono::TimeDelta;
use entity::{
    AgreementVersionId, CareUnitId, agreement, agreement_version, assignment, care_unit, patient,
    patient_identity, phone_call, slot, task, version_goal, version_item,
};
use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Query,
};
use serde_json::{Value, json};

use super::explorer::{Sample, TokenKind};
use crate::{
    calendar::to_local,
    crypto::Place,
    error::Fault,
    graphql::scalars::{GlobalId, NodeKind},
    session::Core,
};

macro_rules! sample {
    ($title:literal, $kind:ident, $file:literal) => {
        ($title, TokenKind::$kind, include_str!(concat!("../../assets/explorer/samples/", $file)))
    };
}

/// Title, for whom, and text.
pub const SAMPLES: &[(&str, TokenKind, &str)] = &[
    sample!("Min plan: överenskommelsen, nästa steg och vem jag vänder mig till", Patient, "my-plan.graphql"),
    sample!("Min tidslinje, mina tider och meddelanden", Patient, "my-timeline.graphql"),
    sample!("Lediga tider på en mottagning", Patient, "free-times.graphql"),
    sample!("Boka en tid", Patient, "book.graphql"),
    sample!("Skriv till en mottagning", Patient, "write.graphql"),
    sample!("Frågorna inför ett besök, och mina svar", Patient, "questions.graphql"),
    sample!("Svara på de åtta frågorna", Patient, "answer.graphql"),
    sample!("Mitt patientkontrakts historik: vem ändrade vad", Patient, "agreement-history.graphql"),
    sample!("Önska ett patientkontrakt", Patient, "agreement-request.graphql"),
    sample!("Ta tillbaka en önskan", Patient, "agreement-request-withdraw.graphql"),
    sample!("Välj mellan två patientkontrakt", Patient, "agreement-choose.graphql"),
    sample!("Länka en plan som redan finns", Patient, "plan-link-add.graphql"),
    sample!("Avsluta länken till en plan", Patient, "plan-link-remove.graphql"),
    sample!("Enhetens överenskommelser", Staff, "unit-list.graphql"),
    sample!("Patienter utan patientkontrakt", Staff, "candidates.graphql"),
    sample!("Erbjud ett patientkontrakt", Staff, "agreement-offer.graphql"),
    sample!("Skriv in patientens svar på ett erbjudande", Staff, "agreement-offer-answer.graphql"),
    sample!("Skicka en önskan vidare", Staff, "agreement-request-pass.graphql"),
    sample!("Lägg till en säkerhetsanvisning", Staff, "safety-add.graphql"),
    sample!("Ta tillbaka en säkerhetsanvisning", Staff, "safety-withdraw.graphql"),
    sample!("Avsluta ett patientkontrakt", Staff, "agreement-end.graphql"),
    sample!("Registrera ett dödsfall", Staff, "deceased.graphql"),
    sample!("Öppna en patient", Staff, "open-patient.graphql"),
    sample!("Föreslå en insats", Staff, "propose.graphql"),
    sample!("Skriv i planen: önskemål och egna mätningar", Patient, "content-edit.graphql"),
    sample!("Alla versioner, och vad som skiljer dem", Patient, "versions.graphql"),
    sample!("Skriv om ett mål", Patient, "reword-goal.graphql"),
    sample!("Ta bort ett mål", Patient, "remove-goal.graphql"),
    sample!("Skriv om en insats", Staff, "reword-item.graphql"),
    sample!("Ta bort en insats", Staff, "remove-item.graphql"),
    sample!("Börja på en ny version", Staff, "revise.graphql"),
    sample!("Svara med ett motförslag", Patient, "counter.graphql"),
    sample!("Ta tillbaka ett utkast eller ett förslag", Staff, "withdraw.graphql"),
    sample!("Följ en överenskommelse medan den ändras", Staff, "follow.graphql"),
    sample!("Uppgifter: mina och enhetens", Staff, "tasks.graphql"),
    sample!("Dagens besök, och vad som saknas", Staff, "visits.graphql"),
    sample!("Ta en uppgift", Staff, "task-take.graphql"),
    sample!("Anteckna på en uppgift", Staff, "task-note.graphql"),
    sample!("Fördela en uppgift till en kollega", Staff, "task-assign.graphql"),
    sample!("Lämna en uppgift vidare till en annan enhet", Staff, "task-pass.graphql"),
    sample!("Avsluta en uppgift", Staff, "task-end.graphql"),
    sample!("Lämna över allt någon har att göra", Staff, "task-handover.graphql"),
    sample!("Lova att ringa upp", Staff, "call-add.graphql"),
    sample!("Samtal att ringa", Staff, "call-log.graphql"),
    sample!("Skriv in ett samtal som är ringt", Staff, "call-made.graphql"),
    sample!("Hör om nya uppgifter när de kommer", Staff, "task-raised.graphql"),
];

/// The samples with ids of the data at hand: the first patient, their agreement, their unit, a free time there.
pub async fn samples(core: &Core) -> Result<Vec<Sample>, Fault> {
    let db = core.db.reader();
    let mut known = json!({ "key": core.clock.uuid().simple().to_string() });
    let mut set = |name: &str, value: Value| known[name] = value;
    let first = patient_identity::Entity::find()
        .filter(patient_identity::Column::IsCurrent.eq(true))
        .order_by_asc(patient_identity::Column::PatientId)
        .one(db)
        .await?;
    if let Some(identity) = first {
        let place = Place::new("patient_identity.number", identity.id);
        set("number", core.keys.open(place, &identity.number)?.into());
        let own = agreement::Entity::find()
            .filter(agreement::Column::PatientId.eq(identity.patient_id))
            .filter(agreement::Column::Status.ne(agreement::Status::Ended));
        if let Some(agreement) = own.one(db).await? {
            set("agreement", GlobalId::new(NodeKind::Agreement, agreement.id).to_string().into());
            of_agreement(db, &agreement, &mut set).await?;
        }
        set("today", to_local(core.clock.now()).date_naive().to_string().into());
        if let Some(candidate) = without_agreement(db, identity.care_unit_id).await? {
            set("candidate", GlobalId::new(NodeKind::Patient, candidate.id).to_string().into());
        }
        set("unit", GlobalId::new(NodeKind::CareUnit, identity.care_unit_id).to_string().into());
        set("patient", GlobalId::new(NodeKind::Patient, identity.patient_id).to_string().into());
        set("soon", (core.clock.now() + TimeDelta::hours(2)).to_rfc3339().into());
        let open = task::Entity::find()
            .filter(task::Column::CareUnitId.eq(identity.care_unit_id))
            .filter(task::Column::Status.eq(task::Status::Open))
            .order_by_asc(task::Column::DueAt);
        if let Some(task) = open.one(db).await? {
            set("task", GlobalId::new(NodeKind::Task, task.id).to_string().into());
        }
        let waits = phone_call::Entity::find()
            .filter(phone_call::Column::CareUnitId.eq(identity.care_unit_id))
            .filter(phone_call::Column::Status.eq(phone_call::Status::ToMake))
            .order_by_asc(phone_call::Column::CallBy);
        if let Some(call) = waits.one(db).await? {
            set("call", GlobalId::new(NodeKind::CallLogEntry, call.id).to_string().into());
        }
        let staff = assignment::Entity::find()
            .filter(assignment::Column::CareUnitId.eq(identity.care_unit_id))
            .filter(assignment::Column::Role.is_in([assignment::Role::Care, assignment::Role::Coordinator]))
            .order_by_asc(assignment::Column::Id)
            .limit(2)
            .all(db)
            .await?;
        for (name, somebody) in ["assignment", "colleague"].into_iter().zip(staff) {
            set(name, GlobalId::new(NodeKind::Assignment, somebody.id).to_string().into());
        }
        let other = care_unit::Entity::find()
            .filter(care_unit::Column::CareProviderId.eq(identity.care_provider_id))
            .filter(care_unit::Column::Id.ne(identity.care_unit_id))
            .order_by_asc(care_unit::Column::Id);
        if let Some(unit) = other.one(db).await? {
            set("otherUnit", GlobalId::new(NodeKind::CareUnit, unit.id).to_string().into());
        }
        let free = slot::Entity::find()
            .filter(slot::Column::CareUnitId.eq(identity.care_unit_id))
            .filter(slot::Column::OpenSeats.gt(0))
            .filter(slot::Column::WebBookable.eq(true))
            .filter(slot::Column::StartsAt.gt(core.clock.now()))
            .order_by_asc(slot::Column::StartsAt);
        if let Some(slot) = free.one(db).await? {
            set("slot", GlobalId::new(NodeKind::Slot, slot.id).to_string().into());
            let appointment_type = GlobalId::new(NodeKind::AppointmentType, slot.appointment_type_id);
            set("type", appointment_type.to_string().into());
        }
    }
    Ok(SAMPLES.iter().map(|&(title, token_kind, query)| sample(title, token_kind, query, &known)).collect())
}

/// A patient of the unit without an agreement.
async fn without_agreement(
    db: &DatabaseConnection,
    unit: CareUnitId,
) -> Result<Option<patient::Model>, Fault> {
    let having = Query::select()
        .column(agreement::Column::PatientId)
        .from(agreement::Entity)
        .and_where(agreement::Column::Status.ne(agreement::Status::Ended))
        .to_owned();
    let without = patient::Entity::find()
        .filter(patient::Column::CareUnitId.eq(unit))
        .filter(patient::Column::DeceasedOn.is_null())
        .filter(patient::Column::Id.not_in_subquery(having))
        .order_by_asc(patient::Column::Id);
    Ok(without.one(db).await?)
}

/// What can be done to an agreement: with its row version, and one of its versions, goals and items.
async fn of_agreement(
    db: &DatabaseConnection,
    agreement: &agreement::Model,
    set: &mut impl FnMut(&str, Value),
) -> Result<(), Fault> {
    set("rowVersion", agreement.row_version.into());
    let versions = agreement_version::Entity::find()
        .filter(agreement_version::Column::AgreementId.eq(agreement.id))
        .order_by_desc(agreement_version::Column::Number)
        .all(db)
        .await?;
    let version = |id: AgreementVersionId| GlobalId::new(NodeKind::AgreementVersion, id).to_string();
    let open = versions.iter().find(|v| v.status != agreement_version::Status::Active);
    set("version", version(open.map_or(agreement.current_version_id, |v| v.id)).into());
    let waits = versions.iter().find(|v| v.status == agreement_version::Status::Proposed);
    set("proposal", version(waits.map_or(agreement.current_version_id, |v| v.id)).into());
    let goal = version_goal::Entity::find()
        .filter(version_goal::Column::VersionId.eq(agreement.current_version_id))
        .order_by_asc(version_goal::Column::GoalId);
    if let Some(goal) = goal.one(db).await? {
        set("goal", GlobalId::new(NodeKind::Goal, goal.goal_id).to_string().into());
    }
    let item = version_item::Entity::find()
        .filter(version_item::Column::VersionId.eq(agreement.current_version_id))
        .order_by_asc(version_item::Column::PlanItemId);
    if let Some(item) = item.one(db).await? {
        set("item", GlobalId::new(NodeKind::PlanItem, item.plan_item_id).to_string().into());
    }
    Ok(())
}

fn sample(title: &str, token_kind: TokenKind, query: &str, known: &Value) -> Sample {
    let used = |name: &str| query.contains(&format!("${name}:"));
    let variables = known.as_object().into_iter().flatten().filter(|(name, _)| used(name));
    Sample {
        title: title.to_owned(),
        query: query.to_owned(),
        variables: Value::Object(variables.map(|(name, value)| (name.clone(), value.clone())).collect()),
        token_kind,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use async_graphql::Variables;

    use super::*;
    use crate::{
        graphql::schema,
        http::graphql::{
            documents::Documents,
            errors::{code, code_of},
            limits::Limits,
            request::Params,
            types::Types,
        },
    };

    #[tokio::test]
    async fn every_sample_is_valid_by_the_schema() {
        let limits = Limits::default();
        let schema = schema::build(&limits);
        let types = Types::from_sdl(&schema.sdl()).unwrap();
        let documents = Documents::new(schema, types, limits, true);
        for (title, _, query) in SAMPLES.iter().copied() {
            let params = Params { query: Some(query.into()), ..Params::default() };
            let resolved = documents.resolve(&params).expect(title);
            // Without its variables a valid document says that they are missing, and nothing else.
            if let Err(refusal) = documents.prepare(resolved, Variables::default()).await {
                for error in refusal.errors {
                    assert_eq!(code_of(&error), Some(code::BAD_USER_INPUT), "{title}: {}", error.message);
                }
            }
        }
    }
}
