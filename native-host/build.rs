//! Finds the components that the binary embeds.

use std::path::Path;

/// Where `cargo xtask build` puts the precompiled components, and how the code calls them.
const EMBEDDED: [(&str, &str); 2] = [
    ("LAKEGATE_CONNECTOR", "target/connector/connector.cwasm"),
    ("LAKEGATE_FUNCTION", "target/function/function.cwasm"),
];

fn main() {
    // Asked at run time: two checkouts that share a target folder also share this program.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    for (variable, file) in EMBEDDED {
        let path = Path::new(&manifest).join("..").join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        match path.canonicalize() {
            Ok(path) => println!("cargo::rustc-env={variable}={}", path.display()),
            Err(_) => {
                println!(
                    "cargo::error=a component is not built yet: run `cargo xtask build` first \
                     ({file} is missing)"
                );
            }
        }
    }
}
