//! The command line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod proxy;
mod words;

pub(crate) use self::proxy::{ProxyArgs, PsqlArgs, RunArgs};
pub(crate) use self::words::arguments;

/// Fresh Lakebase credentials and a prepared database, for any application.
///
/// Settings come from flags, the environment and lakegate.toml, in this order; `lakegate doctor`
/// shows each and where it came from.
#[derive(Debug, Parser)]
#[command(name = "lakegate", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
    /// Say more on standard error; twice and thrice say more still.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show no progress.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// How the log is written on standard error.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "LAKEGATE_LOG_FORMAT",
        default_value = "text"
    )]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl Cli {
    /// What is logged without `-v`.
    pub(crate) fn quietest_log(&self) -> &'static str {
        match self.command {
            Command::Serve(_) if !self.quiet => "warn,lakegate::access=info",
            Command::Proxy(_) if !self.quiet => "warn,lakegate=info,lakegate::access=warn",
            // What the pool has to say, the program is told as an error of Postgres.
            Command::Run(_) | Command::Psql(_) => "warn,lakegate_proxy=error",
            _ => "warn",
        }
    }
}

/// Settings that are no secrets. A secret has no flag: others could see it in the process list.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingFlags {
    /// The configuration file [default: lakegate.toml, if it is there].
    #[arg(long, global = true, value_name = "FILE", env = "LAKEGATE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
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

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Work(Work),
    /// Serve the HTTP function: tokens, bootstrap, setup and status for who has a key.
    Serve(ServeArgs),
    /// Let applications connect without a password: each connection to the database gets a token
    /// that is alive.
    Proxy(ProxyArgs),
    /// Run a program beside a proxy of its own, and end with its exit code.
    Run(RunArgs),
    /// Run psql on the database.
    Psql(PsqlArgs),
    /// Print the completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What is done with the connector.
#[derive(Debug, Subcommand)]
pub(crate) enum Work {
    /// Print a database credential: the password for one hour.
    Token(TokenArgs),
    /// Make the database ready: schema, default privileges, tables.
    #[command(subcommand)]
    Bootstrap(Bootstrap),
    /// Create the database and let the application create its schema; once, by an admin.
    Setup(SetupArgs),
    /// Take the right to create schemas from everybody but the application, by an admin.
    Tighten(TightenArgs),
    /// Check everything a start needs, and say how to mend what is wrong.
    Doctor {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `token`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  PGPASSWORD=$(lakegate token) psql \"host=$POSTGRES_HOST \
                        user=$DATABRICKS_CLIENT_ID dbname=$POSTGRES_DB sslmode=verify-full\"")]
pub(crate) struct TokenArgs {
    /// Print one JSON object with user, token, host, port, database and expiry.
    #[arg(long, conflicts_with = "pgpass")]
    pub(crate) json: bool,
    /// Print a line of a password file, or write it into FILE (readable by you alone).
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub(crate) pgpass: Option<PathBuf>,
    /// Stay, and print or write every new credential as soon as it is there.
    #[arg(long)]
    pub(crate) follow: bool,
}

/// What to do with the database's desired state.
#[derive(Debug, Subcommand)]
pub(crate) enum Bootstrap {
    /// Show what apply would do, statement by statement; exit code 3 when there is something.
    Plan(BootstrapArgs),
    /// Do it, in one transaction; nothing when nothing is to be done.
    Apply(BootstrapArgs),
    /// Look for differences in the catalog; exit code 3 when there are some.
    Verify(BootstrapArgs),
}

/// The desired state.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  lakegate bootstrap apply --migrations ./migrations")]
pub(crate) struct BootstrapArgs {
    /// A folder of .sql files (0001_init.sql, V1__init.sql, 20260101120000_init.sql), or one file
    /// schema.sql [default: ./migrations, if it is there].
    #[arg(long, value_name = "DIR")]
    pub(crate) migrations: Option<PathBuf>,
    /// A role that may read everything; may be given again.
    #[arg(long, value_name = "ROLE")]
    pub(crate) reader: Vec<String>,
    /// A role that may read and change everything; may be given again.
    #[arg(long, value_name = "ROLE")]
    pub(crate) writer: Vec<String>,
    /// Apply migrations even when later ones are applied already.
    #[arg(long)]
    pub(crate) out_of_order: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose login an admin's command uses, and how it answers.
#[derive(Args, Debug)]
pub(crate) struct AdminArgs {
    /// Log in as this role with the database token that is pasted on standard input, in place of
    /// the configured identity.
    #[arg(long, value_name = "ROLE")]
    pub(crate) user: Option<String>,
    /// Show the statements and change nothing; exit code 3 when there are some.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `setup`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  lakegate setup --grant-to 0f1e2d3c-… --plan\n  \
                        lakegate setup --user you@example.com --grant-public < token.txt")]
pub(crate) struct SetupArgs {
    /// The role that may create schemas: the application's service principal
    /// [default: DATABRICKS_CLIENT_ID].
    #[arg(long, value_name = "ROLE", conflicts_with = "grant_public")]
    pub(crate) grant_to: Option<String>,
    /// Let everybody who can log in create schemas; `lakegate tighten` ends that.
    #[arg(long)]
    pub(crate) grant_public: bool,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

/// Arguments of `tighten`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  lakegate tighten --grant-to 0f1e2d3c-… --plan")]
pub(crate) struct TightenArgs {
    /// The role that keeps the right: the application's service principal
    /// [default: DATABRICKS_CLIENT_ID].
    #[arg(long, value_name = "ROLE")]
    pub(crate) grant_to: Option<String>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

/// Arguments of `serve`.
#[derive(Args, Debug)]
#[command(after_help = "A key is made, and its digest configured, like this:\n  \
                        KEY=$(openssl rand -base64 32)\n  \
                        export LAKEGATE_ADMIN_KEY_SHA256=$(printf %s \"$KEY\" | sha256sum | cut -c1-64)\n\n\
                        Examples:\n  \
                        lakegate serve --migrations ./migrations\n  \
                        lakegate serve --listen 0.0.0.0:8443 --tls-cert tls.crt --tls-key tls.key\n\n\
                        Ends with 0 when SIGTERM or SIGINT came and all requests were finished, with \
                        143 or 130 when some were cut off.")]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one. The address is printed as soon as it answers.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,
    /// The server's certificate and its chain, in PEM; read again when the file changes.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Listen without TLS beyond this machine, behind an ingress that ends TLS.
    #[arg(long, conflicts_with = "tls_cert")]
    pub(crate) plaintext: bool,
    /// The folder of .sql files that POST /bootstrap applies [default: ./migrations, if it is
    /// there].
    #[arg(long, value_name = "DIR")]
    pub(crate) migrations: Option<PathBuf>,
    /// Keep the function's key-value store in this folder [default: in memory].
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Serve this component, composed with Lakegate, in place of the function alone.
    #[arg(long, value_name = "FILE")]
    pub(crate) component: Option<PathBuf>,
    /// Requests under way at a time; one more is answered 503.
    #[arg(long, value_name = "NUMBER", default_value = "1024",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_requests: u32,
    /// How long a request may take before it is answered 504; a database that sleeps needs a
    /// minute to wake up.
    #[arg(long, value_name = "SECONDS", default_value = "120",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) deadline: u32,
    /// Requests that one instance of the function serves before a new one takes its place; with 1
    /// each finds a cold one.
    #[arg(long, value_name = "NUMBER", default_value = "1000000",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) requests_per_instance: u32,
    /// How long requests under way may go on after the signal to stop; a second one ends at once.
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    pub(crate) drain: u32,
}
