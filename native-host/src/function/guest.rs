//! What an instance of the function has of this host, and nothing else: no environment, no
//! arguments, no standard input, no sockets, of the files what `Folders` names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use lakegate_edges::clock::Clock;
use lakegate_edges::settings::Settings;
use lakegate_edges::{control_plane, tls};
use rustls::RootCertStore;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::bindings::Spin;
use super::clocks::{self, Shown};
use super::log::Log;
use super::outbound::Outbound;
use super::store::Store;
use crate::edges::MEMORY_LIMIT;

/// Where the function looks for mounted migrations.
const MIGRATIONS: &str = "/migrations";

/// The settings that name a file with a secret, which the function reads at every use.
const SECRET_FILES: [&str; 2] = ["DATABRICKS_CLIENT_SECRET_FILE", "DATABRICKS_OIDC_TOKEN_FILEPATH"];

/// What all instances share.
pub(super) struct World {
    pub(super) settings: Arc<Settings>,
    pub(super) clock: Clock,
    pub(super) store: Store,
    pub(super) roots: RootCertStore,
    pub(super) client: reqwest::Client,
    folders: Vec<Folder>,
}

/// What one instance has.
pub(super) struct Guest {
    pub(super) world: Arc<World>,
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    limits: StoreLimits,
}

/// A folder that the function may read.
#[derive(Debug, Eq, PartialEq)]
struct Folder {
    host: PathBuf,
    guest: String,
}

impl World {
    pub(super) fn new(
        settings: Arc<Settings>,
        clock: Clock,
        store: Option<&Path>,
        migrations: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let roots = tls::roots()?;
        let client = control_plane::client(&tls::trusting(roots.clone())?)?;
        let folders = folders(&settings, migrations)?;
        Ok(Self { settings, clock, store: Store::open(store)?, roots, client, folders })
    }
}

/// The folder of the migrations, and those of the files with secrets: a whole folder each, for a
/// secret that is renewed is often a new file in its place.
fn folders(settings: &Settings, migrations: Option<PathBuf>) -> anyhow::Result<Vec<Folder>> {
    let mut folders: Vec<_> =
        migrations.map(|host| Folder { host, guest: MIGRATIONS.to_owned() }).into_iter().collect();
    for name in SECRET_FILES {
        let Some(file) = settings.first(name) else { continue };
        let parent = Path::new(&file).parent().filter(|parent| parent.parent().is_some());
        let Some(parent) = parent.filter(|parent| parent.is_absolute()) else {
            bail!("{name} must be the whole path of a file in a folder of its own, not `{file}`");
        };
        let guest = parent.to_str().with_context(|| format!("{name} is no readable text"))?;
        let folder = Folder { host: parent.to_owned(), guest: guest.to_owned() };
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    Ok(folders)
}

impl Guest {
    /// Sets up what a new instance has.
    ///
    /// # Errors
    ///
    /// A folder that it is to read is not there.
    pub(super) fn new(world: Arc<World>) -> anyhow::Result<Self> {
        let mut wasi = WasiCtx::builder();
        let clock = || Shown(world.clock.clone());
        wasi.stderr(Log).wall_clock(clock()).monotonic_clock(clock());
        for Folder { host, guest } in &world.folders {
            wasi.preopened_dir(host, guest, FsPerms::ReadOnly)
                .map_err(anyhow::Error::from)
                .with_context(|| format!("opening the folder {}", host.display()))?;
        }
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY_LIMIT).trap_on_grow_failure(true);
        Ok(Self {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound: Outbound { world: Arc::clone(&world) },
            limits: limits.build(),
            world,
        })
    }

    pub(super) fn limits(&mut self) -> &mut StoreLimits {
        &mut self.limits
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Offers WASI and Spin's interfaces. What a component imports beyond them makes it be refused.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    Spin::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest| guest)?;
    clocks::add_to_linker(&mut linker)?;
    Ok(linker)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn of(file: &str) -> anyhow::Result<Vec<Folder>> {
        let flags: BTreeMap<_, _> = SECRET_FILES.map(|name| (name, file.to_owned())).into();
        let settings = Settings::load(flags, Some(Path::new("/dev/null"))).unwrap();
        folders(&settings, Some(PathBuf::from("sql")))
    }

    #[test]
    fn a_secret_s_folder_has_the_same_path_inside() {
        let folder = |host: &str, guest: &str| Folder { host: host.into(), guest: guest.into() };
        let migrations = || folder("sql", "/migrations");
        assert_eq!(of("").unwrap(), [migrations()]);
        let secrets = folder("/run/secrets/db", "/run/secrets/db");
        assert_eq!(of("/run/secrets/db/token").unwrap(), [migrations(), secrets]);
    }

    #[test]
    fn no_secret_opens_the_whole_disk() {
        for file in ["token", "secrets/token", "/token"] {
            let error = of(file).unwrap_err().to_string();
            assert!(error.contains("must be the whole path of a file"), "{error}");
        }
    }
}
