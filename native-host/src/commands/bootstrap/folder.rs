//! Migration files as they lie in a folder. What their names mean is not decided here.
//!
//! Whatever could be a migration and would not be read is refused: a table that is missing is found
//! out about much later.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::component::Migration;
use crate::failure::Failure;

/// Where migrations are looked for when no folder is named.
pub(in crate::commands) const DEFAULT: &str = "migrations";
/// More than the component takes is not even read.
const SIZE_LIMIT: u64 = 32 << 20;

/// Reads every `.sql` file of a folder, or one file.
pub(super) fn migrations(named: Option<&Path>) -> Result<Vec<Migration>, Failure> {
    let path = named.unwrap_or(Path::new(DEFAULT));
    match fs::metadata(path) {
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(unreadable(path, &error)),
        Ok(found) if found.is_dir() => {}
        Ok(_) if is_sql(path) => return Ok(vec![read(path)?]),
        Ok(_) => {
            let advice = "Name a folder, or a file whose name ends in `.sql`.";
            return Err(refused(path, "is neither a folder nor a migration", advice));
        }
    }
    let files = files(path)?;
    if files.is_empty() {
        return Err(Failure::usage(format!("there is no .sql file in {}", path.display())));
    }
    let size: u64 = files.iter().map(|(_, found)| found.len()).sum();
    if SIZE_LIMIT < size {
        let message = format!(
            "the migrations in {} are {size} bytes; at most {SIZE_LIMIT} are taken",
            path.display()
        );
        let advice = "Nothing was run. Join old migrations into one, and load data in another way.";
        return Err(Failure::usage(message).advise(advice));
    }
    files.iter().map(|(file, _)| read(file)).collect()
}

/// The `.sql` files of a folder by name. Links are followed.
fn files(folder: &Path) -> Result<Vec<(PathBuf, Metadata)>, Failure> {
    let mut files = Vec::new();
    for entry in entries(folder)? {
        let found = fs::metadata(&entry);
        match (looks_like_sql(&entry), found) {
            (false, Ok(found)) if found.is_dir() => refuse_below(&entry)?,
            (false, _) => {}
            (true, _) if !is_sql(&entry) => {
                let what = "looks like a migration and would be passed over";
                return Err(refused(&entry, what, "Its name has to end in `.sql`, in lower case."));
            }
            (true, Ok(found)) if found.is_file() => files.push((entry, found)),
            (true, Ok(_)) => return Err(refused(&entry, "is no file", "Put the SQL into a file.")),
            (true, Err(error)) => return Err(unreadable(&entry, &error)),
        }
    }
    Ok(files)
}

fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "sql")
}

fn looks_like_sql(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("sql"))
}

/// What is in a folder and not hidden, by name. Kubernetes keeps the files that it mounts in hidden
/// folders, and links to them.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| entries.map(|it| it.map(|it| it.path())).collect::<Result<Vec<_>, _>>())
        .map_err(|error| unreadable(folder, &error))?;
    let is_hidden = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    };
    entries.retain(|entry| !is_hidden(entry));
    entries.sort();
    Ok(entries)
}

/// Refuses a folder below that has migrations: their order among the others would be a guess.
fn refuse_below(folder: &Path) -> Result<(), Failure> {
    match entries(folder)?.into_iter().find(|file| looks_like_sql(file)) {
        None => Ok(()),
        Some(file) => {
            let advice = "Move it up, or out of the folder of migrations.";
            Err(refused(&file, "is in a folder below and would be passed over", advice))
        }
    }
}

fn read(file: &Path) -> Result<Migration, Failure> {
    let bytes = fs::read(file).map_err(|error| unreadable(file, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        Failure::usage(format!("{}:{line}: not UTF-8 text", file.display()))
            .advise("Save the file as UTF-8.")
    })?;
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Migration { name, text })
}

fn refused(path: &Path, what: &str, advice: &str) -> Failure {
    Failure::usage(format!("{} {what}", path.display())).advise(advice)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{} cannot be read: {error}", path.display()))
}
