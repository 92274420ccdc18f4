//! Servers of a benchmark: who runs them, that they end with it, and the processor time they took.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::command;

/// Of `/proc/PID/stat`, for all programs on Linux (`USER_HZ`).
const TICKS_A_SECOND: f64 = 100.0;
/// Far beyond what a server needs to start.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// As whom servers run that refuse to be root.
#[derive(Clone, Copy)]
pub(super) struct Account(Option<(u32, u32)>);

impl Account {
    /// Ours, or for root the one that Postgres was installed with.
    pub(super) fn find() -> anyhow::Result<Self> {
        let id = |arguments: &[&str]| -> anyhow::Result<u32> {
            Ok(command::output(Command::new("id").args(arguments))?.parse()?)
        };
        if id(&["-u"])? != 0 {
            return Ok(Self(None));
        }
        let ids = id(&["-u", "postgres"]).and_then(|user| Ok((user, id(&["-g", "postgres"])?)));
        Ok(Self(Some(ids.context("Postgres does not run as root, and there is no user postgres")?)))
    }

    /// A command that will run as this user, with as many open files as the system allows: shells
    /// often allow 1,024, which a thousand clients exceed.
    pub(super) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = many_files(program);
        if let Self(Some((user, group))) = self {
            command.uid(user).gid(group).current_dir("/");
        }
        command
    }

    /// Gives a file to this user.
    pub(super) fn own(self, path: &Path) -> anyhow::Result<()> {
        let Self(Some((user, group))) = self else { return Ok(()) };
        chown(path, Some(user), Some(group))
            .with_context(|| format!("giving away {}", path.display()))
    }
}

/// A program that may open as many files as the system allows.
pub(super) fn many_files(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"ulimit -n "$(ulimit -H -n)"; exec "$0" "$@""#]).arg(program);
    command
}

/// A server; dropping it ends it.
pub(super) struct Process(Child);

impl Process {
    /// Starts it.
    pub(super) fn start(command: &mut Command, name: &str) -> anyhow::Result<Self> {
        Ok(Self(command.spawn().with_context(|| format!("starting {name}"))?))
    }

    /// What it writes, if it was started with a pipe for that.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }

    /// Its id.
    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it is ready.
    pub(super) fn wait(&mut self, name: &str, ready: impl Fn() -> bool) -> anyhow::Result<()> {
        let start = Instant::now();
        while !ready() {
            if let Some(status) = self.0.try_wait()? {
                bail!("{name} ended with {status}");
            }
            if READY_WITHIN < start.elapsed() {
                bail!("{name} does not answer");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // They hold nothing that would have to be put in order.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody listens on.
pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}

/// The nanoseconds that a process has spent on processors, all threads together.
pub(super) fn processor_time(process: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let ticks = ticks(&stat).with_context(|| format!("{path} tells no times"))?;
    Ok(ticks as f64 / TICKS_A_SECOND * 1e9)
}

/// `utime` and `stime`, the 14th and 15th field. The 2nd is a name that may have blanks in it.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_of_a_process_are_read() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 6 7 20 0 9 0 100";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("7 (a) S 1"), None);
    }
}
