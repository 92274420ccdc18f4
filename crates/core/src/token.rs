//! When a token is fetched, served and given up. The token itself never comes here.
//!
//! The numbers stand in [`Policy`], what an answer says about its own life in [`Lifetime`], and the
//! decisions in [`TokenLifecycle`]. Two tokens live by them, one after the other: the workspace
//! token, and the database credentials that it buys.

mod fingerprint;
mod left;
mod lifecycle;
mod lifetime;
mod policy;
mod status;

pub use fingerprint::Fingerprint;
pub use left::Left;
pub use lifecycle::{Action, Failure, Reason, TokenLifecycle};
pub use lifetime::{Doubt, Expiry, Lifetime};
pub use policy::Policy;
pub use status::{Cause, Counts, LastFailure, State, Status};
