//! Debian's packages, for what a fresh container lacks.

use std::process::Command;

use crate::command::{folder_of, output, run};

/// Whether this system has Debian's packages.
pub(crate) fn is_here() -> bool {
    folder_of("apt-get").is_some()
}

/// Whether packages can be installed without asking anybody.
pub(crate) fn can_install() -> bool {
    is_here() && output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// Installs a package. The lists may be empty, as in a fresh container: they are fetched first.
pub(crate) fn install(package: &str) -> anyhow::Result<()> {
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["--quiet", "update"])?;
    apt(&["--quiet", "install", "--yes", "--no-install-recommends", package])
}
