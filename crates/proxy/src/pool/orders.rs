//! What the pool's books ask for.

use std::sync::Arc;

use super::Origin;

/// What is to be done, in any order, once the books are closed again.
#[must_use]
#[derive(Debug)]
pub(super) struct Orders<S, W> {
    /// Hand this connection over to this one who waits.
    pub(super) give: Option<(W, S)>,
    /// Close these.
    pub(super) close: Vec<S>,
    /// Open a connection for each of these; its place is reserved.
    pub(super) open: Vec<Arc<Origin>>,
    /// Look at the ages again: something is due earlier than was known.
    pub(super) look: bool,
}

impl<S, W> Default for Orders<S, W> {
    fn default() -> Self {
        Self { give: None, close: Vec::new(), open: Vec::new(), look: false }
    }
}
