//! What is remembered of a token, to know it again.

use alloc::string::String;
use core::fmt;

use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::secret::Secret;

/// The first 128 bits of the SHA-256 of a token: enough to tell two tokens apart, of no use to
/// find one.
///
/// `Debug` shows nothing, because even a part of a digest lets a guess be confirmed.
///
/// ```
/// use lakegate_core::{secret::Secret, token::Fingerprint};
/// let print = Fingerprint::of(&Secret::new("one"));
/// assert_eq!(print, Fingerprint::of(&Secret::new("one")));
/// assert_ne!(print, Fingerprint::of(&Secret::new("two")));
/// assert_eq!(format!("{print:?}"), "Fingerprint(..)");
/// ```
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of a token.
    pub fn of(token: &Secret) -> Self {
        let digest = Sha256::digest(token.expose().as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        Self(short)
    }

    /// In lower-case hexadecimal digits: for a text that says whose a credential is, and is shown
    /// to nobody.
    pub(crate) fn hex(self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}
