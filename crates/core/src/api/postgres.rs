//! Lakebase Autoscaling: `/api/2.0/postgres`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::Value;

use crate::api::Issued;
use crate::api::advice::Call;
use crate::api::error::ApiError;
use crate::api::expiry::ExpiryClaim;
use crate::api::json::read;
use crate::api::request::{bearer, encoded, encoded_path, get, post_json};
use crate::config::{EndpointPath, Workspace};
use crate::edge::{Request, Response};
use crate::json::{FromJson, Misfit, Object};
use crate::secret::Secret;

/// What Lakegate needs to know of an endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// Its path, `projects/…/branches/…/endpoints/…`.
    pub name: String,
    /// Another name for it, `ep-…`, which no request takes.
    pub uid: Option<String>,
    /// How it does: `ACTIVE`, `IDLE`, …
    pub state: Option<String>,
    /// Whether somebody switched it off.
    pub disabled: bool,
    kind: Option<String>,
    host: Option<String>,
}

impl Endpoint {
    /// Its host. The pooled hosts are of no use: they refuse OAuth roles.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref().filter(|host| !host.is_empty())
    }

    /// Whether one can write through it.
    pub fn writable(&self) -> bool {
        self.kind.as_deref() == Some("ENDPOINT_TYPE_READ_WRITE")
    }
}

impl FromJson for Endpoint {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut endpoint = Object::from_json(value)?;
        let (mut kind, mut host, mut state, mut disabled) = (None, None, None, None);
        if let Some(mut status) = endpoint.take::<Option<Object>>("status")? {
            kind = status.take("endpoint_type")?;
            state = status.take("current_state")?;
            disabled = status.take("disabled")?;
            if let Some(mut hosts) = status.take::<Option<Object>>("hosts")? {
                host = hosts.take("host")?;
            }
        }
        let name = endpoint.take::<Option<_>>("name")?.unwrap_or_default();
        let (uid, disabled) = (endpoint.take("uid")?, disabled.unwrap_or_default());
        Ok(Self { name, uid, state, disabled, kind, host })
    }
}

/// A page of endpoints.
#[derive(Debug)]
pub struct Endpoints {
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
    /// What to ask the next page with; absent or empty on the last.
    pub next_page_token: Option<String>,
}

/// Asks for a project, by its id.
pub fn project(workspace: &Workspace, token: &Secret, id: &str) -> Request {
    get(format!("{workspace}/api/2.0/postgres/projects/{}", encoded(id)), Some(bearer(token)))
}

/// Reads the path of the default branch out of the answer to [`project`].
pub fn read_default_branch(id: &str, response: &Response) -> Result<String, ApiError> {
    read(Call::Project { id: id.into() }, response, |mut project: Object| {
        let status = project.take::<Option<Object>>("status")?;
        let branch = status.map(|mut status| status.take::<Option<String>>("default_branch"));
        let branch = branch.transpose()?.flatten().filter(|branch| !branch.is_empty());
        Ok(branch.unwrap_or_else(|| format!("projects/{id}/branches/production")))
    })
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
    read(Call::Endpoint { path: path.as_str().into() }, response, Ok)
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
    read(Call::Endpoints { branch: branch.into() }, response, |mut page: Object| {
        Ok(Endpoints {
            endpoints: page.take::<Option<_>>("endpoints")?.unwrap_or_default(),
            next_page_token: page.take("next_page_token")?,
        })
    })
}

/// `ttl` and `expire_time` are left out: every SDK and sample sends the endpoint alone and gets
/// the longest life there is, an hour.
#[derive(Serialize)]
struct CredentialRequest<'a> {
    endpoint: &'a str,
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
    read(call, response, |mut answer: Object| {
        let claim = ExpiryClaim::new(response, None, answer.take_loose("expire_time"));
        Ok(Issued { token: answer.take("token")?, claim })
    })
}
