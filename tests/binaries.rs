//! Where the build put what users get.

use std::path::{Path, PathBuf};

/// A binary of this project, as `cargo xtask build` makes it.
///
/// # Panics
/// When it was not built: what to run stands in the message.
pub fn binary(name: &str) -> PathBuf {
    built(&profile_folder().join(name))
}

/// The component that the binaries embed.
///
/// # Panics
/// As [`binary`].
pub fn connector() -> PathBuf {
    let target = profile_folder();
    built(&target.parent().unwrap().join("connector/connector.wasm"))
}

/// What is built beside the function: `function.wasm`, `orders-composed.wasm`.
///
/// # Panics
/// As [`binary`].
pub fn function(file: &str) -> PathBuf {
    let target = profile_folder();
    built(&target.parent().unwrap().join("function").join(file))
}

/// A program of the Python packages in `requirements.txt`.
///
/// # Panics
/// When they are not installed: what to run stands in the message.
pub fn python(program: &str) -> PathBuf {
    let path = root().join("target/python/bin").join(program);
    assert!(path.is_file(), "{} is missing: run cargo xtask setup", path.display());
    path
}

/// A file of Node.js or of its packages.
///
/// # Panics
/// When they are not installed: what to run stands in the message.
pub fn node(path: &str) -> PathBuf {
    let path = profile_folder().parent().unwrap().join("node/node_modules").join(path);
    assert!(path.exists(), "{} is missing: run cargo xtask setup", path.display());
    path
}

/// A program that belongs to the system.
///
/// # Panics
/// When `PATH` does not have it: what to run stands in the message.
pub fn installed(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program));
    let mut found = found.filter(|path| path.is_file());
    found.next().unwrap_or_else(|| panic!("{program} is missing: run cargo xtask setup"))
}

/// The folder of the whole project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// `target/debug`, wherever that is: the test itself runs from `target/debug/deps`.
fn profile_folder() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().unwrap().parent().unwrap().to_owned()
}

fn built(path: &Path) -> PathBuf {
    assert!(path.is_file(), "{} is missing: run cargo xtask build", path.display());
    path.to_owned()
}
