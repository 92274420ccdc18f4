//! Why no token was obtained.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use crate::api::{ApiError, Call};
use crate::config::Workspace;
use crate::config::profile::ProfileError;
use crate::edge::ReadError;
use crate::flow::mint::cli::{CliError, CliLogin};
use crate::problem::{Kind, Problem};

/// No token was obtained.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// A call to Databricks gave nothing; the error says which call.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A secret that was there when the configuration was read is gone.
    #[error("the secret {name} is no longer set")]
    SecretGone {
        /// The setting.
        name: String,
    },
    /// A file that holds a secret was not read.
    #[error("`{path}` ({name}) was not read: {reason}")]
    File {
        /// The setting that names it.
        name: &'static str,
        /// The file.
        path: String,
        /// Why.
        reason: ReadError,
    },
    /// A file that should hold a secret is empty: it may be about to be written.
    #[error("`{path}` ({name}) is empty")]
    FileEmpty {
        /// The setting that names it.
        name: &'static str,
        /// The file.
        path: String,
    },
    /// The profile cannot be used.
    #[error("`{path}` cannot be used: {reason}")]
    Profile {
        /// The file.
        path: String,
        /// Why.
        reason: ProfileError,
    },
    /// The Databricks CLI gave no token.
    #[error("`databricks auth token {login}` gave no token: {reason}")]
    Cli {
        /// Whose login it was asked for.
        login: CliLogin,
        /// Why.
        reason: CliError,
    },
    /// The login of the Databricks CLI is for another workspace than the configured one.
    #[error("profile `{profile}` is for {host}, but DATABRICKS_HOST is {configured}")]
    OtherWorkspace {
        /// The profile.
        profile: String,
        /// Its workspace.
        host: Workspace,
        /// The configured one.
        configured: Workspace,
    },
    /// Neither a setting nor the profile names the workspace.
    #[error("profile `{profile}` names no host, and DATABRICKS_HOST is not set")]
    NoWorkspace {
        /// The profile.
        profile: String,
    },
    /// Nothing says which instance or endpoint the host belongs to.
    #[error("no instance and no endpoint was found for host `{host}`")]
    NoTarget {
        /// The host.
        host: String,
    },
    /// The app has no database.
    #[error("app `{app}` has no database resource")]
    NoResource {
        /// The app.
        app: String,
    },
    /// The branch has no endpoint.
    #[error("branch `{branch}` has no endpoint")]
    NoEndpoint {
        /// The branch.
        branch: String,
    },
    /// The instance or endpoint has no host, usually because it is being made.
    #[error("`{target}` has no host yet")]
    NoHost {
        /// The instance or endpoint.
        target: String,
    },
}

impl MintError {
    /// Whether trying again cannot help until somebody changes something.
    pub fn permanent(&self) -> bool {
        match self {
            Self::Api(error) => error.permanent(),
            Self::File { reason: ReadError::Other { .. }, .. }
            | Self::FileEmpty { .. }
            | Self::NoHost { .. } => false,
            Self::SecretGone { .. }
            | Self::File { .. }
            | Self::Profile { .. }
            | Self::Cli { .. }
            | Self::OtherWorkspace { .. }
            | Self::NoWorkspace { .. }
            | Self::NoTarget { .. }
            | Self::NoResource { .. }
            | Self::NoEndpoint { .. } => true,
        }
    }

    /// How long the server asks us to stay away.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Whether the workspace may no longer take its token, so that a new one may help.
    ///
    /// A 403 may mean so too: some deployments answer an expired token with it. If it means what it
    /// says, a new token costs one request, and the next refusal is believed.
    pub fn workspace_token_refused(&self) -> bool {
        match self {
            Self::Api(ApiError::Denied { status: 401 | 403, call, .. }) => {
                !matches!(call, Call::WorkspaceToken { .. } | Call::GitHubToken | Call::Discovery)
            }
            _ => false,
        }
    }

    /// Whether whoever answered a request for a token issues none: the endpoint may be elsewhere.
    /// A refusal is an answer, whatever its status.
    pub(super) fn not_a_token_endpoint(&self) -> bool {
        match self {
            Self::Api(ApiError::NotFound { said, .. }) if said.is("invalid_client") => false,
            Self::Api(
                ApiError::NotFound { call, .. }
                | ApiError::Redirected { call, .. }
                | ApiError::Unexpected { call, .. }
                | ApiError::NotJson { call, .. }
                | ApiError::Shape { call, .. },
            ) => matches!(call, Call::WorkspaceToken { .. }),
            _ => false,
        }
    }

    /// What a person is told.
    pub fn problem(&self) -> Problem {
        if let Self::Api(error) = self {
            return error.problem();
        }
        let kind = match self {
            Self::Cli { reason, .. } if reason.wants_login() => Kind::Denied,
            _ if self.permanent() => Kind::Configuration,
            _ => Kind::Unavailable,
        };
        Problem { kind, message: self.to_string(), advice: self.advice(), sqlstate: None }
    }

    fn advice(&self) -> String {
        match self {
            Self::Api(error) => error.problem().advice,
            Self::SecretGone { name } => format!("Set {name} again."),
            Self::File { name, reason: ReadError::Missing, .. } => {
                format!("Correct {name}, or put the file there.")
            }
            Self::File { name, .. } => {
                format!("Let the program read the file that {name} names.")
            }
            Self::FileEmpty { name, .. } => {
                format!("Write the secret into the file that {name} names; it is read again.")
            }
            Self::Profile { reason, .. } => reason.advice(),
            Self::Cli { login, reason } => reason.advice(login),
            Self::OtherWorkspace { .. } => {
                "A login is good for one workspace: remove DATABRICKS_HOST, or name the profile of \
                 that workspace."
                    .to_owned()
            }
            Self::NoWorkspace { .. } => {
                "Set DATABRICKS_HOST, or `host` in the profile, to the address of the workspace."
                    .to_owned()
            }
            Self::NoTarget { .. } => {
                "Set LAKEBASE_INSTANCE_NAME to the name of the Provisioned instance, or \
                 LAKEBASE_ENDPOINT to projects/PROJECT/branches/BRANCH/endpoints/ENDPOINT."
                    .to_owned()
            }
            Self::NoResource { .. } => {
                "Attach the database to the app as a resource and deploy the app again, or set \
                 LAKEBASE_INSTANCE_NAME or LAKEBASE_ENDPOINT."
                    .to_owned()
            }
            Self::NoEndpoint { .. } => {
                "Create an endpoint on the branch, or set LAKEBASE_ENDPOINT to another.".to_owned()
            }
            Self::NoHost { .. } => "Wait until it has started, or set POSTGRES_HOST.".to_owned(),
        }
    }
}
