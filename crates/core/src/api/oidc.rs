//! OAuth of a workspace: where its token endpoint is, and what is sent there.
//!
//! A secret goes to no host but the workspace's own, whatever a discovery document says.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use crate::api::Issued;
use crate::api::advice::Call;
use crate::api::error::ApiError;
use crate::api::expiry::ExpiryClaim;
use crate::api::json::read;
use crate::api::request::{basic, bearer, encoded, form, get, post_form};
use crate::config::Workspace;
use crate::edge::{Request, Response};
use crate::json::Object;
use crate::secret::Secret;

/// Every API the principal may use. Lakebase has no scope of its own that is known to work.
const SCOPE: &str = "all-apis";

/// RFC 8693.
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Where a workspace issues tokens: a URL at the workspace's own host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenEndpoint(String);

impl TokenEndpoint {
    /// Where every workspace has it, as far as the documents say.
    pub fn usual(workspace: &Workspace) -> Self {
        Self(format!("{workspace}/oidc/v1/token"))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Asks the workspace where its authorization server is.
pub fn databricks_config(workspace: &Workspace) -> Request {
    get(format!("{workspace}/.well-known/databricks-config"), None)
}

/// The URL of the authorization server. A workspace that does not know the document, or answers
/// with a page or a redirect to one, has it at the place where it always was.
pub fn read_databricks_config(
    workspace: &Workspace,
    response: &Response,
) -> Result<String, ApiError> {
    match read(Call::Discovery, response, |mut config: Object| config.take("oidc_endpoint")) {
        Ok(endpoint) => own(workspace, endpoint),
        Err(
            ApiError::NotFound { .. }
            | ApiError::NotJson { .. }
            | ApiError::Shape { .. }
            | ApiError::Redirected { .. }
            | ApiError::Unexpected { .. },
        ) => Ok(format!("{workspace}/oidc")),
        Err(error) => Err(error),
    }
}

/// Asks the authorization server for its endpoints.
pub fn authorization_server(issuer: &str) -> Request {
    let issuer = issuer.trim_end_matches('/');
    get(format!("{issuer}/.well-known/oauth-authorization-server"), None)
}

/// Reads the answer to [`authorization_server`].
pub fn read_authorization_server(
    workspace: &Workspace,
    response: &Response,
) -> Result<TokenEndpoint, ApiError> {
    let endpoint =
        read(Call::Discovery, response, |mut server: Object| server.take("token_endpoint"))?;
    own(workspace, endpoint).map(TokenEndpoint)
}

/// Passes a URL only if it is at the workspace's own host, over https (or http to loopback).
fn own(workspace: &Workspace, url: String) -> Result<String, ApiError> {
    if workspace.owns(&url) {
        return Ok(url);
    }
    // A URL may carry a password or a query: neither is for a log.
    let shown = url.split(['?', '#']).next().filter(|url| !url.contains('@'));
    Err(ApiError::Foreign {
        call: Call::Discovery,
        url: shown.unwrap_or("a URL with credentials").to_owned(),
        workspace: workspace.as_str().to_owned(),
    })
}

/// Asks for a token with a client's secret.
pub fn client_credentials(endpoint: &TokenEndpoint, id: &str, secret: &Secret) -> Request {
    let form = form(&[("grant_type", "client_credentials"), ("scope", SCOPE)]);
    post_form(endpoint.0.clone(), Some(basic(id, secret)), form)
}

/// Asks for a token in exchange for one of another identity provider.
pub fn token_exchange(
    endpoint: &TokenEndpoint,
    client: Option<&str>,
    id_token: &Secret,
) -> Request {
    let subject = [
        ("grant_type", EXCHANGE),
        ("subject_token", id_token.expose().trim()),
        ("subject_token_type", JWT),
        ("scope", SCOPE),
    ];
    let form = match client {
        None => form(&subject),
        Some(id) => {
            let [a, b, c, d] = subject;
            form(&[a, b, c, d, ("client_id", id)])
        }
    };
    post_form(endpoint.0.clone(), None, form)
}

/// Reads the answer to [`client_credentials`] and [`token_exchange`].
pub fn read_token(client: Option<&str>, response: &Response) -> Result<Issued, ApiError> {
    let call = Call::WorkspaceToken { client: client.map(ToOwned::to_owned) };
    read(call, response, |mut answer: Object| {
        let claim = ExpiryClaim::new(response, answer.take_loose("expires_in"), None);
        Ok(Issued { token: answer.take("access_token")?, claim })
    })
}

/// Asks GitHub for a token of the running job. The URL already has a query.
pub fn github_token(url: &str, key: &Secret, audience: &str) -> Request {
    let joint = if url.contains('?') { '&' } else { '?' };
    get(format!("{url}{joint}audience={}", encoded(audience)), Some(bearer(key)))
}

/// Reads the answer to [`github_token`].
pub fn read_github_token(response: &Response) -> Result<Secret, ApiError> {
    read(Call::GitHubToken, response, |mut answer: Object| answer.take("value"))
}
