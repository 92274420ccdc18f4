//! The command that runs with the emulator's variables and takes the emulator's place for signals.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::env::Variables;

/// What somebody sends who wants the emulator to stop.
pub struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    /// Receives it from now on. Before, it ends this process at once.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub fn receive() -> anyhow::Result<Self> {
        let interrupt = signal(SignalKind::interrupt()).context("waiting for SIGINT")?;
        let terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
        Ok(Self { interrupt, terminate })
    }

    /// Waits until it comes, or has come.
    pub async fn asked(mut self) {
        tokio::select! { _ = self.interrupt.recv() => {}, _ = self.terminate.recv() => {} }
    }
}

/// Runs `command` with `variables`, which is to `stop` in our place, and returns the code to exit
/// with: the command's own, or 128 and the number of the signal that ended it.
///
/// # Errors
/// When the command cannot be started.
pub async fn run(command: &[OsString], variables: &Variables, stop: Stop) -> anyhow::Result<u8> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    let Stop { mut interrupt, mut terminate } = stop;
    let mut child = Command::new(program);
    child.args(arguments);
    // What our caller has of a real workspace must not reach it from here.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("DATABRICKS_") || text.starts_with("LAKEBASE_") {
            child.env_remove(&name);
        }
    }
    child.envs(variables.iter().map(|(name, value)| (name, value)));
    let mut child =
        child.spawn().with_context(|| format!("starting `{}`", program.to_string_lossy()))?;
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let forward = |signal| {
        if let Some(pid) = pid {
            let _ = kill_process(pid, signal); // It may have ended just now.
        }
    };
    loop {
        tokio::select! {
            status = child.wait() => return Ok(code(status.context("waiting for the command")?)),
            _ = terminate.recv() => forward(Signal::TERM),
            // A terminal sends Ctrl-C to the command by itself.
            _ = interrupt.recv() => if !std::io::stdin().is_terminal() {
                forward(Signal::INT);
            },
        }
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
