//! The key-value store: the one place that outlives an instance. Losing it costs a mint, so its
//! failures are told in the log and nowhere else.

use std::time::Duration;

use sha2::{Digest, Sha256};
use spin_sdk::key_value::{Error, Store};

use crate::{log, time};

/// Whoever asks waits for the answer, and can do without it.
const LIMIT: Duration = Duration::from_secs(2);

/// The name under which something of `owner` is kept: of one length, whatever the owner is called.
pub(crate) fn key(what: &str, owner: &str) -> String {
    let digest = Sha256::digest(owner);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("lakegate/{what}/{hex}")
}

/// What is kept under this name.
pub(crate) async fn get(key: &str) -> Option<Vec<u8>> {
    let found = within_limit(async { Store::open_default().await?.get(key).await });
    found.await.unwrap_or_else(|error| {
        complain("read", &error);
        None
    })
}

/// Keeps something under this name, and tells whether it did.
pub(crate) async fn set(key: &str, value: &[u8]) -> bool {
    let kept = within_limit(async { Store::open_default().await?.set(key, value).await });
    kept.await.inspect_err(|error| complain("written", error)).is_ok()
}

/// Keeps nothing under this name from now on.
pub(crate) async fn delete(key: &str) {
    let gone = within_limit(async { Store::open_default().await?.delete(key).await });
    if let Err(error) = gone.await {
        complain("written", &error);
    }
}

async fn within_limit<T>(asking: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let slow = || Err(Error::Other(format!("no answer in {} s", LIMIT.as_secs())));
    time::within(LIMIT, asking).await.unwrap_or_else(slow)
}

fn complain(what: &str, error: &Error) {
    log::line(&format!("warning: the key-value store could not be {what}: {error}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_tell_owners_apart() {
        let name = key("credential", "a");
        assert_eq!(name.len(), "lakegate/credential/".len() + 64);
        assert_ne!(name, key("credential", "b"));
        assert_ne!(name, key("bootstrap", "a"));
    }
}
