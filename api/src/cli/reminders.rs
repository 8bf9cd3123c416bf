//! The commands for reminders: what would leave, and holding and releasing everything.

use std::process::ExitCode;

use chrono::TimeDelta;
use clap::{Args, Subcommand, ValueEnum};
use entity::sending_hold::Cause;

use super::print;
use crate::{
    app::{self, StartError},
    clock::Clock,
    config::{Config, Mode},
    http::demo::kept_clock,
    reminder::{
        ChannelKind, hold,
        outlook::{self, Ahead},
        pause,
    },
    session::Core,
};

#[derive(Subcommand)]
pub(super) enum Reminders {
    /// List what would leave, when, by which channel, to whom (masked), and what would be held back and why.
    Plan(Until),
    /// The same with the texts as they would be.
    Preview(Until),
    /// What a round of the worker would do just now. Nothing is sent by this command: `serve` and `worker` send.
    Run {
        /// Required: says that you know that nothing is sent.
        #[arg(long, required = true)]
        dry_run: bool,
    },
    /// Hold everything: nothing leaves until it is released. Do this before a restored backup is served.
    Hold,
    /// Let the sending go on. What was due by now is not sent: it may have left before, and staff see it as unknown.
    Release {
        /// Send what was due as well: it is known that nothing has left that the database does not know of.
        #[arg(long)]
        send_due: bool,
    },
    /// Send nothing more by this channel, at any instance, until it is resumed.
    Pause { channel: ChannelName },
    /// Let a paused channel send again.
    Resume { channel: ChannelName },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ChannelName {
    Mail,
    Sms,
}

impl ChannelName {
    const fn kind(self) -> ChannelKind {
        match self {
            Self::Mail => ChannelKind::Mail,
            Self::Sms => ChannelKind::Sms,
        }
    }
}

#[derive(Args)]
pub(super) struct Until {
    /// How many hours ahead.
    #[arg(long, default_value_t = 24)]
    hours: u32,
    /// How many messages at most.
    #[arg(long, default_value_t = 200)]
    first: u64,
}

pub(super) async fn run(config: &Config, command: Reminders) -> Result<ExitCode, StartError> {
    match command {
        Reminders::Plan(until) => show(config, &until, false).await,
        Reminders::Preview(until) => show(config, &until, true).await,
        Reminders::Run { .. } => show(config, &Until { hours: 0, first: 1000 }, true).await,
        Reminders::Hold => {
            let core = open(config).await?;
            hold::hold(&core, Cause::Operator).await.map_err(StartError::new)?;
            print("held: nothing leaves until `patientkontrakt reminders release`\n")?;
            Ok(ExitCode::SUCCESS)
        }
        Reminders::Release { send_due } => {
            let core = open(config).await?;
            match hold::release(&core, send_due).await.map_err(StartError::new)? {
                None => print("the sending was not held\n")?,
                Some(doubtful) => print(format_args!(
                    "released; {doubtful} message(s) that were due are not sent: staff see them as unknown\n"
                ))?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Reminders::Pause { channel } => {
            let core = open(config).await?;
            pause::pause(&core.db, channel.kind(), core.clock.now()).await.map_err(StartError::new)?;
            print("paused; what is under way is finished\n")?;
            Ok(ExitCode::SUCCESS)
        }
        Reminders::Resume { channel } => {
            let core = open(config).await?;
            let was_paused = pause::resume(&core.db, channel.kind()).await.map_err(StartError::new)?;
            print(if was_paused { "resumed\n" } else { "was not paused\n" })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// By the clock that the messages are sent by: the demo's is moved.
async fn open(config: &Config) -> Result<Core, StartError> {
    let clock = if config.mode == Mode::Demo { kept_clock(&config.data_dir) } else { Clock::system() };
    app::open_core(config, &clock, false).await
}

async fn show(config: &Config, until: &Until, texts: bool) -> Result<ExitCode, StartError> {
    let core = open(config).await?;
    let now = core.clock.now();
    let ahead = outlook::ahead(&core, now + TimeDelta::hours(i64::from(until.hours)), until.first);
    let ahead = ahead.await.map_err(StartError::new)?;
    let held = core.db.read(async |db| hold::held(db).await).await.map_err(StartError::new)?;
    if held.is_some() {
        print("the sending is held: nothing leaves until `patientkontrakt reminders release`\n")?;
    }
    if !core.settings.reminders_enabled {
        print(
            "nothing leaves: the region's decision is not on record (reminders.risk_analysis_reference)\n",
        )?;
    }
    for one in &ahead {
        print(format_args!("{}\n", one.line()))?;
        if texts {
            print_text(one)?;
        }
    }
    print(format_args!("{} message(s)\n", ahead.len()))?;
    Ok(ExitCode::SUCCESS)
}

fn print_text(one: &Ahead) -> Result<(), StartError> {
    let Some(rendered) = &one.rendered else { return Ok(()) };
    let text = if one.notice.channel == entity::contact_way::Channel::Mail {
        format!("{}\n{}", rendered.subject, rendered.text)
    } else {
        rendered.sms.clone().unwrap_or_default()
    };
    text.lines().try_for_each(|line| print(format_args!("    {line}\n")))
}
