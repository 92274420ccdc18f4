//! Ends a program when this process is killed in a way that leaves it no time to do so itself.
//!
//! A shell waits beside the program on a pipe that only this process holds. If the pipe ends without
//! a word, the program is told to stop: without its proxy it has no database. Linux could do that by
//! itself (`PR_SET_PDEATHSIG`), but only code that runs between `fork` and `exec` can ask for it.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

/// The signals of a terminal come to the whole group, and are not meant for it.
const WATCH: &str = r#"trap '' HUP INT QUIT TERM; read -r over || kill -TERM "$1""#;

/// Dropped in order, it leaves the program alone.
pub(super) struct Lifeline(Option<Child>);

impl Lifeline {
    /// Ties the process with this id to this one. Where there is no shell it goes without.
    pub(super) fn tie(process: u32) -> Self {
        let mut watch = Command::new("/bin/sh");
        watch.args(["-c", WATCH, "lakegate-lifeline", &process.to_string()]);
        watch.env_clear().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watching = watch.spawn();
        if let Err(error) = &watching {
            tracing::debug!("nothing ends the program if lakegate is killed: {error}");
        }
        Self(watching.ok())
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        let Some(mut watching) = self.0.take() else { return };
        let told = watching.stdin.take().map(|mut pipe| pipe.write_all(b"over\n"));
        // Who cannot be told would take the end of the pipe for the end of this process.
        if !matches!(told, Some(Ok(()))) {
            drop(watching.kill());
        }
        drop(watching.wait());
    }
}
