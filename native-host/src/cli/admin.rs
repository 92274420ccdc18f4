//! What an administrator runs: `lakegate setup`, `lakegate tighten`.

use clap::Args;

/// Whose login an admin's command uses, and how it answers.
#[derive(Args, Debug)]
pub(crate) struct AdminArgs {
    /// Log in as this role with the database token that is pasted on standard input, in place of
    /// the configured identity.
    #[arg(long, value_name = "ROLE")]
    pub(crate) user: Option<String>,
    /// Show the statements and change nothing; exit code 3 when there are some.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `setup`.
#[derive(Args, Debug)]
#[command(
    after_help = "Where this login may not do all of it, nothing is done: the statements for somebody \
                  who may are\nprinted, and the exit code is 1.\n\nExamples:\n  \
    lakegate setup --grant-to 0f1e2d3c-… --plan --profile me\n  \
    lakegate setup --grant-to 0f1e2d3c-… --auth-type databricks-cli\n  \
    lakegate setup --user you@example.com --grant-public < token.txt"
)]
pub(crate) struct SetupArgs {
    /// The role that may create schemas: the application's service principal; may be given again
    /// [default: DATABRICKS_CLIENT_ID; where that is not set, everybody].
    #[arg(long, value_name = "ROLE", conflicts_with = "grant_public")]
    pub(crate) grant_to: Vec<String>,
    /// Let everybody who can log in create schemas; `lakegate tighten` ends that.
    #[arg(long)]
    pub(crate) grant_public: bool,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

/// Arguments of `tighten`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    lakegate tighten --grant-to 0f1e2d3c-… --plan\n  \
    lakegate tighten --grant-to 0f1e2d3c-… --grant-to you@example.com --profile me")]
pub(crate) struct TightenArgs {
    /// The role that keeps the right: the application's service principal; may be given again
    /// [default: DATABRICKS_CLIENT_ID].
    #[arg(long, value_name = "ROLE")]
    pub(crate) grant_to: Vec<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}
