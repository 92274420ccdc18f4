//! `lakegate man`: manual pages from the same source as `--help`.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::{Cli, ManArgs};
use crate::failure::Failure;
use crate::output;

pub(super) fn run(args: &ManArgs) -> Result<ExitCode, Failure> {
    // `lakegate help token` is `lakegate token --help`, and needs no page.
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    if let Some(folder) = &args.output {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        for command in all(&root) {
            let page = page(command);
            page.generate_to(folder).with_context(|| folder.display().to_string())?;
        }
    } else {
        let mut text = Vec::new();
        page(named(&root, &args.command)?).render(&mut text).context("rendering the page")?;
        output::print(&String::from_utf8_lossy(&text))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn page(command: &Command) -> Man {
    let version = concat!("lakegate ", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).source(version).manual("Lakegate")
}

/// A command and all below it.
fn all(command: &Command) -> Vec<&Command> {
    std::iter::once(command).chain(command.get_subcommands().flat_map(all)).collect()
}

/// The command that the words name.
fn named<'c>(root: &'c Command, words: &[String]) -> Result<&'c Command, Failure> {
    words.iter().try_fold(root, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
            Failure::usage(format!("{name} has no command `{word}`"))
        })
    })
}
