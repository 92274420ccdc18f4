//! What to do about a refusal: the known traps of Lakebase, by call and by words.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::api::error::{ApiError, Said};

/// Which call it was, in the words of who waits for it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Call {
    /// Where the workspace issues tokens.
    Discovery,
    /// The token for the workspace.
    WorkspaceToken {
        /// The client it is for, if one was named.
        client: Option<String>,
    },
    /// The token of a GitHub job.
    GitHubToken,
    /// Who the token belongs to.
    Me,
    /// An instance by its name.
    Instance {
        /// The name.
        name: String,
    },
    /// An instance by its uid.
    InstanceByUid {
        /// The uid.
        uid: String,
    },
    /// All instances.
    Instances,
    /// An endpoint.
    Endpoint {
        /// Its path.
        path: String,
    },
    /// The endpoints of a branch.
    Endpoints {
        /// The branch.
        branch: String,
    },
    /// The roles of an instance or a branch.
    Roles,
    /// An app.
    App {
        /// Its name.
        name: String,
    },
    /// A project by its id.
    Project {
        /// The id.
        id: String,
    },
    /// A credential of a Provisioned instance.
    InstanceCredential {
        /// The instance.
        instance: String,
    },
    /// A credential of an Autoscaling endpoint.
    EndpointCredential {
        /// The endpoint's path.
        path: String,
    },
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Discovery => f.write_str("the search for the workspace's token endpoint"),
            Self::WorkspaceToken { client: Some(client) } => {
                write!(f, "the workspace token for client `{client}`")
            }
            Self::WorkspaceToken { client: None } => f.write_str("the workspace token"),
            Self::GitHubToken => f.write_str("the identity token of the GitHub job"),
            Self::Me => f.write_str("the question who we are"),
            Self::Instance { name } => write!(f, "the search for instance `{name}`"),
            Self::InstanceByUid { uid } => {
                write!(f, "the search for the instance with uid `{uid}`")
            }
            Self::Instances => f.write_str("the list of instances"),
            Self::Endpoint { path } => write!(f, "the search for endpoint `{path}`"),
            Self::Endpoints { branch } => write!(f, "the list of endpoints of `{branch}`"),
            Self::Project { id } => write!(f, "the search for project `{id}`"),
            Self::Roles => f.write_str("the list of roles"),
            Self::App { name } => write!(f, "the search for app `{name}`"),
            Self::InstanceCredential { instance } => {
                write!(f, "the credential for instance `{instance}`")
            }
            Self::EndpointCredential { path } => write!(f, "the credential for endpoint `{path}`"),
        }
    }
}

/// The next step, in whole sentences.
pub(crate) fn of(error: &ApiError) -> String {
    match error {
        ApiError::Denied { call, said, status } => denied(call, said, *status),
        ApiError::NotFound { call, said } => not_found(call, said),
        ApiError::Invalid { call, said } => invalid(call, said),
        ApiError::PrivateLink { .. } => PRIVATE_LINK.to_owned(),
        ApiError::Redirected { .. } | ApiError::Unexpected { .. } => WRONG_HOST.to_owned(),
        ApiError::NotJson { .. } | ApiError::Shape { .. } => {
            "Something between here and the workspace may have answered in its place, such as a \
             proxy or a login page. Check DATABRICKS_HOST and the network."
                .to_owned()
        }
        ApiError::Throttled { .. } => {
            "It is tried again by itself. If it stays so, fewer processes should mint tokens."
                .to_owned()
        }
        ApiError::Unavailable { .. } | ApiError::NoAnswer { .. } if !error.permanent() => {
            "It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and \
             the workspace's status page."
                .to_owned()
        }
        ApiError::Unavailable { .. } | ApiError::NoAnswer { .. } => {
            "Nothing was sent. Trust the certificate's issuer (SSL_CERT_FILE) if it is your own \
             proxy's, and let the program talk to DATABRICKS_HOST."
                .to_owned()
        }
        ApiError::Foreign { .. } => {
            "Nothing was sent there: secrets go only to the workspace's own host. If that address \
             is right, set DATABRICKS_HOST to it."
                .to_owned()
        }
    }
}

const PRIVATE_LINK: &str = "Connect from a network with a private link to the workspace, and to \
    its Service-Direct endpoint, which the Lakebase APIs need besides the workspace's own.";

const WRONG_HOST: &str = "Set DATABRICKS_HOST to the address of the workspace itself, not of the \
    account console or of a page in it.";

/// What the workspace says to those who come from a network that it lets nobody in from.
const NO_PRIVATE_LINK: &str = "unauthorized network access";
const IP_ACL: &str = "ip acl";

/// Whether it is the network that was refused, and not the identity.
pub(crate) fn blocked_network(said: &Said) -> bool {
    said.mentions(NO_PRIVATE_LINK) || said.mentions(IP_ACL)
}

/// Whether it is the token that the workspace does not know, or no longer. Some answer that with the
/// status of one who is known and may not.
pub(crate) fn dead_token(status: u16, said: &Said) -> bool {
    status == 401 || said.mentions("access token")
}

fn denied(call: &Call, said: &Said, status: u16) -> String {
    if said.mentions(NO_PRIVATE_LINK) {
        return PRIVATE_LINK.to_owned();
    }
    if said.mentions(IP_ACL) {
        return "Add this machine's outgoing address to the workspace's IP access list.".to_owned();
    }
    match call {
        Call::WorkspaceToken { client } => unknown_client(client.as_deref()),
        Call::GitHubToken => "Give the job `permissions: id-token: write`.".to_owned(),
        _ if dead_token(status, said) => {
            "The workspace does not accept the token. Check that it is of this \
             workspace (DATABRICKS_HOST), that DATABRICKS_TOKEN is not revoked or expired, and \
             that the service principal is a member of the workspace."
                .to_owned()
        }
        Call::InstanceCredential { .. } | Call::EndpointCredential { .. } => {
            "Give the identity the right to use the database: attach it to the app as a resource, \
             or grant CAN USE (Provisioned) or CAN MANAGE on the project (Autoscaling). Its \
             Postgres role must exist too."
                .to_owned()
        }
        Call::Me => {
            "Every member of a workspace may ask that: add the identity to the workspace of \
             DATABRICKS_HOST, or use a service principal with DATABRICKS_CLIENT_ID and \
             DATABRICKS_CLIENT_SECRET, whose role is known without asking."
                .to_owned()
        }
        _ => "Give the identity the right to see it, or name the database yourself: set \
              LAKEBASE_INSTANCE_NAME (Provisioned) or LAKEBASE_ENDPOINT (Autoscaling)."
            .to_owned(),
    }
}

fn not_found(call: &Call, said: &Said) -> String {
    match call {
        Call::InstanceCredential { instance } | Call::Instance { name: instance } => format!(
            "Check the name `{instance}` (LAKEBASE_INSTANCE_NAME). If it is an Autoscaling \
             project, it is asked for elsewhere: set \
             LAKEBASE_ENDPOINT=projects/{instance}/branches/production/endpoints/primary with its \
             own branch and endpoint."
        ),
        Call::EndpointCredential { path } | Call::Endpoint { path } if uid_for_id(path) => {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let branch = parent.trim_end_matches("/endpoints");
            format!(
                "`ep-…` is the endpoint's uid, and the API knows it by its id. Set \
                 LAKEBASE_ENDPOINT={parent}/primary, or to a name that `databricks postgres \
                 list-endpoints {branch}` prints."
            )
        }
        Call::EndpointCredential { .. }
        | Call::Endpoint { .. }
        | Call::Endpoints { .. }
        | Call::Project { .. } => {
            "Check the project, the branch and the endpoint in LAKEBASE_ENDPOINT; the defaults are \
             branch `production` and endpoint `primary`. For a Provisioned instance, set \
             LAKEBASE_INSTANCE_NAME instead."
                .to_owned()
        }
        Call::InstanceByUid { .. } | Call::Instances | Call::Roles => {
            "Set LAKEBASE_INSTANCE_NAME to the name of the instance, or LAKEBASE_ENDPOINT for an \
             Autoscaling project; and check that DATABRICKS_HOST is the database's workspace."
                .to_owned()
        }
        Call::App { .. } => {
            "Set DATABRICKS_APP_NAME to the name of the app, or name the database yourself with \
             LAKEBASE_INSTANCE_NAME or LAKEBASE_ENDPOINT."
                .to_owned()
        }
        Call::WorkspaceToken { client } if said.is("invalid_client") => {
            unknown_client(client.as_deref())
        }
        Call::GitHubToken => "Check ACTIONS_ID_TOKEN_REQUEST_URL.".to_owned(),
        Call::Discovery | Call::WorkspaceToken { .. } | Call::Me => WRONG_HOST.to_owned(),
    }
}

/// Whether the path of an endpoint ends in its uid: the API knows it by its id.
pub(crate) fn uid_for_id(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|id| id.starts_with("ep-"))
}

fn invalid(call: &Call, said: &Said) -> String {
    match call {
        Call::WorkspaceToken { .. } if said.is("invalid_grant") => {
            "The identity token was not accepted. Check the service principal's federation policy: \
             issuer, subject and audience (DATABRICKS_TOKEN_AUDIENCE) must be those of the token, \
             and the token must not have expired."
                .to_owned()
        }
        Call::WorkspaceToken { client } => unknown_client(client.as_deref()),
        // What is wrong is often the name: the same traps as for one that is not found.
        _ => not_found(call, said),
    }
}

fn unknown_client(client: Option<&str>) -> String {
    match client {
        Some(client) => format!(
            "Check that `{client}` is the application id of a service principal of this workspace \
             (not its name, not its numeric id), and that DATABRICKS_CLIENT_SECRET is one of its \
             OAuth secrets and has not expired. A new secret is used at the next try."
        ),
        None => "Check the federation policy: issuer, subject and audience must be those of the \
                 token. Set DATABRICKS_CLIENT_ID if the policy is a service principal's."
            .to_owned(),
    }
}
