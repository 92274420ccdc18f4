//! `lakegate bootstrap`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with the database's desired state.
#[derive(Debug, Subcommand)]
pub(crate) enum Bootstrap {
    /// Show what apply would do, statement by statement; exit code 3 when there is something.
    Plan(BootstrapArgs),
    /// Do it, in one transaction; nothing when nothing is to be done.
    Apply(BootstrapArgs),
    /// Look for differences in the catalog; exit code 3 when there are some.
    Verify(BootstrapArgs),
    /// Mark migrations as done without running them, in a schema that was made in another way.
    Baseline(BaselineArgs),
    /// Accept migrations that were changed after they ran, and say what became of one that was cut
    /// off.
    Repair(RepairArgs),
}

impl Bootstrap {
    /// The flags that are settings, by their names in the environment.
    pub(crate) fn named(&self) -> BTreeMap<&'static str, String> {
        let files = match self {
            Self::Plan(args) | Self::Apply(args) | Self::Verify(args) => &args.files,
            Self::Baseline(args) => &args.files,
            Self::Repair(args) => &args.files,
        };
        [
            ("LAKEGATE_LOCK_TIMEOUT", &files.lock_timeout),
            ("LAKEGATE_STATEMENT_TIMEOUT", &files.statement_timeout),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
    }
}

/// Where the migrations are, how long they may take, and how it answers.
#[derive(Args, Debug, Default)]
pub(crate) struct FilesArgs {
    /// A folder of .sql files (0001_init.sql, V1__init.sql, 20260101120000_init.sql), or one file
    /// schema.sql [default: ./migrations, if it is there].
    #[arg(long, value_name = "DIR")]
    pub(crate) migrations: Option<PathBuf>,
    /// How long to wait for a lock, and for another replica (LAKEGATE_LOCK_TIMEOUT) [default: 30].
    #[arg(long, value_name = "SECONDS")]
    pub(crate) lock_timeout: Option<String>,
    /// How long a transaction may take (LAKEGATE_STATEMENT_TIMEOUT) [default: 600].
    #[arg(long, value_name = "SECONDS")]
    pub(crate) statement_timeout: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The desired state.
#[derive(Args, Debug, Default)]
#[command(after_help = "Example:\n  lakegate bootstrap apply --migrations ./migrations")]
pub(crate) struct BootstrapArgs {
    #[command(flatten)]
    pub(crate) files: FilesArgs,
    /// A role that may read everything, beside those of LAKEGATE_READERS; may be given again.
    #[arg(long, value_name = "ROLE")]
    pub(crate) reader: Vec<String>,
    /// A role that may read and change everything, beside those of LAKEGATE_WRITERS; may be given
    /// again.
    #[arg(long, value_name = "ROLE")]
    pub(crate) writer: Vec<String>,
    /// Apply migrations even when later ones are applied already.
    #[arg(long)]
    pub(crate) out_of_order: bool,
}

/// Arguments of `bootstrap baseline`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  lakegate bootstrap baseline --through 12 --plan")]
pub(crate) struct BaselineArgs {
    #[command(flatten)]
    pub(crate) files: FilesArgs,
    /// The version of the last migration whose work is there already [default: the last of all].
    #[arg(long, value_name = "VERSION")]
    pub(crate) through: Option<i64>,
    /// Show the statement and change nothing; exit code 3 when there is one.
    #[arg(long)]
    pub(crate) plan: bool,
}

/// Arguments of `bootstrap repair`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  lakegate bootstrap repair --plan\n  \
                        lakegate bootstrap repair --finished 7")]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    pub(crate) files: FilesArgs,
    /// The migration of this version was cut off, and was finished by hand.
    #[arg(long, value_name = "VERSION", conflicts_with = "again")]
    pub(crate) finished: Option<i64>,
    /// The migration of this version was cut off, was undone by hand, and is to run again.
    #[arg(long, value_name = "VERSION")]
    pub(crate) again: Option<i64>,
    /// Show the statement and change nothing; exit code 3 when there is one.
    #[arg(long)]
    pub(crate) plan: bool,
}
