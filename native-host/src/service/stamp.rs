//! Whether files are others than before.

use std::path::Path;
use std::time::SystemTime;

/// What tells one version of some files from the next; a file that is not there is one too.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Stamp(Vec<Option<(SystemTime, u64)>>);

impl Stamp {
    /// Looks at the files, and at what links lead to: a mounted secret changes by a link.
    pub(crate) fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let stamp = |path: &Path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        };
        Self(paths.into_iter().map(stamp).collect())
    }
}
