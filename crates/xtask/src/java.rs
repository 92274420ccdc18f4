//! A Java that runs a source file as it is, and pgJDBC, for the tests of drivers.

use std::path::Path;
use std::process::Command;

use crate::apt;
use crate::command::output;
use crate::setup::State;

/// Debian's packages.
const JDK: &str = "default-jdk-headless";
const PGJDBC: &str = "libpostgresql-jdbc-java";
/// Where the second has the driver. `tests/drivers` looks for it there.
const JAR: &str = "/usr/share/java/postgresql.jar";

/// Finds both, or installs Debian's as root.
pub(crate) fn ensure() -> State {
    if is_complete() {
        return State::Found(what());
    }
    if apt::can_install() {
        let lacking = [(JDK, has_compiler()), (PGJDBC, has_driver())];
        for (package, _) in lacking.iter().filter(|(_, is_here)| !is_here) {
            if let Err(error) = apt::install(package) {
                eprintln!("{error:#}");
            }
        }
        if is_complete() {
            return State::Installed(what());
        }
    }
    State::Missing(if apt::is_here() {
        format!("sudo apt-get install --yes {JDK} {PGJDBC}")
    } else {
        format!("install a JDK 17 or newer, and have pgJDBC as {JAR}")
    })
}

fn what() -> String {
    format!("a JDK, and {JAR}")
}

fn is_complete() -> bool {
    has_compiler() && has_driver()
}

/// A runtime alone has `java`, but not the module that compiles a source file.
fn has_compiler() -> bool {
    output(Command::new("java").arg("--list-modules"))
        .is_ok_and(|modules| modules.lines().any(|line| line.starts_with("jdk.compiler@")))
}

fn has_driver() -> bool {
    Path::new(JAR).is_file()
}
