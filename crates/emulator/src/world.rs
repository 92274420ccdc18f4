//! The workspace that the emulator pretends to be: who is in it and what it owns.

mod ids;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::ids::Ids;

/// Which of the two products the gate imitates. Both APIs answer either way.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flavour {
    /// A database instance, `/api/2.0/database`.
    Provisioned,
    /// A project with branches and endpoints, `/api/2.0/postgres`.
    Autoscaling,
}

/// What kind of principal; the spelling is that of the APIs and of `databricks_create_role`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// A person; the name is an e-mail address.
    User,
    /// A service principal; the name is its client id.
    ServicePrincipal,
}

impl Kind {
    /// As the APIs spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::ServicePrincipal => "SERVICE_PRINCIPAL",
        }
    }
}

/// Somebody who may ask for tokens.
#[derive(Clone, Debug)]
pub struct Principal {
    /// A person or a service principal.
    pub kind: Kind,
    /// `userName` and the Postgres role: an e-mail address or a client id.
    pub name: String,
    /// For people to read.
    pub display_name: String,
    /// The workspace's number for it.
    pub id: u64,
    /// Whether it may create roles and database instances.
    pub admin: bool,
    /// The OAuth secret, for a service principal.
    pub secret: Option<Credential>,
    /// The personal access token (`dapi…`).
    pub access_token: Option<Credential>,
    /// The `sub` of the identity-provider token that may be exchanged for this principal's.
    pub federation_subject: Option<String>,
}

/// A secret text: `Debug` never shows it.
#[derive(Clone, Eq, PartialEq)]
pub struct Credential(String);

impl Credential {
    /// Takes ownership of a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A new random secret that begins as Databricks' do, such as `dose` or `dapi`.
    pub fn random(prefix: &str) -> Self {
        Self(format!("{prefix}{}", Uuid::new_v4().simple()))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(..)")
    }
}

/// One workspace with one database, seen through both APIs.
#[derive(Clone, Debug)]
pub struct World {
    /// Which product's refusals the gate speaks.
    pub flavour: Flavour,
    /// The SQLSTATE of refused logins. Reports differ about Lakebase's: 28P01, 28000, XX000.
    pub refusal_code: String,
    /// Answered in `X-Databricks-Org-Id`.
    pub workspace_id: String,
    /// The host name that clients are told; it must resolve to the gate.
    pub dns_name: String,
    /// The database instance, and the app's resource.
    pub instance: Instance,
    /// The project that stands before the same Postgres.
    pub project: Project,
    /// The app's name; its resources are the instance or the project, by flavour.
    pub app: String,
    /// The database that the app's resource names; it need not exist.
    pub database: String,
    /// Everybody, by name.
    pub principals: BTreeMap<String, Principal>,
    /// The Autoscaling ids of roles.
    pub role_ids: Ids,
    /// The Autoscaling ids of databases.
    pub database_ids: Ids,
    /// The passwords that Lakebase chose for roles that have one.
    pub passwords: BTreeMap<String, Credential>,
}

/// A Provisioned database instance.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Chosen by its creator.
    pub name: String,
    /// Chosen by Databricks; part of the host name there.
    pub uid: Uuid,
}

/// An Autoscaling project with one branch and one endpoint.
#[derive(Clone, Debug)]
pub struct Project {
    /// The id in `projects/{id}`.
    pub id: String,
    /// The id in `branches/{id}`.
    pub branch: String,
    /// The id in `endpoints/{id}`.
    pub endpoint: String,
    /// The endpoint's uid (`ep-…`), which is not its id.
    pub endpoint_uid: String,
}

impl Project {
    /// `projects/{id}`
    pub fn path(&self) -> String {
        format!("projects/{}", self.id)
    }

    /// `projects/{id}/branches/{id}`
    pub fn branch_path(&self) -> String {
        format!("{}/branches/{}", self.path(), self.branch)
    }

    /// `projects/{id}/branches/{id}/endpoints/{id}`
    pub fn endpoint_path(&self) -> String {
        format!("{}/endpoints/{}", self.branch_path(), self.endpoint)
    }
}

impl World {
    /// The default workspace: an instance, a project, an app, and nobody yet.
    pub fn new(flavour: Flavour, name: &str) -> Self {
        let uid = Uuid::new_v4();
        Self {
            flavour,
            refusal_code: "28P01".to_owned(),
            workspace_id: "1234567890123456".to_owned(),
            dns_name: "localhost".to_owned(),
            instance: Instance { name: name.to_owned(), uid },
            project: Project {
                id: name.to_owned(),
                branch: "production".to_owned(),
                endpoint: "primary".to_owned(),
                endpoint_uid: format!("ep-local-{:08x}", uid.as_fields().0),
            },
            app: name.to_owned(),
            database: "app_ontos".to_owned(),
            principals: BTreeMap::new(),
            role_ids: Ids::of_roles(),
            database_ids: Ids::of_databases(),
            passwords: BTreeMap::new(),
        }
    }

    /// Adds a principal with a new number, and a secret or a personal access token by its kind.
    pub fn add(
        &mut self,
        kind: Kind,
        name: &str,
        display_name: &str,
        admin: bool,
    ) -> &mut Principal {
        let id = 7_000_000_000 + self.principals.len() as u64;
        let principal = Principal {
            kind,
            name: name.to_owned(),
            display_name: display_name.to_owned(),
            id,
            admin,
            secret: (kind == Kind::ServicePrincipal).then(|| Credential::random("dose")),
            access_token: (kind == Kind::User).then(|| Credential::random("dapi")),
            federation_subject: None,
        };
        self.principals.insert(name.to_owned(), principal);
        self.principals.get_mut(name).expect("it was just inserted")
    }

    /// The service principal of the app: the first that was added.
    pub fn app_principal(&self) -> Option<&Principal> {
        self.first(|principal| principal.kind == Kind::ServicePrincipal)
    }

    /// The person who created all that exists: the first administrator that was added.
    pub fn administrator(&self) -> Option<&Principal> {
        self.first(|principal| principal.admin && principal.kind == Kind::User)
    }

    fn first(&self, wanted: impl Fn(&&Principal) -> bool) -> Option<&Principal> {
        self.principals.values().filter(wanted).min_by_key(|principal| principal.id)
    }

    /// Whose personal access token this is.
    pub fn by_access_token(&self, token: &str) -> Option<&Principal> {
        self.principals
            .values()
            .find(|p| p.access_token.as_ref().is_some_and(|own| own.expose() == token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_out_of_debug() {
        let mut world = World::new(Flavour::Provisioned, "demo");
        let secret = world.add(Kind::ServicePrincipal, "sp", "An app", false).secret.clone();
        let token = world.add(Kind::User, "a@b.c", "A person", true).access_token.clone();
        let shown = format!("{world:?}");
        for hidden in [secret, token] {
            assert!(!shown.contains(hidden.unwrap().expose()));
        }
        assert_eq!(shown.matches("Credential(..)").count(), 2);
    }
}
