//! Prepared statements that outlive their server connection: one global name for each text.
//!
//! A client's statement is known to servers by a name made of its text and parameter types, so
//! that clients with equal statements share what a server has prepared. The name says nothing
//! about any other text: two statements never meet under one name.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{BufMut, BytesMut};

use super::text::Effect;

/// How many named statements a server connection keeps; the least used one is closed for the next.
const KEPT: usize = 500;
/// Where a registry first looks for statements that nobody uses any more.
const FIRST_SWEEP: usize = 1024;

/// What every global name begins with.
const PREFIX: &[u8] = b"lakegate_";

/// Which text and parameter types a statement has.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(crate) struct Id([u64; 2]);

impl Id {
    /// The length of every global name, without its NUL.
    pub(crate) const NAME: usize = PREFIX.len() + 32;

    /// Where the first global name in a text begins.
    pub(crate) fn find(text: &[u8]) -> Option<usize> {
        let at = text.windows(PREFIX.len()).position(|window| window == PREFIX)?;
        let digits = text.get(at + PREFIX.len()..at + Self::NAME)?;
        digits.iter().all(u8::is_ascii_hexdigit).then_some(at)
    }

    /// Writes the name that servers know the statement by, without a NUL.
    pub(crate) fn put_name(self, out: &mut BytesMut) {
        out.put_slice(PREFIX);
        for half in self.0 {
            for digit in (0..16).rev() {
                out.put_u8(b"0123456789abcdef"[(half >> (4 * digit)) as usize & 15]);
            }
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lakegate_{:016x}{:016x}", self.0[0], self.0[1])
    }
}

/// A statement as every client means it that sent this text with these parameter types.
pub(crate) struct Statement {
    /// Its name in servers.
    pub(crate) id: Id,
    /// What follows the name in a `Parse`: the text, NUL, the types.
    pub(crate) body: Box<[u8]>,
    /// What its text leaves behind in a session.
    pub(crate) effect: Effect,
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Statement({:?})", self.id)
    }
}

/// The statements of all clients; each is kept while a client has it.
#[derive(Default)]
pub(crate) struct Registry(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    statements: HashMap<Id, Weak<Statement>>,
    /// At this size those that nobody uses are thrown away.
    sweep_at: usize,
}

impl Registry {
    /// The statement of this `Parse`, without its name; `effect` is asked only for a new one.
    pub(crate) fn statement(&self, body: &[u8], effect: impl FnOnce() -> Effect) -> Arc<Statement> {
        let id = id_of(body);
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shelf.statements.get(&id).and_then(Weak::upgrade) {
            return known;
        }
        if shelf.statements.len() >= shelf.sweep_at {
            shelf.statements.retain(|_, statement| statement.strong_count() > 0);
            shelf.sweep_at = (2 * shelf.statements.len()).max(FIRST_SWEEP);
        }
        let statement = Arc::new(Statement { id, body: body.into(), effect: effect() });
        shelf.statements.insert(id, Arc::downgrade(&statement));
        statement
    }
}

/// 128 bits of SHA-256: nobody can make two texts that meet.
fn id_of(body: &[u8]) -> Id {
    let digest = digest(&SHA256, body);
    let half = |at: usize| {
        let bytes = digest.as_ref()[at..at + 8].try_into().expect("a digest has 32 bytes");
        u64::from_be_bytes(bytes)
    };
    Id([half(0), half(8)])
}

/// What is prepared in one server connection.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// When each was used last, in uses.
    named: HashMap<Id, u64>,
    uses: u64,
    /// Whose unnamed statement it has; `None` when nobody can say.
    pub(crate) unnamed: Option<Token>,
}

/// One unnamed statement of one client: never given twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    /// The client.
    pub(crate) client: i32,
    /// Which of its unnamed statements.
    pub(crate) number: u64,
}

impl Prepared {
    /// Whether the statement is there; it counts as used.
    pub(crate) fn uses(&mut self, id: Id) -> bool {
        self.uses += 1;
        let now = self.uses;
        self.named.get_mut(&id).map(|last| *last = now).is_some()
    }

    /// Adds a statement, and says which one must be closed to make room.
    pub(crate) fn add(&mut self, id: Id) -> Option<Id> {
        self.uses += 1;
        let oldest = match self.named.len() < KEPT || self.named.contains_key(&id) {
            true => None,
            false => self.named.iter().min_by_key(|(_, last)| **last).map(|(id, _)| *id),
        };
        oldest.map(|oldest| self.named.remove(&oldest));
        self.named.insert(id, self.uses);
        oldest
    }

    /// The server has it no more.
    pub(crate) fn remove(&mut self, id: Id) {
        self.named.remove(&id);
    }

    /// The server has none any more.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(registry: &Registry, body: &[u8]) -> Arc<Statement> {
        registry.statement(body, Effect::default)
    }

    #[test]
    fn equal_texts_with_equal_types_share_a_name() {
        let registry = Registry::default();
        let one = statement(&registry, b"select $1\0\0\x01\0\0\0\x17");
        assert!(Arc::ptr_eq(&one, &statement(&registry, b"select $1\0\0\x01\0\0\0\x17")));
        assert_ne!(one.id, statement(&registry, b"select $1\0\0\x01\0\0\0\x19").id);
        let mut name = BytesMut::new();
        one.id.put_name(&mut name);
        assert_eq!(name.len(), Id::NAME);
        assert_eq!(Id::find(&[b"no ", &name[..], b"!"].concat()), Some(3));
        assert_eq!(Id::find(&name[..Id::NAME - 1]), None);
        assert_eq!(format!("{:?}", one.id).as_bytes(), &name[..]);
    }

    #[test]
    fn what_nobody_uses_is_thrown_away() {
        let registry = Registry::default();
        let kept = statement(&registry, b"select 0\0\0\0");
        for number in 1..10 * FIRST_SWEEP {
            statement(&registry, format!("select {number}\0\0\0").as_bytes());
        }
        let shelf = registry.0.lock().unwrap();
        assert!(shelf.statements.len() <= FIRST_SWEEP);
        assert!(shelf.statements.contains_key(&kept.id));
    }

    #[test]
    fn the_least_used_statement_makes_room() {
        let mut prepared = Prepared::default();
        let id = |number: usize| Id([number as u64, 0]);
        for number in 0..KEPT {
            assert_eq!(prepared.add(id(number)), None);
        }
        assert!(prepared.uses(id(0)));
        assert_eq!(prepared.add(id(KEPT)), Some(id(1)));
        assert!(!prepared.uses(id(1)));
        prepared.remove(id(5));
        assert_eq!(prepared.add(id(1)), None);
        prepared.clear();
        assert!(!prepared.uses(id(0)));
    }
}
