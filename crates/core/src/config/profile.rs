//! The Databricks configuration file, `~/.databrickscfg`.
//!
//! It is read at every mint, so that a changed profile is used without a restart.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::config::address::Workspace;
use crate::config::identity::AuthType;
use crate::secret::Secret;

/// The section that names the default profile.
const SETTINGS: &str = "__settings__";

/// The profile that is used when none is named.
const DEFAULT: &str = "DEFAULT";

/// One profile, with all that Lakegate can use of it.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// The workspace, if it names one.
    pub workspace: Option<Workspace>,
    /// Who it is.
    pub credentials: Credentials,
}

/// What a profile logs in with.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A ready token.
    Token(Secret),
    /// A service principal.
    Client {
        /// Its application id.
        id: String,
        /// Its OAuth secret.
        secret: Secret,
    },
    /// Whoever logged in to this profile with the Databricks CLI.
    Cli,
}

/// A profile that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// There is no such section.
    #[error("the file has no profile `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// The profiles it has.
        known: Vec<String>,
    },
    /// The host is not one.
    #[error("the host of profile `{name}` is wrong: {reason}")]
    Host {
        /// The profile.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// It holds neither a token nor a client with its secret.
    #[error("profile `{name}` holds no credentials that Lakegate can use")]
    NoCredentials {
        /// The profile.
        name: String,
        /// The login it was made for, such as `databricks-cli`.
        auth_type: Option<String>,
    },
    /// It holds a token and a client.
    #[error("profile `{name}` holds both a token and a client secret")]
    Ambiguous {
        /// The profile.
        name: String,
    },
}

impl ProfileError {
    /// The next step, in whole sentences.
    pub fn advice(&self) -> String {
        match self {
            Self::Unknown { known, .. } if known.is_empty() => {
                "Set DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET instead of a profile."
                    .to_owned()
            }
            Self::Unknown { known, .. } => {
                let mut advice =
                    "Set DATABRICKS_CONFIG_PROFILE to one that the file has: ".to_owned();
                advice.push_str(&known.join(", "));
                advice.push('.');
                advice
            }
            Self::Host { .. } => {
                "Correct its `host`, or set DATABRICKS_HOST, which wins.".to_owned()
            }
            Self::NoCredentials { .. } => {
                "Add client_id and client_secret, or a token, to the profile. For the login of \
                 `databricks auth login`, set DATABRICKS_AUTH_TYPE, or auth_type in the profile, to \
                 databricks-cli."
                    .to_owned()
            }
            Self::Ambiguous { .. } => {
                "Set DATABRICKS_AUTH_TYPE, or auth_type in the profile, to pat or oauth-m2m."
                    .to_owned()
            }
        }
    }
}

/// Reads one profile out of the file's text: the named one, else the one that
/// `[__settings__] default_profile` names, else `DEFAULT`. `auth_type` beats the profile's own.
///
/// ```
/// let file = "[DEFAULT]\nhost = w.example\ntoken = dapi1\n";
/// let profile = lakegate_core::config::profile::find(file, None, None)?;
/// assert_eq!(profile.workspace.unwrap().as_str(), "https://w.example");
/// # Ok::<(), lakegate_core::config::profile::ProfileError>(())
/// ```
pub fn find(
    text: &str,
    name: Option<&str>,
    auth_type: Option<AuthType>,
) -> Result<Profile, ProfileError> {
    let sections = sections(text);
    let of = |wanted: &str| sections.iter().find(|section| section.name == wanted);
    let default = || of(SETTINGS).and_then(|settings| settings.get("default_profile"));
    let name = name.or_else(default).unwrap_or(DEFAULT);
    let section = of(name).filter(|section| section.name != SETTINGS);
    let Some(section) = section else {
        let known = sections.iter().map(|section| section.name);
        return Err(ProfileError::Unknown {
            name: name.to_owned(),
            known: known.filter(|name| *name != SETTINGS).map(ToOwned::to_owned).collect(),
        });
    };
    let workspace = section
        .get("host")
        .map(Workspace::parse)
        .transpose()
        .map_err(|reason| ProfileError::Host { name: name.to_owned(), reason })?;
    let credentials = section.credentials(auth_type)?;
    Ok(Profile { name: name.to_owned(), workspace, credentials })
}

/// One section, borrowed from the text: secrets are not copied while others are looked for.
struct Section<'a> {
    name: &'a str,
    entries: Vec<(&'a str, &'a str)>,
}

impl<'a> Section<'a> {
    /// The last value of a key, which is not blank.
    fn get(&self, key: &str) -> Option<&'a str> {
        let same = |entry: &&(&str, &str)| entry.0.eq_ignore_ascii_case(key);
        self.entries.iter().rev().find(same).map(|entry| entry.1).filter(|value| !value.is_empty())
    }

    fn credentials(&self, wanted: Option<AuthType>) -> Result<Credentials, ProfileError> {
        let own = self.get("auth_type");
        let wanted = wanted.map(AuthType::name).or(own);
        let token = self.get("token").map(|token| Credentials::Token(Secret::new(token)));
        let client = match (self.get("client_id"), self.get("client_secret")) {
            (Some(id), Some(secret)) => {
                Some(Credentials::Client { id: id.to_owned(), secret: Secret::new(secret) })
            }
            _ => None,
        };
        let found = match (wanted, token, client) {
            (None, Some(_), Some(_)) => {
                return Err(ProfileError::Ambiguous { name: self.name.to_owned() });
            }
            (Some("pat"), token, _) => token,
            (Some("oauth-m2m"), _, client) => client,
            (Some("databricks-cli"), ..) => Some(Credentials::Cli),
            (Some(_), ..) => None,
            (None, token, client) => token.or(client),
        };
        found.ok_or_else(|| ProfileError::NoCredentials {
            name: self.name.to_owned(),
            auth_type: wanted.map(ToOwned::to_owned),
        })
    }
}

/// Splits an INI file. Lines that are neither a section nor a pair are passed over, as the SDKs do.
fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push(Section { name: name.trim(), entries: Vec::new() });
        } else if let (Some(section), Some((key, value))) =
            (sections.last_mut(), line.split_once('='))
        {
            section.entries.push((key.trim(), value.trim()));
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    const FILE: &str = "\u{feff}; made by hand\r\n\
        [DEFAULT]\r\nhost = https://a.example/\r\ntoken = dapi-1\r\n\
        [sp]\nHost=b.example\n# a comment\nclient_id = me\nclient_secret = a=b#c\ntoken =\n\
        [both]\ntoken = t\nclient_id = me\nclient_secret = s\n\
        [own]\nauth_type = pat\ntoken = t\nclient_id = me\nclient_secret = s\n\
        [cli]\nhost = https://c.example\nauth_type = databricks-cli\n\
        [bad]\nhost = http://c.example\ntoken = t\n\
        [__settings__]\ndefault_profile = sp\n";

    /// What was found, in one line.
    fn found(text: &str, name: Option<&str>, kind: Option<AuthType>) -> String {
        match find(text, name, kind) {
            Ok(Profile { name, workspace, credentials }) => {
                let host = workspace.map_or("-".to_owned(), |host| host.to_string());
                match credentials {
                    Credentials::Token(token) => format!("{name} {host} {}", token.expose()),
                    Credentials::Client { id, secret } => {
                        format!("{name} {host} {id} {}", secret.expose())
                    }
                    Credentials::Cli => format!("{name} {host} databricks-cli"),
                }
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn finds_profiles() {
        #[track_caller]
        fn check(name: Option<&str>, kind: Option<AuthType>, expected: &str) {
            assert_eq!(found(FILE, name, kind), expected);
        }
        check(None, None, "sp https://b.example me a=b#c");
        check(Some("DEFAULT"), None, "DEFAULT https://a.example dapi-1");
        check(Some("both"), None, "profile `both` holds both a token and a client secret");
        check(Some("both"), Some(AuthType::Pat), "both - t");
        check(Some("both"), Some(AuthType::Client), "both - me s");
        check(Some("own"), None, "own - t");
        check(Some("own"), Some(AuthType::Client), "own - me s");
        check(Some("cli"), None, "cli https://c.example databricks-cli");
        check(Some("sp"), Some(AuthType::Cli), "sp https://b.example databricks-cli");
        check(
            Some("cli"),
            Some(AuthType::Pat),
            "profile `cli` holds no credentials that Lakegate can use",
        );
        check(
            Some("bad"),
            None,
            "the host of profile `bad` is wrong: http would send secrets in the clear",
        );
        check(Some("none"), None, "the file has no profile `none`");
        check(Some(SETTINGS), None, "the file has no profile `__settings__`");
    }

    #[test]
    fn falls_back_to_the_default_section() {
        assert_eq!(found("[DEFAULT]\ntoken = t", None, None), "DEFAULT - t");
        assert_eq!(found("", None, None), "the file has no profile `DEFAULT`");
        assert_eq!(found("token = t", None, None), "the file has no profile `DEFAULT`");
    }
}
