//! The live credential, at hand without a lock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use lakegate_edges::clock::{Clock, Reading};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::component::{CallError, Credential, Gate};

/// A credential with its secret, as this host keeps it.
pub struct Held {
    /// Where it logs in, as the component said.
    pub credential: Credential,
    token: Zeroizing<String>,
    /// When it was handed out, by both clocks; either may say that it is over.
    taken: Reading,
}

impl Held {
    /// The password. Every call is a place where it could leak: keep them few.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether a login may still use it.
    fn lives(&self, now: Reading) -> bool {
        now.since(self.taken) < self.credential.valid_for
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("credential", &self.credential).finish_non_exhaustive()
    }
}

/// Asks for a credential once, and for its secret.
///
/// # Errors
/// What the component says.
pub async fn take(gate: &Gate, clock: &Clock) -> Result<Held, CallError> {
    reveal(gate, clock, gate.current().await?).await
}

async fn reveal(gate: &Gate, clock: &Clock, credential: Credential) -> Result<Held, CallError> {
    let taken = clock.now();
    let token = gate.reveal(credential.generation).await?.ok_or_else(|| {
        CallError::Stopped(format!("it does not know token {} any more", credential.generation))
    })?;
    Ok(Held { credential, token, taken })
}

/// The live credential of a process that stays, renewed in time by a task of its own.
#[derive(Clone)]
pub struct Live {
    cell: Arc<ArcSwapOption<Held>>,
    clock: Clock,
    changes: watch::Receiver<()>,
}

/// How long the keeper rests when the component itself stopped, so that a broken one is not
/// restarted in a loop.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

impl Live {
    /// Starts to keep a credential. `failed` hears of every failed attempt.
    pub fn keep(
        gate: Gate,
        clock: Clock,
        failed: impl Fn(&CallError, Option<&Held>) + Send + 'static,
    ) -> Self {
        let cell = Arc::new(ArcSwapOption::empty());
        let (changed, changes) = watch::channel(());
        let live = Self { cell: Arc::clone(&cell), clock: clock.clone(), changes };
        tokio::spawn(async move {
            let mut generation = 0;
            while !changed.is_closed() {
                let renewed = match gate.renewed(generation).await {
                    Ok(credential) => reveal(&gate, &clock, credential).await,
                    Err(error) => Err(error),
                };
                match renewed {
                    Ok(held) => {
                        generation = held.credential.generation;
                        cell.store(Some(Arc::new(held)));
                        changed.send_replace(());
                    }
                    Err(error) => {
                        failed(&error, cell.load().as_deref());
                        if matches!(error, CallError::Stopped(_)) {
                            // A new instance counts its generations from the start.
                            generation = 0;
                            tokio::time::sleep(RESTART_PAUSE).await;
                        }
                    }
                }
            }
        });
        live
    }

    /// The credential, if one is alive. Takes no lock and asks nobody.
    #[must_use]
    pub fn get(&self) -> Option<Arc<Held>> {
        let held = self.cell.load();
        held.as_ref().filter(|held| held.lives(self.clock.now())).map(Arc::clone)
    }

    /// Waits for the next change.
    pub async fn changed(&mut self) {
        // The keeper lives as long as this receiver does.
        let _ = self.changes.changed().await;
    }
}
