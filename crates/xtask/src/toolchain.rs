//! A compiler for WebAssembly: rustup's where it can be had, one made from Debian's packages
//! where it cannot.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::command::{folder_of, output, run as run_command};
use crate::workspace::Workspace;

/// The target of the connector: it has no imports but its own, for nothing links WASI into it.
pub(crate) const CONNECTOR: &str = "wasm32-unknown-unknown";

/// The target of what Spin runs: files, clocks and the log come from WASI.
pub(crate) const FUNCTION: &str = "wasm32-wasip2";

const TARGETS: [&str; 2] = [CONNECTOR, FUNCTION];

/// Says where the compiler must come from: with `packages`, rustup's server is left alone.
const CHOICE: &str = "LAKEGATE_WASM_TOOLCHAIN";

/// One compiler for all WebAssembly targets: with one for each, what is built would depend on which
/// of them a machine happens to have.
#[derive(Debug)]
pub(crate) struct Wasm {
    /// The compiler in the place of cargo's own.
    rustc: Option<PathBuf>,
}

impl Wasm {
    /// The compiler that is here already: that of the Rust in use, or one made before.
    pub(crate) fn find(workspace: &Workspace) -> Option<Self> {
        let own = env::var_os("RUSTC").unwrap_or("rustc".into());
        if has_targets(workspace, Path::new(&own)) {
            return Some(Self { rustc: None });
        }
        let made = cache_here()?.join("toolchain");
        // Its linkers are rustup's, and gone if rustup's toolchain is.
        let linker = made.join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld");
        let rustc = made.join("bin/rustc");
        (linker.exists() && has_targets(workspace, &rustc)).then_some(Self { rustc: Some(rustc) })
    }

    /// Finds a compiler, else installs one.
    pub(crate) fn ensure(workspace: &Workspace) -> anyhow::Result<Self> {
        if let Some(found) = Self::find(workspace) {
            return Ok(found);
        }
        let packages = env::var_os(CHOICE).is_some_and(|choice| choice == "packages");
        if packages || !add_with_rustup(workspace) {
            make_from_packages(workspace)?;
        }
        Self::find(workspace).with_context(advice)
    }

    /// Cargo, to build for one of the targets into `target/TARGET`.
    pub(crate) fn cargo(&self, workspace: &Workspace, verb: &str, target: &str) -> Command {
        let mut cargo = workspace.cargo();
        cargo.args([verb, "--target", target]);
        if let Some(registry) = registry() {
            // A panic names its source file: without this, a component tells where it was built,
            // and other machines make other bytes of the same sources.
            let remap = format!("--remap-path-prefix={}=/crates", registry.display());
            cargo.args(["--config", &format!("target.{target}.rustflags=[{remap:?}]")]);
        }
        if let Some(rustc) = &self.rustc {
            cargo.env("RUSTC", rustc);
        }
        cargo
    }

    /// The compiler, in words.
    pub(crate) fn origin(&self) -> String {
        match &self.rustc {
            None => "the Rust in use".to_owned(),
            Some(rustc) => rustc.display().to_string(),
        }
    }
}

/// `cargo xtask toolchain`.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let wasm = Wasm::ensure(workspace)?;
    for target in TARGETS {
        println!("{target}: {}", wasm.origin());
    }
    Ok(())
}

fn advice() -> String {
    let (all, list) = (TARGETS.join(" and "), TARGETS.join(" "));
    format!("no Rust compiler for {all}; `rustup target add {list}` installs one")
}

fn has_targets(workspace: &Workspace, rustc: &Path) -> bool {
    TARGETS.iter().all(|target| has_target(workspace, rustc, target))
}

/// Whether the compiler has the target's standard library; asked of the compiler itself, so
/// that a Rust that did not come with rustup counts too.
fn has_target(workspace: &Workspace, rustc: &Path, target: &str) -> bool {
    output(workspace.command(rustc).args(["--print", "target-libdir", "--target", target]))
        .is_ok_and(|folder| Path::new(&folder).is_dir())
}

/// False if rustup is missing or cannot download; why is shown.
fn add_with_rustup(workspace: &Workspace) -> bool {
    let added = run_command(workspace.command("rustup").args(["target", "add"]).args(TARGETS));
    if let Err(error) = &added {
        eprintln!("{error:#}");
    }
    added.is_ok()
}

/// Makes the compiler with the script beside this crate's manifest.
fn make_from_packages(workspace: &Workspace) -> anyhow::Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) || folder_of("apt-get").is_none() {
        bail!(advice());
    }
    let cache = cache_here().context("HOME does not say where to keep a compiler")?;
    let script = workspace.path("crates/xtask/wasm-toolchain.sh");
    run_command(workspace.command("bash").arg(script).arg(cache).args(TARGETS)).with_context(advice)
}

/// The folder the compiler is made in.
fn cache_here() -> Option<PathBuf> {
    let cache = folder(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"), ".cache")?;
    Some(cache.join("lakegate/wasm-toolchain"))
}

/// Where cargo keeps the sources of dependencies.
fn registry() -> Option<PathBuf> {
    let cargo = folder(env::var_os("CARGO_HOME"), env::var_os("HOME"), ".cargo")?;
    Some(cargo.join("registry/src"))
}

/// The folder that a variable names, else the usual one in the home folder; relative values are
/// ignored, as the XDG rules say.
fn folder(named: Option<OsString>, home: Option<OsString>, usual: &str) -> Option<PathBuf> {
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    named.and_then(absolute).or_else(|| Some(home.and_then(absolute)?.join(usual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_user() {
        check(Some("/x"), Some("/home/a"), Some("/x"));
        check(None, Some("/home/a"), Some("/home/a/.cache"));
        check(Some(""), Some("/home/a"), Some("/home/a/.cache"));
        check(Some("x"), Some("/home/a"), Some("/home/a/.cache"));
        check(None, Some(""), None);
        check(None, None, None);
    }

    #[track_caller]
    fn check(named: Option<&str>, home: Option<&str>, expected: Option<&str>) {
        let found = folder(named.map(Into::into), home.map(Into::into), ".cache");
        assert_eq!(found, expected.map(Into::into));
    }

    #[test]
    fn only_a_target_with_a_library_counts() {
        let workspace = Workspace::find();
        let host = crate::engine::TARGET;
        assert!(has_target(&workspace, Path::new("rustc"), host));
        assert!(!has_target(&workspace, Path::new("rustc"), "mips-unknown-none"));
        assert!(!has_target(&workspace, Path::new("no-such-rustc"), host));
    }
}
