//! From an identity to a database credential: the requests, in their order.
//!
//! Nothing is kept here: the caller holds the workspace token, the user and the target for as long
//! as they are good. Secrets are asked of the edge at each mint.

mod cli;
mod error;
mod login;
mod owner;
mod target;
#[cfg(test)]
mod tests;

use alloc::borrow::ToOwned;
use alloc::string::String;

pub use cli::{CliError, CliLogin};
pub use error::MintError;
pub(in crate::flow) use owner::owner;
pub use target::{Target, discover_target};

use crate::api::oidc::{self, TokenEndpoint};
use crate::api::{ApiError, Call, ExpiryClaim, Issued, database, postgres, scim};
use crate::config::{OAuthAccess, Workspace};
use crate::edge::{Edge, Request, Response};
use crate::secret::Secret;
use crate::time::Clocks;
use login::{Grant, Login, resolve};
use owner::owner_of;

/// What both clocks said around the exchange that brought a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exchange {
    /// Just before the request was sent: a life counts from here.
    pub sent: Clocks,
    /// When the whole answer was there.
    pub received: Clocks,
}

/// A token for the workspace's APIs.
#[derive(Clone, Debug)]
pub struct WorkspaceToken {
    /// The workspace.
    pub workspace: Workspace,
    /// The token.
    pub token: Secret,
    /// Whose credentials it buys, as [`Edge::recall`] takes it; none for what is not to be kept.
    pub owner: Option<String>,
    /// The service principal that it was issued to, when that is known without asking.
    pub client: Option<String>,
    /// What was said about its life; `None` for a token that was configured, of which nothing is
    /// known.
    pub claim: Option<ExpiryClaim>,
    /// When it was fetched, or read.
    pub exchange: Exchange,
    /// Where it was issued, to skip the search at the next mint; `None` for a configured token.
    pub endpoint: Option<TokenEndpoint>,
}

/// A database credential: the password of the next logins.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The token.
    pub token: Secret,
    /// What was said about its life.
    pub claim: ExpiryClaim,
    /// When it was fetched.
    pub exchange: Exchange,
}

/// Gets a workspace token. `known` is the endpoint of an earlier token of this configuration; it is
/// only used if it still belongs to the workspace, which a changed profile may have moved.
///
/// Without one the usual endpoint is tried: a search costs two requests at every start of a
/// process. Only if whoever answers there is no token endpoint, the workspace is asked where it is.
pub async fn workspace_token<E: Edge>(
    edge: &E,
    access: &OAuthAccess,
    known: Option<&TokenEndpoint>,
) -> Result<WorkspaceToken, MintError> {
    let (workspace, login) = resolve(edge, access).await?;
    let owner = owner_of(access, &workspace, &login);
    let (token, claim) = match login {
        Login::Grant(grant) => return granted(edge, workspace, owner, grant, known).await,
        Login::Ready(token) => (token, None),
        Login::Cli(login) => {
            let (token, claim) = cli::token(edge, login)?;
            (token, Some(claim))
        }
    };
    let now = edge.clocks();
    let exchange = Exchange { sent: now, received: now };
    let (client, endpoint) = (None, None);
    Ok(WorkspaceToken { workspace, token, owner, client, claim, exchange, endpoint })
}

/// Has a token issued where the workspace issues them.
async fn granted<E: Edge>(
    edge: &E,
    workspace: Workspace,
    owner: Option<String>,
    grant: Grant,
    known: Option<&TokenEndpoint>,
) -> Result<WorkspaceToken, MintError> {
    let known = known.filter(|known| workspace.owns(known.as_str())).cloned();
    let endpoint = known.unwrap_or_else(|| TokenEndpoint::usual(&workspace));
    match issue(edge, &workspace, owner.as_deref(), &endpoint, &grant).await {
        Err(error) if error.not_a_token_endpoint() => {
            let found = token_endpoint(edge, &workspace).await?;
            if found == endpoint {
                return Err(error);
            }
            issue(edge, &workspace, owner.as_deref(), &found, &grant).await
        }
        outcome => outcome,
    }
}

/// Asks one endpoint for a token.
async fn issue<E: Edge>(
    edge: &E,
    workspace: &Workspace,
    owner: Option<&str>,
    endpoint: &TokenEndpoint,
    grant: &Grant,
) -> Result<WorkspaceToken, MintError> {
    let (request, client) = grant_request(edge, endpoint, grant).await?;
    let call = Call::WorkspaceToken { client: client.clone() };
    let (response, exchange) = send(edge, call, request).await?;
    let Issued { token, claim } = oidc::read_token(client.as_deref(), &response)?;
    Ok(WorkspaceToken {
        workspace: workspace.clone(),
        token,
        owner: owner.map(ToOwned::to_owned),
        client,
        claim: Some(claim),
        exchange,
        endpoint: Some(endpoint.clone()),
    })
}

/// The request for a token, and the client it is for; GitHub is asked for its own token first.
async fn grant_request<E: Edge>(
    edge: &E,
    endpoint: &TokenEndpoint,
    grant: &Grant,
) -> Result<(Request, Option<String>), MintError> {
    Ok(match grant {
        Grant::Client { id, secret } => {
            (oidc::client_credentials(endpoint, id, secret), Some(id.clone()))
        }
        Grant::Federated { client, token } => {
            (oidc::token_exchange(endpoint, client.as_deref(), token), client.clone())
        }
        Grant::GitHub { client, url, key, audience } => {
            let audience = audience.as_deref().unwrap_or(endpoint.as_str());
            let request = oidc::github_token(url, key, audience);
            let (response, _) = send(edge, Call::GitHubToken, request).await?;
            let token = oidc::read_github_token(&response)?;
            (oidc::token_exchange(endpoint, client.as_deref(), &token), client.clone())
        }
    })
}

/// Finds out where the workspace issues tokens.
async fn token_endpoint<E: Edge>(
    edge: &E,
    workspace: &Workspace,
) -> Result<TokenEndpoint, MintError> {
    let request = oidc::databricks_config(workspace);
    let (response, _) = send(edge, Call::Discovery, request).await?;
    let issuer = oidc::read_databricks_config(workspace, &response)?;
    let request = oidc::authorization_server(&issuer);
    let (response, _) = send(edge, Call::Discovery, request).await?;
    Ok(oidc::read_authorization_server(workspace, &response)?)
}

/// The name of the Postgres role that the token's owner has: the client that minted it, else what
/// the workspace says. A configured client id that did not mint the token is somebody else's.
pub async fn discover_user<E: Edge>(edge: &E, token: &WorkspaceToken) -> Result<String, MintError> {
    if let Some(client) = &token.client {
        return Ok(client.to_owned());
    }
    let request = scim::me(&token.workspace, &token.token);
    let (response, _) = send(edge, Call::Me, request).await?;
    Ok(scim::read_me(&response)?)
}

/// Buys a database credential. `request_id` is a UUID, new for each.
pub async fn credential<E: Edge>(
    edge: &E,
    token: &WorkspaceToken,
    target: &Target,
    request_id: &str,
) -> Result<Credential, MintError> {
    let (issued, exchange) = match target {
        Target::Instance { name, .. } => {
            let call = Call::InstanceCredential { instance: name.clone() };
            let request = database::credential(&token.workspace, &token.token, name, request_id);
            let (response, exchange) = send(edge, call, request).await?;
            (database::read_credential(name, &response)?, exchange)
        }
        Target::Endpoint { path, .. } => {
            let call = Call::EndpointCredential { path: path.as_str().to_owned() };
            let request = postgres::credential(&token.workspace, &token.token, path);
            let (response, exchange) = send(edge, call, request).await?;
            (postgres::read_credential(path, &response)?, exchange)
        }
    };
    Ok(Credential { token: issued.token, claim: issued.claim, exchange })
}

/// One exchange, with the clocks around it.
pub(in crate::flow) async fn send<E: Edge>(
    edge: &E,
    call: Call,
    request: Request,
) -> Result<(Response, Exchange), ApiError> {
    let sent = edge.clocks();
    match edge.send(request).await {
        Ok(response) => Ok((response, Exchange { sent, received: edge.clocks() })),
        Err(reason) => Err(ApiError::NoAnswer { call, reason }),
    }
}
