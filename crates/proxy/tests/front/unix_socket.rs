//! The Unix socket: its place, and who may have it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lakegate_proxy::{Options, Proxy, StartError, UnixError, UnixSocket};

use super::encryption::Tls;
use super::knock::{Knock, ssl, startup};
use super::{House, IN, options, password};

/// A folder of this test alone, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lakegate-{}-{name}", std::process::id()));
        Self(folder)
    }

    fn start(&self, change: impl FnOnce(&mut Options)) -> Result<Proxy, StartError> {
        let mut options = options();
        options.listen = Vec::new();
        options.unix_socket = Some(UnixSocket { folder: self.0.clone(), port: 5432 });
        change(&mut options);
        Proxy::start(options, Arc::new(House::Empty), Default::default())
    }

    fn socket(&self) -> PathBuf {
        self.0.join(".s.PGSQL.5432")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn only_this_user_can_come_in() {
    let folder = Folder::new("private");
    let proxy = folder.start(|_| ()).unwrap();
    assert_eq!(proxy.unix_socket(), Some(&*folder.socket()));
    assert_eq!((mode(&folder.0), mode(&folder.socket())), (0o700, 0o600));
    assert_eq!(Knock::at_socket(&proxy).say(&startup()).code(), IN);
    drop(proxy);
    assert!(!folder.socket().exists(), "nothing stays behind");
}

#[test]
fn there_is_no_tls_where_nobody_is_in_between() {
    let folder = Folder::new("tls");
    let tls = Tls::new();
    let proxy = folder.start(|options| options.tuning.app_tls = tls.server()).unwrap();
    let mut knock = Knock::at_socket(&proxy);
    assert_eq!(knock.say(&ssl()).byte(), b'N');
    assert_eq!(knock.say(&startup()).code(), IN);
}

#[test]
fn the_password_is_asked_for_here_too() {
    let folder = Folder::new("password");
    let proxy = folder.start(|options| options.tuning.password = password("secret")).unwrap();
    assert_eq!(Knock::at_socket(&proxy).say(&startup()).hear().tag, b'R');
}

#[test]
fn a_folder_that_others_can_enter_is_not_used() {
    let folder = Folder::new("open");
    fs::create_dir(&folder.0).unwrap();
    fs::set_permissions(&folder.0, Permissions::from_mode(0o750)).unwrap();
    let refused = folder.start(|_| ()).err();
    assert!(matches!(refused, Some(StartError::Unix(UnixError::Open { .. }))), "{refused:?}");
}

#[test]
fn what_a_dead_process_left_is_replaced() {
    let folder = Folder::new("stale");
    drop(folder.start(|_| ()).unwrap());
    drop(UnixListener::bind(folder.socket()).unwrap());
    assert!(folder.socket().exists());
    let proxy = folder.start(|_| ()).unwrap();
    assert_eq!(Knock::at_socket(&proxy).say(&startup()).code(), IN);
}

#[test]
fn a_living_process_keeps_its_socket() {
    let folder = Folder::new("taken");
    let first = folder.start(|_| ()).unwrap();
    let refused = folder.start(|_| ()).err();
    assert!(matches!(refused, Some(StartError::Unix(UnixError::Taken { .. }))), "{refused:?}");
    assert_eq!(Knock::at_socket(&first).say(&startup()).code(), IN);
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let folder = Folder::new("file");
    drop(folder.start(|_| ()).unwrap());
    fs::write(folder.socket(), "mine").unwrap();
    let refused = folder.start(|_| ()).err();
    assert!(
        matches!(
            refused,
            Some(StartError::Unix(UnixError::Taken { .. } | UnixError::Listen { .. }))
        ),
        "{refused:?}"
    );
    assert_eq!(fs::read(folder.socket()).unwrap(), b"mine");
}

#[test]
fn the_socket_of_the_next_process_is_not_removed() {
    let folder = Folder::new("next");
    let first = folder.start(|_| ()).unwrap();
    fs::remove_file(folder.socket()).unwrap();
    let next = folder.start(|_| ()).unwrap();
    drop(first);
    assert_eq!(Knock::at_socket(&next).say(&startup()).code(), IN);
}
