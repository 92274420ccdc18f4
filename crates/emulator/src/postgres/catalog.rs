//! What the gate and the control plane ask of Postgres as its superuser: roles and databases.

mod change;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Row};

use super::address::Address;
use crate::world::Principal;

/// Postgres did not do what the emulator asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It is not there.
    #[error("postgres does not answer")]
    Unreachable(#[source] tokio_postgres::Error),
    /// A role or database of that name is there already.
    #[error("`{name}` exists already")]
    Exists {
        /// The name.
        name: String,
    },
    /// It cannot go while something hangs on it; in Postgres's words.
    #[error("{said}")]
    InUse {
        /// What Postgres said.
        said: String,
    },
    /// It refused, or went away meanwhile.
    #[error("postgres refused a statement of the emulator")]
    Refused(#[source] tokio_postgres::Error),
}

/// A role as the gate and the APIs see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// `USER`, `SERVICE_PRINCIPAL` or `GROUP`; none for a role of Postgres alone.
    pub identity: Option<String>,
    /// What it may do.
    pub attributes: Attributes,
    /// Whether it is a member of `databricks_superuser`.
    pub superuser: bool,
}

impl Role {
    /// The role of a principal; a `superuser` may create databases and roles, as the creator of
    /// an instance may.
    pub fn of_principal(name: &str, identity: Option<String>, superuser: bool) -> Self {
        let attributes =
            Attributes { bypassrls: superuser, createdb: superuser, createrole: superuser };
        Self { name: name.to_owned(), identity, attributes, superuser }
    }
}

/// The attributes that the APIs name.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Attributes {
    /// `BYPASSRLS`
    pub bypassrls: bool,
    /// `CREATEDB`
    pub createdb: bool,
    /// `CREATEROLE`
    pub createrole: bool,
}

/// How a role proves itself at the gate.
#[derive(Clone, Eq, PartialEq)]
pub enum Proof {
    /// With a token of this kind of identity.
    Token(String),
    /// With the password behind this SCRAM verifier.
    Password(String),
}

/// A database and its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The role that owns it.
    pub owner: String,
}

/// A role's identity is its comment: the one field of a role that all databases share and that
/// needs no extension.
const ROLES: &str = "
    SELECT rolname::text, shobj_description(oid, 'pg_authid'), rolbypassrls, rolcreatedb, rolcreaterole,
           pg_has_role(oid, 'databricks_superuser', 'MEMBER')
    FROM pg_roles WHERE rolcanlogin AND rolname <> current_user ORDER BY rolname";

/// The superuser's connection, remade when it is lost.
pub struct Catalog {
    address: Address,
    major: String,
    client: Mutex<Option<Arc<Client>>>,
}

impl Catalog {
    /// A catalog of the server at `address`. It connects when first used.
    pub fn new(address: Address, major: String) -> Self {
        Self { address, major, client: Mutex::new(None) }
    }

    /// Where the server is.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The server's major version: `17`.
    pub fn major(&self) -> &str {
        &self.major
    }

    /// Tells `databricks_create_role` whom the workspace knows.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn publish(
        &self,
        principals: impl IntoIterator<Item = &Principal>,
    ) -> Result<(), CatalogError> {
        let known: BTreeMap<&str, &str> =
            principals.into_iter().map(|p| (p.name.as_str(), p.kind.as_str())).collect();
        let known = serde_json::to_string(&known).expect("a map of texts");
        let statement = "format('COMMENT ON ROLE databricks_control_plane IS %L', $1)";
        self.run("databricks_control_plane", statement, &[&known]).await
    }

    /// How `role` proves itself, if it may log in at all.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn proof(&self, role: &str) -> Result<Option<Proof>, CatalogError> {
        const PROOF: &str = "SELECT shobj_description(oid, 'pg_authid'), rolpassword
             FROM pg_authid WHERE rolcanlogin AND NOT rolsuper AND rolname = $1";
        let row = self.client().await?.query_opt(PROOF, &[&role]).await;
        let Some(row) = row.map_err(CatalogError::Refused)? else { return Ok(None) };
        let verifier: Option<String> = row.get(1);
        Ok(identity(&row, 0).map(Proof::Token).or(verifier.map(Proof::Password)))
    }

    /// All roles that may log in, by name.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn roles(&self) -> Result<Vec<Role>, CatalogError> {
        let rows = self.client().await?.query(ROLES, &[]).await.map_err(CatalogError::Refused)?;
        Ok(rows.iter().map(role).collect())
    }

    /// Creates a role. The workspace must know a role that has an identity.
    ///
    /// # Errors
    /// [`CatalogError::Exists`], and see there.
    pub async fn create_role(&self, new: &Role) -> Result<(), CatalogError> {
        match &new.identity {
            Some(kind) => {
                let client = self.client().await?;
                let created = client
                    .execute("SELECT databricks_create_role($1, $2)", &[&new.name, kind])
                    .await;
                created.map_err(|error| refusal(&new.name, error))?;
            }
            None => self.run(&new.name, "format('CREATE ROLE %I LOGIN', $1)", &[&new.name]).await?,
        }
        self.alter_role(new).await
    }

    /// All databases but the templates, by name.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn databases(&self) -> Result<Vec<Database>, CatalogError> {
        const DATABASES: &str = "SELECT datname::text, pg_get_userbyid(datdba)::text
             FROM pg_database WHERE NOT datistemplate ORDER BY datname";
        let rows =
            self.client().await?.query(DATABASES, &[]).await.map_err(CatalogError::Refused)?;
        Ok(rows.iter().map(|row| Database { name: row.get(0), owner: row.get(1) }).collect())
    }

    /// Creates a database for its owner.
    ///
    /// # Errors
    /// [`CatalogError::Exists`], and see there.
    pub async fn create_database(&self, new: &Database) -> Result<(), CatalogError> {
        let names = [&*new.name, &new.owner];
        self.run(&new.name, "format('CREATE DATABASE %I OWNER %I', $1, $2)", &names).await
    }

    /// Lets Postgres itself quote the names in `format`, then runs what it wrote.
    async fn run(&self, name: &str, format: &str, names: &[&str]) -> Result<(), CatalogError> {
        run(&*self.client().await?, name, format, names).await
    }

    async fn client(&self) -> Result<Arc<Client>, CatalogError> {
        let mut kept = self.client.lock().await;
        if let Some(client) = kept.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.connect("postgres").await?);
        *kept = Some(Arc::clone(&client));
        Ok(client)
    }

    async fn connect(&self, database: &str) -> Result<Client, CatalogError> {
        self.address.connect(Some(database)).await.map_err(CatalogError::Unreachable)
    }
}

async fn run(
    client: &Client,
    name: &str,
    format: &str,
    names: &[&str],
) -> Result<(), CatalogError> {
    let placeholders = format.replace("$1", "$1::text").replace("$2", "$2::text");
    let params: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
        names.iter().map(|name| name as _).collect();
    let row = client.query_one(&format!("SELECT {placeholders}"), &params).await;
    let statement: String = row.map_err(CatalogError::Refused)?.get(0);
    client.batch_execute(&statement).await.map_err(|error| refusal(name, error))
}

fn role(row: &Row) -> Role {
    Role {
        name: row.get(0),
        identity: identity(row, 1),
        attributes: Attributes {
            bypassrls: row.get(2),
            createdb: row.get(3),
            createrole: row.get(4),
        },
        superuser: row.get(5),
    }
}

/// Reads a role's comment, which a person may have written too.
fn identity(row: &Row, column: usize) -> Option<String> {
    let comment: Option<String> = row.get(column);
    comment.filter(|text| ["USER", "SERVICE_PRINCIPAL", "GROUP"].contains(&text.as_str()))
}

fn refusal(name: &str, error: tokio_postgres::Error) -> CatalogError {
    match error.code() {
        Some(&SqlState::DUPLICATE_OBJECT | &SqlState::DUPLICATE_DATABASE) => {
            CatalogError::Exists { name: name.to_owned() }
        }
        Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST) => {
            let said = error.as_db_error().map_or("", |error| error.message()).to_owned();
            CatalogError::InUse { said }
        }
        _ => CatalogError::Refused(error),
    }
}
