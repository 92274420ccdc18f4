//! As whom Postgres runs. It refuses to be root, so root lends it another user.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A run takes 40 MB; the rest is for what people put into it. Containers often have 64 MB.
const PLENTY: u64 = 2 << 30;

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
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = ["postgres", "nobody"].into_iter().find_map(|user| ids_in(&passwd, user));
        found.map(|(uid, gid)| Self::Lent { uid, gid }).ok_or(NoAccount)
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

    /// Where the folder of one run goes: into memory if it is to be thrown away and there is
    /// plenty, because a data folder is more than a thousand small files.
    pub fn scratch(self, keep: bool) -> PathBuf {
        let memory = Path::new("/dev/shm");
        match self {
            _ if !keep && free_bytes(memory) >= PLENTY => memory.to_owned(),
            // `TMPDIR` may be closed to a lent user.
            Self::Lent { .. } => PathBuf::from("/tmp"),
            Self::Ours => std::env::temp_dir(),
        }
    }
}

fn free_bytes(folder: &Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(0, |system| system.f_bavail * system.f_frsize)
}

/// The ids of a user as `/etc/passwd` has them: `name:password:uid:gid:…`.
fn ids_in(passwd: &str, user: &str) -> Option<(u32, u32)> {
    let mut entries = passwd.lines().map(|line| line.split(':'));
    let mut entry = entries.find_map(|mut entry| (entry.next() == Some(user)).then_some(entry))?;
    Some((entry.nth(1)?.parse().ok()?, entry.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_whole_name() {
        #[track_caller]
        fn check(user: &str, expected: Option<(u32, u32)>) {
            let passwd = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:8:::\npostgres:x:101:104:,,,:/:\nodd:*:-2:-2::";
            assert_eq!(ids_in(passwd, user), expected);
        }
        check("postgres", Some((101, 104)));
        check("root", Some((0, 0)));
        check("odd", None);
        check("nobody", None);
    }
}
