//! Migration files as the host mounts them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::problem::{Fault, Type};

/// Where `spin.toml` and `lakegate serve --migrations` put them.
const FOLDER: &str = "/migrations";

/// Names and texts of the mounted migrations. A host that mounts no folder has none.
pub(super) fn migrations() -> Result<Vec<(String, String)>, Fault> {
    read(Path::new(FOLDER))
}

fn read(folder: &Path) -> Result<Vec<(String, String)>, Fault> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if nothing_there(&error) => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(FOLDER, &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| unreadable(FOLDER, &error))?.file_name();
        names.extend(name.into_string().ok().filter(|name| name.ends_with(".sql")));
    }
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let text = text(&folder.join(&name), &name)?;
            Ok((name, text))
        })
        .collect()
}

/// WASI's `ENOTCAPABLE`: no folder is mounted at all.
const NOT_CAPABLE: i32 = 76;

fn nothing_there(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(NOT_CAPABLE)
}

fn text(path: &Path, name: &str) -> Result<String, Fault> {
    let bytes = fs::read(path).map_err(|error| unreadable(name, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Fault::new(Type::Invalid, format!("{name}:{line}: not UTF-8 text"))
            .advice("Save the file as UTF-8.")
    })
}

fn unreadable(name: &str, error: &io::Error) -> Fault {
    Fault::new(Type::Configuration, format!("the mounted {name} cannot be read: {error}"))
        .advice("Mount a folder of migrations that this function may read.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sql_files_of_a_folder_are_read_in_order() {
        let folder = std::env::temp_dir().join(format!("lakegate-mounted-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in [("2_b.sql", "b"), ("1_a.sql", "a"), ("README.md", "no")] {
            fs::write(folder.join(name), text).unwrap();
        }
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(read(&folder), Ok(vec![pair("1_a.sql", "a"), pair("2_b.sql", "b")]));
        fs::write(folder.join("3_c.sql"), b"-- ok\n-- \xff").unwrap();
        let fault = read(&folder).unwrap_err();
        assert!(fault.document(None).contains("3_c.sql:2: not UTF-8 text"), "{fault:?}");
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(read(&folder), Ok(vec![]), "no folder, no migrations");
    }
}
