//! `lakegate man`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `man`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lakegate man bootstrap apply | man -l -
  lakegate man --output /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write the pages of all commands into this folder, which is made if it is not there.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(crate) output: Option<PathBuf>,
    /// The command whose page is printed [default: lakegate itself].
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}
