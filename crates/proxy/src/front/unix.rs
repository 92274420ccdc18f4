//! The Unix socket: in a folder that only this user can enter, and left by nobody.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use crate::options::UnixSocket;

/// Why there is no Unix socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnixError {
    /// The folder cannot be made or looked at.
    #[error("the folder {} for the Unix socket cannot be used", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others could put something in the socket's place, or connect to it.
    #[error(
        "the folder {} is open to other users; name one that does not exist yet, or run \
         `chmod 700` on one of your own",
        folder.display()
    )]
    Open {
        /// The folder.
        folder: PathBuf,
    },
    /// Somebody answers there.
    #[error("another process listens on {}; stop it, or choose another folder or port", path.display())]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("cannot listen on {}", path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The file of a socket; dropped, it is removed.
pub(super) struct SocketFile {
    folder: PathBuf,
    path: PathBuf,
    /// The device and the number in it: whether the file is still ours.
    identity: (u64, u64),
}

/// Makes the socket. One that a dead process left is replaced, one of a living process is not.
pub(super) fn bind(socket: &UnixSocket) -> Result<(UnixListener, SocketFile), UnixError> {
    let folder = &socket.folder;
    let failed = |source| UnixError::Folder { folder: folder.clone(), source };
    if !private(folder).map_err(failed)? {
        return Err(UnixError::Open { folder: folder.clone() });
    }
    let path = folder.join(format!(".s.PGSQL.{}", socket.port));
    let _locked = lock(folder).map_err(failed)?;
    if answers(&path) {
        return Err(UnixError::Taken { path });
    }
    let listener = replace(&path).and_then(|listener| Ok((listener, identity(&path)?)));
    match listener {
        Ok((listener, identity)) => {
            Ok((listener, SocketFile { folder: folder.clone(), path, identity }))
        }
        Err(source) => Err(UnixError::Listen { path, source }),
    }
}

/// Makes the folder if there is none, and says whether it is ours alone.
fn private(folder: &Path) -> io::Result<bool> {
    if let Err(error) = DirBuilder::new().mode(0o700).create(folder)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(error);
    }
    let found = fs::metadata(folder)?;
    if !found.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0)
}

/// Keeps other proxies from looking and replacing at the same time. Locked is the folder, so that
/// no file stays behind.
fn lock(folder: &Path) -> io::Result<File> {
    let file = File::open(folder)?;
    file.lock()?;
    Ok(file)
}

/// Whether a living process listens there. One that has no time to answer lives, too.
fn answers(path: &Path) -> bool {
    match UnixStream::connect(path) {
        Ok(_) => true,
        Err(error) => {
            !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
        }
    }
}

fn replace(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::other("there is something that is no socket")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

impl SocketFile {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let Ok(_locked) = lock(&self.folder) else { return };
        if identity(&self.path).is_ok_and(|found| found == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!("{} stays behind: {error}", self.path.display());
        }
    }
}
