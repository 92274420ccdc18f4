//! Roles and databases that are there already: changed, given away, dropped.

use super::{Attributes, Catalog, CatalogError, Database, Role, run};

impl Catalog {
    /// Gives a role these attributes and this membership, and takes the others.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn alter_role(&self, role: &Role) -> Result<(), CatalogError> {
        let Attributes { bypassrls, createdb, createrole } = role.attributes;
        let word = |has, word| if has { format!("{word} ") } else { format!("NO{word} ") };
        let words: String =
            [(bypassrls, "BYPASSRLS"), (createdb, "CREATEDB"), (createrole, "CREATEROLE")]
                .into_iter()
                .map(|(has, name)| word(has, name))
                .collect();
        let names = [&*role.name, &words];
        self.run(&role.name, "format('ALTER ROLE %I %s', $1, $2)", &names).await?;
        let membership = if role.superuser {
            "format('GRANT databricks_superuser TO %I', $1)"
        } else {
            "format('REVOKE databricks_superuser FROM %I', $1)"
        };
        self.run(&role.name, membership, &[&role.name]).await
    }

    /// Makes a role that is there already one of this identity.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn adopt_role(&self, role: &Role) -> Result<(), CatalogError> {
        let name = &*role.name;
        let kind = role.identity.as_deref().unwrap_or_default();
        self.run(name, "format('ALTER ROLE %I LOGIN', $1)", &[name]).await?;
        self.run(name, "format('COMMENT ON ROLE %I IS %L', $1, $2)", &[name, kind]).await?;
        self.alter_role(role).await
    }

    /// Gives a role a password.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn set_password(&self, role: &str, password: &str) -> Result<(), CatalogError> {
        self.run(role, "format('ALTER ROLE %I PASSWORD %L', $1, $2)", &[role, password]).await
    }

    /// Drops a role. With an `heir`, all that it owns in any database becomes the heir's first.
    ///
    /// # Errors
    /// [`CatalogError::InUse`] without an heir, and see there.
    pub async fn drop_role(&self, role: &str, heir: Option<&str>) -> Result<(), CatalogError> {
        if let Some(heir) = heir {
            for database in self.databases().await? {
                let client = self.connect(&database.name).await?;
                let names = [role, heir];
                run(&client, role, "format('REASSIGN OWNED BY %I TO %I', $1, $2)", &names).await?;
                // Nothing is owned any more: this takes back what it was granted.
                run(&client, role, "format('DROP OWNED BY %I', $1)", &[role]).await?;
            }
        }
        self.run(role, "format('DROP ROLE %I', $1)", &[role]).await
    }

    /// Gives a database to another role.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn own_database(&self, database: &Database) -> Result<(), CatalogError> {
        let names = [&*database.name, &database.owner];
        self.run(&database.name, "format('ALTER DATABASE %I OWNER TO %I', $1, $2)", &names).await
    }

    /// Gives a database another name.
    ///
    /// # Errors
    /// [`CatalogError::Exists`], and see there.
    pub async fn rename_database(&self, from: &str, to: &str) -> Result<(), CatalogError> {
        self.run(to, "format('ALTER DATABASE %I RENAME TO %I', $1, $2)", &[from, to]).await
    }

    /// Drops a database and ends the sessions in it.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn drop_database(&self, name: &str) -> Result<(), CatalogError> {
        self.run(name, "format('DROP DATABASE %I WITH (FORCE)', $1)", &[name]).await
    }
}
