//! Choosing reminders and notices.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entity::PatientId;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use crate::{
    auth::policy::{Noun, Who, reach_sql, reach_values},
    domain::reminder_preference::{
        rules::{Addresses, Choice},
        set::{SetPreferences, set},
    },
    error::Fault,
    graphql::{
        read::{
            cols::Cols,
            preference::{COLUMN_LIST, opt_preference},
        },
        scalars::{GlobalId, NodeKind},
        types::{
            enums::{Channel, ReminderDetail, ReminderKind},
            messages::ReminderPreference,
        },
        user_error::{UserError, fault, session, user_errors},
    },
    session::Session,
};

/// What can be done with reminders.
#[derive(Default)]
pub struct ReminderMutation;

/// A yes or a no (val) to one kind of notice by one channel.
#[derive(InputObject)]
pub struct ReminderChoiceInput {
    /// What it is about.
    kind: ReminderKind,
    /// The channel: MAIL or SMS.
    channel: Channel,
    /// Yes or no.
    opted_in: bool,
    /// How much may stand in it.
    #[graphql(default_with = "ReminderDetail::TimeOnly")]
    detail: ReminderDetail,
    /// The exact text that the patient was shown when deciding; 1,000 characters at most.
    text_shown: String,
}

/// How the patient can be reached (kontaktvägar).
#[derive(InputObject, Default)]
pub struct ContactWaysInput {
    /// A mail address (e-postadress).
    mail: Option<String>,
    /// A mobile number (mobilnummer) for text messages; Swedish when it has no country code.
    phone: Option<String>,
}

/// Choices about reminders and notices (påminnelser och aviseringar).
#[derive(InputObject)]
pub struct ReminderPreferencesSetInput {
    /// For staff: whose choices they record. Patients leave it out.
    patient_id: Option<ID>,
    /// The choices; what is not named stays as it is.
    choices: Vec<ReminderChoiceInput>,
    /// Addresses that replace those known; what is not named stays as it is.
    contact_ways: Option<ContactWaysInput>,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of the choices.
#[derive(SimpleObject)]
pub struct ReminderPreferencesSetPayload {
    /// All choices of the patient as they are now; none when refused.
    preferences: Vec<ReminderPreference>,
    /// Why nothing was changed.
    user_errors: Vec<UserError>,
}

/// Reminders.
#[Object]
impl ReminderMutation {
    /// Says yes or no to reminders and notices, for oneself or, by staff, on a patient's behalf. The reminders of the
    /// times ahead follow at once. A yes needs an address for the channel.
    async fn reminder_preferences_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The choices.")] input: ReminderPreferencesSetInput,
    ) -> Result<ReminderPreferencesSetPayload> {
        let session = session(ctx);
        let ways = input.contact_ways.unwrap_or_default();
        let command = SetPreferences {
            patient: input
                .patient_id
                .as_ref()
                .map(|id| GlobalId::row(id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil()))),
            choices: input
                .choices
                .into_iter()
                .map(|choice| Choice {
                    kind: choice.kind.into(),
                    channel: choice.channel.into(),
                    opted_in: choice.opted_in,
                    detail: choice.detail.into(),
                    text_shown: choice.text_shown,
                })
                .collect(),
            addresses: Addresses { mail: ways.mail, phone: ways.phone },
        };
        let receipt = set(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        let preferences = match receipt.id::<PatientId>("patient") {
            Some(patient) => preferences(session, patient).await.map_err(|e| fault(session, &e))?,
            None => Vec::new(),
        };
        Ok(ReminderPreferencesSetPayload { preferences, user_errors: user_errors(&receipt, session.locale) })
    }
}

async fn preferences(
    session: &Session,
    patient: PatientId,
) -> std::result::Result<Vec<ReminderPreference>, Fault> {
    session.trail.read(patient);
    let reach = reach_sql(
        Who::from(&session.actor),
        Noun::ReminderPreference,
        "rp.patient_id",
        Some("rp.care_provider_id"),
    );
    let sql = format!(
        "SELECT {COLUMN_LIST} FROM reminder_preference rp WHERE {reach} AND rp.patient_id = $5 \
         ORDER BY rp.kind, rp.channel"
    );
    let mut values = reach_values(&session.actor, session.now());
    values.push(patient.0.into());
    session
        .core
        .db
        .read(async |db| -> std::result::Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            let rows = db.query_all_raw(statement).await?;
            rows.iter().filter_map(|row| opt_preference(&mut Cols::new(row)).transpose()).collect()
        })
        .await
}
