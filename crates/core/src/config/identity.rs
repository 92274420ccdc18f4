//! Who Lakegate is to the workspace: which of the possible identities was configured.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::config::address::{Reason, origin_of};
use crate::config::fault::Fault;
use crate::config::load::Load;
use crate::config::lookup::Sourced;
use crate::config::rows;

/// Where the workspace token comes from. No variant holds a secret: each is asked for at every
/// mint, so that a rotated one is used without a restart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Identity {
    /// A service principal with a client secret (OAuth M2M).
    Client {
        /// Its application id, which is also its Postgres role.
        id: Sourced<String>,
        /// Where its secret is.
        secret: SecretSource,
    },
    /// A ready token in `DATABRICKS_TOKEN`: a personal access token, or a pasted OAuth token.
    Token,
    /// A token of another identity provider, exchanged for one of the workspace.
    Federated {
        /// The service principal whose federation policy applies; without one, an account-wide
        /// policy does.
        client: Option<Sourced<String>>,
        /// Where the provider's token comes from.
        token: IdToken,
        /// The audience that is asked for; without one, the token endpoint's URL.
        audience: Option<Sourced<String>>,
    },
    /// Whoever logged in to the configured workspace with the Databricks CLI.
    Cli,
    /// A profile of the Databricks configuration file.
    Profile {
        /// Its name; without one, the file's default.
        name: Option<Sourced<String>>,
        /// The file.
        file: Sourced<String>,
        /// Which of the profile's credentials to use, when it has more than one.
        auth_type: Option<AuthType>,
    },
}

/// Where a secret is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SecretSource {
    /// In the secret setting of this name.
    Setting(String),
    /// In a file.
    File(Sourced<String>),
}

/// Where the token of another identity provider comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum IdToken {
    /// A setting or a file that somebody renews, such as a projected service-account token.
    Stored(SecretSource),
    /// GitHub Actions, asked at this URL with the key in `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    GitHub {
        /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
        url: Sourced<String>,
    },
}

/// The kinds of identity, by the names that the Databricks SDKs give them in `DATABRICKS_AUTH_TYPE`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthType {
    /// `pat`
    Pat,
    /// `oauth-m2m`
    Client,
    /// `env-oidc`
    EnvOidc,
    /// `file-oidc`
    FileOidc,
    /// `github-oidc`
    GitHub,
    /// `databricks-cli`
    Cli,
    /// `profile`: whatever the profile holds. A name of our own; the SDKs have none.
    Profile,
}

impl AuthType {
    const ALL: [Self; 7] = [
        Self::Pat,
        Self::Client,
        Self::EnvOidc,
        Self::FileOidc,
        Self::GitHub,
        Self::Cli,
        Self::Profile,
    ];

    /// Its name in `DATABRICKS_AUTH_TYPE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pat => "pat",
            Self::Client => "oauth-m2m",
            Self::EnvOidc => "env-oidc",
            Self::FileOidc => "file-oidc",
            Self::GitHub => "github-oidc",
            Self::Cli => "databricks-cli",
            Self::Profile => "profile",
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(text))
            .ok_or("Lakegate does not know this kind of identity")
    }
}

pub(crate) const AUTH_TYPE_FIX: &str = "Set DATABRICKS_AUTH_TYPE to pat, oauth-m2m, env-oidc, \
    file-oidc, github-oidc, databricks-cli or profile, or remove it. For any other login, set \
    DATABRICKS_TOKEN to a token of the workspace.";

const IDENTITY_FIX: &str = "Set DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET (a service \
    principal), or DATABRICKS_TOKEN, or DATABRICKS_OIDC_TOKEN or DATABRICKS_OIDC_TOKEN_FILEPATH \
    (federation; GitHub Actions needs only `permissions: id-token: write`), or \
    DATABRICKS_CONFIG_PROFILE (a profile of ~/.databrickscfg), or DATABRICKS_AUTH_TYPE=databricks-cli \
    (who logged in with `databricks auth login`).";

/// One identity that is fully configured.
struct Candidate {
    kind: AuthType,
    settings: String,
    identity: Identity,
}

/// Chooses the identity, or records why none can be chosen.
pub(crate) fn choose(load: &mut Load<'_>) -> Option<Identity> {
    let wanted = load.parsed(&rows::AUTH_TYPE, AuthType::parse, AUTH_TYPE_FIX);
    let mut candidates = explicit(load);
    match wanted {
        Some(wanted) => chosen_by_type(load, candidates, &wanted),
        None if candidates.len() > 1 => {
            load.faults.push(Fault::Conflict {
                settings: candidates.into_iter().map(|candidate| candidate.settings).collect(),
                fix: "Remove all but one of them, or set DATABRICKS_AUTH_TYPE to the one to use: \
                      pat, oauth-m2m, env-oidc, file-oidc, github-oidc, databricks-cli or profile."
                    .to_owned(),
            });
            None
        }
        None => candidates.pop().map(|only| only.identity).or_else(|| ambient(load)),
    }
}

/// What somebody set on purpose.
fn explicit(load: &mut Load<'_>) -> Vec<Candidate> {
    let mut found = Vec::new();
    let client = load.text(&rows::CLIENT_ID);
    let audience = load.text(&rows::AUDIENCE);
    let mut add = |kind, settings, identity| found.push(Candidate { kind, settings, identity });

    let secret = client_secret(load);
    if let (Some(id), Some(secret)) = (&client, secret) {
        let second = match &secret {
            SecretSource::Setting(name) => name,
            SecretSource::File(file) => file.name,
        };
        let settings = format!("DATABRICKS_CLIENT_ID with {second}");
        add(AuthType::Client, settings, Identity::Client { id: id.clone(), secret });
    }
    if load.has_secret(&rows::TOKEN) {
        add(AuthType::Pat, rows::TOKEN.names[0].to_owned(), Identity::Token);
    }
    if let Some(name) = oidc_setting(load) {
        let token = IdToken::Stored(SecretSource::Setting(name.clone()));
        let identity =
            Identity::Federated { client: client.clone(), token, audience: audience.clone() };
        add(AuthType::EnvOidc, name, identity);
    }
    if let Some(file) = load.text(&rows::OIDC_TOKEN_FILE) {
        let settings = file.name.to_owned();
        let token = IdToken::Stored(SecretSource::File(file));
        add(AuthType::FileOidc, settings, Identity::Federated { client, token, audience });
    }
    if let Some(name) = load.text(&rows::PROFILE) {
        let settings = name.name.to_owned();
        let file = load.defaulted(&rows::PROFILE_FILE);
        let identity = Identity::Profile { name: Some(name), file, auth_type: None };
        add(AuthType::Profile, settings, identity);
    }
    found
}

/// What is used when nothing was set on purpose. GitHub sets its variables in every job that may
/// ask for a token, so they alone never compete with an explicit identity; nor does a profile file
/// that merely exists.
fn ambient(load: &mut Load<'_>) -> Option<Identity> {
    if let Some(identity) = github(load) {
        return Some(identity);
    }
    let secret = client_secret_name(load);
    let fault = match (load.text(&rows::CLIENT_ID), secret) {
        (Some(_), None) => Fault::Incomplete {
            present: "DATABRICKS_CLIENT_ID",
            absent: "DATABRICKS_CLIENT_SECRET",
            fix: "Set DATABRICKS_CLIENT_SECRET (or DATABRICKS_CLIENT_SECRET_FILE) to an OAuth \
                  secret of that service principal."
                .to_owned(),
        },
        (None, Some(present)) => Fault::Incomplete {
            present,
            absent: "DATABRICKS_CLIENT_ID",
            fix: "Set DATABRICKS_CLIENT_ID to the application id of the service principal."
                .to_owned(),
        },
        // Both, yet no candidate: another fault has told why.
        (Some(_), Some(_)) => return None,
        (None, None) => {
            let file = load.defaulted(&rows::PROFILE_FILE);
            if load.lookup.readable(&file.value) {
                return Some(Identity::Profile { name: None, file, auth_type: None });
            }
            Fault::Missing {
                what: "an identity (DATABRICKS_CLIENT_ID, DATABRICKS_TOKEN, …)".to_owned(),
                fix: IDENTITY_FIX.to_owned(),
            }
        }
    };
    load.faults.push(fault);
    None
}

fn chosen_by_type(
    load: &mut Load<'_>,
    candidates: Vec<Candidate>,
    wanted: &Sourced<AuthType>,
) -> Option<Identity> {
    let kind = wanted.value;
    if let Some(candidate) = candidates.into_iter().find(|candidate| candidate.kind == kind) {
        return Some(candidate.identity);
    }
    let name = load.text(&rows::PROFILE);
    let file = load.defaulted(&rows::PROFILE_FILE);
    let in_profile = !matches!(kind, AuthType::EnvOidc | AuthType::FileOidc | AuthType::GitHub);
    // A named profile names a login; else it is that for the workspace, whatever a file says.
    if kind == AuthType::Cli && name.is_none() && load.text(&rows::WORKSPACE).is_some() {
        return Some(Identity::Cli);
    }
    if kind == AuthType::GitHub
        && let Some(identity) = github(load)
    {
        return Some(identity);
    }
    if in_profile && (name.is_some() || load.lookup.readable(&file.value)) {
        let auth_type = (kind != AuthType::Profile).then_some(kind);
        return Some(Identity::Profile { name, file, auth_type });
    }
    let needs = match kind {
        AuthType::Pat => "DATABRICKS_TOKEN",
        AuthType::Client => "DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET",
        AuthType::EnvOidc => "DATABRICKS_OIDC_TOKEN",
        AuthType::FileOidc => "DATABRICKS_OIDC_TOKEN_FILEPATH",
        AuthType::GitHub => "ACTIONS_ID_TOKEN_REQUEST_URL with ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        AuthType::Cli => "DATABRICKS_HOST or DATABRICKS_CONFIG_PROFILE",
        AuthType::Profile => "DATABRICKS_CONFIG_PROFILE",
    };
    load.faults.push(Fault::Incomplete {
        present: wanted.name,
        absent: needs,
        fix: format!("{} asks for {needs}. Set that too, or remove it.", kind.name()),
    });
    None
}

fn github(load: &mut Load<'_>) -> Option<Identity> {
    let url = load.parsed(&rows::GITHUB_URL, parse_secure, "GitHub sets it; leave it as it is.")?;
    if !load.has_secret(&rows::GITHUB_TOKEN) {
        return None;
    }
    let client = load.text(&rows::CLIENT_ID);
    let audience = load.text(&rows::AUDIENCE);
    Some(Identity::Federated { client, token: IdToken::GitHub { url }, audience })
}

/// A URL to which a secret may be sent.
fn parse_secure(url: &str) -> Result<String, Reason> {
    origin_of(url).map(|_| url.to_owned()).ok_or("it is not an https URL")
}

fn client_secret(load: &mut Load<'_>) -> Option<SecretSource> {
    let file = load.text(&rows::CLIENT_SECRET_FILE);
    match (load.has_secret(&rows::CLIENT_SECRET), file) {
        (true, Some(file)) => {
            load.faults.push(Fault::Conflict {
                settings: [rows::CLIENT_SECRET.names[0], file.name].map(str::to_owned).to_vec(),
                fix: "Remove one of them.".to_owned(),
            });
            None
        }
        (true, None) => Some(SecretSource::Setting(rows::CLIENT_SECRET.names[0].to_owned())),
        (false, file) => file.map(SecretSource::File),
    }
}

fn client_secret_name(load: &Load<'_>) -> Option<&'static str> {
    if load.has_secret(&rows::CLIENT_SECRET) {
        return Some(rows::CLIENT_SECRET.names[0]);
    }
    load.text(&rows::CLIENT_SECRET_FILE).map(|file| file.name)
}

/// The name of the secret setting that holds the identity token, if it has a value.
fn oidc_setting(load: &mut Load<'_>) -> Option<String> {
    let Some(renamed) = load.text(&rows::OIDC_TOKEN_ENV) else {
        return load.has_secret(&rows::OIDC_TOKEN).then(|| rows::OIDC_TOKEN.names[0].to_owned());
    };
    if load.lookup.has_secret(&renamed.value) {
        return Some(renamed.value);
    }
    load.faults.push(Fault::Invalid {
        name: renamed.name,
        origin: renamed.origin,
        value: rows::showable(&renamed.value),
        reason: "no secret of that name is set",
        fix: "Give the name of the variable that holds the identity token.".to_owned(),
    });
    None
}
