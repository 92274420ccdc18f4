//! A connection in somebody's hands.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use bytes::BytesMut;

use super::Pool;
use crate::server::Server;

/// A connection at rest keeps no more room than this for what it reads.
const INBOX: usize = 64 * 1024;

/// A connection in somebody's hands. Dropped, it is closed and never used again.
pub(crate) struct Lease {
    /// There until it is given back or dropped.
    server: Option<Box<Server>>,
    pool: Arc<Pool>,
}

impl Lease {
    pub(super) fn new(server: Box<Server>, pool: &Arc<Pool>) -> Self {
        Self { server: Some(server), pool: Arc::clone(pool) }
    }

    /// Gives it to whoever is next. Only in state idle (`I`), with nothing outstanding, and with a
    /// session as clean as after the login. One with something unread is closed.
    pub(crate) fn give_back(mut self) {
        if !self.inbox.is_empty() {
            return;
        }
        if INBOX < self.inbox.capacity() {
            self.inbox = BytesMut::new();
        }
        let Some(server) = self.server.take() else { return };
        if server.cancels.is_quiet() {
            return self.pool.put(server);
        }
        // A request to cancel would hit whatever the next one does.
        self.server = Some(server);
        let runtime = self.pool.runtime.clone();
        runtime.spawn(async move {
            self.cancels.clone().quiet().await;
            self.give_back();
        });
    }
}

impl Deref for Lease {
    type Target = Server;

    fn deref(&self) -> &Server {
        self.server.as_ref().expect("it is in somebody's hands")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Server {
        self.server.as_mut().expect("it is in somebody's hands")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(server) = self.server.take() else { return };
        tracing::debug!(server = server.id, "a connection to the database is given up");
        let origin = Arc::clone(&server.origin);
        server.part();
        self.pool.change(|books| ((), books.lost(&origin)));
    }
}
