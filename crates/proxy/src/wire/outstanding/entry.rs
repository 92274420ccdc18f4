//! One thing that was asked of the server.

use std::sync::Arc;

use super::copy::Doubt;
use crate::wire::statements::{Id, Statement, Token};

/// What was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ask {
    /// A simple query: ends in `ReadyForQuery`.
    Query,
    /// A function call: ends in `ReadyForQuery`.
    Function,
    Parse,
    Bind,
    Describe,
    Execute,
    Close,
    /// The end of a batch: `ReadyForQuery`.
    Sync,
    /// The end of the data of a `COPY`: it has no answer of its own.
    CopyEnd,
}

/// Who asked, and who answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Who {
    /// The client asked, the server answers.
    Client,
    /// We asked: the client must not see the answer.
    Proxy,
    /// The client asked, the server was never told, and we answer when it is our turn.
    Known,
}

/// What a client calls a statement; in one place, since each use of it is noted.
pub(crate) type Name = Arc<[u8]>;

/// What was believed when it was asked, and is not true if it fails.
#[derive(Clone, Debug, Default)]
pub(crate) enum Belief {
    /// Nothing.
    #[default]
    Nothing,
    /// Nothing: the client spoke of its statement by this name.
    Spoken(Name),
    /// The server has the statement.
    Prepared(Arc<Statement>),
    /// The client has the statement by this name, and, unless it had it before, the server has it.
    Named { name: Name, statement: Arc<Statement>, prepared: bool },
    /// The client has no statement by this name any more.
    Dropped(Name, Arc<Statement>),
    /// This has taken the place of the client's unnamed statement.
    Own(Token),
    /// The same, and it is what failed: it is known no more than what it replaced.
    Lost(Token),
    /// The server has the client's unnamed statement again.
    Again(Token),
    /// The server has it no more.
    Closed(Id),
}

/// One thing that was asked.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// What.
    pub(crate) ask: Ask,
    /// By whom.
    pub(crate) who: Who,
    /// What to take back if it fails.
    pub(crate) belief: Belief,
    /// Of a `Sync`.
    pub(super) doubt: Doubt,
    /// Counted upwards; an end of data has the number of what was asked before it.
    pub(super) number: u64,
}

impl Ask {
    /// Whether it is answered by `ReadyForQuery`.
    pub(super) fn ends_in_ready(self) -> bool {
        matches!(self, Self::Query | Self::Function | Self::Sync)
    }
}

impl Belief {
    /// The name by which the client spoke of a statement that it has, or will have.
    pub(crate) fn name(&self) -> Option<&Name> {
        match self {
            Self::Spoken(name) | Self::Named { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Of what failed itself, and was not just skipped with it.
    pub(super) fn of_the_failed(self) -> Self {
        match self {
            Self::Own(token) => Self::Lost(token),
            belief => belief,
        }
    }
}

impl Entry {
    /// Whether it is a `Sync` that the server will answer for sure.
    pub(super) fn is_answered(&self) -> bool {
        self.ask == Ask::Sync && self.doubt == Doubt::None
    }
}
