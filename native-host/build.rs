//! Finds the component that the binary embeds.

use std::path::Path;

/// Where `cargo xtask build` puts the precompiled component.
const CONNECTOR: &str = "target/connector/connector.cwasm";

fn main() {
    // Asked at run time: two checkouts that share a target folder also share this program.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let path = Path::new(&manifest).join("..").join(CONNECTOR);
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
