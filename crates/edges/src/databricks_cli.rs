//! The Databricks CLI, which keeps the login that a person made in a browser.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::process::{ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::timeout;

use crate::secrets::{ReadError, is_secret};

/// How the names begin that ask for a token of the CLI: `databricks-cli:--profile=NAME`, or
/// `databricks-cli:--host=URL`.
pub(crate) const SCHEME: &str = "databricks-cli:";

/// It asks the workspace for a new token when the old one is over. Who waits for it computes for
/// that long as far as a host can see, and hosts end what computes for 30 s.
const LIMIT: Duration = Duration::from_secs(20);

/// No token is longer. What comes after that is not read.
const OUTPUT_LIMIT: u64 = 64 << 10;

/// The file that holds the profiles, for the CLI as for us.
pub(crate) const PROFILES: &str = "DATABRICKS_CONFIG_FILE";

/// What else than a secret would make the CLI somebody else, or have it ask somewhere else.
const OTHERS: [&str; 6] = [
    "DATABRICKS_ACCOUNT_ID",
    "DATABRICKS_AUTH_TYPE",
    "DATABRICKS_CLIENT_ID",
    "DATABRICKS_CONFIG_PROFILE",
    "DATABRICKS_HOST",
    "DATABRICKS_WORKSPACE_ID",
];

/// What `databricks auth token` prints for this argument, `--profile=NAME` or `--host=URL`.
/// `profiles` is the file that holds the profiles, when it is not the usual one.
///
/// It holds up its thread for 20 s at most.
///
/// # Errors
///
/// There is no such program, or it failed: its own words.
pub(crate) fn token(argument: &str, profiles: Option<&OsStr>) -> Result<String, ReadError> {
    if !["--profile=", "--host="].iter().any(|option| argument.starts_with(option)) {
        return Err(ReadError::Missing);
    }
    let mut command = Command::new("databricks");
    command.args(["auth", "token", argument]);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| is_secret(name) || OTHERS.contains(&name)) {
            command.env_remove(name);
        }
    }
    if let Some(profiles) = profiles {
        command.env(PROFILES, profiles);
    }
    ask(command, LIMIT)
}

/// Runs it to its end on a thread of its own: the caller may be part of another runtime.
fn ask(command: Command, limit: Duration) -> Result<String, ReadError> {
    let failed = |error: std::io::Error| ReadError::Other(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed)?;
    let answer = thread::scope(|scope| {
        scope.spawn(|| runtime.block_on(async { timeout(limit, run(command)).await })).join()
    });
    let answer = answer.map_err(|_| ReadError::Other("the thread that asks it died".into()))?;
    let Ok(answer) = answer else {
        return Err(ReadError::Other(format!("no answer in {limit:?}")));
    };
    let (status, said, complaint) = answer.map_err(|error| match error.kind() {
        ErrorKind::NotFound => ReadError::Missing,
        ErrorKind::PermissionDenied => ReadError::Forbidden(error.to_string()),
        _ => failed(error),
    })?;
    if status.success() {
        return Ok(said);
    }
    let complaint = complaint.trim();
    let complaint = complaint.strip_prefix("Error: ").unwrap_or(complaint);
    Err(ReadError::Other(match complaint {
        "" => format!("it ended with {status}"),
        words => words.to_owned(),
    }))
}

async fn run(mut command: Command) -> std::io::Result<(ExitStatus, String, String)> {
    let streams = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.kill_on_drop(true).spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (said, complaint) = tokio::try_join!(text(out), text(err))?;
    Ok((child.wait().await?, said, complaint))
}

async fn text(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(OUTPUT_LIMIT).read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &str, limit: Duration, expected: Result<&str, &str>) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let found = ask(command, limit).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{script}");
    }

    #[test]
    fn gives_what_it_prints_or_says_why_not() {
        check("printf token", LIMIT, Ok("token"));
        check("cat", LIMIT, Ok("")); // Nobody types.
        check("echo 'Error: log in' >&2; exit 1", LIMIT, Err("log in"));
        check("exit 3", LIMIT, Err("it ended with exit status: 3"));
        check("exec yes", LIMIT, Err("it ended with signal: 13 (SIGPIPE)"));
        check("exec sleep 100", Duration::from_millis(50), Err("no answer in 50ms"));
    }

    #[test]
    fn is_not_run_for_anything_else() {
        assert_eq!(token("--help", None), Err(ReadError::Missing));
        assert_eq!(token("", None), Err(ReadError::Missing));
        let absent = Command::new("databricks-that-is-not-there");
        assert_eq!(ask(absent, LIMIT), Err(ReadError::Missing));
    }
}
