//! `wrk`, which loads an HTTP server and says how it did.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::lakebase::output;
use crate::command::folder_of;
use crate::workspace::Workspace;

/// The program and its script.
pub(super) struct Wrk {
    program: PathBuf,
    script: PathBuf,
}

/// A request that is sent again and again.
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// None if the route is open to all.
    pub(super) key: Option<&'static str>,
}

/// What clients saw.
#[derive(Debug, PartialEq)]
pub(super) struct Load {
    pub(super) requests_a_second: f64,
    /// Nanoseconds that half of the requests did not exceed.
    pub(super) p50: f64,
    /// Nanoseconds that 99 of 100 requests did not exceed.
    pub(super) p99: f64,
}

impl Wrk {
    pub(super) fn find(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = folder_of("wrk").context(
            "there is no wrk in PATH; `apt-get install wrk` or `brew install wrk` installs it",
        )?;
        let script = workspace.path("crates/xtask/src/bench/load.lua");
        Ok(Self { program: folder.join("wrk"), script })
    }

    /// Lets that many clients send the request to the server for some seconds, each the next one
    /// when the last one is answered.
    ///
    /// # Errors
    ///
    /// If a single request fails: the others would be counted for what they are not.
    pub(super) fn load(
        &self,
        origin: &str,
        request: &Request,
        clients: u32,
        seconds: u32,
    ) -> anyhow::Result<Load> {
        let mut wrk = Command::new(&self.program);
        wrk.args(["--connections", &clients.to_string(), "--duration", &format!("{seconds}s")]);
        // It wants a client for each thread; more than two take the server's processors from it.
        wrk.args(["--threads", &clients.min(2).to_string(), "--script"]).arg(&self.script);
        wrk.args([&format!("{origin}{}", request.path), "--", request.method]);
        let said = output(wrk.args(request.key))?;
        read(&said).with_context(|| format!("{} {}", request.method, request.path))
    }
}

/// Reads the script's line, which follows `wrk`'s own report.
fn read(said: &str) -> anyhow::Result<Load> {
    let line = said.lines().last().unwrap_or_default();
    let figures: Value = serde_json::from_str(line).context("wrk's last line is not JSON")?;
    let figure = |name: &str| figures[name].as_f64().with_context(|| format!("wrk told no {name}"));
    let (requests, failed) = (figure("requests")?, figure("failed")?);
    ensure!(failed == 0.0, "{failed} of {requests} requests failed");
    ensure!(requests > 0.0, "no request was answered");
    Ok(Load {
        requests_a_second: requests / figure("duration")? * 1e6,
        p50: figure("p50")? * 1e3,
        p99: figure("p99")? * 1e3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_read() {
        let load = Load { requests_a_second: 500.0, p50: 2_000.0, p99: 9_000.0 };
        let line = r#"{"requests": 1000, "duration": 2000000, "p50": 2, "p99": 9, "failed": 0}"#;
        check(&format!("Running 2s test\n{line}\n"), Ok(load));
        let line = r#"{"requests": 9, "duration": 1, "p50": 2, "p99": 9, "failed": 7}"#;
        check(line, Err("7 of 9 requests failed"));
        let line = r#"{"requests": 0, "duration": 1, "p50": 0, "p99": 0, "failed": 0}"#;
        check(line, Err("no request was answered"));
        check("Running 2s test\n", Err("wrk's last line is not JSON"));
        check(r#"{"requests": 9}"#, Err("wrk told no failed"));
    }

    #[track_caller]
    fn check(said: &str, expected: Result<Load, &str>) {
        let read = read(said).map_err(|error| error.to_string());
        assert_eq!(read, expected.map_err(str::to_owned));
    }
}
