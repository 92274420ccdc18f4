//! Who is about to buy a credential: of many instances that find none, one buys and the others wait.
//!
//! A claim is an entry beside the credential, sealed like it: what is bought under another key would
//! be of no use here. The store of Spin cannot compare and swap, so whoever claims writes, lets the
//! others write, and reads again: the last one has it. One that was slow to write may have it
//! beside another; that costs a purchase.

use std::time::Duration;

use lakegate_core::edge::Claim;
use lakegate_core::secret::Secret;
use spin_sdk::time::sleep;
use spin_sdk::wasip3::random::random::get_random_u64;

use crate::{sealed, store, time};

const CLAIM: &str = "claim";

/// For how long a claim counts, in milliseconds: longer than a purchase takes as a rule, shorter
/// than the core waits for one. Clocks that differ by more than this make a claim count for nothing.
const LAPSE: u64 = 3_000;

/// How long others have to write after us: longer than a store takes to read and write.
const SETTLE: Duration = Duration::from_millis(25);

/// A store that takes longer spares nobody anything.
const LIMIT: Duration = Duration::from_secs(1);

/// Stands where the number of an instance stands, after a purchase that was refused for good.
const REFUSED: &str = "refused";

/// Claims the next purchase for this owner.
pub(crate) async fn stake(owner: &str) -> Claim {
    time::within(LIMIT, staked(owner)).await.unwrap_or(Claim::Needless)
}

/// Takes back the claim for this owner, or leaves word that nobody is to wait.
pub(crate) async fn withdraw(owner: &str, refused: bool) {
    match refused {
        true => _ = leave(owner, &text(REFUSED, time::wall())).await,
        false => store::delete(&store::key(CLAIM, owner)).await,
    }
}

async fn staked(owner: &str) -> Claim {
    let ours = text(&format!("{:016x}", get_random_u64()), time::wall());
    let before = judge(seen(owner).await, &ours, time::wall());
    if before != Claim::Ours {
        return before;
    }
    if !leave(owner, &ours).await {
        return Claim::Needless;
    }
    sleep(SETTLE).await;
    judge(seen(owner).await, &ours, time::wall())
}

async fn seen(owner: &str) -> Option<Secret> {
    sealed::get(CLAIM, owner).await
}

async fn leave(owner: &str, claim: &str) -> bool {
    sealed::set(CLAIM, owner, &Secret::new(claim)).await
}

/// A claim: who, and when, in milliseconds since 1970.
fn text(who: &str, when: u64) -> String {
    format!("{who} {when}")
}

/// Whose the purchase is at this moment, by the claim that is seen. Ours if there is none: one that
/// is gone was another's, but what it was for is there or will not come.
fn judge(seen: Option<Secret>, ours: &str, now: u64) -> Claim {
    let Some(claim) = seen.filter(|claim| claim.expose() != ours) else { return Claim::Ours };
    let Some((who, when)) = claim.expose().split_once(' ') else { return Claim::Ours };
    match when.parse::<u64>() {
        Ok(when) if LAPSE < when.abs_diff(now) => Claim::Ours,
        Ok(_) if who == REFUSED => Claim::Needless,
        Ok(_) => Claim::Theirs,
        Err(_) => Claim::Ours,
    }
}

#[cfg(test)]
mod tests {
    use lakegate_core::edge::Claim::{Needless, Ours, Theirs};

    use super::*;

    #[test]
    fn a_claim_of_another_counts_for_three_seconds() {
        for (seen, now, expected) in [
            (None, 10_000, Ours),
            (Some("a 10000"), 10_000, Ours),
            (Some("a 10000"), 10_025, Ours),
            (Some("b 10000"), 10_000, Theirs),
            (Some("b 9000"), 10_025, Theirs),
            (Some("b 9000"), 12_000, Theirs),
            (Some("b 9000"), 12_001, Ours),
            (Some("b 12000"), 9_000, Theirs), // Its clock is ahead of ours.
            (Some("b 12001"), 9_000, Ours),
            (Some("b 18446744073709551615"), 10_000, Ours),
            (Some("refused 9000"), 12_000, Needless),
            (Some("refused 9000"), 12_001, Ours),
            (Some(""), 10_000, Ours),
            (Some("b"), 10_000, Ours),
            (Some("b soon"), 10_000, Ours),
            (Some("b -1"), 0, Ours),
        ] {
            let claim = judge(seen.map(Secret::new), &text("a", 10_000), now);
            assert_eq!(claim, expected, "{seen:?} at {now}");
        }
    }
}
