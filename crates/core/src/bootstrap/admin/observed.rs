//! What a server looks like to an administrator: the answer to one question.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use crate::bootstrap::{ObserveError, answer};
use crate::json::{FromJson, Misfit, Object};
use crate::sql::Ident;

/// Looks at everything that an administrator's plan depends on.
///
/// Parameters, all text: `$1` the database's name, `$2` a JSON array of the names of the roles that
/// are meant. The answer is one row with one JSON text, the fields of [`ObservedServer`].
///
/// It needs no right but to connect. Which roles belong to which kind of identity is told by a view
/// that only Lakebase has, so it is asked by `query_to_xml`, the one built-in function that runs a
/// query given as text; hexadecimal digits keep XML from touching the content.
pub const QUERY: &str = r#"WITH
  me AS (SELECT * FROM pg_catalog.pg_roles WHERE rolname = current_user),
  db AS (SELECT * FROM pg_catalog.pg_database WHERE datname = $1::text),
  granted AS (
    SELECT a.* FROM db, LATERAL pg_catalog.aclexplode(
      COALESCE(db.datacl, pg_catalog.acldefault('d', db.datdba))) a),
  asked AS (
    SELECT * FROM pg_catalog.pg_roles
    WHERE rolname IN (SELECT pg_catalog.json_array_elements_text($2::text::json)))
SELECT pg_catalog.json_build_object(
  'role', current_user,
  'may_create_database', me.rolcreatedb OR me.rolsuper,
  'auth_installed', EXISTS (
    SELECT FROM pg_catalog.pg_extension WHERE extname = 'databricks_auth'),
  'auth_available', EXISTS (
    SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'databricks_auth'),
  'database', (
    SELECT pg_catalog.json_build_object(
      'owner', pg_catalog.pg_get_userbyid(datdba),
      'acts_as', CASE WHEN pg_catalog.pg_has_role(datdba, 'USAGE')
        THEN pg_catalog.pg_get_userbyid(datdba) ELSE current_user END,
      'may_grant', pg_catalog.has_database_privilege(oid, 'CREATE WITH GRANT OPTION'),
      'public', COALESCE((
        SELECT pg_catalog.json_agg(DISTINCT privilege_type) FROM granted WHERE grantee = 0), '[]'),
      'public_grantors', COALESCE((
        SELECT pg_catalog.json_agg(pg_catalog.pg_get_userbyid(grantor))
        FROM granted WHERE grantee = 0 AND privilege_type = 'CREATE'), '[]'),
      'creators', COALESCE((
        SELECT pg_catalog.json_agg(DISTINCT pg_catalog.pg_get_userbyid(grantee)::text)
        FROM granted
        WHERE grantee NOT IN (0, datdba) AND privilege_type = 'CREATE'), '[]'))
    FROM db),
  'roles', COALESCE((
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', rolname,
      'login', rolcanlogin,
      'may_connect', COALESCE(
        pg_catalog.has_database_privilege(asked.oid, (SELECT oid FROM db), 'CONNECT'), false),
      'creates_as', (
        SELECT pg_catalog.pg_get_userbyid(grantee) FROM granted
        WHERE grantee <> 0 AND privilege_type = 'CREATE'
          AND pg_catalog.pg_has_role(asked.oid, grantee, 'USAGE')
        ORDER BY grantee <> asked.oid, pg_catalog.pg_get_userbyid(grantee) LIMIT 1)))
    FROM asked), '[]'),
  'identities', CASE WHEN pg_catalog.has_table_privilege(
      pg_catalog.to_regclass('public.databricks_list_roles')::oid, 'SELECT')
    THEN COALESCE(NULLIF(pg_catalog.convert_from(pg_catalog.decode(
      pg_catalog.split_part(pg_catalog.split_part(pg_catalog.query_to_xml(pg_catalog.format(
        'SELECT pg_catalog.encode(pg_catalog.convert_to(pg_catalog.json_agg('
        'pg_catalog.json_build_object(''name'', role_name::text, ''kind'', identity_type::text)'
        ')::text, ''UTF8''), ''hex'') AS hex FROM public.databricks_list_roles '
        'WHERE role_name::text IN (SELECT pg_catalog.json_array_elements_text(%L::json))',
        $2::text), false, false, '')::text,
        '<hex>', 2), '</hex>', 1), 'hex'), 'UTF8'), ''), '[]')::json END
)::text
FROM me"#;

/// The values of the parameters.
pub(super) fn parameters(database: &Ident, roles: &[Ident]) -> [Option<String>; 2] {
    let roles: Vec<_> = roles.iter().map(Ident::as_parameter).collect();
    let roles = serde_json::to_string(&roles).expect("names alone always serialize");
    [Some(database.as_parameter().to_owned()), Some(roles)]
}

/// The answer to [`QUERY`].
#[derive(Clone, Debug)]
pub struct ObservedServer {
    /// The administrator's role.
    pub role: Ident,
    /// Whether it may create databases.
    pub may_create_database: bool,
    /// Whether the extension that makes roles of Databricks identities is there.
    pub auth_installed: bool,
    /// Whether it could be installed.
    pub auth_available: bool,
    /// The database, if it exists.
    pub database: Option<ObservedDatabase>,
    /// Those of the roles asked about that exist.
    pub roles: Vec<ObservedGrantee>,
    /// Those of the roles asked about that belong to an identity; `None` when the server does not
    /// tell.
    pub identities: Option<Vec<ObservedIdentity>>,
}

/// The database to set up or to tighten.
#[derive(Clone, Debug)]
pub struct ObservedDatabase {
    /// Who owns it.
    pub owner: Ident,
    /// Whom a grant of this administrator comes from: the owner, if the administrator may act for
    /// the owner.
    pub acts_as: Ident,
    /// Whether this administrator may hand on the right to create schemas.
    pub may_grant: bool,
    /// What everybody may do with it: `CONNECT`, `CREATE`, `TEMPORARY`.
    pub public: Vec<String>,
    /// Who let everybody create schemas.
    pub public_grantors: Vec<Ident>,
    /// Who else than its owner may create schemas by a grant of their own.
    pub creators: Vec<Ident>,
}

/// A role that was asked about.
#[derive(Clone, Debug)]
pub struct ObservedGrantee {
    /// Its name.
    pub name: Ident,
    /// Whether it may log in at all.
    pub login: bool,
    /// Whether it may connect to the database.
    pub may_connect: bool,
    /// The role by whose right it creates schemas, itself or one that it is a member of; `None` if
    /// it may not, or only as everybody does.
    pub creates_as: Option<Ident>,
}

/// What a role that was asked about is to Databricks.
#[derive(Clone, Debug)]
pub struct ObservedIdentity {
    /// Its name.
    pub name: Ident,
    /// `user`, `service_principal` or `group`.
    pub kind: String,
}

impl ObservedServer {
    /// Reads the answer to the inspection.
    ///
    /// # Errors
    ///
    /// When there is none, or it is not of this shape.
    pub fn read(answer: Option<&str>) -> Result<Self, ObserveError> {
        answer::read(answer)
    }

    /// The role of this name, if it exists.
    pub(super) fn find(&self, role: &Ident) -> Option<&ObservedGrantee> {
        self.roles.iter().find(|found| found.name == *role)
    }

    /// Whether these are the very role that asks: its settings may have named it for the
    /// application's.
    pub(super) fn doubt_of_self(&self, roles: &[Ident]) -> Option<String> {
        (roles == [self.role.clone()]).then(|| {
            format!(
                "{} is the role of this very login; if the application has another, name that one",
                self.role
            )
        })
    }

    /// What keeps this role from being an application's, though it exists.
    pub(super) fn doubt(&self, found: &ObservedGrantee) -> Option<String> {
        let role = &found.name;
        if !found.login {
            return Some(format!("role {role} may not log in"));
        }
        let known = self.identities.as_ref()?.iter().find(|identity| identity.name == *role);
        match known.map(|identity| identity.kind.to_ascii_lowercase()) {
            None => Some(format!(
                "role {role} was not made by databricks_create_role, so no token logs in as it"
            )),
            Some(kind) if kind == "user" && !role.as_parameter().contains('@') => Some(format!(
                "role {role} was made as that of a user: a token of the service principal does \
                 not log in as it"
            )),
            Some(_) => None,
        }
    }
}

impl ObservedGrantee {
    /// Whose right it has, when it is not its own: it ends with the membership.
    pub(super) fn by_another(&self, database: &Ident) -> Option<String> {
        let role = &self.name;
        let whose = self.creates_as.as_ref().filter(|whose| *whose != role)?;
        Some(format!("{role} creates schemas in {database} by the right of {whose}"))
    }
}

impl ObservedDatabase {
    /// Whether everybody may create schemas.
    pub(super) fn public_may_create(&self) -> bool {
        self.public.iter().any(|privilege| privilege == "CREATE")
    }

    /// What is wrong with it, whoever did it.
    pub(super) fn doubt(&self, database: &Ident) -> Option<String> {
        let whole = self.public.iter().any(|privilege| privilege == "CONNECT");
        (!whole).then(|| {
            format!(
                "not everybody may connect to database {database}, which REVOKE ALL leads to; \
                 roles of Lakebase itself connect as everybody does. Its owner gives it back with: \
                 GRANT CONNECT ON DATABASE {database} TO PUBLIC;"
            )
        })
    }

    /// Why this administrator may not change who creates schemas.
    pub(super) fn obstacle(&self, role: &Ident, database: &Ident) -> Option<String> {
        (!self.may_grant).then(|| {
            format!(
                "database {database} belongs to {}, and {role} may not say who creates schemas \
                 in it",
                self.owner
            )
        })
    }
}

impl FromJson for ObservedServer {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut answer = Object::from_json(value)?;
        Ok(Self {
            role: answer.take("role")?,
            may_create_database: answer.take("may_create_database")?,
            auth_installed: answer.take("auth_installed")?,
            auth_available: answer.take("auth_available")?,
            database: answer.take("database")?,
            roles: answer.take("roles")?,
            identities: answer.take("identities")?,
        })
    }
}

impl FromJson for ObservedDatabase {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut database = Object::from_json(value)?;
        Ok(Self {
            owner: database.take("owner")?,
            acts_as: database.take("acts_as")?,
            may_grant: database.take("may_grant")?,
            public: database.take("public")?,
            public_grantors: database.take("public_grantors")?,
            creators: database.take("creators")?,
        })
    }
}

impl FromJson for ObservedGrantee {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut role = Object::from_json(value)?;
        Ok(Self {
            name: role.take("name")?,
            login: role.take("login")?,
            may_connect: role.take("may_connect")?,
            creates_as: role.take("creates_as")?,
        })
    }
}

impl FromJson for ObservedIdentity {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut identity = Object::from_json(value)?;
        Ok(Self { name: identity.take("name")?, kind: identity.take("kind")? })
    }
}
