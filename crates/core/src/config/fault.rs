//! What is wrong with a configuration: everything at once, each with its name and its fix.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::config::lookup::origin_name;
use crate::edge::Origin;
use crate::problem::{Kind, Problem};

/// Settings that cannot be used. It lists all of them, so that one round of changes is enough.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct ConfigError {
    /// At least one.
    pub faults: Vec<Fault>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "; " })?;
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl ConfigError {
    /// What a person is told: every fault, then every fix, in the same order.
    pub fn problem(&self) -> Problem {
        let fixes: Vec<&str> = self.faults.iter().map(Fault::fix).collect();
        Problem {
            kind: Kind::Configuration,
            message: self.to_string(),
            advice: fixes.join("\n"),
            sqlstate: None,
        }
    }
}

/// One thing wrong with the settings.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Something needed is set nowhere.
    Missing {
        /// What it is, and the names it could be set by.
        what: String,
        /// What to do, in whole sentences.
        fix: String,
    },
    /// A value cannot be what its name says.
    Invalid {
        /// The setting's name.
        name: &'static str,
        /// Where it came from; `None` is the default.
        origin: Option<Origin>,
        /// The value; `None` when it may hold a secret.
        value: Option<String>,
        /// Why not.
        reason: &'static str,
        /// What to do, in whole sentences.
        fix: String,
    },
    /// Settings that exclude each other.
    Conflict {
        /// Each of them, as a person would name it.
        settings: Vec<String>,
        /// What to do, in whole sentences.
        fix: String,
    },
    /// One half of a pair.
    Incomplete {
        /// What is set.
        present: &'static str,
        /// What is not.
        absent: &'static str,
        /// What to do, in whole sentences.
        fix: String,
    },
}

impl Fault {
    /// What to do about it, in whole sentences.
    pub fn fix(&self) -> &str {
        match self {
            Self::Missing { fix, .. }
            | Self::Invalid { fix, .. }
            | Self::Conflict { fix, .. }
            | Self::Incomplete { fix, .. } => fix,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { what, .. } => write!(f, "{what} is not set"),
            Self::Invalid { name, origin, value: Some(value), reason, .. } => {
                write!(f, "{name} ({}) is `{value}`: {reason}", origin_name(*origin))
            }
            Self::Invalid { name, origin, value: None, reason, .. } => {
                write!(f, "{name} ({}): {reason}", origin_name(*origin))
            }
            Self::Conflict { settings, .. } => {
                write!(f, "only one may be set: {}", settings.join(" and "))
            }
            Self::Incomplete { present, absent, .. } => {
                write!(f, "{present} is set, but {absent} is not")
            }
        }
    }
}
