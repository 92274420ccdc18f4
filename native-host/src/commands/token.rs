//! `lakegate token`.

use std::io::Write;
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
            Self::PgpassFile(path) => write_private(path, &pgpass_line(held))
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

/// Replaces a file as a whole, readable by its owner alone from its first byte on.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // Leaves nothing behind that holds a token.
        let _ = std::fs::remove_file(&temporary);
    }
    written
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

    #[cfg(unix)]
    #[test]
    fn a_password_file_is_replaced_as_a_whole_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("lakegate-pgpass-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("pgpass");
        std::fs::write(&path, "old and readable by all").unwrap();
        write_private(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
