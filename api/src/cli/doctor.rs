//! What would stop the service or its reminders, for operators.

use std::process::ExitCode;

use super::print;
use crate::{
    app::{self, StartError},
    auth::token::Verifier,
    clock::Clock,
    config::{Config, Mode, UNDECIDED},
    db::{DbOptions, LogRights},
    reminder::{beat, channel::configured::Channels, hold, survey},
};

/// Everything that would stop the service or its reminders, each with what to do. Changes nothing.
pub(super) async fn run(config: &Config) -> Result<ExitCode, StartError> {
    let (mut sick, mut printed) = (false, Ok(()));
    let mut say = |found: Result<&str, String>| {
        sick |= found.is_err();
        let line =
            found.map_or_else(|what| format!("problem  {what}\n"), |well| format!("ok       {well}\n"));
        if printed.is_ok() {
            printed = print(line);
        }
    };
    match app::connect(config, &DbOptions { read_only: true, ..config.db_options() }).await {
        Err(e) => say(Err(e.to_string())),
        Ok(db) => {
            say(Ok("the database answers"));
            let state = app::schema_state(&db).await?;
            let missing = state.pending.len();
            say(if let Some(first) = state.altered.first() {
                Err(format!(
                    "the schema was made by another build (`{first}` differs): start with an empty database"
                ))
            } else if missing == 0 {
                Ok("the schema is up to date")
            } else {
                Err(format!(
                    "the schema lacks {missing} change(s); `patientkontrakt migrate up` applies them"
                ))
            });
            if missing == 0 && state.altered.is_empty() && app::content(config).is_ok() {
                let library = app::library(config, &db).await;
                say(library
                    .map(|_| "no answered question battery has been changed")
                    .map_err(|e| e.to_string()));
            }
            if missing == 0 && state.altered.is_empty() {
                let mut alerts =
                    hold::alerts(db.reader(), Clock::system().now()).await.map_err(StartError::new)?;
                alerts.extend(
                    beat::troubles(&db, Clock::system().now(), config.silence())
                        .await
                        .map_err(StartError::new)?,
                );
                if alerts.is_empty() {
                    say(Ok(
                        "no message waits that should have left, none is lost, and nothing keeps the workers from \
                            sending",
                    ));
                }
                for alert in alerts {
                    say(Err(alert));
                }
            }
            if missing == 0 && state.altered.is_empty() {
                let settings = config.settings();
                if let Ok(texts) = app::texts(config) {
                    let unfit = survey::unfit(&db, &texts, &settings.links, Clock::system().now());
                    let unfit = unfit.await.map_err(StartError::new)?;
                    if unfit.is_empty() {
                        say(Ok(
                            "messages can be made with the name and number of every care provider and unit",
                        ));
                    }
                    for one in unfit {
                        say(Err(one));
                    }
                }
                for (channel, yeses) in
                    survey::astray(&db, &settings.channels).await.map_err(StartError::new)?
                {
                    say(Err(format!(
                        "{yeses} choice(s) say yes to {}, which is not configured: they are told by another way, or not \
                         at all",
                        channel.as_str()
                    )));
                }
            }
            if missing == 0 && !db.is_sqlite() {
                say(match db.rights_in_log().await.map_err(StartError::new)? {
                    LogRights { add: false, .. } => Err("the service may not add to the access log, so that it answers \
                         nobody: name its role in database.service_role and let the owner run `migrate up`"
                        .to_owned()),
                    LogRights { alter: true, .. } => Err("the service signs in to the database as one who may alter the \
                         access log: give it a role of its own, and name it in database.service_role when the owner runs \
                         `migrate up`"
                        .to_owned()),
                    LogRights { .. } => Ok("the database lets the service add to the access log, and no more"),
                });
            }
        }
    }
    say(app::content(config)
        .map(|_| "the question batteries and templates can be used")
        .map_err(|e| e.to_string()));
    let verifier = Verifier::new(&config.auth, Clock::system()).map_err(StartError::new)?;
    let keys = verifier.jwks().refresh().await;
    say(keys.map(|()| "the keys of the token issuer can be read").map_err(|e| format!("token keys: {e}")));
    say(if config.sending_is_decided() {
        Ok("the region's decision on reminders is on record")
    } else {
        Err(UNDECIDED.to_owned())
    });
    match app::texts(config) {
        Err(error) => say(Err(error.to_string())),
        Ok(texts) => {
            let waiting: Vec<String> = texts.unreviewed().map(ToString::to_string).collect();
            say(if waiting.is_empty() {
                Ok("the texts of the messages can be used, in every language that is there")
            } else {
                Err(format!(
                    "nobody has reviewed the texts in {}: whoever reads that language is written to in Swedish",
                    waiting.join(", ")
                ))
            });
            if config.mode == Mode::Production {
                say(match &config.reminders.texts_reviewed_by {
                    Some(_) => Ok("somebody has reviewed the Swedish and English texts for the region"),
                    None => {
                        Err("nobody has put their name to the Swedish and English texts for the region: \
                                 reminders.texts_reviewed_by and texts_reviewed_on"
                            .to_owned())
                    }
                });
            }
        }
    }
    let channels = Channels::new(config.smtp_channel(), config.sms_channel(), &Clock::system());
    say(channels.map(|_| "the channels that are configured can be used").map_err(|e| e.to_string()));
    say(if config.smtp_channel().is_some() || config.sms_channel().is_some() {
        Ok("there is a way for reminders to leave")
    } else {
        Err("neither mail (smtp.host, smtp.from) nor SMS (sms.kind) is configured: no reminder leaves"
            .to_owned())
    });
    printed?;
    Ok(if sick { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
