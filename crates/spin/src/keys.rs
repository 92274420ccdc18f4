//! Who may call: bearer keys in two scopes, known by their SHA-256 digests alone.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::problem::{Fault, Type};
use crate::settings::{ADMIN_KEYS, Settings, TOKEN_KEYS};

/// What a key opens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scope {
    /// Nothing is asked for.
    Open,
    /// Routes that change the database.
    Admin,
    /// Routes that hand out credentials.
    Token,
}

/// The SHA-256 digest of a key. It can be compared in constant time and in no other way.
struct KeyDigest([u8; 32]);

impl ConstantTimeEq for KeyDigest {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(..)")
    }
}

/// The digests of all keys.
#[derive(Debug)]
pub(crate) struct Keys {
    admin: Digests,
    token: Digests,
}

/// The digests of one scope.
#[derive(Debug)]
struct Digests {
    /// The variable they come from.
    name: &'static str,
    /// None when one of them is no digest.
    known: Option<Vec<KeyDigest>>,
}

impl Keys {
    /// Reads the digests of both scopes.
    pub(crate) fn read(settings: &Settings) -> Self {
        Self {
            admin: Digests::read(settings, ADMIN_KEYS),
            token: Digests::read(settings, TOKEN_KEYS),
        }
    }

    /// Lets a request with these `authorization` headers pass, or says why not.
    pub(crate) fn admit(&self, scope: Scope, headers: &[&[u8]]) -> Result<(), Fault> {
        let (own, other) = match scope {
            Scope::Open => return Ok(()),
            Scope::Admin => (&self.admin, &self.token),
            Scope::Token => (&self.token, &self.admin),
        };
        let Some(known) = &own.known else { return Err(malformed(own.name)) };
        if known.is_empty() {
            return Err(closed(own.name));
        }
        let Some(key) = bearer(headers) else { return Err(missing()) };
        let digest = KeyDigest(Sha256::digest(key).into());
        // Both scopes are looked through, whatever the first one says.
        let (own, other) = (own.holds(&digest), other.holds(&digest));
        match (bool::from(own), bool::from(other)) {
            (true, _) => Ok(()),
            (false, true) => Err(other_scope()),
            (false, false) => Err(unknown()),
        }
    }
}

impl Digests {
    fn read(settings: &Settings, name: &'static str) -> Self {
        let text = settings.get(name).unwrap_or_default();
        let words = text.split(|c: char| c == ',' || c.is_whitespace());
        Self { name, known: words.filter(|word| !word.is_empty()).map(digest).collect() }
    }

    fn holds(&self, digest: &KeyDigest) -> Choice {
        any_equal(self.known.as_deref().unwrap_or_default(), digest)
    }
}

/// Whether one of these is the given one. Each is compared, and to its end, so that the time it
/// takes says nothing about where they differ.
fn any_equal<T: ConstantTimeEq>(known: &[T], given: &T) -> Choice {
    known.iter().fold(Choice::from(0), |found, own| found | own.ct_eq(given))
}

/// Reads 64 hexadecimal digits of either case.
fn digest(text: &str) -> Option<KeyDigest> {
    let mut digest = [0; 32];
    if text.len() != 2 * digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |ascii: u8| char::from(ascii).to_digit(16);
        *byte = u8::try_from(16 * digit(pair[0])? + digit(pair[1])?).ok()?;
    }
    Some(KeyDigest(digest))
}

/// The key of the one `authorization` header; two headers are nobody's.
fn bearer<'a>(headers: &[&'a [u8]]) -> Option<&'a [u8]> {
    let [header] = headers else { return None };
    let (scheme, key) = header.split_at_checked(b"Bearer ".len())?;
    let key = key.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !key.is_empty()).then_some(key)
}

fn closed(name: &str) -> Fault {
    Fault::new(Type::Closed, "no key opens this route: it is closed until one is configured")
        .advice(format!("Set {name} to the SHA-256 digest of a key, in hexadecimal."))
}

fn malformed(name: &str) -> Fault {
    Fault::new(Type::Configuration, format!("{name} holds something that is no SHA-256 digest"))
        .advice("A digest has 64 hexadecimal digits; several stand with blanks or commas between.")
}

fn missing() -> Fault {
    Fault::new(Type::Unauthorized, "the request has no key")
        .advice("Send one header `Authorization: Bearer KEY`.")
}

fn unknown() -> Fault {
    Fault::new(Type::Unauthorized, "the key is not known here")
        .advice("Ask whoever runs this function for a key of this route.")
}

fn other_scope() -> Fault {
    Fault::new(Type::Forbidden, "the key does not open this route, only others")
        .advice("Routes that change the database and routes that give credentials have own keys.")
}

#[cfg(test)]
mod tests;
