//! A call of `set_config`, as far as it was read: which setting it is about.

use super::Names;

/// A call of `set_config` in the middle of its arguments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// How many parentheses are open within it, its own included.
    depth: u32,
    about: About,
}

/// What the call sets.
#[derive(Clone, Copy, Debug)]
enum About {
    /// Nothing of it was read.
    Unread,
    /// If a comma follows, what this literal names.
    Perhaps(Names),
    /// This, which follows its client.
    Sure(Names),
    /// Nobody can say.
    Unknown,
}

impl Call {
    /// A call whose arguments begin now.
    pub(super) fn new(depth: u32) -> Self {
        Self { depth, about: About::Unread }
    }

    /// Whether a parenthesis that closes at this depth is its own.
    pub(super) fn is_at(&self, depth: u32) -> bool {
        self.depth == depth
    }

    /// What it sets, if that is known and follows its client.
    pub(super) fn follows(self) -> Option<Names> {
        match self.about {
            About::Sure(names) => Some(names),
            About::Unread | About::Perhaps(_) | About::Unknown => None,
        }
    }

    /// A literal came, which may name a setting that follows its client.
    pub(super) fn literal(self, followed: impl FnOnce() -> Option<Names>) -> Self {
        match self.about {
            About::Unread => self.with(followed().map_or(About::Unknown, About::Perhaps)),
            _ => self.word(),
        }
    }

    /// A word came.
    pub(super) fn word(self) -> Self {
        match self.about {
            About::Sure(_) => self,
            // Only a literal that stands alone is known for what it says.
            _ => self.with(About::Unknown),
        }
    }

    /// A sign came that does not close the call.
    pub(super) fn sign(self, sign: u8) -> Self {
        match self.about {
            About::Perhaps(names) if sign == b',' => self.with(About::Sure(names)),
            _ => self.word(),
        }
    }

    fn with(self, about: About) -> Self {
        Self { about, ..self }
    }
}
