//! Arguments of `proxy`, `run` and `psql`.
//!
//! Each option of the proxy is also a setting of the same name: `--pool-size` is
//! `LAKEGATE_PROXY_POOL_SIZE` in the environment and `lakegate_proxy_pool_size` in `lakegate.toml`.
//! Which value holds is decided in one place for all three, `crate::proxy::settings`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// Arguments of `proxy`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lakegate proxy &
  psql -h 127.0.0.1 -p 6432

  lakegate proxy --unix-socket /run/lakegate &
  psql -h /run/lakegate

An option is also a setting: --pool-size is LAKEGATE_PROXY_POOL_SIZE in the environment and
lakegate_proxy_pool_size in lakegate.toml. The password of applications has no option, only
LAKEGATE_PROXY_PASSWORD in the environment or a file that LAKEGATE_PROXY_PASSWORD_FILE names.

SIGHUP, or a changed file, makes it read lakegate.toml, the password and the certificate again;
nobody is cut off. Ends with 0 when SIGTERM or SIGINT came and every transaction was finished, with
143 or 130 when some were cut off.")]
pub(crate) struct ProxyArgs {
    /// Where applications connect; may be given again; port 0 takes a free one. The address is
    /// printed as soon as it answers [default: 127.0.0.1:6432, or none with --unix-socket].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Vec<SocketAddr>,
    /// Listen on DIR/.s.PGSQL.5432 as well; DIR is yours alone, and is made if it is not there.
    #[arg(long, value_name = "DIR")]
    unix_socket: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) pool: PoolArgs,
    /// The certificate that applications see, and its chain, in PEM; needed beyond this machine.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Answer /startup, /livez, /readyz and /metrics over HTTP here [default: nowhere].
    #[arg(long, value_name = "ADDRESS:PORT")]
    operations: Option<SocketAddr>,
}

/// How connections to the database are pooled.
#[derive(Args, Debug)]
pub(crate) struct PoolArgs {
    /// When an application's connection to the database goes to the next one: when it disconnects
    /// (session), or at the end of each transaction (transaction) [default: session].
    #[arg(long, value_name = "MODE", value_parser = ["session", "transaction"])]
    pool: Option<String>,
    /// Connections to the database at most [default: 20].
    #[arg(long, value_name = "NUMBER")]
    pool_size: Option<u32>,
    /// Applications connected at most; one more is refused with 53300 [default: 1000].
    #[arg(long, value_name = "NUMBER")]
    max_clients: Option<u32>,
    /// Close a connection to the database that nobody used for this time; below the shortest time
    /// after which a database can be set to scale to zero [default: 50].
    #[arg(long, value_name = "SECONDS")]
    idle_timeout: Option<u32>,
    /// Close a connection to the database at this age, between two transactions; Lakebase cuts it
    /// after three days [default: 172800, two days].
    #[arg(long, value_name = "SECONDS")]
    max_lifetime: Option<u32>,
    /// How long an application waits for a connection to the database, which may have to wake up
    /// first [default: 120].
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u32>,
    /// Keep so many connections to the database open though nobody uses them. The database then
    /// never scales to zero, and is paid for around the clock [default: 0].
    #[arg(long, value_name = "NUMBER")]
    keep_warm: Option<u32>,
    /// Threads that carry bytes; more help where applications use TLS [default: 1].
    #[arg(long, value_name = "NUMBER")]
    threads: Option<u32>,
    /// How long transactions may go on after the signal to stop; a second signal ends at once
    /// [default: 30].
    #[arg(long, value_name = "SECONDS")]
    drain: Option<u32>,
}

/// Arguments of `run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lakegate run -- ./my-app --its-own-flag
  lakegate run --bootstrap -- python app.py

CMD is started when a login has worked. It finds a proxy of its own in PGHOST, PGPORT, PGUSER,
PGDATABASE, PGPASSWORD, PGSSLMODE, in POSTGRES_HOST, POSTGRES_PORT, POSTGRES_DB, POSTGRES_USER,
POSTGRES_PASSWORD, and in DATABASE_URL; PGOPTIONS names the configured schema. The password is made
up for this run: nobody else on this machine can use the proxy. Signals are passed on, and the exit
code is CMD's: 128 and the signal's number when a signal ended it, 127 when there is no such
program, 126 when it cannot be run.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) pool: PoolArgs,
    /// Make the database ready first, as `lakegate bootstrap apply` does.
    #[arg(long)]
    pub(crate) bootstrap: bool,
    /// The folder of .sql files for --bootstrap [default: ./migrations, if it is there].
    #[arg(long, value_name = "DIR", requires = "bootstrap")]
    pub(crate) migrations: Option<PathBuf>,
    /// The program and its arguments.
    #[arg(
        value_name = "CMD",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<OsString>,
}

/// Arguments of `psql`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lakegate psql
  lakegate psql -c 'SELECT current_user'

Options of lakegate itself stand before the word psql.")]
pub(crate) struct PsqlArgs {
    /// Arguments of psql, as they are.
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

impl ProxyArgs {
    /// The options that were given, by the names of their settings.
    pub(crate) fn named(&self) -> BTreeMap<&'static str, String> {
        let listen: Vec<_> = self.listen.iter().map(ToString::to_string).collect();
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let own = [
            ("LAKEGATE_PROXY_LISTEN", (!listen.is_empty()).then(|| listen.join(" "))),
            ("LAKEGATE_PROXY_UNIX_SOCKET", path(&self.unix_socket)),
            ("LAKEGATE_PROXY_TLS_CERT", path(&self.tls_cert)),
            ("LAKEGATE_PROXY_TLS_KEY", path(&self.tls_key)),
            ("LAKEGATE_PROXY_OPERATIONS", self.operations.map(|address| address.to_string())),
        ];
        let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
        own.chain(self.pool.named()).collect()
    }
}

impl PoolArgs {
    /// The options that were given, by the names of their settings.
    pub(crate) fn named(&self) -> BTreeMap<&'static str, String> {
        let numbers = [
            ("LAKEGATE_PROXY_POOL_SIZE", self.pool_size),
            ("LAKEGATE_PROXY_MAX_CLIENTS", self.max_clients),
            ("LAKEGATE_PROXY_IDLE_TIMEOUT", self.idle_timeout),
            ("LAKEGATE_PROXY_MAX_LIFETIME", self.max_lifetime),
            ("LAKEGATE_PROXY_WAIT", self.wait),
            ("LAKEGATE_PROXY_KEEP_WARM", self.keep_warm),
            ("LAKEGATE_PROXY_THREADS", self.threads),
            ("LAKEGATE_PROXY_DRAIN", self.drain),
        ];
        let numbers = numbers.into_iter().filter_map(|(name, n)| Some((name, n?.to_string())));
        numbers.chain(self.pool.clone().map(|mode| ("LAKEGATE_PROXY_POOL", mode))).collect()
    }
}
