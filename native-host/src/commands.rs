//! One file a command.

mod admin;
mod bootstrap;
mod doctor;
mod serve;
mod token;

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::CommandFactory;
use lakegate_edges::clock::Clock;
use lakegate_edges::settings::Settings;

use crate::cli::{Cli, Command, SettingFlags, Work};
use crate::component::Gate;
use crate::edges::Edges;
use crate::failure::Failure;

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "lakegate", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve(args) => block_on(async {
            let (settings, clock) = surroundings(&cli.settings)?;
            serve::run(settings, clock, args).await
        }),
        Command::Work(work) => block_on(async {
            let (settings, clock) = surroundings(&cli.settings)?;
            let session = Session::start(settings, clock, !cli.quiet)?;
            session.check_file().await?;
            carry_out(&session, work).await
        }),
    }
}

fn block_on(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| anyhow::anyhow!("starting the runtime: {e}"))?
        .block_on(work)
}

/// What every command is told by where it runs.
fn surroundings(flags: &SettingFlags) -> Result<(Settings, Clock), Failure> {
    let settings = Settings::load(flags.named(), flags.config.as_deref())
        .map_err(|e| Failure::usage(format!("{e:#}")))?;
    let clock = Clock::new(std::env::var_os("LAKEGATE_CLOCK_FILE").map(Into::into));
    Ok((settings, clock))
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

/// What the commands work with that use the connector.
struct Session {
    gate: Gate,
    clock: Clock,
    file_names: Vec<String>,
}

impl Session {
    fn start(settings: Settings, clock: Clock, progress: bool) -> Result<Self, Failure> {
        let file_names = settings.file_names().map(str::to_owned).collect();
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
        // One file may serve all commands.
        let means = |name: &String| known.contains(name) || serve::is_of_function(name);
        match self.file_names.iter().find(|name| !means(name)) {
            None => Ok(()),
            Some(name) => Err(Failure::usage(format!(
                "the configuration file sets `{}`, which is no setting; `lakegate doctor` lists them",
                name.to_ascii_lowercase()
            ))),
        }
    }
}
