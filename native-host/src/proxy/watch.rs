//! Settings that are read again while a proxy runs.
//!
//! Passwords are changed and certificates renewed while applications are connected, and in
//! Kubernetes a mounted secret changes in place. What is new holds for who comes from then on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lakegate_edges::settings::{DEFAULT_FILE, Settings};
use lakegate_proxy::Tuning;

use super::settings::{self, Fixed};
use crate::service::stamp::Stamp;

/// Where settings come from, beside the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    /// What the command line says, by the names of the settings.
    pub(crate) flags: BTreeMap<&'static str, String>,
    /// The configuration file, when another one than `lakegate.toml` was named.
    pub(crate) file: Option<PathBuf>,
}

impl Layers {
    /// The same with further flags.
    pub(crate) fn with(mut self, flags: BTreeMap<&'static str, String>) -> Self {
        self.flags.extend(flags);
        self
    }

    /// Reads the configuration file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or holds what is no setting or a secret.
    pub(crate) fn load(&self) -> anyhow::Result<Settings> {
        Settings::load(self.flags.clone(), self.file.as_deref())
    }

    fn path(&self) -> &Path {
        self.file.as_deref().unwrap_or(Path::new(DEFAULT_FILE))
    }
}

/// The settings of a proxy that runs.
pub(crate) struct Watched {
    layers: Layers,
    fixed: Fixed,
    files: Files,
}

impl Watched {
    /// What a proxy is started with, and what will be looked at from then on.
    ///
    /// # Errors
    ///
    /// A value means nothing, or a file cannot be used.
    pub(crate) fn read(layers: Layers) -> anyhow::Result<(Self, Settings, Fixed, Tuning)> {
        let mut files = Files::default();
        let settings = files.load(&layers)?;
        let fixed = Fixed::read(&settings)?;
        let tuning = settings::tuning(&settings)?;
        Ok((Self { layers, fixed: fixed.clone(), files }, settings, fixed, tuning))
    }

    /// Whether there is anything to look at: a proxy that has all from the environment is left in
    /// peace.
    pub(crate) fn has_files(&self) -> bool {
        !self.files.paths.is_empty()
    }

    /// Whether a file is another one than at the last [`reload`](Self::reload).
    pub(crate) fn has_changed(&self) -> bool {
        self.files.stamp() != self.files.seen
    }

    /// Reads everything again.
    ///
    /// # Errors
    ///
    /// What is there now cannot be used; another try makes sense when it changes again.
    pub(crate) fn reload(&mut self) -> anyhow::Result<Tuning> {
        let settings = self.files.load(&self.layers)?;
        let tuning = settings::tuning(&settings)?;
        if Fixed::read(&settings)? != self.fixed {
            tracing::warn!(
                "where to listen, the mode and the threads stay as they are until a restart"
            );
        }
        Ok(tuning)
    }
}

/// The files that settings are read from, as they were seen before that.
#[derive(Default)]
struct Files {
    paths: Vec<PathBuf>,
    seen: Stamp,
}

impl Files {
    /// Loads the settings, and knows from then on which files they name.
    fn load(&mut self, layers: &Layers) -> anyhow::Result<Settings> {
        loop {
            // Before any of them is read: a change in between is seen at the next look.
            self.seen = self.stamp();
            let settings = layers.load()?;
            let mut paths = settings::files(&settings);
            paths.extend(Some(layers.path().to_owned()).filter(|path| path.exists()));
            if paths == self.paths {
                return Ok(settings);
            }
            self.paths = paths;
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp::of(self.paths.iter().map(PathBuf::as_path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A configuration file of a test's own.
    struct File(PathBuf);

    impl File {
        fn new(name: &str, text: &str) -> Self {
            let name = format!("lakegate-watch-{name}-{}.toml", std::process::id());
            let file = Self(std::env::temp_dir().join(name));
            file.write(text);
            file
        }

        fn write(&self, text: &str) {
            std::fs::write(&self.0, text).unwrap();
        }

        fn watched(&self) -> Watched {
            let layers = Layers { file: Some(self.0.clone()), ..Layers::default() };
            Watched::read(layers).unwrap().0
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn a_changed_file_is_seen_once() {
        let file = File::new("once", "lakegate_proxy_pool_size = 3");
        let mut watched = file.watched();
        assert!(!watched.has_changed());
        file.write("lakegate_proxy_pool_size = 44");
        assert!(watched.has_changed());
        assert_eq!(watched.reload().unwrap().pool_size, 44);
        assert!(!watched.has_changed());
    }

    #[test]
    fn what_cannot_be_used_is_looked_at_again_when_it_changes() {
        let file = File::new("again", "");
        let mut watched = file.watched();
        file.write("lakegate_proxy_pool_size = 'many'");
        assert!(watched.reload().is_err());
        assert!(!watched.has_changed());
        file.write("lakegate_proxy_pool_size = 4");
        assert!(watched.has_changed());
        assert_eq!(watched.reload().unwrap().pool_size, 4);
    }
}
