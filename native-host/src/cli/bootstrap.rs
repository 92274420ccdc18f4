//! `lakegate bootstrap`.

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
}

/// The desired state.
#[derive(Args, Debug, Default)]
#[command(after_help = "Example:\n  lakegate bootstrap apply --migrations ./migrations")]
pub(crate) struct BootstrapArgs {
    /// A folder of .sql files (0001_init.sql, V1__init.sql, 20260101120000_init.sql), or one file
    /// schema.sql [default: ./migrations, if it is there].
    #[arg(long, value_name = "DIR")]
    pub(crate) migrations: Option<PathBuf>,
    /// A role that may read everything; may be given again.
    #[arg(long, value_name = "ROLE")]
    pub(crate) reader: Vec<String>,
    /// A role that may read and change everything; may be given again.
    #[arg(long, value_name = "ROLE")]
    pub(crate) writer: Vec<String>,
    /// Apply migrations even when later ones are applied already.
    #[arg(long)]
    pub(crate) out_of_order: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
