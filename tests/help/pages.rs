//! `lakegate man`: a page for each command, and a file here for each page.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use lakegate_tests::root;
use tempfile::TempDir;

use crate::lakegate;

/// The pages of all commands, by the words of the command: `bootstrap apply`.
fn pages(folder: &Path) -> BTreeSet<String> {
    lakegate(&["man", "--output", folder.to_str().unwrap()]);
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    // The only command with a dash of its own.
    names.map(|name| words(&name).replace('-', " ").replace("app yaml", "app-yaml")).collect()
}

fn words(file: &str) -> &str {
    let name = file.strip_suffix(".1").unwrap();
    name.strip_prefix("lakegate").unwrap().trim_start_matches('-')
}

#[test]
fn each_command_has_one() {
    let folder = TempDir::new().unwrap();
    let pages = pages(folder.path());
    for command in ["", "token", "bootstrap", "bootstrap apply", "app-yaml", "proxy", "man"] {
        assert!(pages.contains(command), "{command}: {pages:?}");
    }
    let apply = std::fs::read_to_string(folder.path().join("lakegate-bootstrap-apply.1")).unwrap();
    assert_eq!(apply, lakegate(&["man", "bootstrap", "apply"]));
}

#[test]
fn each_command_has_its_help_written_down() {
    let folder = root().join("tests/help");
    let texts = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = texts.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let texts: String = texts.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for command in pages(TempDir::new().unwrap().path()) {
        let line = format!("$ lakegate {command} --help\n").replace("  ", " ");
        assert!(texts.contains(&line), "{line} stands in no file of tests/help");
    }
}

/// Where groff is; where it is not, that is said.
#[test]
fn each_is_laid_out_without_a_warning() {
    let folder = TempDir::new().unwrap();
    lakegate(&["man", "--output", folder.path().to_str().unwrap()]);
    if Command::new("groff").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("groff is not here: the pages are not laid out");
        return;
    }
    for page in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        let mut groff = Command::new("groff");
        let output =
            groff.args(["-k", "-man", "-ww", "-Tutf8", "-P-cbou"]).arg(&page).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.is_empty(), "{}: {said}", page.display());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Example") && text.contains("SYNOPSIS"), "{}", page.display());
    }
}
