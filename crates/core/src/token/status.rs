//! What can be seen of a token's life from outside.

use core::time::Duration;

/// A token's life as it stands, without the token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// Where in its life it is.
    pub state: State,
    /// The generation of the token that is served.
    pub generation: Option<u64>,
    /// How long ago the request for the token that is served was sent.
    pub age: Option<Duration>,
    /// Until the token that is served expires.
    pub expires_in: Option<Duration>,
    /// For how long the token that is served may still be used; it expires a little later.
    pub serves_for: Option<Duration>,
    /// Until the next mint may begin; absent while one is under way.
    pub next_mint_in: Option<Duration>,
    /// Failed mints since the last one that went well.
    pub failures: u32,
    /// The last failed mint, unless one went well since.
    pub last_failure: Option<LastFailure>,
    /// What happened so far.
    pub counts: Counts,
}

/// Where in its life a token is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Nobody asked for a token yet, or the last one died and nobody asked since.
    Absent,
    /// There is none; it is being fetched.
    Minting,
    /// There is none; the last try failed and the next one is not yet due.
    Waiting,
    /// There is none; the last try was refused for good.
    Denied,
    /// It is served.
    Live,
    /// It is served while the next one is being fetched.
    Renewing,
    /// It is served though the last try to renew it failed.
    Struggling,
}

impl State {
    /// Whether a token is served.
    pub const fn serves(self) -> bool {
        matches!(self, Self::Live | Self::Renewing | Self::Struggling)
    }
}

/// A mint that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LastFailure {
    /// Which mint it was.
    pub generation: u64,
    /// In what way it failed.
    pub cause: Cause,
    /// How long ago.
    pub ago: Duration,
}

/// In what way a mint failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// There was no usable answer.
    Transient,
    /// It was refused for good.
    Permanent,
    /// No answer came within the limit.
    Timeout,
    /// The token was dead when it came.
    DeadOnArrival,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Tries to get a token, whether one was left for it or a new one was asked for.
    pub tries: u64,
    /// New tokens taken into service.
    pub minted: u64,
    /// Tokens of earlier instances taken into service.
    pub resumed: u64,
    /// Tries that failed.
    pub failures: u64,
    /// Logins refused with the token then served.
    pub refusals: u64,
    /// Answers that came too late, and were dropped; and tokens of earlier instances, found when
    /// a refused login had already asked for a new one.
    pub dropped: u64,
}
