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
    /// The program does not say its version.
    #[error("`{} --version` did not tell its version", program.display())]
    Version {
        /// The program that was asked.
        program: PathBuf,
    },
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
    /// As the server tells it: `15.18`.
    pub version: String,
}

impl Binaries {
    /// Finds them in `folder`, or else: `pg_config`, the systems' usual folders with the newest
    /// first, `PATH`.
    ///
    /// # Errors
    /// See [`BinariesError`].
    pub fn find(folder: Option<&Path>) -> Result<Self, BinariesError> {
        let folder = match folder {
            Some(folder) if is_usable(folder) => folder.to_owned(),
            Some(folder) => return Err(BinariesError::NotThere { folder: folder.to_owned() }),
            None => usual_places()
                .into_iter()
                .find(|folder| is_usable(folder))
                .ok_or(BinariesError::NotInstalled)?,
        };
        let program = folder.join("postgres");
        let asked = Command::new(&program).arg("--version").output();
        let version = asked.ok().and_then(|output| {
            version_in(&String::from_utf8_lossy(&output.stdout)).map(str::to_owned)
        });
        Ok(Self { folder, version: version.ok_or(BinariesError::Version { program })? })
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// `15` of `15.18`.
    pub fn major(&self) -> &str {
        self.version.split(|c: char| !c.is_ascii_digit()).next().unwrap_or(&self.version)
    }
}

fn is_usable(folder: &Path) -> bool {
    ["postgres", "initdb"].iter().all(|program| folder.join(program).is_file())
}

/// `15.18` of `postgres (PostgreSQL) 15.18 (Debian …)`.
fn version_in(text: &str) -> Option<&str> {
    text.strip_prefix("postgres (PostgreSQL) ")?.split_whitespace().next()
}

fn usual_places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        places.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    for (parent, prefix, rest) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        places.extend(newest_first(Path::new(parent), prefix).into_iter().map(|p| p.join(rest)));
    }
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    places
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
    fn the_version_is_the_third_word() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(version_in(text), expected);
        }
        check("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some("15.18"));
        check("postgres (PostgreSQL) 18beta1\n", Some("18beta1"));
        check("something else", None);
    }

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
