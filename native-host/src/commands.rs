//! One file a command.

mod admin;
mod bootstrap;
mod doctor;
mod token;

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{Cli, Command, SettingFlags, Work};
use crate::component::Gate;
use crate::edges::Edges;
use crate::edges::clock::Clock;
use crate::edges::settings::Settings;
use crate::failure::Failure;

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "lakegate", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Work(work) => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|e| anyhow::anyhow!("starting the runtime: {e}"))?
            .block_on(async {
                let session = Session::start(&cli.settings, !cli.quiet)?;
                session.check_file().await?;
                carry_out(&session, work).await
            }),
    }
}

async fn carry_out(session: &Session, work: Work) -> Result<ExitCode, Failure> {
    match work {
        Work::Token(args) => token::run(session, &args).await,
        Work::Bootstrap(command) => bootstrap::run(session, &command).await,
        Work::Setup(args) => admin::setup(session, args).await,
        Work::Tighten(args) => admin::tighten(session, args).await,
        Work::Doctor { json } => doctor::run(session, json).await,
    }
}

/// What every command works with.
struct Session {
    gate: Gate,
    clock: Clock,
    file_names: Vec<String>,
}

impl Session {
    fn start(flags: &SettingFlags, progress: bool) -> Result<Self, Failure> {
        let settings = Settings::load(flags.named(), flags.config.as_deref())
            .map_err(|e| Failure::usage(format!("{e:#}")))?;
        let file_names = settings.file_names().map(str::to_owned).collect();
        let clock = Clock::new(std::env::var_os("LAKEGATE_CLOCK_FILE").map(Into::into));
        let edges = Edges::new(settings, clock.clone(), progress)?;
        Ok(Self { gate: Gate::start(edges)?, clock, file_names })
    }

    /// Refuses a name in `lakegate.toml` that means nothing: most likely a slip of the pen, and
    /// what it was meant to set would silently keep its default.
    async fn check_file(&self) -> Result<(), Failure> {
        if self.file_names.is_empty() {
            return Ok(());
        }
        let known: BTreeSet<String> =
            self.gate.sources().await?.into_iter().flat_map(|source| source.names).collect();
        match self.file_names.iter().find(|name| !known.contains(*name)) {
            None => Ok(()),
            Some(name) => Err(Failure::usage(format!(
                "the configuration file sets `{}`, which is no setting; `lakegate doctor` lists them",
                name.to_ascii_lowercase()
            ))),
        }
    }
}
