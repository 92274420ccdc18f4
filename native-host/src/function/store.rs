//! Keys and values that outlive an instance: in memory, or in a folder, one file each.
//!
//! A file is written beside its place, made durable, and then moved there, so that whoever reads
//! finds the old value or the new one: other processes may share the folder. Values are opaque
//! here; what is secret in one, the function has sealed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use lakegate_edges::random;
use sha2::{Digest, Sha256};

/// The largest key and value, in bytes. A sealed credential takes a few thousand.
const KEY_LIMIT: usize = 1 << 10;
const VALUE_LIMIT: usize = 1 << 20;

/// The most keys that memory holds; a folder is as large as its disk.
const MEMORY_KEYS: usize = 1 << 10;

/// A store.
pub(super) enum Store {
    Memory(Mutex<BTreeMap<String, Vec<u8>>>),
    Folder(PathBuf),
}

impl Store {
    /// Opens the folder, made when it is not there and then its owner's alone, or memory.
    pub(super) fn open(folder: Option<&Path>) -> anyhow::Result<Self> {
        let Some(folder) = folder else { return Ok(Self::Memory(Mutex::default())) };
        let mut maker = fs::DirBuilder::new();
        maker.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
        let store = maker.create(folder).and_then(|()| {
            // Trying now tells at the start, not at the first credential.
            let probe = draft_of(folder, "probe");
            write_draft(&probe, b"").and_then(|()| fs::remove_file(&probe))
        });
        store.with_context(|| format!("the store {} cannot be written", folder.display()))?;
        Ok(Self::Folder(folder.to_owned()))
    }

    pub(super) fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Memory(values) => Ok(lock(values).get(key).cloned()),
            Self::Folder(folder) => match read_file(&folder.join(name_of(key))) {
                Ok((_, value)) => Ok(Some(value)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    pub(super) fn set(&self, key: String, value: Vec<u8>) -> io::Result<()> {
        if KEY_LIMIT < key.len() || VALUE_LIMIT < value.len() {
            let words = format!("a key has at most {KEY_LIMIT} bytes, a value {VALUE_LIMIT}");
            return Err(io::Error::other(words));
        }
        match self {
            Self::Memory(values) => {
                let mut values = lock(values);
                if MEMORY_KEYS <= values.len() && !values.contains_key(&key) {
                    return Err(io::Error::other(format!("memory holds {MEMORY_KEYS} keys")));
                }
                values.insert(key, value);
                Ok(())
            }
            Self::Folder(folder) => write_file(folder, &name_of(&key), &content(&key, &value)),
        }
    }

    pub(super) fn delete(&self, key: &str) -> io::Result<()> {
        match self {
            Self::Memory(values) => {
                lock(values).remove(key);
                Ok(())
            }
            Self::Folder(folder) => match fs::remove_file(folder.join(name_of(key))) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    /// All keys, in no order.
    pub(super) fn keys(&self) -> io::Result<Vec<String>> {
        let folder = match self {
            Self::Memory(values) => return Ok(lock(values).keys().cloned().collect()),
            Self::Folder(folder) => folder,
        };
        let mut keys = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // Others are no values: one that is being written, or whose writer died.
            if entry.path().extension().is_some_and(|extension| extension == EXTENSION) {
                match read_file(&entry.path()) {
                    Ok((key, _)) => keys.push(key),
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(keys)
    }
}

/// A map is whole after every operation on it.
fn lock<T>(values: &Mutex<T>) -> MutexGuard<'_, T> {
    values.lock().unwrap_or_else(PoisonError::into_inner)
}

const EXTENSION: &str = "value";

/// A key may hold anything and be longer than a file's name.
fn name_of(key: &str) -> String {
    let mut name = String::new();
    for byte in Sha256::digest(key) {
        write!(name, "{byte:02x}").expect("a String takes all");
    }
    name + "." + EXTENSION
}

/// The key, a line break, the value; the length of the key stands before both.
fn content(key: &str, value: &[u8]) -> Vec<u8> {
    let mut content = format!("{}\n{key}\n", key.len()).into_bytes();
    content.extend_from_slice(value);
    content
}

fn parse(content: &[u8]) -> Option<(String, Vec<u8>)> {
    let end = content.iter().position(|byte| *byte == b'\n')?;
    let length: usize = std::str::from_utf8(&content[..end]).ok()?.parse().ok()?;
    let (key, rest) = content[end + 1..].split_at_checked(length)?;
    let value = rest.strip_prefix(b"\n")?;
    Some((String::from_utf8(key.to_vec()).ok()?, value.to_vec()))
}

fn read_file(path: &Path) -> io::Result<(String, Vec<u8>)> {
    let mut content = Vec::new();
    let limit = (KEY_LIMIT + VALUE_LIMIT + 16) as u64;
    fs::File::open(path)?.take(limit).read_to_end(&mut content)?;
    parse(&content).ok_or_else(|| {
        io::Error::new(ErrorKind::InvalidData, format!("{} is no value", path.display()))
    })
}

fn write_file(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let draft = draft_of(folder, name);
    let written = write_draft(&draft, content).and_then(|()| fs::rename(&draft, folder.join(name)));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Where a file is written that nobody else writes: not another process either, which may have the
/// same number in another container.
fn draft_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.{:016x}", random::draw()))
}

/// Readable by its owner alone from the beginning.
fn write_draft(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::{process, thread};

    use super::*;

    /// A folder of one test, gone at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("lakegate-store-{name}-{}", process::id())))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn check(store: &Store) {
        assert_eq!(store.get("k").unwrap(), None);
        store.set("k".into(), b"1\n2".to_vec()).unwrap();
        store.set("../\n\0".into(), Vec::new()).unwrap();
        store.set("k".into(), b"3".to_vec()).unwrap();
        assert_eq!(store.get("k").unwrap().as_deref(), Some(&b"3"[..]));
        assert_eq!(store.get("../\n\0").unwrap().as_deref(), Some(&b""[..]));
        let mut keys = store.keys().unwrap();
        keys.sort();
        assert_eq!(keys, ["../\n\0", "k"]);
        store.delete("k").unwrap();
        store.delete("k").unwrap();
        assert_eq!(store.get("k").unwrap(), None);
        assert!(store.set("k".into(), vec![0; VALUE_LIMIT + 1]).is_err());
        assert!(store.set("k".repeat(KEY_LIMIT + 1), Vec::new()).is_err());
    }

    #[test]
    fn memory_and_a_folder_do_the_same() {
        check(&Store::open(None).unwrap());
        let folder = Folder::new("same");
        check(&Store::open(Some(&folder.0)).unwrap());
    }

    #[test]
    fn a_folder_is_shared_and_survives() {
        let folder = Folder::new("shared");
        let (one, other) =
            (Store::open(Some(&folder.0)).unwrap(), Store::open(Some(&folder.0)).unwrap());
        one.set("k".into(), b"v".to_vec()).unwrap();
        assert_eq!(other.get("k").unwrap().as_deref(), Some(&b"v"[..]));
        fs::write(folder.0.join(name_of("k")), "torn").unwrap();
        assert!(one.get("k").unwrap_err().to_string().ends_with(".value is no value"));
    }

    #[test]
    fn many_open_it_at_once() {
        let folder = Folder::new("many");
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..100).for_each(|_| drop(Store::open(Some(&folder.0)).unwrap())));
            }
        });
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0, "no probe is left behind");
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_their_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("mode");
        let store = Store::open(Some(&folder.0)).unwrap();
        store.set("k".into(), b"v".to_vec()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder.0), mode(&folder.0.join(name_of("k")))), (0o700, 0o600));
    }

    #[test]
    fn a_folder_that_cannot_be_is_told_at_once() {
        let error = Store::open(Some(Path::new("/dev/null/store"))).err().unwrap();
        assert!(format!("{error:#}").starts_with("the store /dev/null/store cannot be written"));
    }

    #[test]
    fn memory_is_bounded() {
        let store = Store::open(None).unwrap();
        for number in 0..MEMORY_KEYS {
            store.set(number.to_string(), Vec::new()).unwrap();
        }
        assert!(store.set("one more".into(), Vec::new()).is_err());
        store.set("0".into(), b"v".to_vec()).unwrap();
    }
}
