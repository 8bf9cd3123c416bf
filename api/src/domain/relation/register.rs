//! Declaring a care relation: the patient is here, or on the phone. Opens the record to the unit for a day.

use chrono::TimeDelta;
use entity::{
    care_relation::{Declaration, Source},
    patient_identity,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{Declared, Opening};
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    domain::{
        act::{self, Done, Event, Receipt},
        history::{self, Change, Owner},
        patient::{IDENTITY_LOOKUP, alive, lock, personal_number::PersonalNumber},
        text,
    },
    error::{Fault, Problem},
    locale::Locale,
    session::Session,
};

/// How long a declared relation lasts.
const HOURS: i64 = 24;
/// Of the reason, in characters.
const REASON: usize = 500;

/// Who is here, and why the record is opened.
#[derive(Clone, Debug, Serialize)]
pub struct Register {
    /// As written; any form that [`PersonalNumber::parse`] reads.
    pub patient_number: String,
    pub declaration: Declaration,
    pub reason: String,
}

const ACTION: &str = "careRelationRegister";

/// Registers the relation for the unit that the caller acts under.
pub async fn register(session: &Session, key: &str, cmd: &Register) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let staff = policy::as_staff(&session.actor, Noun::CareRelation, Action::Register)?;
        let (now, keys) = (session.now(), &session.core.keys);
        let mut problems = Vec::new();
        let reason = text::required("reason", &cmd.reason, REASON, &mut problems);
        let number = PersonalNumber::parse(&cmd.patient_number, to_local(now).date_naive()).map_err(|e| {
            let field = "patientNumber";
            problems.push(Problem::input(field, e.text(Locale::Sv), e.text(Locale::En)));
        });
        let Ok(number) = number else { return Err(problems.into()) };
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let unknown = || Problem::not_found("patientNumber");
        let identity = patient_identity::Entity::find()
            .filter(
                patient_identity::Column::Lookup.is_in(keys.lookup_hashes(IDENTITY_LOOKUP, number.as_str())),
            )
            .one(tx)
            .await?
            .ok_or_else(unknown)?;
        let patient = lock(tx, identity.patient_id).await?;
        alive(&patient)?;

        let until = now + TimeDelta::hours(HOURS);
        let opening = Opening {
            patient: patient.id,
            care_unit: staff.care_unit,
            care_provider: staff.care_provider,
            source: Source::StaffDeclared,
            subject: None,
            from: now,
            until: Some(until),
            declared: Some(Declared { ground: cmd.declaration, by: staff.assignment, reason: &reason }),
        };
        let id = super::open(tx, session, &opening).await?;
        let owner = Owner {
            patient: patient.id,
            care_unit: staff.care_unit,
            care_provider: staff.care_provider,
            agreement: None,
        };
        let change = Change {
            kind: "care_relation",
            subject: id.0,
            before: None,
            after: Some(json!({
                "source": Source::StaffDeclared,
                "declaration": cmd.declaration,
                "reason": reason,
                "validUntil": until,
            })),
        };
        history::record(tx, session, owner, ACTION, [change]).await?;
        let event = Event {
            kind: "care_relation.declared",
            patient: patient.id,
            care_unit: staff.care_unit,
            care_provider: staff.care_provider,
            subject: id.0,
        };
        act::emit(tx, session, [event]).await?;
        Ok(Done::on(patient.id).with("patient", patient.id.0).with("relation", id.0))
    })
    .await
}
