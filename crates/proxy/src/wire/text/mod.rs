//! What a statement's text may leave behind in a session, so that its client must keep its server
//! connection.
//!
//! It is a reader of words, not of SQL: it errs on the side of keeping. What a function, a `DO`
//! block or a procedure leaves behind cannot be seen in a text, and is not found.

mod call;
mod lexer;
mod names;
mod plain;
mod reader;

pub(crate) use self::names::Names;
pub(crate) use self::plain::Change;
pub(crate) use self::reader::Reader;

/// Kinds of state that cannot be carried from one server connection to another.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct State(u8);

impl State {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const LISTEN: Self = Self(1);
    pub(crate) const TEMPORARY: Self = Self(2);
    pub(crate) const LOCK: Self = Self(4);
    pub(crate) const CURSOR: Self = Self(8);
    pub(crate) const PREPARED: Self = Self(16);
    pub(crate) const SETTING: Self = Self(32);
    pub(crate) const ROLE: Self = Self(64);
    pub(crate) const LIBRARY: Self = Self(128);
    pub(crate) const ALL: Self = Self(255);

    /// Whether there is none.
    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Whether all of the other is in it.
    pub(crate) fn has(self, other: Self) -> bool {
        self.with(other) == self
    }

    /// This and the other.
    pub(crate) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This without the other.
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// A word for the log, of the first kind that there is.
    pub(crate) fn reason(self) -> &'static str {
        const REASONS: [&str; 8] = [
            "listen",
            "temporary table",
            "advisory lock",
            "cursor",
            "prepare",
            "set",
            "role",
            "load",
        ];
        REASONS.get(self.0.trailing_zeros() as usize).copied().unwrap_or("nothing")
    }
}

/// What a text does to the state of its session when it succeeds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Effect {
    /// What may be there afterwards.
    pub(crate) leaves: State,
    /// What is gone for sure.
    pub(crate) ends: State,
    /// What goes back to what it was when the session began.
    pub(crate) resets: Names,
    /// What gets another value.
    pub(crate) sets: Names,
}

impl Effect {
    /// This, then the other.
    pub(crate) fn then(self, other: Self) -> Self {
        Self {
            leaves: self.leaves.without(other.ends).with(other.leaves),
            ends: self.ends.with(other.ends).without(other.leaves),
            resets: self.resets.without(other.sets).with(other.resets),
            sets: self.sets.without(other.resets).with(other.sets),
        }
    }
}

#[cfg(test)]
mod tests;
