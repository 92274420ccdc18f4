//! The secrets of an identity, asked for at the moment they are used.

use alloc::borrow::ToOwned;
use alloc::string::String;

use crate::config::profile::{self, Credentials};
use crate::config::{AuthType, IdToken, Identity, OAuthAccess, SecretSource, Sourced, Workspace};
use crate::edge::Edge;
use crate::flow::mint::cli::CliLogin;
use crate::flow::mint::error::MintError;
use crate::secret::Secret;

/// The name of the setting with a ready token.
const TOKEN: &str = "DATABRICKS_TOKEN";

/// The name of the setting with GitHub's key.
const GITHUB_KEY: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// How a workspace token is obtained this time.
pub(super) enum Login {
    /// It is there already.
    Ready(Secret),
    /// The Databricks CLI has it.
    Cli(CliLogin),
    /// It is issued for one of these.
    Grant(Grant),
}

/// What a workspace token is issued for.
pub(super) enum Grant {
    Client { id: String, secret: Secret },
    Federated { client: Option<String>, token: Secret },
    GitHub { client: Option<String>, url: String, key: Secret, audience: Option<String> },
}

/// Reads what the identity needs; a profile may also name the workspace.
pub(super) async fn resolve<E: Edge>(
    edge: &E,
    access: &OAuthAccess,
) -> Result<(Workspace, Login), MintError> {
    let configured = access.workspace.as_ref().map(|workspace| workspace.value.clone());
    let workspace = || configured.clone().expect("only a profile may leave the workspace open");
    let plain = |value: &Option<Sourced<String>>| value.as_ref().map(|it| it.value.clone());
    let login = match &access.identity {
        Identity::Profile { name, file, auth_type } => {
            return from_profile(edge, configured, name.as_ref(), file, *auth_type);
        }
        Identity::Cli => Login::Cli(CliLogin::Workspace(workspace())),
        Identity::Token => Login::Ready(setting(edge, TOKEN).await?),
        Identity::Client { id, secret } => {
            let (id, secret) = (id.value.clone(), secret_of(edge, secret).await?);
            Login::Grant(Grant::Client { id, secret })
        }
        Identity::Federated { client, token: IdToken::Stored(source), .. } => {
            let (client, token) = (plain(client), secret_of(edge, source).await?);
            Login::Grant(Grant::Federated { client, token })
        }
        Identity::Federated { client, token: IdToken::GitHub { url }, audience } => {
            let (client, url, audience) = (plain(client), url.value.clone(), plain(audience));
            let key = setting(edge, GITHUB_KEY).await?;
            Login::Grant(Grant::GitHub { client, url, key, audience })
        }
    };
    Ok((workspace(), login))
}

fn from_profile<E: Edge>(
    edge: &E,
    configured: Option<Workspace>,
    name: Option<&Sourced<String>>,
    file: &Sourced<String>,
    auth_type: Option<AuthType>,
) -> Result<(Workspace, Login), MintError> {
    let text = edge.read(&file.value).map_err(|reason| MintError::File {
        name: file.name,
        path: file.value.clone(),
        reason,
    })?;
    let name = name.map(|name| name.value.as_str());
    let found = profile::find(text.expose(), name, auth_type)
        .map_err(|reason| MintError::Profile { path: file.value.clone(), reason })?;
    if let (Credentials::Cli, Some(configured), Some(host)) =
        (&found.credentials, &configured, &found.workspace)
        && configured != host
    {
        let (host, configured) = (host.clone(), configured.clone());
        return Err(MintError::OtherWorkspace { profile: found.name, host, configured });
    }
    let workspace = configured
        .or(found.workspace)
        .ok_or_else(|| MintError::NoWorkspace { profile: found.name.clone() })?;
    let login = match found.credentials {
        Credentials::Cli => Login::Cli(CliLogin::Profile(found.name)),
        Credentials::Token(token) => Login::Ready(token),
        Credentials::Client { id, secret } => Login::Grant(Grant::Client { id, secret }),
    };
    Ok((workspace, login))
}

async fn secret_of<E: Edge>(edge: &E, source: &SecretSource) -> Result<Secret, MintError> {
    let file = match source {
        SecretSource::Setting(name) => return setting(edge, name).await,
        SecretSource::File(file) => file,
    };
    let (name, path) = (file.name, file.value.clone());
    match edge.read(&path) {
        Ok(secret) if is_blank(&secret) => Err(MintError::FileEmpty { name, path }),
        Ok(secret) => Ok(secret),
        Err(reason) => Err(MintError::File { name, path, reason }),
    }
}

async fn setting<E: Edge>(edge: &E, name: &str) -> Result<Secret, MintError> {
    edge.secret(name)
        .await
        .filter(|secret| !is_blank(secret))
        .ok_or_else(|| MintError::SecretGone { name: name.to_owned() })
}

fn is_blank(secret: &Secret) -> bool {
    secret.expose().trim().is_empty()
}
