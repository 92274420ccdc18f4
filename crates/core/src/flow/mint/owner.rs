//! Whose credentials they are: the text that binds a kept credential to who may take it up.

use alloc::string::String;

use serde::Serialize;

use crate::config::{OAuthAccess, Workspace};
use crate::edge::Edge;
use crate::flow::mint::login::{Grant, Login, resolve};
use crate::token::Fingerprint;

/// Everything that decides who logs in where. Two configurations with the same may share a
/// credential.
#[derive(Serialize)]
struct Owner<'a> {
    workspace: &'a str,
    endpoint: Option<&'a str>,
    instance: Option<&'a str>,
    host: Option<&'a str>,
    app: Option<&'a str>,
    identity: &'static str,
    /// A service principal is who it is, whatever secret it has just now.
    client: Option<&'a str>,
    /// Without one, another secret is somebody else: its fingerprint.
    secret: Option<String>,
}

/// The owner as settings and secrets say at this moment; none when they cannot be used, or when
/// only a login of the Databricks CLI knows who it is.
pub(in crate::flow) async fn owner<E: Edge>(edge: &E, access: &OAuthAccess) -> Option<String> {
    let (workspace, login) = resolve(edge, access).await.ok()?;
    owner_of(access, &workspace, &login)
}

/// The owner of all that is bought with a token of this login. Behind a profile another person may
/// have logged in meanwhile, so what such a login buys is kept for nobody.
pub(super) fn owner_of(
    access: &OAuthAccess,
    workspace: &Workspace,
    login: &Login,
) -> Option<String> {
    let (identity, client, secret) = match login {
        Login::Cli(_) => return None,
        Login::Ready(token) => ("token", None, token),
        Login::Grant(Grant::Client { id, secret }) => ("client", Some(id), secret),
        Login::Grant(Grant::Federated { client, token }) => ("federated", client.as_ref(), token),
        Login::Grant(Grant::GitHub { client, key, .. }) => ("github", client.as_ref(), key),
    };
    let owner = Owner {
        workspace: workspace.as_str(),
        endpoint: access.endpoint.as_ref().map(|endpoint| endpoint.value.as_str()),
        instance: access.instance.as_ref().map(|instance| instance.value.as_str()),
        host: access.host.as_ref().map(|host| host.value.as_str()),
        app: access.app.as_ref().map(|app| app.value.as_str()),
        identity,
        client: client.map(String::as_str),
        secret: client.is_none().then(|| Fingerprint::of(secret).hex()),
    };
    Some(serde_json::to_string(&owner).expect("texts alone always serialize"))
}
