//! How a proxy is run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

/// How a proxy is run. What can change while it runs is [`Tuning`].
#[derive(Clone)]
pub struct Options {
    /// Where applications connect over TCP; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// The folder of the Unix socket `.s.PGSQL.<port>`.
    pub unix_socket: Option<UnixSocket>,
    /// When a server connection goes back to the pool.
    pub mode: Mode,
    /// Threads that carry bytes. One is what PgBouncer has; more help where connections use TLS
    /// and the machine has cores to spare.
    pub threads: usize,
    /// TLS towards the database: certificate and name are always verified.
    pub tls: Arc<rustls::ClientConfig>,
    /// What may change while it runs.
    pub tuning: Tuning,
}

/// A Unix socket: the file is 0600, and its folder is made 0700.
#[derive(Clone, Debug)]
pub struct UnixSocket {
    /// The folder, which libpq's `host` names.
    pub folder: PathBuf,
    /// The number in the file's name, which libpq's `port` names.
    pub port: u16,
}

/// When a server connection goes back to the pool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// When the application disconnects: everything that Postgres can do works.
    Session,
    /// At the end of each transaction: many applications share few connections.
    Transaction,
}

/// What may change while a proxy runs, for connections from then on.
#[derive(Clone)]
pub struct Tuning {
    /// Server connections, of all databases together.
    pub pool_size: usize,
    /// Applications connected at a time; one more is refused with 53300.
    pub max_clients: usize,
    /// An unused server connection is closed after this time, so that the database can scale to
    /// zero.
    pub idle_timeout: Duration,
    /// A server connection is closed at this age, less a jitter of at most a tenth, as soon as no
    /// transaction is open in it. Lakebase ends them after three days.
    pub max_lifetime: Duration,
    /// How long an application waits for a server connection before it is refused with 53300, or
    /// 57P03 when the database is not awake by then.
    pub wait: Duration,
    /// Server connections that are opened when the proxy starts, and kept when they are unused.
    pub keep_warm: usize,
    /// What applications must know to be let in; without it they need nothing.
    pub password: Option<Zeroizing<String>>,
    /// TLS towards applications.
    pub app_tls: Option<Arc<rustls::ServerConfig>>,
}
