//! The live credential, at hand without a lock.

use std::fmt;
use std::time::Duration;

use lakegate_edges::clock::Clock;
use lakegate_edges::live;
use zeroize::Zeroizing;

use crate::component::{CallError, Credential, Gate};
use crate::output;

/// A credential with its secret, and how long it is good, as this host keeps it.
pub type Held = live::Held<Revealed>;

/// The live credential of a process that stays, for those who read it.
pub type Live = live::Live<Revealed>;

/// A credential with its secret.
pub struct Revealed {
    /// Where it logs in, as the component said.
    pub credential: Credential,
    token: Zeroizing<String>,
}

impl Revealed {
    /// The password. Every call is a place where it could leak: keep them few.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revealed").field("credential", &self.credential).finish_non_exhaustive()
    }
}

/// Asks for a credential once, and for its secret.
///
/// # Errors
/// What the component says.
pub async fn take(gate: &Gate, clock: &Clock) -> Result<Held, CallError> {
    reveal(gate, clock, gate.current().await?).await
}

/// A credential with its secret.
///
/// # Errors
/// The instance that knew the secret has stopped.
pub(crate) async fn reveal(
    gate: &Gate,
    clock: &Clock,
    credential: Credential,
) -> Result<Held, CallError> {
    let taken = clock.now();
    let token = gate.reveal(credential.generation).await?.ok_or_else(|| {
        CallError::Stopped(format!("it does not know token {} any more", credential.generation))
    })?;
    let valid_for = credential.valid_for;
    Ok(Held::new(Revealed { credential, token }, taken, valid_for))
}

/// How long the keeper rests when the component itself stopped, so that a broken one is not
/// restarted in a loop.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// Starts to keep a credential, renewed in time by a task of its own, as long as somebody reads it.
/// `failed` hears of every failed attempt.
pub fn keep(
    gate: Gate,
    clock: Clock,
    failed: impl Fn(&CallError, Option<&Held>) + Send + 'static,
) -> Live {
    let (keeper, live) = live::live(clock.clone());
    tokio::spawn(async move {
        let mut generation = 0;
        while keeper.is_wanted() {
            let renewed = match gate.renewed(generation).await {
                Ok(credential) => reveal(&gate, &clock, credential).await,
                Err(error) => Err(error),
            };
            match renewed {
                Ok(held) => {
                    generation = held.credential.generation;
                    keeper.put(held);
                }
                Err(error) => {
                    failed(&error, keeper.last().as_deref());
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

/// Says that a refresh failed, and how much time is left to mend it.
pub(crate) fn warn_not_renewed(error: &CallError, held: Option<&Held>) {
    let until = held
        .and_then(|held| output::time(held.credential.expires_at))
        .map_or_else(String::new, |time| format!("; the present token is good until {time}"));
    tracing::warn!("the token was not renewed: {error}{until}");
}
