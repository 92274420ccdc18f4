//! The Postgres behind both pools: real, with TLS of its own, and reached by TLS alone.

use std::cell::Cell;
use std::fs::{self, DirBuilder, File};
use std::io::Read as _;
use std::net::ToSocketAddrs as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::authority::Authority;
use super::pgbench::Door;
use super::process::{Account, Process, free_port};
use crate::bench::lakebase::output;
use crate::postgres;

/// The database that is queried.
pub(super) const DATABASE: &str = "bench";
/// The role that both pools log in as.
pub(super) const ROLE: &str = "bench";

/// One setting a line.
const SETTINGS: &str = "\
    ssl = on
    ssl_cert_file = '../server.pem'
    ssl_key_file = '../server.key'
    password_encryption = 'scram-sha-256'
    unix_socket_directories = '..'
    # For a PgBouncer with a server connection for each client.
    max_connections = 1100
    shared_buffers = '256MB'
    # Nothing but reading is measured.
    fsync = off
    autovacuum = off
";
/// Whoever comes over the network shows a password, over TLS. The socket lies in a closed folder.
const HBA: &str = "\
    local all all trust
    hostssl all all all scram-sha-256
";

/// A running server; dropping it stops it and removes its folder.
pub(super) struct Database {
    account: Account,
    programs: PathBuf,
    folder: PathBuf,
    process: Option<Process>,
    /// The name that its certificate has.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
    /// Of [`ROLE`].
    pub(super) password: String,
}

impl Database {
    /// Starts a new server, with an empty database.
    pub(super) fn start(authority: &Authority) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("lakegate-bench-{}", std::process::id()));
        let mut database = Self {
            account: Account::find()?,
            programs: postgres::folder().context("there is no Postgres; run cargo xtask setup")?,
            folder,
            process: None,
            host: authority.host.clone(),
            port: free_port()?,
            password: password()?,
        };
        DirBuilder::new().mode(0o700).create(&database.folder).context("making a folder")?;
        database.account.own(&database.folder)?;
        authority.write(&database.folder, database.account)?;
        database.initialize()?;
        database.process = Some(database.run()?);
        database.create()?;
        Ok(database)
    }

    fn initialize(&self) -> anyhow::Result<()> {
        let mut initdb = self.program("initdb");
        initdb.args(["--no-sync", "--username", "postgres", "--encoding", "UTF8", "--locale", "C"]);
        output(initdb.arg(self.data()))?;
        let write = |name, text| {
            let path = self.data().join(name);
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
        };
        write("pg_hba.conf", HBA)?;
        write("postgresql.auto.conf", SETTINGS)
    }

    fn run(&self) -> anyhow::Result<Process> {
        let (host, port) = (&self.host, self.port);
        let address = (host.as_str(), port).to_socket_addrs().ok().and_then(|mut all| all.next());
        let address = address.with_context(|| {
            format!("this machine's own name, {host}, leads nowhere; an entry in /etc/hosts helps")
        })?;
        let log = File::create(self.file("postgres.log")).context("making a log")?;
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.data()).args(["-h", &address.ip().to_string()]);
        postgres.args(["-p", &port.to_string()]).stderr(log);
        let mut process = Process::start(&mut postgres, "Postgres")?;
        // It accepts connections before it is ready; this line of the file comes last.
        let pid_file = self.data().join("postmaster.pid");
        process.wait("Postgres", || {
            let state = fs::read_to_string(&pid_file).unwrap_or_default();
            state.lines().any(|line| line.trim() == "ready")
        })?;
        Ok(process)
    }

    fn create(&self) -> anyhow::Result<()> {
        let sql = format!("CREATE ROLE {ROLE} LOGIN PASSWORD '{}'", self.password);
        self.psql(&sql)?;
        self.psql(&format!("CREATE DATABASE {DATABASE} OWNER {ROLE}"))
    }

    /// Runs a statement as the server's owner.
    fn psql(&self, sql: &str) -> anyhow::Result<()> {
        let mut psql = self.program("psql");
        psql.args(["--no-psqlrc", "--quiet", "--username", "postgres", "--dbname", "postgres"]);
        psql.arg("--host").arg(&self.folder).args(["--port", &self.port.to_string()]);
        output(psql.args(["--command", sql]))?;
        Ok(())
    }

    /// One of the certificates, or what else lies beside the data.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// As whom it runs, and whose its files are.
    pub(super) fn account(&self) -> Account {
        self.account
    }

    /// The way in without a pool: always over TLS, as the pools go.
    pub(super) fn door(&self) -> Door {
        Door {
            host: self.host.clone(),
            port: self.port,
            database: DATABASE,
            password: self.password.clone(),
            root: Some(self.file("root.pem")),
            process: None,
            connecting: Cell::default(),
        }
    }

    fn data(&self) -> PathBuf {
        self.file("data")
    }

    fn program(&self, name: &str) -> Command {
        self.account.command(self.programs.join(name))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.process.is_some() {
            let mut stop = self.program("pg_ctl");
            stop.args(["stop", "--silent", "--mode", "immediate", "--pgdata"]);
            // What does not stop is killed.
            let _ = stop.arg(self.data()).status();
        }
        self.process = None;
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// 128 random bits: the server may be seen from beyond this machine.
fn password() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    File::open(Path::new("/dev/urandom"))
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context("reading /dev/urandom")?;
    Ok(bytes.map(|byte| format!("{byte:02x}")).concat())
}
