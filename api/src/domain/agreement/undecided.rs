//! When the patient cannot decide (utan patientens ställningstagande): what care will do holds, and says so.
//!
//! It is on record why, what is known of the patient's will, and when to ask again; a task sees to that. Nobody
//! assents in the patient's place: the version is not ACTIVE until the patient says yes.

use chrono::{NaiveDate, NaiveTime};
use entity::{
    AgreementId, AgreementVersionId, PatientUndecidedId, agreement,
    agreement_version::{self, Status},
    patient_undecided,
    task::Kind,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{
    consent,
    rules::{self, Undecided},
    standing,
    version::{Locked, event},
};
use crate::{
    auth::policy::Action,
    calendar::{to_instant, to_local},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        notice::news,
        representative,
        task::{self, Ending, Raise, words::Words},
        text,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Columns that hold what is recorded.
pub const REASON: &str = "patient_undecided.reason";
pub const KNOWN_WILL: &str = "patient_undecided.known_will";

/// Which version, why, what is known, and when to ask again.
#[derive(Clone, Debug, Serialize)]
pub struct RecordUndecided {
    pub agreement: AgreementId,
    pub version: AgreementVersionId,
    pub reason: String,
    pub known_will: String,
    pub ask_again_on: NaiveDate,
    /// Of the agreement.
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementPatientUndecidedRecord";

/// The patient is asked again within a year at most.
const ASK_WITHIN_DAYS: i64 = 366;

/// Records it. A proposed version that care has assented to comes into force without the patient's decision; for one
/// that already is, the record is renewed.
pub async fn record_undecided(session: &Session, key: &str, cmd: &RecordUndecided) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let mut agreement = Locked::reach(tx, session, Action::RecordAssent, cmd.agreement).await?;
        let version = agreement.version(tx, cmd.version, "versionId").await?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        // For a child others decide by law, and may: nobody is undecided.
        if !representative::patient_may_assent(tx, session, agreement.patient_id).await? {
            return Err(rules::too_young().into());
        }
        let effect = rules::undecided(
            agreement.status,
            agreement.in_force(),
            version.status,
            version.base_version_id,
            version.care_assent_at.is_some(),
            standing::has_assented(tx, session, &agreement, &version).await?,
        )?;
        let mut problems = Vec::new();
        let reason = text::required("reason", &cmd.reason, text::TEXT, &mut problems);
        let known_will = text::required("knownWill", &cmd.known_will, text::TEXT, &mut problems);
        let today = to_local(now).date_naive();
        let days = (cmd.ask_again_on - today).num_days();
        if !(1..=ASK_WITHIN_DAYS).contains(&days) {
            problems.push(Problem::input(
                "askAgainOn",
                "Ange en dag från i morgon till om ett år, då patienten ska frågas igen.",
                "Give a day from tomorrow to a year from now on which the patient is asked again.",
            ));
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        keep(tx, session, &agreement, &version, &Texts { reason: &reason, known_will: &known_will }, cmd)
            .await?;
        let mut changes = Vec::new();
        if effect == Undecided::ComesIntoForce {
            changes = come_into_force(tx, session, &mut agreement, &version).await?;
        } else {
            let (status, current) = (agreement.status, agreement.current_version_id);
            agreement.touch(tx, session, status, current).await?;
        }
        ask_again(tx, session, &agreement, cmd.ask_again_on).await?;
        changes.push(Change {
            kind: "agreement_version",
            subject: version.id.0,
            before: Some(json!({ "status": version.status })),
            after: Some(json!({
                "status": Status::PatientUndecided, "reason": reason, "knownWill": known_will,
                "askAgainOn": cmd.ask_again_on,
            })),
        });
        history::record(tx, session, (&*agreement).into(), ACTION, changes).await?;
        act::emit(tx, session, [event(&agreement, "agreement.undecided", version.id.0)]).await?;
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", version.id.0))
    })
    .await
}

struct Texts<'a> {
    reason: &'a str,
    known_will: &'a str,
}

async fn keep(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: &agreement_version::Model,
    texts: &Texts<'_>,
    cmd: &RecordUndecided,
) -> Result<(), Stop> {
    let staff = session.actor.staff().ok_or_else(Problem::forbidden)?;
    let id = PatientUndecidedId(session.core.clock.uuid());
    let seal = |column, text| session.core.keys.seal(Place::new(column, id.0), text);
    let row = patient_undecided::ActiveModel {
        id: Set(id),
        agreement_id: Set(agreement.id),
        version_id: Set(version.id),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        reason: Set(seal(REASON, texts.reason)?),
        known_will: Set(seal(KNOWN_WILL, texts.known_will)?),
        ask_again_on: Set(cmd.ask_again_on),
        recorded_by: Set(staff.assignment),
        at: Set(session.now()),
    };
    patient_undecided::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

async fn come_into_force(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    version: &agreement_version::Model,
) -> Result<Vec<Change>, Stop> {
    let superseded = agreement.in_force();
    consent::supersede(tx, agreement, version.id).await?;
    let changed = agreement_version::Entity::update_many()
        .set(agreement_version::ActiveModel {
            status: Set(Status::PatientUndecided),
            row_version: Set(version.row_version + 1),
            ..Default::default()
        })
        .filter(agreement_version::Column::Id.eq(version.id))
        .filter(agreement_version::Column::RowVersion.eq(version.row_version))
        .filter(agreement_version::Column::Status.eq(Status::Proposed))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    agreement.touch(tx, session, agreement::Status::PatientUndecided, version.id).await?;
    news::decided(tx, session, version.id).await?;
    consent::in_force(tx, session, agreement, version, superseded).await
}

/// One open task to ask the patient again, on the day that was recorded last.
async fn ask_again(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    on: NaiveDate,
) -> Result<(), Stop> {
    let words = Words::ours("Ny dag att fråga patienten.", "A new day to ask the patient.");
    let subject = agreement.id.0;
    task::end(tx, session, Kind::PatientDecision, subject, Ending::Superseded, Some(words)).await?;
    let raise = Raise {
        kind: Kind::PatientDecision,
        owner: agreement.into(),
        assignee: None,
        subject,
        due_at: to_instant(on.and_time(NaiveTime::MIN)),
        note: None,
    };
    task::raise(tx, session, &raise).await?;
    Ok(())
}
