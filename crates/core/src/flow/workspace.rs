//! The first token of the chain: what the workspace's APIs take.

use alloc::rc::Rc;
use core::cell::RefCell;
use core::time::Duration;

use crate::api::ExpiryClaim;
use crate::api::oidc::TokenEndpoint;
use crate::config::OAuthAccess;
use crate::edge::Edge;
use crate::flow::gate::{MintFailure, Minted, Source};
use crate::flow::mint::{Exchange, MintError, WorkspaceToken, workspace_token};
use crate::token::{Expiry, Failure, Fingerprint, Lifetime};

/// How long a token that was configured is kept before it is read again. It is a read, not a
/// request, and whoever replaces the token wants the next credential to be bought with it.
const CONFIGURED: Duration = Duration::from_secs(60);

/// Fetches workspace tokens.
pub(super) struct WorkspaceSource<E> {
    edge: Rc<E>,
    access: Rc<OAuthAccess>,
    /// Where the last token was issued.
    known: RefCell<Option<TokenEndpoint>>,
}

impl<E: Edge> WorkspaceSource<E> {
    pub(super) fn new(edge: Rc<E>, access: Rc<OAuthAccess>) -> Self {
        Self { edge, access, known: RefCell::new(None) }
    }
}

impl<E: Edge> Source for WorkspaceSource<E> {
    type Token = WorkspaceToken;

    async fn mint(&self, _resume: bool) -> Result<Minted<WorkspaceToken>, MintFailure> {
        let known = self.known.borrow().clone();
        let token = workspace_token(&*self.edge, &self.access, known.as_ref()).await?;
        self.known.replace(token.endpoint.clone());
        let lifetime = match &token.claim {
            Some(claim) => lifetime(claim, &token.exchange),
            None => Lifetime::known(CONFIGURED),
        };
        Ok(Minted { fingerprint: Fingerprint::of(&token.token), lifetime, token })
    }
}

/// How long a token lives that came with this claim.
pub(super) fn lifetime(claim: &ExpiryClaim, exchange: &Exchange) -> Lifetime {
    let expiry = match (&claim.expires_in, &claim.expires_at) {
        (Some(seconds), _) => Expiry::In(seconds),
        (None, Some(moment)) => Expiry::At(moment),
        (None, None) => Expiry::Missing,
    };
    Lifetime::measure(expiry, claim.date.as_deref(), exchange.received.wall)
}

impl From<MintError> for MintFailure {
    fn from(error: MintError) -> Self {
        let failure = if error.permanent() {
            Failure::Permanent
        } else {
            Failure::Transient { retry_after: error.retry_after() }
        };
        Self { failure, problem: error.problem() }
    }
}
