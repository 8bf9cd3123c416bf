//! Drawing up an agreement: a draft, its first version, and the care relation that goes with it.

use entity::{
    AgreementId, AgreementVersionId, PatientId, agreement,
    agreement_version::{self, Status},
    care_relation,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{
    canonical, content::AgreementContent, content_rules, patient_group::known, signal, version::event,
};
use crate::{
    auth::{
        actor::StaffActor,
        policy::{self, Action, Noun},
    },
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        offer,
        patient::{alive, lock},
        relation::{self, Opening},
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Whose agreement, and its first texts.
#[derive(Clone, Debug, Serialize)]
pub struct Create {
    pub patient: PatientId,
    pub content: AgreementContent,
    /// A code of the region's patient groups.
    pub patient_group: Option<String>,
}

const ACTION: &str = "agreementCreate";

/// Draws up an agreement. Refused while the caller can see another one that has not ended.
pub async fn create(session: &Session, key: &str, cmd: &Create) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let (staff, patient) =
            policy::patient_of_care(tx, &session.actor, Noun::Agreement, Action::Create, cmd.patient, now)
                .await?;
        let mut problems = Vec::new();
        let group = known(session, "patientGroup", cmd.patient_group.as_deref(), &mut problems);
        let content = content_rules::first(&cmd.content, problems)?;
        // Two drafts at once would be two agreements: the second waits here and then sees the first.
        alive(&lock(tx, patient.id).await?)?;
        no_other(tx, session, patient.id).await?;

        let agreement = AgreementId(session.core.clock.uuid());
        let version = AgreementVersionId(session.core.clock.uuid());
        let row = agreement::Model {
            id: agreement,
            patient_id: patient.id,
            care_unit_id: staff.care_unit,
            care_provider_id: staff.care_provider,
            region: session.core.settings.region.clone(),
            status: agreement::Status::Draft,
            current_version_id: version,
            patient_group: group,
            end_reason: None,
            ended_at: None,
            ended_by_kind: None,
            ended_by_id: None,
            end_words: None,
            created_at: now,
            updated_at: now,
            row_version: 1,
        };
        agreement::Entity::insert(agreement::ActiveModel::from(row.clone()))
            .exec_without_returning(tx)
            .await?;
        first_version(tx, session, &row, &content).await?;
        relation(tx, session, &row, &staff).await?;
        let change = Change {
            kind: "agreement",
            subject: agreement.0,
            before: None,
            after: Some(
                json!({ "status": row.status, "content": content, "patientGroup": row.patient_group }),
            ),
        };
        history::record(tx, session, (&row).into(), ACTION, [change]).await?;
        act::emit(tx, session, [event(&row, "agreement.created", agreement.0)]).await?;
        signal::drawn_up(tx, session, &row, &staff).await?;
        offer::superseded(tx, session, &row).await?;
        Ok(Done::on(patient.id).with("agreement", agreement.0).with("version", version.0))
    })
    .await
}

/// Only what the caller can see counts: nothing here tells of another provider's agreement.
pub(crate) async fn no_other(tx: &Tx, session: &Session, patient: PatientId) -> Result<(), Stop> {
    let other = agreement::Entity::find()
        .filter(agreement::Column::PatientId.eq(patient))
        .filter(agreement::Column::Region.eq(session.core.settings.region.as_str()))
        .filter(agreement::Column::Status.ne(agreement::Status::Ended))
        .filter(policy::row_condition::<agreement::Entity>(&session.actor, session.now()))
        .one(tx)
        .await?;
    match other {
        None => Ok(()),
        Some(_) if session.actor.staff().is_some() => Err(Problem::new(
            ProblemCode::Conflict,
            "Patienten har redan ett patientkontrakt. Öppna det i stället för att göra ett nytt.",
            "The patient already has an agreement. Open that one instead of drawing up a new one.",
        )
        .at("patientId")
        .into()),
        Some(_) => Err(Problem::new(
            ProblemCode::Conflict,
            "Du har redan ett patientkontrakt, eller ett som håller på att göras. Öppna det.",
            "You already have an agreement, or one that is being drawn up. Open that one.",
        )
        .into()),
    }
}

async fn first_version(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    content: &AgreementContent,
) -> Result<(), Fault> {
    let id = agreement.current_version_id;
    let text = serde_json::to_string(content).map_err(Fault::internal)?;
    agreement_version::Entity::insert(agreement_version::ActiveModel {
        id: Set(id),
        agreement_id: Set(agreement.id),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        number: Set(1),
        status: Set(Status::Draft),
        content: Set(session.core.keys.seal(Place::new("agreement_version.content", id.0), &text)?),
        hash_format: Set(canonical::FORMAT),
        created_at: Set(agreement.created_at),
        row_version: Set(1),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    Ok(())
}

/// The unit that draws up an agreement reaches the patient for as long as the agreement lasts.
async fn relation(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    staff: &StaffActor,
) -> Result<(), Fault> {
    let opening = Opening {
        patient: agreement.patient_id,
        care_unit: staff.care_unit,
        care_provider: staff.care_provider,
        source: care_relation::Source::Agreement,
        subject: Some(agreement.id.0),
        from: agreement.created_at,
        until: None,
        declared: None,
    };
    relation::open(tx, session, &opening).await?;
    Ok(())
}
