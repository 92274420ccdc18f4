//! Settings that may be given as flags.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Settings that are no secrets. A secret has no flag: others could see it in the process list.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingFlags {
    /// The configuration file (LAKEGATE_CONFIG) [default: lakegate.toml, if it is there].
    // Any text: an empty variable counts as absent, and as a path clap would refuse it.
    #[arg(long, global = true, value_name = "FILE", env = "LAKEGATE_CONFIG",
          hide_env = true, value_hint = ValueHint::FilePath)]
    config: Option<OsString>,
    /// The database server, or an Autoscaling endpoint's path (POSTGRES_HOST).
    #[arg(long, global = true)]
    host: Option<String>,
    /// Its port (POSTGRES_PORT).
    #[arg(long, global = true)]
    port: Option<String>,
    /// The database (POSTGRES_DB).
    #[arg(long, global = true, value_name = "NAME")]
    database: Option<String>,
    /// The schema that belongs to the application (POSTGRES_DB_SCHEMA).
    #[arg(long, global = true, value_name = "NAME")]
    schema: Option<String>,
    /// The Databricks workspace (DATABRICKS_HOST).
    #[arg(long, global = true, value_name = "URL")]
    workspace: Option<String>,
    /// The Provisioned instance (LAKEBASE_INSTANCE_NAME).
    #[arg(long, global = true, value_name = "NAME")]
    instance: Option<String>,
    /// The Autoscaling endpoint, projects/…/branches/…/endpoints/… (LAKEBASE_ENDPOINT).
    #[arg(long, global = true, value_name = "PATH")]
    endpoint: Option<String>,
    /// A profile of ~/.databrickscfg (DATABRICKS_CONFIG_PROFILE).
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// How to authenticate when more than one way is configured (DATABRICKS_AUTH_TYPE).
    #[arg(long, global = true, value_name = "TYPE")]
    auth_type: Option<String>,
}

impl SettingFlags {
    /// The file that was named, if one was.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.config.clone().filter(|name| !name.is_empty()).map(PathBuf::from)
    }

    /// The flags that were given, by their names in the environment.
    pub(crate) fn named(&self) -> BTreeMap<&'static str, String> {
        [
            ("POSTGRES_HOST", &self.host),
            ("POSTGRES_PORT", &self.port),
            ("POSTGRES_DB", &self.database),
            ("POSTGRES_DB_SCHEMA", &self.schema),
            ("DATABRICKS_HOST", &self.workspace),
            ("LAKEBASE_INSTANCE_NAME", &self.instance),
            ("LAKEBASE_ENDPOINT", &self.endpoint),
            ("DATABRICKS_CONFIG_PROFILE", &self.profile),
            ("DATABRICKS_AUTH_TYPE", &self.auth_type),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
    }
}
