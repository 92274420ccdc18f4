//! The command line.

use std::collections::BTreeMap;

use clap::{Parser, Subcommand, ValueEnum};

mod admin;
mod app_yaml;
mod bootstrap;
mod completions;
mod doctor;
mod man;
mod proxy;
mod serve;
mod settings;
#[cfg(test)]
mod tests;
mod token;
mod words;

pub(crate) use self::admin::{AdminArgs, SetupArgs, TightenArgs};
pub(crate) use self::app_yaml::AppYamlArgs;
pub(crate) use self::bootstrap::{BaselineArgs, Bootstrap, BootstrapArgs, FilesArgs, RepairArgs};
pub(crate) use self::completions::CompletionsArgs;
pub(crate) use self::doctor::DoctorArgs;
pub(crate) use self::man::ManArgs;
pub(crate) use self::proxy::{ProxyArgs, PsqlArgs, RunArgs};
pub(crate) use self::serve::ServeArgs;
pub(crate) use self::settings::SettingFlags;
pub(crate) use self::token::TokenArgs;
pub(crate) use self::words::arguments;

/// Fresh Lakebase credentials and a prepared database, for any application.
///
/// Settings come from flags, the environment and lakegate.toml, in this order; `lakegate doctor`
/// shows each and where it came from.
#[derive(Debug, Parser)]
#[command(
    name = "lakegate",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "\
Examples:
  lakegate doctor
  lakegate bootstrap apply --migrations ./migrations
  lakegate run -- ./my-app
  lakegate psql -c 'SELECT current_user'"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
    /// Say more on standard error; twice and thrice say more still.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show no progress.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// How the log is written on standard error (LAKEGATE_LOG_FORMAT).
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "LAKEGATE_LOG_FORMAT",
        hide_env = true,
        default_value = "text"
    )]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[value(alias = "")] // An empty variable counts as absent.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl Cli {
    /// What is logged without `-v`.
    pub(crate) fn quietest_log(&self) -> &'static str {
        match self.command {
            Command::Serve(_) if !self.quiet => "warn,lakegate::access=info",
            Command::Proxy(_) if !self.quiet => "warn,lakegate=info,lakegate::access=warn",
            // What the pool has to say, the program is told as an error of Postgres.
            Command::Run(_) | Command::Psql(_) => "warn,lakegate_proxy=error",
            _ => "warn",
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Work(Work),
    /// Serve the HTTP function: tokens, bootstrap, setup and status for who has a key.
    Serve(ServeArgs),
    /// Let applications connect without a password: each connection to the database gets a token
    /// that is alive.
    Proxy(ProxyArgs),
    /// Run a program beside a proxy of its own, and end with its exit code.
    Run(RunArgs),
    /// Run psql on the database.
    Psql(PsqlArgs),
    /// Write the app.yaml of a Databricks App, or check the one that is there.
    AppYaml(AppYamlArgs),
    /// Print the completions for a shell.
    Completions(CompletionsArgs),
    /// Print a manual page, or write them all.
    Man(ManArgs),
}

/// What is done with the connector.
#[derive(Debug, Subcommand)]
pub(crate) enum Work {
    /// Print a database credential: the password for one hour.
    Token(TokenArgs),
    /// Make the database ready: schema, default privileges, tables.
    #[command(
        subcommand,
        after_help = "Example:\n  lakegate bootstrap plan && lakegate bootstrap apply"
    )]
    Bootstrap(Bootstrap),
    /// Create the database and let the application create its schema; once, by an admin.
    Setup(SetupArgs),
    /// Take the right to create schemas from everybody but the application, by an admin.
    Tighten(TightenArgs),
    /// Check everything a start needs, and say how to mend what is wrong.
    Doctor(DoctorArgs),
}

impl Work {
    /// The flags of a command that are settings, by their names in the environment.
    pub(crate) fn named(&self) -> BTreeMap<&'static str, String> {
        match self {
            Self::Bootstrap(command) => command.named(),
            _ => BTreeMap::new(),
        }
    }
}
