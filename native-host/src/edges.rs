//! The host's side of `wit/`: each import is one file, and none of them decides anything.

pub(crate) mod cause;
pub mod clock;
pub(crate) mod control_plane;
pub(crate) mod notices;
pub mod postgres;
pub mod settings;
pub(crate) mod tls;

use std::sync::Arc;

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
    pub(crate) clock: clock::Clock,
    pub(crate) control_plane: control_plane::ControlPlane,
    pub(crate) notices: notices::Notices,
    pub(crate) postgres: postgres::Postgres,
    pub(crate) settings: settings::Settings,
}

impl Edges {
    /// Sets up every edge; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// This machine trusts no certificate.
    pub fn new(
        settings: settings::Settings,
        clock: clock::Clock,
        progress: bool,
    ) -> anyhow::Result<Self> {
        let tls = tls::client_config()?;
        Ok(Self {
            clock,
            control_plane: control_plane::ControlPlane::new(&tls)?,
            notices: notices::Notices { progress },
            postgres: postgres::Postgres::new(&tls),
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

/// Whether a host is this machine, where plaintext is readable by nobody else.
pub(crate) fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]")
}

impl problems::Host for Host {}

impl random::Host for Host {
    fn draw(&mut self) -> u64 {
        // The standard library seeds every hasher from the operating system.
        use std::hash::{BuildHasher, Hasher, RandomState};
        RandomState::new().build_hasher().finish()
    }
}
