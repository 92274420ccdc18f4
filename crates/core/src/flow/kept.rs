//! The credential as one instance leaves it for the next: a text for a store that seals it.

use alloc::string::String;
use core::time::Duration;

use serde::Serialize;

use crate::config::EndpointPath;
use crate::edge::Edge;
use crate::flow::credential::Credential;
use crate::flow::gate::Minted;
use crate::flow::mint::Target;
use crate::json::{self, FromJson, Misfit, Object};
use crate::secret::Secret;
use crate::time::millis;
use crate::token::{Doubt, Fingerprint, Left, Policy};

/// Whoever reads another version has none: it buys.
const VERSION: u32 = 1;

const DOUBTS: [(Doubt, &str); 4] = [
    (Doubt::Missing, "missing"),
    (Doubt::Unreadable, "unreadable"),
    (Doubt::Past, "past"),
    (Doubt::Absurd, "absurd"),
];

/// The times of a credential that an earlier instance left, as this moment sees them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kept {
    /// How long ago its request was sent.
    pub age: Duration,
    /// Until it expires.
    pub expires_in: Duration,
    /// For how long it may still be used; it expires a little later.
    pub serves_for: Duration,
}

/// A credential with its times.
pub(super) struct Entry {
    credential: Credential,
    left: Left,
}

#[derive(Serialize)]
struct Text<'a> {
    version: u32,
    token: &'a str,
    user: &'a str,
    instance: Option<&'a str>,
    endpoint: Option<&'a str>,
    host: &'a str,
    /// Milliseconds since 1970.
    sent: u64,
    /// Milliseconds.
    valid: u64,
    doubt: Option<&'static str>,
}

/// What was left for this owner.
pub(super) async fn recall<E: Edge>(edge: &E, owner: &str) -> Option<Entry> {
    Entry::read(&edge.recall(owner).await?)
}

/// The text that [`recall`] reads, of a credential whose request was sent at `sent` (milliseconds
/// since 1970).
pub(super) fn text(minted: &Minted<Credential>, sent: u64) -> Secret {
    let Credential { token, user, target } = &minted.token;
    let (instance, endpoint) = match target {
        Target::Instance { name, .. } => (Some(name.as_str()), None),
        Target::Endpoint { path, .. } => (None, Some(path.as_str())),
    };
    let doubt = minted.lifetime.doubt.as_ref();
    let text = Text {
        version: VERSION,
        token: token.expose(),
        user,
        instance,
        endpoint,
        host: target.host(),
        sent,
        valid: millis(minted.lifetime.valid),
        doubt: doubt.and_then(|doubt| DOUBTS.iter().find(|known| known.0 == *doubt)).map(|it| it.1),
    };
    Secret::new(serde_json::to_string(&text).expect("texts and numbers always serialize"))
}

impl Entry {
    /// Reads what [`text`] wrote; none of anything else.
    fn read(text: &Secret) -> Option<Self> {
        Object::from_json(json::parse(text.expose().as_bytes())?).and_then(Self::take).ok()
    }

    fn take(mut text: Object) -> Result<Self, Misfit> {
        if text.take::<u32>("version")? != VERSION {
            return Err(Misfit::default());
        }
        let token: Secret = text.take("token")?;
        let left = Left {
            fingerprint: Fingerprint::of(&token),
            sent: text.take("sent")?,
            valid: Duration::from_millis(text.take("valid")?),
            doubt: doubt(text.take("doubt")?)?,
        };
        let target = target(text.take("instance")?, text.take("endpoint")?, text.take("host")?)?;
        Ok(Self { credential: Credential { token, user: text.take("user")?, target }, left })
    }

    /// The credential, if it is to be taken up; see [`Left::taken_up`].
    pub(super) fn taken_up(
        self,
        policy: &Policy,
        wall: u64,
        last: Option<Fingerprint>,
    ) -> Option<Minted<Credential>> {
        let Self { credential: token, left } = self;
        let lifetime = left.taken_up(policy, wall, last)?;
        Some(Minted { token, fingerprint: left.fingerprint, lifetime })
    }

    /// Its times, if a cold instance would take it up.
    pub(super) fn times(&self, policy: &Policy, wall: u64) -> Option<Kept> {
        let Left { valid, .. } = self.left;
        let age = self.left.taken_up(policy, wall, None)?.age?;
        let until = |end: Duration| end.saturating_sub(age);
        let serves_for = until(policy.dead_after(valid));
        Some(Kept { age, expires_in: until(valid), serves_for })
    }
}

fn doubt(name: Option<String>) -> Result<Option<Doubt>, Misfit> {
    let Some(name) = name else { return Ok(None) };
    let known = DOUBTS.iter().find(|(_, known)| *known == name);
    known.map(|(doubt, _)| Some(*doubt)).ok_or_else(Misfit::default)
}

fn target(
    instance: Option<String>,
    endpoint: Option<String>,
    host: String,
) -> Result<Target, Misfit> {
    match (instance, endpoint) {
        (Some(name), None) => Ok(Target::Instance { name, host }),
        (None, Some(path)) => match EndpointPath::parse(&path) {
            Ok(path) => Ok(Target::Endpoint { path, host }),
            Err(_) => Err(Misfit::default()),
        },
        _ => Err(Misfit::default()),
    }
}

#[cfg(test)]
mod tests;
