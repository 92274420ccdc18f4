//! Python packages, for the tests that ask other people's judges and drivers.
//!
//! They get a virtual environment below `target`, so nothing is installed in the system but, where
//! Debian left it out, the module that makes such environments.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::apt;
use crate::command::output;
use crate::setup::State;
use crate::workspace::Workspace;

/// The packages and their versions.
const REQUIREMENTS: &str = "tests/requirements.txt";
/// A copy of the requirements in the environment that has them all.
const STAMP: &str = "requirements.txt";

/// Finds the environment in `target/python`, or makes it there.
pub(crate) fn ensure(workspace: &Workspace) -> State {
    let folder = workspace.path("target/python");
    let requirements = workspace.path(REQUIREMENTS);
    let what = format!("the packages of {REQUIREMENTS} in {}", folder.display());
    if is_complete(&folder, &requirements) {
        return State::Found(what);
    }
    match make(workspace, &folder).and_then(|()| fill(workspace, &folder, &requirements)) {
        Ok(()) => State::Installed(what),
        Err(error) => State::Missing(format!("{error:#}")),
    }
}

/// Whether all of these requirements were installed here, and run. The environment's programs name
/// its interpreter by its path: one that was moved, or whose Python is gone, does not run.
fn is_complete(folder: &Path, requirements: &Path) -> bool {
    let read = |file: &Path| fs::read(file).ok();
    read(requirements).is_some_and(|wanted| read(&folder.join(STAMP)) == Some(wanted))
        && output(Command::new(folder.join("bin/pip")).arg("--version")).is_ok()
}

/// Makes the environment, empty.
fn make(workspace: &Workspace, folder: &Path) -> anyhow::Result<()> {
    let venv = || output(workspace.command("python3").args(["-m", "venv", "--clear"]).arg(folder));
    if venv().is_ok() {
        return Ok(());
    }
    if apt::can_install() {
        apt::install("python3-venv")?;
    }
    let fix = if apt::is_here() {
        "sudo apt-get install --yes python3-venv"
    } else {
        "install Python 3.11 or newer, and have its `python3` in PATH"
    };
    venv().context(fix)?;
    Ok(())
}

fn fill(workspace: &Workspace, folder: &Path, requirements: &Path) -> anyhow::Result<()> {
    let mut pip = workspace.command(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--no-input", "--disable-pip-version-check", "--requirement"]);
    output(pip.arg(requirements))
        .context("have Python 3.11 or newer, and let pip reach a registry")?;
    // Last: an environment without it is not complete.
    fs::copy(requirements, folder.join(STAMP))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::folder_of;

    #[test]
    fn changed_requirements_are_installed_anew() {
        let folder = std::env::temp_dir().join(format!("xtask-python-{}", std::process::id()));
        let requirements = folder.join("wanted.txt");
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::write(&requirements, "a==1\n").unwrap();
        fs::write(folder.join(STAMP), "a==1\n").unwrap();
        assert!(!is_complete(&folder, &requirements), "there is no pip in it");
        let succeeds = folder_of("true").expect("every Unix has it").join("true");
        std::os::unix::fs::symlink(succeeds, folder.join("bin/pip")).unwrap();
        assert!(is_complete(&folder, &requirements));
        fs::write(&requirements, "a==2\n").unwrap();
        assert!(!is_complete(&folder, &requirements));
        fs::remove_dir_all(folder).unwrap();
    }
}
