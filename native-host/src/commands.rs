//! One file a command.

mod admin;
mod app_yaml;
mod bootstrap;
mod doctor;
mod man;
mod proxy;
mod run;
mod serve;
mod token;

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;
use lakegate_edges::clock::Clock;
use lakegate_edges::settings::Settings;

use self::run::Beside;
use crate::cli::{Cli, Command, PsqlArgs, RunArgs, SettingFlags, Work};
use crate::component::{Gate, Source};
use crate::edges::Edges;
use crate::failure::Failure;
use crate::output;
use crate::proxy::settings::{Fixed, is_of_proxy, sources as proxy_sources};
use crate::proxy::watch::{Layers, Watched};

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let Cli { settings: flags, quiet, command, .. } = cli;
    let progress = !quiet;
    match command {
        Command::AppYaml(args) => app_yaml::run(&load(&layers(flags))?, &args),
        Command::Completions(args) => completions(args.shell),
        Command::Man(args) => man::run(&args),
        Command::Serve(args) => {
            block_on(async { serve::run(load(&layers(flags))?, clock(), args).await })
        }
        Command::Proxy(args) => block_on(proxy(layers(flags).with(args.named()), progress)),
        Command::Run(RunArgs { pool, bootstrap, migrations, command }) => block_on(async {
            let (session, beside) = beside(&layers(flags).with(pool.named()), progress).await?;
            if bootstrap {
                bootstrap::prepare(&session, migrations, progress).await?;
            }
            run::run(&session, beside, command).await
        }),
        Command::Psql(PsqlArgs { arguments }) => block_on(async {
            let (session, beside) = beside(&layers(flags), progress).await?;
            run::psql(&session, beside, arguments).await
        }),
        Command::Work(work) => block_on(async {
            let settings = load(&layers(flags).with(work.named()))?;
            let session = Session::open(settings, progress).await?;
            carry_out(&session, work).await
        }),
    }
}

/// Prints what a shell is to read.
fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lakegate", &mut text);
    output::print(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::SUCCESS)
}

fn block_on(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| anyhow::anyhow!("starting the runtime: {e}"))?
        .block_on(work)
}

fn layers(flags: SettingFlags) -> Layers {
    Layers { flags: flags.named(), file: flags.file() }
}

fn load(layers: &Layers) -> Result<Settings, Failure> {
    layers.load().map_err(usage)
}

fn usage(error: anyhow::Error) -> Failure {
    Failure::usage(format!("{error:#}"))
}

fn clock() -> Clock {
    Clock::new(std::env::var_os("LAKEGATE_CLOCK_FILE").map(Into::into))
}

async fn proxy(layers: Layers, progress: bool) -> Result<ExitCode, Failure> {
    let (watched, settings, fixed, tuning) = Watched::read(layers).map_err(usage)?;
    let options = proxy::options(&fixed, tuning)?;
    let session = Session::open(settings, progress).await?;
    proxy::run(&session, watched, fixed, options).await
}

/// What `run` and `psql` need.
async fn beside(layers: &Layers, progress: bool) -> Result<(Session, Beside), Failure> {
    let settings = load(layers)?;
    let fixed = Fixed::read(&settings).map_err(usage)?;
    let pool = crate::proxy::settings::pool(&settings).map_err(usage)?;
    let session = Session::open(settings, progress).await?;
    Ok((session, Beside::new(&fixed, pool, progress)))
}

async fn carry_out(session: &Session, work: Work) -> Result<ExitCode, Failure> {
    match work {
        Work::Token(args) => token::run(session, &args).await,
        Work::Bootstrap(command) => bootstrap::run(session, &command).await,
        Work::Setup(args) => admin::setup(session, args).await,
        Work::Tighten(args) => admin::tighten(session, args).await,
        Work::Doctor(args) => doctor::run(session, args).await,
    }
}

/// What the commands work with that use the connector.
struct Session {
    gate: Gate,
    clock: Clock,
    file_names: Vec<String>,
    /// The settings of the proxy, of which the connector knows nothing.
    proxy_sources: Vec<Source>,
}

impl Session {
    async fn open(settings: Settings, progress: bool) -> Result<Self, Failure> {
        let clock = clock();
        let file_names = settings.file_names().map(str::to_owned).collect();
        let proxy_sources = proxy_sources(&settings);
        let edges = Edges::new(settings, clock.clone(), progress)?;
        let session = Self { gate: Gate::start(edges)?, clock, file_names, proxy_sources };
        session.check_file().await?;
        Ok(session)
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
        let means = |name: &String| {
            known.contains(name) || serve::is_of_function(name) || is_of_proxy(name)
        };
        match self.file_names.iter().find(|name| !means(name)) {
            None => Ok(()),
            Some(name) => Err(Failure::usage(format!(
                "the configuration file sets `{}`, which is no setting; `lakegate doctor` lists them",
                name.to_ascii_lowercase()
            ))),
        }
    }
}
