//! Opens a connection, as often as it takes, while somebody waits for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::progress::Progress;
use super::{Origin, Pool, lock};
use crate::logins::Failure;
use crate::server::Server;

/// The pause after the first failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause: nobody waits much longer than the server takes.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Pool {
    /// Opens a connection in a place that is reserved, or frees the place.
    pub(super) async fn open(self: Arc<Self>, origin: Arc<Origin>) {
        let mut progress = Progress::new();
        let mut pause = FIRST_PAUSE;
        while let Some(result) = self.attempt(&origin, &mut progress).await {
            match result {
                Ok(server) => {
                    progress.done();
                    return self.opened(&origin, server);
                }
                Err(failure) if !failure.passes => return self.failed(&origin, &failure),
                Err(failure) => {
                    progress.note(&failure);
                    if !self.change(|books| books.troubled(&origin, failure)) {
                        return;
                    }
                }
            }
            progress.watch(tokio::time::sleep(pause)).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// `None`: nobody needs it any more, and its place is free again.
    async fn attempt(
        self: &Arc<Self>,
        origin: &Arc<Origin>,
        progress: &mut Progress,
    ) -> Option<Result<Server, Failure>> {
        let _permit = progress.watch(self.logins.acquire()).await;
        if !self.change(|books| books.needed(origin)) {
            return None;
        }
        Some(progress.watch(self.opener.open(origin)).await)
    }

    fn opened(self: &Arc<Self>, origin: &Arc<Origin>, mut server: Server) {
        let retire_at = self.retire_at(server.born);
        server.retire_at = retire_at;
        tracing::debug!(server = server.id, "a connection to the database is open");
        self.metrics.servers_opened.inc();
        let server = Box::new(server);
        self.change(|books| ((), books.opened(origin, server, Instant::now(), retire_at)));
    }

    fn failed(self: &Arc<Self>, origin: &Arc<Origin>, failure: &Failure) {
        tracing::warn!(sqlstate = failure.code, "no connection to the database: {failure}");
        lock(&self.absent).note(origin, failure, Instant::now());
        for reply in self.change(|books| books.failed(origin)) {
            // Who went away needs no answer.
            let _gone = reply.send(Err(failure.clone()));
        }
    }
}
