//! `lakegate app-yaml`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `app-yaml`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lakegate app-yaml --database app_ontos -- python app.py
  lakegate app-yaml --database app_ontos --bootstrap --output app.yaml -- python app.py
  lakegate app-yaml --check
  lakegate app-yaml --check app.yaml --autoscaling --json

Database, schema and port are the configured ones. A Provisioned instance gives an app its host, an
Autoscaling project the path of its endpoint; which of both it is, an option says, or else
LAKEBASE_ENDPOINT, LAKEBASE_INSTANCE_NAME or POSTGRES_HOST. Nothing is asked of the network.

The command that is written runs CMD by `lakegate run`. Without a CMD there are the variables alone,
for a program that gets its tokens itself.

Exit code of --check: 0 if nothing is wrong or only warnings were found, 3 if there are errors.")]
pub(crate) struct AppYamlArgs {
    /// Check this file instead of writing one [default: app.yaml].
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "app.yaml")]
    pub(crate) check: Option<PathBuf>,
    /// Print the findings as one JSON object.
    #[arg(long, requires = "check")]
    pub(crate) json: bool,
    /// The database is a Provisioned instance.
    #[arg(long, conflicts_with = "autoscaling")]
    pub(crate) provisioned: bool,
    /// The database is a branch of an Autoscaling project.
    #[arg(long)]
    pub(crate) autoscaling: bool,
    /// The key of the app's resource [default: database if Provisioned, postgres if Autoscaling].
    #[arg(long, value_name = "KEY")]
    pub(crate) resource: Option<String>,
    /// Have the app apply ./migrations before it starts: `lakegate run --bootstrap`.
    #[arg(long, requires = "command", conflicts_with = "check")]
    pub(crate) bootstrap: bool,
    /// Write the file here [default: standard output].
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file if it is there.
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
    /// The app's program and its arguments.
    #[arg(last = true, value_name = "CMD", conflicts_with = "check")]
    pub(crate) command: Vec<String>,
}
