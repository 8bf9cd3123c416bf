//! The patient as the schema shows them, a room per subject: the four parts, the next steps, whom to turn to, the
//! timeline, times and reminders.

mod agreed;
mod contacts;
mod person;
mod reminders;
mod times;

use std::sync::Arc;

use async_graphql::{Context, MergedObject, Result};
use entity::PatientId;
use uuid::Uuid;

use self::{
    agreed::AgreedRoom, contacts::ContactsRoom, person::PersonRoom, reminders::RemindersRoom,
    times::TimesRoom,
};
use super::{
    read::{
        life::{Lists, asks_for_columns},
        plan::{self, PatientPlan, Wanted},
        version::VersionsWanted,
    },
    user_error::{fault, refused, session},
};
use crate::{
    auth::policy::{self, Action, Noun},
    error::Fault,
    session::Session,
};

/// A patient (patient): the person the agreement is about. Representatives (ombud) and young people see the parts that
/// are within their rights; the others are null with FORBIDDEN.
// Everything that was asked for is in memory already, and every room looks at the same.
#[derive(MergedObject)]
#[graphql(serial)]
pub struct Patient(AgreedRoom, ContactsRoom, PersonRoom, RemindersRoom, TimesRoom);

impl From<PatientPlan> for Patient {
    fn from(plan: PatientPlan) -> Self {
        let plan = Arc::new(plan);
        Self(
            AgreedRoom(Arc::clone(&plan)),
            ContactsRoom(Arc::clone(&plan)),
            PersonRoom(Arc::clone(&plan)),
            RemindersRoom(Arc::clone(&plan)),
            TimesRoom(plan),
        )
    }
}

impl Patient {
    /// Loads what the selection at `ctx` asks for. None when out of reach; both are told to the access log.
    pub async fn load(ctx: &Context<'_>, id: PatientId) -> Result<Option<Self>> {
        let session = session(ctx);
        let look = ctx.look_ahead();
        let asks = |name: &str| look.field(name).exists();
        let agreement = look.field("agreement");
        let derived = ["nextSteps", "parts", "timeline"].into_iter().any(asks);
        let (goals, items) = (agreement.field("goals"), agreement.field("planItems"));
        let timed = look.field("timeline").field("nodes").field("planItem");
        let stepped = look.field("nextSteps");
        let lists =
            [timed, stepped.field("patient").field("planItem"), stepped.field("care").field("planItem")]
                .iter()
                .map(|items| Lists::asked(&items.field("goal"), items))
                .fold(Lists::asked(&goals, &items), Lists::or);
        let wanted = Wanted {
            goals: goals.exists() || asks("parts"),
            items: items.exists() || derived,
            life: derived || asks_for_columns(&items),
            lists,
            contacts: ["contacts", "plannedContacts", "whoToContact", "parts"].into_iter().any(asks)
                || look.field("fixedCareContact").field("absence").exists(),
            preferences: asks("reminderPreferences"),
            appointments: asks("appointments") || asks("timeline"),
            versions: VersionsWanted::of_agreement(&agreement),
        };
        let plan = load(session, id, None, wanted).await.map_err(|e| fault(session, &e))?;
        Ok(plan.map(Self::from))
    }
}

/// [`plan::load`], told to the access log.
pub async fn load(
    session: &Session,
    id: PatientId,
    agreement: Option<Uuid>,
    wanted: Wanted,
) -> Result<Option<PatientPlan>, Fault> {
    let plan = plan::load(session, id, agreement, wanted).await?;
    match &plan {
        Some(plan) => session.trail.read(plan.id),
        None => session.trail.denied("NOT_FOUND", None),
    }
    Ok(plan)
}

/// FORBIDDEN for the field when its noun is out of the caller's scope; siblings are served.
fn in_scope(ctx: &Context<'_>, noun: Noun) -> Result<()> {
    let session = session(ctx);
    if policy::check(&session.actor, noun, Action::Read).is_err() { Err(refused(session)) } else { Ok(()) }
}
