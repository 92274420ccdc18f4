//! Lakebase Autoscaling: `/api/2.0/postgres`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::api::Issued;
use crate::api::advice::Call;
use crate::api::error::ApiError;
use crate::api::expiry::ExpiryClaim;
use crate::api::json::{Loose, read, secret};
use crate::api::request::{bearer, encoded, encoded_path, get, post_json};
use crate::config::{EndpointPath, Workspace};
use crate::edge::{Request, Response};
use crate::secret::Secret;

/// What Lakegate needs to know of an endpoint.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct Endpoint {
    /// Its path, `projects/…/branches/…/endpoints/…`.
    pub name: String,
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
struct Status {
    endpoint_type: Option<String>,
    hosts: Hosts,
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
struct Hosts {
    host: Option<String>,
}

impl Endpoint {
    /// Its host. The pooled hosts are of no use: they refuse OAuth roles.
    pub fn host(&self) -> Option<&str> {
        self.status.hosts.host.as_deref().filter(|host| !host.is_empty())
    }

    /// Whether one can write through it.
    pub fn writable(&self) -> bool {
        self.status.endpoint_type.as_deref() == Some("ENDPOINT_TYPE_READ_WRITE")
    }
}

/// A page of endpoints.
#[derive(Debug, Deserialize)]
pub struct Endpoints {
    /// The endpoints.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// What to ask the next page with; absent or empty on the last.
    #[serde(default)]
    pub next_page_token: Option<String>,
}

/// Asks for an endpoint.
pub fn endpoint(workspace: &Workspace, token: &Secret, path: &EndpointPath) -> Request {
    get(
        format!("{workspace}/api/2.0/postgres/{}", encoded_path(path.as_str())),
        Some(bearer(token)),
    )
}

/// Reads the answer to [`endpoint`].
pub fn read_endpoint(path: &EndpointPath, response: &Response) -> Result<Endpoint, ApiError> {
    read(Call::Endpoint { path: path.as_str().into() }, response)
}

/// Asks for a page of the endpoints of a branch, `projects/…/branches/…`.
pub fn endpoints(
    workspace: &Workspace,
    token: &Secret,
    branch: &str,
    page: Option<&str>,
) -> Request {
    let mut url = format!("{workspace}/api/2.0/postgres/{}/endpoints", encoded_path(branch));
    if let Some(page) = page {
        url.push_str("?page_token=");
        url.push_str(&encoded(page));
    }
    get(url, Some(bearer(token)))
}

/// Reads the answer to [`endpoints`].
pub fn read_endpoints(branch: &str, response: &Response) -> Result<Endpoints, ApiError> {
    read(Call::Endpoints { branch: branch.into() }, response)
}

/// `ttl` and `expire_time` are left out: every SDK and sample sends the endpoint alone and gets
/// the longest life there is, an hour.
#[derive(Serialize)]
struct CredentialRequest<'a> {
    endpoint: &'a str,
}

#[derive(Deserialize)]
struct CredentialAnswer {
    #[serde(deserialize_with = "secret")]
    token: Secret,
    #[serde(default)]
    expire_time: Loose,
}

/// Asks for a credential of one endpoint.
pub fn credential(workspace: &Workspace, token: &Secret, path: &EndpointPath) -> Request {
    let body = CredentialRequest { endpoint: path.as_str() };
    let body = serde_json::to_string(&body).expect("texts alone always serialize");
    post_json(format!("{workspace}/api/2.0/postgres/credentials"), bearer(token), body)
}

/// Reads the answer to [`credential`].
pub fn read_credential(path: &EndpointPath, response: &Response) -> Result<Issued, ApiError> {
    let call = Call::EndpointCredential { path: path.as_str().into() };
    let answer: CredentialAnswer = read(call, response)?;
    let claim = ExpiryClaim::new(response, None, answer.expire_time.0);
    Ok(Issued { token: answer.token, claim })
}
