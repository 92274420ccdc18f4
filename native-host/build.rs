//! Finds the component that the binary embeds.

use std::path::{Path, PathBuf};

/// Where `cargo xtask build` puts the precompiled component.
const CONNECTOR: &str = "target/connector/connector.cwasm";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path: PathBuf = root.join(CONNECTOR);
    println!("cargo::rerun-if-changed={}", path.display());
    match path.canonicalize() {
        Ok(path) => println!("cargo::rustc-env=LAKEGATE_CONNECTOR={}", path.display()),
        Err(_) => {
            println!(
                "cargo::error=the component is not built yet: run `cargo xtask build` first \
                 ({CONNECTOR} is missing)"
            );
        }
    }
}
