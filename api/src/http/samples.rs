//! Operations that are ready to run in the explorer: one tab each, with variables that fit the demo's data.

use entity::{agreement, patient_identity, slot};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::explorer::{Sample, TokenKind};
use crate::{
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
    sample!("Enhetens överenskommelser", Staff, "unit-list.graphql"),
    sample!("Öppna en patient", Staff, "open-patient.graphql"),
    sample!("Föreslå en insats", Staff, "propose.graphql"),
    sample!("Följ en överenskommelse medan den ändras", Staff, "follow.graphql"),
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
        }
        set("unit", GlobalId::new(NodeKind::CareUnit, identity.care_unit_id).to_string().into());
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
