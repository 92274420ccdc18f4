//! Other programs: finding them, running them, and clear words when they fail.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Runs a command to its end; its output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = line(command);
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Runs a command and returns what it wrote to its standard output, without the last line end.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let line = line(command);
    let output = command.output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{line}` ended with {}: {}", output.status, said.trim_end());
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("`{line}` wrote what is not UTF-8"))?;
    Ok(text.trim_end().to_owned())
}

/// The folder of `PATH` that has the program.
pub(crate) fn folder_of(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).find(|folder| folder.join(program).is_file())
}

/// The command as one would type it: the program by its name alone.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut line = name.to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_loses_only_its_last_line_end() {
        assert_eq!(output(&mut shell("printf ' a\\nb\\n'")).unwrap(), " a\nb");
    }

    #[test]
    fn failures_name_the_command() {
        let failed = output(&mut shell("echo nothing >&2; exit 3")).unwrap_err();
        assert_eq!(
            failed.to_string(),
            "`sh -c echo nothing >&2; exit 3` ended with exit status: 3: nothing"
        );
        let failed = run(&mut shell("exit 4")).unwrap_err();
        assert_eq!(failed.to_string(), "`sh -c exit 4` ended with exit status: 4");
        let failed = run(&mut Command::new("/no/such-program")).unwrap_err();
        assert_eq!(failed.to_string(), "cannot start `such-program`");
    }

    #[test]
    fn programs_are_looked_for_in_the_path() {
        let folder = folder_of("sh").expect("every Unix has a shell");
        assert!(folder.join("sh").is_file());
        assert_eq!(folder_of("no-such-program"), None);
    }
}
