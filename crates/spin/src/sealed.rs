//! What instances tell each other in the key-value store, sealed: the credential that one leaves
//! for the next, and the claim of one that is about to buy.
//!
//! An entry is one version byte, a random nonce, and the text under XChaCha20-Poly1305 with the key of
//! `LAKEGATE_CACHE_KEY`, bound to its owner. Whatever cannot be opened, for whichever reason, is none.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use lakegate_core::secret::Secret;
use serde::Serialize;
use spin_sdk::wasip3::random::random::get_random_bytes;

use crate::settings::{self, CACHE_KEY, Settings};
use crate::{log, store};

const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Whether a credential outlives its instance, as `/status` tells it.
#[derive(Debug, Serialize)]
pub(crate) struct Cache {
    store: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

/// Why there is no key to seal with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum NoKey {
    NotSet,
    Malformed,
}

impl NoKey {
    const fn why(self) -> &'static str {
        match self {
            Self::NotSet => "LAKEGATE_CACHE_KEY is not set",
            Self::Malformed => "LAKEGATE_CACHE_KEY is not 32 bytes in base64",
        }
    }
}

impl Cache {
    /// Looks at the key once, and warns of one that cannot be used.
    pub(crate) async fn look(settings: &Settings) -> Self {
        let key = match settings.has_secret(CACHE_KEY) {
            true => cipher().await,
            false => Err(NoKey::NotSet),
        };
        match key {
            Ok(_) => Self { store: "sealed", why: None },
            Err(no_key) => {
                if no_key == NoKey::Malformed {
                    let why = no_key.why();
                    log::line(&format!("warning: {why}: the credential is kept in memory only"));
                }
                Self { store: "memory only", why: Some(no_key.why()) }
            }
        }
    }
}

/// The name of the credential among the entries of its owner.
pub(crate) const CREDENTIAL: &str = "credential";

/// What was left for this owner, if it can be opened.
pub(crate) async fn get(what: &str, owner: &str) -> Option<Secret> {
    let cipher = cipher().await.ok()?;
    let entry = store::get(&store::key(what, owner)).await?;
    open(&cipher, owner, &entry)
}

/// Leaves an entry for this owner, in place of the one before. Without a key nothing is left. Tells
/// whether it was.
pub(crate) async fn set(what: &str, owner: &str, entry: &Secret) -> bool {
    let Ok(cipher) = cipher().await else { return false };
    let nonce = get_random_bytes(NONCE_BYTES as u64);
    match seal(&cipher, owner, entry, &nonce) {
        Some(sealed) => store::set(&store::key(what, owner), &sealed).await,
        None => false,
    }
}

/// The cipher with the key as it is now: a new one is used from then on.
async fn cipher() -> Result<XChaCha20Poly1305, NoKey> {
    parse(&settings::secret(CACHE_KEY).await.ok_or(NoKey::NotSet)?)
}

fn parse(key: &Secret) -> Result<XChaCha20Poly1305, NoKey> {
    let mut bytes = [0; KEY_BYTES + 1];
    match STANDARD.decode_slice(key.expose().trim(), &mut bytes) {
        Ok(KEY_BYTES) => {
            XChaCha20Poly1305::new_from_slice(&bytes[..KEY_BYTES]).map_err(|_| NoKey::Malformed)
        }
        _ => Err(NoKey::Malformed),
    }
}

fn seal(cipher: &XChaCha20Poly1305, owner: &str, entry: &Secret, nonce: &[u8]) -> Option<Vec<u8>> {
    let payload = Payload { msg: entry.expose().as_bytes(), aad: owner.as_bytes() };
    let sealed = cipher.encrypt(&XNonce::try_from(nonce).ok()?, payload).ok()?;
    Some([&[VERSION], nonce, &sealed].concat())
}

fn open(cipher: &XChaCha20Poly1305, owner: &str, entry: &[u8]) -> Option<Secret> {
    let (&VERSION, rest) = entry.split_first()? else { return None };
    let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES)?;
    let payload = Payload { msg: sealed, aad: owner.as_bytes() };
    let text = cipher.decrypt(&XNonce::try_from(nonce).ok()?, payload).ok()?;
    String::from_utf8(text).ok().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NONCE: [u8; NONCE_BYTES] = [7; NONCE_BYTES];

    fn of(key: &str) -> XChaCha20Poly1305 {
        parse(&Secret::new(key)).unwrap()
    }

    fn opened(key: &str, owner: &str, entry: &[u8]) -> Option<String> {
        open(&of(key), owner, entry).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn what_was_sealed_is_opened_by_the_same_key_for_the_same_owner_alone() {
        let entry = seal(&of(KEY), "me", &Secret::new("text"), &NONCE).unwrap();
        assert_eq!(opened(KEY, "me", &entry).as_deref(), Some("text"));
        assert_eq!(opened(OTHER, "me", &entry), None, "another key");
        assert_eq!(opened(KEY, "you", &entry), None, "another owner");
    }

    #[test]
    fn a_changed_missing_or_added_byte_is_none() {
        let entry = seal(&of(KEY), "me", &Secret::new("text"), &NONCE).unwrap();
        for at in 0..entry.len() {
            for bit in 0..8 {
                let mut changed = entry.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(opened(KEY, "me", &changed), None, "byte {at}");
            }
            assert_eq!(opened(KEY, "me", &entry[..at]), None, "{at} bytes");
        }
        assert_eq!(opened(KEY, "me", &[&entry[..], b"x"].concat()), None);
    }

    #[test]
    fn the_text_does_not_show() {
        let entry = seal(&of(KEY), "me", &Secret::new("s3cret"), &NONCE).unwrap();
        assert!(!entry.windows(6).any(|bytes| bytes == b"s3cret"));
        let again = seal(&of(KEY), "me", &Secret::new("s3cret"), &[8; NONCE_BYTES]).unwrap();
        assert_ne!(entry, again);
    }

    #[test]
    fn a_key_is_32_bytes_in_base64() {
        for (key, taken) in [
            (KEY, true),
            (" AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", true),
            ("", false),
            ("not base64", false),
            (&KEY[4..], false),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", false), // 33 bytes
        ] {
            assert_eq!(parse(&Secret::new(key)).is_ok(), taken, "{key:?}");
        }
    }
}
