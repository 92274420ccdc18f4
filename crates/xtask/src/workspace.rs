//! Where things are, and how cargo is called.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders of the project.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the virtual manifest.
    root: PathBuf,
    /// Cargo's target folder.
    target: PathBuf,
    /// This program.
    program: PathBuf,
}

impl Workspace {
    /// The workspace this program was built in.
    pub(crate) fn find() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .expect("this crate lies in crates/xtask");
        let target = env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
        // Asked before anything is built: a build may put another file in its place.
        let program = env::current_exe().expect("the system knows which program runs");
        Self { target: root.join(target), root: root.to_owned(), program }
    }

    /// This program, to be started again.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// A path below the root.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// A path below cargo's target folder.
    pub(crate) fn target(&self, below: &str) -> PathBuf {
        self.target.join(below)
    }

    /// The connector as a host loads it. Always below the root, wherever cargo builds: the native
    /// host includes the precompiled one by this path.
    pub(crate) fn connector(&self, extension: &str) -> PathBuf {
        self.root.join("target/connector/connector").with_extension(extension)
    }

    /// A file of what Spin runs: `function.wasm` stands where `spin.toml` and the native host expect
    /// it.
    pub(crate) fn function(&self, file: &str) -> PathBuf {
        self.root.join("target/function").join(file)
    }

    /// Cargo, in the root, with the toolchain that runs this program.
    pub(crate) fn cargo(&self) -> Command {
        self.command(env::var_os("CARGO").unwrap_or("cargo".into()))
    }

    /// A program, in the root.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }
}
