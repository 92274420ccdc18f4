//! PgBouncer, as it is measured: set up for the same as Lakegate.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use super::SERVER_CONNECTIONS;
use super::database::{DATABASE, Database, ROLE};
use super::pgbench::{Case, Door, Protocol};
use super::process::{Process, free_port};
use crate::command::{self, folder_of};

/// The database by this name has a server connection for each client.
const SESSION: &str = "session";
/// The first version that carries prepared statements from one transaction to another.
const PREPARES: (u32, u32) = (1, 21);

/// A running PgBouncer; dropping it ends it.
pub(super) struct PgBouncer {
    process: Process,
    port: u16,
    root: Option<PathBuf>,
    prepares: bool,
}

impl PgBouncer {
    /// Starts it, and waits until it listens.
    pub(super) fn start(database: &Database, tls: bool) -> anyhow::Result<Self> {
        let program = folder_of("pgbouncer").map(|folder| folder.join("pgbouncer")).context(
            "there is no pgbouncer in PATH; `apt-get install pgbouncer` or `brew install \
             pgbouncer` installs it",
        )?;
        let said = command::output(Command::new(&program).arg("--version"))?;
        let version = version(&said).with_context(|| format!("pgbouncer's version is {said}"))?;
        let prepares = PREPARES <= version;
        let port = free_port()?;
        let file = database.file(if tls { "pgbouncer-tls.ini" } else { "pgbouncer.ini" });
        fs::write(&file, settings(database, port, tls, prepares))
            .context("writing pgbouncer.ini")?;
        database.account().own(&file)?;
        let mut command = database.account().command(program);
        let mut process =
            Process::start(command.arg("--quiet").arg(file).stderr(Stdio::null()), "PgBouncer")?;
        process.wait("PgBouncer", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())?;
        Ok(Self { process, port, root: tls.then(|| database.file("root.pem")), prepares })
    }

    /// The way in.
    pub(super) fn door(&self, case: &Case) -> Door {
        let door = Door::of_pool(self.port, self.root.clone(), self.process.id());
        let shares = self.prepares || case.protocol == Protocol::Simple;
        Door { database: if shares { DATABASE } else { SESSION }, ..door }
    }
}

/// Two numbers of `PgBouncer 1.18.0` and what follows.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.lines().next()?.split(' ').nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn settings(database: &Database, port: u16, tls: bool, prepares: bool) -> String {
    let Database { host, port: server, password, .. } = database;
    let root = database.file("root.pem");
    let mut text = format!(
        "[databases]\n\
         {DATABASE} = host={host} port={server} user={ROLE} password={password}\n\
         {SESSION} = host={host} port={server} user={ROLE} password={password} \
             dbname={DATABASE} pool_mode=session pool_size=1000\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = any\n\
         pool_mode = transaction\n\
         default_pool_size = {SERVER_CONNECTIONS}\n\
         max_client_conn = 2000\n\
         server_tls_sslmode = verify-full\n\
         server_tls_ca_file = {}\n\
         log_connections = 0\n\
         log_disconnections = 0\n",
        root.display()
    );
    if tls {
        text += "client_tls_sslmode = require\n";
        text += &format!("client_tls_cert_file = {}\n", database.file("server.pem").display());
        text += &format!("client_tls_key_file = {}\n", database.file("server.key").display());
    }
    if prepares {
        text += "max_prepared_statements = 200\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        check("PgBouncer 1.18.0\nlibevent 2.1.12-stable", Some(false));
        check("PgBouncer 1.9.1", Some(false));
        check("PgBouncer 1.21.0", Some(true));
        check("PgBouncer 2.0", Some(true));
        check("PgBouncer", None);
    }

    #[track_caller]
    fn check(said: &str, prepares: Option<bool>) {
        assert_eq!(version(said).map(|version| PREPARES <= version), prepares);
    }
}
