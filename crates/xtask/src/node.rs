//! Node.js and what tests run in it: jco, to show that the component runs in JavaScript as well, and
//! the drivers of Postgres.
//!
//! A component that awaits its imports needs JavaScript Promise Integration, which is on by
//! default since Node 25; npm has it as a package, so nothing is installed in the system.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::{output, run};
use crate::setup::State;
use crate::workspace::Workspace;

/// The `node` package, which carries the runtime.
const NODE: &str = "25.9.0";
/// The other packages and their versions.
const PACKAGES: &[(&str, &str)] = &[
    ("@bytecodealliance/jco", "1.35.0"), // makes JavaScript of a component
    ("@databricks/lakebase", "0.6.0"),   // Databricks' own driver for Lakebase
    ("pg", "8.23.1"),                    // a driver
    ("pg-copy-streams", "7.0.0"),        // its COPY
    ("pg-cursor", "2.22.0"),             // its cursors
    ("postgres", "3.4.9"),               // another driver
];

/// Finds all below `target/node`, or installs them there.
pub(crate) fn ensure(workspace: &Workspace) -> State {
    let folder = workspace.path("target/node");
    let names: Vec<_> = PACKAGES.iter().map(|(name, _)| *name).collect();
    let what = format!("node {NODE} and {} in {}", names.join(", "), folder.display());
    if is_complete(&folder) {
        return State::Found(what);
    }
    match install(workspace, &folder) {
        Ok(()) if is_complete(&folder) => State::Installed(what),
        Ok(()) => State::Missing(format!("npm left an incomplete {}", folder.display())),
        Err(error) => {
            State::Missing(format!("install npm, and let it reach a registry: {error:#}"))
        }
    }
}

fn is_complete(folder: &Path) -> bool {
    let modules = folder.join("node_modules");
    let node = output(Command::new(modules.join("node/bin/node")).arg("--version"));
    node.is_ok_and(|version| version.strip_prefix('v') == Some(NODE))
        && PACKAGES.iter().all(|(name, wanted)| {
            version(&modules.join(name)).is_some_and(|version| version == *wanted)
        })
}

/// The version of an installed package.
fn version(package: &Path) -> Option<String> {
    let manifest = fs::read(package.join("package.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).ok()?;
    Some(manifest.get("version")?.as_str()?.to_owned())
}

fn install(workspace: &Workspace, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let mut npm = workspace.command("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--save-exact", "--prefix"]).arg(folder);
    npm.arg(format!("node@{NODE}"));
    npm.args(PACKAGES.iter().map(|(name, version)| format!("{name}@{version}")));
    run(&mut npm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_is_not_complete() {
        let folder = std::env::temp_dir().join(format!("xtask-node-{}", std::process::id()));
        let package = folder.join("node_modules/@bytecodealliance/jco");
        assert_eq!(version(&package), None);
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("package.json"), r#"{"name": "x", "version": "1.2.3"}"#).unwrap();
        assert_eq!(version(&package).as_deref(), Some("1.2.3"));
        assert!(!is_complete(&folder), "there is no node in it");
        fs::remove_dir_all(folder).unwrap();
    }
}
