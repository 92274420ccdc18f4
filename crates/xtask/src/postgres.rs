//! The PostgreSQL server programs, for the local Lakebase.
//!
//! Only programs of the server itself count, never Debian's wrappers in `/usr/bin`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apt;
use crate::command::output;
use crate::setup::State;

/// Folders of versions, each with a `bin`: Debian's, and Postgres.app's.
const VERSIONS: &[&str] = &["/usr/lib/postgresql", "/Applications/Postgres.app/Contents/Versions"];
/// Folders where Homebrew has `postgresql` and `postgresql@VERSION`.
const HOMEBREW: &[&str] = &["/opt/homebrew/opt", "/usr/local/opt"];

/// Finds the server, or installs Debian's as root.
pub(crate) fn ensure() -> State {
    if let Some(found) = folder() {
        return State::Found(found.display().to_string());
    }
    let fix = if cfg!(target_os = "macos") {
        "brew install postgresql@17"
    } else if apt::is_here() {
        "sudo apt-get install --yes postgresql"
    } else {
        "install PostgreSQL 15 or newer, and have its `postgres` in PATH"
    };
    if apt::can_install() {
        if let Err(error) = apt::install("postgresql") {
            eprintln!("{error:#}");
        }
        if let Some(installed) = folder() {
            return State::Installed(installed.display().to_string());
        }
    }
    State::Missing(fix.to_owned())
}

/// The folder of the server's programs.
pub(crate) fn folder() -> Option<PathBuf> {
    candidates().into_iter().find(|candidate| is_server(candidate))
}

/// A server that can be started has both; a folder of clients has neither.
fn is_server(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

/// Where to look, in this order: what `pg_config` says, the usual folders with the newest version
/// first, `PATH`.
fn candidates() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = output(Command::new("pg_config").arg("--bindir"))
        .ok()
        .map(PathBuf::from)
        .into_iter()
        .collect();
    for versions in VERSIONS {
        folders.extend(newest_first(names(versions)).iter().map(|v| path(versions, v)));
    }
    for homebrew in HOMEBREW {
        let formulas = names(homebrew).into_iter().filter(|name| name.starts_with("postgresql"));
        folders.extend(newest_first(formulas.collect()).iter().map(|name| path(homebrew, name)));
    }
    if let Some(path) = env::var_os("PATH") {
        folders.extend(env::split_paths(&path));
    }
    folders
}

fn path(folder: &str, version: &str) -> PathBuf {
    Path::new(folder).join(version).join("bin")
}

/// The names in a folder; none if there is no such folder.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Sorts by the first number in each name, the greatest first: 9.6 is older than 17.
fn newest_first(mut names: Vec<String>) -> Vec<String> {
    names.sort_by_key(|name| {
        let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        std::cmp::Reverse(digits[..end].parse::<u32>().unwrap_or(0))
    });
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_not_text() {
        check(&["9.6", "17", "15"], &["17", "15", "9.6"]);
        check(
            &["postgresql", "postgresql@16", "postgresql@9.5"],
            &["postgresql@16", "postgresql@9.5", "postgresql"],
        );
        check(&["latest", "18"], &["18", "latest"]);
    }

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        assert_eq!(newest_first(names.iter().map(ToString::to_string).collect()), expected);
    }

    #[test]
    fn a_folder_without_initdb_is_no_server() {
        let folder = env::temp_dir().join(format!("xtask-postgres-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("postgres"), "").unwrap();
        assert!(!is_server(&folder));
        fs::write(folder.join("initdb"), "").unwrap();
        assert!(is_server(&folder));
        fs::remove_dir_all(folder).unwrap();
    }
}
