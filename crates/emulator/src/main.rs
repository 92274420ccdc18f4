//! `lakebase-emulator`: starts a local Lakebase and tells how to reach it.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use lakebase_emulator::cli::Cli;
use lakebase_emulator::emulator::Emulator;
use lakebase_emulator::{child, env};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    run(Cli::parse()).await.unwrap_or_else(|error| {
        // One line: people run this in scripts.
        eprintln!("lakebase-emulator: {error:#}");
        ExitCode::FAILURE
    })
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .init();

    let emulator = Emulator::start(cli.options()).await?;
    emulator.lakebase().set_policy(cli.policy());
    let variables = env::variables(&emulator, cli.schema());
    // Who reads the variables may want the end of it at once.
    let stop = child::Stop::receive()?;
    if let Some(file) = &cli.env_file {
        env::write(&variables, file).with_context(|| format!("writing `{}`", file.display()))?;
    } else if cli.json {
        println!("{}", env::json(&variables));
    } else if cli.command.is_empty() {
        print!("{}", env::shell(&variables));
    }
    let code = if cli.command.is_empty() {
        stop.asked().await;
        Ok(0)
    } else {
        child::run(&cli.command, &variables, stop).await
    };
    if cli.keep {
        eprintln!("kept {}", emulator.folder().display());
    }
    emulator.stop().await?;
    Ok(ExitCode::from(code?))
}
