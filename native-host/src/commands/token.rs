//! `lakegate token`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;
use zeroize::Zeroizing;

use super::Session;
use crate::cli::TokenArgs;
use crate::credential::{Held, keep, take, warn_not_renewed};
use crate::failure::Failure;
use crate::output;
use crate::private_file;

pub(super) async fn run(session: &Session, args: &TokenArgs) -> Result<ExitCode, Failure> {
    let shape = Shape::of(args);
    if !args.follow {
        let held = take(&session.gate, &session.clock).await?;
        shape.give(&held)?;
        return Ok(ExitCode::SUCCESS);
    }
    follow(session, &shape).await
}

/// Gives every new credential until the first one cannot be had or the reader has gone.
async fn follow(session: &Session, shape: &Shape) -> Result<ExitCode, Failure> {
    // Without a first credential there is nothing to follow: say why and stop.
    take(&session.gate, &session.clock).await?;
    let mut live = keep(session.gate.clone(), session.clock.clone(), warn_not_renewed);
    loop {
        live.changed().await;
        if let Some(held) = live.get() {
            shape.give(&held)?;
        }
    }
}

/// In which shape a credential is given.
enum Shape {
    Bare,
    Json,
    PgpassLine,
    PgpassFile(PathBuf),
}

impl Shape {
    fn of(args: &TokenArgs) -> Self {
        match &args.pgpass {
            Some(path) if path == Path::new("-") => Self::PgpassLine,
            Some(path) => Self::PgpassFile(path.clone()),
            None if args.json => Self::Json,
            None => Self::Bare,
        }
    }

    fn give(&self, held: &Held) -> anyhow::Result<()> {
        match self {
            Self::Bare => output::print(&Zeroizing::new(format!("{}\n", held.token()))),
            Self::Json => print_json(held),
            Self::PgpassLine => output::print(&pgpass_line(held)),
            Self::PgpassFile(path) => private_file::replace(path, &pgpass_line(held))
                .with_context(|| format!("writing {}", path.display())),
        }
    }
}

fn print_json(held: &Held) -> anyhow::Result<()> {
    let credential = &held.credential;
    output::print_json(&json!({
        "user": credential.user,
        "token": held.token(),
        "host": credential.host,
        "port": credential.port,
        "database": credential.database,
        "schema": credential.schema,
        "generation": credential.generation,
        "expires_at": output::time(credential.expires_at),
    }))
}

/// A line as libpq reads it: `host:port:database:user:password`, `:` and `\` escaped.
fn pgpass_line(held: &Held) -> Zeroizing<String> {
    let credential = &held.credential;
    let port = credential.port.to_string();
    let fields: [&str; 5] =
        [&credential.host, &port, &credential.database, &credential.user, held.token()];
    let mut line = Zeroizing::new(String::with_capacity(2048));
    for (number, field) in fields.into_iter().enumerate() {
        if number != 0 {
            line.push(':');
        }
        escape(field, &mut line);
    }
    line.push('\n');
    line
}

fn escape(field: &str, line: &mut String) {
    for character in field.chars() {
        if matches!(character, '\\' | ':') {
            line.push('\\');
        }
        line.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_files_keep_colons_and_backslashes_apart() {
        for (field, expected) in
            [("plain", "plain"), ("::1", r"\:\:1"), (r"a\b", r"a\\b"), (r"\:", r"\\\:"), ("", "")]
        {
            let mut line = String::new();
            escape(field, &mut line);
            assert_eq!(line, expected);
        }
    }
}
