//! Where an installed Postgres is. Debian's Perl wrappers in `/usr/bin` are never taken: they
//! are slow, and `initdb` and `postgres` are not among them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// No usable Postgres.
#[derive(Debug, thiserror::Error)]
pub enum BinariesError {
    /// The folder that was named lacks a program.
    #[error("`{}` does not hold both `postgres` and `initdb`", folder.display())]
    NotThere {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// Nothing was found in any of the usual places.
    #[error(
        "no Postgres is installed; install one with `{INSTALL}`, or name its folder with --postgres-bin"
    )]
    NotInstalled,
}

/// The one line that helps.
const INSTALL: &str = if cfg!(target_os = "macos") {
    "brew install postgresql@17"
} else {
    "apt-get install postgresql"
};

/// An installed Postgres.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binaries {
    /// The folder of `postgres` and `initdb`.
    pub folder: PathBuf,
}

impl Binaries {
    /// Finds them in `folder`, or else: the systems' usual folders with the newest first, what
    /// `pg_config` says, `PATH`.
    ///
    /// # Errors
    /// See [`BinariesError`].
    pub fn find(folder: Option<&Path>) -> Result<Self, BinariesError> {
        let folder = match folder {
            Some(folder) if is_usable(folder) => folder.to_owned(),
            Some(folder) => return Err(BinariesError::NotThere { folder: folder.to_owned() }),
            None => usual_folders()
                .chain(std::iter::once_with(told_by_pg_config).flatten())
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()))
                .find(|folder| is_usable(folder))
                .ok_or(BinariesError::NotInstalled)?,
        };
        Ok(Self { folder })
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn is_usable(folder: &Path) -> bool {
    ["postgres", "initdb"].iter().all(|program| folder.join(program).is_file())
}

fn usual_folders() -> impl Iterator<Item = PathBuf> {
    [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ]
    .into_iter()
    .flat_map(|(parent, prefix, rest)| {
        newest_first(Path::new(parent), prefix).into_iter().map(move |path| path.join(rest))
    })
}

fn told_by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// The folders `parent/{prefix}{number}`, the highest number first.
fn newest_first(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let mut numbered: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    numbered.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    numbered.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first_by_number() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["9", "17", "16", "common", "pgsql-18"] {
            std::fs::create_dir(parent.path().join(name)).unwrap();
        }
        let expected = ["17", "16", "9"].map(|name| parent.path().join(name));
        assert_eq!(newest_first(parent.path(), ""), expected);
    }

    #[test]
    fn a_named_folder_is_taken_or_refused_never_replaced() {
        let empty = tempfile::tempdir().unwrap();
        let refused = Binaries::find(Some(empty.path())).unwrap_err();
        let expected =
            format!("`{}` does not hold both `postgres` and `initdb`", empty.path().display());
        assert_eq!(refused.to_string(), expected);
    }
}
