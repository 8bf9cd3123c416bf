//! Writing down a call: one that took place, or one to make.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    CallId, PatientId,
    phone_call::{self, Direction, Status},
    task::Kind,
};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde::Serialize;
use serde_json::json;

use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change, Owner},
        patient::alive,
        phone::PhoneNumber,
        task::{Raise, raise},
        text,
    },
    error::{Fault, Problem},
    locale::Locale,
    session::Session,
};

/// A call.
#[derive(Clone, Debug, Serialize)]
pub struct Add {
    pub patient: PatientId,
    pub direction: Direction,
    pub with_whom: String,
    pub about: String,
    /// Care calls back; none when nothing is left to do.
    pub callback: Option<Callback>,
}

/// A promise to call.
#[derive(Clone, Debug, Serialize)]
pub struct Callback {
    pub by: DateTime<Utc>,
    pub phone: String,
}

/// How far ahead a call can be promised.
const FURTHEST: TimeDelta = TimeDelta::days(366);

const ACTION: &str = "callLogAdd";

/// A time by which to call: ahead, within a year.
pub(super) fn ahead(field: &str, by: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Problem> {
    if by > now && by <= now + FURTHEST {
        return Ok(());
    }
    Err(Problem::input(
        field,
        "Ange en tid framåt, högst ett år bort.",
        "Give a time ahead, a year away at most.",
    ))
}

/// Writes the call down; a promised one becomes a task of the caller's unit.
pub async fn add(session: &Session, key: &str, cmd: &Add) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (now, keys) = (session.now(), &session.core.keys);
        let staff = policy::as_staff(&session.actor, Noun::CallLog, Action::Create)?;
        let named = Some(cmd.patient);
        let (noun, action) = (Noun::CallLog, Action::Create);
        let whom = policy::patient(tx, &session.actor, noun, action, named, "patientId", now).await?;
        alive(&whom).map_err(|died| died.at("patientId"))?;
        let mut problems = Vec::new();
        let with_whom = text::required("withWhom", &cmd.with_whom, text::TITLE, &mut problems);
        let about = text::required("about", &cmd.about, text::TEXT, &mut problems);
        let mut phone = None;
        if let Some(callback) = &cmd.callback {
            problems.extend(ahead("callback.by", callback.by, now).err());
            match PhoneNumber::parse(&callback.phone) {
                Ok(number) => phone = Some(number.as_str().to_owned()),
                Err(e) => {
                    let (sv, en) = (e.text(Locale::Sv), e.text(Locale::En));
                    problems.push(Problem::input("callback.phone", sv, en));
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let id = CallId(session.core.clock.uuid());
        let call_by = cmd.callback.as_ref().map(|callback| callback.by);
        let status = if call_by.is_some() { Status::ToMake } else { Status::Made };
        let seal = |column, text: &str| keys.seal(Place::new(column, id.0), text);
        phone_call::Entity::insert(phone_call::ActiveModel {
            id: Set(id),
            patient_id: Set(whom.id),
            care_unit_id: Set(staff.care_unit),
            care_provider_id: Set(staff.care_provider),
            direction: Set(cmd.direction),
            with_whom: Set(seal("phone_call.with_whom", &with_whom)?),
            about: Set(seal("phone_call.about", &about)?),
            phone: Set(keys.seal_opt(Place::new("phone_call.phone", id.0), phone.as_deref())?),
            call_by: Set(call_by),
            status: Set(status),
            created_by: Set(staff.assignment),
            created_at: Set(now),
            ended_at: Set(call_by.is_none().then_some(now)),
            row_version: Set(1),
        })
        .exec_without_returning(tx)
        .await?;
        let owner = Owner {
            patient: whom.id,
            care_unit: staff.care_unit,
            care_provider: staff.care_provider,
            agreement: None,
        };
        let change = Change {
            kind: "phone_call",
            subject: id.0,
            before: None,
            after: Some(json!({
                "direction": cmd.direction, "withWhom": with_whom, "about": about, "phone": phone,
                "callBy": call_by, "status": status,
            })),
        };
        history::record(tx, session, owner, ACTION, [change]).await?;
        if let Some(due_at) = call_by {
            let task = Raise { kind: Kind::Call, owner, assignee: None, subject: id.0, due_at, note: None };
            raise(tx, session, &task).await?;
        }
        Ok(Done::on(whom.id).with("call", id.0))
    })
    .await
}
