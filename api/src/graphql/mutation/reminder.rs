//! Choosing reminders and notices.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result, SimpleObject};
use entity::{AppointmentTypeId, CareUnitId, NoticeId, PatientId, RepresentativeId};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    auth::policy::{Noun, Who, reach_sql, reach_values},
    domain::{
        guardian_reminder::set::{SetGuardianReminder, set as set_guardian},
        notice::by_staff::{Handle, handle},
        reminder_ladder::set::{SetLadder, set as set_ladder},
        reminder_preference::{
            rules::{Addresses, Choice},
            set::{SetPreferences, set},
        },
    },
    error::Fault,
    graphql::{
        care_unit::CareUnit,
        read::{
            cols::Cols,
            preference::{COLUMN_LIST, opt_preference},
            reminder_texts, undelivered,
        },
        scalars::{GlobalId, NodeKind},
        types::{
            enums::{Channel, ReminderDetail, ReminderKind},
            messages::ReminderPreference,
            reminders::{GuardianReminder, ReminderAct, ReminderRungInput, UndeliveredReminder},
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
    /// The channel: MAIL or SMS. Staff also write down LETTER (brev) and PHONE (samtal), for appointments.
    channel: Channel,
    /// Yes or no.
    opted_in: bool,
    /// How much may stand in it.
    #[graphql(default_with = "ReminderDetail::TimeOnly")]
    detail: ReminderDetail,
    /// The exact text that the patient was shown when deciding; 1,000 characters at most.
    text_shown: String,
    /// The `version` of the text in `reminderTexts` that was shown, when it was one of them. A yes is refused when the texts
    /// have changed since, and when `textShown` is none of them for this kind, channel and detail: show the new ones.
    text_version: Option<String>,
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

/// A unit's decision on its reminders.
#[derive(InputObject)]
pub struct ReminderLadderSetInput {
    /// The unit, the caller's own.
    care_unit_id: ID,
    /// One kind of appointment; all of the unit that have no ladder of their own when left out.
    appointment_type_id: Option<ID>,
    /// The choice.
    ladder: ReminderLadderChoice,
    /// The `number` of the ladder as it was read; 0 when there was none.
    expected_number: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// A ladder, or none of one's own: one of these.
#[derive(OneofObject)]
pub enum ReminderLadderChoice {
    /// These rungs, each at most once. An empty list: nobody is reminded.
    Rungs(Vec<ReminderRungInput>),
    /// Back to what stands above (följ överordnat val): the unit's ladder for a kind of appointment, the default for the
    /// unit. Always true.
    AsAbove(bool),
}

payload! {
    /// Answer to `reminderLadderSet`.
    ReminderLadderSetPayload of CareUnitId {
        /// The unit as it is now, also when the act was refused.
        care_unit: CareUnit = CareUnit::load
    }
}

/// A message that did not arrive, and what is done about it.
#[derive(InputObject)]
pub struct ReminderHandleInput {
    /// The message, of `undeliveredReminders`.
    reminder_id: ID,
    /// What is done.
    act: ReminderAct,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of it.
#[derive(SimpleObject)]
pub struct ReminderHandlePayload {
    /// The message while it still is on the list; none once it is taken care of or on its way again.
    reminder: Option<UndeliveredReminder>,
    /// Why nothing was done.
    user_errors: Vec<UserError>,
}

/// A guardian's choice (vårdnadshavares val) for one channel.
#[derive(InputObject)]
pub struct GuardianReminderSetInput {
    /// For staff: the child. A guardian acts for the child and leaves it out.
    patient_id: Option<ID>,
    /// For staff: the guardian whose choice they record, as one of the child's `representatives`.
    representative_id: Option<ID>,
    /// The channel: MAIL or SMS.
    channel: Channel,
    /// Yes or no.
    opted_in: bool,
    /// The guardian's mail address or mobile number; replaces the one that is known.
    address: Option<String>,
    /// How much may stand in it.
    #[graphql(default_with = "ReminderDetail::TimeOnly")]
    detail: ReminderDetail,
    /// The exact text that the guardian was shown when deciding; 1,000 characters at most.
    text_shown: String,
    /// The `version` of the text in `reminderTexts` that was shown, when it was one of them: `textShown` must be one of
    /// those about times, of this channel and detail.
    text_version: Option<String>,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of a guardian's choice.
#[derive(SimpleObject)]
pub struct GuardianReminderSetPayload {
    /// The choices as they are now: the caller's own, or for staff all guardians'; none when refused.
    reminders: Vec<GuardianReminder>,
    /// Why nothing was changed.
    user_errors: Vec<UserError>,
}

/// Reminders.
#[Object]
impl ReminderMutation {
    /// Takes care of a message that did not arrive (påminnelse som inte kom fram): sends it again or by the other channel, or
    /// notes that somebody has phoned (ringt). Each message once.
    async fn reminder_handle(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which message, and what is done.")] input: ReminderHandleInput,
    ) -> Result<ReminderHandlePayload> {
        let session = session(ctx);
        let command = Handle {
            notice: GlobalId::row(&input.reminder_id, NodeKind::Reminder).unwrap_or(NoticeId(Uuid::nil())),
            act: input.act.into(),
        };
        let receipt =
            handle(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        let denied = receipt.problems.iter().any(crate::error::Problem::is_denial);
        let still = !receipt.problems.is_empty() && !denied;
        let reminder = if still { undelivered::by_id(ctx, command.notice).await? } else { None };
        Ok(ReminderHandlePayload { reminder, user_errors: user_errors(&receipt, session.locale) })
    }

    /// Says yes or no to reminders of a child's times (påminnelser om barnets tider), for a guardian (vårdnadshavare)
    /// who sees them, or by staff on a guardian's behalf. The reminders ahead follow at once; they end when the guardian's
    /// access does.
    async fn guardian_reminder_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The choice.")] input: GuardianReminderSetInput,
    ) -> Result<GuardianReminderSetPayload> {
        let session = session(ctx);
        let command = SetGuardianReminder {
            patient: input
                .patient_id
                .as_ref()
                .map(|id| GlobalId::row(id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil()))),
            guardian: input.representative_id.as_ref().map(|id| {
                GlobalId::row(id, NodeKind::Representative).unwrap_or(RepresentativeId(Uuid::nil()))
            }),
            channel: input.channel.into(),
            opted_in: input.opted_in,
            address: input.address,
            detail: input.detail.into(),
            text_shown: input.text_shown,
            text_version: input.text_version,
        };
        let receipt =
            set_guardian(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        let reminders = match receipt.id::<PatientId>("patient") {
            Some(child) => {
                session.trail.read(child);
                reminder_texts::of_guardians(session, child).await.map_err(|e| fault(session, &e))?
            }
            None => Vec::new(),
        };
        Ok(GuardianReminderSetPayload { reminders, user_errors: user_errors(&receipt, session.locale) })
    }

    /// Chooses which reminders a unit sends (väljer påminnelsetrappa), by its manager: for all its appointments or for one
    /// kind of them. The reminders of the times ahead follow at once; what is past already is not sent afterwards.
    async fn reminder_ladder_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The choice.")] input: ReminderLadderSetInput,
    ) -> Result<ReminderLadderSetPayload> {
        let session = session(ctx);
        let unit = GlobalId::row(&input.care_unit_id, NodeKind::CareUnit).unwrap_or(CareUnitId(Uuid::nil()));
        let kind = |id: &ID| GlobalId::row(id, NodeKind::AppointmentType);
        let command = SetLadder {
            unit,
            appointment_type: input
                .appointment_type_id
                .as_ref()
                .map(|id| kind(id).unwrap_or(AppointmentTypeId(Uuid::nil()))),
            steps: match input.ladder {
                ReminderLadderChoice::Rungs(rungs) => Some(rungs.into_iter().map(Into::into).collect()),
                ReminderLadderChoice::AsAbove(_) => None,
            },
            expected_number: input.expected_number,
        };
        let outcome = set_ladder(session, &input.idempotency_key, &command).await;
        Ok(ReminderLadderSetPayload(Answer::new(session, outcome, "unit", Some(unit))?))
    }

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
                    text_version: choice.text_version,
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
            rows.iter().filter_map(|row| opt_preference(session, &mut Cols::new(row)).transpose()).collect()
        })
        .await
}
