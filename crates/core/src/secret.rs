//! Text that must not be seen: redacted in `Debug`, wiped on drop.

use alloc::string::String;
use core::fmt;

use zeroize::Zeroizing;

/// A token, a password or a key.
///
/// `Debug` never shows it, there is no `Display`, and its memory is wiped on drop. It is compared
/// by [`Fingerprint`](crate::token::Fingerprint), never by `==`.
///
/// ```
/// let secret = lakegate_core::secret::Secret::new("s3cret");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert_eq!(secret.expose(), "s3cret");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Every call is a place where it could leak: keep them few.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
