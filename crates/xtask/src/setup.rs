//! `cargo xtask setup`: what is needed beside Rust, found, installed, or named with its fix.

use std::fmt;

use anyhow::bail;

use crate::toolchain::Wasm;
use crate::workspace::Workspace;
use crate::{java, node, postgres, python};

/// What became of one thing that is needed.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// It was there: what and where.
    Found(String),
    /// It was not, and is now: what and where.
    Installed(String),
    /// It is not there, and only the reader can change that: how.
    Missing(String),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(what) => write!(f, "found      {what}"),
            Self::Installed(what) => write!(f, "installed  {what}"),
            Self::Missing(fix) => write!(f, "missing    {fix}"),
        }
    }
}

/// Whether anything works without it.
#[derive(Clone, Copy, PartialEq)]
enum Need {
    Always,
    /// The tests that need it say so when it is missing.
    SomeTests,
}

type Ensure = fn(&Workspace) -> State;

const THINGS: &[(&str, Need, Ensure)] = &[
    ("WebAssembly compiler", Need::Always, wasm),
    ("PostgreSQL server", Need::Always, |_| postgres::ensure()),
    ("Node.js packages", Need::SomeTests, node::ensure),
    ("Python packages", Need::SomeTests, python::ensure),
    ("Java and pgJDBC", Need::SomeTests, |_| java::ensure()),
];

/// Goes through all things, then fails if one is missing that nothing works without.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let mut lacking = Vec::new();
    for &(name, need, ensure) in THINGS {
        let state = ensure(workspace);
        println!("{name:<22}{state}");
        if need == Need::Always && matches!(state, State::Missing(_)) {
            lacking.push(name);
        }
    }
    if !lacking.is_empty() {
        bail!("missing: {}", lacking.join(", "));
    }
    Ok(())
}

fn wasm(workspace: &Workspace) -> State {
    if let Some(found) = Wasm::find(workspace) {
        return State::Found(found.origin());
    }
    match Wasm::ensure(workspace) {
        Ok(installed) => State::Installed(installed.origin()),
        Err(error) => State::Missing(format!("{error:#}")),
    }
}
