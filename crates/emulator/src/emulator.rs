//! The whole emulator: started, described to its users, stopped.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use rustix::process::{Resource, getrlimit, setrlimit};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::admin::{self, Admin};
use crate::certificate::{Authority, Shown};
use crate::clock::Clock;
use crate::control;
use crate::gate::serve::Gate;
use crate::http;
use crate::jwt::Keys;
use crate::lakebase::Lakebase;
use crate::postgres::account::Account;
use crate::postgres::catalog::{Catalog, CatalogError, Database, Role};
use crate::postgres::foreign;
use crate::postgres::origin::Origin;
use crate::postgres::server::Server;
use crate::world::World;

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The workspace to pretend to be.
    pub world: World,
    /// Which Postgres.
    pub postgres: Origin,
    /// Leave the folder of this run behind.
    pub keep: bool,
    /// The control plane's scheme.
    pub scheme: Scheme,
    /// Ports on loopback.
    pub ports: Ports,
}

/// How the control plane is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// With TLS, by the emulator's own authority.
    Https,
    /// Without, for clients that cannot be told of an authority.
    Http,
}

/// Ports on loopback; 0 takes any that is free.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// Postgres.
    pub gate: u16,
    /// The REST API.
    pub control: u16,
    /// The admin API.
    pub admin: u16,
}

/// A running emulator. Dropping it stops it too, but does not wait.
pub struct Emulator {
    lakebase: Arc<Lakebase>,
    server: Arc<Mutex<Option<Server>>>,
    // Serves until dropped.
    _tasks: JoinSet<()>,
    folder: PathBuf,
    // Removes the folder, should Postgres's own script have failed to.
    _folder: Option<TempDir>,
    base_url: String,
    gate: SocketAddr,
    admin: SocketAddr,
}

impl Emulator {
    /// Starts everything, and returns when all of it answers.
    ///
    /// # Errors
    /// When there is no Postgres, or a port is taken.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        allow_many_files();
        let keys = tokio::task::spawn_blocking(Keys::generate);
        let account = Account::find()?;
        let found = options.postgres.find(account).await?;
        let authority =
            Authority::new(&options.world.dns_name).context("making a certificate authority")?;
        let folder = run_folder(account, options.keep, authority.pem())
            .context("making the folder of this run")?;
        let (path, folder) = if options.keep {
            (folder.keep(), None)
        } else {
            (folder.path().to_owned(), Some(folder))
        };
        let postgres = found.open(account, path.clone(), options.keep).await?;
        let keys = keys.await.context("waiting for the signing key")?;
        let keys = keys.map_err(|_| anyhow::anyhow!("the system gave no randomness for a key"))?;
        let catalog = Catalog::new(postgres.address, postgres.major);
        let clock = Clock::new(path.join("clock.json")).context("writing the clock file")?;
        let lakebase = Arc::new(Lakebase::new(clock, keys, authority, catalog, options.world));
        populate(&lakebase).await.context("creating the first roles")?;
        if postgres.server.is_none() {
            let name = lakebase.world().app_principal().map(|app| app.name.clone());
            if let Some(name) = name {
                foreign::admits(lakebase.catalog.address(), &name).await?;
            }
        }

        let gate_listener = listen(options.ports.gate).await?;
        let control_listener = listen(options.ports.control).await?;
        let admin_listener = listen(options.ports.admin).await?;
        let (gate, admin) = (gate_listener.local_addr()?, admin_listener.local_addr()?);
        let port = control_listener.local_addr()?.port();
        let (base_url, tls) = match options.scheme {
            Scheme::Http => (format!("http://localhost:{port}"), None),
            Scheme::Https => {
                let tls = lakebase.authority.server(b"http/1.1", Shown::Good)?;
                (format!("https://localhost:{port}"), Some(tls))
            }
        };
        let mut tasks = JoinSet::new();
        let server = Arc::new(Mutex::new(postgres.server));
        tasks.spawn(Gate::new(Arc::clone(&lakebase))?.serve(gate_listener));
        let routes = control::router(Arc::clone(&lakebase), base_url.clone());
        tasks.spawn(http::serve(control_listener, tls, routes));
        let shared = Admin { lakebase: Arc::clone(&lakebase), server: Arc::clone(&server) };
        tasks.spawn(http::serve(admin_listener, None, admin::router(shared)));
        Ok(Self {
            lakebase,
            server,
            _tasks: tasks,
            folder: path,
            _folder: folder,
            base_url,
            gate,
            admin,
        })
    }

    /// Stops Postgres and removes the folder of this run, unless it is kept.
    ///
    /// # Errors
    /// When the end of Postgres cannot be seen.
    pub async fn stop(self) -> anyhow::Result<()> {
        match self.server.lock().await.take() {
            Some(server) => server.stop().await.context("stopping postgres"),
            None => Ok(()),
        }
    }

    /// What the control plane, the gate and the admin API share.
    pub fn lakebase(&self) -> &Lakebase {
        &self.lakebase
    }

    /// `https://localhost:PORT`, the workspace.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where Postgres is.
    pub fn gate(&self) -> SocketAddr {
        self.gate
    }

    /// `http://127.0.0.1:PORT`, the admin API.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// The folder of this run.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The certificate that clients must trust, in PEM.
    pub fn authority_file(&self) -> PathBuf {
        authority_file(&self.folder)
    }
}

/// Lets the gate hold a thousand connections, two sockets each; shells often allow 1,024 files.
fn allow_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::info!(%error, "the limit of open files stays as it was");
    }
}

async fn listen(port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("listening on 127.0.0.1:{port}"))
}

/// A folder that the server's user owns, so that its script can remove it. Others may pass
/// through to read the certificate; the data within is closed to them.
fn run_folder(account: Account, keep: bool, authority: &str) -> std::io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("lakebase-").tempdir_in(account.scratch(keep))?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    std::fs::write(authority_file(folder.path()), authority)?;
    account.own(folder.path())?;
    Ok(folder)
}

fn authority_file(folder: &Path) -> PathBuf {
    folder.join("ca.pem")
}

/// Gives everybody a role, and the first administrator the first database.
async fn populate(lakebase: &Lakebase) -> anyhow::Result<()> {
    lakebase.publish_identities().await?;
    let (principals, owner) = {
        let world = lakebase.world();
        let principals: Vec<_> = world.principals.values().cloned().collect();
        (principals, world.administrator().map(|person| person.name.clone()))
    };
    for principal in principals {
        let identity = Some(principal.kind.as_str().to_owned());
        let role = Role::of_principal(&principal.name, identity, principal.admin);
        match lakebase.catalog.create_role(&role).await {
            // In a server that is not ours, from a run before.
            Err(CatalogError::Exists { .. }) => lakebase.catalog.adopt_role(&role).await?,
            outcome => outcome?,
        }
    }
    if let Some(owner) = owner {
        let first = Database { name: "databricks_postgres".to_owned(), owner };
        lakebase.catalog.own_database(&first).await?;
    }
    Ok(())
}
