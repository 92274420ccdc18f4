//! Where Postgres is: in a folder that was named, installed, or packaged. Debian's Perl wrappers in `/usr/bin` are never taken: they
//! are slow, and `initdb` and `postgres` are not among them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::Account;
use super::package::{Package, PackageError};

/// The packaged one where none is installed: Lakebase's own default.
const PACKAGED: u32 = 17;

/// Which Postgres to run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Choice {
    /// The installed one, or a packaged one where there is none.
    #[default]
    Any,
    /// The one in this folder.
    Folder(PathBuf),
    /// The installed one.
    Installed,
    /// The packaged one of this major version.
    Packaged(u32),
}

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
    /// The packaged one was chosen and is not to be had.
    #[error("no packaged Postgres")]
    NotPackaged(#[source] PackageError),
    /// Nothing was found, and nothing could be fetched.
    #[error(
        "no Postgres is installed, and none could be fetched; install one with `{INSTALL}`, or name its folder with --postgres-bin"
    )]
    Neither(#[source] PackageError),
}

/// The one line that helps.
const INSTALL: &str = if cfg!(target_os = "macos") {
    "brew install postgresql@17"
} else {
    "apt-get install postgresql"
};

/// A Postgres that can be started.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binaries {
    /// The folder of `postgres` and `initdb`.
    pub folder: PathBuf,
}

impl Binaries {
    /// Finds, or fetches, the chosen one.
    ///
    /// # Errors
    /// See [`BinariesError`].
    pub fn get(choice: &Choice, account: Account) -> Result<Self, BinariesError> {
        let packaged = |major| Package::of(major).and_then(|package| package.folder(account));
        let folder = match choice {
            Choice::Folder(folder) if is_usable(folder) => folder.clone(),
            Choice::Folder(folder) => {
                return Err(BinariesError::NotThere { folder: folder.clone() });
            }
            Choice::Installed => installed().ok_or(BinariesError::NotInstalled)?,
            Choice::Packaged(major) => packaged(*major).map_err(BinariesError::NotPackaged)?,
            Choice::Any => match installed() {
                Some(folder) => folder,
                None => packaged(PACKAGED).map_err(BinariesError::Neither)?,
            },
        };
        Ok(Self { folder })
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The systems' usual folders with the newest first, what `pg_config` says, `PATH`.
fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    usual_folders()
        .chain(std::iter::once_with(told_by_pg_config).flatten())
        .chain(std::env::split_paths(&path))
        .find(|folder| is_usable(folder))
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
        let choice = Choice::Folder(empty.path().to_owned());
        let refused = Binaries::get(&choice, Account::Ours).unwrap_err();
        let expected =
            format!("`{}` does not hold both `postgres` and `initdb`", empty.path().display());
        assert_eq!(refused.to_string(), expected);
    }
}
