//! What each part of the service needs of the configuration, in that part's own terms.

use std::time::Duration;

use entity::contact_way::Channel;
use secrecy::ExposeSecret;

use super::{Config, Mode, SmsKind};
use crate::{
    calendar::SendingHours,
    crypto,
    db::DbOptions,
    domain::{
        agreement::patient_group, phone::EmailAddress, plan_item::guarantee::Guarantee,
        representative::rules::Ages,
    },
    http::{graphql::limits::Limits, serve::Waits, ws::WsLimits},
    reminder::{
        channel::{
            sms::{GatewayKind, SmsConfig, hooks::Hooks},
            smtp::{SmtpConfig, Timeouts},
        },
        worker::WorkerConfig,
    },
    session,
};

/// Connections per processor core when none are configured: more only cost the database.
const CONNECTIONS_PER_CORE: usize = 2;

impl Config {
    /// How to reach the database.
    pub fn db_options(&self) -> DbOptions {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        DbOptions {
            url: self.database.url.expose().to_owned(),
            max_connections: self.database.max_connections.unwrap_or((cores * CONNECTIONS_PER_CORE) as u32),
            timeout: self.database.timeout_seconds,
            observer: None,
            read_only: false,
        }
    }

    /// The master keys, the active one first.
    pub fn masters(&self) -> Vec<crypto::MasterKey> {
        let mut masters: Vec<_> = self
            .encryption
            .keys
            .iter()
            .filter_map(|master| {
                let key = master.key.expose_secret().try_into().ok()?;
                Some(crypto::MasterKey { id: master.id.clone(), key })
            })
            .collect();
        if let Some(active) = &self.encryption.active {
            masters.sort_by_key(|master| master.id != *active);
        }
        masters
    }

    /// How long each phase of sending a mail may take.
    pub fn smtp_timeouts(&self) -> Timeouts {
        let (connect, command) = (self.smtp.connect_timeout_seconds, self.smtp.command_timeout_seconds);
        Timeouts {
            connect,
            tls: connect,
            greeting: command,
            auth: command,
            mail: command,
            rcpt: command,
            data: command,
            body: self.smtp.body_timeout_seconds,
        }
    }

    /// Where to listen for what happens at other instances; `None` on SQLite, which has one instance.
    pub fn listen_url(&self) -> Option<String> {
        let database = &self.database;
        let apart = database.listen_url.as_ref().map(|url| url.expose_secret().to_owned());
        (!database.url.is_sqlite()).then(|| apart.unwrap_or_else(|| database.url.expose().to_owned()))
    }

    /// The domain that mail is sent from, by which calendar events are told apart from other systems'.
    pub fn mail_domain(&self) -> String {
        self.mail_sender()
            .map_or_else(|| "patientkontrakt.invalid".to_owned(), |from| from.address().domain().to_owned())
    }

    /// The mail server; `None` when no mail is sent.
    pub fn smtp_channel(&self) -> Option<SmtpConfig> {
        let smtp = &self.smtp;
        let from = EmailAddress::parse(smtp.from.as_deref()?).ok()?;
        Some(SmtpConfig {
            hosts: std::iter::once(smtp.host.clone()?).chain(smtp.fallback_hosts.iter().cloned()).collect(),
            port: smtp.port,
            tls: smtp.tls,
            ca_file: smtp.ca_file.clone(),
            user: smtp.user.clone(),
            password: smtp.password.clone(),
            hello_name: smtp.hello_name.clone().unwrap_or_else(|| from.address().domain().to_owned()),
            from,
            timeouts: self.smtp_timeouts(),
            pool_size: smtp.pool_size,
        })
    }

    /// The SMS gateway; `None` when no SMS is sent.
    pub fn sms_channel(&self) -> Option<SmsConfig> {
        let sms = &self.sms;
        let kind = match sms.kind {
            SmsKind::None => return None,
            SmsKind::Elks => GatewayKind::Elks,
            SmsKind::Kannel => GatewayKind::Kannel,
        };
        let hooks = sms.hooks_url.as_ref().zip(sms.hooks_secret.clone());
        Some(SmsConfig {
            kind,
            url: sms.url.parse().ok()?,
            user: sms.user.clone()?,
            password: sms.password.clone()?,
            from: sms.sender.clone()?,
            timeout: sms.timeout_seconds,
            honours_key: sms.honours_key,
            hooks: hooks.map(|(url, secret)| Hooks::new(url, secret)),
        })
    }

    /// The channels by which messages leave. The demo's end in its outbox.
    fn channels(&self) -> Vec<Channel> {
        let demo = self.mode == Mode::Demo;
        let mail = (demo || self.smtp_channel().is_some()).then_some(Channel::Mail);
        let sms = (demo || self.sms_channel().is_some()).then_some(Channel::Sms);
        mail.into_iter().chain(sms).collect()
    }

    /// A worker that has given no sign of life for so long is not counted on.
    pub fn silence(&self) -> Duration {
        self.reminders.heartbeat_seconds * 3
    }

    /// How the worker works.
    pub fn worker(&self) -> WorkerConfig {
        let reminders = &self.reminders;
        let longest = self.smtp_timeouts().total().max(self.sms.timeout_seconds);
        WorkerConfig {
            lease: reminders.lease_seconds,
            batch: reminders.batch as u64,
            poll: reminders.poll_interval_seconds,
            // A channel's own time-outs tell more than this one: it is the last resort.
            send_timeout: longest + (reminders.lease_seconds.saturating_sub(longest)) / 2,
            retry_waits: reminders.retry_waits_seconds.clone(),
            mails_per_second: self.smtp.per_second,
            sms_per_second: self.sms.per_second,
            heartbeat: reminders.heartbeat_seconds,
            ..WorkerConfig::default()
        }
    }

    /// Whom mail comes from; in the demo, an address that no mail server takes.
    pub fn mail_sender(&self) -> Option<EmailAddress> {
        EmailAddress::parse(self.smtp.from.as_deref().unwrap_or("no-reply@patientkontrakt.invalid")).ok()
    }

    /// What one GraphQL request may ask.
    pub fn limits(&self) -> Limits {
        let graphql = &self.graphql;
        Limits {
            body_bytes: self.http.body_limit_bytes,
            tokens: graphql.max_tokens,
            depth: graphql.max_depth,
            aliases: graphql.max_aliases,
            directives: graphql.max_directives,
            root_fields: graphql.max_root_fields,
            fields: graphql.max_fields,
            complexity: graphql.max_complexity,
            cached_documents: graphql.cached_documents,
            cached_document_bytes: graphql.cached_document_bytes,
        }
    }

    /// How long a connection is waited for.
    pub fn waits(&self) -> Waits {
        Waits { head: self.http.head_timeout_seconds, idle: self.http.idle_seconds }
    }

    /// What one WebSocket may ask.
    pub fn ws_limits(&self) -> WsLimits {
        let ws = &self.websocket;
        WsLimits {
            message_bytes: ws.max_message_bytes,
            operations: ws.max_operations,
            init_seconds: ws.init_timeout_seconds.as_secs(),
            send_seconds: ws.send_timeout_seconds.as_secs(),
            idle_seconds: ws.idle_seconds.as_secs(),
        }
    }

    /// The region's choices that domain rules depend on.
    pub fn settings(&self) -> session::Settings {
        session::Settings {
            region: self.region.coordinating_region.clone(),
            fixed_contacts: self.region.fixed_contact_policy,
            doctor_titles: self.region.doctor_titles.iter().map(|word| word.to_lowercase()).collect(),
            schedule_horizon_days: self.region.schedule_horizon_days,
            contact_review_days: self.region.contact_review_days,
            handover_lead_days: self.region.handover_lead_days,
            reminders_enabled: self.sending_is_decided(),
            links: session::Links {
                base: self.reminders.link_url.as_deref().map(|url| url.trim_end_matches('/').to_owned()),
                act: self.reminders.action_links,
            },
            hours: SendingHours::new(self.reminders.send_from, self.reminders.send_until).unwrap_or_default(),
            after_hours_phone: self.region.after_hours_phone.clone(),
            channels: self.channels(),
            sms_reports: self.sms.kind != SmsKind::None && self.sms.hooks_url.is_some(),
            ages: Ages {
                guardian_until: self.region.guardian_until_age,
                own_booking: self.region.own_booking_age,
                own_plan: self.region.own_plan_age,
            },
            contact_request_days: self.region.contact_request_days,
            daily_call_until: self.region.daily_call_until,
            missed_call_due: chrono::TimeDelta::hours(i64::from(self.region.missed_call_due_hours)),
            discharge_gap_due: chrono::TimeDelta::hours(i64::from(self.region.discharge_gap_due_hours)),
            agreement_request_days: i64::from(self.region.agreement_request_days),
            patient_groups: patient_group::groups(&self.region.patient_groups),
            slot_hold: chrono::TimeDelta::minutes(i64::from(self.region.slot_hold_minutes)),
            outcome_missing_days: i64::from(self.region.outcome_missing_days),
            plan: session::PlanRules {
                concern_answer_working_days: self.plan.concern_answer_working_days,
                orphan_working_days: self.plan.orphan_working_days,
                late_step_days: self.plan.late_step_days,
                guarantee: Guarantee {
                    first_contact_days: self.plan.guarantee_first_contact_days,
                    assessment_days: self.plan.guarantee_assessment_days,
                    first_specialist_visit_days: self.plan.guarantee_first_specialist_visit_days,
                    decided_treatment_days: self.plan.guarantee_decided_treatment_days,
                    patient_chosen_excluded: self.plan.guarantee_excludes_patient_chosen,
                    medical_excluded: self.plan.guarantee_excludes_medical,
                },
            },
            booking: session::BookingRules {
                travel_minutes: self.booking.travel_minutes,
                same_unit_gap_minutes: self.booking.same_unit_gap_minutes,
                rebook_within_days: self.booking.rebook_within_days,
                offer_minutes: self.booking.offer_minutes,
                offer_latest_minutes: self.booking.offer_latest_minutes,
                wish_answer_working_days: self.booking.wish_answer_working_days,
            },
        }
    }
}
