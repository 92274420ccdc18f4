//! Files that nobody but their owner may read, from their first byte on.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lakegate_edges::random;

/// Writes a file that is not there yet.
///
/// # Errors
///
/// It is, or it cannot be written.
pub(crate) fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Replaces a file as a whole: a reader sees the old one or the new one.
///
/// # Errors
///
/// It cannot be written; then the old one is still there.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    // Nobody else's: in another container another process may have the number of this one.
    name.push(format!(".{:016x}", random::draw()));
    let temporary = PathBuf::from(name);
    let written = create(&temporary, text).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // Leaves nothing behind that holds a secret.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_private_and_replaced_as_a_whole() {
        let folder = std::env::temp_dir().join(format!("lakegate-private-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("file");
        create(&path, "first").unwrap();
        assert_eq!(create(&path, "x").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        std::fs::write(&path, "readable by all").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        replace(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
