//! `lakegate token`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `token`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  export PGPASSWORD=$(lakegate token) PGSSLMODE=verify-full
  psql -h $POSTGRES_HOST -U $DATABRICKS_CLIENT_ID -d $POSTGRES_DB

  lakegate token --pgpass ~/.pgpass --follow &")]
pub(crate) struct TokenArgs {
    /// Print one JSON object with user, token, host, port, database and expiry.
    #[arg(long, conflicts_with = "pgpass")]
    pub(crate) json: bool,
    /// Print a line of a password file, or write it into FILE (readable by you alone).
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub(crate) pgpass: Option<PathBuf>,
    /// Stay, and print or write every new credential as soon as it is there.
    #[arg(long)]
    pub(crate) follow: bool,
}
