//! Which settings are secrets, and the files that hold one.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The settings that hold a secret: never on a command line, never in `lakegate.toml`.
pub const NAMES: [&str; 8] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "DATABRICKS_CLIENT_SECRET",
    "DATABRICKS_OIDC_TOKEN",
    "DATABRICKS_TOKEN",
    "LAKEGATE_CACHE_KEY",
    "LAKEGATE_PROXY_PASSWORD",
    "PGPASSWORD",
    "POSTGRES_PASSWORD",
];

/// Ten thousand profiles fit. A device or a log that somebody named by mistake does not.
const FILE_LIMIT: u64 = 1 << 20;

/// Whether the setting with this environment name holds a secret.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Why a file with a secret was not read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// This process may not read it; the system's words.
    #[error("it may not be read: {0}")]
    Forbidden(String),
    /// Anything else: no text, larger than 1 MiB, a folder.
    #[error("{0}")]
    Other(String),
}

/// The whole content of a file that holds a secret; at most 1 MiB. A leading `~/` is the home
/// folder.
///
/// The text is the caller's to wipe.
///
/// # Errors
///
/// The file is not there, may not be read, or cannot be one with a secret.
pub fn read(path: &str) -> Result<String, ReadError> {
    whole(&expand(path)).map_err(|error| match error.kind() {
        ErrorKind::NotFound => ReadError::Missing,
        ErrorKind::PermissionDenied => ReadError::Forbidden(error.to_string()),
        _ => ReadError::Other(error.to_string()),
    })
}

fn whole(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_LIMIT + 1).read_to_string(&mut text)?;
    if FILE_LIMIT < text.len() as u64 {
        let words = format!("it is larger than {FILE_LIMIT} bytes, so it holds no secret");
        return Err(std::io::Error::other(words));
    }
    Ok(text)
}

/// Turns a leading `~/` into the home folder.
pub(crate) fn expand(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_one_is_refused() {
        assert_eq!(read("/there/is/none"), Err(ReadError::Missing));
        assert_eq!(read("/dev/null").as_deref(), Ok(""));
        let Err(ReadError::Other(words)) = read("/dev/zero") else { panic!("it has no end") };
        assert!(words.contains("holds no secret"), "{words}");
        assert!(matches!(read("/"), Err(ReadError::Other(_))));
    }
}
