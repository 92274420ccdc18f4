//! What the control plane, the gate and the admin API share.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::certificate::Authority;
use crate::clock::Clock;
use crate::counts::Tally;
use crate::faults::Faults;
use crate::gate::faults::GateFaults;
use crate::jwt::{Claims, Keys, Scope};
use crate::postgres::catalog::{Catalog, CatalogError};
use crate::world::World;

/// One emulated Lakebase.
pub struct Lakebase {
    /// The one clock.
    pub clock: Clock,
    /// Signs and checks the tokens.
    pub keys: Keys,
    /// Vouches for the TLS servers.
    pub authority: Authority,
    /// Roles and databases.
    pub catalog: Catalog,
    /// What goes wrong at the control plane.
    pub faults: Faults,
    /// What goes wrong at the gate.
    pub gate_faults: GateFaults,
    /// What was asked so far.
    pub tally: Tally,
    world: Mutex<World>,
    policy: Mutex<TokenPolicy>,
    publishing: tokio::sync::Mutex<()>,
}

/// How tokens are made and described. The admin API changes it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenPolicy {
    /// How long a workspace token counts, in seconds.
    pub workspace_lifetime_s: i64,
    /// How long a database credential counts, in seconds.
    pub credential_lifetime_s: i64,
    /// How `expires_in` is written in the OAuth answer.
    pub expires_in: ExpiresIn,
    /// How the expiry is written in the credential's answer.
    pub expiry: Expiry,
    /// The status that an expired workspace token meets: 401, or 403 as some workspaces answer.
    pub expired_status: u16,
}

/// How `expires_in` is written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiresIn {
    /// `3600`
    Number,
    /// `"3600"`
    String,
    /// Not at all.
    Absent,
}

/// How a credential's expiry is written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// As it is.
    Honest,
    /// Not at all.
    Absent,
    /// An hour ago, although the token counts.
    Past,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self {
            workspace_lifetime_s: 3_600,
            credential_lifetime_s: 3_600,
            expires_in: ExpiresIn::Number,
            expiry: Expiry::Honest,
            expired_status: 401,
        }
    }
}

/// A token and when it ends.
pub struct Minted {
    /// The JWT.
    pub token: String,
    /// Its `exp`.
    pub expires_at: Timestamp,
}

impl Lakebase {
    /// Puts the parts together.
    pub fn new(
        clock: Clock,
        keys: Keys,
        authority: Authority,
        catalog: Catalog,
        world: World,
    ) -> Self {
        Self {
            clock,
            keys,
            authority,
            catalog,
            faults: Faults::default(),
            gate_faults: GateFaults::default(),
            tally: Tally::default(),
            world: Mutex::new(world),
            policy: Mutex::new(TokenPolicy::default()),
            publishing: tokio::sync::Mutex::default(),
        }
    }

    /// The workspace. Hold it for a moment only.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// How tokens are made.
    pub fn policy(&self) -> TokenPolicy {
        *lock(&self.policy)
    }

    /// Changes how tokens are made, for those made from now on.
    pub fn set_policy(&self, policy: TokenPolicy) {
        *lock(&self.policy) = policy;
    }

    /// Makes a token for `subject` that counts for `lifetime_s` seconds.
    pub fn mint(&self, issuer: &str, subject: &str, scope: Scope, lifetime_s: i64) -> Minted {
        let now = self.clock.now();
        let expires_at = now.checked_add(SignedDuration::from_secs(lifetime_s)).unwrap_or(now);
        let claims = Claims {
            iss: issuer.to_owned(),
            sub: subject.to_owned(),
            scope,
            iat: now.as_second(),
            exp: expires_at.as_second(),
            jti: Uuid::new_v4().to_string(),
        };
        self.tally.count(|counts| match scope {
            Scope::AllApis => counts.workspace_tokens += 1,
            Scope::Postgres => counts.credentials += 1,
        });
        Minted { token: self.keys.sign(&claims), expires_at }
    }

    /// How the answer of a credentials API states an expiry; none leaves the field out.
    pub(crate) fn stated(&self, expires_at: Timestamp) -> Option<String> {
        // Databricks writes whole seconds.
        let stated = match self.policy().expiry {
            Expiry::Honest => expires_at.as_second(),
            Expiry::Absent => return None,
            Expiry::Past => self.clock.now().as_second() - 3_600,
        };
        Some(Timestamp::from_second(stated).unwrap_or(expires_at).to_string())
    }

    /// The names of everybody in the workspace with their kinds, told to Postgres.
    ///
    /// # Errors
    /// When Postgres does not take them.
    pub async fn publish_identities(&self) -> Result<(), CatalogError> {
        // One after the other, so that the last to be told is the last to have changed.
        let _turn = self.publishing.lock().await;
        let principals: BTreeMap<_, _> = self.world().principals.clone();
        self.catalog.publish(principals.values()).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one assignment, so nothing is half done even after a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
