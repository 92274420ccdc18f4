//! `lakegate doctor`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `doctor`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  lakegate doctor\n  \
                        lakegate doctor --json | jq -r '.checks[] | select(.outcome == \"failed\") | .cause'\n  \
                        lakegate doctor --report doctor.json\n\n\
                        Ends with 0 when nothing failed, with 1 when something did, with 2 when the \
                        settings cannot be used.")]
pub(crate) struct DoctorArgs {
    /// Print one JSON object: version, settings, and for each check its name, outcome (ok, warning,
    /// failed, skipped), cause (a word that stays the same), what was found, advice, milliseconds.
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write a report that can be sent to somebody: no secret, and names in the place of hosts,
    /// addresses and ids.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Replace the report if it is there already.
    #[arg(long, requires = "report")]
    pub(crate) force: bool,
}
