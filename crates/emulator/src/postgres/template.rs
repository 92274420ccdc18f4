//! A filled data folder, made once per installed Postgres and then copied: copying takes a tenth
//! of what `initdb` takes.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Output;

use super::SUPERUSER;
use super::account::Account;
use super::binaries::Binaries;

/// The statements that fill every database; see the file.
pub(super) const CONTENT: &str = include_str!("content.sql");
/// The statements that make the databases of a new server.
const DATABASES: &str = include_str!("databases.sql");

/// No data folder was made.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file could not be read or written.
    #[error("could not prepare `{}`", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program of Postgres could not be started.
    #[error("could not start `{program}`")]
    Start {
        /// `initdb` or `postgres`.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A program of Postgres ended badly.
    #[error("`{program}` failed: {said}")]
    Failed {
        /// `initdb` or `postgres`.
        program: &'static str,
        /// The end of what it said.
        said: String,
    },
}

/// Makes a filled data folder at `data`: from the cache, or afresh and then cached.
///
/// A cache that cannot be written costs time, not success.
///
/// # Errors
/// See [`TemplateError`].
pub fn materialize(
    binaries: &Binaries,
    account: Account,
    data: &Path,
) -> Result<(), TemplateError> {
    let Some(cache) = account.cache() else { return create(binaries, account, data) };
    let cached = cache.join(key(binaries));
    if cached.join("PG_VERSION").is_file() {
        return copy(&cached, data, account);
    }
    create(binaries, account, data)?;
    if let Err(error) = store(data, &cached, &cache, account) {
        tracing::info!(%error, "the template of the data folder is not cached");
    }
    Ok(())
}

/// Copies `data` beside `cached` and renames it, so that nobody ever sees half a template.
fn store(data: &Path, cached: &Path, cache: &Path, account: Account) -> Result<(), TemplateError> {
    std::fs::create_dir_all(cache).map_err(at(cache))?;
    let beside = tempfile::tempdir_in(cache).map_err(at(cache))?;
    let copied = beside.path().join("template");
    copy(data, &copied, account)?;
    match std::fs::rename(&copied, cached) {
        // Another emulator was faster.
        Err(_) if cached.join("PG_VERSION").is_file() => Ok(()),
        outcome => outcome.map_err(at(cached)),
    }
}

/// Names the template after everything that goes into it.
fn key(binaries: &Binaries) -> String {
    let mut hasher = DefaultHasher::new();
    (CONTENT, DATABASES).hash(&mut hasher);
    binaries.folder.hash(&mut hasher);
    if let Ok(build) = std::fs::metadata(binaries.program("postgres")) {
        (build.len(), build.mtime(), build.ino()).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

fn create(binaries: &Binaries, account: Account, data: &Path) -> Result<(), TemplateError> {
    // No sync: it is thrown away after the run, and a template is made again.
    let initdb = account
        .command(binaries.program("initdb"))
        .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--wal-segsize=1"])
        .args(["--username", SUPERUSER, "--pgdata"])
        .arg(data)
        .output();
    check("initdb", initdb)?;
    let content = data.join("content.sql");
    std::fs::write(&content, statements()).map_err(at(&content))?;
    let input = std::fs::File::open(&content).map_err(at(&content))?;
    let filled = account
        .command(binaries.program("postgres"))
        .args(["--single", "-F", "-O", "-j", "-c", "exit_on_error=true", "-D"])
        .arg(data)
        .arg("template1")
        .stdin(input)
        .output();
    check("postgres", filled)?;
    std::fs::remove_file(&content).map_err(at(&content))
}

/// The content without its comments: single-user mode would echo them into the catalogs' error
/// texts and counts a comment alone as a statement.
fn statements() -> String {
    let lines = CONTENT.lines().chain(DATABASES.lines()).filter(|line| !line.starts_with("--"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn check(program: &'static str, ended: io::Result<Output>) -> Result<(), TemplateError> {
    let output = ended.map_err(|source| TemplateError::Start { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
    Err(TemplateError::Failed { program, said: last.to_owned() })
}

/// Copies a folder with all that is in it, for `account`, closed to everybody else.
fn copy(from: &Path, to: &Path, account: Account) -> Result<(), TemplateError> {
    std::fs::DirBuilder::new().mode(0o700).create(to).map_err(at(to))?;
    account.own(to).map_err(at(to))?;
    for entry in std::fs::read_dir(from).map_err(at(from))? {
        let entry = entry.map_err(at(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(at(&source))?.is_dir() {
            copy(&source, &target, account)?;
        } else {
            std::fs::copy(&source, &target).map_err(at(&target))?;
            account.own(&target).map_err(at(&target))?;
        }
    }
    Ok(())
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> TemplateError {
    move |source| TemplateError::File { path: path.to_owned(), source }
}
