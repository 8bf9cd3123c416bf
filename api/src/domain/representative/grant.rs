//! Granting (ge fullmakt) and taking back: the patient names somebody who may act for them.
//!
//! Only the patient themself grants, and only for themself: what has been granted cannot be passed on, and nobody
//! makes themself a representative of somebody else.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    PatientId, RepresentativeId, patient, patient_identity,
    representative::{self, Kind},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{NUMBER, owner};
use crate::{
    auth::policy::{self, Action, Noun, Rights},
    calendar::to_local,
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Event, Receipt},
        history::{self, Change},
        patient::{IDENTITY_LOOKUP, alive, lock, personal_number::PersonalNumber},
        text,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    locale::Locale,
    session::Session,
};

/// Representatives by grant, for one patient at a time.
const AT_MOST: u64 = 20;
/// A grant lasts this long at most; then it is given again.
const AT_MOST_DAYS: i64 = 5 * 366;

/// Who may do what, until when.
#[derive(Clone, Debug, Serialize)]
pub struct Grant {
    /// Whose representative; the caller when left out.
    pub patient: Option<PatientId>,
    pub number: String,
    pub name: String,
    /// Areas and levels, as they are stored.
    pub areas: String,
    pub may_assent: bool,
    pub until: Option<DateTime<Utc>>,
}

/// Grants.
pub async fn grant(session: &Session, key: &str, cmd: &Grant) -> Result<Receipt, Fault> {
    const ACTION: &str = "representativeGrant";
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let whom = policy::patient(
            tx,
            &session.actor,
            Noun::Representative,
            Action::Grant,
            cmd.patient,
            "patientId",
            now,
        )
        .await?;
        // Two grants at once would both find nobody.
        alive(&lock(tx, whom.id).await?)?;
        let mut problems = Vec::new();
        let name = text::required("name", &cmd.name, text::TITLE, &mut problems);
        let rights = Rights::parse(&cmd.areas).assenting(cmd.may_assent);
        if rights.is_empty() {
            problems.push(Problem::input(
                "rights",
                "Ange minst ett område som ombudet får se.",
                "Give at least one area that the representative may see.",
            ));
        }
        if cmd.may_assent && !rights.cover(Noun::Agreement, Action::Assent) {
            problems.push(Problem::input(
                "mayAssent",
                "Den som ska få godkänna måste också få läsa överenskommelsen.",
                "Whoever may assent must also be able to read the agreement.",
            ));
        }
        let last = now + TimeDelta::days(AT_MOST_DAYS);
        if cmd.until.is_some_and(|until| until <= now || until > last) {
            problems.push(Problem::input(
                "validUntil",
                "Ange en dag framåt i tiden, högst fem år bort.",
                "Give a time ahead, five years away at most.",
            ));
        }
        let number = PersonalNumber::parse(&cmd.number, to_local(now).date_naive())
            .map_err(|e| problems.push(Problem::input("number", e.text(Locale::Sv), e.text(Locale::En))))
            .ok();
        let (Some(number), true) = (number, problems.is_empty()) else { return Err(problems.into()) };
        let lookups = session.core.keys.lookup_hashes(IDENTITY_LOOKUP, number.as_str());
        let own = patient_identity::Entity::find()
            .filter(patient_identity::Column::PatientId.eq(whom.id))
            .filter(patient_identity::Column::Lookup.is_in(lookups.clone()))
            .count(tx)
            .await?;
        if own > 0 {
            return Err(Problem::input(
                "number",
                "Det är ditt eget nummer. Ange numret till den som ska företräda dig.",
                "This is your own number. Give the number of the one who will represent you.",
            )
            .into());
        }
        let granted = representative::Entity::find()
            .filter(representative::Column::PatientId.eq(whom.id))
            .filter(representative::Column::Kind.eq(Kind::Relative))
            .filter(
                Condition::any()
                    .add(representative::Column::ValidUntil.is_null())
                    .add(representative::Column::ValidUntil.gt(now)),
            )
            .all(tx)
            .await?;
        if granted.iter().any(|row| lookups.contains(&row.lookup)) {
            return Err(Problem::new(
                ProblemCode::Conflict,
                "Personen är redan ditt ombud. Ta bort ombudet först, om du vill ändra vad hen får göra.",
                "This person already represents you. Take that back first to change what they may do.",
            )
            .at("number")
            .into());
        }
        if granted.len() as u64 >= AT_MOST {
            return Err(Problem::new(
                ProblemCode::Conflict,
                format!("Du har redan {AT_MOST} ombud, som är det högsta antalet."),
                format!("You have {AT_MOST} representatives already, which is the highest number."),
            )
            .into());
        }
        let row = insert(tx, session, &whom, &name, &number, rights, cmd.until).await?;
        let after = json!({ "kind": Kind::Relative, "name": name, "rights": cmd.areas, "mayAssent": cmd.may_assent,
                            "validUntil": cmd.until });
        let change = Change { kind: "representative", subject: row.0, before: None, after: Some(after) };
        history::record(tx, session, owner(&whom), ACTION, [change]).await?;
        act::emit(tx, session, [event("representative.granted", &whom, row)]).await?;
        Ok(Done::on(whom.id).with("representative", row.0))
    })
    .await
}

async fn insert(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    name: &str,
    number: &PersonalNumber,
    rights: Rights,
    until: Option<DateTime<Utc>>,
) -> Result<RepresentativeId, Stop> {
    let (id, keys) = (RepresentativeId(session.core.clock.uuid()), &session.core.keys);
    let row = representative::ActiveModel {
        id: Set(id),
        patient_id: Set(whom.id),
        care_unit_id: Set(whom.care_unit_id),
        care_provider_id: Set(whom.care_provider_id),
        kind: Set(Kind::Relative),
        display_name: Set(name.to_owned()),
        number: Set(keys.seal(Place::new(NUMBER, id.0), number.as_str())?),
        lookup: Set(keys.lookup_hash(IDENTITY_LOOKUP, number.as_str())),
        rights: Set(rights.areas()),
        may_assent: Set(rights.may_assent()),
        valid_from: Set(session.now()),
        valid_until: Set(until),
        created_at: Set(session.now()),
        row_version: Set(1),
    };
    representative::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(id)
}

/// Which grant, as the caller read it.
#[derive(Clone, Debug, Serialize)]
pub struct Revoke {
    pub representative: RepresentativeId,
    pub expected_row_version: i32,
}

/// Takes a grant back: it ends at once, for requests and for what is open.
pub async fn revoke(session: &Session, key: &str, cmd: &Revoke) -> Result<Receipt, Fault> {
    const ACTION: &str = "representativeRevoke";
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let row = policy::reach::<representative::Entity>(
            tx,
            &session.actor,
            Action::Revoke,
            cmd.representative,
            "representativeId",
            now,
        )
        .await?;
        if row.kind != Kind::Relative {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Vårdnadshavare och gode män tas inte bort här. Prata med mottagningen.",
                "Guardians and gode män cannot be taken away here. Talk to the unit.",
            )
            .into());
        }
        if row.valid_until.is_some_and(|until| until <= now) {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Personen är inte längre ditt ombud.",
                "This person no longer represents you.",
            )
            .into());
        }
        let changed = representative::Entity::update_many()
            .set(representative::ActiveModel {
                valid_until: Set(Some(now)),
                row_version: Set(row.row_version + 1),
                ..Default::default()
            })
            .filter(representative::Column::Id.eq(row.id))
            .filter(representative::Column::RowVersion.eq(cmd.expected_row_version))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let whom = super::principal(tx, row.patient_id).await?;
        let change = Change {
            kind: "representative",
            subject: row.id.0,
            before: Some(json!({ "validUntil": row.valid_until })),
            after: Some(json!({ "validUntil": now })),
        };
        history::record(tx, session, owner(&whom), ACTION, [change]).await?;
        act::emit(tx, session, [event("representative.revoked", &whom, row.id)]).await?;
        Ok(Done::on(row.patient_id).with("representative", row.id.0))
    })
    .await
}

pub(super) fn event(kind: &'static str, whom: &patient::Model, subject: RepresentativeId) -> Event {
    Event {
        kind,
        patient: whom.id,
        care_unit: whom.care_unit_id,
        care_provider: whom.care_provider_id,
        subject: subject.0,
    }
}
