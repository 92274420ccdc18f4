//! Randomness, for jitter and identifiers.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number that differs between processes and between calls. It is not for secrets.
#[must_use]
pub fn draw() -> u64 {
    // The standard library seeds every hasher from the operating system.
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_are_alike() {
        assert_ne!(super::draw(), super::draw());
    }
}
