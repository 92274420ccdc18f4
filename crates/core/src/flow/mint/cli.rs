//! The login of the Databricks CLI: a person's, made in a browser by `databricks auth login`.
//!
//! The host runs `databricks auth token`, and its answer is read here. It is asked as for a file,
//! by a name that no file has: `databricks-cli:` and the argument.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use crate::api::{ExpiryClaim, clean};
use crate::config::Workspace;
use crate::date;
use crate::edge::{Edge, ReadError};
use crate::flow::mint::error::MintError;
use crate::json::{self, FromJson, Object};
use crate::secret::Secret;

/// What the names begin with that are asked of the Databricks CLI.
const SCHEME: &str = "databricks-cli:";

/// Whose login it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CliLogin {
    /// The one for this workspace.
    Workspace(Workspace),
    /// The one for this profile.
    Profile(String),
}

/// The same as an argument of `databricks auth token`, or of `login`.
impl fmt::Display for CliLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace(host) => write!(f, "--host={host}"),
            Self::Profile(name) => write!(f, "--profile={name}"),
        }
    }
}

/// Why the Databricks CLI gave no token.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// It cannot be run here.
    #[error("it is not installed, or may not be run here")]
    Absent,
    /// It failed, for the reason that it gave.
    #[error("{detail}")]
    Failed {
        /// Its words, or those of the host.
        detail: String,
    },
    /// It printed something else than a token.
    #[error("what it printed is no token")]
    Unreadable,
    /// The token that it printed is over.
    #[error("its token ended at {expiry}")]
    Expired {
        /// The moment, in its words.
        expiry: String,
    },
}

impl CliError {
    /// Whether somebody has to log in again, and not to install or set something.
    pub(super) const fn wants_login(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Expired { .. })
    }

    /// The next step, in whole sentences.
    pub(super) fn advice(&self, login: &CliLogin) -> String {
        match self {
            Self::Absent | Self::Unreadable => {
                "Install the Databricks CLI (0.205 or newer) where PATH finds it as `databricks`, \
                 or use another identity: DATABRICKS_TOKEN, or a service principal."
                    .to_owned()
            }
            Self::Failed { .. } | Self::Expired { .. } => {
                format!("Run `databricks auth login {login}`, then try again.")
            }
        }
    }
}

/// A token of the workspace, and what was said about its life.
pub(super) fn token<E: Edge>(
    edge: &E,
    login: CliLogin,
) -> Result<(Secret, ExpiryClaim), MintError> {
    let answer = edge.read(&format!("{SCHEME}{login}")).map_err(|error| match error {
        ReadError::Missing | ReadError::Forbidden { .. } => CliError::Absent,
        ReadError::Other { detail } => CliError::Failed { detail: clean(detail) },
    });
    let now = i64::try_from(edge.clocks().wall).unwrap_or(i64::MAX);
    let found = answer.and_then(|answer| read(&answer, now));
    found.map_err(|reason| MintError::Cli { login, reason })
}

fn read(answer: &Secret, now: i64) -> Result<(Secret, ExpiryClaim), CliError> {
    let answer = json::parse(answer.expose().as_bytes()).ok_or(CliError::Unreadable)?;
    let mut answer = Object::from_json(answer).map_err(|_| CliError::Unreadable)?;
    let token: Secret = answer.take("access_token").map_err(|_| CliError::Unreadable)?;
    if token.expose().trim().is_empty() {
        return Err(CliError::Unreadable);
    }
    let expires_at = answer.take_loose("expiry");
    match &expires_at {
        // It goes by the clock of this machine, as we do here.
        Some(expiry) if date::rfc3339(expiry).is_some_and(|end| end <= now) => {
            Err(CliError::Expired { expiry: clean(expiry.to_string()) })
        }
        _ => Ok((token, ExpiryClaim { expires_in: None, expires_at, date: None })),
    }
}
