//! What people and scripts read.

use std::io::{IsTerminal, Write};

use anyhow::Context;
use serde_json::Value;
use tracing_subscriber::EnvFilter;

/// Sends logs to standard error: warnings by default, more with `-v`, and as `LAKEGATE_LOG` says.
/// With `requests`, also a line for each that is served.
pub(crate) fn start_logging(verbose: u8, requests: bool) {
    let quietest = if requests { "warn,lakegate::access=info" } else { "warn" };
    let default = [quietest, "lakegate=info", "lakegate=debug", "lakegate=trace"];
    let level = default[usize::from(verbose).min(default.len() - 1)];
    let filter = EnvFilter::try_from_env("LAKEGATE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    // It would write down what passes between the function and its host: queries, for one.
    let filter = filter.add_directive("wasmtime_wasi_http=debug".parse().expect("a directive"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are for people: a file of logs is searched for plain words.
    log.with_ansi(std::io::stderr().is_terminal()).init();
}

/// Prints a text as it is. A reader that has gone is an error: a script must not think it got all.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing to standard output")
}

/// Prints one JSON value: indented for people, on one line for programs.
pub(crate) fn print_json(value: &Value) -> anyhow::Result<()> {
    let text =
        if std::io::stdout().is_terminal() { format!("{value:#}\n") } else { format!("{value}\n") };
    print(&text)
}
