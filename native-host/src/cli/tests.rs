//! What holds for the help of every command, whoever adds the next.

use clap::{Arg, Command, CommandFactory};

use super::Cli;

/// As wide as a terminal may be counted on to be.
const WIDTH: usize = 100;

/// All commands by their words, `lakegate` itself included.
fn commands() -> Vec<(String, Command)> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut found = vec![];
    let mut open = vec![root];
    while let Some(command) = open.pop() {
        open.extend(command.get_subcommands().cloned());
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
        found.push((name, command));
    }
    found
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_help_has_an_example_that_fits() {
    for (name, command) in commands() {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("Example"), "{name} --help shows no example");
        let example = format!("\n  {}", name.split(' ').next().unwrap_or_default());
        // It may stand within a line: PGPASSWORD=$(lakegate token).
        assert!(after.contains(&example) || after.contains(&format!("({name}")), "{name}: {after}");
        for line in after.lines() {
            assert!(line.chars().count() <= WIDTH, "{name}: {line}");
        }
    }
}

#[test]
fn everything_is_explained_in_sentences() {
    for (name, command) in commands() {
        assert!(command.get_about().is_some(), "{name} says nothing of itself");
        for argument in command.get_arguments().filter(|it| !is_of_clap(it)) {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let begins_well = help.starts_with(|c: char| c.is_uppercase());
            assert!(begins_well, "{name}: {} says {help:?}", argument.get_id());
        }
    }
}

fn is_of_clap(argument: &Arg) -> bool {
    ["help", "version"].contains(&argument.get_id().as_str())
}
