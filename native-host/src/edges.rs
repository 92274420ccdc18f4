//! The host's side of `wit/`: each import is one file, which turns its types into those of the
//! native edges and back. Neither decides anything.

mod clock;
mod control_plane;
mod notices;
pub mod postgres;
mod settings;

use std::sync::Arc;

use lakegate_edges::clock::Clock;
use lakegate_edges::control_plane::ControlPlane;
use lakegate_edges::postgres::Postgres;
use lakegate_edges::settings::Settings;
use lakegate_edges::tls;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{StoreLimits, StoreLimitsBuilder};

use crate::bindings::Connector;
use crate::bindings::lakegate::connect::{problems, random};

/// The most memory the component may have: the text of 32 MiB of migrations, copied a few times on
/// its way into one statement, and room to work.
pub(crate) const MEMORY_LIMIT: usize = 256 << 20;

/// What one instance of the component holds of this host.
pub(crate) struct Host {
    edges: Arc<Edges>,
    connections: ResourceTable,
    limits: StoreLimits,
}

/// What all instances share.
pub struct Edges {
    clock: Clock,
    control_plane: ControlPlane,
    notices: notices::Notices,
    postgres: Postgres,
    settings: Settings,
}

impl Edges {
    /// Sets up every edge; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// This machine trusts no certificate.
    pub fn new(settings: Settings, clock: Clock, progress: bool) -> anyhow::Result<Self> {
        let tls = tls::client_config()?;
        Ok(Self {
            clock,
            control_plane: ControlPlane::new(&tls)?,
            notices: notices::Notices { progress },
            postgres: Postgres::new(&tls),
            settings,
        })
    }
}

impl Host {
    pub(crate) fn new(edges: Arc<Edges>) -> Self {
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY_LIMIT).trap_on_grow_failure(true);
        Self { edges, connections: ResourceTable::new(), limits: limits.build() }
    }

    pub(crate) fn limits(&mut self) -> &mut StoreLimits {
        &mut self.limits
    }
}

/// Offers every import of the world, and nothing else: an import that the world does not name
/// makes instantiation fail.
pub(crate) fn add_to_linker(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    Connector::add_to_linker::<_, HasSelf<_>>(linker, |host| host)
}

impl problems::Host for Host {}

impl random::Host for Host {
    fn draw(&mut self) -> u64 {
        lakegate_edges::random::draw()
    }
}
