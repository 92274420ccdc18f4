//! The native host of Lakegate: it does what the component decides.
//!
//! The component (`wit/`) finds out who the application is, when a token is due and what SQL a
//! database needs. This crate lends it sockets, TLS, files, clocks and randomness
//! ([`edges`], over [`lakegate_edges`]), keeps an instance running ([`component`]) and the live credential at hand
//! ([`credential`]), serves the function over HTTP ([`function`]), and gives people the `lakegate`
//! command.

mod app_yaml;
mod bindings;
mod child;
mod cli;
mod commands;
pub mod component;
pub mod credential;
pub mod edges;
mod embedded;
mod engine;
mod failure;
pub mod function;
mod logins;
mod operations;
mod output;
mod private_file;
mod proxy;
mod serve;
mod service;
mod watchdog;

use std::process::ExitCode;

use clap::Parser;

/// Runs the command that the arguments of this process name.
#[must_use]
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse_from(cli::arguments(std::env::args_os()));
    output::start_logging(&cli);
    match commands::run(cli) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
