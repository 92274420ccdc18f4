//! A program that runs beside a proxy of its own: what it finds, the signals it gets, how it ends.

pub(crate) mod environment;
mod lifeline;
pub(crate) mod signals;

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::Receiver;

use self::lifeline::Lifeline;

/// Why a program did not start, with the exit code that a shell has for that.
#[derive(Debug, thiserror::Error)]
#[error("{program} {words}")]
pub(crate) struct NotStarted {
    program: String,
    words: String,
    /// 127 when there is no such program, 126 when it cannot be run.
    pub(crate) code: u8,
}

/// Runs a program to its end, passes signals on to it, and gives the exit code a shell would give.
/// It is told to stop when its proxy is `gone`, and when this process is killed.
///
/// # Errors
///
/// It cannot be started.
pub(crate) async fn run(
    mut command: Command,
    signals: &mut Receiver<Signal>,
    gone: impl Future<Output = ()>,
) -> Result<u8, NotStarted> {
    let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
    let _lifeline = child.id().map(Lifeline::tie);
    let mut gone = std::pin::pin!(gone);
    let mut served = true;
    loop {
        tokio::select! {
            // What has ended gets no signal: another process may have its number by then.
            biased;
            status = child.wait() => return Ok(status.map_or(1, exit_code)),
            Some(signal) = signals.recv() => pass_on(&child, signal),
            () = &mut gone, if served => {
                served = false;
                tracing::error!("the proxy has ended: the program is told to stop");
                pass_on(&child, Signal::TERM);
            }
        }
    }
}

fn pass_on(child: &Child, signal: Signal) {
    let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)) else { return };
    if let Err(error) = kill_process(pid, signal) {
        tracing::warn!("signal {} was not passed on: {error}", signal.as_raw());
    }
}

/// The exit code of who was ended by a signal.
pub(crate) fn code_of(signal: Signal) -> u8 {
    u8::try_from(128 + signal.as_raw()).unwrap_or(1)
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

fn not_started(command: &Command, error: &std::io::Error) -> NotStarted {
    let program = command.as_std().get_program().display().to_string();
    let (words, code) = match error.kind() {
        ErrorKind::NotFound => ("was not found".to_owned(), 127),
        _ => (format!("cannot be run: {error}"), 126),
    };
    NotStarted { program, words, code }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::mpsc::channel;

    use super::*;

    async fn code(program: &str, arguments: &[&str]) -> Result<u8, u8> {
        let mut command = Command::new(program);
        command.args(arguments);
        run(command, &mut channel(1).1, pending()).await.map_err(|error| error.code)
    }

    #[tokio::test]
    async fn it_ends_as_a_shell_says_it_does() {
        assert_eq!(code("sh", &["-c", "exit 0"]).await, Ok(0));
        assert_eq!(code("sh", &["-c", "exit 7"]).await, Ok(7));
        assert_eq!(code("sh", &["-c", "kill -TERM $$"]).await, Ok(143));
        assert_eq!(code("lakegate-there-is-none", &[]).await, Err(127));
        assert_eq!(code("/", &[]).await, Err(126));
    }

    #[tokio::test]
    async fn it_gets_the_signals() {
        let (sender, mut signals) = channel(1);
        sender.send(Signal::TERM).await.unwrap();
        let mut command = Command::new("sleep");
        command.arg("600");
        assert_eq!(run(command, &mut signals, pending()).await.unwrap(), 143);
    }

    #[tokio::test]
    async fn it_is_told_that_its_proxy_is_gone() {
        let mut command = Command::new("sleep");
        command.arg("600");
        assert_eq!(run(command, &mut channel(1).1, ready(())).await.unwrap(), 143);
    }
}
