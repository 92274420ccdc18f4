//! What people and scripts read.

use std::io::{IsTerminal, Write};

use anyhow::Context;
use jiff::Timestamp;
use serde_json::Value;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, LogFormat};

/// Sends logs to standard error: what the command tells by default, more with `-v`, and as
/// `LAKEGATE_LOG` says.
pub(crate) fn start_logging(cli: &Cli) {
    let default = [cli.quietest_log(), "lakegate=info", "lakegate=debug", "lakegate=trace"];
    let level = default[usize::from(cli.verbose).min(default.len() - 1)];
    let filter = EnvFilter::try_from_env("LAKEGATE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    // It would write down what passes between the function and its host: queries, for one.
    let filter = filter.add_directive("wasmtime_wasi_http=debug".parse().expect("a directive"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match cli.log_format {
        // Colours are for people: a file of logs is searched for plain words.
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
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

/// A comment of SQL, with its line end. A line break in a name must not end it: what follows would
/// run.
pub(crate) fn comment(text: &str) -> String {
    text.split(['\n', '\r']).map(|line| format!("-- {line}\n")).collect()
}

/// A moment for people and for programs: RFC 3339, to the second. A password that never ends has
/// none that can be written.
pub(crate) fn time(milliseconds: u64) -> Option<String> {
    let second = i64::try_from(milliseconds / 1000).ok()?;
    Timestamp::from_second(second).ok().map(|t| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_stays_one_whatever_it_says() {
        assert_eq!(comment("create \"a\""), "-- create \"a\"\n");
        assert_eq!(comment("a\nDROP TABLE b;\r\nc"), "-- a\n-- DROP TABLE b;\n-- \n-- c\n");
    }

    #[test]
    fn moments_are_written_to_the_second() {
        assert_eq!(time(1_795_349_839_999).as_deref(), Some("2026-11-22T12:17:19Z"));
        assert_eq!(time(u64::MAX), None, "a password never ends");
    }
}
