//! A running `lakegate serve`, and a key that opens it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

/// What opens the routes that give credentials. It is no secret: the server listens on this machine
/// alone, for as long as a benchmark or the demo runs.
pub(crate) const KEY: &str = "benchmark";
/// Its SHA-256, which is all that the server knows of it.
const KEY_SHA256: &str = "0e89820860c342f2c7ec694d144023b10301c2accdd078cb5167a06d0c3d5bcc";

/// A running `lakegate serve`; dropping it ends it.
pub(crate) struct Server {
    process: Child,
    /// As in `http://127.0.0.1:3000`.
    pub(crate) origin: String,
}

impl Server {
    /// Starts `lakegate` with what follows `serve`, and waits until it answers.
    pub(crate) fn start(lakegate: &mut Command, arguments: &[&str]) -> anyhow::Result<Self> {
        lakegate.env("LAKEGATE_TOKEN_KEY_SHA256", KEY_SHA256).stdout(Stdio::piped());
        lakegate.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        let mut process = lakegate.spawn().context("starting `lakegate serve`")?;
        let stdout = process.stdout.take().expect("it is piped");
        let mut server = Self { process, origin: String::new() };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("reading `lakegate serve`")?;
        let origin = line.trim_end().strip_prefix("listening on ");
        origin.context("`lakegate serve` did not start")?.clone_into(&mut server.origin);
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It holds nothing that would have to be put in order.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
