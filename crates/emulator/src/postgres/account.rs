//! As whom Postgres runs. It refuses to be root, so root lends it another user.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The user that owns the server's files and runs its processes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Account {
    /// Whoever we are.
    Ours,
    /// We are root, and this user does it.
    Lent {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

/// Root has nobody to run Postgres as.
#[derive(Debug, thiserror::Error)]
#[error("postgres does not run as root, and there is neither a user `postgres` nor `nobody`")]
pub struct NoAccount;

impl Account {
    /// Ours, or for root the first of `postgres` and `nobody`.
    ///
    /// # Errors
    /// When we are root and neither user exists.
    pub fn find() -> Result<Self, NoAccount> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ours);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|user| Some(Self::Lent { uid: id("-u", user)?, gid: id("-g", user)? }))
            .ok_or(NoAccount)
    }

    /// A command that will run as this user.
    pub fn command(self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Self::Lent { uid, gid } = self {
            // Also drops root's other groups. Root's working folder may be closed to the user.
            command.uid(uid).gid(gid).current_dir("/");
        }
        command
    }

    /// Gives `path` to this user.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn own(self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::Ours => Ok(()),
            Self::Lent { uid, gid } => chown(path, Some(uid), Some(gid)),
        }
    }

    /// Where this user's long-lived files go; root's home is closed to others.
    pub fn cache(self) -> Option<PathBuf> {
        let folder = match self {
            Self::Lent { .. } => PathBuf::from("/var/cache"),
            Self::Ours => match std::env::var_os("XDG_CACHE_HOME") {
                Some(folder) if !folder.is_empty() => PathBuf::from(folder),
                _ => PathBuf::from(std::env::var_os("HOME")?).join(".cache"),
            },
        };
        Some(folder.join("lakebase-emulator"))
    }

    /// Where this user's folders of one run go. `TMPDIR` may be closed to a lent user.
    pub fn scratch(self) -> PathBuf {
        match self {
            Self::Lent { .. } => PathBuf::from("/tmp"),
            Self::Ours => std::env::temp_dir(),
        }
    }
}

/// What `id` says, so that users of every kind of directory are found.
fn id(flag: &str, user: &str) -> Option<u32> {
    let output = Command::new("id").arg(flag).arg(user).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
