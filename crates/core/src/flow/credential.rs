//! The second token of the chain: the password of the next logins.
//!
//! It is bought with the first one, unless another instance left one that will do, or is buying one.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::cell::{Cell, RefCell};
use core::time::Duration;

use crate::config::OAuthAccess;
use crate::edge::{Claim, Edge};
use crate::flow::gate::{Gate, Held, MintFailure, Minted, Source};
use crate::flow::kept;
use crate::flow::mint::{
    MintError, Target, WorkspaceToken, credential, discover_target, discover_user, owner,
};
use crate::flow::workspace::{WorkspaceSource, lifetime};
use crate::problem::{Kind, Problem};
use crate::secret::Secret;
use crate::token::{Failure, Fingerprint, Policy};

/// How often, and how many times, to look for what another instance is buying: 5 s in all. Claims
/// lapse before that, so that one of those who wait buys, and the others have time to take that.
const PAUSE: Duration = Duration::from_millis(100);
const LOOKS: u32 = 50;

/// A database credential with the login that it is for.
pub struct Credential {
    /// The password.
    pub token: Secret,
    /// The role.
    pub user: String,
    /// The instance or endpoint.
    pub target: Target,
}

/// Buys database credentials with workspace tokens, or takes up what was left.
pub(super) struct CredentialSource<E: Edge> {
    edge: Rc<E>,
    access: Rc<OAuthAccess>,
    workspace: Gate<E, WorkspaceSource<E>>,
    policy: Policy,
    /// The last credential that was given out: never to be taken up once more.
    last: Cell<Option<Fingerprint>>,
    /// What was found out with an earlier workspace token.
    found: RefCell<Option<Found>>,
}

/// Who we are and what we log in to. The role is the token's owner: another token, another look.
#[derive(Clone)]
struct Found {
    owner: Fingerprint,
    user: String,
    target: Target,
}

impl<E: Edge> CredentialSource<E> {
    pub(super) fn new(
        edge: Rc<E>,
        access: Rc<OAuthAccess>,
        workspace: Gate<E, WorkspaceSource<E>>,
        policy: Policy,
    ) -> Self {
        let (last, found) = (Cell::new(None), RefCell::new(None));
        Self { edge, access, workspace, policy, last, found }
    }

    /// What another instance left, or leaves while we wait for it; else we buy.
    async fn shared(&self) -> Result<Minted<Credential>, MintFailure> {
        let Some(owner) = owner(&*self.edge, &self.access).await else {
            return self.bought().await; // It tells what is wrong with the settings.
        };
        for _ in 0..LOOKS {
            if let Some(left) = self.left(&owner).await {
                return Ok(left);
            }
            match self.edge.claim(&owner).await {
                Claim::Ours => return self.claimed(&owner).await,
                Claim::Theirs => self.edge.sleep(PAUSE).await,
                Claim::Needless => break,
            }
        }
        self.bought().await
    }

    /// Buys a credential for all who wait for ours.
    async fn claimed(&self, owner: &str) -> Result<Minted<Credential>, MintFailure> {
        let outcome = match self.left(owner).await {
            // The one before us was done between our look and our claim.
            Some(left) => Ok(left),
            None => self.bought().await,
        };
        let refused = outcome.as_ref().is_err_and(|error| error.failure == Failure::Permanent);
        self.edge.disclaim(owner, refused).await;
        outcome
    }

    /// The credential that another instance left, if it will do.
    async fn left(&self, owner: &str) -> Option<Minted<Credential>> {
        let entry = kept::recall(&*self.edge, owner).await?;
        entry.taken_up(&self.policy, self.edge.clocks().wall, self.last.get())
    }

    /// Buys a credential. One try of the workspace is part of one try of ours.
    async fn bought(&self) -> Result<Minted<Credential>, MintFailure> {
        let held = self.workspace.renewed(0).await.map_err(|problem| self.chained(problem))?;
        match self.buy(&held).await {
            Err(error) if error.workspace_token_refused() => {
                let renewed = self.workspace.refused(held.fingerprint).await;
                match renewed.map_err(|problem| self.chained(problem))? {
                    Some(held) => Ok(self.buy(&held).await?),
                    None => Err(error.into()),
                }
            }
            bought => Ok(bought?),
        }
    }

    /// Buys a credential with this workspace token, and leaves it for other instances.
    async fn buy(&self, held: &Held<WorkspaceToken>) -> Result<Minted<Credential>, MintError> {
        let Found { user, target, .. } = self.find(held).await?;
        let request_id = uuid(self.edge.random(), self.edge.random());
        let bought = credential(&*self.edge, &held.token, &target, &request_id).await;
        if let Err(error) = &bought
            && error.permanent()
            && !error.workspace_token_refused()
        {
            // What was found may be what is wrong: an instance that was made anew.
            self.found.replace(None);
        }
        let bought = bought?;
        let minted = Minted {
            fingerprint: Fingerprint::of(&bought.token),
            lifetime: lifetime(&bought.claim, &bought.exchange),
            token: Credential { token: bought.token, user, target },
        };
        // By the token that bought it: the settings may name somebody else by now.
        if let Some(owner) = &held.token.owner {
            let entry = kept::text(&minted, bought.exchange.sent.wall);
            self.edge.remember(owner, &entry).await;
        }
        Ok(minted)
    }

    async fn find(&self, held: &Held<WorkspaceToken>) -> Result<Found, MintError> {
        let known = self.found.borrow().clone();
        let (owner, token) = (held.fingerprint, &held.token);
        if let Some(known) = known.as_ref().filter(|known| known.owner == owner) {
            return Ok(known.clone());
        }
        let user = discover_user(&*self.edge, token).await?;
        let target = match known {
            Some(known) => known.target,
            None => discover_target(&*self.edge, &self.access, token).await?,
        };
        let found = Found { owner, user, target };
        self.found.replace(Some(found.clone()));
        Ok(found)
    }

    /// A failure of the first token, as one of the second: its next try is not before the first
    /// one's, or it would only wait for that, and then tell of the wait and not of the reason.
    fn chained(&self, problem: Problem) -> MintFailure {
        let failure = match problem.kind {
            Kind::Configuration | Kind::Denied => Failure::Permanent,
            _ => Failure::Transient { retry_after: self.workspace.status().life.next_mint_in },
        };
        MintFailure { failure, problem }
    }
}

impl<E: Edge> Source for CredentialSource<E> {
    type Token = Credential;

    async fn mint(&self, resume: bool) -> Result<Minted<Credential>, MintFailure> {
        // After a refused login a new one is due at once, whatever others do.
        let minted = if resume { self.shared().await? } else { self.bought().await? };
        self.last.set(Some(minted.fingerprint));
        Ok(minted)
    }
}

/// A version 4 UUID (RFC 9562) of these random bits.
pub(super) fn uuid(high: u64, low: u64) -> String {
    let (high, low) = (high & !0xf000 | 0x4000, low & !(0b11 << 62) | 0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests;
