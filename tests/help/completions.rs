//! `lakegate completions`: what a shell proposes.

use std::process::Command;

use lakegate_tests::installed;

use crate::lakegate;

/// What bash proposes for the last of these words.
#[track_caller]
fn proposes(words: &str, expected: &[&str]) {
    // As bash itself calls it: the line's words, which of them is meant, and the function that
    // `complete -F` registered.
    let script = r#"
        eval "$1"
        COMP_WORDS=($2)
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        [[ $2 == *' ' ]] && { COMP_WORDS+=(""); ((COMP_CWORD++)); }
        registered=$(complete -p lakegate)
        function=${registered#*-F }
        ${function%% *} lakegate "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = Command::new(installed("bash"));
    bash.args(["--norc", "-uc", script, "bash", &lakegate(&["completions", "bash"]), words]);
    let output = bash.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().collect::<Vec<_>>(), expected, "{words}");
}

#[test]
fn bash_completes_commands_options_and_values() {
    proposes("lakegate boot", &["bootstrap"]);
    proposes("lakegate bootstrap v", &["verify"]);
    proposes("lakegate tighten --gr", &["--grant-to"]);
    proposes("lakegate proxy --pool ", &["session", "transaction"]);
}

#[test]
fn every_shell_knows_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = lakegate(&["completions", shell]);
        for command in ["app-yaml", "bootstrap", "completions", "doctor", "man", "proxy", "tighten"]
        {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}
